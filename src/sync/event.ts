/**
 * A flag that can be waited for.
 */
import { type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import { Doorway, type WaitOptions } from './doorway.ts';

const SOURCE = { source: true };

export interface EventSnapshot {
  readonly isSet: boolean;
  readonly waiting: number;
}

/**
 * A flag that executions wait for until one sets it: "the configuration is loaded". It stays set until it is cleared.
 *
 * The non-waiting twin of `wait` is `isSet`. Source: Python's `Event`. (The DOM's class of the same name is another thing.)
 */
export class Event implements WaitOwner {
  readonly #line = new WaitQueue();
  readonly #door = new Doorway();
  #isSet = false;

  get isSet(): boolean {
    return this.#isSet;
  }

  /** Sets the flag and wakes all who wait, in the order in which they came. Those stay woken, whatever comes next. */
  set(): void {
    this.#door.pass();
    this.#isSet = true;
    this.#line.wakeAll();
  }

  /** Takes the flag down: who waits from now on waits for the next `set`. */
  clear(): void {
    this.#door.pass();
    this.#isSet = false;
  }

  /**
   * Waits until the flag is set; at once when it is. A wait on a source: in an intake task it ends when the intake closes.
   * Rejects with `CancelledError`, `IntakeClosedError`, `ThreadEndedError`; `NoScopeError`.
   * *Cancel-safe:* nothing is taken, before or after. *Ordering:* woken in the order of arrival.
   */
  wait(options?: WaitOptions): Promise<void> {
    const scope = this.#door.enter(options, 'event.wait', true);
    if (scope instanceof Promise) return scope;
    if (this.#isSet) return this.#door.done(scope);
    return this.#door.wait(this.#line, this, scope, SOURCE) as Promise<void>;
  }

  snapshot(): EventSnapshot {
    return { isSet: this.#isSet, waiting: this.#line.length };
  }

  describeWait(): string {
    return 'an event to be set';
  }

  waitCancelled(): void {}
}
