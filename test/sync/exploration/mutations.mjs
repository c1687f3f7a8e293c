/**
 * Shows that the exploration sees: breaks a copy of the primitives on purpose, one fault at a time, and says which of its models
 * found it, at which seed.
 *
 *     node test/sync/exploration/mutations.mjs [word]      all, or those with this word in their name
 *
 * A mutation of `mutations.json` replaces text of a source file; `stale` says that the text is not there any more and the list wants
 * an update (`test/house/mutations.test.ts` says so at once).
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const copy = mkdtempSync(join(tmpdir(), 'sync-mutations-'));
const parts = [
  'src',
  'test/sync/exploration',
  'test/random',
  'package.json',
  'jest.config.cjs',
  'tsconfig.json',
  'tsconfig.base.json',
];
for (const part of parts) cpSync(join(repository, part), join(copy, part), { recursive: true });
symlinkSync(join(repository, 'node_modules'), join(copy, 'node_modules'));

/** What the exploration says about the copy as it is now. */
function verdict() {
  const env = { ...process.env, COUNT: '400', SHRINK: '0' };
  // Straight to jest, so that the time limit reaches what runs; and some mutations would take all the memory there is.
  const jest = [join(repository, 'node_modules/jest/bin/jest.js'), '-i', 'test/sync/exploration'];
  const run = spawnSync(process.execPath, ['--max-old-space-size=600', ...jest], {
    cwd: copy,
    env,
    timeout: 120_000,
    killSignal: 'SIGKILL',
    encoding: 'utf8',
  });
  if (run.error !== undefined || run.status === null) return 'it runs for ever';
  if (run.status === 0) return undefined;
  const text = run.stdout + run.stderr;
  const found = [...text.matchAll(/● (.*) does what its model does.*\n\n\s*SEED=(\d+): (.*)/g)];
  if (found.length === 0) return text.slice(0, 300);
  const [, kind, seed, fault] = found[0];
  return `${found.length} models, the first ${kind} at seed ${seed}: ${fault}`;
}

const before = verdict();
if (before !== undefined) console.log(`the primitives as they are fail already, so the rest says little: ${before}`);
let missed = 0;
const mutations = JSON.parse(readFileSync(join(repository, 'test/sync/exploration/mutations.json'), 'utf8'));
for (const { name, file, text, other } of mutations.filter(({ name }) => name.includes(process.argv[2] ?? ''))) {
  const path = join(copy, file);
  const source = readFileSync(path, 'utf8');
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
  if (found === undefined) missed++;
  console.log(
    `${found === undefined ? 'MISSED  ' : 'seen    '} ${name}: ${found ?? 'not in 400 schedules of each kind'}`,
  );
}
rmSync(copy, { recursive: true });
process.exitCode = missed === 0 && before === undefined ? 0 : 1;
