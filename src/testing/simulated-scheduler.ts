/**
 * A scheduler whose every step is chosen. What could run is a list, in the order of arrival; a chooser, or a schedule to replay,
 * says which of them does. Steps are:
 *
 *   a thread's or a task's turn to run (one signal, one turn)      the end of a wait: whoever waited goes on
 *   whoever has let others go first goes on                        a timer that is due
 *
 * and before a thread's step, or a hook's going on, a fault may be injected. Each choice is one decision, with a number; so a
 * run is the same again when its decisions are.
 *
 * Not here: when the next step is to be run (`simulation`: not before every microtask of the last one has), what must hold in
 * between (`tree-checks`).
 */
import type { BegunWait, Runnable, Scheduler, Settling } from '../kernel/scheduler.ts';
import { SimulationOverError } from '../kernel/simulation-errors.ts';
import type { FaultKind, Faults } from './faults.ts';
import type { Deviation } from './schedule.ts';
import { type Origin, SimulatedClock } from './simulated-clock.ts';
import type { Choice, Chooser } from './strategy.ts';
import type { VirtualClock, VirtualTimer } from './virtual-clock.ts';

interface Step extends Choice {
  /** In words; called only for a trace. */
  readonly title: () => string;
  readonly runnable: Runnable | undefined;
  /** A fault has put it off; it is spared then. */
  readonly putOff?: boolean;
  readonly go: () => void;
}

/** In whose name a wait has begun, and at which step. */
interface BegunAt {
  readonly origin: Origin;
  readonly sinceStep: number;
}

export interface SchedulerOptions {
  readonly chooser: Chooser;
  /** Replays these ways instead of asking the chooser. */
  readonly ways?: ReadonlyMap<number, Deviation> | undefined;
  readonly faults?: Faults | undefined;
  /** Keeps the list of steps in words. */
  readonly traced: boolean;
  /** Keeps how many ways each decision had. */
  readonly counted: boolean;
  /** A runnable comes for the first time. */
  readonly onRunnable: (runnable: Runnable) => void;
}

export class SimulatedScheduler implements Scheduler {
  readonly clock: VirtualClock;
  readonly trace: readonly string[] | undefined;
  /** The lines of the trace in which the run went another way than in order. */
  readonly marks: number[] = [];
  readonly deviations: Deviation[] = [];
  readonly widths: number[] | undefined;
  /** The waits that have begun and are not over, and in whose name. */
  readonly waits: Map<BegunWait, BegunAt> = new Map<BegunWait, BegunAt>();
  /** Steps that a fault has put off. */
  delayed = 0;
  decisions = 0;
  steps = 0;
  /** The run is over: nobody runs a step any more. */
  ended = false;
  /** Where the trace is written; undefined when it is not, or not any more. */
  #tracing: string[] | undefined;
  readonly #clock: SimulatedClock;
  readonly #chooser: Chooser;
  readonly #ways: ReadonlyMap<number, Deviation> | undefined;
  readonly #faults: Faults | undefined;
  readonly #onRunnable: (runnable: Runnable) => void;
  readonly #ready: Step[] = [];
  readonly #actors = new WeakMap<Runnable, string>();
  readonly #dueTimers = new Map<VirtualTimer, Step>();
  #origin: Origin = { actor: 'the program', title: 'the program' };
  /** No more choices: what is left runs in order. */
  #over = false;

  constructor(options: SchedulerOptions) {
    const cleared = (timer: VirtualTimer): void => this.#forgetTimer(timer);
    this.#clock = new SimulatedClock(() => this.#origin, cleared);
    this.clock = this.#clock;
    this.#chooser = options.chooser;
    this.#ways = options.ways;
    this.#faults = options.faults;
    this.#onRunnable = options.onRunnable;
    this.#tracing = options.traced ? [] : undefined;
    this.trace = this.#tracing;
    this.widths = options.counted ? [] : undefined;
  }

  // ---- as a tree sees it ----

  get coarseNow(): number {
    return this.#clock.now();
  }

