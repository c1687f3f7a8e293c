// p-queue: a queue of functions, one at a time. It has no bound of its own; `onSizeLessThan` is its way to wait for room.
import PQueue from 'p-queue';

const CAPACITY = 100;

const tell = (handler) => async (work) => {
  const queue = new PQueue({ concurrency: 1 });
  const arrivals = work.expectArrivals();
  work.begin();
  for (let n = 0; n < work.size; n++) {
    void queue.add(handler === 'async' ? async () => arrivals.take(n) : () => arrivals.take(n));
    if (queue.size >= CAPACITY) await queue.onSizeLessThan(CAPACITY / 2);
  }
  await work.ended;
  await queue.onIdle();
};

async function ask(work) {
  const queue = new PQueue({ concurrency: 1 });
  const arrivals = work.expectArrivals();
  work.begin();
  for (let n = 0; n < work.size; n++) arrivals.take((await queue.add(() => n + 1)) - 1);
}

export const programs = { tell: tell('sync'), 'tell, async handler': tell('async'), ask };
