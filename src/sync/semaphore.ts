/**
 * Semaphores: a number of permits, of which each execution takes one.
 */
import { wholeNumber } from '../kernel/check.ts';
import { OverReleasedError } from '../kernel/sync-errors.ts';
import { type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import { Doorway, type WaitOptions } from './doorway.ts';
import { type Guard, whileHeld } from './guard.ts';

export interface SemaphoreSnapshot {
  /** How many can be acquired without waiting. */
  readonly value: number;
  readonly waiting: number;
}

class Permit implements Guard {
  #semaphore: Semaphore | undefined;

  constructor(semaphore: Semaphore) {
    this.#semaphore = semaphore;
  }

  release(): void {
    const semaphore = this.#semaphore;
    this.#semaphore = undefined;
    semaphore?.release();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/**
 * A number of permits: so many executions go on at a time, the others wait in line. "No more than ten requests at once".
 *
 * Guarantees: a permit that is released goes to who has waited longest, in the same step; nobody overtakes. Anybody may release,
 * also without having acquired: that is how permits are added. Use guards or `release`, not both for one acquire.
 * Source: thredo's `Semaphore`.
 */
export class Semaphore implements WaitOwner {
  readonly #line = new WaitQueue();
  readonly #door = new Doorway();
  #value: number;

  /** `value`: how many permits there are to begin with. Errors: `InvalidOptionError`. */
  constructor(value = 1) {
    this.#value = wholeNumber('value', value, 0);
  }

  /** How many can be acquired without waiting. While it is not 0 nobody waits. */
  get value(): number {
    return this.#value;
  }

  /**
   * Waits for a permit. The guard gives it back: `using permit = await semaphore.acquire({ scope: turn })`.
   * Rejects with `CancelledError`, `ThreadEndedError`; `NoScopeError`.
   * *Cancel-safe:* a cancelled acquire has taken nothing; a permit that was handed over before the cancel is taken.
   * *Ordering:* as asked.
   */
  acquire(options?: WaitOptions): Promise<Guard> {
    const scope = this.#door.enter(options, 'semaphore.acquire');
    if (scope instanceof Promise) return scope;
    if (this.#value === 0) return this.#door.wait(this.#line, this, scope) as Promise<Guard>;
    this.#value--;
    return this.#door.done(scope, new Permit(this));
  }

  /** A permit, if there is one; undefined when it would have to wait. */
  tryAcquire(options?: WaitOptions): Guard | undefined {
    this.#door.pass(options);
    if (this.#value === 0) return undefined;
    this.#value--;
    return new Permit(this);
  }

  /** Gives a permit to who waits first, or puts it back. */
  release(): void {
    this.#door.pass();
    if (!this.#line.wakeFirst(new Permit(this))) this.#value++;
  }

  /**
   * Runs work with a permit, and gives that back however the work ends. Rejects with what the work throws, or as `acquire`.
   * *Cancel-safe:* a cancelled one never began the work, or the work was cancelled and the permit is given back.
   */
  holding<T>(work: () => T | Promise<T>, options?: WaitOptions): Promise<T> {
    return whileHeld(this.acquire(options), work);
  }

  snapshot(): SemaphoreSnapshot {
    return { value: this.#value, waiting: this.#line.length };
  }

  describeWait(): string {
    return 'a permit of a semaphore';
  }

  waitCancelled(): void {}
}

/** A semaphore that cannot be released more often than it was acquired. Source: thredo's `BoundedSemaphore`. */
export class BoundedSemaphore extends Semaphore {
  readonly #most: number;

  constructor(value = 1) {
    super(value);
    this.#most = value;
  }

  /** As of a semaphore. Errors: `OverReleasedError` when all permits are there. */
  override release(): void {
    if (this.value >= this.#most) {
      throw new OverReleasedError('semaphore.release', `all of its ${this.#most} permits are there`);
    }
    super.release();
  }
}
