/**
 * Is copied into an empty folder that has the packed package installed, and loads it there as users do (see
 * check-packed.mjs). `node packed-probe.cjs import|require`: who loads first, since that must not matter. What is bundled must be
 * called what it is called in the sources, and know its own files from those of the program.
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
  const renamed = listed.filter((name) => typeof byImport[name] === 'function' && byImport[name].name !== name);
  return [
    ...problems,
    ...doubled.map((name) => `${name} of ${entrance} is another one by import than by require`),
    ...renamed.map((name) => `${name} of ${entrance} calls itself ${byImport[name].name}`),
  ];
}

/** Where a wait began is told by the file of the program, not by one of the package. */
async function placeProblems() {
  const { start, TaskThread } = await import('taskthread');
  const waiting = new TaskThread();
  const root = await start(waiting, { traceWaits: true });
  waiting.tasks.reCreate('wait', (turn) => turn.sleep(60_000));
  await new Promise((done) => {
    setTimeout(done, 10);
  });
  const at = root.snapshot().waits[0]?.at;
  await root.stop({ drainMs: 0 });
  return at?.split('\n')[0].includes(__filename) ? [] : [`a traced wait began at: ${at}`];
}

async function main() {
  const problems = [];
  if (process.argv[2] === 'import') for (const entrance of Object.keys(lists)) await import(entrance);
  for (const [entrance, { values }] of Object.entries(lists)) problems.push(...(await problemsOf(entrance, values)));
  problems.push(...(await placeProblems()));
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

void main();
