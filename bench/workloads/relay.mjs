// Relay: what a leaf sends passes over five edges to the root. Each thread in between hands on what its child sent.
import { RingQueue } from '../floors/ring-queue.mjs';
import { Source } from '../harness/source.mjs';
import { start, TaskThread } from '../taskthread.mjs';

const DEPTH = 5;

/** Returns what `sendToParent` returned. */
class Relay extends TaskThread {
  constructor(child) {
    super();
    this.child = child;
  }

  async enter() {
    await this.addChild(this.child);
  }

  childSignalHandler(signal, _child, turn) {
    return turn.sendToParent(signal);
  }
}

class AsyncRelay extends TaskThread {
  constructor(child) {
    super();
    this.child = child;
  }

  async enter() {
    await this.addChild(this.child);
  }

  async childSignalHandler(signal, _child, turn) {
    await turn.sendToParent(signal);
  }
}

class Root extends TaskThread {
  constructor(work, child) {
    super();
    this.arrivals = work.expectArrivals();
    this.child = child;
  }

  async enter() {
    await this.addChild(this.child);
  }

  childSignalHandler(signal) {
    this.arrivals.take(signal);
  }
}

async function relay(work, Kind) {
  let below = new Source(work);
  for (let depth = 1; depth < DEPTH; depth++) below = new Kind(below);
  const root = await start(new Root(work, below));
  await work.ended;
  await root.stop();
}

/** Five queues, and a loop for each that hands on. */
function handWritten(awaitsAll) {
  return async (work) => {
    const queues = Array.from({ length: DEPTH }, () => new RingQueue());
    const loops = [];
    for (let i = 0; i < DEPTH - 1; i++) loops.push(handOn(queues[i], queues[i + 1], work.size, awaitsAll));
    const arrivals = work.expectArrivals();
    const receive = async () => {
      const last = queues[DEPTH - 1];
      while (arrivals.count < work.size) arrivals.take(awaitsAll || last.empty ? await last.take() : last.take());
    };
    loops.push(receive());
    work.begin();
    for (let i = 0; i < work.size; i++) {
      const waits = queues[0].put(i);
      if (awaitsAll || waits !== undefined) await waits;
    }
    await Promise.all(loops);
  };
}

async function handOn(from, to, size, awaitsAll) {
  for (let n = 0; n < size; n++) {
    const item = awaitsAll || from.empty ? await from.take() : from.take();
    const waits = to.put(item);
    if (awaitsAll || waits !== undefined) await waits;
  }
}

const floors = { floor: handWritten(true), 'sync floor': handWritten(false) };

export const workloads = [
  {
    name: 'relay',
    title: 'Relay over five edges, handlers return what sendToParent returned',
    unit: 'signals',
    size: 200_000,
    styles: true,
    contenders: { taskthread: (work) => relay(work, Relay), ...floors },
    peers: ['nact', 'xstate', 'effect', 'effection', 'rxjs'],
    mustReach: { taskthread: 2.5 },
  },
  {
    name: 'relay, async handlers',
    title: 'Relay over five edges, async handlers',
    unit: 'signals',
    size: 200_000,
    styles: true,
    contenders: { taskthread: (work) => relay(work, AsyncRelay), ...floors },
    peers: ['nact'],
    mustReach: { taskthread: 0.9 },
  },
];
