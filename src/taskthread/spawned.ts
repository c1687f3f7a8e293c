/**
 * The handle of a function's thread: what `spawn` gives. thredo's words for the end of a thread, beside those that every
 * thread's handle has.
 */
import { ambientScope } from '../kernel/ambient.ts';
import { calm } from '../kernel/calm.ts';
import { milliseconds } from '../kernel/check.ts';
import { ThreadEndedError } from '../kernel/errors.ts';
import { rejected } from '../kernel/wait-queue.ts';
import type { AnyChild, WaitOptions } from './child.ts';
import type { FunctionBody } from './function-body.ts';
import type { Outcome, ThreadState } from './lifecycle.ts';
import type { ThreadSnapshot } from './snapshot.ts';

/** Options of `cancel`. */
export interface CancelOptions extends WaitOptions {
  /** How long its clean-up may take before the thread is given up: what it says itself, 2000 ms by default. */
  readonly cancelMs?: number;
}

/**
 * The handle of a thread that runs a function. Where a word waits, it waits in the scope that is given, else in that of the
 * function around, else in that of the thread's parent.
 */
export class Spawned<out T = unknown> {
  readonly #body: FunctionBody;

  constructor(body: FunctionBody) {
    this.#body = body;
    body.handle = this;
  }

  /** A number, unique in its tree. */
  get id(): number {
    return this.#body.life.id;
  }

  /** Where it stands in the tree: `/main-1/worker-3`. */
  get path(): string {
    return this.#body.life.path;
  }

  get state(): ThreadState {
    return this.#body.life.state;
  }

  /** How the thread ended; undefined while it lives. */
  get outcome(): Outcome | undefined {
    return this.#body.life.outcome;
  }

  get ended(): boolean {
    return this.#body.life.ended;
  }

  /** What the function returned, once the thread has ended; undefined otherwise. */
  get result(): T | undefined {
    const body = this.#body;
    return body.life.ended && body.returned && !body.failed ? (body.value as T) : undefined;
  }

  /**
   * Why there is no result, once the thread has ended: what was thrown, or the `CancelledError` of a thread that was cancelled.
   * Whoever reads it has been told of the failure.
   */
  get exception(): unknown {
    const body = this.#body;
    if (!body.life.ended) return undefined;
    body.take();
    return body.exception;
  }

  /** True when the thread has ended by a cancel or a stop, before its function could return. */
  get cancelled(): boolean {
    const body = this.#body;
    return body.life.ended && !body.returned && !body.failed;
  }

  /** The handle that every child has: `stop` with a report, `events`, and so on. */
  get child(): AnyChild {
    return this.#body.life.handle;
  }

  /**
   * Waits for the end of the thread and gives what its function returned. May be called again, and by several.
   *
   * Rejects with `ThreadError` when there is no value: its `cause` is what was thrown, or the `CancelledError`. Whoever joins
   * owns the failure. *Cancel-safe:* a cancelled join has taken nothing; the thread goes on. Source: thredo's `join`.
   */
  join(options?: WaitOptions): Promise<T> {
    return calm(this.#join(options));
  }

  /**
   * Waits for the end of the thread; never rejects because of how it ended, and does not own its failure.
   * *Cancel-safe:* the thread goes on. Source: thredo's `wait`.
   */
  wait(options?: WaitOptions): Promise<void> {
    return calm(this.#ending(options, false));
  }

  /**
   * Cancels the thread and all below it: the wait that it is in throws `CancelledError`, and so does every later one. Resolves
   * when it has ended, which comes within its `cancelMs`; what does not yield by then is given up. Each level below has a
   * sixteenth less, so that what is around can still end in order. A second call only waits; after the end there is no effect; in
   * the thread itself the wait for its end is the first to throw.
   *
   * *Cancel-safe:* the cancel stands, only the wait for the end is over. Source: thredo's `cancel`.
   */
  cancel(options: CancelOptions = {}): Promise<void> {
    const refusal = (options.scope ?? ambientScope())?.refusal;
    // The word of a thread that has ended does nothing; that of one which is cancelled itself stands.
    if (refusal instanceof ThreadEndedError) return rejected(refusal, this.#body.life.host.scheduler);
    try {
      this.requestCancel(options.cancelMs);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.wait(options);
  }

  /** Cancels the thread and does not wait. */
  requestCancel(cancelMs?: number): void {
    const { life } = this.#body;
    const budget = cancelMs === undefined ? life.stopDefaults.cancelMs : milliseconds('cancelMs', cancelMs);
    if (!life.ended) life.requestStop({ drainMs: 0, cancelMs: budget }, 'it was cancelled');
  }

  snapshot(): ThreadSnapshot {
    return this.#body.life.snapshot();
  }

  toString(): string {
    return this.#body.life.path;
  }

  /** Cancels it: `await using worker = spawn(…)`. *Cancel-safe:* as `cancel`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.cancel();
  }

  async #join(options: WaitOptions | undefined): Promise<T> {
    const body = this.#body;
    await this.#ending(options, true);
    return body.claim() as T;
  }

  async #ending(options: WaitOptions | undefined, joining: boolean): Promise<void> {
    const body = this.#body;
    const { life } = body;
    const { scheduler } = life.host;
    const wait = options?.scope ?? ambientScope();
    const refusal = wait?.refusal;
    if (refusal !== undefined) return rejected(refusal, scheduler);
    if (life.outcome !== undefined) {
      // A word that need not wait spends the slice's budget like any other (law 9).
      if (scheduler.spend()) await scheduler.nextSlice();
      return undefined;
    }
    if (joining) body.joining++;
    try {
      await life.waitEnded(wait ?? life.edge.parent);
    } finally {
      if (joining) body.joining--;
    }
    return undefined;
  }
}
