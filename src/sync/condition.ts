/**
 * Conditions: to wait, with a lock held, for something that others change under the same lock.
 *
 *     wait ──► lock handed on ──► in line ──► notified, or cancelled ──► in the lock's line ──► lock held ──► goes on, or throws
 *
 * Rules: a waiter that is notified or cancelled stands in the lock's line in that same step, and there no cancel reaches it: so
 * `wait` ends with the lock held, however it ends. Only the end of the thread takes it out of that line. A waiter that
 * was notified returns from its wait, also when it is cancelled before it has the lock: its next wait throws. So no notify is
 * lost to a waiter that then throws.
 */
import { calm } from '../kernel/calm.ts';
import { CancelScope, type Scoped } from '../kernel/cancel-scope.ts';
import { wholeNumber } from '../kernel/check.ts';
import { InvalidOptionError } from '../kernel/errors.ts';
import { isThenable, toPromise } from '../kernel/thenable.ts';
import { type Waiter, type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import { type Doorway, quiet, type WaitOptions } from './doorway.ts';
import { type Guard, whileHeld } from './guard.ts';
import { Lock, ownershipOf, type RLock } from './lock.ts';
import type { Hold, LockSnapshot, Ownership } from './ownership.ts';

export interface ConditionSnapshot {
  /** How many wait to be notified. */
  readonly waiting: number;
  readonly lock: LockSnapshot;
}

/** What a waiter left behind when it began to wait, and its way back. */
class Ticket {
  readonly #owned: Ownership;
  readonly #holds: Hold;
  readonly #scope: Scoped;
  #shield: CancelScope | undefined;
  #back: Promise<unknown> | undefined;

  constructor(owned: Ownership, scope: Scoped) {
    this.#owned = owned;
    this.#scope = scope;
    this.#holds = owned.stepBack();
  }

  /** Puts the waiter in the lock's line. */
  comeBack(): void {
    const { cancelScope } = this.#scope;
    this.#shield = new CancelScope(cancelScope.host, cancelScope, { shielded: true });
    this.#back = this.#owned.comeBack(this.#holds, this.#shield);
  }

  /** Resolves when it has the lock again. */
  async returned(): Promise<void> {
    try {
      await this.#back;
    } finally {
      this.#shield?.close();
    }
  }
}

/**
 * A condition: executions wait, holding its lock, until another one that holds the lock notifies them. While they wait the lock
 * is free for others. What they wait for is a fact that the lock guards, so they look again when they are woken: `waitFor` does.
 *
 * The lock is the one that was given (several conditions may share one), or a `Lock` of its own.
 *
 * Guarantees: notified in the order of arrival; every `wait` ends with the lock held (but for the end of the thread), and guards
 * that were acquired before it are good after it. With an `RLock`, all of the owner's acquires are given up for the wait and
 * are there again after it. Source: thredo's `Condition`.
 */
export class Condition implements WaitOwner {
  readonly lock: Lock | RLock;
  readonly #owned: Ownership;
  readonly #door: Doorway;
  readonly #line = new WaitQueue();

  constructor(lock: Lock | RLock = new Lock()) {
    this.lock = lock;
    this.#owned = ownershipOf(lock);
    this.#door = this.#owned.door;
  }

  /** As of the lock. *Ordering:* and *Cancel-safe:* as there. */
  acquire(options?: WaitOptions): Promise<Guard> {
    return this.lock.acquire(options);
  }

  /** As of the lock. */
  tryAcquire(options?: WaitOptions): Guard | undefined {
    return this.lock.tryAcquire(options);
  }

  /** As of the lock. */
  release(options?: WaitOptions): void {
    this.lock.release(options);
  }

  /** As of the lock. *Cancel-safe:* as there. */
  holding<T>(work: () => T | Promise<T>, options?: WaitOptions): Promise<T> {
    return whileHeld(this.acquire(options), work);
  }

  /**
   * Gives the lock up, waits to be notified, and has the lock again when it returns. Hold the lock.
   * Rejects with `NotOwnerError`, `NoScopeError`; `CancelledError`; `ThreadEndedError` (the one case in which the lock is not held
   * afterwards, if it was given up already).
   * *Cancel-safe:* a cancelled wait has taken no notify, and holds the lock again before it throws; one that was notified before
   * the cancel returns. *Ordering:* notified in the order of arrival, and so the lock comes back.
   */
  wait(options?: WaitOptions): Promise<void> {
    const scope = this.#door.enter(options, 'condition.wait');
    if (scope instanceof Promise) return scope;
    try {
      this.#owned.check(scope, 'condition.wait');
    } catch (error) {
      return this.#door.fail(error);
    }
    return quiet(this.#wait(scope));
  }

  /**
   * Waits until the predicate gives something true, and gives that. The predicate is called with the lock held, first at once,
   * then whenever this waiter was notified; it waits for nothing. Rejects with what the predicate throws, with
   * `InvalidOptionError` when it gives a promise (the lock is held then), else as `wait`.
   * *Cancel-safe:* as `wait`.
   */
  waitFor<T>(predicate: () => T, options?: WaitOptions): Promise<Exclude<T, Falsy>> {
    const scope = this.#door.enter(options, 'condition.waitFor');
    if (scope instanceof Promise) return scope;
    return calm(this.#waitFor(predicate, scope));
  }

  /**
   * Wakes so many waiters, those that have waited longest; they go on when they get the lock. Hold the lock.
   * Errors: `NotOwnerError`; of a condition with an `RLock` also `NoScopeError`; `InvalidOptionError`.
   */
  notify(count = 1, options?: WaitOptions): void {
    this.#notify('condition.notify', wholeNumber('count', count, 0), options);
  }

  /** Wakes all who wait. As `notify` otherwise. */
  notifyAll(options?: WaitOptions): void {
    this.#notify('condition.notifyAll', Infinity, options);
  }

  snapshot(): ConditionSnapshot {
    return { waiting: this.#line.length, lock: this.lock.snapshot() };
  }

  describeWait(): string {
    return 'a condition to be notified';
  }

  waitCancelled(waiter: Waiter): void {
    (waiter.item as Ticket).comeBack();
  }

  async #wait(scope: Scoped): Promise<void> {
    const ticket = new Ticket(this.#owned, scope);
    try {
      await this.#door.wait(this.#line, this, scope, { item: ticket });
    } finally {
      await ticket.returned();
    }
  }

  async #waitFor<T>(predicate: () => T, scope: Scoped): Promise<Exclude<T, Falsy>> {
    this.#owned.check(scope, 'condition.waitFor');
    for (;;) {
      const value = refusePromise(predicate());
      if (value) {
        await this.#door.done(scope);
        return value as Exclude<T, Falsy>;
      }
      await this.wait({ scope });
    }
  }

  #notify(word: string, count: number, options: WaitOptions | undefined): void {
    this.#owned.check(this.#door.pass(options), word);
    for (let left = count; left > 0; left--) {
      const { first } = this.#line;
      if (first === undefined) return;
      first.wake();
      (first.item as Ticket).comeBack();
    }
  }
}

/** A promise would be true whatever it comes to, and while it is waited for others could change what it has looked at. */
function refusePromise<T>(value: T): T {
  if (!isThenable(value)) return value;
  // What it is rejected with is told by nobody else, and says no more than this error does.
  toPromise(value).catch(() => {});
  throw new InvalidOptionError(
    'predicate()',
    value,
    'a value and no promise: it looks at what the lock guards, and waits for nothing',
  );
}

type Falsy = false | 0 | 0n | '' | null | undefined;
