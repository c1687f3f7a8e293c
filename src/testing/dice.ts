/** Chance that can be repeated: the same seed gives the same numbers (mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
    // Neighbouring seeds begin alike; a few throws apart they do not.
    for (let i = 0; i < 8; i++) this.next();
  }

  /** 0 or more, less than 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number from 0 to `below`, `below` excluded. */
  int(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.int(most - least + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)] as T;
  }

  /** One of several words, each with its weight. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
    const words = Object.keys(weights) as T[];
    let rest = this.next() * words.reduce((sum, word) => sum + weights[word], 0);
    for (const word of words) {
      rest -= weights[word];
      if (rest < 0) return word;
    }
    return words[words.length - 1] as T;
  }
}
