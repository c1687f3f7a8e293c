/** What the tests of the sync primitives share: executions with a scope of their own, in virtual time, and a look at what is left. */
import { CancelScope } from '../../src/kernel/cancel-scope.ts';
import { CancelledError } from '../../src/kernel/errors.ts';
import { type Host, makeHost } from '../../src/kernel/host.ts';
import { leakCheck, VirtualTime } from '../../src/testing/index.ts';
import { microtasks } from '../kernel/virtual-host.ts';

let virtual = new VirtualTime();
let host: Host;

/** What happened, in order. */
export const words: string[] = [];

export function time(): VirtualTime {
  return virtual;
}

/** An execution: what it waits for belongs to its scope. */
export class Execution {
  readonly scope: CancelScope;

  constructor(options: { readonly outer?: CancelScope; readonly timeoutMs?: number } = {}) {
    this.scope = new CancelScope(host, options.outer, { timeoutMs: options.timeoutMs });
  }

  cancel(): void {
    this.scope.cancel(new CancelledError('asked to'));
  }

  end(): void {
    this.scope.end(new Error('it has ended'));
  }
}

/** Writes down, under a name, how a promise ends: `ok`, its value, or the code of its error. */
export function watch(name: string, promise: Promise<unknown>): void {
  promise.then(
    (value) => words.push(typeof value === 'string' || typeof value === 'number' ? `${name} ${value}` : name),
    (error: { code?: string; message: string }) => words.push(`${name} ${error.code ?? error.message}`),
  );
}

/** Everything runs that can; then what has happened since the last look. */
export async function seen(): Promise<string[]> {
  await virtual.settle();
  return words.splice(0);
}

/** At the top of a file: sets up before, and looks for what is left after each of its tests. */
export function checkExecutions(): void {
  let check = leakCheck();
  const unhandled: unknown[] = [];
  const onUnhandled = (error: unknown): void => {
    unhandled.push(error);
  };
  beforeEach(() => {
    virtual = new VirtualTime();
    host = makeHost(virtual.options);
    words.length = 0;
    unhandled.length = 0;
    check = leakCheck();
    process.on('unhandledRejection', onUnhandled);
  });
  afterEach(async () => {
    await virtual.settle();
    await microtasks();
    process.off('unhandledRejection', onUnhandled);
    check();
    expect([unhandled, words]).toEqual([[], []]);
  });
}
