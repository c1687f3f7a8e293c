/**
 * `explore`: runs a program under many seeds, or under all schedules up to a bound, until one run fails. What fails is made
 * short, and told as a list of steps with the line that replays it.
 */
import { counted } from '../kernel/describe.ts';
import { functionOf, knownFields, milliseconds, optionalFunction, wholeNumber } from '../kernel/check.ts';
import { realClock } from '../kernel/clock.ts';
import { InvalidOptionError } from '../kernel/errors.ts';
import { SimulationFailedError } from '../kernel/simulation-errors.ts';
import { isThenable, toPromise } from '../kernel/thenable.ts';
import { exhaust } from './exhaust.ts';
import { reportOf } from './report.ts';
import { formatSchedule, type Schedule } from './schedule.ts';
import { type Shrunk, shrinkSchedule } from './shrink-schedule.ts';
import { limitNames, type ResolvedLimits, resolveLimits, type SimulationLimits } from './simulate.ts';
import { runSimulated, type SimulatedRun } from './simulated-run.ts';
import type { SimulatedProgram } from './simulation.ts';
import { makeChooser, resolveStrategy, type Strategy, type StrategyKind } from './strategy.ts';

/** Every schedule with so many deviations from the order of arrival: for small programs. */
export interface Exhaustive {
  readonly kind: 'exhaustive';
  /** How often, at most, somebody else runs than who has waited longest, or a word lets others go first: 2. */
  readonly preemptions?: number;
}

type OneStrategy = Strategy | StrategyKind;

export interface ExploreOptions extends SimulationLimits {
  /** How many seeds: 100. With `exhaustive`, how many runs at most: 100,000. */
  readonly seeds?: number;
  /** Goes on for so many seconds of real time instead. */
  readonly seconds?: number;
  /** The first seed: 1. */
  readonly from?: number;
  /** One, or several that take turns. Default: random, priority and delay in turn. */
  readonly strategy?: OneStrategy | readonly OneStrategy[] | Exhaustive | 'exhaustive';
  /** So many runs may be spent on making a failing schedule short: 1,000. */
  readonly shrinkTries?: number;
  /**
   * So many seconds of real time it may take at most. Default: 10, or as long as the failure took to be found where that is more.
   * A run that spends all its steps takes long, and a thousand of them minutes.
   */
  readonly shrinkSeconds?: number;
  /** Told after each run. To give false ends the exploration; it answers at once, and no promise is awaited. */
  readonly onRun?: (progress: Explored) => unknown;
}

/** What an exploration without a failure has seen. */
export interface Explored {
  readonly runs: number;
  readonly steps: number;
  /** How many runs there were in which order mattered: with a schedule that no run before had. */
  readonly schedules: number;
  /** True when every schedule up to the bound was run: only `exhaustive` can say so. */
  readonly complete: boolean;
}

const NAMES = ['seeds', 'seconds', 'from', 'strategy', 'shrinkTries', 'shrinkSeconds', 'onRun', ...limitNames];
const DEFAULT_STRATEGIES: readonly StrategyKind[] = ['random', 'priority', 'delay'];
const DEFAULT_SHRINK_TRIES = 1000;
const DEFAULT_SHRINK_MS = 10_000;

interface Plan {
  readonly limits: ResolvedLimits;
  readonly from: number;
  readonly mostRuns: number;
  readonly until: number;
  readonly strategies: readonly Strategy[];
  readonly preemptions: number | undefined;
  readonly shrinkTries: number;
  readonly begun: number;
  readonly shrinkMs: number | undefined;
  readonly onRun: ((progress: Explored) => unknown) | undefined;
}

/** A run that has failed, and how it can be had again. */
interface Found {
  readonly seed: number;
  readonly how: string;
  readonly run: SimulatedRun;
  readonly runs: number;
}

/**
 * Runs a program many times in simulations. Rejects with `SimulationFailedError` at the first run that fails (see `simulate`): its
 * message has the seed, the strategy, the shortest schedule found as a list of steps, and the line that replays it; with
 * `SimulationRunningError` where another simulation runs in this process; `InvalidOptionError`. *Cancel-safe:* it cannot be cancelled; an `onRun` that gives false ends it after the run.
 */
