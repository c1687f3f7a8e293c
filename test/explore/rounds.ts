/** Explores one program after the other, round after round, each round with new seeds. */
import { explore } from '../../src/testing/index.ts';
import type { Wanted } from './arguments.ts';

export interface Totals {
  readonly runs: number;
  readonly steps: number;
  readonly seconds: number;
}

export interface Progress extends Totals {
  readonly program: string;
  /** The first seed of this round. */
  readonly from: number;
}

const SEEDS_PER_ROUND = 300;

/** Rejects with the first failure. */
export async function exploreRounds(
  { programs, minutes, from }: Wanted,
  interrupt: AbortSignal,
  show: (progress: Progress) => void,
): Promise<Totals> {
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  let runs = 0;
  let steps = 0;
  const over = (): boolean => interrupt.aborted || seconds() >= minutes * 60;
  for (let round = 0; !over(); round++) {
    const seed = from + round * SEEDS_PER_ROUND;
    for (const { name, run, limits = {} } of programs) {
      if (over()) break;
      const explored = await explore({ seeds: SEEDS_PER_ROUND, from: seed, ...limits, onRun: () => !over() }, run);
      runs += explored.runs;
      steps += explored.steps;
      show({ program: name, runs, steps, seconds: seconds(), from: seed });
    }
  }
  return { runs, steps, seconds: seconds() };
}
