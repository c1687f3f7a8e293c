/**
 * What is in a lane, and what became of it: the queue, the signal in flight, and the second of the two equations of its books.
 *
 *     accepted = handled + dropped + queued + inFlight + deadLettered
 *
 * This is the taking half of `lane`; who may put something in, and who waits for that, is the other half. At most one signal
 * is in flight, because its receiver handles one thing at a time.
 */
import type { RingBuffer } from '../kernel/ring-buffer.ts';
import type { ResolvedLaneOptions } from './lane-options.ts';
import { LaneQueue } from './lane-queue.ts';

export abstract class LaneContents {
  readonly options: ResolvedLaneOptions;
  protected readonly queue: LaneQueue;
  /** The queue itself, for the short ways: there, a step more for each signal would show. */
  protected readonly signals: RingBuffer<unknown>;
  protected readonly plain: boolean;
  /** An episode of fullness is not over. */
  protected overflowing = false;
  protected accepted = 0;
  protected handled = 0;
  protected dropped = 0;
  protected inFlight = 0;
  protected deadLettered = 0;
  #inFlightBytes = 0;
  #inFlightKey: unknown;
  /** How often the signal in flight, or else the oldest one, has been given to a handler that then failed. */
  #failures = 0;

  constructor(options: ResolvedLaneOptions) {
    this.options = options;
    this.queue = new LaneQueue(options);
    this.signals = this.queue.signals;
    this.plain = this.queue.plain;
  }

  /** There may be room again. */
  protected abstract recover(): void;
  protected abstract signalLost(signal: unknown, reason: string, deliveries: number): void;

  /** True when there is nothing to take. */
  get empty(): boolean {
    return this.signals.length === 0;
  }

  /** The one to be taken next; ask `empty` first. */
  get oldest(): unknown {
    return this.signals.at(0);
  }

  /** How many bytes are queued or in flight. */
  protected get bytes(): number {
    return this.queue.bytes + this.#inFlightBytes;
  }

  /** How often the signal in flight has been given to a handler, this time included. */
  get deliveries(): number {
    return this.#failures + 1;
  }

  /** Takes the oldest signal; ask `empty` first. It is in flight until `done`, `lost` or `putBack`. */
  take(): unknown {
    let signal: unknown;
    if (this.plain) {
      signal = this.signals.shift();
      this.inFlight = 1;
    } else {
      signal = this.queue.remove();
      this.inFlight = this.queue.removedCount;
      this.#inFlightBytes = this.queue.removedBytes;
      this.#inFlightKey = this.queue.removedKey;
    }
    if (this.overflowing) this.recover();
    return signal;
  }

  /** The signal in flight was handled. */
  done(): void {
    this.handled += this.inFlight;
    this.#landed();
  }

  /** The signal in flight was not handled. */
  lost(signal: unknown, reason: string): void {
    const { deliveries } = this;
    this.deadLettered += this.inFlight;
    this.#landed();
    this.signalLost(signal, reason, deliveries);
  }

  /** The signal in flight was not handled, and will be taken again, before all others: so a lane may be one over its bound. */
  putBack(signal: unknown): void {
    const failures = this.deliveries;
    this.queue.putBack({ signal, count: this.inFlight, bytes: this.#inFlightBytes, key: this.#inFlightKey });
    this.#landed();
    this.#failures = failures;
  }

  /** What is queued will not be handled: each signal is a dead letter. One in flight stays so. */
  discard(reason: string): void {
    while (this.signals.length > 0) {
      const failures = this.forgetOldest();
      const signal = this.queue.remove();
      this.deadLettered += this.queue.removedCount;
      if (this.overflowing) this.recover();
      this.signalLost(signal, reason, failures);
    }
  }

  /** What brings the signals has lost the oldest one: gives it, and how often it had been given to a handler. Tells nobody. */
  loseOldest(): { readonly signal: unknown; readonly deliveries: number } {
    const deliveries = this.forgetOldest();
    const signal = this.dropOldest();
    if (this.overflowing) this.recover();
    return { signal, deliveries };
  }

  /** Makes room: the oldest signal is dropped. */
  protected dropOldest(): unknown {
    this.forgetOldest();
    const oldest = this.queue.remove();
    this.dropped += this.queue.removedCount;
    return oldest;
  }

  #landed(): void {
    this.inFlight = 0;
    this.#inFlightBytes = 0;
    this.#failures = 0;
  }

  /** The oldest signal is about to go: says how often it has been given to a handler. */
  protected forgetOldest(): number {
    if (this.inFlight > 0) return 0;
    const failures = this.#failures;
    this.#failures = 0;
    return failures;
  }
}
