// Up: a child sends a million signals to its parent.
import { floor, syncFloor } from '../floors/one-way.mjs';
import { Source } from '../harness/source.mjs';
import { start, TaskThread } from '../taskthread.mjs';

class Sink extends TaskThread {
  next = 0;

  constructor(work) {
    super();
    this.work = work;
  }

  async enter() {
    await this.addChild(new Source(this.work));
  }

  childSignalHandler(signal) {
    if (signal === this.next && ++this.next === this.work.size) this.work.end();
  }
}

async function up(work) {
  const sink = new Sink(work);
  const root = await start(sink);
  await work.ended;
  await root.stop();
  return sink.next;
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
