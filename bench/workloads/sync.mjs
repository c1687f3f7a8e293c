// The sync primitives, used by the tasks of one thread, each beside what can be written by hand: no scope, no cancel, no
// fairness to the event loop, no books.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const root = createRequire(new URL('../../package.json', import.meta.url));
const { Event, Lock, Queue, Semaphore, start, TaskThread } = await import(
  pathToFileURL(root.resolve('taskthread')).href
);

const CAPACITY = 100;
const CONTENDERS = 10;
const NOTHING = Promise.resolve();

/** Runs each body as a task; ends the work when all have ended. */
class Workers extends TaskThread {
  constructor(work, bodies) {
    super();
    this.work = work;
    this.bodies = bodies;
    this.left = bodies.length;
  }

  enter() {
    for (const [index, body] of this.bodies.entries()) {
      this.tasks.reCreate(`worker ${index}`, async (turn) => {
        if (index === 0) this.work.begin();
        await body(turn);
        if (--this.left === 0) this.work.end();
      });
    }
  }
}

async function runTasks(work, bodies) {
  const root = await start(() => new Workers(work, bodies));
  await work.ended;
  await root.stop();
}

async function runByHand(work, bodies) {
  work.begin();
  await Promise.all(bodies.map((body) => body()));
  work.end();
}

/** A queue as one writes it by hand. */
class HandQueue {
  #items = [];
  #head = 0;
  #getters = [];
  #putters = [];

