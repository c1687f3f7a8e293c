/**
 * A queue for what is pushed by somebody who cannot be told to wait (datagrams, events): bounded in items and in size, and
 * what has no room is dropped by policy and counted. Not for signals: a lane has a sender who can wait (`../intercom/lane`).
 */
import { RingBuffer } from './ring-buffer.ts';

export type DropPolicy = 'drop-newest' | 'drop-oldest';

export interface QueueLimits<T> {
  readonly maxItems: number;
  /** In the unit of `sizeOf`; an empty queue admits any one item. */
  readonly maxSize?: number;
  readonly sizeOf?: (item: T) => number;
  readonly policy: DropPolicy;
}

export class BoundedQueue<T> {
  readonly #items = new RingBuffer<T>();
  readonly #limits: QueueLimits<T>;
  #size = 0;
  #dropped = 0;

  constructor(limits: QueueLimits<T>) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#items.length;
  }

  get size(): number {
    return this.#size;
  }

  /** How many items had to go, or were not let in. */
  get dropped(): number {
    return this.#dropped;
  }

  /** False when something was dropped for it, or it itself. */
  push(item: T): boolean {
    const before = this.#dropped;
    const size = this.#sizeOf(item);
    while (!this.#hasRoom(size)) {
      this.#dropped++;
      if (this.#limits.policy === 'drop-newest') return false;
      this.#size -= this.#sizeOf(this.#items.shift()!);
    }
    this.#items.push(item);
    this.#size += size;
    return this.#dropped === before;
  }

  /** Takes the oldest item. Ask `length` first: of an empty queue it is undefined. */
  shift(): T | undefined {
    if (this.#items.length === 0) return undefined;
    const item = this.#items.shift()!;
    this.#size -= this.#sizeOf(item);
    return item;
  }

  clear(): void {
    while (this.#items.length > 0) this.#items.shift();
    this.#size = 0;
  }

  #hasRoom(size: number): boolean {
    const { maxItems, maxSize = Infinity } = this.#limits;
    if (this.#items.length === 0) return true;
    return this.#items.length < maxItems && this.#size + size <= maxSize;
  }

  #sizeOf(item: T): number {
    return this.#limits.sizeOf?.(item) ?? 0;
  }
}
