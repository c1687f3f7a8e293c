// nact: actors with unbounded mailboxes; a handler runs in an immediate of its own. Stateless actors, which cost it least.
import nact from 'nact';
import { underLoad } from '../workloads/latency.mjs';

const { dispatch, query, spawn, spawnStateless, start, stop } = nact;

function tell(handler) {
  return async (work) => {
    const system = start();
    let next = 0;
    const count = ({ n }) => {
      if (n === next && ++next === work.size) work.end();
    };
    const receiver = spawnStateless(
      system,
      handler === 'async' ? async (message) => count(message) : count,
      'receiver',
    );
    work.begin();
    for (let n = 0; n < work.size; n++) dispatch(receiver, { n });
    await work.ended;
    stop(system);
    return next;
  };
}

async function up(work) {
  const system = start();
  let next = 0;
  const parent = spawnStateless(
    system,
    ({ n }) => {
      if (n === next && ++next === work.size) work.end();
    },
    'parent',
  );
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
  return next;
}

async function ask(work) {
  const system = start();
  const responder = spawnStateless(system, ({ n, reply }) => dispatch(reply, n + 1), 'responder');
  let answered = 0;
  work.begin();
  for (let n = 0; n < work.size; n++)
    if ((await query(responder, (reply) => ({ n, reply }), 10_000)) === n + 1) answered++;
  work.end();
  stop(system);
  return answered;
}

const relay = (handOn) => async (work) => {
  const system = start();
  let next = 0;
  let above = spawnStateless(
    system,
    ({ n }) => {
      if (n === next && ++next === work.size) work.end();
    },
    'root',
  );
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
  return next;
};

const CHILDREN = 1_000;

async function fanIn(work) {
  const system = start();
  let handled = 0;
  const parent = spawnStateless(
    system,
    () => {
      if (++handled === work.size) work.end();
    },
    'parent',
  );
  const each = work.size / CHILDREN;
  const send = (_message, { parent }) => {
    for (let n = 0; n < each; n++) dispatch(parent, { n });
  };
  const children = Array.from({ length: CHILDREN }, (_, i) => spawnStateless(parent, send, `child${i}`));
  work.begin();
  for (const child of children) dispatch(child, 'begin');
  await work.ended;
  stop(system);
  return handled;
}

async function fanOut(work) {
  const system = start();
  let handled = 0;
  const hear = () => {
    if (++handled === work.size) work.end();
  };
  const children = Array.from({ length: CHILDREN }, (_, i) => spawnStateless(system, hear, `child${i}`));
  work.begin();
  for (let n = 0; n < work.size / CHILDREN; n++) for (const child of children) dispatch(child, { n });
  await work.ended;
  stop(system);
  return handled;
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
