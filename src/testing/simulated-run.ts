/**
 * One simulated run: drives the scheduler step by step, and looks in between whether everything is as it must be.
 *
 *     step ──► all microtasks run ──► checks ──► step … ──► nothing can run ──► at rest? ──► the time jumps ──► step …
 *
 * A step begins only when every microtask of the one before has run, so what a step does is settled when the next is chosen.
 * A run ends when its program has, and its trees; or with the first thing that is wrong, and then its trees are given up.
 */
import { SenderLine } from '../intercom/sender-line.ts';
import { milliseconds } from '../kernel/check.ts';
import { counted, messageOf } from '../kernel/describe.ts';
import { InvalidOptionError, TaskThreadError } from '../kernel/errors.ts';
import { type LifecycleRecord, live } from '../kernel/probe.ts';
import { afterTurn } from '../kernel/scheduler.ts';
import { SimulationOverError, SimulationRunningError } from '../kernel/simulation-errors.ts';
import type { AnyChild, Child } from '../taskthread/child.ts';
import type { Outcome } from '../taskthread/lifecycle.ts';
import { admitRoots, type StartOptions, start } from '../taskthread/start.ts';
import { abandonTree } from '../taskthread/stop.ts';
import type { TaskThread } from '../taskthread/taskthread.ts';
import { ThreadLife } from '../taskthread/thread-life.ts';
import { Dice } from './dice.ts';
import { Faults, isInjected, type ResolvedFaults } from './faults.ts';
import { Invariants } from './invariants.ts';
import { leftSince } from './leak-check.ts';
import type { Schedule } from './schedule.ts';
import { SimulatedScheduler } from './simulated-scheduler.ts';
import type { SimulatedProgram, Simulation } from './simulation.ts';
import { type Chooser, waysOf } from './strategy.ts';
import { TreeChecks, type Wrong } from './tree-checks.ts';
import { hearUnhandled } from './unhandled.ts';
import { describeWait } from './virtual-time.ts';

export interface RunOptions {
  readonly seed: number;
  readonly chooser: Chooser;
  readonly schedule?: Schedule | undefined;
  readonly faults: ResolvedFaults | undefined;
  readonly maxSteps: number;
  readonly settleSteps: number;
  readonly traced: boolean;
  readonly counted?: boolean;
}

/** What was wrong with a run. */
export interface Failure extends Wrong {
  /** What was thrown, if anything was. */
  readonly cause?: unknown;
}

export interface SimulatedRun {
  readonly steps: number;
  readonly decisions: number;
  readonly schedule: Schedule;
  readonly failure: Failure | undefined;
  /** The steps in words; empty unless asked for. */
  readonly trace: readonly string[];
  /** The lines of the trace in which the run went another way than in order. */
  readonly marks: readonly number[];
  readonly words: readonly string[];
  readonly widths: readonly number[];
}

/** So many turns of the event loop nothing must come before the time jumps, and before a run is said to stand still. */
const TURNS_TO_JUMP = 2;
const TURNS_TO_STAND_STILL = 10;
/** How often the waits of all senders are looked through. */
const LOOK_THROUGH = 256;
/** What is given up has so many steps to come to its end. */
const STEPS_AFTER = 10_000;
const OUTSIDE = 'no thread waits: what the program awaits is outside of the simulation';
const ROOT_OUTSIDE = 'a root was started outside of the simulation: start it with sim.start or sim.options';
const ANOTHER_STREAM = 0x5bd1e995;
const FAULT_STREAM = 0x2545f491;

/** What is alive is counted for the whole process, and its unhandled rejections are heard: so one run at a time. */
let isRunning = false;

export async function runSimulated(options: RunOptions, program: SimulatedProgram): Promise<SimulatedRun> {
  if (isRunning) throw new SimulationRunningError();
  isRunning = true;
  try {
    return await new Driver(options, program).drive();
  } finally {
    isRunning = false;
  }
}

class Driver implements Simulation {
  readonly words: string[] = [];
  readonly options: Simulation['options'];
  readonly #program: SimulatedProgram;
  readonly #scheduler: SimulatedScheduler;
  readonly #checks = new TreeChecks();
  readonly #invariants = new Invariants();
  readonly #dice: Dice;
  readonly #maxSteps: number;
  readonly #settleSteps: number;
  readonly #before = { ...live };
  #failure: Failure | undefined;
  #programDone = false;
  #givenUp = false;
  #quietTurns = 0;
  #finish!: () => void;

