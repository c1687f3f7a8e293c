/**
 * A clock that only moves when it is told to. Its timers lie in a heap, by moment and then in the order of setting: programs in
 * virtual time set and clear them by the hundred thousand.
 *
 * Not here: who moves it (`virtual-time`, `simulated-scheduler`).
 */
import type { Clock, Timer } from '../kernel/clock.ts';
import { live } from '../kernel/probe.ts';

export class VirtualTimer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
  /** Fired, taken or cleared. */
  over = false;

  constructor(at: number, order: number, callback: () => void) {
    this.at = at;
    this.order = order;
    this.callback = callback;
  }
}

/** So many cleared timers may lie in the heap before it is made anew. */
const MOST_CLEARED = 64;

/** A clock that only moves when told. Timers of one moment fire in the order in which they were set. */
export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  /** The first to fire is at 0; of the others each is after the one at half its place. Cleared ones stay until they come up. */
  #heap: VirtualTimer[] = [];
  #pending = 0;

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
    this.#pending++;
    live.timers++;
    this.#push(timer);
    return timer;
  }

  clearTimer(timer: Timer): void {
    if (!(timer instanceof VirtualTimer) || timer.over) return;
    this.#close(timer);
    if (this.#heap.length - this.#pending > MOST_CLEARED + this.#pending) this.#sweep();
  }

  get pendingTimers(): number {
    return this.#pending;
  }

  /** When the next timer is due; undefined when there is none. */
  get nextDue(): number | undefined {
    return this.#first()?.at;
  }

  /** Moves to a moment and fires the first timer that is due by then; false when there is none. */
  fireNext(until: number): boolean {
    const timer = this.takeNext(until);
    timer?.callback();
    return timer !== undefined;
  }

  /** The same for who calls back himself: the timer counts as fired. */
  takeNext(until: number): VirtualTimer | undefined {
    const timer = this.#first();
    if (timer === undefined || timer.at > until) return undefined;
    this.#close(timer);
    this.#pop();
    this.moveTo(timer.at);
    return timer;
  }

  moveTo(moment: number): void {
    this.#now = Math.max(this.#now, moment);
  }

  /** Clears every timer. */
  clearAll(): void {
    for (const timer of this.#heap) if (!timer.over) this.#close(timer);
    this.#heap = [];
  }

  #close(timer: VirtualTimer): void {
    timer.over = true;
    this.#pending--;
    live.timers--;
  }

  #first(): VirtualTimer | undefined {
    while (this.#heap[0]?.over === true) this.#pop();
    return this.#heap[0];
  }

  #sweep(): void {
    this.#heap = this.#heap.filter((timer) => !timer.over).sort((a, b) => (before(a, b) ? -1 : 1));
  }

  #push(timer: VirtualTimer): void {
    const heap = this.#heap;
    let place = heap.length;
    while (place > 0) {
      const up = (place - 1) >> 1;
      const above = heap[up]!;
      if (before(above, timer)) break;
      heap[place] = above;
      place = up;
    }
    heap[place] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && before(heap[below + 1]!, heap[below]!)) below++;
      if (before(last, heap[below]!)) break;
      heap[place] = heap[below]!;
      place = below;
    }
    heap[place] = last;
  }
}

function before(a: VirtualTimer, b: VirtualTimer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
