// Effect: fibers and bounded queues of 100. Senders offer one at a time; receivers take all that is there at once, which is its
// fastest way; `whileLoop` costs it less than a generator.
import { Deferred, Effect, Fiber, PubSub, Queue } from 'effect';
import { underLoad } from '../workloads/latency.mjs';

const CAPACITY = 100;

/** Every `step`th number. */
function offerAll(queue, size, first = 0, step = 1) {
  let n = first;
  return Effect.whileLoop({ while: () => n < size, body: () => Queue.offer(queue, n), step: () => (n += step) });
}

/** Takes until `size` have come, and gives each to `handle`. */
function takeEach(queue, size, handle) {
  let taken = 0;
  return Effect.whileLoop({
    while: () => taken < size,
    body: () => Queue.takeAll(queue),
    step: (items) => {
      taken += items.length;
      for (const item of items) handle(item);
    },
  });
}

const tell = (work) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const queue = yield* Queue.bounded(CAPACITY);
      const arrivals = work.expectArrivals();
      const receiver = yield* Effect.forkChild(takeEach(queue, work.size, (item) => arrivals.take(item)));
      work.begin();
      yield* offerAll(queue, work.size);
      yield* Fiber.join(receiver);
    }),
  );

const ask = (work) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const queue = yield* Queue.bounded(CAPACITY);
      const responder = yield* Effect.forkChild(
        Effect.forever(Effect.flatMap(Queue.take(queue), ({ n, reply }) => Deferred.succeed(reply, n + 1))),
      );
      const arrivals = work.expectArrivals();
      work.begin();
      for (let n = 0; n < work.size; n++) {
        const reply = yield* Deferred.make();
        yield* Queue.offer(queue, { n, reply });
        arrivals.take((yield* Deferred.await(reply)) - 1);
      }
      yield* Fiber.interrupt(responder);
    }),
  );

const relay = (work) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const queues = [];
      for (let depth = 0; depth < 5; depth++) queues.push(yield* Queue.bounded(CAPACITY));
      const relays = [];
      for (let depth = 0; depth < 4; depth++) {
        const handOn = Effect.flatMap(Queue.takeAll(queues[depth]), (items) =>
          Queue.offerAll(queues[depth + 1], items),
        );
        relays.push(yield* Effect.forkChild(Effect.forever(handOn)));
      }
      const arrivals = work.expectArrivals();
      const receiver = yield* Effect.forkChild(takeEach(queues[4], work.size, (item) => arrivals.take(item)));
      work.begin();
      yield* offerAll(queues[0], work.size);
      yield* Fiber.join(receiver);
      yield* Fiber.interruptAll(relays);
    }),
  );

const CHILDREN = 1_000;

const fanIn = (work) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const queue = yield* Queue.bounded(CAPACITY);
      const arrivals = work.expectArrivals(CHILDREN);
      const receiver = yield* Effect.forkChild(takeEach(queue, work.size, (item) => arrivals.takeOfMany(item)));
      work.begin();
      for (let i = 0; i < CHILDREN; i++) yield* Effect.forkChild(offerAll(queue, work.size, i, CHILDREN));
      yield* Fiber.join(receiver);
    }),
  );

const fanOut = (work) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const hub = yield* PubSub.bounded(CAPACITY);
        const rounds = work.size / CHILDREN;
        const arrivals = work.expectArrivals();
        const listeners = [];
        for (let i = 0; i < CHILDREN; i++) {
          const subscription = yield* PubSub.subscribe(hub);
          let taken = 0;
          let due = 0;
          const listen = Effect.whileLoop({
            while: () => taken < rounds,
            body: () => PubSub.takeAll(subscription),
            step: (items) => {
              taken += items.length;
              for (const item of items) {
                const inTurn = item === due;
                due = item + 1;
                arrivals.add(inTurn);
              }
            },
          });
          listeners.push(yield* Effect.forkChild(listen));
        }
        work.begin();
        for (let n = 0; n < rounds; n++) yield* PubSub.publish(hub, n);
        yield* Fiber.joinAll(listeners);
      }),
    ),
  );

const nursery = (what) => (work) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const before = work.heapUsed();
      if (what === 'spawn') work.begin();
      let fibers = [];
      for (let i = 0; i < work.size; i++) {
        const queue = yield* Queue.bounded(CAPACITY);
        fibers.push(yield* Effect.forkChild(Effect.forever(Queue.take(queue))));
      }
      // All have begun when this fiber has had its turn after them.
      yield* Effect.yieldNow;
      if (what === 'spawn') work.end();
      work.figure('heap bytes each', (work.heapUsed() - before) / work.size);
      if (what === 'stop') work.begin();
      yield* Fiber.interruptAll(fibers);
      if (what === 'stop') work.end();
      const ended = fibers.filter((fiber) => fiber.pollUnsafe() !== undefined).length;
      fibers = [];
      work.figure('heap bytes left, each', (work.heapUsed() - before) / work.size);
      return ended;
    }),
  );

const reschedule = (work) =>
  Effect.runPromise(
    Effect.gen(function* () {
      let turns = 0;
      work.begin();
      yield* Effect.whileLoop({ while: () => turns < work.size, body: () => Effect.yieldNow, step: () => turns++ });
      work.end();
      return turns;
    }),
  );

const latency = (busyMs) => (work) =>
  underLoad(work, busyMs, (flood) => {
    const program = Effect.gen(function* () {
      const top = yield* Queue.bounded(CAPACITY);
      yield* Effect.forkChild(Effect.forever(Effect.flatMap(Queue.take(top), () => Effect.sync(() => flood.handle()))));
      const leaves = [];
      for (let i = 0; i < 4; i++) {
        const below = yield* Queue.bounded(CAPACITY);
        const handOn = Effect.flatMap(Queue.takeAll(below), (items) => Queue.offerAll(top, items));
        yield* Effect.forkChild(Effect.forever(handOn));
        const send = Effect.whileLoop({
          while: () => !flood.over,
          body: () => Queue.offer(below, ++flood.sent),
          step: () => {},
        });
        leaves.push(yield* Effect.forkChild(send));
      }
      yield* Fiber.joinAll(leaves);
      while (flood.handled < flood.sent) yield* Effect.sleep(5);
    });
    const done = Effect.runPromise(program);
    return () => done;
  });

export const programs = {
  tell,
  ask,
  relay,
  'fan-in': fanIn,
  'fan-out': fanOut,
  spawn: nursery('spawn'),
  stop: nursery('stop'),
  reschedule,
  'latency, handler of 0': latency(0),
  'latency, handler of 50 µs': latency(0.05),
  'latency, handler of 1 ms': latency(1),
};
