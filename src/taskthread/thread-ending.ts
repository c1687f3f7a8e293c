/**
 * How a thread fails, stops and ends, and what is then said about it: the control lane's verbs downwards, acted on at once
 * (law 7). Its last hook is in `thread-exit`; how it begins and takes children in `thread-life`; the steps of a stop are in `stop`,
 * its arithmetic in `shutdown`.
 */
import type { ChildEnd, EdgeEnd, StopBudget } from '../intercom/edge.ts';
import { messageOf } from '../kernel/describe.ts';
import { CancelledError, IntakeClosedError, ThreadEndedError } from '../kernel/errors.ts';
import { OverdueError } from '../kernel/wait-errors.ts';
import type { Party } from '../kernel/party.ts';
import { live } from '../kernel/probe.ts';
import { isCancellation, isStopRefusal } from './cancellation.ts';
import { deadlockWatch } from './deadlock-watch.ts';
import { type LifeEvent, nextState, type Outcome, type Verdict } from './lifecycle.ts';
import type { Overdue, OverduePolicy } from './liveness.ts';
import type { StopReport, ThreadReport } from './shutdown.ts';
import type { ResolvedChildSpec } from './spec.ts';
import { Stop, type StoppingThread, StopTally } from './stop.ts';
import { mayRestart, type StopCause } from './supervision.ts';
import { NOT_BORN } from './thread-core.ts';
import { ThreadExit } from './thread-exit.ts';

export abstract class ThreadEnding extends ThreadExit implements ChildEnd, StoppingThread {
  /** `enter` is done. */
  hasEntered = false;
  #stoppedItself = false;
  #tally: StopTally | undefined;

  /** Nobody of its children is started again any more. */
  protected abstract restartsGiveWay(): void;

  get isFunction(): boolean {
    return this.body !== undefined && this.exitHook() === undefined;
  }

  get isDaemon(): boolean {
    return this.body?.daemon === true;
  }

  get tally(): StopTally | undefined {
    return this.#tally;
  }

  // ---- failing ----

  protected override hookFailed(what: string, error: unknown): void {
    if (this.cancelError !== undefined && isCancellation(error)) this.wake();
    else if (this.stopping !== undefined && isStopRefusal(error, this.path)) {
      this.late(what, error);
      this.wake();
    } else this.fail(what, error, true);
  }

  taskFailed(task: string, error: unknown): void {
    if (this.ended) this.late(`task ${task}`, error);
    else this.hookFailed(`task ${task}`, error);
  }

  bodyFailed(what: string, error: unknown): void {
    this.hookFailed(what, error);
  }

  /** The link to its parent is cut: this side ends, and its parent learns of that. */
  linkCut(error: Error): void {
    this.edge.cut(error.message);
    this.hookFailed('the link to its parent', error);
  }

  taskEnded(task: string): void {
    this.forgetTask(task);
    if (this.tasksRunning === 0) this.cannotAnswer();
    const { probe } = this.host;
    if (probe.on) probe.record({ kind: 'task-ended', path: this.path, task });
    if (this.stopping !== undefined) this.wake();
  }

  /** It could have answered what a handler was asked, here or above; that may have been the last who could. */
  protected cannotAnswer(): void {
    const waiting: Party[] = [];
    if (this.loopParty !== undefined) waiting.push(this.loopParty);
    for (let { parent } = this.edge; !parent.outside; parent = (parent as EdgeEnd as ThreadEnding).edge.parent) {
      if (parent.loopParty !== undefined) waiting.push(parent.loopParty);
    }
    // The last one is looked at first, and that is to be the nearest: its wait has closed the circle.
    for (let i = waiting.length - 1; i >= 0; i--) deadlockWatch.changed(waiting[i]!);
  }

  /** The first failure is the outcome; one that comes while it stops does not keep the rest from ending in order. */
  protected override fail(
    where: string,
    error: unknown,
    deafen: boolean,
    budget: StopBudget = this.stopDefaults,
  ): void {
    this.lastError = messageOf(error);
    this.failure ??= { error };
    this.tell('failed', error, where);
    const { probe } = this.host;
    if (probe.on) probe.record({ kind: 'failed', path: this.path, where, error });
    if (deafen) {
      if (this.state === 'stopping') this.#settleInbox('failed');
      this.#beginStop(budget, `${where} failed`, 'failed');
      this.cancelOwnWaits(new CancelledError(`${this.path} has failed`));
    }
    this.wake();
  }

