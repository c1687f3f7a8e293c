/**
 * Cancel-safety by exploration: random schedules of waiters, wakers, cancels, time limits and ends, each on a real primitive
 * beside a simple model. Nothing is lost, nothing is doubled, nobody who was cancelled is handed anything, the order of arrival
 * is kept, and everybody is woken.
 *
 * `FULL=1 npx jest test/sync/exploration` runs a hundred and twenty thousand schedules, `COUNT=500` so many of each kind,
 * `SEED=17` one of each kind; `SHRINK=0` leaves a schedule that fails as it is.
 */
import { conditionWords, LockSubject, lockWords } from './lock-subject.ts';
import {
  EventSubject,
  eventWords,
  QueueSubject,
  queueWords,
  SemaphoreSubject,
  semaphoreWords,
} from './other-subjects.ts';
import { inWords, makeSchedule, type Schedule, shrink } from './schedule.ts';
import { type Subject, World } from './world.ts';

const { SEED, FULL, COUNT, SHRINK } = process.env;
const first = Number(SEED ?? 1);
const count = SEED !== undefined ? 1 : Number(COUNT ?? (FULL === undefined ? 400 : 15_000));

const kinds: [string, Readonly<Record<string, number>>, (world: World) => Subject][] = [
  ['an event', eventWords, (world) => new EventSubject(world)],
  ['a lock', lockWords, (world) => new LockSubject(world, false)],
  ['a re-entrant lock', lockWords, (world) => new LockSubject(world, true)],
  ['a condition', conditionWords, (world) => new LockSubject(world, false)],
  ['a condition with a re-entrant lock', conditionWords, (world) => new LockSubject(world, true)],
  ['a semaphore', semaphoreWords, (world) => new SemaphoreSubject(world, 1, false)],
  ['a bounded semaphore', semaphoreWords, (world) => new SemaphoreSubject(world, 2, true)],
  ['a queue', queueWords, (world) => new QueueSubject(world, 2)],
];

/** What is wrong with a schedule; undefined when nothing is. */
async function faultOf(schedule: Schedule, makeSubject: (world: World) => Subject): Promise<string | undefined> {
  try {
    await new World().run(schedule, makeSubject);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

test.each(kinds)(
  '%s does what its model does, whoever is cancelled when',
  async (_name, words, makeSubject) => {
    for (let seed = first; seed < first + count; seed++) {
      const schedule = makeSchedule(seed, words);
      const fault = await faultOf(schedule, makeSubject);
      if (fault === undefined) continue;
      const fails = async (other: Schedule) => (await faultOf(other, makeSubject)) !== undefined;
      const smallest = SHRINK === '0' ? schedule : await shrink(schedule, fails);
      throw new Error(`SEED=${seed}: ${await faultOf(smallest, makeSubject)}\n${inWords(smallest)}`);
    }
  },
  60_000 + count * 20,
);
