// p-queue: a queue of functions, one at a time. It has no bound of its own; `onSizeLessThan` is its way to wait for room.
import PQueue from 'p-queue';

const CAPACITY = 100;

const tell = (handler) => async (work) => {
  const queue = new PQueue({ concurrency: 1 });
  let next = 0;
  const count = (n) => {
    if (n === next && ++next === work.size) work.end();
  };
  work.begin();
  for (let n = 0; n < work.size; n++) {
    void queue.add(handler === 'async' ? async () => count(n) : () => count(n));
    if (queue.size >= CAPACITY) await queue.onSizeLessThan(CAPACITY / 2);
  }
  await work.ended;
  await queue.onIdle();
  return next;
};

async function ask(work) {
  const queue = new PQueue({ concurrency: 1 });
  let answered = 0;
  work.begin();
  for (let n = 0; n < work.size; n++) if ((await queue.add(() => n + 1)) === n + 1) answered++;
  work.end();
  return answered;
}

export const programs = { tell: tell('sync'), 'tell, async handler': tell('async'), ask };
