// What a program under measurement is given, and tells.

export class Work {
  /** How many things to do. */
  size;
  /** `sync`: await a promise only where there is one; `await`: await always. */
  style;
  /** What was measured besides the time, by name. */
  figures = {};
  /** Resolves at `end`. */
  ended;
  #resolveEnded;
  #beganAt = 0;
  #endedAt = 0;

  constructor({ size, style }) {
    this.size = size;
    this.style = style;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  get awaitsAll() {
    return this.style === 'await';
  }

  /** The time counts from here … */
  begin() {
    this.#beganAt = performance.now();
  }

  /** … to here. */
  end() {
    this.#endedAt = performance.now();
    this.#resolveEnded();
  }

  get ms() {
    if (this.#beganAt === 0 || this.#endedAt === 0) throw new Error('the program called begin() or end() not at all');
    return this.#endedAt - this.#beganAt;
  }

  /** A further figure, shown beside the rate. Its name says the unit: `heap bytes each`. */
  figure(name, value) {
    this.figures[name] = value;
  }

  /** Bytes of heap in use, after a collection. */
  heapUsed() {
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  }
}
