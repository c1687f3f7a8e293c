/**
 * Virtual time for a tree: a clock that stands still until it is moved by hand, or until nothing can run. Does not touch the
 * global timers. What of the outside world (a socket, a worker) is to keep it from jumping is named to it: a promise with
 * `outside` or `hold`, waits of the library's own with `holds`.
 *
 *     const time = new VirtualTime();
 *     const root = await time.run(start(() => new Root(), time.options));
 *     await time.advance(1000);
 *
 * The words belong to a test, and so to no scope: *Cancel-safe:* nothing of a tree's can cancel them.
 */
import { functionOf, knownFields, milliseconds, text, trueOrFalse } from '../kernel/check.ts';
import type { Clock, Timer } from '../kernel/clock.ts';
import { realClock } from '../kernel/clock.ts';
import { InvalidOptionError } from '../kernel/errors.ts';
import { isThenable } from '../kernel/thenable.ts';
import { type BegunWait, LoopScheduler, type Settling } from '../kernel/scheduler.ts';
import type { WaitOwner } from '../kernel/wait-queue.ts';
import { VirtualClock } from './virtual-clock.ts';

/** So often a scheduler may look at the clock, at each thing that it does not know, before it is told that its slice is spent. */
const LOOKS_PER_SLICE = 32_000;
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

/** A scheduler that knows who waits, so that a wait which nothing will end can be named. */
class WatchingScheduler extends LoopScheduler {
  readonly waits = new Set<BegunWait>();

  beginWait(wait: BegunWait): Settling {
    this.waits.add(wait);
    return (settle) => {
      this.waits.delete(wait);
      settle();
    };
  }
}

export interface VirtualTimeOptions {
  /** Jumps to the next timer by itself whenever nothing can run, as long as there is one. Default: only `run` does. */
  readonly autojump?: boolean;
  /**
   * Which waits of a tree for the outside world (a connection, bytes, an event, a promise of somebody's) keep the time from jumping while
   * they last: all of them, or those for which a function says so; it is told the wait in words, such as `/Client-2 task ask: bytes from
   * 127.0.0.1:5000`. Default: none, and the first time that it jumps all the same they are named in a warning; false: none, without it.
   */
  readonly holds?: boolean | ((wait: string) => boolean);
}

/** How long one looks away, in real time, while the outside world is awaited. */
const OUTSIDE_MS = 1;
/** So long, in real time, before it is said what is awaited: perhaps nobody will ever release it. */
const LONG_MS = 5000;

/** A clock and a scheduler that belong together, and the words to move them. */
export class VirtualTime {
  readonly clock: VirtualClock;
  readonly #sliceClock: SliceClock;
  readonly #scheduler: WatchingScheduler;
  /** What of the outside world is awaited just now, by name. */
  readonly #held = new Map<object, string>();
  readonly #holds: VirtualTimeOptions['holds'];
  #jumping = false;
  #warned = false;
  /** Since when, in real time, it looks away. */
  #heldSince: number | undefined;
  #warnedOfHold = false;

