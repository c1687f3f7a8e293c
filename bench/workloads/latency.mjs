// Latency under load: what a timer and an HTTP request in the same process have to wait for while a tree of threads is flooded
// without end. Four leaves send up through a relay each, as fast as they are let; the root's handler takes 0, 50 µs or 1 ms.
// The client is a worker with an event loop of its own: what it measures is the wait for the flooded one.
import { createServer } from 'node:http';
import { Worker } from 'node:worker_threads';
import { RingQueue } from '../floors/ring-queue.mjs';
import { percentiles } from '../harness/statistics.mjs';
import { start, TaskThread } from '../taskthread.mjs';

const LEAVES = 4;

class Leaf extends TaskThread {
  constructor(flood) {
    super();
    this.flood = flood;
  }

  enter() {
    this.tasks.reCreate('send', (turn) => this.send(turn));
  }

  async send(turn) {
    const { flood } = this;
    while (!flood.over) {
      flood.sent++;
      const waits = turn.sendToParent(flood.sent);
      if (waits !== undefined) await waits;
    }
  }
}

class Relay extends TaskThread {
  constructor(flood) {
    super();
    this.flood = flood;
  }

  async enter() {
    await this.addChild(new Leaf(this.flood));
  }

  childSignalHandler(signal, _child, turn) {
    return turn.sendToParent(signal);
  }
}

class Root extends TaskThread {
  constructor(flood) {
    super();
    this.flood = flood;
  }

  async enter() {
    for (let i = 0; i < LEAVES; i++) await this.addChild(new Relay(this.flood));
  }

  childSignalHandler() {
    this.flood.handle();
  }
}

export class Flood {
  sent = 0;
  handled = 0;
  over = false;
  #busyMs;

  constructor(busyMs) {
    this.#busyMs = busyMs;
  }

  handle() {
    this.handled++;
    if (this.#busyMs === 0) return;
    const until = performance.now() + this.#busyMs;
    while (performance.now() < until);
  }
}

/** Measures timers and requests for `work.size` milliseconds while `flood` runs. */
export async function underLoad(work, busyMs, startFlood) {
  const flood = new Flood(busyMs);
  const server = createServer((_request, response) => response.end('ok'));
  await new Promise((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
  const client = new Worker(new URL('../harness/http-client.mjs', import.meta.url), {
    workerData: { port: server.address().port },
  });
  const messages = mailbox(client);
  await messages.next('ready');
  const timers = [];
  const endFlood = await startFlood(flood, work);
  work.begin();
  client.postMessage('begin');
  const until = performance.now() + work.size;
  while (performance.now() < until) {
    const due = performance.now() + 1;
    await new Promise((resolve) => {
      setTimeout(resolve, 1);
    });
    timers.push(performance.now() - due);
  }
  const before = flood.handled;
  work.end();
  client.postMessage('end');
  const { requests } = await messages.next('measured');
  flood.over = true;
  await endFlood?.();
  await client.terminate();
  server.closeAllConnections();
  await new Promise((closed) => {
    server.close(closed);
  });
  // How many there were is what the last of their percentiles is worth.
  for (const [kind, waits] of Object.entries({ timer: timers, HTTP: requests })) {
    for (const [name, value] of Object.entries(percentiles(waits))) work.figure(`${kind} ${name}, ms`, value);
    work.figure(`${kind} n`, waits.length);
  }
  work.figure('signals/s', (before * 1000) / work.ms);
  return flood.handled === flood.sent ? work.size : -1;
}

function mailbox(worker) {
  const got = new Map();
  const waiting = new Map();
  worker.on('message', (message) => {
    const { kind } = message;
    if (waiting.has(kind)) waiting.get(kind)(message);
    else got.set(kind, message);
  });
  return {
    next: (kind) =>
      new Promise((resolve) => {
        if (got.has(kind)) resolve(got.get(kind));
        else waiting.set(kind, resolve);
      }),
  };
}

const tree = (busyMs) => (work) =>
  underLoad(work, busyMs, async (flood) => {
    const root = await start(new Root(flood));
    return () => root.stop({ drainMs: 30_000 });
  });

/** Nothing but the timer and the server: what the machine can do. */
const idle = (work) => underLoad(work, 0, () => undefined);

/** A queue by hand never gives the event loop its turn; it must look at the clock, or it would run for ever. */
const byHand = (busyMs) => (work) =>
  underLoad(work, busyMs, (flood) => {
    const queue = new RingQueue();
    const until = performance.now() + work.size;
    const produce = async () => {
      while (performance.now() < until) {
        flood.sent++;
        await queue.put(flood.sent);
      }
    };
    const consume = async () => {
      for (;;) {
        if ((await queue.take()) === 'end') return;
        flood.handle();
      }
    };
    const produced = produce();
    const consumed = consume();
    return async () => {
      await produced;
      await queue.put('end');
      await consumed;
    };
  });

const workload = (name, busyMs) => ({
  name: `latency, handler of ${name}`,
  title: `Latency under load, handler of ${name}`,
  unit: 'ms',
  size: 3_000,
  checkSize: 50,
  scalable: false,
  watchDelay: false,
  figuresOnly: true,
  contenders: { taskthread: tree(busyMs), idle, floor: byHand(busyMs) },
  peers: ['nact', 'effect'],
});

export const workloads = [workload('0', 0), workload('50 µs', 0.05), workload('1 ms', 1)];
