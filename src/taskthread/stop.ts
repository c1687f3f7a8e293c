/**
 * The stop of one thread, step by step (law 10). `shutdown` does the arithmetic, this acts, and the thread calls `advance`
 * whenever something that a step waits for has happened.
 *
 *   drain    1 intake tasks have ended   2 the inbox and all that children left is handled   3 children, newest first, each
 *            followed by 2   4 the other tasks are cancelled   5 exit   6 the thread has ended
 *   cancel   the same order, but every wait throws and queues are discarded instead of handled
 *   forced   three quarters of the cancel budget are over, of a function all of it: nothing is waited for any more, `exit` begins
 *            nevertheless
 *   abandon  the budget is over: the thread is given up, by name
 *
 * A thread that its parent's cancel has reached before its turn to stop has come is *gated*: it is cancelled like all others,
 * but neither its children nor its `exit` begin to end before the parent asks, so that the order of ending holds.
 */
import type { ChildEnd, StopBudget } from '../intercom/edge.ts';
import type { LocalEdge } from '../intercom/local-edge.ts';
import type { Timer } from '../kernel/clock.ts';
import { CancelledError } from '../kernel/errors.ts';
import type { Host } from '../kernel/host.ts';
import type { Waiter } from '../kernel/wait-queue.ts';
import type { Children } from './children.ts';
import { worseVerdict } from './lifecycle.ts';
import { childShare, EXIT_SHARE, type StopReport, type ThreadReport } from './shutdown.ts';

/** What a stop needs of its thread. */
export interface StoppingThread {
  readonly host: Host;
  readonly path: string;
  readonly ended: boolean;
  /** Its body is a function, and no `exit` follows that. */
  readonly isFunction: boolean;
  /** `enter`, a handler or `childEnded` is being executed. */
  readonly busy: boolean;
  /** Something is queued that it would handle. */
  readonly hasWork: boolean;
  /** It handles nothing any more: it has failed or is cancelled. */
  readonly deaf: boolean;
  readonly intakeRunning: number;
  readonly tasksRunning: number;
  readonly children: Children | undefined;
  cancelOwnWaits(error: Error): void;
  wake(): void;
  discardWork(): void;
  /** Cancels the tasks that are left, and lets no new one start. */
  endTasks(): void;
  /** Begins `exit`, once. True while it is under way. */
  exiting(): boolean;
  cancelExit(error: Error): void;
  finish(): void;
}

/** What a stop has found so far, of the thread and all below it. */
export class StopTally {
  threads = 0;
  /** Of the stop itself, once it is over. */
  tookMs = 0;
  /** A child has failed that would have been started again, had it not been for the stop; no thread between it and this one is ignored. */
  unmended = false;
  readonly cancelled: ThreadReport[] = [];
  readonly abandoned: ThreadReport[] = [];
  readonly failed: ThreadReport[] = [];

  add(report: ThreadReport): void {
    if (report.outcome === 'failed') this.failed.push(report);
    if (report.verdict === 'cancelled') this.cancelled.push(report);
    if (report.verdict === 'abandoned') this.abandoned.push(report);
  }

  merge(other: StopTally): void {
    this.threads += other.threads;
    for (const report of other.failed) this.failed.push(report);
    for (const report of other.cancelled) this.cancelled.push(report);
    for (const report of other.abandoned) this.abandoned.push(report);
  }

  report(outcome: StopReport['outcome']): StopReport {
    const { threads, tookMs, cancelled, abandoned, failed } = this;
    const verdict = worseVerdict(
      cancelled.length > 0 ? 'cancelled' : 'clean',
      abandoned.length > 0 ? 'abandoned' : 'clean',
    );
    return { verdict, outcome, tookMs, threads, cancelled, abandoned, failed };
  }
}

/** So many turns of the event loop an `exit` has to yield to its cancel. */
const SLICES_TO_YIELD = 8;

export class Stop {
  readonly #thread: StoppingThread;
  readonly beganAt: number;
  readonly tally: StopTally = new StopTally();
  /** The waits that it has cancelled while hooks and tasks were running. */
  cancelled: Set<Waiter> | undefined;
  #drainUntil: number;
  #cancelMs: number;
  #cancelUntil: number | undefined;
  readonly #exitShare: number;
  #gated: boolean;
  #forced = false;
  #expired = false;
  /** Children that were asked and have not ended. */
  #awaiting = 0;
  /** The budget has become shorter since they were asked. */
  #shortened = false;
  #timer: Timer | undefined;

  constructor(thread: StoppingThread, budget: StopBudget | 'gated') {
    this.#thread = thread;
    this.beganAt = thread.host.clock.now();
    this.#exitShare = thread.isFunction ? 0 : EXIT_SHARE;
    this.#gated = budget === 'gated';
    this.#drainUntil = budget === 'gated' ? Infinity : this.beganAt + budget.drainMs;
    this.#cancelMs = budget === 'gated' ? Infinity : budget.cancelMs;
  }

  /** True once waits are cancelled instead of worked off. */
  get cancelling(): boolean {
    return this.#cancelUntil !== undefined;
  }

  /** Asked (again): opens the gate; of two budgets the shorter holds. */
  ask(budget: StopBudget, why: string): void {
    const now = this.#thread.host.clock.now();
    this.#gated = false;
    if (this.#cancelUntil !== undefined) {
      const cancelUntil = now + budget.cancelMs;
      if (cancelUntil < this.#cancelUntil) {
        this.#cancelUntil = cancelUntil;
        this.#cancelMs = budget.cancelMs;
        this.#shortened = true;
        this.#arm();
      }
      return;
    }
    this.#cancelMs = Math.min(this.#cancelMs, budget.cancelMs);
    this.#drainUntil = Math.min(this.#drainUntil, now + budget.drainMs);
    this.#shortened = true;
    this.begin(why);
  }

