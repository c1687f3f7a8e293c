/**
 * What is queued in a lane: the signals in their order, and beside them what each counts, weighs and is keyed by, where the
 * lane's options ask for it; and what fits in beside them. Knows no policy and keeps no books.
 */
import { RingBuffer } from '../kernel/ring-buffer.ts';
import type { ResolvedLaneOptions } from './lane-options.ts';
import type { Parcel } from './parcel.ts';

export class LaneQueue {
  /** The signals alone. Where signals are `plain` there is nothing else, and the lane may use this directly. */
  readonly signals: RingBuffer<unknown> = new RingBuffer<unknown>();
  /** Count and bytes of each signal, where they are not 1 and 0. */
  readonly #weights: RingBuffer<number> | undefined;
  readonly #keys: RingBuffer<unknown> | undefined;
  /** Key to position since the beginning. */
  readonly #places: Map<unknown, number> | undefined;
  readonly #capacity: number;
  readonly #maxBytes: number;
  #removed = 0;
  #count = 0;
  #bytes = 0;
  #removedCount = 1;
  #removedBytes = 0;
  #removedKey: unknown;

  constructor(options: ResolvedLaneOptions) {
    this.#capacity = options.capacity;
    this.#maxBytes = options.maxBytes;
    if (options.sizeOf !== undefined || options.countOf !== undefined) this.#weights = new RingBuffer();
    if (options.policy === 'latest') {
      this.#keys = new RingBuffer();
      this.#places = new Map();
    }
  }

  /** True when every signal counts one and has neither size nor key. */
  get plain(): boolean {
    return this.#weights === undefined && this.#keys === undefined;
  }

  /** How many signals, a batch being as many as it counts. */
  get count(): number {
    return this.#weights === undefined ? this.signals.length : this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What the signal counted that was removed last. */
  get removedCount(): number {
    return this.#removedCount;
  }

  get removedBytes(): number {
    return this.#removedBytes;
  }

  get removedKey(): unknown {
    return this.#removedKey;
  }

  /** The oldest signal, with what it counts, weighs and is keyed by. Ask `signals.length` first. */
  get oldest(): Parcel {
    return { signal: this.signals.at(0), count: this.countAt(0), bytes: this.#bytesAt(0), key: this.#keys?.at(0) };
  }

  push(parcel: Parcel): void {
    if (this.#places !== undefined) {
      this.#places.set(parcel.key, this.#removed + this.signals.length);
      this.#keys?.push(parcel.key);
    }
    this.signals.push(parcel.signal);
    if (this.#weights === undefined) return;
    this.#weights.push(parcel.count);
    this.#weights.push(parcel.bytes);
    this.#count += parcel.count;
    this.#bytes += parcel.bytes;
  }

  /** Removes the oldest signal; ask `length` first. */
  remove(): unknown {
    if (this.#weights !== undefined) {
      this.#removedCount = this.#weights.shift() ?? 1;
      this.#removedBytes = this.#weights.shift() ?? 0;
      this.#count -= this.#removedCount;
      this.#bytes -= this.#removedBytes;
    }
    if (this.#places !== undefined) {
      const key = this.#keys?.shift();
      this.#removedKey = key;
      if (this.#places.get(key) === this.#removed) this.#places.delete(key);
      this.#removed++;
    }
    return this.signals.shift();
  }

  /** Puts a signal that was removed last back to where it was. `latest`: what came meanwhile under its key stays the newer one. */
  putBack({ signal, count, bytes, key }: Parcel): void {
    this.signals.unshift(signal);
    if (this.#weights !== undefined) {
      this.#weights.unshift(bytes);
      this.#weights.unshift(count);
      this.#count += count;
      this.#bytes += bytes;
    }
    if (this.#places === undefined) return;
    this.#keys?.unshift(key);
    this.#removed--;
    if (!this.#places.has(key)) this.#places.set(key, this.#removed);
  }

  /** Fits behind what is queued. An empty lane admits any one. */
  fits({ count, bytes }: Parcel): boolean {
    if (this.signals.length === 0) return true;
    return this.count + count <= this.#capacity && this.#bytes + bytes <= this.#maxBytes;
  }

  /** Where a queued signal has the same key and can be replaced, counted from the oldest. */
  placeFor({ key, count, bytes }: Parcel): number | undefined {
    const position = this.#places?.get(key);
    if (position === undefined) return undefined;
    const place = position - this.#removed;
    if (this.signals.length === 1) return place;
    const fits =
      this.count - this.countAt(place) + count <= this.#capacity &&
      this.#bytes - this.#bytesAt(place) + bytes <= this.#maxBytes;
    return fits ? place : undefined;
  }

  /** The oldest one would fit behind the others, if it were taken away. */
  get oldestFitsLast(): boolean {
    return this.signals.length === 1 || (this.count <= this.#capacity && this.#bytes <= this.#maxBytes);
  }

  get halfEmpty(): boolean {
    return this.count <= this.#capacity >> 1 && this.#bytes <= this.#maxBytes / 2;
  }

  some(test: (signal: unknown) => boolean): boolean {
    for (let place = 0; place < this.signals.length; place++) if (test(this.signals.at(place))) return true;
    return false;
  }

  countAt(place: number): number {
    return this.#weights?.at(place * 2) ?? 1;
  }

  #bytesAt(place: number): number {
    return this.#weights?.at(place * 2 + 1) ?? 0;
  }

  /** Puts a parcel in the place of another with the same key; gives the signal that was there. */
  replace(place: number, parcel: Parcel): unknown {
    const old = this.signals.at(place);
    this.#count += parcel.count - this.countAt(place);
    this.#bytes += parcel.bytes - this.#bytesAt(place);
    this.signals.replace(place, parcel.signal);
    this.#weights?.replace(place * 2, parcel.count);
    this.#weights?.replace(place * 2 + 1, parcel.bytes);
    return old;
  }
}
