// Scale: a million signals over ten, a thousand, a hundred thousand and (with --large) a million threads, each in turn. What a
// signal costs and what a thread holds must not grow with their number; what grows is what the processor's caches miss, so the
// floor by hand stands beside it.
import { RingQueue } from '../floors/ring-queue.mjs';
import { Arrivals } from '../harness/arrivals.mjs';
import { start, TaskThread } from '../taskthread.mjs';

const BATCH = 100;

class Counter extends TaskThread {
  due = 0;

  constructor(tally) {
    super();
    this.tally = tally;
  }

  signalHandler(signal) {
    const inTurn = signal === this.due && signal <= this.tally.last;
    this.due = signal + 1;
    this.tally.arrivals.add(inTurn);
  }
}

/** Where signals are counted: first each thread's first one, which is not measured, because lanes are made with it. */
class Tally {
  arrivals;
  /** The last round, in which some have nothing where the signals do not come out even. */
  last;

  constructor(work, threads) {
    this.last = Math.ceil(work.size / threads);
  }

  warmUp(threads) {
    return new Promise((resolve) => {
      this.arrivals = new Arrivals(threads, resolve);
    });
  }

  measure(work) {
    this.arrivals = work.expectArrivals();
    return work.ended;
  }
}

class Wide extends TaskThread {
  constructor(work, threads) {
    super();
    this.work = work;
    this.threads = threads;
  }

  enter() {
    this.tasks.reCreate('drive', (turn) => this.drive(turn));
  }

  async drive(turn) {
    const { work, threads } = this;
    const tally = new Tally(work, threads);
    const before = work.heapUsed();
    const beganAt = performance.now();
    const children = [];
    while (children.length < threads) {
      const some = Array.from({ length: Math.min(BATCH, threads - children.length) });
      children.push(...(await Promise.all(some.map(() => this.addChild(() => new Counter(tally))))));
    }
    work.figure('µs for a thread', ((performance.now() - beganAt) * 1000) / threads);
    work.figure('heap bytes, idle', (work.heapUsed() - before) / threads);
    const warm = tally.warmUp(threads);
    await this.send(turn, children, threads, 0);
    await warm;
    work.figure('heap bytes, after a signal', (work.heapUsed() - before) / threads);
    const handled = tally.measure(work);
    work.begin();
    await this.send(turn, children, work.size, 1);
    await handled;
  }

  async send(turn, children, count, firstRound) {
    for (let i = 0, k = 0, round = firstRound; i < count; i++) {
      const waits = turn.send(children[k], round);
      if (waits !== undefined) await waits;
      if (++k < children.length) continue;
      k = 0;
      round++;
    }
  }
}

const ours = (threads) => async (work) => {
  const root = await start(() => new Wide(work, threads));
  await work.ended;
  const { verdict } = await root.stop({ drainMs: 60_000 });
  if (verdict !== 'clean') throw new Error(`the stop was ${verdict}`);
};

/** By hand: a queue and a loop each, awaiting only when it must. */
const byHand = (threads) => async (work) => {
  const tally = new Tally(work, threads);
  const loop = async (queue) => {
    for (let due = 0; ; ) {
      const item = queue.empty ? await queue.take() : queue.take();
      if (item === 'stop') return;
      const inTurn = item === due && item <= tally.last;
      due = item + 1;
      tally.arrivals.add(inTurn);
    }
  };
  const before = work.heapUsed();
  const beganAt = performance.now();
  const queues = [];
  const loops = [];
  for (let i = 0; i < threads; i++) {
    const queue = new RingQueue(100, { eager: false });
    queues.push(queue);
    loops.push(loop(queue));
  }
  work.figure('µs for a thread', ((performance.now() - beganAt) * 1000) / threads);
  work.figure('heap bytes, idle', (work.heapUsed() - before) / threads);
  const send = async (count, firstRound) => {
    for (let i = 0, k = 0, round = firstRound; i < count; i++) {
      const waits = queues[k].put(round);
      if (waits !== undefined) await waits;
      if (++k < threads) continue;
      k = 0;
      round++;
    }
  };
  const warm = tally.warmUp(threads);
  await send(threads, 0);
  await warm;
  work.figure('heap bytes, after a signal', (work.heapUsed() - before) / threads);
  const all = tally.measure(work);
  work.begin();
  await send(work.size, 1);
  await all;
  for (const queue of queues) await queue.put('stop');
  await Promise.all(loops);
};

const LARGE = 1_000_000;
const counts = [10, 1_000, 100_000, LARGE];
const label = (threads) => threads.toLocaleString('en-US');

export const workloads = [
  {
    name: 'scale',
    title: 'Scale: a million signals over ever more threads',
    unit: 'signals',
    size: 1_000_000,
    scalable: false,
    memory: true,
    heapMb: 8_000,
    base: '10 threads',
    contenders: Object.fromEntries([
      ...counts.map((threads) => [`${label(threads)} threads`, ours(threads)]),
      ...counts.map((threads) => [`${label(threads)} loops by hand`, byHand(threads)]),
    ]),
    largeContenders: [`${label(LARGE)} threads`, `${label(LARGE)} loops by hand`],
  },
];