export async function explore(options: ExploreOptions, program: SimulatedProgram): Promise<Explored> {
  const plan = resolvePlan(options);
  functionOf('program', program);
  const seen = new Set<string>();
  const totals = { runs: 0, steps: 0, schedules: 0, complete: false };
  const note = (run: SimulatedRun): boolean => {
    totals.runs++;
    totals.steps += run.steps;
    if (seen.size < MOST_REMEMBERED) seen.add(formatSchedule(run.schedule));
    totals.schedules = seen.size;
    const answer = plan.onRun?.({ ...totals });
    if (isThenable(answer)) {
      toPromise(answer).catch(() => {});
      throw new InvalidOptionError(
        'options.onRun',
        plan.onRun,
        'a function that answers at once, and not with a promise',
      );
    }
    return answer !== false && realClock.now() < plan.until;
  };
  const found =
    plan.preemptions === undefined
      ? await trySeeds(plan, program, note)
      : await tryAll(plan, program, note, plan.preemptions, totals);
  if (found !== undefined) throw await explain(plan, options, program, found);
  return totals;
}

const MOST_REMEMBERED = 100_000;

async function trySeeds(
  plan: Plan,
  program: SimulatedProgram,
  note: (run: SimulatedRun) => boolean,
): Promise<Found | undefined> {
  // The run in order says how many decisions there are, among which a strategy may place its moments.
  const ordered = await runSimulated(
    { seed: plan.from, chooser: makeChooser({ kind: 'in-order' }, plan.from), ...plan.limits, traced: false },
    program,
  );
  if (ordered.failure !== undefined) return { seed: plan.from, how: 'in the order of arrival', run: ordered, runs: 1 };
  const within = Math.max(1, ordered.decisions);
  for (let i = 0; i < plan.mostRuns; i++) {
    const seed = plan.from + i;
    const strategy = plan.strategies[seed % plan.strategies.length]!;
    const chooser = makeChooser(strategy, seed, within);
    const run = await runSimulated({ seed, chooser, ...plan.limits, traced: false }, program);
    const goOn = note(run);
    if (run.failure !== undefined) return { seed, how: `strategy ${strategy.kind}`, run, runs: i + 1 };
    if (!goOn) return undefined;
  }
  return undefined;
}

async function tryAll(
  plan: Plan,
  program: SimulatedProgram,
  note: (run: SimulatedRun) => boolean,
  preemptions: number,
  totals: { complete: boolean },
): Promise<Found | undefined> {
  let runs = 0;
  const chooser = makeChooser({ kind: 'in-order' }, plan.from);
  const attempt = async (schedule: Schedule): Promise<{ run: SimulatedRun; goOn: boolean }> => {
    const run = await runSimulated(
      { seed: plan.from, chooser, schedule, ...plan.limits, traced: false, counted: true },
      program,
    );
    runs++;
    return { run, goOn: note(run) && runs < plan.mostRuns };
  };
  const { failed, complete } = await exhaust(preemptions, attempt);
  totals.complete = complete;
  return failed && { seed: plan.from, how: `exhaustive, ${preemptions} preemptions`, run: failed, runs };
}

