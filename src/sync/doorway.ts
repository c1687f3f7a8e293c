/**
 * The way in for the words of this floor: each finds the scope that its wait belongs to, is refused where that scope refuses
 * (law 17: also when it need not wait), and takes its share of the slice (law 9).
 *
 * Not here: parking itself (`../kernel/wait-queue`), and what is handed to whom (beside each primitive).
 */
import { ambientScope, scopeOf } from '../kernel/ambient.ts';
import type { Scoped } from '../kernel/cancel-scope.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import { failing, rejected, type WaitOwner, type WaitQueue } from '../kernel/wait-queue.ts';

/** How a word waits. */
export interface WaitOptions {
  /** The turn, thread or cancel scope that the wait belongs to. Default: the one around the running function. */
  readonly scope?: Scoped | undefined;
}

/** What a wait brings along. */
export interface WaitDetails {
  readonly item?: unknown;
  /** It waits for something to take in: closing the intake ends it. */
  readonly source?: boolean;
}

const NOTHING: WaitDetails = {};
const DONE = Promise.resolve();

/** The door of one primitive. */
export class Doorway {
  /** Of whoever came last: for words that never wait, and need no scope. */
  #scheduler: Scheduler | undefined;

  /** The scope that the word waits in, or the rejection that it ends with before anything has happened. */
  enter(options: WaitOptions | undefined, word: string, source = false): Scoped | Promise<never> {
    let scope: Scoped;
    try {
      scope = scopeOf(options, word);
    } catch (error) {
      return failing(error, this.#scheduler);
    }
    const refusal = scope.refusal ?? (source ? scope.cancelScope.sourceRefusal : undefined);
    this.#scheduler = scope.cancelScope.host.scheduler;
    return refusal === undefined ? scope : rejected(refusal, this.#scheduler);
  }

  /** For words that never wait: spends their share, and gives the scope where it is known. */
  pass(options?: WaitOptions): Scoped | undefined {
    const scope = options?.scope ?? ambientScope();
    if (scope !== undefined) this.#scheduler = scope.cancelScope.host.scheduler;
    this.#scheduler?.spend();
    return scope;
  }

  /** The rejection of a word that was let in and is wrong all the same. Somebody must look at it. */
  fail(error: unknown): Promise<never> {
    return failing(error, this.#scheduler);
  }

  /** The rejection that says it is over: no failure, and nobody need look at it. */
  refuse(error: unknown): Promise<never> {
    return rejected(error, this.#scheduler);
  }

  /** What a word gives that need not wait. It is given already: when the slice is spent, only the news comes later. */
  done(scope: Scoped): Promise<void>;
  done<T>(scope: Scoped, value: T): Promise<T>;
  done(scope: Scoped, value?: unknown): Promise<unknown> {
    const { scheduler } = scope.cancelScope.host;
    if (scheduler.spend()) return scheduler.nextSlice().then(() => value);
    return value === undefined ? DONE : Promise.resolve(value);
  }

  /**
   * Parks. A wait that began when the slice was spent goes on in the next one, also when it is woken sooner: two that wake each
   * other in turns must not keep the event loop from its own.
   */
  wait(line: WaitQueue, owner: WaitOwner, scope: Scoped, { item, source }: WaitDetails = NOTHING): Promise<unknown> {
    const { scheduler } = scope.cancelScope.host;
    const spent = scheduler.spend();
    const waiting = line.park(owner, { scope: scope.cancelScope, item, source, by: scope });
    if (!spent) return waiting;
    const turn = scheduler.nextSlice();
    return quiet(waiting.then((value) => turn.then(() => value)));
  }
}

/** A promise that rejects only because something is over, so that nobody need look at it. */
export function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(noop);
  return promise;
}

function noop(): void {}