  constructor(options: RunOptions, program: SimulatedProgram) {
    this.#program = program;
    this.#maxSteps = options.maxSteps;
    this.#settleSteps = options.settleSteps;
    this.#dice = new Dice(options.seed ^ ANOTHER_STREAM);
    this.#scheduler = new SimulatedScheduler({
      chooser: options.chooser,
      ways: options.schedule && waysOf(options.schedule),
      faults: options.faults && new Faults(options.faults, new Dice(options.seed ^ FAULT_STREAM)),
      traced: options.traced,
      counted: options.counted ?? false,
      onRunnable: (runnable) => {
        if (runnable instanceof ThreadLife) this.#checks.saw(runnable);
      },
    });
    const { clock } = this.#scheduler;
    const { onRecord } = this.#checks;
    this.options = { clock, scheduler: this.#scheduler, random: () => this.#dice.next(), onRecord };
  }

  async drive(): Promise<SimulatedRun> {
    const stopHearing = hearUnhandled((error) => {
      if (!isInjected(error)) this.#fail('an unhandled rejection', messageOf(error), error);
    });
    const admitAll = admitRoots(({ scheduler }) => {
      if (scheduler === this.#scheduler) return;
      this.#fail('a root outside', ROOT_OUTSIDE);
      throw new InvalidOptionError('options.scheduler', scheduler, `that of the simulation (${ROOT_OUTSIDE})`);
    });
    try {
      const finished = new Promise<void>((resolve) => {
        this.#finish = resolve;
      });
      this.#scheduler.addStep('the program', () => void this.#runProgram());
      afterTurn(this.#pump);
      await finished;
    } finally {
      this.#scheduler.ended = true;
      admitAll();
      stopHearing();
    }
    const { steps, decisions, deviations, trace = [], marks, widths = [] } = this.#scheduler;
    return {
      steps,
      decisions,
      schedule: deviations,
      failure: this.#failure,
      trace,
      marks,
      words: this.words,
      widths,
    };
  }

  // ---- as the program sees it ----

  get now(): number {
    return this.#scheduler.clock.now();
  }

  random(): number {
    return this.#dice.next();
  }

  start<C extends TaskThread<never, never, never>>(
    make: (() => C) | C,
    { onRecord, ...options }: Pick<StartOptions, 'name' | 'onRecord'> = {},
  ): Promise<Child<C>> {
    const told = (record: LifecycleRecord): void => {
      this.#checks.onRecord(record);
      onRecord?.(record);
    };
    return start(make, { ...options, ...this.options, onRecord: told });
  }

  async outcomeOf(root: AnyChild): Promise<Outcome> {
    const life = this.#checks.roots.find(({ handle }) => handle === root);
    if (life === undefined) throw new InvalidOptionError('root', root, 'the handle of a root of this simulation');
    if (this.#scheduler.ended && !life.ended) throw new SimulationOverError();
    this.#checks.leaveFailureOf(life);
    return await root.join();
  }

  checkpoint(): Promise<void> {
    return this.#scheduler.ended ? Promise.reject(new SimulationOverError()) : this.#scheduler.nextSlice();
  }

  sleep(ms: number): Promise<void> {
    milliseconds('ms', ms);
    if (this.#scheduler.ended) return Promise.reject(new SimulationOverError());
    return new Promise((resolve) => {
      this.#scheduler.clock.setTimer(ms, resolve);
    });
  }

  always(name: string, check: () => unknown): void {
    this.#invariants.add(name, check);
  }

  say(word: string): void {
    this.words.push(word);
    this.#scheduler.note(`  “${word}”`);
  }

  // ---- one step after the other ----

  async #runProgram(): Promise<void> {
    await this.#asProgram(() => this.#program(this));
    // Also where an injected failure has ended the program: what it had started is no orphan of its making.
    for (const root of this.#checks.roots.toReversed()) {
      if (this.#failure === undefined && !root.ended) await this.#asProgram(() => root.handle.stop());
    }
    this.#programDone = true;
  }

  async #asProgram(body: () => unknown): Promise<void> {
    try {
      await body();
    } catch (error) {
      if (!isInjected(error)) this.#fail(`the program threw ${nameOf(error)}`, messageOf(error), error);
    }
  }

  readonly #pump = (): void => {
    try {
      if (this.#turn()) afterTurn(this.#pump);
      else this.#finish();
    } catch (error) {
      this.#fail('the simulation itself threw', messageOf(error), error);
      this.#finish();
    }
  };

  /** False when the run is over. */
  #turn(): boolean {
    if (this.#givenUp) return this.#runRest();
    this.#look();
    if (this.#failure !== undefined) {
      this.#giveUp();
      return true;
    }
    const scheduler = this.#scheduler;
    scheduler.collectDue();
    if (!scheduler.idle) {
      this.#quietTurns = 0;
      if (scheduler.steps < this.#maxSteps) scheduler.runStep();
      else
        this.#fail(
          'the step budget is spent',
          `${counted(this.#maxSteps, 'step')}; ${this.#waitsInWords('nobody waits')}`,
        );
      return true;
    }
    if (++this.#quietTurns <= TURNS_TO_JUMP) return true;
    const wrong = scheduler.delayed > 0 ? undefined : this.#checks.atRest();
    if (wrong !== undefined) this.#fail(wrong.kind, wrong.text);
    // What is still set when all is over is no future, it is left over.
    else if (this.#programDone && scheduler.delayed === 0) return this.#end();
    else if (scheduler.jump()) this.#quietTurns = 0;
    else if (this.#quietTurns > TURNS_TO_STAND_STILL) this.#fail('it stands still', this.#waitsInWords(OUTSIDE));
    return true;
  }

  #look(): void {
    const wrong = this.#checks.afterStep();
    if (wrong !== undefined) this.#fail(wrong.kind, wrong.text);
    const broken = this.#invariants.broken();
    if (broken !== undefined) this.#fail(`not always: ${broken.name}`, broken.text, broken.cause);
    const { steps, waits } = this.#scheduler;
    if (steps % LOOK_THROUGH !== 0) return;
    for (const [wait, { origin, sinceStep }] of waits) {
      if (steps - sinceStep < this.#settleSteps) return;
      if (wait.owner instanceof SenderLine && wait.parked) {
        this.#fail(
          'a send does not settle',
          `${origin.title} waits since ${counted(this.#settleSteps, 'step')} for ${wait.describe()}`,
        );
      }
    }
  }

  #end(): boolean {
    const wrong = this.#checks.atEnd();
    if (wrong !== undefined) {
      this.#fail(wrong.kind, wrong.text);
      return true;
    }
    const left = leftSince(this.#before);
    if (left !== '') this.#fail('left alive', left);
    return left !== '';
  }

  #fail(kind: string, text: string, cause?: unknown): void {
    if (this.#failure !== undefined) return;
    this.#scheduler.note(`✗ ${kind}`);
    this.#scheduler.endTrace();
    this.#failure = cause === undefined ? { kind, text } : { kind, text, cause };
  }

  /** The trees are given up, and all that is left of the run comes to its end in order. */
  #giveUp(): void {
    this.#givenUp = true;
    this.#scheduler.endChoices();
    for (const root of this.#checks.roots) if (!root.ended) abandonTree(root);
    this.#quietTurns = 0;
  }

  #runRest(): boolean {
    const scheduler = this.#scheduler;
    scheduler.collectDue();
    if (scheduler.steps < this.#maxSteps + STEPS_AFTER && !scheduler.idle) {
      scheduler.runStep();
      return true;
    }
    if (++this.#quietTurns <= TURNS_TO_STAND_STILL) return true;
    scheduler.clock.clearAll();
    // What this run has left alive is counted, and reported, in this run: the next one must not find it again.
    Object.assign(live, this.#before);
    return false;
  }

  #waitsInWords(none: string): string {
    const waits = [...this.#scheduler.waits].map(([wait, { origin }]) =>
      wait.by === undefined ? `${origin.title}: ${wait.describe()}` : describeWait(wait),
    );
    return waits.length === 0 ? none : `these wait: ${waits.join('; ')}`;
  }
}

function nameOf(error: unknown): string {
  if (error instanceof TaskThreadError) return error.code;
  return typeof error === 'object' && error !== null && 'name' in error ? String(error.name) : 'something';
}
