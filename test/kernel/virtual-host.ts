import type { CancelScope, ScopeLevel, ScopeMember } from '../../src/kernel/cancel-scope.ts';
import { type Host, makeHost } from '../../src/kernel/host.ts';
import type { Waiter, WaitOwner } from '../../src/kernel/wait-queue.ts';
import { VirtualTime } from '../../src/testing/index.ts';

/** A host in virtual time. */
export function virtualHost(): { readonly time: VirtualTime; readonly host: Host } {
  const time = new VirtualTime();
  return { time, host: makeHost(time.options) };
}

/** A member of a scope that writes down what reaches it. */
export class ToldMember implements ScopeMember {
  scope: CancelScope | undefined;
  previousMember: ScopeMember | undefined;
  nextMember: ScopeMember | undefined;
  readonly #told: string[];
  readonly name: string;
  readonly #whenTold: () => void;

  constructor(name: string, told: string[], whenTold: () => void = () => {}) {
    this.name = name;
    this.#told = told;
    this.#whenTold = whenTold;
  }

  reached(level: ScopeLevel): void {
    this.#told.push(`${this.name} ${level}`);
    this.#whenTold();
  }
}

/** An owner of waits that writes down whose wait was cancelled. */
export class ToldOwner implements WaitOwner {
  readonly cancelled: unknown[] = [];

  describeWait(waiter: Waiter): string {
    return `wait of ${String(waiter.item)}`;
  }

  waitCancelled(waiter: Waiter): void {
    this.cancelled.push(waiter.item);
  }
}

/** How a promise ended, in a word, written down as soon as it ends: its value, or its error's message. */
export function outcomeOf(promise: Promise<unknown>): { word: string } {
  const outcome = { word: 'waiting' };
  promise.then(
    (value) => (outcome.word = `woken ${String(value)}`),
    (error: unknown) => (outcome.word = (error as Error).message),
  );
  return outcome;
}

/** Lets all microtasks run, and those that they bring. */
export function microtasks(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

export function countMembers(scope: CancelScope): number {
  return [...scope.members()].length;
}
