// Fan-in: a thousand children send to one parent at the same time. Fan-out: a parent sends each signal to a thousand children.
import { RingQueue } from '../floors/ring-queue.mjs';
import { start, TaskThread } from '../taskthread.mjs';

export const CHILDREN = 1_000;

class Source extends TaskThread {
  constructor(work, index) {
    super();
    this.work = work;
    this.index = index;
  }

  signalHandler() {
    this.tasks.reCreate('send', (turn) => (this.work.awaitsAll ? this.awaitAll(turn) : this.send(turn)));
  }

  async send(turn) {
    for (let n = this.index; n < this.work.size; n += CHILDREN) {
      const waits = turn.sendToParent(n);
      if (waits !== undefined) await waits;
    }
  }

  async awaitAll(turn) {
    for (let n = this.index; n < this.work.size; n += CHILDREN) await turn.sendToParent(n);
  }
}

class Sink extends TaskThread {
  constructor(work) {
    super();
    this.work = work;
    this.arrivals = work.expectArrivals(CHILDREN);
  }

  async enter() {
    const children = Array.from({ length: CHILDREN }, (_, index) => this.addChild(new Source(this.work, index)));
    this.sources = await Promise.all(children);
    this.tasks.reCreate('begin', (turn) => {
      this.work.begin();
      return turn.sendToChildren(this.sources, 'begin');
    });
  }

  childSignalHandler(signal) {
    this.arrivals.takeOfMany(signal);
  }
}

async function fanIn(work) {
  const root = await start(() => new Sink(work));
  await work.ended;
  await root.stop();
}

/** A thousand loops put into one queue. */
function fanInByHand(awaitsAll) {
  return async (work) => {
    const queue = new RingQueue();
    const produce = async (index) => {
      for (let n = index; n < work.size; n += CHILDREN) {
        const waits = queue.put(n);
        if (awaitsAll || waits !== undefined) await waits;
      }
    };
    const arrivals = work.expectArrivals(CHILDREN);
    const receive = async () => {
      while (arrivals.count < work.size) {
        arrivals.takeOfMany(awaitsAll || queue.empty ? await queue.take() : queue.take());
      }
    };
    const received = receive();
    work.begin();
    const produced = [];
    for (let i = 0; i < CHILDREN; i++) produced.push(produce(i));
    await Promise.all(produced);
    await received;
  };
}

class Listener extends TaskThread {
  due = 0;

  constructor(arrivals, rounds) {
    super();
    this.arrivals = arrivals;
    this.rounds = rounds;
  }

  signalHandler(signal) {
    const inTurn = signal === this.due && signal < this.rounds;
    this.due = signal + 1;
    this.arrivals.add(inTurn);
  }
}

class Speaker extends TaskThread {
  constructor(work) {
    super();
    this.work = work;
    this.arrivals = work.expectArrivals();
    this.rounds = work.size / CHILDREN;
  }

  async enter() {
    const children = Array.from({ length: CHILDREN }, () => this.addChild(new Listener(this.arrivals, this.rounds)));
    this.listeners = await Promise.all(children);
    this.tasks.reCreate('send', (turn) => this.send(turn));
  }

  async send(turn) {
    const { work, rounds } = this;
    work.begin();
    for (let i = 0; i < rounds; i++) {
      const waits = turn.sendToChildren(this.listeners, i);
      if (work.awaitsAll || waits !== undefined) await waits;
    }
  }
}

async function fanOut(work) {
  const root = await start(() => new Speaker(work));
  await work.ended;
  await root.stop();
}

/** A queue and a loop for each listener. */
function fanOutByHand(awaitsAll) {
  return async (work) => {
    const rounds = work.size / CHILDREN;
    const arrivals = work.expectArrivals();
    const queues = Array.from({ length: CHILDREN }, () => new RingQueue());
    const listen = async (queue) => {
      for (let due = 0, taken = 0; taken < rounds; taken++) {
        const item = awaitsAll || queue.empty ? await queue.take() : queue.take();
        const inTurn = item === due && item < rounds;
        due = item + 1;
        arrivals.add(inTurn);
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
