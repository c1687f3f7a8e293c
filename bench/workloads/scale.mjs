// Scale: a million signals over ten, a thousand, a hundred thousand and (with --large) a million threads, each in turn. What a
// signal costs and what a thread holds must not grow with their number; what grows is what the processor's caches miss, so the
// floor by hand stands beside it.
import { RingQueue } from '../floors/ring-queue.mjs';
import { start, TaskThread } from '../taskthread.mjs';

const BATCH = 100;

class Counter extends TaskThread {
  constructor(tally) {
    super();
    this.tally = tally;
  }

  signalHandler() {
    this.tally.handled++;
    if (this.tally.handled === this.tally.until) this.tally.reached();
  }
}

class Tally {
  handled = 0;
  until = 0;
  reached;

  upTo(count) {
    this.until = this.handled + count;
    return new Promise((resolve) => {
      this.reached = resolve;
    });
  }
}

class Wide extends TaskThread {
  constructor(work, threads, finished) {
    super();
    this.work = work;
    this.threads = threads;
    this.finished = finished;
  }

  enter() {
    this.tasks.reCreate('drive', (turn) => this.drive(turn));
  }

  async drive(turn) {
    const { work, threads } = this;
    const tally = new Tally();
    const before = work.heapUsed();
    const beganAt = performance.now();
    const children = [];
    while (children.length < threads) {
      const some = Array.from({ length: Math.min(BATCH, threads - children.length) });
      children.push(...(await Promise.all(some.map(() => this.addChild(() => new Counter(tally))))));
    }
    work.figure('µs for a thread', ((performance.now() - beganAt) * 1000) / threads);
    work.figure('heap bytes, idle', (work.heapUsed() - before) / threads);
    // Each is sent one before it counts: lanes are made with the first signal.
    const warm = tally.upTo(threads);
    await this.send(turn, children, threads);
    await warm;
    work.figure('heap bytes, after a signal', (work.heapUsed() - before) / threads);
    const handled = tally.upTo(work.size);
    work.begin();
    await this.send(turn, children, work.size);
    await handled;
    work.end();
    this.finished(tally.handled - threads);
  }

  async send(turn, children, count) {
    for (let i = 0, k = 0; i < count; i++) {
      const waits = turn.send(children[k], i);
      if (waits !== undefined) await waits;
      if (++k === children.length) k = 0;
    }
  }
}

const ours = (threads) => async (work) => {
  let finished;
  const handled = new Promise((resolve) => {
    finished = resolve;
  });
  const root = await start(new Wide(work, threads, finished));
  const count = await handled;
  const { verdict } = await root.stop({ drainMs: 60_000 });
  return verdict === 'clean' ? count : -1;
};

/** By hand: a queue and a loop each, awaiting only when it must. */
const byHand = (threads) => async (work) => {
  let handled = 0;
  let reached;
  let until = 0;
  const upTo = (count) => {
    until = handled + count;
    return new Promise((resolve) => {
      reached = resolve;
    });
  };
  const loop = async (queue) => {
    for (;;) {
      const item = queue.empty ? await queue.take() : queue.take();
      if (item === 'stop') return;
      if (++handled === until) reached();
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
  const send = async (count) => {
    for (let i = 0, k = 0; i < count; i++) {
      const waits = queues[k].put(i);
      if (waits !== undefined) await waits;
      if (++k === threads) k = 0;
    }
  };
  const warm = upTo(threads);
  await send(threads);
  await warm;
  work.figure('heap bytes, after a signal', (work.heapUsed() - before) / threads);
  const all = upTo(work.size);
  work.begin();
  await send(work.size);
  await all;
  work.end();
  for (const queue of queues) await queue.put('stop');
  await Promise.all(loops);
  return handled - threads;
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
