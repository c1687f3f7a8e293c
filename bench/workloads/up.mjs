// Up: a child sends a million signals to its parent.
import { floor, syncFloor } from '../floors/one-way.mjs';
import { Source } from '../harness/source.mjs';
import { start, TaskThread } from '../taskthread.mjs';

class Sink extends TaskThread {
  constructor(work) {
    super();
    this.work = work;
    this.arrivals = work.expectArrivals();
  }

  async enter() {
    await this.addChild(new Source(this.work));
  }

  childSignalHandler(signal) {
    this.arrivals.take(signal);
  }
}

async function up(work) {
  const root = await start(() => new Sink(work));
  await work.ended;
  await root.stop();
}

export const workloads = [
  {
    name: 'up',
    title: 'Up: a child sends to its parent, sync handler',
    unit: 'signals',
    size: 1_000_000,
    styles: true,
    contenders: { taskthread: up, floor, 'sync floor': syncFloor },
    peers: ['nact', 'xstate'],
    mustReach: { taskthread: 2 },
  },
];
