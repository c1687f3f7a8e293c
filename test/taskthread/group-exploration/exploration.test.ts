/**
 * Groups by exploration: random schedules of members that return, fail, are cancelled and end together, of who takes and joins them, of
 * time limits and cancels from outside, each on a real group beside a simple model.
 *
 * `FULL=1 npx jest test/taskthread/group-exploration` runs a hundred thousand schedules, `COUNT=500` so many, `SEED=17` that one;
 * `SHRINK=0` leaves a schedule that fails as it is.
 */
import { inWords, makeSchedule, type Schedule, shrink } from '../../sync/exploration/schedule.ts';
import { fates, GroupWorld, groupWords } from './group-world.ts';

const { SEED, FULL, COUNT, SHRINK } = process.env;
const first = Number(SEED ?? 1);
const count = SEED !== undefined ? 1 : Number(COUNT ?? (FULL === undefined ? 1500 : 100_000));

/** What is wrong with a schedule; undefined when nothing is. */
async function faultOf(schedule: Schedule): Promise<string | undefined> {
  try {
    await new GroupWorld(schedule.seed).run(schedule);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

test(
  'a group does what its model does, whoever ends, fails, takes or is cancelled when',
  async () => {
    for (let seed = first; seed < first + count; seed++) {
      const schedule = makeSchedule(seed, groupWords, fates);
      const fault = await faultOf(schedule);
      if (fault === undefined) continue;
      const fails = async (other: Schedule) => (await faultOf(other)) !== undefined;
      const smallest = SHRINK === '0' ? schedule : await shrink(schedule, fails);
      throw new Error(`SEED=${seed}: ${await faultOf(smallest)}\n${inWords(smallest)}`);
    }
  },
  60_000 + count * 20,
);