  get wholeNow(): number {
    return Math.floor(this.#clock.now());
  }

  enqueue(runnable: Runnable): void {
    if (runnable.queued) return;
    runnable.queued = true;
    this.#ready.push(this.#stepOf(runnable));
  }

  resume(runnable: Runnable): void {
    this.enqueue(runnable);
  }

  spend(): boolean {
    const { decision, given } = this.#nextDecision(2);
    const way = given ?? (this.#chooser.yields(this.#origin.actor, decision) ? 1 : 0);
    if (way === 0) return false;
    this.#took(decision, way, 2);
    this.#note(() => `${this.#origin.title} lets others go first`, true);
    return true;
  }

  nextSlice(): Promise<void> {
    const { actor, title } = this.#origin;
    return new Promise((resolve) => {
      this.#ready.push({ actor, title: () => `${title} goes on`, runnable: undefined, go: resolve });
    });
  }

  beginWait(wait: BegunWait): Settling {
    const origin = this.#origin;
    this.waits.set(wait, { origin, sinceStep: this.steps });
    // Asked now: of a wait that is over, its owner may not know any more which one it was.
    const on = this.#tracing === undefined ? '' : wait.describe();
    return (settle) => {
      this.waits.delete(wait);
      const title = (): string => `${origin.title} goes on after ${on}`;
      this.#settle(wait, { actor: origin.actor, title, runnable: undefined, go: settle });
    };
  }

  admit(): void {
    if (this.ended) throw new SimulationOverError();
  }

  // ---- as a simulation drives it ----

  get idle(): boolean {
    return this.#ready.length === 0;
  }

  /** Adds a step of the program around the tree. */
  addStep(title: string, go: () => void): void {
    this.#ready.push({ actor: title, title: () => title, runnable: undefined, go });
  }

  /** Says a word in the trace. */
  note(word: string): void {
    this.#note(() => word, false);
  }

  /** Timers that are due by now become steps, and who was woken for nothing takes none. */
  collectDue(): void {
    this.#passOverIdle();
    const now = this.#clock.now();
    while (this.#clock.nextDue !== undefined && this.#clock.nextDue <= now) this.#collect();
  }

  /** Moves the time to the next timers; false when there are none. */
  jump(): boolean {
    const due = this.#clock.nextDue;
    if (due === undefined) return false;
    this.#note(() => `the time is ${due} ms`, false);
    this.#clock.moveTo(due);
    this.collectDue();
    return true;
  }

  /** Runs one of the steps that could run. */
  runStep(): void {
    const ready = this.#ready;
    let way = 0;
    if (ready.length > 1 && !this.#over) {
      const { decision, given } = this.#nextDecision(ready.length);
      way = given ?? this.#chooser.step(ready, decision);
      if (way >= ready.length) way = ready.length - 1;
      if (way > 0) this.#took(decision, way, ready.length);
    }
    const step = way === 0 ? ready.shift()! : ready.splice(way, 1)[0]!;
    this.steps++;
    if (step.runnable !== undefined && step.putOff !== true && this.#hit(step, step.runnable)) return;
    const title = this.#tracing === undefined ? '' : step.title();
    this.#origin = { actor: step.actor, title: title.replace(/^a timer of | goes on( after .*)?$/g, '') };
    this.#note(() => title, way > 0);
    step.go();
  }

  /** What is left runs in the order of arrival, and without faults. */
  endChoices(): void {
    this.#over = true;
  }

  /** What comes now is no part of the run any more. */
  endTrace(): void {
    this.#tracing = undefined;
  }

  #passOverIdle(): void {
    const ready = this.#ready;
    for (let at = 0; at < ready.length; at++) {
      const { runnable } = ready[at]!;
      if (runnable?.idle !== true) continue;
      runnable.queued = false;
      ready.splice(at--, 1);
    }
  }

  #stepOf(runnable: Runnable): Step {
    let actor = this.#actors.get(runnable);
    if (actor === undefined) {
      this.#onRunnable(runnable);
      actor = runnable.actor ?? 'somebody';
      this.#actors.set(runnable, actor);
    }
    return {
      actor,
      title: () => `${actor} ${runnable.describeStep?.() ?? 'runs'}`,
      runnable,
      go: () => {
        runnable.queued = false;
        runnable.quota = 1;
        runnable.run();
      },
    };
  }

  /** True where a fault comes instead of the step. */
  #hit(step: Step, runnable: Runnable): boolean {
    const faults = this.#faults;
    const victim = this.#over ? undefined : faults?.atStep(runnable);
    const fault = victim && this.#faultOf(victim.kinds);
    if (faults === undefined || victim === undefined || fault === undefined) return false;
    this.#note(() => faults.inWords(fault, victim, step.title()), true);
    if (fault === 'delay') this.#putOff(step, faults.delayMs);
    else {
      if (fault !== 'duplicate') runnable.queued = false;
      faults.strike(fault, victim);
    }
    return fault !== 'duplicate';
  }

  /** Which of several faults is injected here, if any: one decision. */
  #faultOf(kinds: readonly FaultKind[]): FaultKind | undefined {
    const width = kinds.length + 1;
    const { decision, given } = this.#nextDecision(width, kinds);
    const way = Math.min(given ?? this.#faults?.way(kinds) ?? 0, kinds.length);
    const fault = kinds[way - 1];
    if (fault !== undefined) this.deviations.push({ decision, way, fault });
    return fault;
  }

  #settle(wait: BegunWait, step: Step): void {
    const faults = this.#faults;
    const victim = this.#over ? undefined : faults?.afterWait(wait);
    const fault = victim && this.#faultOf(victim.kinds);
    if (faults === undefined || victim === undefined || fault === undefined) {
      this.#ready.push(step);
      return;
    }
    this.#note(() => faults.inWords(fault, victim, step.title()), true);
    if (fault === 'late') this.#putOff(step, faults.delayMs);
    else if (fault !== 'hang') {
      // The wait is over, and stays so (law 18): the hook goes on, in a thread that has failed.
      const go = (): void => {
        faults.strike(fault, victim);
        step.go();
      };
      this.#ready.push({ ...step, go });
    }
  }

