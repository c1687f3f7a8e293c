/**
 * The only file that touches timers or reads the time. A root holds one clock and its whole tree inherits it, so that a
 * test can replace time by replacing this one object.
 *
 * Not here: the order in which ready work runs (`scheduler`), virtual time (`../testing/virtual-clock`).
 */
import { performance } from 'node:perf_hooks';
import { live } from './probe.ts';

/** What `setTimer` gave, to be handed to `clearTimer`. Opaque: each clock has its own. */
export type Timer = object;

/** Time as a tree sees it. */
export interface Clock {
  /** Monotonic milliseconds, with fractions, from an arbitrary start. */
  now(): number;
  /** Milliseconds since the Unix epoch, for what is shown or stored. */
  epochNow(): number;
  /** Calls back once, after `delayMs`, however long that is. */
  setTimer(delayMs: number, callback: () => void): Timer;
  /** Forgets a timer. Of a timer that has fired, nothing happens. */
  clearTimer(timer: Timer): void;
}

/** Node fires a longer delay after 1 ms, so longer ones are walked in strides. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

class RealTimer {
  #timeout: NodeJS.Timeout | undefined;
  #restMs: number;
  readonly #callback: () => void;

  constructor(delayMs: number, callback: () => void) {
    this.#restMs = delayMs;
    this.#callback = callback;
    live.timers++;
    this.#arm();
  }

  #arm(): void {
    const strideMs = Math.min(this.#restMs, LONGEST_DELAY_MS);
    this.#restMs -= strideMs;
    this.#timeout = setTimeout(fire, strideMs, this);
  }

  fire(): void {
    if (this.#restMs > 0) {
      this.#arm();
      return;
    }
    this.#timeout = undefined;
    live.timers--;
    this.#callback();
  }

  clear(): void {
    if (this.#timeout === undefined) return;
    clearTimeout(this.#timeout);
    this.#timeout = undefined;
    live.timers--;
  }
}

function fire(timer: RealTimer): void {
  timer.fire();
}

/** The time of the machine. */
export const realClock: Clock = {
  now: () => performance.now(),
  epochNow: () => Date.now(),
  setTimer: (delayMs, callback) => new RealTimer(delayMs, callback),
  clearTimer: (timer) => {
    if (timer instanceof RealTimer) timer.clear();
  },
};
