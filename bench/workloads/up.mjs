// Up: a child sends a million signals to its parent.
import { floor, syncFloor } from '../floors/one-way.mjs';
import { start, TaskThread } from '../taskthread.mjs';

class Source extends TaskThread {
  constructor(work) {
    super();
    this.work = work;
  }

  enter() {
    this.tasks.reCreate('send', (turn) => (this.work.awaitsAll ? this.awaitAll(turn) : this.send(turn)));
  }

  async send(turn) {
    const { work } = this;
    work.begin();
    for (let i = 0; i < work.size; i++) {
      const waits = turn.sendToParent(i);
      if (waits !== undefined) await waits;
    }
  }

  async awaitAll(turn) {
    const { work } = this;
    work.begin();
    for (let i = 0; i < work.size; i++) await turn.sendToParent(i);
  }
}

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
