/**
 * The first program of functions as threads: one puts, one gets, and a queue of one between them.
 *
 *     npm run example examples/functions/producer-and-consumer.ts
 */
import { Queue, run, sleep, spawn } from 'taskthread';

async function consumer(queue: Queue<number>) {
  for await (const item of queue.items()) {
    console.log(`got ${item}`);
    await sleep(10);
  }
}

async function producer(queue: Queue<number>, count: number) {
  for (let n = 1; n <= count; n++) {
    await queue.put(n); // waits: there is room for one
    console.log(`put ${n}`);
  }
  queue.close(); // the consumer's loop ends when it has taken what is left
}

async function main() {
  const queue = new Queue<number>(1);
  const consuming = spawn(consumer, queue);
  const producing = spawn(producer, queue, 10);
  await producing.join();
  await consuming.join();
  return 'done';
}

console.log(await run(main));
