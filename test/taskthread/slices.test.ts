/**
 * Law 9, in time that only what is done takes: however cheap and dear things take turns, the event loop comes round before six
 * milliseconds are over. The scheduler is the real one; the clock is moved by the handlers and by each reading.
 */
import { type AnyChild, start, TaskThread, type Turn } from '../../src/index.ts';
import type { Timer } from '../../src/kernel/clock.ts';
import { leakCheck } from '../../src/testing/index.ts';
import { HandClock, nextImmediate } from '../kernel/hand-clock.ts';

const QUICK_MS = 0.000_05;
const LONGEST_MS = 6;
const TURNS = 150;

interface Costs {
  /** Of the n-th signal that the root handles. */
  readonly handler: (n: number) => number;
  /** Of what a leaf does between two words. */
  readonly word: number;
  readonly asynchronous: boolean;
}

/** No stop here takes so long that its timer would matter. */
class TimelessClock extends HandClock {
  override setTimer(): Timer {
    return {};
  }
}

class Flood {
  readonly clock = new TimelessClock();
  readonly costs: Costs;
  over = false;
  handled = 0;

  constructor(costs: Costs) {
    this.costs = costs;
    this.clock.perReading = 0.000_04;
  }

  take(ms: number): void {
    this.clock.time += ms;
  }
}

class Leaf extends TaskThread<never, number> {
  readonly #flood: Flood;

  constructor(flood: Flood) {
    super();
    this.#flood = flood;
  }

  protected override enter(): void {
    this.tasks.reCreate('send', async (turn) => {
      while (!this.#flood.over) {
        this.#flood.take(this.#flood.costs.word);
        const waits = turn.sendToParent(1);
        if (waits !== undefined) await waits;
      }
    });
  }
}

class Relay extends TaskThread<never, number, number> {
  readonly #flood: Flood;

  constructor(flood: Flood) {
    super();
    this.#flood = flood;
  }

  protected override async enter(): Promise<void> {
    await this.addChild(new Leaf(this.#flood));
  }

  protected override childSignalHandler(signal: number, _child: AnyChild, turn: Turn<number>): unknown {
    this.#flood.take(QUICK_MS);
    return this.#flood.costs.asynchronous ? this.#later(signal, turn) : turn.sendToParent(signal);
  }

  async #later(signal: number, turn: Turn<number>): Promise<void> {
    await turn.sendToParent(signal);
  }
}

class Root extends TaskThread<never, never, number> {
  readonly #flood: Flood;

  constructor(flood: Flood) {
    super();
    this.#flood = flood;
  }

  protected override async enter(): Promise<void> {
    for (let i = 0; i < 4; i++) await this.addChild(new Relay(this.#flood));
  }

  protected override childSignalHandler(): unknown {
    const flood = this.#flood;
    flood.take(flood.costs.handler(flood.handled++));
    return flood.costs.asynchronous ? Promise.resolve() : undefined;
  }
}

/** The longest times between two turns of the event loop, the first turns left out. */
async function longestTurns(costs: Costs): Promise<number> {
  const flood = new Flood(costs);
  const root = await start(() => new Root(flood), { clock: flood.clock });
  let longest = 0;
  for (let turn = 0; turn < TURNS; turn++) {
    const before = flood.clock.time;
    await nextImmediate();
    longest = Math.max(longest, flood.clock.time - before);
  }
  flood.over = true;
  await root.stop({ drainMs: 1e9 });
  expect(flood.handled).toBeGreaterThan(TURNS);
  return longest;
}

const handlers: [string, (n: number) => number][] = [
  ['50 µs', () => 0.05],
  ['1 ms', () => 1],
  ['1 ms after many quick ones', (n) => (n % 200 < 150 ? QUICK_MS : 1)],
];

test('where all was quick for long, no more than a step of slow ones goes unnoticed, once', async () => {
  const leaks = leakCheck();
  const handler = (n: number): number => (n < 20_000 ? QUICK_MS : 1);
  expect(await longestTurns({ handler, word: QUICK_MS, asynchronous: false })).toBeLessThan(LONGEST_MS + 16);
  leaks();
});

describe.each([
  ['handlers that return', false],
  ['asynchronous handlers', true],
])('the event loop has its turn in time under a flood, with %s', (_, asynchronous) => {
  test.each(handlers)('that take %s', async (_name, handler) => {
    const leaks = leakCheck();
    expect(await longestTurns({ handler, word: QUICK_MS, asynchronous })).toBeLessThan(LONGEST_MS);
    leaks();
  });

  test.each([0.05, 1])('and tasks that take %d ms between two words', async (word) => {
    const leaks = leakCheck();
    expect(await longestTurns({ handler: () => QUICK_MS, word, asynchronous })).toBeLessThan(LONGEST_MS);
    leaks();
  });
});
