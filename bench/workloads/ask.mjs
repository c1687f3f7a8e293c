// Ask: a parent sends a request to its child, waits for the answer, and sends the next one.
import { RingQueue } from '../floors/ring-queue.mjs';
import { start, TaskThread } from '../taskthread.mjs';

class Responder extends TaskThread {
  signalHandler({ n, reply }) {
    reply.with(n + 1);
  }
}

class Asker extends TaskThread {
  constructor(work) {
    super();
    this.work = work;
  }

  async enter() {
    const child = await this.addChild(new Responder());
    this.tasks.reCreate('ask', (turn) => this.askAll(turn, child));
  }

  async askAll(turn, child) {
    const { work } = this;
    const arrivals = work.expectArrivals();
    work.begin();
    for (let i = 0; i < work.size; i++) {
      const answer = await turn.ask(child, (reply) => ({ n: i, reply }));
      arrivals.take(answer - 1);
    }
  }
}

async function ask(work) {
  const root = await start(() => new Asker(work));
  await work.ended;
  await root.stop();
}

const STOP = { n: -1 };

/** A promise for each request; a queue to the one who answers. */
function handWritten(awaitsAll) {
  return async (work) => {
    const queue = new RingQueue();
    const serve = async () => {
      for (;;) {
        const request = awaitsAll || queue.empty ? await queue.take() : queue.take();
        if (request === STOP) return;
        request.resolve(request.n + 1);
      }
    };
    const served = serve();
    const arrivals = work.expectArrivals();
    work.begin();
    for (let i = 0; i < work.size; i++) {
      let resolve;
      const answer = new Promise((settle) => {
        resolve = settle;
      });
      const waits = queue.put({ n: i, resolve });
      if (awaitsAll || waits !== undefined) await waits;
      arrivals.take((await answer) - 1);
    }
    await queue.put(STOP);
    await served;
  };
}

export const workloads = [
  {
    name: 'ask',
    title: 'Ask: round trips, one after the other',
    unit: 'round trips',
    size: 100_000,
    contenders: { taskthread: ask, floor: handWritten(true), 'sync floor': handWritten(false) },
    peers: ['nact', 'xstate', 'effect', 'effection', 'comedy', 'fastq', 'p-queue'],
    mustReach: { taskthread: 0.7 },
  },
];
