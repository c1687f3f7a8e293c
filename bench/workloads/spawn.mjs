// Spawn and stop: a hundred thousand idle children under one parent: how fast they come, what each holds, how fast they go,
// and what is left. With --large a million of them.
import { RingQueue } from '../floors/ring-queue.mjs';
import { start, TaskThread } from '../taskthread.mjs';

/** So many are added at a time, and waited for. */
const BATCH = 100;

class Idle extends TaskThread {
  signalHandler() {}
}

/** What is measured: adding the children, or ending them. Who has ended is counted one by one. */
class Nursery extends TaskThread {
  entered = 0;
  handles = [];

  constructor(work, what) {
    super();
    this.work = work;
    this.what = what;
  }

  enter() {
    this.tasks.reCreate('add', () => this.add());
  }

  async add() {
    const { work } = this;
    const before = work.heapUsed();
    if (this.what === 'spawn') work.begin();
    // Kept in an array, as a program would keep what it means to talk to.
    while (this.handles.length < work.size) {
      const some = Array.from({ length: Math.min(BATCH, work.size - this.handles.length) });
      this.handles.push(...(await Promise.all(some.map(() => this.addChild(makeIdle)))));
    }
    this.entered = this.handles.length;
    if (this.what === 'spawn') work.end();
    work.figure('heap bytes each', (work.heapUsed() - before) / work.size);
    this.heapBefore = before;
    this.ready();
  }

  whenReady = new Promise((resolve) => {
    this.ready = resolve;
  });
}

const makeIdle = () => new Idle();

function nursery(what) {
  return async (work) => {
    const thread = new Nursery(work, what);
    const root = await start(thread);
    await thread.whenReady;
    const { entered, handles } = thread;
    if (what === 'stop') work.begin();
    const report = await root.stop({ drainMs: 60_000 });
    if (what === 'stop') work.end();
    thread.handles = undefined;
    let ended = 0;
    for (const handle of handles) if (handle.state === 'stopped') ended++;
    handles.length = 0;
    work.figure('heap bytes left, each', (work.heapUsed() - thread.heapBefore) / work.size);
    if (report.verdict !== 'clean' || report.threads !== work.size + 1) return -1;
    return what === 'stop' ? ended : entered;
  };
}

const STOP = 'stop';

/** By hand: a queue, a loop that waits at it, and a place in its parent's table. Its ring is made with the first item, as ours are. */
class HandWritten {
  queue = new RingQueue(100, { eager: false });
  ended;

  constructor(id, siblings) {
    siblings.set(id, this);
    this.ended = this.run(id, siblings);
  }

  async run(id, siblings) {
    while ((await this.queue.take()) !== STOP);
    siblings.delete(id);
  }
}

async function spawnByHand(id, siblings) {
  return new HandWritten(id, siblings);
}

function byHand(what, awaitsAll = true) {
  return async (work) => {
    const before = work.heapUsed();
    if (what === 'spawn') work.begin();
    const siblings = new Map();
    const all = [];
    while (all.length < work.size) {
      const some = Array.from({ length: Math.min(BATCH, work.size - all.length) });
      all.push(...(await Promise.all(some.map((_, i) => spawnByHand(all.length + i, siblings)))));
    }
    if (what === 'spawn') work.end();
    work.figure('heap bytes each', (work.heapUsed() - before) / work.size);
    if (what === 'stop') work.begin();
    for (const one of all) {
      const waits = one.queue.put(STOP);
      if (awaitsAll || waits !== undefined) await waits;
    }
    await Promise.all(all.map(({ ended }) => ended));
    if (what === 'stop') work.end();
    const left = siblings.size;
    const count = all.length - left;
    all.length = 0;
    work.figure('heap bytes left, each', (work.heapUsed() - before) / work.size);
    return count;
  };
}

const common = { memory: true, unit: 'threads', peers: ['nact', 'xstate', 'effect', 'effection', 'comedy'] };
const million = { ...common, size: 1_000_000, large: true, scalable: false, heapMb: 8_000, classes: false, peers: [] };

function workload(name, what, more) {
  const contenders = { taskthread: nursery(what), floor: byHand(what) };
  // To make one there is nothing to await but what all await.
  if (what === 'stop') contenders['sync floor'] = byHand(what, false);
  return { name, contenders, ...more };
}

export const workloads = [
  workload('spawn', 'spawn', {
    ...common,
    title: 'Spawn: idle children under one parent',
    size: 100_000,
    mustReach: { taskthread: 1 },
  }),
  workload('stop', 'stop', {
    ...common,
    title: 'Stop: idle children, until all have ended',
    size: 100_000,
    mustReach: { taskthread: 0.8 },
  }),
  workload('spawn a million', 'spawn', { ...million, title: 'Spawn a million idle children' }),
  workload('stop a million', 'stop', { ...million, title: 'Stop a million idle children' }),
];
