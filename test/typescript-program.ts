/** Starts the small programs of the tests (`…-program.ts`), which stand beside them: a process each, from the sources. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';

const FLAGS = ['--no-warnings', '--conditions=taskthread-source', '--import', './scripts/swc.mjs'];

/** By its path from the root, with its words; `flags` are more of Node's own. */
export function startProgram(
  file: string,
  words: readonly string[] = [],
  flags: readonly string[] = [],
): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, [...FLAGS, ...flags, file, ...words], {
    cwd: resolve(__dirname, '..'),
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
