/**
 * Every schedule of a program with so many deviations from the order of arrival, those with the fewest first: so the first that
 * fails is a shortest one. (Bounding the preemptions is Musuvathi and Qadeer's, "Iterative context bounding for systematic
 * testing of multithreaded programs", PLDI 2007.)
 */
import type { Schedule } from './schedule.ts';
import type { SimulatedRun } from './simulated-run.ts';

export interface Exhausted {
  readonly failed: SimulatedRun | undefined;
  /** There is no other schedule up to the bound. */
  readonly complete: boolean;
}

/** So many schedules may be waiting to be tried; what would come after them is never reached by anybody's patience. */
const MOST_WAITING = 1_000_000;

/** `attempt` runs a schedule, and says whether there may be another run. */
export async function exhaust(
  bound: number,
  attempt: (schedule: Schedule) => Promise<{ readonly run: SimulatedRun; readonly goOn: boolean }>,
): Promise<Exhausted> {
  let level: Schedule[] = [[]];
  let all = true;
  for (let deviations = 0; level.length > 0; deviations++) {
    const next: Schedule[] = [];
    for (const [place, schedule] of level.entries()) {
      const { run, goOn } = await attempt(schedule);
      if (run.failure !== undefined) return { failed: run, complete: false };
      if (deviations < bound) {
        if (next.length < MOST_WAITING) addLonger(next, schedule, run.widths);
        else all = false;
      }
      const isLast = all && place === level.length - 1 && next.length === 0;
      if (!goOn) return { failed: undefined, complete: isLast };
    }
    level = next;
  }
  return { failed: undefined, complete: all };
}

/** What goes the same way up to its last deviation, and then deviates once more. */
function addLonger(schedules: Schedule[], schedule: Schedule, widths: readonly number[]): void {
  const last = schedule.at(-1)?.decision ?? -1;
  for (let decision = last + 1; decision < widths.length; decision++) {
    for (let way = 1; way < widths[decision]!; way++) schedules.push([...schedule, { decision, way }]);
  }
}
