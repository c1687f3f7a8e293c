/**
 * Starts children again: carries out what `supervision` decides, as a step of its own in the tree's run queue, so that no
 * factory is called from inside a hook or under the feet of a child that is just ending.
 *
 *     one-for-one    crashed ──► counted ──► delay ──► started; each child by itself
 *     the others     crashed ──► counted ──► stopping, right to left ──► delay ──► starting, left to right
 *
 * Of the others one *plan* is under way at a time, as in OTP: who ends meanwhile is dealt with when it is done, or at once
 * where the plan only waits, or where the start that it waits for has failed. A plan that is overtaken keeps nobody down: the
 * next one covers all that it had stopped. When the parent stops, everything here gives way.
 */
import type { LocalEdge, Supervised } from '../intercom/local-edge.ts';
import type { Timer } from '../kernel/clock.ts';
import type { Host } from '../kernel/host.ts';
import { RingBuffer } from '../kernel/ring-buffer.ts';
import type { Runnable } from '../kernel/scheduler.ts';
import { Backoff } from './backoff.ts';
import type { ChildRuntime } from './child-handle.ts';
import type { Children } from './children.ts';
import type { ResolvedChildSpec } from './spec.ts';
import { countRestart, type ResolvedSupervisionOptions, restartedWith } from './supervision.ts';

/** What a supervisor needs of its thread. */
export interface SupervisingThread {
  readonly host: Host;
  readonly path: string;
  readonly children: Children | undefined;
  /** Makes the next incarnation and starts it. Throws what the factory throws. */
  startAgain(edge: LocalEdge): void;
  /** Says that the next incarnation will come. */
  announceRestart(edge: LocalEdge, afterMs: number): void;
  /** A child has ended by itself, for good: if it is significant, the thread may stop. */
  endedByItself(edge: LocalEdge): void;
  /** There were too many: the thread fails. */
  restartsExceeded(edge: LocalEdge, cause: unknown): void;
  giveUpRestart(edge: LocalEdge): void;
  /** Says what has failed when nothing depends on it any more. */
  late(what: string, error: unknown): void;
}

/** What is kept of a child that may be started again, or whose end matters to its parent. */
export class SupervisedChild implements Supervised {
  final = false;
  down = false;
  readonly redeliver: number;
  /** It was asked to end only in order to be started again with a sibling. */
  planned = false;
  /** What the last incarnation failed with, if it failed. */
  cause: unknown;
  enteredAt: number | undefined;
  backoff: Backoff | undefined;
  timer: Timer | undefined;

  constructor(redeliver: number) {
    this.redeliver = redeliver;
  }
}

/** Several children that are stopped and started again together. */
interface Plan {
  readonly edges: readonly LocalEdge[];
  readonly delayMs: number;
  phase: 'stopping' | 'waiting' | 'starting';
  /** Those that were asked to end, and have not. */
  readonly ending: Set<LocalEdge>;
  /** How many of them, from the first, may have to be stopped still. */
  toStop: number;
  /** From here on they are still to be started: each once, so that whoever crashes after that is counted. */
  toStart: number;
  /** The one that is being started. */
  starting: LocalEdge | undefined;
  timer: Timer | undefined;
}

export class Supervisor implements Runnable {
  nextRunnable: Runnable | undefined;
  queued = false;
  quota = 1;
  readonly #thread: SupervisingThread;
  readonly #options: ResolvedSupervisionOptions;
  /** When those were that still count. */
  readonly #restarts = new RingBuffer<number>();
  /** Children that have ended by themselves, in the order in which they did, and what is to be done about it is not begun. */
  #ended: LocalEdge[] = [];
  /** Of one-for-one: those whose delay is over. */
  #due: LocalEdge[] = [];
  #plan: Plan | undefined;
  /** In this step a factory has thrown; the next one is due. */
  #threw = false;

  constructor(thread: SupervisingThread, options: ResolvedSupervisionOptions) {
    this.#thread = thread;
    this.#options = options;
  }

  /** Who it is, in a trace. */
  get actor(): string {
    return `${this.#thread.path} supervision`;
  }

