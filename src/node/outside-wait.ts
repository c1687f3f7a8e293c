/**
 * What every word of this room is built from: one wait for something outside that knows nothing of cancelling. It is begun
 * at once, so that nothing is missed; it is undone exactly once, on every path; what comes after that means nothing.
 *
 *     begin ──► waits ──┬── done, failed ──► undo
 *                       └── the scope is cancelled ──► undo
 */
import { scopeOf } from '../kernel/ambient.ts';
import { calm } from '../kernel/calm.ts';
import type { Scoped } from '../kernel/cancel-scope.ts';
import { type Waiter, type WaitOwner, WaitQueue, rejected } from '../kernel/wait-queue.ts';

/** How a word of this room waits. */
export interface OutsideOptions {
  /** The turn, thread or cancel scope that the wait belongs to. Without one, the scope around the running code. */
  readonly scope?: Scoped | undefined;
}

/** How what is waited for tells its end. Only the first call counts. */
export interface Ending<T> {
  readonly done: (value: T) => void;
  readonly failed: (error: unknown) => void;
  /** The same of a failure that nobody else hears of: where it does not count it is on record. */
  readonly failedOrLate: (error: unknown) => void;
}

export interface OutsideWaitSpec<T> {
  /** The word that waits, for the error that says that it has no scope. */
  readonly word: string;
  /** What is waited for, in words. */
  readonly on: string;
  /** Something is taken in: closing the intake ends the wait. */
  readonly source?: boolean;
  /** Begins, and gives what undoes it. */
  readonly begin: (ending: Ending<T>) => (() => void) | undefined;
}

/** What a wait that begins now must be refused with, if anything. */
export function refusalOf(scoped: Scoped, source: boolean): Error | undefined {
  return scoped.refusal ?? (source ? scoped.cancelScope.sourceRefusal : undefined);
}

/** Waits for something outside. In a scope that refuses nothing is begun. */
export function waitOutside<T>(options: OutsideOptions, spec: OutsideWaitSpec<T>): Promise<T> {
  return calm(begun(options, spec));
}

async function begun<T>(options: OutsideOptions, spec: OutsideWaitSpec<T>): Promise<T> {
  const scoped = scopeOf(options, spec.word);
  const { scheduler } = scoped.cancelScope.host;
  const refusal = refusalOf(scoped, spec.source ?? false);
  if (refusal !== undefined) return rejected(refusal, scheduler);
  const slice = scheduler.spend() ? scheduler.nextSlice() : undefined;
  const ended = new OutsideWait(scoped, spec).promise;
  if (slice === undefined) return ended;
  // It may fail before the slice is over; whoever awaits this word is told then.
  ended.catch(() => {});
  await slice;
  return ended;
}

class OutsideWait<T> implements WaitOwner {
  readonly endedOutside = true;
  readonly #line = new WaitQueue();
  readonly #scoped: Scoped;
  readonly #on: string;
  readonly #waiter: Waiter;
  #undo: (() => void) | undefined;

  constructor(scoped: Scoped, { on, source, begin }: OutsideWaitSpec<T>) {
    this.#scoped = scoped;
    this.#on = on;
    this.#waiter = this.#line.parkWaiter(this, { scope: scoped.cancelScope, source, by: scoped });
    const waiter = this.#waiter;
    const failed = (error: unknown): void => {
      if (!waiter.parked) return;
      this.#undone();
      waiter.fail(error);
    };
    try {
      this.#undo = begin({
        done: (value) => {
          if (!waiter.parked) return;
          this.#undone();
          waiter.wake(value);
        },
        failed,
        failedOrLate: (error) => {
          if (waiter.parked) failed(error);
          else recordLate(scoped, on, error);
        },
      });
    } catch (error) {
      waiter.fail(error);
    }
    // It ended before there was anything to undo it with.
    if (!waiter.parked) this.#undone();
  }

  get promise(): Promise<T> {
    return this.#waiter.promise as Promise<T>;
  }

  describeWait(): string {
    return this.#on;
  }

  waitCancelled(): void {
    this.#undone();
  }

  #undone(): void {
    const undo = this.#undo;
    this.#undo = undefined;
    try {
      undo?.();
    } catch (error) {
      // The wait ends all the same, and with it whatever else the scope has to tell.
      recordLate(this.#scoped, this.#on, error);
    }
  }
}

/** Puts on record what nobody waits for any more. */
export function recordLate(scoped: Scoped, what: string, error: unknown): void {
  const { probe } = scoped.cancelScope.host;
  const path = 'path' in scoped && typeof scoped.path === 'string' ? scoped.path : '';
  if (probe.on) probe.record({ kind: 'late', path, what, error });
}
