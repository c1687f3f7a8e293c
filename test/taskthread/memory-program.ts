/**
 * What memory.integration.test.ts measures, in a process of its own that can collect its garbage: `sends POLICY COUNT` or
 * `threads KIND COUNT`, in rounds. Says one line of JSON for each: what is left on the heap, and what is alive.
 */
import { type Child, type ChildSpec, type LaneOptions, start, TaskThread, type Turn } from 'taskthread';
import { liveCounts } from 'taskthread/testing';

const ROUNDS = 10;

declare const gc: () => void;

interface Numbered {
  readonly n: number;
  readonly bytes: number;
}

/** Takes its time with every hundredth signal, so that its inbox is full as long as anybody sends. */
class Slow extends TaskThread<Numbered> {
  handled = 0;

  protected override signalHandler({ n }: Numbered): unknown {
    this.handled++;
    return n % 100 === 0 ? new Promise(setImmediate) : undefined;
  }
}

/** Sends as fast as its child lets it. */
class Flood extends TaskThread {
  readonly slow: Slow;
  child!: Child<Slow>;
  sent = 0;
  refused = 0;

  constructor(inbox: LaneOptions<Numbered>) {
    super();
    this.slow = new Slow({ inbox });
  }

  protected override async enter(): Promise<void> {
    this.child = await this.addChild(this.slow);
  }

  /** A round is a task of one turn. */
  flood(count: number): Promise<void> {
    return new Promise((done) => {
      this.tasks.reCreate('flood', async (turn) => {
        for (let i = 0; i < count; i++) await this.#sendOne(turn);
        done();
      });
    });
  }

  /** Nothing is awaited that was accepted at once: then it would be the microtasks that are measured. */
  #sendOne(turn: Turn): Promise<void> | undefined {
    const n = this.sent++;
    return turn.send(this.child, { n, bytes: n % 7 })?.catch((error: { code?: string }) => {
      if (error.code !== 'TT_LANE_FULL') throw error;
      this.refused++;
    });
  }
}

async function sends(
  policy: 'block' | 'drop-oldest' | 'drop-newest' | 'latest' | 'fail',
  count: number,
): Promise<void> {
  const flood = new Flood({
    policy,
    maxBytes: 200,
    sizeOf: ({ bytes }) => bytes,
    ...(policy === 'latest' && { keyOf: ({ n }) => n % 40 }),
  });
  const root = await start(flood);
  for (let round = 0; round < ROUNDS; round++) {
    await flood.flood(count / ROUNDS);
    measure({ books: flood.child.snapshot().edge.down });
  }
  await root.stop();
  const { down } = flood.child.snapshot().edge;
  measure({ end: true, books: down, handled: flood.slow.handled, refused: flood.refused });
}

/** The kinds of threads that are made and stopped again. */
class Idle extends TaskThread {}

class Busy extends TaskThread<number, number> {
  protected override enter(turn: Turn<number>): void {
    this.events.on('stopping', () => {});
    this.tasks.reCreate('tick', (task) => task.reSchedule({ afterMs: 60_000 }));
    void turn.sendToParent(1);
  }

  protected override signalHandler(signal: number, turn: Turn<number>): unknown {
    return turn.sendToParent(signal);
  }

  protected override exit(turn: Turn<number>): Promise<void> {
    return turn.sleep(0);
  }
}

/** Fails with its first signal, in each of its lives but the last. */
class Crashing extends TaskThread<number, number> {
  protected override signalHandler(life: number, turn: Turn<number>): unknown {
    if (life < 2) throw new Error(`life ${life}`);
    return turn.sendToParent(life);
  }
}

const kinds = {
  idle: (nursery: Nursery) => nursery.add(() => new Idle(), {}),
  busy: (nursery: Nursery) => nursery.add(() => new Busy(), { peers: 'all' }),
  failing: (nursery: Nursery) => nursery.addFailing(),
  restarted: (nursery: Nursery) => nursery.addRestarted(),
};

/** The one root of a million threads, a thousand at a time. */
class Nursery extends TaskThread<never, never, number> {
  heard = 0;

  constructor() {
    super({ supervision: { intensity: 10_000, periodMs: 0 } });
  }

  protected override childSignalHandler(): void {
    this.heard++;
  }

  add(make: () => Idle | Busy, spec: ChildSpec): Promise<Child<never>> {
    return this.addChild(make as () => Busy, spec) as never;
  }

  async addFailing(): Promise<Child<never>> {
    const child = await this.addChild(() => new Crashing(), { onFailure: 'ignore' });
    void child.send(0);
    return child as never;
  }

  async addRestarted(): Promise<Child<never>> {
    const child = await this.addChild(() => new Crashing(), { restart: 'permanent' });
    for (let life = 0; life < 3; life++) await child.send(life);
    return child as never;
  }

  get count(): number {
    return this.childCount;
  }
}

async function threads(kind: keyof typeof kinds, count: number): Promise<void> {
  const nursery = new Nursery();
  const root = await start(nursery);
  const batch = 1000;
  let expected = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (let left = count / ROUNDS; left > 0; left -= batch) {
      const made = await Promise.all(Array.from({ length: Math.min(batch, left) }, () => kinds[kind](nursery)));
      // Until each has done what there is to do.
      expected += kind === 'busy' || kind === 'restarted' ? made.length : 0;
      if (kind === 'failing') await Promise.all(made.map((child) => child.join()));
      while (nursery.heard < expected) await new Promise(setImmediate);
      await Promise.all(made.map((child) => child.stop()));
      if (nursery.count > 0) throw new Error(`${nursery.count} children are left`);
    }
    measure({ heard: nursery.heard });
  }
  await root.stop();
  measure({ end: true });
}

function measure(more: object): void {
  gc();
  gc();
  const { heapUsed } = process.memoryUsage();
  const handles = process.getActiveResourcesInfo().filter((name) => name !== 'Immediate' && !name.includes('Pipe'));
  console.log(JSON.stringify({ heapUsed, handles, live: liveCounts(), ...more }));
}

const [scenario, kind, count] = process.argv.slice(2);
if (scenario === 'sends') await sends(kind as 'block', Number(count));
else await threads(kind as 'idle', Number(count));
