/**
 * Virtual time for a tree: a clock that stands still until it is moved by hand, or until nothing can run. Does not touch the
 * global timers. What it cannot see: waits on the outside world (sockets, files, processes); use real time for those.
 *
 *     const time = new VirtualTime();
 *     const root = await time.run(start(() => new Root(), time.options));
 *     await time.advance(1000);
 */
import type { Clock, Timer } from '../kernel/clock.ts';
import { live } from '../kernel/probe.ts';
import { LoopScheduler } from '../kernel/scheduler.ts';

class VirtualTimer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;

  constructor(at: number, order: number, callback: () => void) {
    this.at = at;
    this.order = order;
    this.callback = callback;
  }
}

/** A clock that only moves when told. Timers of one moment fire in the order in which they were set. */
export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  #timers = new Set<VirtualTimer>();

  constructor(startMs = 1000) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  epochNow(): number {
    return Date.UTC(2000, 0, 1) + this.#now;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = new VirtualTimer(this.#now + delayMs, this.#order++, callback);
    this.#timers.add(timer);
    live.timers++;
    return timer;
  }

  clearTimer(timer: Timer): void {
    if (timer instanceof VirtualTimer && this.#timers.delete(timer)) live.timers--;
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** When the next timer is due; undefined when there is none. */
  get nextDue(): number | undefined {
    return this.#next()?.at;
  }

  /** Moves to a moment and fires the first timer that is due by then; false when there is none. */
  fireNext(until: number): boolean {
    const timer = this.#next();
    if (timer === undefined || timer.at > until) return false;
    this.#timers.delete(timer);
    live.timers--;
    this.#now = Math.max(this.#now, timer.at);
    timer.callback();
    return true;
  }

  moveTo(moment: number): void {
    this.#now = Math.max(this.#now, moment);
  }

  #next(): VirtualTimer | undefined {
    let next: VirtualTimer | undefined;
    for (const timer of this.#timers) {
      if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer;
    }
    return next;
  }
}

/** So often a scheduler may look at the clock before it is told that its slice is spent. */
const LOOKS_PER_SLICE = 50_000;
/** As long as a slice of the scheduler. */
const SLICE_MS = 4;
/** So many spent slices are a program that never rests; time then passes nevertheless. */
const RESTLESS_SLICES = 2;

/**
 * The clock as the scheduler sees it. Time that stands still would never spend a slice, and a thread that floods would never
 * let the event loop have its turn; so who looks too often is told, once, that it is late.
 */
class SliceClock implements Clock {
  readonly #clock: VirtualClock;
  #looks = 0;
  spentSlices = 0;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  now(): number {
    const now = this.#clock.now();
    if (++this.#looks <= LOOKS_PER_SLICE) return now;
    this.newSlice();
    this.spentSlices++;
    return now + SLICE_MS;
  }

  newSlice(): void {
    this.#looks = 0;
  }

  epochNow(): number {
    return this.#clock.epochNow();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    return this.#clock.setTimer(delayMs, callback);
  }

  clearTimer(timer: Timer): void {
    this.#clock.clearTimer(timer);
  }
}

/** A clock and a scheduler that belong together, and the words to move them. */
export class VirtualTime {
  readonly clock: VirtualClock = new VirtualClock();
  readonly #sliceClock: SliceClock = new SliceClock(this.clock);
  readonly scheduler: LoopScheduler = new LoopScheduler(this.#sliceClock);

  /** For `start` and `runMain`. */
  get options(): { readonly clock: Clock; readonly scheduler: LoopScheduler } {
    return { clock: this.clock, scheduler: this.scheduler };
  }

  get now(): number {
    return this.clock.now();
  }

  /**
   * Resolves when every thread waits: nothing is queued, and no microtask has anything left to do. A program that never rests
   * (a task that floods) is given some turns of the event loop.
   */
  async settle(): Promise<void> {
    this.#sliceClock.spentSlices = 0;
    // The second turn is for what only microtasks had left to do when the first one came.
    for (let quiet = 0; quiet < 2; quiet++) {
      await this.scheduler.nextSlice();
      this.#sliceClock.newSlice();
      if (!this.scheduler.idle && this.#sliceClock.spentSlices < RESTLESS_SLICES) quiet = -1;
    }
  }

  /** Lets so many milliseconds pass: each timer fires at its time, and everything settles before the next one. */
  async advance(ms: number): Promise<void> {
    const until = this.clock.now() + ms;
    await this.settle();
    while (this.clock.fireNext(until)) await this.settle();
    this.clock.moveTo(until);
    await this.settle();
  }

  /**
   * Waits for a promise, and jumps to the next timer whenever nothing can run. Throws when the promise waits for something that
   * no timer will bring.
   */
  async run<T>(promise: Promise<T>): Promise<T> {
    let pending = true;
    const done = (): void => {
      pending = false;
    };
    // oxlint-disable-next-line promise/no-callback-in-promise -- notes that it has settled, and passes nothing on
    promise.then(done, done);
    for (;;) {
      await this.settle();
      if (!pending) return promise;
      if (!this.clock.fireNext(Infinity))
        throw new Error('virtual time stands still: nothing runs and no timer is set');
    }
  }
}
