// Functions as threads, each beside what can be written by hand: a promise and an AbortController, which has no tree, no
// owner, and no end that is waited for.
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { RingQueue } from '../floors/ring-queue.mjs';

const root = createRequire(new URL('../../package.json', import.meta.url));
const { currentThread, Queue, run, sleep, spawn, ThreadGroup } = await import(
  pathToFileURL(root.resolve('taskthread')).href
);

const BATCH = 1_000;
const QUEUE_CAPACITY = 100;
const LONG_MS = 3_600_000;

function answer(n) {
  return Promise.resolve(n);
}

/** One after the other: spawn, join. */
function spawnAndJoin(work) {
  return run(async () => {
    let sum = 0;
    work.begin();
    for (let i = 0; i < work.size; i++) sum += await spawn(answer, 1).join();
    work.end();
    return sum;
  });
}

async function callAndAwait(work) {
  let sum = 0;
  work.begin();
  for (let i = 0; i < work.size; i++) sum += await answer(1);
  work.end();
  return sum;
}

/** A thousand at a time. */
function spawnMany(work) {
  return run(async () => {
    let sum = 0;
    work.begin();
    for (let left = work.size; left > 0; left -= BATCH) {
      const threads = Array.from({ length: Math.min(left, BATCH) }, () => spawn(answer, 1));
      for (const thread of threads) sum += await thread.join();
    }
    work.end();
    return sum;
  });
}

async function callMany(work) {
  let sum = 0;
  work.begin();
  for (let left = work.size; left > 0; left -= BATCH) {
    const calls = Array.from({ length: Math.min(left, BATCH) }, () => answer(1));
    for (const value of await Promise.all(calls)) sum += value;
  }
  work.end();
  return sum;
}

/** A group whose members each sleep once, joined. */
function group(work) {
  return run(async () => {
    let ended = 0;
    const before = work.heapUsed();
    work.begin();
    await ThreadGroup.run(async (members) => {
      for (let i = 0; i < work.size; i++) {
        members.spawn(async () => {
          await sleep(1);
          ended++;
        });
      }
      await sleep(0);
      work.figure('heap bytes each', (work.heapUsed() - before) / work.size);
    });
    work.end();
    return ended;
  });
}

async function groupByHand(work) {
  let ended = 0;
  const before = work.heapUsed();
  const abort = new AbortController();
  work.begin();
  const all = Array.from({ length: work.size }, async () => {
    await delay(1);
    abort.signal.throwIfAborted();
    ended++;
  });
  work.figure('heap bytes each', (work.heapUsed() - before) / work.size);
  await Promise.all(all);
  work.end();
  return ended;
}

/** A group of sleepers, cancelled: the time is that of the cancel, until the last has ended. */
function cancelGroup(work) {
  return run(async () => {
    let begun = 0;
    let ended = 0;
    const members = new ThreadGroup();
    for (let i = 0; i < work.size; i++) {
      members.spawn(async () => {
        begun++;
        try {
          await sleep(LONG_MS);
        } finally {
          ended++;
        }
      });
    }
    while (begun < work.size) await sleep(1);
    work.begin();
    await members.cancel();
    work.end();
    return ended;
  });
}

async function cancelByHand(work) {
  let ended = 0;
  const aborts = [];
  const all = Array.from({ length: work.size }, async () => {
    const abort = new AbortController();
    aborts.push(abort);
    try {
      await delay(LONG_MS, undefined, { signal: abort.signal });
    } finally {
      ended++;
    }
  });
  work.begin();
  for (const abort of aborts) abort.abort();
  await Promise.allSettled(all);
  work.end();
  return ended;
}

/** From `cancel()` to the first step of the clean-up, and to the end of the thread. */
function cancelLatency(work) {
  return run(async () => {
    const reached = [];
    const over = [];
    work.begin();
    for (let i = 0; i < work.size; i++) {
      let began = 0;
      const sleeper = spawn(async () => {
        try {
          await sleep(LONG_MS);
        } finally {
          reached.push(performance.now() - began);
        }
      });
      await sleep(0);
      began = performance.now();
      await sleeper.cancel();
      over.push(performance.now() - began);
    }
    work.end();
    work.figure('p50 until it is told, µs', percentile(reached, 0.5) * 1000);
    work.figure('p50 until it has ended, µs', percentile(over, 0.5) * 1000);
    work.figure('p99 until it has ended, µs', percentile(over, 0.99) * 1000);
    return over.length;
  });
}

function percentile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** One function puts, one gets; whose waits these are, they are told (`explicit`) or find by themselves. */
function queueOf(explicit) {
  return (work) =>
    run(async () => {
      const items = new Queue(QUEUE_CAPACITY);
      const optionsOf = () => (explicit ? { scope: currentThread() } : undefined);
      work.begin();
      const putting = spawn(async () => {
        const options = optionsOf();
        for (let i = 0; i < work.size; i++) await items.put(i, options);
      });
      const getting = spawn(async () => {
        const options = optionsOf();
        let inTurn = 0;
        for (let i = 0; i < work.size; i++) if ((await items.get(options)) === i) inTurn++;
        return inTurn;
      });
      await putting.join();
      const got = await getting.join();
      work.end();
      return got;
    });
}

/** Two async functions with a ring between them, each word awaited. */
async function queueByHand(work) {
  const items = new RingQueue(QUEUE_CAPACITY);
  let inTurn = 0;
  const put = async () => {
    for (let i = 0; i < work.size; i++) await items.put(i);
  };
  const get = async () => {
    for (let i = 0; i < work.size; i++) if ((await items.take()) === i) inTurn++;
  };
  work.begin();
  await Promise.all([put(), get()]);
  work.end();
  return inTurn;
}

export const workloads = [
  {
    name: 'spawn and join',
    title: 'Functions: spawn and join, one after the other',
    unit: 'threads',
    size: 100_000,
    contenders: { taskthread: spawnAndJoin, floor: callAndAwait },
    ancestor: { perSecond: 2_000, times: 50 },
  },
  {
    name: 'spawn and join, many',
    title: 'Functions: spawn and join, a thousand at a time',
    unit: 'threads',
    size: 200_000,
    contenders: { taskthread: spawnMany, floor: callMany },
    ancestor: { perSecond: 2_000, times: 50 },
  },
  {
    name: 'queue between functions',
    title: 'Functions: one puts, another one gets, capacity 100',
    unit: 'items',
    size: 300_000,
    contenders: { taskthread: queueOf(false), 'explicit scope': queueOf(true), floor: queueByHand },
    ancestor: { perSecond: 20_000, times: 100 },
  },
  {
    name: 'group',
    title: 'Functions: a group of ten thousand, each of which sleeps',
    unit: 'threads',
    size: 10_000,
    scalable: false,
    memory: true,
    contenders: { taskthread: group, floor: groupByHand },
  },
  {
    name: 'cancel a group',
    title: 'Functions: the cancel of a group of ten thousand',
    unit: 'threads',
    size: 10_000,
    scalable: false,
    contenders: { taskthread: cancelGroup, floor: cancelByHand },
  },
  {
    name: 'cancel latency',
    title: 'Functions: the cancel of one that sleeps',
    unit: 'cancels',
    size: 10_000,
    watchDelay: false,
    contenders: { taskthread: cancelLatency },
  },
];
