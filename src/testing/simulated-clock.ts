/**
 * The clock of a simulation: a virtual one that knows who has set each of its timers, so that the step of a timer has a name.
 */
import type { Timer } from '../kernel/clock.ts';
import { VirtualClock, type VirtualTimer } from './virtual-clock.ts';

/** Who runs just now. */
export interface Origin {
  readonly actor: string;
  readonly title: string;
}

/** A clock that knows who has set each of its timers. */
export class SimulatedClock extends VirtualClock {
  readonly #origin: () => Origin;
  readonly #cleared: (timer: VirtualTimer) => void;
  readonly #origins = new WeakMap<object, Origin>();

  constructor(origin: () => Origin, cleared: (timer: VirtualTimer) => void) {
    super();
    this.#origin = origin;
    this.#cleared = cleared;
  }

  override setTimer(delayMs: number, callback: () => void): Timer {
    const timer = super.setTimer(delayMs, callback);
    this.#origins.set(timer, this.#origin());
    return timer;
  }

  override clearTimer(timer: Timer): void {
    super.clearTimer(timer);
    this.#cleared(timer as VirtualTimer);
  }

  originOf(timer: VirtualTimer): Origin {
    return this.#origins.get(timer)!;
  }
}
