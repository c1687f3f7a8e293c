import type { Clock, Timer } from '../../src/kernel/clock.ts';
import type { Runnable } from '../../src/kernel/scheduler.ts';

/** A clock that a test moves by hand, or that moves a little with each reading. Knows no timers. */
export class HandClock implements Clock {
  time = 0;
  perReading = 0;
  readings = 0;

  now(): number {
    this.readings++;
    this.time += this.perReading;
    return this.time;
  }

  epochNow(): number {
    return this.time;
  }

  setTimer(): Timer {
    throw new Error('a scheduler needs no timer');
  }

  clearTimer(): void {}
}

/** Something to run, that does what it is told to: one thing at a time, or as many as it may. */
export function runnableOf(step: (self: Runnable) => void, greedy = false): Runnable {
  return {
    nextRunnable: undefined,
    queued: false,
    quota: 1,
    run() {
      const { quota } = this;
      step(this);
      return greedy ? quota : 1;
    },
  };
}

/** The event loop's next turn. */
export function nextImmediate(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
