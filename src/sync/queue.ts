/**
 * A queue between executions: what one puts, another one gets, in the order put.
 *
 *     put ──► getters wait? ──► handed over                           get ──► the oldest item; the first putter's moves up
 *       └───► room? ──► [ oldest … newest ]                             └───► in line
 *               └──► in line
 *
 * Rules: nobody overtakes, so there are never getters in line while there are items, nor putters while there is room. An item
 * is unfinished from the moment that it is accepted (put, or handed over) until its `taskDone`.
 *
 * Not here: the queues between a thread and its parent (`../intercom/lane`), which have policies and books.
 */
import { counted } from '../kernel/describe.ts';
import type { Scoped } from '../kernel/cancel-scope.ts';
import { wholeNumber } from '../kernel/check.ts';
import { RingBuffer } from '../kernel/ring-buffer.ts';
import { OverReleasedError, QueueClosedError } from '../kernel/sync-errors.ts';
import { type Waiter, type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import { Doorway, type WaitOptions } from './doorway.ts';

export interface QueueSnapshot {
  readonly size: number;
  /** 0 for no bound. */
  readonly maxSize: number;
  /** Items put for which `taskDone` was not called yet. */
  readonly unfinished: number;
  readonly getting: number;
  readonly putting: number;
  readonly joining: number;
  readonly closed: boolean;
}

/** What a getter waits with: by `get`, or by an iteration, which is given results and ends at the close. */
type Getter = 'get' | 'iteration';

const GETTING = { item: 'get' satisfies Getter, source: true };
const ITERATING = { item: 'iteration' satisfies Getter, source: true };
const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * A queue of items, bounded by `maxSize` (0, the default: no bound; a producer that is faster than its consumer then fills the
 * memory). For threads and functions that are not parent and child; those have their lanes.
 *
 * Guarantees: items are got in the order put, getters and putters are served in the order of arrival; each item is got once.
 * Source: thredo's `Queue`; `close` is new.
 */
export class Queue<T> implements WaitOwner {
  readonly maxSize: number;
  readonly #door = new Doorway();
  readonly #items = new RingBuffer<T>();
  readonly #getters = new WaitQueue();
  readonly #putters = new WaitQueue();
  readonly #joiners = new WaitQueue();
  #unfinished = 0;
  #closed = false;

  /** Errors: `InvalidOptionError`. */
  constructor(maxSize = 0) {
    this.maxSize = wholeNumber('maxSize', maxSize, 0);
  }

  get size(): number {
    return this.#items.length;
  }

  get empty(): boolean {
    return this.#items.length === 0;
  }

  /** A put would have to wait. */
  get full(): boolean {
    return this.maxSize > 0 && this.#items.length >= this.maxSize;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Puts an item at the end; waits while the queue is full. Rejects with `QueueClosedError`, which gives the item back;
   * `CancelledError`, `ThreadEndedError`; `NoScopeError`.
   * *Cancel-safe:* a cancelled put put nothing; an item that was taken in before the cancel stays. *Ordering:* as put.
   */
  put(item: T, options?: WaitOptions): Promise<void> {
    const scope = this.#door.enter(options, 'queue.put');
    if (scope instanceof Promise) return scope;
    if (this.#closed) return this.#door.refuse(new QueueClosedError(item));
    if (this.full) return this.#door.wait(this.#putters, this, scope, { item }) as Promise<void>;
    this.#accept(item);
    return this.#door.done(scope);
  }

  /** Puts an item if there is room. False when the put would have to wait, or the queue is closed. */
  tryPut(item: T): boolean {
    this.#door.pass();
    if (this.#closed || this.full) return false;
    this.#accept(item);
    return true;
  }

  /**
   * Takes the oldest item; waits while there is none. A wait on a source: in an intake task it ends when the intake closes.
   * Rejects with `QueueClosedError` when the queue is closed and empty; `CancelledError`, `IntakeClosedError`,
   * `ThreadEndedError`; `NoScopeError`.
   * *Cancel-safe:* a cancelled get took nothing; an item that was handed over before the cancel is taken, and given.
   * *Ordering:* as put; getters in the order of arrival.
   */
  get(options?: WaitOptions): Promise<T> {
    const scope = this.#door.enter(options, 'queue.get', true);
    if (scope instanceof Promise) return scope;
    if (this.#items.length > 0) return this.#door.done(scope, this.#take());
    if (this.#closed) return this.#door.refuse(new QueueClosedError());
    return this.#door.wait(this.#getters, this, scope, GETTING) as Promise<T>;
  }

  /** Takes the oldest item; undefined when there is none (where items may be undefined, ask `empty` first). */
  tryGet(): T | undefined {
    this.#door.pass();
    return this.#items.length > 0 ? this.#take() : undefined;
  }

  /** One item that was got is worked off. Errors: `OverReleasedError` when there was none. */
  taskDone(): void {
    this.#door.pass();
    if (this.#unfinished === 0) throw new OverReleasedError('queue.taskDone', 'every item put is done');
    if (--this.#unfinished === 0) this.#joiners.wakeAll();
  }

  /**
   * Waits until `taskDone` was called for every item put; at once when there is none.
   * Rejects with `CancelledError`, `ThreadEndedError`; `NoScopeError`. *Cancel-safe:* nothing is taken.
   */
  join(options?: WaitOptions): Promise<void> {
    const scope = this.#door.enter(options, 'queue.join');
    if (scope instanceof Promise) return scope;
    if (this.#unfinished === 0) return this.#door.done(scope);
    return this.#door.wait(this.#joiners, this, scope) as Promise<void>;
  }

  /**
   * Takes no more items. What is queued can still be got; then `get` is refused and iterations end. Putters that wait get their
   * items back; getters that wait are refused, or end. Closing twice is harmless.
   */
  close(): void {
    this.#door.pass();
    if (this.#closed) return;
    this.#closed = true;
    for (let putter = this.#putters.first; putter !== undefined; putter = this.#putters.first) {
      putter.refuse(new QueueClosedError(putter.item));
    }
    for (let getter = this.#getters.first; getter !== undefined; getter = this.#getters.first) {
      if (getter.item === ITERATING.item) getter.wake(END);
      else getter.refuse(new QueueClosedError());
    }
  }

  /**
   * Gets one item after the other, and ends when the queue is closed and empty: `for await (const item of queue.items({ scope }))`.
   * Several iterations share the items. To leave the loop takes nothing. *Cancel-safe:* as `get`.
   */
  items(options?: WaitOptions): AsyncIterableIterator<T> {
    const iterator: AsyncIterableIterator<T> = {
      next: () => this.#next(options),
      return: () => Promise.resolve(END),
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** `items` in the scope around: `for await (const item of queue)`. *Cancel-safe:* as `get`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this.items();
  }

  snapshot(): QueueSnapshot {
    return {
      size: this.#items.length,
      maxSize: this.maxSize,
      unfinished: this.#unfinished,
      getting: this.#getters.length,
      putting: this.#putters.length,
      joining: this.#joiners.length,
      closed: this.#closed,
    };
  }

  describeWait(waiter: Waiter): string {
    if (waiter.line === this.#putters) return `a place in a queue of ${this.maxSize}`;
    if (waiter.line === this.#getters) return 'an item of a queue';
    return `the last of ${counted(this.#unfinished, 'item')} of a queue to be done`;
  }

  waitCancelled(): void {}

  #next(options: WaitOptions | undefined): Promise<IteratorResult<T, undefined>> {
    const scope = this.#door.enter(options, 'queue.next', true);
    if (scope instanceof Promise) return scope;
    return this.#nextIn(scope);
  }

  #nextIn(scope: Scoped): Promise<IteratorResult<T, undefined>> {
    if (this.#items.length > 0) return this.#door.done(scope, { done: false, value: this.#take() });
    if (this.#closed) return this.#door.done(scope, END);
    return this.#door.wait(this.#getters, this, scope, ITERATING) as Promise<IteratorResult<T, undefined>>;
  }

  #accept(item: T): void {
    this.#unfinished++;
    const getter = this.#getters.first;
    if (getter === undefined) this.#items.push(item);
    else getter.wake(getter.item === ITERATING.item ? { done: false, value: item } : item);
  }

  #take(): T {
    const item = this.#items.shift() as T;
    const putter = this.#putters.first;
    if (putter !== undefined) {
      this.#accept(putter.item as T);
      putter.wake();
    }
    return item;
  }
}
