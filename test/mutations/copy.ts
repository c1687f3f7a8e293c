/** A copy of the library that may be broken, with the tests that look at it. The working tree is never touched. */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Fault, plant } from './fault.ts';
import type { Hunt } from './hunts.ts';

const SETTINGS = ['package.json', 'jest.config.cjs', 'tsconfig.json', 'tsconfig.base.json'];
const TIME_LIMIT_MS = 120_000;
/** Some faults would take all the memory there is. */
const MEMORY_LIMIT_MB = 600;

/** `kept`: the tests pass. `stale`: the fault cannot be planted any more. */
export type Verdict =
  | { readonly kind: 'kept' | 'stale' | 'interrupted' }
  | { readonly kind: 'found'; readonly how: string };

export class BreakableCopy {
  readonly #hunt: Hunt;
  readonly #root = resolve('.');
  readonly #folder = mkdtempSync(join(tmpdir(), 'mutations-'));

  constructor(hunt: Hunt) {
    this.#hunt = hunt;
    for (const part of ['src', ...hunt.folders, ...SETTINGS]) {
      cpSync(join(this.#root, part), join(this.#folder, part), { recursive: true });
    }
    symlinkSync(join(this.#root, 'node_modules'), join(this.#folder, 'node_modules'));
  }

  /** What the tests say of the library with this fault; of the library as it is without one. */
  async verdict(fault: Fault | undefined, interrupted: AbortSignal): Promise<Verdict> {
    if (fault === undefined) return await this.#runTests(interrupted);
    const path = join(this.#folder, fault[1]);
    const source = readFileSync(path, 'utf8');
    const broken = plant(source, fault);
    if (broken === undefined) return { kind: 'stale' };
    writeFileSync(path, broken);
    try {
      return await this.#runTests(interrupted);
    } finally {
      writeFileSync(path, source);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }

  async #runTests(interrupted: AbortSignal): Promise<Verdict> {
    // Straight to jest, so that the time limit reaches what runs.
    const jest = [join(this.#root, 'node_modules/jest/bin/jest.js'), '-i', this.#hunt.tests];
    const child = spawn(process.execPath, [`--max-old-space-size=${MEMORY_LIMIT_MB}`, ...jest], {
      cwd: this.#folder,
      env: { ...process.env, ...this.#hunt.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIME_LIMIT_MS,
      killSignal: 'SIGKILL',
    });
    const kill = (): void => void child.kill('SIGKILL');
    interrupted.addEventListener('abort', kill);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    const code = await new Promise<number | null>((ended) => child.once('close', ended));
    interrupted.removeEventListener('abort', kill);
    if (interrupted.aborted) return { kind: 'interrupted' };
    if (code === 0) return { kind: 'kept' };
    return {
      kind: 'found',
      how: code === null ? 'it runs for ever' : (this.#hunt.found(output) ?? output.slice(0, 300)),
    };
  }
}
