/**
 * The one run queue of a tree, drained in slices, and the budget that keeps the event loop breathing (law 9).
 *
 *        enqueue ──► run queue ──► drain (a microtask) ──► run, run, run … ──► slice spent? ──► setImmediate ──► drain
 *
 * A slice is what runs between two turns of the event loop. When it has lasted `SLICE_MS` it is *spent*, and stays so until
 * the next immediate: clearing the flag earlier would let microtasks go on for ever and starve timers and I/O.
 *
 * Shaped by measurement: arming the drain with a resolved promise's `then` beats `queueMicrotask`, and `setImmediate` always
 * would cost a turn of the loop per signal; reading the clock costs as much as handling a signal, so it is read once for
 * several things (words, and what steps do). Each thing is charged to a credit, and the clock is read when that is used up. Words
 * cost one, and the credit for them starts at one and doubles only while they are cheap. What a step does is charged by what is
 * known of who does it: a runnable that is not known to be quick uses up the whole credit with each thing. So that others
 * are quick is no credit for one that is slow, however they take turns.
 */
import { runOutside } from './ambient-storage.ts';
import type { Clock } from './clock.ts';

/** Something that can be given a step: a thread with work, a task whose turn is due. Links itself into the run queue. */
export interface Runnable {
  nextRunnable: Runnable | undefined;
  queued: boolean;
  /** How many things it may do in one step, and before the clock is read. Kept by the scheduler: it grows while they are quick. */
  quota: number;
  /** Does one step, and says how many things that were. Never throws. */
  run(): number;
  /** Who it is, in a trace: the thread's path, a task's name. */
  readonly actor?: string;
  /** What its next step would be, in a trace: `signalHandler`. */
  describeStep?(): string;
  /** True when a step would do nothing: it was woken for what is done, or cannot be done, by now. A simulation passes it over. */
  readonly idle?: boolean;
}

/** A wait that begins, as a scheduler sees it that wants to know. */
export interface BegunWait {
  readonly parked: boolean;
  /** On whose behalf, if that is known. */
  readonly by: unknown;
  /** What is waited on. */
  readonly owner: object;
  describe(): string;
}

/** Settles the promise of a wait that is over, now or later. */
export type Settling = (settle: () => void) => void;

/** Decides what runs next, and when the event loop gets its turn. A test can replace it. */
export interface Scheduler {
  /** The time: within a slice as of the last reading, so at most a slice old. */
  readonly coarseNow: number;
  /** The same in whole milliseconds, for what is noted with each signal: a number with a fraction is an object of its own. */
  readonly wholeNow: number;
  /** Puts a runnable at the end of the run queue, once. */
  enqueue(runnable: Runnable): void;
  /** Goes on with a runnable whose wait is over: at once if the slice allows, else from the queue. */
  resume(runnable: Runnable): void;
  /** Takes one word's share of the slice. True when the slice is spent: the caller then waits for `nextSlice`. */
  spend(): boolean;
  /** Resolves when the event loop has had its turn. *Cancel-safe:* it cannot be cancelled, because that always comes. */
  nextSlice(): Promise<void>;
  /** False when nobody waits for the next slice. Where it is not said, somebody may. */
  readonly sliceAwaited?: boolean;
  /**
   * Only a simulation's: is told of a wait that begins, and decides when the promise of one that is over settles, so that to go
   * on is a step like all others. The wait itself is over at once: the hand-over stands (law 18).
   */
  beginWait?(wait: BegunWait): Settling;
  /** Asked before a root begins: throws where nothing will run any more. */
  admit?(): void;
}

/** Calls back when no microtask has anything left to do, before the event loop goes on. */
export function afterMicrotasks(callback: () => void): void {
  // What a microtask puts off to the next tick comes after all other microtasks, also after those that they bring.
  void RESOLVED.then(() => process.nextTick(callback));
}

const SLICE_MS = 2;
/** A step or a period shorter than this may grow. */
const QUICK_MS = 0.1;
const SLOW_MS = 0.5;
const LARGEST_QUOTA = 16;
/** Where something was slow, more may be: after it so many things are looked at one by one, which costs a twentieth of its time. */
const WARY_PER_MS = 1024;
const MOST_WARY = 1024;
/** No machine reads a clock so often in a slice; one that stands still (virtual time) must end its slices too. */
const MOST_READINGS = 2 ** 17;
const RESOLVED = Promise.resolve();

export class LoopScheduler implements Scheduler {
  readonly #clock: Clock;
  #head: Runnable | undefined;
  #tail: Runnable | undefined;
  /** A drain is running or will come. */
  #armed = false;
  #open = false;
  #spent = false;
  #sliceEnd = 0;
  #readings = 0;
  #lastReading: number;
  /** Kept, and not rounded anew for each signal. */
  #lastWhole: number;
  /** Things left until the clock is read again. */
  #credit = 0;
  #period = 1;
  /** So many readings more before anything is given credit again: something was slow. */
  #wary = 0;
  #turn: Promise<void> | undefined;
  #endTurn: (() => void) | undefined;