  constructor(options: VirtualTimeOptions = {}) {
    knownFields('options', options, ['autojump', 'holds']);
    const { autojump = false, holds } = options;
    trueOrFalse('options.autojump', autojump);
    if (holds !== undefined && typeof holds !== 'boolean') functionOf('options.holds', holds);
    this.#holds = holds;
    this.clock = autojump ? new JumpingClock(() => this.#startJumping()) : new VirtualClock();
    this.#sliceClock = new SliceClock(this.clock);
    this.#scheduler = new WatchingScheduler(this.#sliceClock);
  }

  get scheduler(): LoopScheduler {
    return this.#scheduler;
  }

  /** For `start` and `runMain`. */
  get options(): { readonly clock: Clock; readonly scheduler: LoopScheduler } {
    return { clock: this.clock, scheduler: this.#scheduler };
  }

  get now(): number {
    return this.clock.now();
  }

  /** Keeps the time from jumping until the function that it gives is called: while a socket or a worker is awaited. */
  hold(what: string): () => void {
    const held = {};
    this.#held.set(held, text('what', what));
    return () => {
      if (this.#held.delete(held) && this.clock instanceof JumpingClock) this.#startJumping();
    };
  }

  /** Waits for something of the outside world; meanwhile the time does not jump. */
  async outside<T>(what: string, promise: Promise<T>): Promise<T> {
    const release = this.hold(what);
    try {
      return await promise;
    } finally {
      release();
    }
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
    const until = this.clock.now() + milliseconds('ms', ms);
    await this.settle();
    while (this.clock.fireNext(until)) await this.settle();
    this.clock.moveTo(until);
    await this.settle();
  }

  /**
   * Waits for a promise, and jumps to the next timer whenever nothing can run. Throws when the promise waits for something that
   * no timer will bring, and names the waits that are left.
   */
  async run<T>(promise: Promise<T>): Promise<T> {
    if (!isThenable(promise)) throw new InvalidOptionError('promise', promise, 'a promise');
    let pending = true;
    const done = (): void => {
      pending = false;
    };
    // oxlint-disable-next-line promise/no-callback-in-promise -- notes that it has settled, and passes nothing on
    promise.then(done, done);
    for (;;) {
      await this.settle();
      if (!pending) return promise;
      if (this.#held.size > 0 || this.#isHeldByWaits()) {
        this.#tellWhatIsAwaited();
        await lookAway();
      } else {
        this.#heldSince = undefined;
        if (!this.clock.fireNext(Infinity)) throw new Error(this.#standsStill());
      }
    }
  }

  #tellWhatIsAwaited(): void {
    const now = realClock.now();
    this.#heldSince ??= now;
    if (this.#warnedOfHold || now - this.#heldSince < LONG_MS) return;
    this.#warnedOfHold = true;
    const names =
      this.#held.size > 0 ? [...this.#held.values()] : this.#outsideWaits().map((wait) => describeWait(wait));
    process.emitWarning(
      `virtual time has not moved for ${LONG_MS / 1000} s, because this is awaited: ${names.join('; ')} (what hold gives releases it)`,
      'TaskThreadWarning',
    );
  }

  #outsideWaits(): BegunWait[] {
    return [...this.#scheduler.waits].filter(({ owner }) => (owner as WaitOwner).endedOutside === true);
  }

  /** Also where it is not: then, if the time is about to jump, it is said. */
  #isHeldByWaits(): boolean {
    const holds = this.#holds;
    if (holds === false) return false;
    const waits = this.#outsideWaits();
    if (waits.length === 0) return false;
    if (holds === true) return true;
    const words = waits.map((wait) => describeWait(wait));
    if (holds !== undefined) return words.some((wait) => holds(wait));
    if (this.#warned || this.clock.nextDue === undefined) return false;
    this.#warned = true;
    process.emitWarning(
      `virtual time jumps while the outside world is awaited: ${words.join('; ')} (VirtualTime({ holds }) says whether it may)`,
      'TaskThreadWarning',
    );
    return false;
  }

  /** Jumps on as long as there are timers; begins again when one is set. */
  async #jump(): Promise<void> {
    for (;;) {
      await this.settle();
      if (this.#held.size > 0) break;
      if (this.#isHeldByWaits()) await lookAway();
      else if (!this.clock.fireNext(Infinity)) break;
    }
    this.#jumping = false;
  }

  #startJumping(): void {
    if (this.#jumping) return;
    this.#jumping = true;
    void this.#jump();
  }

  #standsStill(): string {
    const waits = [...this.#scheduler.waits].map((wait) => describeWait(wait));
    const names = waits.length === 0 ? 'no thread waits' : `these waits are left: ${waits.join('; ')}`;
    return `virtual time stands still: nothing runs and no timer is set; ${names}`;
  }
}

/** A clock that says when a timer is set. */
class JumpingClock extends VirtualClock {
  readonly #wake: () => void;

  constructor(wake: () => void) {
    super();
    this.#wake = wake;
  }

  override setTimer(delayMs: number, callback: () => void): Timer {
    this.#wake();
    return super.setTimer(delayMs, callback);
  }
}

/** A wait in words: who, as far as that is known, and on what. */
export function describeWait(wait: BegunWait): string {
  const { path, what } = (wait.by ?? {}) as { readonly path?: string; readonly what?: string };
  const who = [path, what].filter((word) => word !== undefined && word !== '').join(' ');
  return who === '' ? wait.describe() : `${who}: ${wait.describe()}`;
}

function lookAway(): Promise<void> {
  return new Promise((resolve) => {
    realClock.setTimer(OUTSIDE_MS, resolve);
  });
}
