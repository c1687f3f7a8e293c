// Fan-in: a thousand children send to one parent at the same time. Fan-out: a parent sends each signal to a thousand children.
import { RingQueue } from '../floors/ring-queue.mjs';
import { start, TaskThread } from '../taskthread.mjs';

export const CHILDREN = 1_000;

class Source extends TaskThread {
  constructor(work, count) {
    super();
    this.work = work;
    this.count = count;
  }

  signalHandler() {
    this.tasks.reCreate('send', (turn) => (this.work.awaitsAll ? this.awaitAll(turn) : this.send(turn)));
  }

  async send(turn) {
    for (let i = 0; i < this.count; i++) {
      const waits = turn.sendToParent(i);
      if (waits !== undefined) await waits;
    }
  }

  async awaitAll(turn) {
    for (let i = 0; i < this.count; i++) await turn.sendToParent(i);
  }
}

class Sink extends TaskThread {
  handled = 0;

  constructor(work) {
    super();
    this.work = work;
  }

  async enter() {
    const each = this.work.size / CHILDREN;
    const children = Array.from({ length: CHILDREN }, () => this.addChild(new Source(this.work, each)));
    this.sources = await Promise.all(children);
    this.tasks.reCreate('begin', (turn) => {
      this.work.begin();
      return turn.sendToChildren(this.sources, 'begin');
    });
  }

  childSignalHandler() {
    if (++this.handled === this.work.size) this.work.end();
  }
}

async function fanIn(work) {
  const sink = new Sink(work);
  const root = await start(sink);
  await work.ended;
  await root.stop();
  return sink.handled;
}

/** A thousand loops put into one queue. */
function fanInByHand(awaitsAll) {
  return async (work) => {
    const queue = new RingQueue();
    const each = work.size / CHILDREN;
    const produce = async () => {
      for (let i = 0; i < each; i++) {
        const waits = queue.put(i);
        if (awaitsAll || waits !== undefined) await waits;
      }
    };
    let handled = 0;
    const receive = async () => {
      while (handled < work.size) {
        if (awaitsAll || queue.empty) await queue.take();
        else queue.take();
        handled++;
      }
      work.end();
    };
    const received = receive();
    work.begin();
    const produced = [];
    for (let i = 0; i < CHILDREN; i++) produced.push(produce());
    await Promise.all(produced);
    await received;
    return handled;
  };
}

class Listener extends TaskThread {
  next = 0;

  constructor(work, tally) {
    super();
    this.work = work;
    this.tally = tally;
  }

  signalHandler(signal) {
    if (signal !== this.next) return;
    this.next++;
    if (++this.tally.handled === this.work.size) this.work.end();
  }
}

class Speaker extends TaskThread {
  constructor(work, tally) {
    super();
    this.work = work;
    this.tally = tally;
  }

  async enter() {
    const children = Array.from({ length: CHILDREN }, () => this.addChild(new Listener(this.work, this.tally)));
    this.listeners = await Promise.all(children);
    this.tasks.reCreate('send', (turn) => this.send(turn));
  }

  async send(turn) {
    const { work } = this;
    const rounds = work.size / CHILDREN;
    work.begin();
    for (let i = 0; i < rounds; i++) {
      const waits = turn.sendToChildren(this.listeners, i);
      if (work.awaitsAll || waits !== undefined) await waits;
    }
  }
}

async function fanOut(work) {
  const tally = { handled: 0 };
  const root = await start(new Speaker(work, tally));
  await work.ended;
  await root.stop();
  return tally.handled;
}

/** A queue and a loop for each listener. */
function fanOutByHand(awaitsAll) {
  return async (work) => {
    const rounds = work.size / CHILDREN;
    let handled = 0;
    const queues = Array.from({ length: CHILDREN }, () => new RingQueue());
    const listen = async (queue) => {
      for (let next = 0; next < rounds; ) {
        const item = awaitsAll || queue.empty ? await queue.take() : queue.take();
        if (item !== next) continue;
        next++;
        handled++;
      }
    };
    const listening = queues.map(listen);
    work.begin();
    for (let i = 0; i < rounds; i++) {
      for (const queue of queues) {
        const waits = queue.put(i);
        if (awaitsAll || waits !== undefined) await waits;
      }
    }
    await Promise.all(listening);
    work.end();
    return handled;
  };
}

export const workloads = [
  {
    name: 'fan-in',
    title: 'Fan-in: a thousand children send to one parent',
    unit: 'signals',
    size: 1_000_000,
    checkSize: 2 * CHILDREN,
    scalable: CHILDREN,
    styles: true,
    contenders: { taskthread: fanIn, floor: fanInByHand(true), 'sync floor': fanInByHand(false) },
    peers: ['nact', 'xstate', 'effect', 'rxjs', 'comedy'],
    mustReach: { taskthread: 2 },
  },
  {
    name: 'fan-out',
    title: 'Fan-out: each signal goes to a thousand children',
    unit: 'signals handled',
    size: 1_000_000,
    checkSize: 2 * CHILDREN,
    scalable: CHILDREN,
    styles: true,
    contenders: { taskthread: fanOut, floor: fanOutByHand(true), 'sync floor': fanOutByHand(false) },
    peers: ['nact', 'xstate', 'effect', 'rxjs', 'comedy'],
  },
];
