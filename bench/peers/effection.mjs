// Effection: operations and unbounded queues, whose `add` is synchronous.
import { createQueue, run, spawn, suspend, until, withResolvers } from 'effection';

const tell = (work) =>
  run(function* () {
    const queue = createQueue();
    const arrivals = work.expectArrivals();
    const receiver = yield* spawn(function* () {
      while (arrivals.count < work.size) arrivals.take((yield* queue.next()).value);
    });
    work.begin();
    // So many at a time as a bounded queue would hold: its queue is an array whose front is moved with each item.
    for (let n = 0; n < work.size; ) {
      for (let k = 0; k < 100 && n < work.size; k++) queue.add(n++);
      yield* until(Promise.resolve());
    }
    yield* receiver;
  });

const ask = (work) =>
  run(function* () {
    const queue = createQueue();
    const responder = yield* spawn(function* () {
      for (;;) {
        const { value } = yield* queue.next();
        value.reply.resolve(value.n + 1);
      }
    });
    const arrivals = work.expectArrivals();
    work.begin();
    for (let n = 0; n < work.size; n++) {
      const reply = withResolvers();
      queue.add({ n, reply });
      arrivals.take((yield* reply.operation) - 1);
    }
    yield* responder.halt();
  });

const relay = (work) =>
  run(function* () {
    const queues = Array.from({ length: 5 }, () => createQueue());
    const relays = [];
    for (let depth = 0; depth < 4; depth++) {
      const relay = yield* spawn(function* () {
        for (;;) queues[depth + 1].add((yield* queues[depth].next()).value);
      });
      relays.push(relay);
    }
    const arrivals = work.expectArrivals();
    const receiver = yield* spawn(function* () {
      while (arrivals.count < work.size) arrivals.take((yield* queues[4].next()).value);
    });
    work.begin();
    for (let n = 0; n < work.size; ) {
      for (let k = 0; k < 100 && n < work.size; k++) queues[0].add(n++);
      yield* until(Promise.resolve());
    }
    yield* receiver;
    for (const relay of relays) yield* relay.halt();
  });

const nursery = (what) => (work) =>
  run(function* () {
    const before = work.heapUsed();
    let began = 0;
    let ended = 0;
    const parent = yield* spawn(function* () {
      if (what === 'spawn') work.begin();
      for (let i = 0; i < work.size; i++) {
        void (yield* spawn(function* () {
          const queue = createQueue();
          began++;
          try {
            yield* queue.next();
          } finally {
            ended++;
          }
        }));
      }
      yield* until(Promise.resolve());
      if (what === 'spawn') work.end();
      ready.resolve();
      yield* suspend();
    });
    const ready = withResolvers();
    yield* ready.operation;
    work.figure('heap bytes each', (work.heapUsed() - before) / work.size);
    if (what === 'stop') work.begin();
    yield* parent.halt();
    if (what === 'stop') work.end();
    work.figure('heap bytes left, each', (work.heapUsed() - before) / work.size);
    return what === 'stop' ? ended : began;
  });

const reschedule = (work) =>
  run(function* () {
    let turns = 0;
    const next = Promise.resolve();
    work.begin();
    while (turns < work.size) {
      yield* until(next);
      turns++;
    }
    work.end();
    return turns;
  });

export const programs = { tell, ask, relay, spawn: nursery('spawn'), stop: nursery('stop'), reschedule };
