/**
 * Shows that the checks of the random programs, and of the exploring tests, see: breaks a copy of the library on purpose, one law
 * at a time, and says at which seed that was found.
 *
 *     node test/random/mutations.mjs [word]               all, or those with this word in their name
 *     node test/random/mutations.mjs --explore [word]     by the exploring tests of the core
 *
 * A mutation of `mutations.json` replaces text of a source file; `stale` says that the text is not there any more, or that what
 * comes of it is no program, and the list wants an update (`test/house/mutations.test.ts` says so at once).
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const byExploring = process.argv[2] === '--explore';
const word = process.argv[byExploring ? 3 : 2] ?? '';
const folder = byExploring ? 'test/explore' : 'test/random';
const tests = byExploring ? 'test/explore/core' : 'test/random/random-programs';

const repository = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../..');
const copy = mkdtempSync(join(tmpdir(), 'mutations-'));
for (const part of ['src', folder, 'package.json', 'jest.config.cjs', 'tsconfig.json', 'tsconfig.base.json']) {
  cpSync(join(repository, part), join(copy, part), { recursive: true });
}
symlinkSync(join(repository, 'node_modules'), join(copy, 'node_modules'));

const NO_PROGRAM = 'no program';

/** What stands still is given up after so long; on a slow machine after a few times what the library as it is takes. */
const LEAST_LIMIT_MS = 120_000;
let limitMs = 10 * LEAST_LIMIT_MS;

/** What the random programs say about the copy as it is now. */
function verdict() {
  const env = { ...process.env, COUNT: '1000', SEEDS: '90', SHRINK: '0' };
  // Straight to jest, so that the time limit reaches what runs; and some mutations would take all the memory there is.
  const jest = [join(repository, 'node_modules/jest/bin/jest.js'), '-i', tests];
  const run = spawnSync(process.execPath, ['--max-old-space-size=600', ...jest], {
    cwd: copy,
    env,
    timeout: limitMs,
    killSignal: 'SIGKILL',
    encoding: 'utf8',
  });
  if (run.error !== undefined || run.status === null) return 'found: it runs for ever';
  if (run.status === 0) return undefined;
  const text = run.stdout + run.stderr;
  if (/SyntaxError|ReferenceError/.test(text)) return NO_PROGRAM;
  const found = /1 seeds: (.*) \((\d+)\)/.exec(text);
  if (found !== null) return `found at seed ${found[2]}: ${found[1]}`;
  const failed = /SimulationFailedError: (.*)\n *(seed \d+, .*)/.exec(text);
  return failed === null ? `found: ${text.slice(0, 300)}` : `found (${failed[2]}): ${failed[1]}`;
}

const began = performance.now();
const before = verdict();
limitMs = Math.max(LEAST_LIMIT_MS, 4 * (performance.now() - began));
if (before !== undefined) console.log(`the library as it is fails already, so the rest says little: ${before}`);
let missed = 0;
const mutations = JSON.parse(readFileSync(join(repository, 'test/random/mutations.json'), 'utf8'));
for (const { name, file, text, other } of mutations.filter(({ name }) => name.includes(word))) {
  const path = join(copy, file);
  let source;
  try {
    source = readFileSync(path, 'utf8');
  } catch {
    source = '';
  }
  if (!source.includes(text)) {
    console.log(`stale    ${name} (${file})`);
    missed++;
    continue;
  }
  writeFileSync(
    path,
    source.replace(text, () => other),
  );
  const found = verdict();
  writeFileSync(path, source);
  if (found === undefined || found === NO_PROGRAM) missed++;
  const seen = found === undefined ? 'MISSED  ' : found === NO_PROGRAM ? 'stale   ' : 'seen    ';
  console.log(`${seen} ${name}: ${found ?? 'by none'}`);
}
rmSync(copy, { recursive: true });
process.exitCode = missed === 0 && before === undefined ? 0 : 1;
