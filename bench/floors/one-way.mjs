// One producer and one consumer with a queue of capacity 100 between them: the floors of everything that goes one way.
import { RingQueue } from './ring-queue.mjs';

/** Every put and take awaited. */
export async function floor(work) {
  const queue = new RingQueue();
  let next = 0;
  const receive = async () => {
    while (next < work.size) if ((await queue.take()) === next) next++;
    work.end();
  };
  const received = receive();
  work.begin();
  for (let i = 0; i < work.size; i++) await queue.put(i);
  await received;
  return next;
}

/** The same, awaiting only when it must. */
export async function syncFloor(work) {
  const queue = new RingQueue();
  let next = 0;
  const receive = async () => {
    while (next < work.size) {
      const item = queue.empty ? await queue.take() : queue.take();
      if (item === next) next++;
    }
    work.end();
  };
  const received = receive();
  work.begin();
  for (let i = 0; i < work.size; i++) {
    const waits = queue.put(i);
    if (waits !== undefined) await waits;
  }
  await received;
  return next;
}