  /** Sets the clock running; where there is no time to drain, cancels at once. */
  begin(why: string): void {
    const { clock } = this.#thread.host;
    if (this.#cancelUntil === undefined && this.#drainUntil <= clock.now()) {
      this.cancel(new CancelledError(`${this.#thread.path} ends at once: ${why}`));
    } else this.#arm();
  }

  /** A child that was asked has ended, and all that it left is handled. */
  childGone(): void {
    this.#awaiting--;
  }

  /** Goes as far as it can without waiting. */
  advance(): void {
    const thread = this.#thread;
    if (thread.ended) return;
    if (this.#shortened) this.#askAgain();
    this.#step();
    if (!thread.ended && this.#timer === undefined && !this.#gated && !this.#expired) this.#arm();
  }

  /** Every wait of this thread throws from now on; nothing more is handled. */
  cancelOwn(error: Error): void {
    if (this.#cancelUntil !== undefined) return;
    this.#cancelUntil = this.#gated ? Infinity : this.#thread.host.clock.now() + this.#cancelMs;
    this.#thread.cancelOwnWaits(error);
    this.#thread.discardWork();
    this.#arm();
  }

  /** The drain is over: the whole subtree is cancelled. */
  cancel(error: Error): void {
    this.cancelOwn(error);
    const below: ChildEnd[] = [];
    for (const edge of this.#thread.children ?? []) below.push(edge.child);
    for (let i = 0; i < below.length; i++) below[i]?.cancel(error, below);
    this.#shortened = true;
    // Not at once: this may have been called from inside a hook, and what comes next calls hooks.
    this.#thread.wake();
  }

  /** Time is up for everything but `exit`. */
  force(): void {
    this.#forced = true;
    for (const edge of this.#thread.children ?? []) abandonTree(edge.child);
    this.advance();
  }

  end(): void {
    if (this.#timer !== undefined) this.#thread.host.clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  #step(): void {
    const thread = this.#thread;
    // Once it is cancelled it handles nothing more, so its children need not wait for what hangs.
    if (thread.busy && !this.cancelling) return;
    if (thread.deaf) thread.discardWork();
    else if (thread.intakeRunning > 0 || thread.hasWork) return;
    if (this.#gated) return;
    if (thread.children !== undefined && thread.children.size > 0) {
      if (this.#awaiting === 0) this.#askNext(thread.children);
      return;
    }
    if ((thread.busy && !this.#forced) || (thread.hasWork && !thread.deaf)) return;
    thread.endTasks();
    if (thread.tasksRunning > 0 && !this.#forced) return;
    if (!thread.exiting()) thread.finish();
  }

  #askNext(children: Children): void {
    const group = children.nextToStop();
    this.#awaiting = group.length;
    const share = this.#share(group);
    for (const edge of group) {
      edge.awaited = true;
      edge.requestStop(share, 'its parent is stopping');
    }
  }

  /** Those that are stopping just now get a new share, out of what is left. */
  #askAgain(): void {
    this.#shortened = false;
    if (this.#gated) return;
    const asked = [...(this.#thread.children ?? [])].filter((edge) => edge.awaited && !edge.ended);
    if (asked.length === 0) return;
    const share = this.#share(asked);
    for (const edge of asked) edge.requestStop(share, 'its parent is stopping');
  }

  #share(group: readonly LocalEdge[]): StopBudget {
    const times = {
      drainUntil: this.#drainUntil,
      cancelMs: this.#cancelMs,
      cancelUntil: this.#cancelUntil,
      exitShare: this.#exitShare,
    };
    const functions = group.every(({ child }) => child.isFunction);
    return childShare(times, this.#thread.host.clock.now(), this.#thread.children?.unitsToStop ?? 0, functions);
  }

  #arm(): void {
    const { clock } = this.#thread.host;
    this.end();
    if (this.#gated) return;
    const at =
      this.#cancelUntil === undefined
        ? this.#drainUntil
        : this.#forced
          ? this.#cancelUntil
          : this.#cancelUntil - this.#cancelMs * this.#exitShare;
    this.#timer = clock.setTimer(Math.max(0, at - clock.now()), () => {
      this.#timer = undefined;
      this.#timeIsUp();
    });
  }

  #timeIsUp(): void {
    if (this.#cancelUntil === undefined) {
      this.cancel(new CancelledError(`${this.#thread.path} did not drain in time`));
    } else if (!this.#forced) this.force();
    else void this.#giveUp();
  }

  /** `exit` has used up its budget: it is cancelled, and if it does not yield to that at once, given up. */
  async #giveUp(): Promise<void> {
    if (this.#expired) return;
    this.#expired = true;
    const thread = this.#thread;
    thread.cancelExit(new CancelledError(`the time for exit of ${thread.path} is over`));
    // Where the slice is spent, each word that `exit` still tries takes one.
    for (let slices = 0; slices < SLICES_TO_YIELD && !thread.ended && thread.exiting(); slices++) {
      await thread.host.scheduler.nextSlice();
    }
    if (!thread.ended) thread.finish();
  }
}

/** Gives a whole subtree up, from its leaves. */
export function abandonTree(root: ChildEnd): void {
  const ends: ChildEnd[] = [root];
  for (let i = 0; i < ends.length; i++) ends[i]?.eachChild(ends);
  for (let i = ends.length - 1; i >= 0; i--) ends[i]?.abandon();
}
