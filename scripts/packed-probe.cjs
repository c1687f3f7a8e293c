/**
 * Is copied into an empty folder that has the packed package installed, and loads it there as users do (see
 * check-packed.mjs). `node packed-probe.cjs import|require`: who loads first, since that must not matter.
 */
// oxlint-disable-next-line typescript/unbound-method -- join needs no this
const { join } = require('node:path');
const { lists, commonJsFiles } = require('./packed-lists.json');

const namesOf = (module) => Object.keys(module).filter((name) => name !== '__esModule' && name !== 'module.exports');

/** What differs between the ways to load one entrance, and from the list. */
async function problemsOf(entrance, listed) {
  const byRequire = require(entrance);
  const byImport = await import(entrance);
  const commonJs = require(join(__dirname, 'node_modules/taskthread', commonJsFiles[entrance]));
  const problems = [];
  for (const [way, module] of Object.entries({ import: byImport, require: byRequire, 'dist/cjs': commonJs })) {
    const names = namesOf(module).sort().join(' ');
    if (names !== listed.join(' ')) problems.push(`${entrance} by ${way} has: ${names}\n  listed: ${listed.join(' ')}`);
  }
  const doubled = listed.filter((name) => byImport[name] !== byRequire[name]);
  return [...problems, ...doubled.map((name) => `${name} of ${entrance} is another one by import than by require`)];
}

async function main() {
  const problems = [];
  if (process.argv[2] === 'import') for (const entrance of Object.keys(lists)) await import(entrance);
  for (const [entrance, { values }] of Object.entries(lists)) problems.push(...(await problemsOf(entrance, values)));
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

void main();