  put(item) {
    const getter = this.#getters.shift();
    if (getter !== undefined) getter(item);
    else if (this.#items.length - this.#head < CAPACITY) this.#items.push(item);
    else return new Promise((resolve) => this.#putters.push({ item, resolve }));
    return NOTHING;
  }

  get() {
    if (this.#head === this.#items.length) return new Promise((resolve) => this.#getters.push(resolve));
    const item = this.#items[this.#head++];
    if (this.#head === 1024) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    const putter = this.#putters.shift();
    if (putter !== undefined) {
      this.#items.push(putter.item);
      putter.resolve();
    }
    return Promise.resolve(item);
  }
}

/** A lock as one writes it by hand. */
class HandLock {
  #locked = false;
  #waiting = [];

  acquire() {
    if (this.#locked) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#locked = true;
    return NOTHING;
  }

  release() {
    const next = this.#waiting.shift();
    if (next === undefined) this.#locked = false;
    else next();
  }
}

/** One puts, one gets. */
async function queue(work, run, makeQueue) {
  const items = makeQueue();
  let inTurn = 0;
  await run(work, [
    async (scope) => {
      const options = scope && { scope };
      for (let i = 0; i < work.size; i++) await items.put(i, options);
    },
    async (scope) => {
      const options = scope && { scope };
      for (let i = 0; i < work.size; i++) if ((await items.get(options)) === i) inTurn++;
    },
  ]);
  return inTurn;
}

/** One puts what it gets itself, without ever waiting. */
async function pairs(work, run, makeQueue) {
  const items = makeQueue();
  let inTurn = 0;
  await run(work, [
    async (scope) => {
      const options = scope && { scope };
      for (let i = 0; i < work.size; i++) {
        await items.put(i, options);
        if ((await items.get(options)) === i) inTurn++;
      }
    },
  ]);
  return inTurn;
}

/** The words that never wait. */
async function tryPairs(work) {
  const items = new Queue(CAPACITY);
  let inTurn = 0;
  await runTasks(work, [
    () => {
      for (let i = 0; i < work.size; i++) if (items.tryPut(i) && items.tryGet() === i) inTurn++;
    },
  ]);
  return inTurn;
}

async function iteration(work) {
  const items = new Queue(CAPACITY);
  let inTurn = 0;
  await runTasks(work, [
    async (scope) => {
      for (let i = 0; i < work.size; i++) await items.put(i, { scope });
      items.close();
    },
    async (scope) => {
      let due = 0;
      for await (const item of items.items({ scope })) if (item === due++) inTurn++;
    },
  ]);
  return inTurn;
}

/** So many take turns; each holds the lock over an await, so that the others come to wait. */
async function lock(work, run, makeLock, contenders) {
  const guarded = makeLock();
  let [done, inside] = [0, 0];
  const body = async (scope) => {
    const options = scope && { scope };
    for (let i = 0; i < work.size / contenders; i++) {
      const guard = await guarded.acquire(options);
      inside++;
      if (contenders > 1) await NOTHING;
      if (inside === 1) done++;
      inside--;
      (guard ?? guarded).release();
    }
  };
  await run(work, Array(contenders).fill(body));
  return done;
}

/** Two wake each other in turns. */
async function events(work) {
  const [ping, pong] = [new Event(), new Event()];
  let done = 0;
  await runTasks(work, [
    async (scope) => {
      const options = { scope };
      for (let i = 0; i < work.size; i++) {
        ping.set();
        await pong.wait(options);
        pong.clear();
      }
    },
    async (scope) => {
      const options = { scope };
      for (; done < work.size; done++) {
        await ping.wait(options);
        ping.clear();
        pong.set();
      }
    },
  ]);
  return done;
}

/** The same with bare promises. */
async function eventsByHand(work) {
  const [ping, pong] = [[], []];
  let done = 0;
  const wait = (waiting) => new Promise((resolve) => waiting.push(resolve));
  await runByHand(work, [
    async () => {
      let asked = wait(ping);
      for (; done < work.size; done++) {
        await asked;
        asked = wait(ping);
        for (const wake of pong.splice(0)) wake();
      }
    },
    async () => {
      for (let i = 0; i < work.size; i++) {
        const answered = wait(pong);
        for (const wake of ping.splice(0)) wake();
        await answered;
      }
    },
  ]);
  return done;
}

const hand = (make) => (body) => (work) => body(work, runByHand, make);
const ours = (make) => (body) => (work) => body(work, runTasks, make);
const ourQueue = ours(() => new Queue(CAPACITY));
const handQueue = hand(() => new HandQueue());
const ourLock = ours(() => new Lock());
const handLock = hand(() => new HandLock());
const free = (...args) => lock(...args, 1);
const contended = (...args) => lock(...args, CONTENDERS);

const size = 300_000;
export const workloads = [
  {
    name: 'queue',
    title: 'Queue: one task puts, another one gets, capacity 100',
    unit: 'items',
    size,
    contenders: { taskthread: ourQueue(queue), floor: handQueue(queue) },
  },
  {
    name: 'queue pairs',
    title: 'Queue: one task puts and gets, without ever waiting',
    unit: 'pairs',
    size,
    contenders: { taskthread: ourQueue(pairs), floor: handQueue(pairs) },
  },
  {
    name: 'queue, never waiting',
    title: 'Queue: tryPut and tryGet',
    unit: 'pairs',
    size,
    contenders: { taskthread: tryPairs },
  },
  {
    name: 'queue, iterated',
    title: 'Queue: one task puts, another one iterates until the close',
    unit: 'items',
    size,
    contenders: { taskthread: iteration },
  },
  {
    name: 'lock',
    title: 'Lock: acquire and release, nobody else wants it',
    unit: 'locks',
    size,
    contenders: { taskthread: ourLock(free), floor: handLock(free) },
  },
  {
    name: 'lock, contended',
    title: 'Lock: ten tasks take turns',
    unit: 'locks',
    size,
    contenders: { taskthread: ourLock(contended), floor: handLock(contended) },
  },
  {
    name: 'semaphore',
    title: 'Semaphore of one: ten tasks take turns',
    unit: 'permits',
    size,
    contenders: { taskthread: ours(() => new Semaphore(1))(contended), floor: handLock(contended) },
  },
  {
    name: 'event',
    title: 'Event: two tasks wake each other in turns',
    unit: 'rounds',
    size,
    contenders: { taskthread: events, floor: eventsByHand },
  },
];
