/**
 * `simulate`: runs a program once, with every step chosen by a strategy from a seed, or replayed from a schedule. The same seed,
 * strategy and program give the same run to the letter, on every version of Node.
 *
 *     await simulate({ seed: 17 }, async (sim) => {
 *       const root = await sim.start(() => new Root());
 *       ...
 *     });
 */
import { functionOf, knownFields, wholeNumber } from '../kernel/check.ts';
import { InvalidOptionError } from '../kernel/errors.ts';
import { SimulationFailedError } from '../kernel/simulation-errors.ts';
import { type FaultOptions, type ResolvedFaults, resolveFaults } from './faults.ts';
import { reportOf } from './report.ts';
import { formatSchedule, parseSchedule, type Schedule, whyNotFollowed } from './schedule.ts';
import { runSimulated } from './simulated-run.ts';
import type { SimulatedProgram } from './simulation.ts';
import { makeChooser, resolveStrategy, type Strategy, type StrategyKind } from './strategy.ts';

/** What may be said of a run, whoever starts it. */
export interface SimulationLimits {
  /** Faults to inject: none. */
  readonly faults?: FaultOptions;
  /** A run that has not ended after so many steps has failed: 50,000. */
  readonly maxSteps?: number;
  /** A send that still waits for its place after so many steps has failed: 10,000. */
  readonly settleSteps?: number;
}

export interface SimulateOptions extends SimulationLimits {
  /** Where all chance of the run comes from: 1. */
  readonly seed?: number;
  /** How steps are chosen: `random`. */
  readonly strategy?: Strategy | StrategyKind;
  /** Replays a run instead, as a failure has printed it: `14:1 17:crash`. A run that does not follow it fails. */
  readonly schedule?: string;
}

/** How a simulated run went. */
export interface SimulationResult {
  readonly seed: number;
  readonly steps: number;
  /** Every step in words. */
  readonly trace: readonly string[];
  /** What the program has said, in order. */
  readonly words: readonly string[];
  /** With the seed it replays this run. */
  readonly schedule: string;
}

export interface ResolvedLimits {
  readonly faults: ResolvedFaults | undefined;
  readonly maxSteps: number;
  readonly settleSteps: number;
}

const NOT_FOLLOWED = 'the schedule was not followed';
const DEFAULT_MAX_STEPS = 50_000;
const DEFAULT_SETTLE_STEPS = 10_000;
export const limitNames: readonly string[] = ['faults', 'maxSteps', 'settleSteps'];

export function resolveLimits(options: SimulationLimits): ResolvedLimits {
  return {
    faults: options.faults === undefined ? undefined : resolveFaults('options.faults', options.faults),
    maxSteps: wholeNumber('options.maxSteps', options.maxSteps ?? DEFAULT_MAX_STEPS, 1),
    settleSteps: wholeNumber('options.settleSteps', options.settleSteps ?? DEFAULT_SETTLE_STEPS, 1),
  };
}

function resolveSchedule(text: string, faults: ResolvedFaults | undefined): Schedule {
  const schedule = parseSchedule('options.schedule', text);
  for (const { fault } of schedule) {
    if (fault === undefined || (faults !== undefined && faults.rates[fault] > 0)) continue;
    const expected = `one without a fault that \`faults\` does not allow (${fault})`;
    throw new InvalidOptionError('options.schedule', text, expected);
  }
  return schedule;
}

/**
 * Runs a program once in a simulation. Rejects with `SimulationFailedError` when it throws, stands still, takes more than its
 * steps, breaks a law or an invariant, leaves something alive, or does not follow the schedule that it is to replay; `SimulationRunningError` where another one runs in this process;
 * `InvalidOptionError`. *Cancel-safe:* it cannot be cancelled; `maxSteps` bounds it.
 */
export async function simulate(options: SimulateOptions, program: SimulatedProgram): Promise<SimulationResult> {
  knownFields('options', options, ['seed', 'strategy', 'schedule', ...limitNames]);
  functionOf('program', program);
  const seed = wholeNumber('options.seed', options.seed ?? 1, 0);
  const strategy = resolveStrategy('options.strategy', options.strategy === undefined ? 'random' : options.strategy);
  const limits = resolveLimits(options);
  const replayed: Schedule | undefined =
    options.schedule === undefined ? undefined : resolveSchedule(options.schedule, limits.faults);
  const chooser = makeChooser(strategy, seed);
  const run = await runSimulated({ seed, chooser, schedule: replayed, ...limits, traced: true }, program);
  const schedule = formatSchedule(run.schedule);
  const strayed = replayed && whyNotFollowed(replayed, run.schedule);
  const failure = run.failure ?? (strayed === undefined ? undefined : { kind: NOT_FOLLOWED, text: strayed });
  if (failure !== undefined) {
    const { kind, cause } = failure;
    const notes = strayed === undefined || kind === NOT_FOLLOWED ? [] : [`${NOT_FOLLOWED}: ${strayed}`];
    const report = reportOf(failure, { seed, run, limits: options, notes });
    throw new SimulationFailedError(kind, { seed, schedule, report, cause });
  }
  return { seed, steps: run.steps, trace: run.trace, words: run.words, schedule };
}