  /** Nothing is queued, and the event loop has had its turn since anything ran. */
  get idle(): boolean {
    return this.#head === undefined && !this.#open && !this.#armed;
  }

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastReading = clock.now();
    this.#lastWhole = Math.floor(this.#lastReading);
  }

  get coarseNow(): number {
    return this.#open ? this.#lastReading : this.#clock.now();
  }

  get wholeNow(): number {
    return this.#open ? this.#lastWhole : Math.floor(this.#clock.now());
  }

  get sliceAwaited(): boolean {
    return this.#turn !== undefined;
  }

  enqueue(runnable: Runnable): void {
    if (runnable.queued) return;
    runnable.queued = true;
    runnable.nextRunnable = undefined;
    if (this.#tail === undefined) this.#head = runnable;
    else this.#tail.nextRunnable = runnable;
    this.#tail = runnable;
    if (this.#armed) return;
    this.#armed = true;
    // A spent slice has its immediate pending, and that drains.
    if (!this.#spent) void RESOLVED.then(this.#drain);
  }

  resume(runnable: Runnable): void {
    // What has passed since it began to wait may be its own doing.
    this.#charge(runnable, 1);
    if (runnable.queued || this.#spent) this.enqueue(runnable);
    // The last thing that it does is charged when it is resumed again.
    else this.#credit -= weightOf(runnable) * (runnable.run() - 1);
  }

  spend(): boolean {
    if (--this.#credit > 0) return this.#spent;
    this.#readClock();
    return this.#spent;
  }

  nextSlice(): Promise<void> {
    if (!this.#open) this.#openSlice(this.#clock.now());
    this.#turn ??= new Promise((resolve) => {
      this.#endTurn = resolve;
    });
    return this.#turn;
  }

  readonly #drain = (): void => {
    try {
      // Whoever has armed the drain may be a spawned function: what runs in it is not on that function's behalf.
      runOutside(this.#runQueued);
    } finally {
      // A runnable that broke the rule and threw must not take the rest of the tree with it.
      if (this.#head === undefined) this.#armed = false;
      else if (!this.#spent) void RESOLVED.then(this.#drain);
    }
  };

  readonly #runQueued = (): void => {
    while (this.#head !== undefined && !this.#spent) {
      const runnable = this.#head;
      this.#head = runnable.nextRunnable;
      if (this.#head === undefined) this.#tail = undefined;
      runnable.nextRunnable = undefined;
      runnable.queued = false;
      this.#charge(runnable, runnable.run());
    }
  };

  /** What this one has done is charged, and if that uses the credit up, it is judged by the time that has passed. */
  #charge(runnable: Runnable, things: number): void {
    this.#credit -= weightOf(runnable) * things;
    if (this.#credit > 0) return;
    const took = this.#readClock();
    if (took > SLOW_MS) runnable.quota = 1;
    else if (took < QUICK_MS && this.#wary <= 0 && runnable.quota < LARGEST_QUOTA) runnable.quota *= 2;
  }

  /** Reads the clock, opens a slice or finds it spent; returns the milliseconds since the last reading of this slice. */
  #readClock(): number {
    const now = this.#clock.now();
    if (!this.#open) {
      this.#openSlice(now);
      return QUICK_MS;
    }
    const took = now - this.#lastReading;
    this.#lastReading = now;
    this.#lastWhole = Math.floor(now);
    if (now >= this.#sliceEnd || ++this.#readings === MOST_READINGS) this.#spent = true;
    if (took > QUICK_MS) {
      this.#period = 1;
      this.#wary = Math.min(MOST_WARY, took * WARY_PER_MS);
    } else if (this.#wary > 0) this.#wary--;
    else if (this.#period < LARGEST_QUOTA) this.#period *= 2;
    this.#credit = this.#period;
    return took;
  }

  #openSlice(now: number): void {
    this.#open = true;
    this.#lastReading = now;
    this.#lastWhole = Math.floor(now);
    this.#readings = 0;
    this.#sliceEnd = now + SLICE_MS;
    this.#period = 1;
    this.#credit = 1;
    setImmediate(this.#closeSlice);
  }

  readonly #closeSlice = (): void => {
    this.#open = false;
    this.#spent = false;
    this.#credit = 0;
    const endTurn = this.#endTurn;
    this.#turn = undefined;
    this.#endTurn = undefined;
    endTurn?.();
    if (this.#head !== undefined) this.#drain();
  };
}

/** What each thing that it does is charged. Most are quick, and a division costs more than to ask for that. */
function weightOf({ quota }: Runnable): number {
  return quota === LARGEST_QUOTA ? 1 : LARGEST_QUOTA / quota;
}

/** Calls back when all microtasks have run, those too that they bring, and the event loop has had its turn. */
export function afterTurn(callback: () => void): void {
  setImmediate(callback);
}