async function explain(
  plan: Plan,
  options: ExploreOptions,
  program: SimulatedProgram,
  found: Found,
): Promise<SimulationFailedError> {
  const { seed } = found;
  const { kind } = found.run.failure!;
  const chooser = makeChooser({ kind: 'in-order' }, seed);
  const replay = (schedule: Schedule, traced: boolean, counted = false): Promise<SimulatedRun> =>
    runSimulated({ seed, chooser, schedule, ...plan.limits, traced, counted }, program);
  const now = realClock.now();
  const until = now + (plan.shrinkMs ?? Math.max(DEFAULT_SHRINK_MS, now - plan.begun));
  const mayTry = (tries: number): boolean => tries < plan.shrinkTries && realClock.now() < until;
  const first = { schedule: found.run.schedule, run: found.run, tries: 0 };
  const small = await shrinkSchedule(
    first,
    async (schedule) => {
      const run = await replay(schedule, false);
      return run.failure?.kind === kind ? run : undefined;
    },
    mayTry,
  );
  const shorter = await findShorter(small, kind, mayTry, (schedule) => replay(schedule, false, true));
  const isCutShort = realClock.now() >= until;
  const run = await replay(shorter.schedule, true);
  const notes = [
    `seed ${seed}, ${found.how}; run ${found.runs}`,
    `its schedule of ${counted(found.run.schedule.length, 'deviation')} and ${counted(found.run.steps, 'step')} was made one of ${run.schedule.length} and ${run.steps}, in ${shorter.tries} tries`,
  ];
  if (isCutShort)
    notes.push('then the time for making it shorter was over (`shrinkSeconds`): it may not be the shortest');
  if (run.failure?.kind !== kind) {
    notes.push('replayed it does not fail: the program depends on something that a simulation does not control');
  }
  const failure = run.failure ?? found.run.failure!;
  const report = reportOf(failure, { seed, run, limits: options, notes });
  return new SimulationFailedError(kind, {
    seed,
    schedule: formatSchedule(run.schedule),
    report,
    cause: failure.cause,
  });
}

/**
 * Leaving out finds a schedule that can lose nothing, which need not be a shortest one. Where there are not too many, all that are
 * shorter are tried, those with the fewest deviations first.
 */
async function findShorter(
  small: Shrunk,
  kind: string,
  mayTry: (tries: number) => boolean,
  replay: (schedule: Schedule) => Promise<SimulatedRun>,
): Promise<Shrunk> {
  let { tries } = small;
  if (small.schedule.length < 2 || !mayTry(tries)) return small;
  const { failed } = await exhaust(small.schedule.length - 1, async (schedule) => {
    tries++;
    const run = await replay(schedule);
    const isSame = run.failure?.kind === kind;
    return { run: isSame ? run : { ...run, failure: undefined }, goOn: mayTry(tries) };
  });
  return failed === undefined ? { ...small, tries } : { schedule: failed.schedule, run: failed, tries };
}

function resolvePlan(options: ExploreOptions): Plan {
  knownFields('options', options, NAMES);
  const { strategy = DEFAULT_STRATEGIES, seconds } = options;
  const preemptions = preemptionsOf(strategy);
  const several = Array.isArray(strategy) ? (strategy as readonly OneStrategy[]) : [strategy as OneStrategy];
  if (several.length === 0) throw new InvalidOptionError('options.strategy', strategy, 'at least one strategy');
  const { shrinkSeconds } = options;
  const begun = realClock.now();
  const defaultRuns = seconds !== undefined ? Number.MAX_SAFE_INTEGER : preemptions === undefined ? 100 : 100_000;
  if (seconds !== undefined && !(Number.isFinite(seconds) && seconds > 0)) {
    throw new InvalidOptionError('options.seconds', seconds, 'a number of seconds, more than 0');
  }
  return {
    limits: resolveLimits(options),
    from: wholeNumber('options.from', options.from ?? 1, 0),
    mostRuns: wholeNumber('options.seeds', options.seeds ?? defaultRuns, 1),
    until: seconds === undefined ? Number.POSITIVE_INFINITY : begun + seconds * 1000,
    strategies: preemptions === undefined ? several.map((one) => resolveStrategy('options.strategy', one)) : [],
    preemptions,
    shrinkTries: wholeNumber('options.shrinkTries', options.shrinkTries ?? DEFAULT_SHRINK_TRIES, 0),
    begun,
    shrinkMs: shrinkSeconds === undefined ? undefined : 1000 * milliseconds('options.shrinkSeconds', shrinkSeconds),
    onRun: optionalFunction('options.onRun', options.onRun),
  };
}

function preemptionsOf(strategy: ExploreOptions['strategy']): number | undefined {
  if (strategy === 'exhaustive') return 2;
  if (typeof strategy !== 'object' || strategy === null || !('kind' in strategy) || strategy.kind !== 'exhaustive')
    return undefined;
  knownFields('options.strategy', strategy, ['kind', 'preemptions']);
  return wholeNumber('options.strategy.preemptions', strategy.preemptions ?? 2, 0);
}
