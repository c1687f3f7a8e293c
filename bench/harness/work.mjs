// What a program under measurement is given, and tells.
import { Arrivals } from './arrivals.mjs';

export class Work {
  /** How many things to do. */
  size;
  /** `sync`: await a promise only where there is one; `await`: await always. */
  style;
  /** What was measured besides the time, by name. */
  figures = {};
  /** What has arrived, of programs that pass something on. */
  arrivals;
  /** Resolves at `end`. */
  ended;
  #resolveEnded;
  #beganAt = 0;
  #endedAt = 0;
  #cpuAtBegin;
  #cpuMs = 0;

  #watchesMemory;

  constructor({ size, style, watch }) {
    this.#watchesMemory = watch === 'memory';
    this.size = size;
    this.style = style;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  get awaitsAll() {
    return this.style === 'await';
  }

  /** For a program that passes `size` things on: it gives these what arrives. The last one is the end. */
  expectArrivals(senders) {
    this.arrivals = new Arrivals(this.size, () => this.end(), senders);
    return this.arrivals;
  }

  /** What is wrong, in words, with what was delivered; `counted` is the program's own count, where nothing arrives. */
  problem(counted, expected) {
    if (this.arrivals !== undefined) return this.arrivals.problem();
    return counted === expected ? undefined : `delivered ${counted} of ${expected}`;
  }

  /** The time counts from here … */
  begin() {
    this.#cpuAtBegin = process.cpuUsage();
    this.#beganAt = performance.now();
  }

  /** … to here. */
  end() {
    this.#endedAt = performance.now();
    const { user, system } = process.cpuUsage(this.#cpuAtBegin);
    this.#cpuMs = (user + system) / 1000;
    this.#resolveEnded();
  }

  get begun() {
    return this.#beganAt !== 0;
  }

  get ms() {
    if (this.#beganAt === 0 || this.#endedAt === 0) throw new Error('the program called begin() or end() not at all');
    return this.#endedAt - this.#beganAt;
  }

  /** Processor time of the whole process, the collector's threads too: what else runs on the machine does not count. */
  get cpuMs() {
    return this.#cpuMs;
  }

  /** A further figure, shown beside the rate. Its name says the unit: `heap bytes each`. NaN is no figure. */
  figure(name, value) {
    if (!Number.isNaN(value)) this.figures[name] = value;
  }

  /** Bytes of heap in use, after a collection; NaN in the rounds that are timed, which a collection would disturb. */
  heapUsed() {
    if (!this.#watchesMemory) return NaN;
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  }
}
