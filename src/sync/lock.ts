/**
 * Locks: what one execution has at a time. How it is handed on is in `ownership`.
 */
import { scopeOf } from '../kernel/ambient.ts';
import { InvalidOptionError } from '../kernel/errors.ts';
import type { WaitOptions } from './doorway.ts';
import { type Guard, whileHeld } from './guard.ts';
import { type LockSnapshot, Ownership } from './ownership.ts';

let ownedByLock: (lock: Lock) => Ownership;
let ownedByRLock: (lock: RLock) => Ownership;

/** What is behind a lock. Not for users. */
export function ownershipOf(lock: Lock | RLock): Ownership {
  if (lock instanceof Lock) return ownedByLock(lock);
  if (lock instanceof RLock) return ownedByRLock(lock);
  throw new InvalidOptionError('lock', lock, 'a Lock or an RLock');
}

/**
 * A lock: one execution has it, the others wait in line. For state that several threads or functions change, over more than one
 * `await`. (State of one TaskThread needs none: its handlers never overlap.)
 *
 * Guarantees: handed over in the order of arrival; nobody overtakes. Whoever has the guard may release, also another execution
 * than the one that acquired; an execution that acquires twice waits for itself (see `RLock`). An owner that ends without
 * releasing leaves it locked, and the snapshot says so: acquire with `using`. Source: thredo's `Lock`.
 */
export class Lock {
  readonly #owned = new Ownership({ name: 'lock', ownerOnly: false });

  static {
    ownedByLock = (lock) => lock.#owned;
  }

  get locked(): boolean {
    return this.#owned.owned;
  }

  /**
   * Waits until the lock is this execution's. The guard releases it: `using guard = await lock.acquire({ scope: turn })`.
   * Rejects with `CancelledError`, `ThreadEndedError`; `NoScopeError`.
   * *Cancel-safe:* a cancelled acquire holds nothing; one that was handed the lock before the cancel holds it, and gives the
   * guard. *Ordering:* as asked.
   */
  acquire(options?: WaitOptions): Promise<Guard> {
    return this.#owned.acquire(options);
  }

  /** The lock, if it is free; undefined when it would have to wait. A scope is only to name the holder in the snapshot. */
  tryAcquire(options?: WaitOptions): Guard | undefined {
    return this.#owned.tryAcquire(options);
  }

  /**
   * Releases the lock and hands it to who waits first. Its guard is done with then.
   * Errors: `OverReleasedError` when nobody holds it.
   */
  release(): void {
    this.#owned.release(undefined);
  }

  /**
   * Runs work with the lock held, and releases it however that ends. Rejects with what the work throws, or as `acquire` does.
   * *Cancel-safe:* a cancelled one never began the work, or the work was cancelled and the lock is released.
   */
  holding<T>(work: () => T | Promise<T>, options?: WaitOptions): Promise<T> {
    return whileHeld(this.acquire(options), work);
  }

  snapshot(): LockSnapshot {
    return this.#owned.snapshot();
  }
}

/**
 * A lock that its owner may acquire again; it is free when the owner has released it as many times. The owner is an execution: a
 * turn (with what it does in `timeoutAfter` and `shield`), a function thread, or the scope that was given. So every word needs to
 * know who says it: give `{ scope }`, or use it in a spawned function.
 *
 * Guarantees: only the owner releases, and only the last of its releases hands the lock on, in the order of arrival.
 * Source: thredo's `RLock`.
 */
export class RLock {
  readonly #owned = new Ownership({ name: 'rlock', ownerOnly: true });

  static {
    ownedByRLock = (lock) => lock.#owned;
  }

  get locked(): boolean {
    return this.#owned.owned;
  }

  /**
   * Waits until the lock is this execution's; at once when it is already. Rejects as `Lock.acquire` does.
   * *Cancel-safe:* as there; what the execution held before it holds still. *Ordering:* as asked.
   */
  acquire(options?: WaitOptions): Promise<Guard> {
    return this.#owned.acquire(options);
  }

  /** The lock, if it is free or this execution's; undefined when it would have to wait. Errors: `NoScopeError`. */
  tryAcquire(options?: WaitOptions): Guard | undefined {
    return this.#owned.tryAcquire({ scope: scopeOf(options, 'rlock.tryAcquire') });
  }

  /**
   * Gives back the last acquire of this execution. Errors: `NotOwnerError` when another one holds the lock, `OverReleasedError`
   * when nobody does, `NoScopeError`.
   */
  release(options?: WaitOptions): void {
    this.#owned.release(scopeOf(options, 'rlock.release'));
  }

  /** As `Lock.holding`. *Cancel-safe:* as there. */
  holding<T>(work: () => T | Promise<T>, options?: WaitOptions): Promise<T> {
    return whileHeld(this.acquire(options), work);
  }

  snapshot(): LockSnapshot {
    return this.#owned.snapshot();
  }
}
