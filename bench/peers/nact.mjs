// nact: actors with unbounded mailboxes; a handler runs in an immediate of its own. Stateless actors, which cost it least.
import nact from 'nact';
import { underLoad } from '../workloads/latency.mjs';

const { dispatch, query, spawn, spawnStateless, start, stop } = nact;

function tell(handler) {
  return async (work) => {
    const system = start();
    const arrivals = work.expectArrivals();
    const count = ({ n }) => arrivals.take(n);
    const receiver = spawnStateless(
      system,
      handler === 'async' ? async (message) => count(message) : count,
      'receiver',
    );
    work.begin();
    for (let n = 0; n < work.size; n++) dispatch(receiver, { n });
    await work.ended;
    stop(system);
  };
}

async function up(work) {
  const system = start();
  const arrivals = work.expectArrivals();
  const parent = spawnStateless(system, ({ n }) => arrivals.take(n), 'parent');
  const child = spawnStateless(
    parent,
    (_message, { parent }) => {
      for (let n = 0; n < work.size; n++) dispatch(parent, { n });
    },
    'child',
  );
  work.begin();
  dispatch(child, 'begin');
  await work.ended;
  stop(system);
}

async function ask(work) {
  const system = start();
  const responder = spawnStateless(system, ({ n, reply }) => dispatch(reply, n + 1), 'responder');
  const arrivals = work.expectArrivals();
  work.begin();
  for (let n = 0; n < work.size; n++) arrivals.take((await query(responder, (reply) => ({ n, reply }), 10_000)) - 1);
  stop(system);
}

const relay = (handOn) => async (work) => {
  const system = start();
  const arrivals = work.expectArrivals();
  let above = spawnStateless(system, ({ n }) => arrivals.take(n), 'root');
  for (let depth = 1; depth < 5; depth++) above = spawnStateless(above, handOn, 'relay');
  const leaf = spawnStateless(
    above,
    (_message, { parent }) => {
      for (let n = 0; n < work.size; n++) dispatch(parent, { n });
    },
    'leaf',
  );
  work.begin();
  dispatch(leaf, 'begin');
  await work.ended;
  stop(system);
};

const CHILDREN = 1_000;

async function fanIn(work) {
  const system = start();
  const arrivals = work.expectArrivals(CHILDREN);
  const parent = spawnStateless(system, ({ n }) => arrivals.takeOfMany(n), 'parent');
  const sendFrom =
    (index) =>
    (_message, { parent }) => {
      for (let n = index; n < work.size; n += CHILDREN) dispatch(parent, { n });
    };
  const children = Array.from({ length: CHILDREN }, (_, i) => spawnStateless(parent, sendFrom(i), `child${i}`));
  work.begin();
  for (const child of children) dispatch(child, 'begin');
  await work.ended;
  stop(system);
}

async function fanOut(work) {
  const system = start();
  const arrivals = work.expectArrivals();
  const makeHear = () => {
    let due = 0;
    return ({ n }) => {
      const inTurn = n === due;
      due = n + 1;
      arrivals.add(inTurn);
    };
  };
  const children = Array.from({ length: CHILDREN }, (_, i) => spawnStateless(system, makeHear(), `child${i}`));
  work.begin();
  for (let n = 0; n < work.size / CHILDREN; n++) for (const child of children) dispatch(child, { n });
  await work.ended;
  stop(system);
}

function nursery(what) {
  return async (work) => {
    const system = start();
    const parent = spawnStateless(system, () => {}, 'parent');
    const before = work.heapUsed();
    if (what === 'spawn') work.begin();
    const children = [];
    for (let i = 0; i < work.size; i++) children.push(spawnStateless(parent, () => {}, `child${i}`));
    if (what === 'spawn') work.end();
    work.figure('heap bytes each', (work.heapUsed() - before) / work.size);
    let ended = 0;
    if (what === 'stop') work.begin();
    for (const child of children) {
      stop(child);
      ended++;
    }
    if (what === 'stop') work.end();
    children.length = 0;
    stop(parent);
    // Each stop has left an immediate.
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
    work.figure('heap bytes left, each', (work.heapUsed() - before) / work.size);
    stop(system);
    return ended;
  };
}

/** Unbounded: whoever floods must ask for more itself, or memory is all that grows. */
const latency = (busyMs) => (work) =>
  underLoad(work, busyMs, (flood) => {
    const system = start();
    const root = spawnStateless(system, () => flood.handle(), 'root');
    const relay = spawnStateless(root, (message, { parent }) => dispatch(parent, message), 'relay');
    const leaves = Array.from({ length: 4 }, (_, i) =>
      spawn(
        relay,
        (_state, _message, { parent, self }) => {
          for (let n = 0; n < 25 && !flood.over; n++) dispatch(parent, ++flood.sent);
          if (!flood.over) dispatch(self, 'more');
        },
        `leaf${i}`,
      ),
    );
    for (const leaf of leaves) dispatch(leaf, 'begin');
    return async () => {
      while (flood.handled < flood.sent) {
        await new Promise((resolve) => {
          setTimeout(resolve, 5);
        });
      }
      stop(system);
    };
  });

export const programs = {
  tell: tell('sync'),
  'tell, async handler': tell('async'),
  up,
  ask,
  relay: relay((message, { parent }) => dispatch(parent, message)),
  'relay, async handlers': relay(async (message, { parent }) => dispatch(parent, message)),
  'fan-in': fanIn,
  'fan-out': fanOut,
  spawn: nursery('spawn'),
  stop: nursery('stop'),
  'latency, handler of 0': latency(0),
  'latency, handler of 50 µs': latency(0.05),
  'latency, handler of 1 ms': latency(1),
};
