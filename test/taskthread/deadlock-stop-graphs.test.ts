/** Laws 8 and 10 over random trees whose handlers answer with signals, and stop children: no stop hangs untold, and none is told that does not. */
import { type AnyChild, type Child, type LifecycleRecord, start, TaskThread, type Turn } from '../../src/index.ts';
import { VirtualTime } from '../../src/testing/index.ts';
import { Dice } from '../../src/testing/dice.ts';
import { checkThreads, codeOf } from './toys.ts';

checkThreads();

const GRAPHS = process.env['FULL'] === '1' ? 10_000 : 1000;
const DEPTH = 2;
const LIVES = 4;
const budget = { drainMs: 100, cancelMs: 50 };

interface StopLog {
  readonly by: string;
  readonly of: string;
  readonly begunAt: number;
  tookMs: number | undefined;
}

interface HeldUp {
  readonly by: string;
  readonly links: readonly string[];
}

/** Answers a signal with up to three others, or stops a child: whichever, and whom, says the seed. */
class Node extends TaskThread<number, number, number> {
  readonly #world: World;
  readonly #depth: number;
  readonly #kids: Child<Node>[] = [];

  constructor(world: World, depth: number) {
    super({ name: 'n', inbox: { capacity: 1 + world.upTo(2) }, outbox: { capacity: 1 + world.upTo(2) } });
    this.#world = world;
    this.#depth = depth;
  }

  protected override async enter() {
    const kids = this.#depth === 0 ? 0 : 1 + this.#world.upTo(2);
    for (let i = 0; i < kids; i++) {
      this.#kids.push(await this.addChild(() => new Node(this.#world, this.#depth - 1), { onFailure: 'ignore' }));
    }
  }

  protected override signalHandler(lives: number, turn: Turn<number>) {
    return this.#answer(lives, turn);
  }

  protected override childSignalHandler(lives: number, _child: AnyChild, turn: Turn<number>) {
    return this.#answer(lives, turn);
  }

  async #answer(lives: number, turn: Turn<number>): Promise<void> {
    for (let left = lives === 0 ? 0 : 1 + this.#world.upTo(3); left > 0; left--) {
      try {
        await this.#act(lives - 1, turn);
      } catch (error) {
        if (codeOf(error) === 'TT_DEADLOCK') this.#world.deadlocks.push(String(error));
        else if (codeOf(error) !== 'TT_EDGE_CLOSED') throw error;
      }
    }
  }

  async #act(lives: number, turn: Turn<number>): Promise<void> {
    const kid = this.#kids[this.#world.upTo(this.#kids.length)];
    const choice = this.#world.upTo(20);
    if (choice < 8 && kid !== undefined) await turn.send(kid, lives);
    else if (choice < 17 && this.#depth < DEPTH) await turn.sendToParent(lives);
    else if (choice >= 17 && kid !== undefined && kid.outcome === undefined) await this.#stop(kid, turn);
  }

  async #stop(kid: Child<Node>, turn: Turn<number>): Promise<void> {
    const log: StopLog = { by: this.path, of: kid.path, begunAt: this.clock.now(), tookMs: undefined };
    this.#world.stops.push(log);
    const { clock } = this;
    try {
      await kid.stop({ ...budget, scope: turn });
    } finally {
      log.tookMs = clock.now() - log.begunAt;
    }
  }
}

class World {
  readonly stops: StopLog[] = [];
  readonly heldUp: HeldUp[] = [];
  readonly deadlocks: string[] = [];
  readonly #dice: Dice;

  constructor(seed: number) {
    this.#dice = new Dice(seed);
  }

  /** From 0, and less than this. */
  upTo(n: number): number {
    return this.#dice.int(n);
  }

  readonly onRecord = (record: LifecycleRecord): void => {
    if (record.kind !== 'held-up') return;
    this.heldUp.push({ by: record.path, links: record.chain.map(({ path }) => path) });
  };
}

/** What was wrong in the tree of this seed. */
async function faultsOf(seed: number, counts: { stops: number; heldUp: number }): Promise<string[]> {
  const faults: string[] = [];
  const time = new VirtualTime();
  const world = new World(seed);
  const { onRecord } = world;
  const root = await time.run(start(new Node(world, DEPTH) as never, { ...time.options, onRecord }));
  for (let i = 0; i < 6; i++) void (root as unknown as Child<Node>).send(LIVES)?.catch(() => {});
  // Less than any stop's time: what has not come back by then hangs.
  for (let i = 0; i < 20; i++) await time.advance(0.01);
  const hanging = world.stops.filter(({ tookMs }) => tookMs === undefined);
  counts.stops += world.stops.length;
  counts.heldUp += world.heldUp.length;
  for (const { by, of } of hanging) {
    // Of those that wait for each other one is told: the one that is a link of the circle.
    const told = world.heldUp.some((one) => one.by === by || one.links.some((link) => link.startsWith(of)));
    if (!told) faults.push(`the stop of ${of} by ${by} hangs untold`);
  }
  for (const { by } of world.heldUp) {
    if (!hanging.some((stop) => stop.by === by)) faults.push(`told, but ${by} hangs in no stop`);
  }
  await time.advance(1000);
  for (const { of, tookMs } of hanging) {
    if (tookMs === undefined || tookMs > 150.5) faults.push(`the stop of ${of} took ${tookMs} ms`);
  }
  for (const error of world.deadlocks) if (error.includes('for the end of')) faults.push(`failed: ${error}`);
  await time.run(root.stop({ drainMs: 0, cancelMs: 0 }));
  return faults.map((fault) => `seed ${seed}: ${fault}`);
}

test('in random graphs with stops each that hangs is told, no other is, none fails and all return in their time', async () => {
  const faults: string[] = [];
  const counts = { stops: 0, heldUp: 0 };
  for (let seed = 1; seed <= GRAPHS && faults.length < 5; seed++) faults.push(...(await faultsOf(seed, counts)));
  expect(faults).toEqual([]);
  expect(counts.stops).toBeGreaterThan(GRAPHS);
  expect(counts.heldUp).toBeGreaterThan(GRAPHS / 4);
}, 120_000);
