/**
 * Makes the schedule of a failing run shorter: whatever can be left out, so that the run still fails in the same way, is left
 * out; then each deviation is made as small as it can be. What is left cannot lose any one of its deviations. (The idea is
 * Zeller and Hildebrandt's, "Simplifying and isolating failure-inducing input", 2002.)
 */
import type { Deviation, Schedule } from './schedule.ts';
import type { SimulatedRun } from './simulated-run.ts';

export interface Shrunk {
  readonly schedule: Schedule;
  readonly run: SimulatedRun;
  readonly tries: number;
}

/** `attempt` gives the run of a schedule if it fails in the same way; `mayTry` is asked before each, with how many there were. */
export async function shrinkSchedule(
  first: Shrunk,
  attempt: (schedule: Schedule) => Promise<SimulatedRun | undefined>,
  mayTry: (tries: number) => boolean,
): Promise<Shrunk> {
  let best = first;
  let tries = 0;
  const accept = async (schedule: Schedule): Promise<boolean> => {
    if (!mayTry(tries)) return false;
    tries++;
    const run = await attempt(schedule);
    if (run === undefined || !isSmaller(run, best.run)) return false;
    // What the run says it did: deviations that came to nothing are not in it.
    best = { schedule: run.schedule, run, tries };
    return true;
  };
  await accept([]);
  let before: Shrunk;
  do {
    before = best;
    for (let size = Math.ceil(best.schedule.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      await dropChunks(size, () => best.schedule, accept);
    }
    await lower(() => best.schedule, accept);
  } while (best !== before && mayTry(tries));
  return { ...best, tries };
}

async function dropChunks(
  size: number,
  current: () => Schedule,
  accept: (schedule: Schedule) => Promise<boolean>,
): Promise<void> {
  // From the end: what comes last depends on nothing that comes after it.
  for (let end = current().length; end > 0; ) {
    const from = Math.max(0, end - size);
    const schedule = current();
    await accept([...schedule.slice(0, from), ...schedule.slice(end)]);
    end = Math.min(from, current().length);
  }
}

/** Tries the smallest way at each place, and the same way a little earlier. */
async function lower(current: () => Schedule, accept: (schedule: Schedule) => Promise<boolean>): Promise<void> {
  for (let place = 0; place < current().length; place++) {
    const at = current()[place]!;
    if (at.way > 1 && (await accept(replaced(current(), place, { decision: at.decision, way: 1 })))) continue;
    if (at.way > 2) await accept(replaced(current(), place, { decision: at.decision, way: at.way - 1 }));
  }
}

function replaced(schedule: Schedule, place: number, deviation: Deviation): Schedule {
  return schedule.map((old, i) => (i === place ? deviation : old));
}

function isSmaller(run: SimulatedRun, than: SimulatedRun): boolean {
  if (run.schedule.length !== than.schedule.length) return run.schedule.length < than.schedule.length;
  if (run.steps !== than.steps) return run.steps < than.steps;
  return sumOfWays(run) < sumOfWays(than);
}

function sumOfWays({ schedule }: SimulatedRun): number {
  return schedule.reduce((sum, { way }) => sum + way, 0);
}
