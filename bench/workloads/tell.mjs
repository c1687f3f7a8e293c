// Tell: a parent sends a million signals to one child, over a lane of capacity 100. The child checks the order and counts.
import { floor, syncFloor } from '../floors/one-way.mjs';
import { start, TaskThread } from '../taskthread.mjs';

class Receiver extends TaskThread {
  constructor(work) {
    super();
    this.arrivals = work.expectArrivals();
  }

  signalHandler(signal) {
    this.arrivals.take(signal);
  }
}

class AsyncReceiver extends TaskThread {
  constructor(work) {
    super();
    this.arrivals = work.expectArrivals();
  }

  async signalHandler(signal) {
    this.arrivals.take(signal);
  }
}

class Sender extends TaskThread {
  constructor(work, receiver) {
    super();
    this.work = work;
    this.receiver = receiver;
  }

  async enter() {
    const child = await this.addChild(this.receiver);
    this.tasks.reCreate('send', (turn) => (this.work.awaitsAll ? this.awaitAll(turn, child) : this.send(turn, child)));
  }

  async send(turn, child) {
    const { work } = this;
    work.begin();
    for (let i = 0; i < work.size; i++) {
      const waits = turn.send(child, i);
      if (waits !== undefined) await waits;
    }
  }

  async awaitAll(turn, child) {
    const { work } = this;
    work.begin();
    for (let i = 0; i < work.size; i++) await turn.send(child, i);
  }
}

async function tell(work, receiver) {
  const root = await start(() => new Sender(work, receiver));
  await work.ended;
  await root.stop();
}

export const workloads = [
  {
    name: 'tell',
    title: 'Tell: a parent sends to one child, sync handler',
    unit: 'signals',
    size: 1_000_000,
    styles: true,
    contenders: { taskthread: (work) => tell(work, new Receiver(work)), floor, 'sync floor': syncFloor },
    peers: ['nact', 'xstate', 'effect', 'effection', 'comedy', 'rxjs', 'fastq', 'p-queue'],
    mustReach: { taskthread: 2, 'taskthread, await': 0.85 },
  },
  {
    name: 'tell, async handler',
    title: 'Tell, with an async handler',
    unit: 'signals',
    size: 1_000_000,
    styles: true,
    contenders: { taskthread: (work) => tell(work, new AsyncReceiver(work)), floor, 'sync floor': syncFloor },
    peers: ['nact', 'fastq', 'p-queue'],
    mustReach: { taskthread: 1.2 },
  },
];