  override overdue(overdue: Overdue, policy: OverduePolicy): void {
    const { what, ageMs, waits } = overdue;
    this.tell('overdue', overdue);
    const { probe } = this.host;
    if (probe.on) probe.record({ kind: 'overdue', path: this.path, ...overdue });
    if (policy === 'report' || (this.state !== 'entering' && this.state !== 'running')) return;
    // No time to drain: what hangs would be waited for.
    const error = new OverdueError(this.path, what, ageMs, waits);
    this.fail(what, error, true, { ...this.stopDefaults, drainMs: 0 });
  }

  // ---- stopping ----

  stopItself(why: string): void {
    this.schedulerIfStarted?.spend();
    if (this.ended) throw new ThreadEndedError(this.path);
    if (this.state === 'entering' || this.state === 'running') this.#stoppedItself = true;
    this.#askToStop(this.stopDefaults, why, 'finished');
  }

  requestStop(budget: StopBudget, why: string): void {
    this.#askToStop(budget, why, 'asked');
    // Asked by itself it drains, and `enter` with it; asked by others, an `enter` that is under way is not wanted any more.
    if (this.state === 'stopping' && !this.hasEntered) {
      this.cancelOwnWaits(new CancelledError(`${this.path} was stopped in enter`));
    }
  }

  closeIntake(error: Error, further: ChildEnd[]): void {
    if (this.intakeError !== undefined) return;
    this.intakeError = error;
    this.closeTaskIntake(error);
    this.eachChild(further);
  }

  cancel(error: Error, further: ChildEnd[]): void {
    if (this.state === 'created') this.#end();
    if (this.ended) return;
    if (this.state !== 'stopping') {
      this.become('stop');
      this.stopping = new Stop(this, 'gated');
      this.#announceStop('its parent is cancelled');
      this.edge.closeDown();
      this.restartsGiveWay();
    }
    this.stopping?.cancelOwn(error);
    this.eachChild(further);
    this.wake();
  }

  eachChild(further: ChildEnd[]): void {
    for (const edge of this.children ?? []) further.push(edge.child);
  }

  abandon(): void {
    if (this.state === 'created') this.#end();
    if (this.ended) return;
    this.restartsGiveWay();
    this.exiting();
    this.#end();
  }

  cancelOwnWaits(error: Error): void {
    this.deaf = true;
    this.cancelError ??= error;
    this.cancelScopeOnly(error);
    this.cancelTasks(error);
  }

