/**
 * A group of workers on one queue, until there is no more work, the time is over, or Ctrl-C comes; whatever it is, no job is
 * left half done.
 *
 *     npm run example examples/functions/worker-group.ts            until a second has passed
 *     npm run example examples/functions/worker-group.ts -- 60000   until Ctrl-C, then
 */
import { ignoreAfter, Queue, run, SignalEvent, shield, sleep, ThreadGroup } from 'taskthread';

const WORKERS = 4;
const JOB_MS = 50;

async function worker(name: string, jobs: Queue<number>, done: number[]) {
  for (;;) {
    const job = await jobs.get(); // a cancel comes here, and has taken nothing
    try {
      await sleep(JOB_MS); // or here: the job is then finished all the same
    } finally {
      await shield(1000, async () => {
        await sleep(5);
        done.push(job);
        console.log(`${name} did job ${job}`);
      });
    }
  }
}

async function producer(jobs: Queue<number>) {
  for (let job = 1; ; job++) await jobs.put(job);
}

async function main(limitMs: number) {
  using interrupt = new SignalEvent('SIGINT', 'SIGTERM');
  const jobs = new Queue<number>(10);
  const done: number[] = [];
  const { expired } = await ignoreAfter(limitMs, () =>
    // Of `any` the first that returns ends the others: here it is the wait for Ctrl-C.
    ThreadGroup.run({ wait: 'any' }, (group) => {
      for (let i = 1; i <= WORKERS; i++) group.spawn({ name: `worker-${i}` }, worker, `worker ${i}`, jobs, done);
      group.spawn(producer, jobs);
      group.spawn({ name: 'interrupt' }, () => interrupt.wait());
    }),
  );
  console.log(`${expired ? 'the time is over' : 'interrupted'}: ${done.length} jobs done, ${jobs.size} not begun`);
}

await run(main, Number(process.argv[2] ?? 1000));
