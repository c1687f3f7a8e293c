// The floor: what somebody writes by hand who needs a bounded queue and nothing else. No tree, no books, no cancel, no
// fairness, no stop. Whether its words are awaited always or only when they must be is the caller's: these are the two floors.

const WAITS = undefined;
const SMALLEST = 8;
const NO_SLOTS = [];

function slotsFor(capacity) {
  let size = SMALLEST;
  while (size < capacity) size *= 2;
  return new Array(size).fill(undefined);
}

/** A ring of fixed capacity. `put` and `take` give a promise only when they must wait. Items are never undefined. */
export class RingQueue {
  #slots;
  #mask;
  #capacity;
  #head = 0;
  #length = 0;
  #putters = [];
  #takers = [];

  /** `eager: false` has no ring until something must be kept in it, then one that grows: for a hundred thousand idle queues. */
  constructor(capacity = 100, { eager = true } = {}) {
    this.#capacity = capacity;
    this.#slots = eager ? slotsFor(capacity) : NO_SLOTS;
    this.#mask = this.#slots.length - 1;
  }

  put(item) {
    const taker = this.#takers.shift();
    if (taker !== undefined) {
      taker(item);
      return WAITS;
    }
    if (this.#length < this.#capacity) {
      this.#push(item);
      return WAITS;
    }
    return new Promise((resolve) => {
      this.#putters.push({ item, resolve });
    });
  }

  take() {
    if (this.#length === 0) {
      return new Promise((resolve) => {
        this.#takers.push(resolve);
      });
    }
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & this.#mask;
    this.#length--;
    const putter = this.#putters.shift();
    if (putter !== undefined) {
      this.#push(putter.item);
      putter.resolve();
    }
    return item;
  }

  get empty() {
    return this.#length === 0;
  }

  #push(item) {
    if (this.#length > this.#mask) this.#grow();
    this.#slots[(this.#head + this.#length) & this.#mask] = item;
    this.#length++;
  }

  #grow() {
    const grown = slotsFor(this.#slots.length * 2);
    for (let i = 0; i < this.#length; i++) grown[i] = this.#slots[(this.#head + i) & this.#mask];
    this.#slots = grown;
    this.#mask = grown.length - 1;
    this.#head = 0;
  }
}
