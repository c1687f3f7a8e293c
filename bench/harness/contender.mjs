// A contender as the harness sees it: a process that is asked to do one measurement at a time.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { progressOver } from './progress.mjs';

const program = fileURLToPath(new URL('contender-process.mjs', import.meta.url));
const alive = new Set();
const others = new Set();

export class ContenderFailed extends Error {}

export class Contender {
  #process;
  #errors = '';
  #waiting;
  #timeoutMs;

  constructor(file, name, { heapMb, timeoutMs = 60_000, flags = [] } = {}) {
    const execArgv = ['--expose-gc', '--no-warnings', ...flags];
    if (heapMb !== undefined) execArgv.push(`--max-old-space-size=${heapMb}`);
    this.#timeoutMs = timeoutMs;
    this.#process = fork(program, [file, name], { execArgv, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    alive.add(this.#process);
    this.#process.stderr.on('data', (data) => {
      this.#errors = (this.#errors + data).slice(-4000);
    });
    this.#process.on('message', (message) => this.#settle(message));
    this.#process.on('close', (code, signal) => {
      alive.delete(this.#process);
      const last = this.#errors.trim().split('\n').slice(0, 8).join('\n');
      this.#settle({ error: `ended with ${signal ?? code}${last && `: ${last}`}` });
    });
  }

  /** Resolves when the process has loaded what it needs. */
  ready() {
    return this.#answer();
  }

  measure(job) {
    if (this.#process.connected) this.#process.send(job);
    return this.#answer();
  }

  end() {
    this.#process.kill('SIGKILL');
  }

  async #answer() {
    let timer;
    const answer = await new Promise((resolve) => {
      this.#waiting = resolve;
      timer = setTimeout(() => resolve({ error: `gave no answer in ${this.#timeoutMs / 1000} s` }), this.#timeoutMs);
      if (!this.#process.connected) resolve({ error: `is gone: ${this.#errors.trim()}` });
    });
    clearTimeout(timer);
    this.#waiting = undefined;
    if (answer.error === undefined) return answer;
    this.end();
    throw new ContenderFailed(answer.error);
  }

  #settle(message) {
    this.#waiting?.(message);
  }
}

/** Tells of a process that is no contender, but must not outlive the harness. It gets the time to end its own. */
export function running(process) {
  others.add(process);
  process.on('close', () => others.delete(process));
}

/** When somebody interrupts it: all processes end, and then this one. */
export function endAllWhenInterrupted(says) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => {
      endAll();
      progressOver();
      console.error(says);
      process.exit(130);
    });
  }
}

/** Ends all processes that are still there. */
export function endAll() {
  for (const process of alive) process.kill('SIGKILL');
  for (const process of others) process.kill('SIGTERM');
}