  run(): number {
    for (const edge of this.#due.splice(0)) this.#start(edge);
    this.#threw = false;
    // A factory that throws each time must not keep the event loop from its turn: the next try is a step of its own (law 9).
    while (!this.#threw && this.#step());
    return 1;
  }

  /** An incarnation has ended, and another is to follow. */
  crashed(edge: LocalEdge, cause: unknown): void {
    const child = stateOf(edge);
    child.down = true;
    child.cause = cause;
    const plan = this.#plan;
    if (child.planned || (plan?.phase === 'stopping' && plan.edges.includes(edge))) {
      child.planned = false;
      plan?.ending.delete(edge);
      this.#thread.announceRestart(edge, plan?.delayMs ?? 0);
    } else this.#ended.push(edge);
    this.#wake();
  }

  /** A child has ended for good. */
  gone(edge: LocalEdge): void {
    this.#forgetTimer(edge);
    if (edge.supervised?.final === false) this.#ended.push(edge);
    this.#plan?.ending.delete(edge);
    this.#wake();
  }

  entered(edge: LocalEdge): void {
    stateOf(edge).enteredAt = this.#thread.host.clock.now();
    if (this.#plan?.starting !== edge) return;
    this.#plan.starting = undefined;
    this.#wake();
  }

  /** The thread stops: nobody is started any more. */
  giveWay(): void {
    this.#ended = [];
    this.#due = [];
    this.#endPlan();
    for (const edge of this.#thread.children ?? []) {
      if (edge.supervised?.down === true) this.#thread.giveUpRestart(edge);
      else if (edge.incarnation > 1) giveWayUnlessBegun(edge);
    }
  }

  /** Does the next thing that need not wait; false when there is none. */
  #step(): boolean {
    const plan = this.#plan;
    const overtaken = plan?.phase === 'waiting' || plan?.starting?.supervised?.down === true;
    if (plan === undefined || overtaken) {
      const edge = this.#ended.shift();
      if (edge !== undefined) {
        if (edge.supervised?.down === true) this.#restart(edge);
        // Else it was asked to end meanwhile.
        else if (edge.ended && edge.supervised?.final === false) this.#thread.endedByItself(edge);
        return true;
      }
    }
    if (plan?.phase === 'stopping') return this.#stopNext(plan);
    return plan?.phase === 'starting' && this.#startNext(plan);
  }

  /** Counts a restart, and begins it if it is still borne. */
  #restart(edge: LocalEdge): void {
    const { clock } = this.#thread.host;
    if (!countRestart(this.#restarts, clock.now(), this.#options)) {
      this.#thread.restartsExceeded(edge, stateOf(edge).cause);
      return;
    }
    const delayMs = this.#delayOf(edge);
    this.#thread.announceRestart(edge, delayMs);
    // Who was told may have stopped the child, or this thread.
    if (stateOf(edge).down !== true) return;
    const { strategy } = this.#options;
    if (strategy === 'one-for-one') this.#startAfter(edge, delayMs);
    else {
      this.#endPlan();
      const edges = restartedWith(strategy, [...(this.#thread.children ?? [])], edge).filter(({ ended }) => !ended);
      // Whoever of them has crashed too is started with this plan, and counts no restart of its own.
      const crashedToo = this.#ended.filter((one) => !one.ended && edges.includes(one));
      this.#ended = this.#ended.filter((one) => !crashedToo.includes(one));
      this.#plan = {
        edges,
        delayMs,
        phase: 'stopping',
        ending: new Set(),
        toStop: edges.length,
        toStart: 0,
        starting: undefined,
        timer: undefined,
      };
      for (const one of crashedToo) this.#thread.announceRestart(one, delayMs);
    }
  }

  #delayOf(edge: LocalEdge): number {
    const { clock, random } = this.#thread.host;
    const child = stateOf(edge);
    if (this.#options.backoff === undefined) return 0;
    child.backoff ??= new Backoff(this.#options.backoff);
    if (child.enteredAt !== undefined) child.backoff.ended(clock.now() - child.enteredAt);
    child.enteredAt = undefined;
    return child.backoff.next(random());
  }

  // ---- one for one ----

  #startAfter(edge: LocalEdge, delayMs: number): void {
    if (delayMs === 0) {
      this.#start(edge);
      return;
    }
    const child = stateOf(edge);
    child.timer = this.#thread.host.clock.setTimer(delayMs, () => {
      child.timer = undefined;
      this.#due.push(edge);
      this.#wake();
    });
  }

  // ---- several together ----

  /** The youngest that lives, with its peers. */
  #stopNext(plan: Plan): boolean {
    if (plan.ending.size > 0) return false;
    while (plan.toStop > 0 && !lives(plan.edges[plan.toStop - 1]!)) plan.toStop--;
    const last = plan.edges[plan.toStop - 1];
    if (last === undefined) {
      this.#wait(plan);
      return true;
    }
    const { peers } = last.spec as ResolvedChildSpec;
    const isPeer = (edge: LocalEdge): boolean => (edge.spec as ResolvedChildSpec).peers === peers && lives(edge);
    const unit = peers === undefined ? [last] : plan.edges.filter(isPeer);
    for (const edge of unit) plan.ending.add(edge);
    for (const edge of unit) stopWithSibling(edge);
    return true;
  }

  #wait(plan: Plan): void {
    plan.phase = plan.delayMs === 0 ? 'starting' : 'waiting';
    if (plan.phase === 'starting') return;
    plan.timer = this.#thread.host.clock.setTimer(plan.delayMs, () => {
      plan.timer = undefined;
      plan.phase = 'starting';
      this.#wake();
    });
  }

  #startNext(plan: Plan): boolean {
    // The one that is being started has not entered, nor has it ended.
    if (plan.starting?.ended === false && plan.starting.supervised?.down === false) return false;
    const { edges } = plan;
    let place = plan.toStart;
    while (place < edges.length && edges[place]?.supervised?.down !== true) place++;
    const next = edges[place];
    plan.toStart = place + 1;
    plan.starting = next;
    if (next === undefined) this.#plan = undefined;
    else this.#start(next);
    return true;
  }

  #start(edge: LocalEdge): void {
    if (edge.supervised?.down !== true) return;
    try {
      this.#thread.startAgain(edge);
    } catch (error) {
      // What cannot even be made has failed to start, as if its `enter` had thrown.
      if (edge.supervised.down) {
        this.#threw = true;
        this.crashed(edge, error);
      }
      // But before it threw, the factory has stopped this thread, or the child.
      else this.#thread.late(`the factory of ${edge.path}`, error);
    }
  }

  #endPlan(): void {
    if (this.#plan?.timer !== undefined) this.#thread.host.clock.clearTimer(this.#plan.timer);
    this.#plan = undefined;
  }

  #forgetTimer(edge: LocalEdge): void {
    const child = stateOf(edge);
    if (child?.timer !== undefined) this.#thread.host.clock.clearTimer(child.timer);
    if (child !== undefined) child.timer = undefined;
  }

  #wake(): void {
    this.#thread.host.scheduler.enqueue(this);
  }
}

function lives(edge: LocalEdge): boolean {
  return !edge.ended && edge.supervised?.down !== true;
}

function stateOf(edge: LocalEdge): SupervisedChild {
  return edge.supervised as SupervisedChild;
}

/** A child that can be started again keeps its inbox; any other ends for good. */
function stopWithSibling(edge: LocalEdge): void {
  const child = edge.child as ChildRuntime;
  const why = 'it is restarted with a sibling';
  const isKept = (edge.spec as ResolvedChildSpec).restart !== undefined;
  if (!isKept || edge.supervised?.final === true) {
    edge.requestStop(child.stopDefaults, why);
    return;
  }
  stateOf(edge).planned = true;
  child.requestStop(child.stopDefaults, why);
}

/** An incarnation that was made, but whose `enter` is not begun, never is. */
function giveWayUnlessBegun(edge: LocalEdge): void {
  const child = edge.child as ChildRuntime;
  if (child.state === 'created') edge.requestStop(child.stopDefaults, 'its parent is stopping');
}
