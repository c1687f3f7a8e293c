// XState: actors without bounds, whose sends are delivered at once, in the caller's turn. Transition logic where it suffices
// (cheaper than a machine), callback logic where an actor only hands on.
import { assign, createActor, createMachine, fromCallback, fromTransition, waitFor } from 'xstate';

function counter(work) {
  const arrivals = work.expectArrivals();
  return createActor(
    fromTransition((count, { type, n }) => {
      // Its own events come here too.
      if (type !== 'tick') return count;
      arrivals.take(n);
      return count + 1;
    }, 0),
  );
}

async function tell(work) {
  const receiver = counter(work).start();
  work.begin();
  for (let n = 0; n < work.size; n++) receiver.send({ type: 'tick', n });
  await work.ended;
  receiver.stop();
}

/** A machine that invokes the child: the way in which an XState child has a parent at all. */
async function up(work) {
  const child = fromCallback(({ sendBack, receive }) => {
    receive(() => {
      for (let n = 0; n < work.size; n++) sendBack({ type: 'tick', n });
    });
  });
  const arrivals = work.expectArrivals();
  const parent = createActor(
    createMachine({
      context: { count: 0 },
      invoke: { src: child, id: 'child' },
      on: {
        tick: {
          actions: assign({
            count: ({ context, event }) => {
              arrivals.take(event.n);
              return context.count + 1;
            },
          }),
        },
      },
    }),
  ).start();
  work.begin();
  parent.getSnapshot().children.child.send({ type: 'begin' });
  await waitFor(parent, ({ context }) => context.count === work.size);
  parent.stop();
}

/** It has no request and answer: the answer is an event to the actor that the request names. */
async function ask(work) {
  const responder = createActor(
    fromCallback(({ receive }) => {
      receive(({ n, replyTo }) => replyTo.send({ type: 'answer', n: n + 1 }));
    }),
  ).start();
  let resolve;
  const asker = createActor(
    fromCallback(({ receive }) => {
      receive(({ n }) => resolve(n));
    }),
  ).start();
  const arrivals = work.expectArrivals();
  work.begin();
  for (let n = 0; n < work.size; n++) {
    const answer = new Promise((settle) => {
      resolve = settle;
    });
    responder.send({ type: 'request', n, replyTo: asker });
    arrivals.take((await answer) - 1);
  }
  responder.stop();
  asker.stop();
}

async function relay(work) {
  const root = counter(work).start();
  const actors = [root];
  for (let depth = 1; depth < 5; depth++) {
    const above = actors.at(-1);
    const handOn = fromCallback(({ receive }) => {
      receive((event) => above.send(event));
    });
    actors.push(createActor(handOn).start());
  }
  const leaf = actors.at(-1);
  work.begin();
  for (let n = 0; n < work.size; n++) leaf.send({ type: 'tick', n });
  await work.ended;
  for (const actor of actors) actor.stop();
}

const CHILDREN = 1_000;

async function fanIn(work) {
  const arrivals = work.expectArrivals(CHILDREN);
  const parent = createActor(
    fromTransition((count, { type, n }) => {
      if (type !== 'tick') return count;
      arrivals.takeOfMany(n);
      return count + 1;
    }, 0),
  ).start();
  const sendFrom = (index) =>
    fromCallback(({ receive }) => {
      receive(() => {
        for (let n = index; n < work.size; n += CHILDREN) parent.send({ type: 'tick', n });
      });
    });
  const children = Array.from({ length: CHILDREN }, (_, index) => createActor(sendFrom(index)).start());
  work.begin();
  for (const child of children) child.send({ type: 'begin' });
  await work.ended;
  for (const actor of [parent, ...children]) actor.stop();
}

async function fanOut(work) {
  const arrivals = work.expectArrivals();
  const hear = fromTransition((due, { type, n }) => {
    if (type !== 'tick') return due;
    arrivals.add(n === due);
    return n + 1;
  }, 0);
  const children = Array.from({ length: CHILDREN }, () => createActor(hear).start());
  work.begin();
  for (let n = 0; n < work.size / CHILDREN; n++) for (const child of children) child.send({ type: 'tick', n });
  await work.ended;
  for (const child of children) child.stop();
}

function nursery(what) {
  return async (work) => {
    let ended = 0;
    const idle = fromCallback(() => () => {
      ended++;
    });
    const before = work.heapUsed();
    const parent = createActor(
      createMachine({
        context: { children: [] },
        on: {
          spawn: {
            actions: assign({ children: ({ spawn }) => Array.from({ length: work.size }, () => spawn(idle)) }),
          },
        },
      }),
    ).start();
    if (what === 'spawn') work.begin();
    parent.send({ type: 'spawn' });
    if (what === 'spawn') work.end();
    work.figure('heap bytes each', (work.heapUsed() - before) / work.size);
    const began = parent.getSnapshot().context.children.length;
    if (what === 'stop') work.begin();
    parent.stop();
    if (what === 'stop') work.end();
    return what === 'stop' ? ended : began;
  };
}

/** Where less is done, whatever the time would allow: to stop a parent takes the square of the number of its children. */
export const largest = { spawn: 1_000, stop: 1_000 };

export const programs = {
  tell,
  up,
  ask,
  relay,
  'fan-in': fanIn,
  'fan-out': fanOut,
  spawn: nursery('spawn'),
  stop: nursery('stop'),
};
