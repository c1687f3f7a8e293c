// One producer and one consumer with a queue of capacity 100 between them: the floors of everything that goes one way.
import { RingQueue } from './ring-queue.mjs';

/** Every put and take awaited. */
export async function floor(work) {
  const queue = new RingQueue();
  const arrivals = work.expectArrivals();
  const receive = async () => {
    while (arrivals.count < work.size) arrivals.take(await queue.take());
  };
  const received = receive();
  work.begin();
  for (let i = 0; i < work.size; i++) await queue.put(i);
  await received;
}

/** The same, awaiting only when it must. */
export async function syncFloor(work) {
  const queue = new RingQueue();
  const arrivals = work.expectArrivals();
  const receive = async () => {
    while (arrivals.count < work.size) arrivals.take(queue.empty ? await queue.take() : queue.take());
  };
  const received = receive();
  work.begin();
  for (let i = 0; i < work.size; i++) {
    const waits = queue.put(i);
    if (waits !== undefined) await waits;
  }
  await received;
}
