/**
 * A queue in a ring that grows by doubling. Knows nothing of capacities or policies: the lane bounds it.
 */

const SMALLEST = 8;

export class RingBuffer<T> {
  #slots: (T | undefined)[] = new Array<T | undefined>(SMALLEST).fill(undefined);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item;
    this.#length++;
  }

  /** Puts an item before the oldest one. */
  unshift(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#slots.length - 1);
    this.#slots[this.#head] = item;
    this.#length++;
  }

  /** Takes the oldest item. Ask `length` first: of an empty ring it is undefined. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length--;
    return item;
  }

  /** The item that `index` others are older than. */
  at(index: number): T | undefined {
    return index < this.#length ? this.#slots[(this.#head + index) & (this.#slots.length - 1)] : undefined;
  }

  /** Puts another item in the place of the one at `index`. */
  replace(index: number, item: T): void {
    if (index < this.#length) this.#slots[(this.#head + index) & (this.#slots.length - 1)] = item;
  }

  #grow(): void {
    const size = this.#slots.length;
    const grown = new Array<T | undefined>(size * 2).fill(undefined);
    for (let i = 0; i < this.#length; i++) grown[i] = this.#slots[(this.#head + i) & (size - 1)];
    this.#slots = grown;
    this.#head = 0;
  }
}
