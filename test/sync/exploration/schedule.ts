/** A schedule: who says which word when, made from a seed, printed in words, and made smaller when it fails. */
import { Dice } from '../../../src/testing/dice.ts';

export interface Step {
  readonly word: string;
  /** Who says it, or whom it befalls. */
  readonly actor: number;
  /** Which earlier operation, how many milliseconds, how many to notify: as the word takes it. */
  readonly n: number;
  /** Cancels the wait after so many milliseconds; 0 for never. */
  readonly timeoutMs: number;
  /** What the actor does in the continuation of this wait, when it was not refused. */
  readonly next?: Step;
}

export interface Schedule {
  readonly seed: number;
  readonly steps: readonly Step[];
}

/** What befalls the actors, whatever they use. */
const FATES = { tick: 10, pass: 4, cancel: 8, cancelActor: 2, endActor: 1, closeIntake: 1 };
export const ACTORS = 4;
const LONGEST = 24;

/** `words`: those of the primitive, with their weights; `fates`: what befalls those who say them. */
export function makeSchedule(
  seed: number,
  words: Readonly<Record<string, number>>,
  fates: Readonly<Record<string, number>> = FATES,
): Schedule {
  const dice = new Dice(seed);
  const weights: Record<string, number> = { ...fates, ...words };
  const make = (choice: Readonly<Record<string, number>>, depth: number): Step => ({
    word: dice.weighted(choice),
    actor: dice.int(ACTORS),
    n: dice.int(12),
    timeoutMs: dice.chance(0.15) ? dice.between(1, 3) : 0,
    ...(depth < 2 && dice.chance(0.2) && { next: make(words, depth + 1) }),
  });
  return { seed, steps: Array.from({ length: dice.between(3, LONGEST) }, () => make(weights, 0)) };
}

export function inWords({ steps }: Schedule): string {
  const one = ({ word, actor, n, timeoutMs, next }: Step): string => {
    const limit = timeoutMs === 0 ? '' : ` within ${timeoutMs} ms`;
    return `${word} of ${actor} (${n})${limit}${next === undefined ? '' : `, then ${one(next)}`}`;
  };
  return steps.map((step, index) => `  ${index}. ${one(step)}`).join('\n');
}

/** Leaves out whatever can be left out, as long as the schedule still fails. */
export async function shrink(schedule: Schedule, fails: (schedule: Schedule) => Promise<boolean>): Promise<Schedule> {
  let smallest = schedule;
  for (let smaller = true; smaller; ) {
    smaller = false;
    for (const candidate of candidates(smallest)) {
      if (!(await fails(candidate))) continue;
      smallest = candidate;
      smaller = true;
      break;
    }
  }
  return smallest;
}

function* candidates({ seed, steps }: Schedule): Generator<Schedule> {
  for (let i = steps.length - 1; i >= 0; i--) yield { seed, steps: steps.toSpliced(i, 1) };
  for (const [i, step] of steps.entries()) {
    const { next, ...alone } = step;
    if (next !== undefined) yield { seed, steps: steps.with(i, alone) };
    if (step.timeoutMs !== 0) yield { seed, steps: steps.with(i, { ...step, timeoutMs: 0 }) };
  }
}