  #askToStop(budget: StopBudget, why: string, cause: StopCause): void {
    if (this.state === 'stopping') {
      this.#settleInbox(cause);
      this.stopping?.ask(budget, why);
      this.wake();
    } else if (this.state === 'created') {
      if (this.started) this.#end();
    } else if (this.state !== 'stopped') {
      const idle =
        this.state === 'running' &&
        !this.busy &&
        !this.hasWork &&
        this.tasksRunning === 0 &&
        (this.children === undefined || this.children.size === 0) &&
        this.exitHook() === undefined;
      this.#beginStop(budget, why, cause, idle);
      if (idle) this.#end();
      else this.wake();
    }
  }

  #beginStop(budget: StopBudget, why: string, cause: StopCause, idle = false): void {
    if (!this.become('stop')) return;
    if (!idle) this.stopping = new Stop(this, budget);
    this.#announceStop(why);
    this.#settleInbox(cause);
    if (idle) return;
    this.restartsGiveWay();
    // But for a handler, a function without children takes nothing in, and will not any more: nobody needs the error.
    const { body, children } = this;
    const takesIn = body === undefined || body.takingIn || (children !== undefined && children.size > 0);
    if (takesIn && this.intakeError === undefined) {
      const ends: ChildEnd[] = [this];
      const error = new IntakeClosedError(this.path);
      for (let i = 0; i < ends.length; i++) ends[i]?.closeIntake(error, ends);
    }
    this.stopping?.begin(why);
  }

  /** What the parent sent, and sends from now on, is for the next incarnation, where one may follow; else it takes no more. */
  #settleInbox(cause: StopCause): void {
    const { edge } = this;
    const { restart } = edge.spec as ResolvedChildSpec;
    if (edge.supervised?.final === false && mayRestart(restart, cause)) this.holdInbox();
    else {
      // Once `exit` is begun nothing is handled any more: what is kept goes with the edge.
      if (!this.exitBegun) edge.unhold();
      edge.closeDown();
    }
  }

  protected holdInbox(): void {
    const { edge } = this;
    if (edge.held) return;
    if (edge.down !== undefined) this.forgetLane(edge.down);
    edge.hold();
  }

  #announceStop(why: string): void {
    this.tell('stopping', why);
    const { probe } = this.host;
    if (probe.on) probe.record({ kind: 'stopping', path: this.path, why });
  }

  // ---- end ----

  finish(): void {
    this.#end();
  }

  stopReport(): StopReport {
    const tally = this.#tally ?? new StopTally();
    if (this.#tally === undefined) tally.threads = 1;
    return tally.report(this.outcome?.kind ?? 'stopped');
  }

  #end(): void {
    if (this.ended) return;
    const busy = this.running !== undefined || this.exitRun?.running !== undefined || this.tasksRunning > 0;
    const hungOn = busy ? this.hungOn() : [];
    this.outcome = this.#makeOutcome(hungOn.length > 0);
    const goesOn = this.edge.parent.restarts(this.edge);
    if (goesOn) this.holdInbox();
    // From here on every word throws: whatever of the user's runs below finds a thread that has ended.
    this.state = 'stopped';
    this.#closeBooks(this.outcome, hungOn);
    const lane = this.running?.lane;
    if (lane !== undefined) this.edge.signalFailed(lane, this.running?.signal, 'its handler was abandoned');
    this.endBelongings();
    this.discardWork();
    this.#recordEnd(this.outcome);
    if (goesOn) {
      this.edge.suspend();
      this.forgetListeners();
    } else this.over();
    this.edge.parent.childEnded(this.edge);
    if (goesOn) return;
    this.body?.ended();
    this.edge.enders?.wakeAll();
  }

  /** No other incarnation follows. */
  over(): void {
    this.edge.end('its receiver has ended');
    this.closeOwned(this.edge.spec as ResolvedChildSpec);
    this.tell('ended', this.outcome!);
  }

  #makeOutcome(abandoned: boolean): Outcome {
    const cancelled =
      this.stopping?.cancelling === true || (this.cancelError !== undefined && this.failure === undefined);
    const verdict: Verdict = abandoned ? 'abandoned' : cancelled ? 'cancelled' : 'clean';
    if (this.failure !== undefined) return { kind: 'failed', verdict, error: this.failure.error };
    if (verdict !== 'clean') return { kind: 'cancelled', verdict };
    return { kind: this.#stoppedItself ? 'finished' : 'stopped', verdict };
  }

  /** The last entries in the stop's books. */
  #closeBooks({ kind, verdict, error }: Outcome, hungOn: ThreadReport['hungOn']): void {
    if (this.bornAt !== NOT_BORN) live.threads--;
    this.#tally = this.stopping?.tally;
    if (this.stopping !== undefined) {
      this.stopping.tally.tookMs = this.host.clock.now() - this.stopping.beganAt;
      this.stopping.tally.threads++;
      this.stopping.end();
    }
    if (verdict === 'clean' && kind !== 'failed') return;
    this.#tally ??= new StopTally();
    this.#tally.add({ path: this.path, verdict, outcome: kind, hungOn, ...(kind === 'failed' && { error }) });
    const { probe } = this.host;
    if (!probe.on) return;
    for (const { what, forMs } of hungOn) probe.record({ kind: 'abandoned', path: this.path, hungOn: what, forMs });
  }

  #recordEnd(outcome: Outcome): void {
    const { probe } = this.host;
    if (!probe.on) return;
    const error = outcome.kind === 'failed' ? { error: outcome.error } : {};
    probe.record({ kind: 'ended', path: this.path, outcome: outcome.kind, ...error });
  }

  /** Goes one step on in its life; false when the event means nothing now. */
  protected become(event: LifeEvent): boolean {
    const next = nextState(this.state, event);
    if (next === undefined) return false;
    this.state = next;
    return true;
  }
}