  #putOff(step: Step, ms: number): void {
    this.delayed++;
    this.#clock.setTimer(ms, () => {
      this.delayed--;
      this.#ready.push({ ...step, putOff: true });
    });
  }

  #collect(): void {
    const timer = this.#clock.takeNext(this.#clock.now());
    if (timer === undefined) return;
    const { actor, title } = this.#clock.originOf(timer);
    const step: Step = {
      actor,
      title: () => `a timer of ${title}`,
      runnable: undefined,
      go: () => {
        this.#dueTimers.delete(timer);
        timer.callback();
      },
    };
    this.#dueTimers.set(timer, step);
    this.#ready.push(step);
  }

  #forgetTimer(timer: VirtualTimer): void {
    const step = this.#dueTimers.get(timer);
    if (step === undefined) return;
    this.#dueTimers.delete(timer);
    this.#ready.splice(this.#ready.indexOf(step), 1);
  }

  #nextDecision(
    width: number,
    kinds?: readonly FaultKind[],
  ): { readonly decision: number; readonly given: number | undefined } {
    const decision = this.decisions++;
    this.widths?.push(width);
    return { decision, given: this.#over ? 0 : this.#ways && wayOf(this.#ways.get(decision), kinds) };
  }

  #took(decision: number, way: number, width: number): void {
    this.deviations.push({ decision, way: Math.min(way, width - 1) });
  }

  #note(word: () => string, marked: boolean): void {
    if (this.#tracing === undefined) return;
    if (marked) this.marks.push(this.#tracing.length);
    this.#tracing.push(word());
  }
}

/** A fault that cannot be here is no other way either. */
function wayOf(deviation: Deviation | undefined, kinds: readonly FaultKind[] = []): number {
  const { way = 0, fault } = deviation ?? {};
  return fault === undefined ? way : kinds.indexOf(fault) + 1;
}
