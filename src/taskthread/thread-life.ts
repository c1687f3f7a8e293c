/**
 * How a thread begins, takes children, fails, stops and ends: the control lane's verbs, acted on at once (law 7). Who decides is
 * pure and elsewhere (`lifecycle`, `supervision`, `shutdown`); the steps of a stop are in `stop`.
 */
import type { ChildEnd, ParentEnd, StopBudget } from '../intercom/edge.ts';
import { LocalEdge } from '../intercom/local-edge.ts';
import { CancelScope } from '../kernel/cancel-scope.ts';
import { messageOf } from '../kernel/describe.ts';
import { CancelledError, ChildFailedError, IntakeClosedError, ThreadStoppingError } from '../kernel/errors.ts';
import { live } from '../kernel/probe.ts';
import { rejected, type Waiter, WaitQueue } from '../kernel/wait-queue.ts';
import type { ChildHandle, ChildRuntime } from './child.ts';
import { Children } from './children.ts';
import { emit } from './events.ts';
import { type LifeEvent, nextState, type Outcome, type Verdict } from './lifecycle.ts';
import { Runtime } from './runtime.ts';
import type { StopReport, ThreadReport } from './shutdown.ts';
import { closeOwned, type ResolvedChildSpec } from './spec.ts';
import { Stop, type StoppingThread, StopTally } from './stop.ts';
import { decide } from './supervision.ts';
import { isThenable } from './task.ts';
import { Turn } from './turn.ts';

export type LifeHook = (this: object, turn: Turn) => unknown;

export abstract class ThreadLife extends Runtime implements ChildEnd, ParentEnd, ChildRuntime, StoppingThread {
  #entering: WaitQueue | undefined;
  /** Ended children of which something is left to handle. */
  #leftovers = 0;
  #exitScope: CancelScope | undefined;
  #exitBegun = false;
  #began = false;
  #stoppedItself = false;
  #tally: StopTally | undefined;
  #tookMs = 0;

  protected abstract enterHook(): LifeHook | undefined;
  protected abstract exitHook(): LifeHook | undefined;

  get outside(): boolean {
    return false;
  }

  /** True of an instance of this class. */
  is(type: abstract new (...args: never[]) => object): boolean {
    return this.thread instanceof type;
  }

  get tally(): StopTally | undefined {
    return this.#tally;
  }

  protected override asChild(): ChildRuntime {
    return this;
  }

  // ---- begin ----

  protected override begin(): void {
    this.#become('start');
    this.#began = true;
    live.threads++;
    this.bornAt = this.host.scheduler.coarseNow;
    const enter = this.enterHook();
    if (enter === undefined) this.#entered();
    else
      this.callHook(
        'enter',
        () => enter.call(this.thread, new Turn(this, 'enter')),
        () => this.#entered(),
      );
  }

  #entered(): void {
    if (!this.#become('entered')) return;
    emit(this.listened, 'entered');
    const { probe } = this.host;
    if (probe.on) probe.record({ kind: 'entered', path: this.path });
    this.edge.parent.childEntered(this.edge);
    if (this.hasWork) this.wake();
  }

  // ---- children ----

  /** Attaches, starts and listens in one step; resolves when the child's `enter` is done (law 2). */
  addChild(child: ThreadLife, spec: ResolvedChildSpec): Promise<ChildHandle> {
    const wait = spec.scope ?? this;
    const refusal =
      this.state === 'entering' || this.state === 'running'
        ? wait.refusal
        : (this.refusal ?? new ThreadStoppingError(this.path, 'adding a child'));
    if (refusal !== undefined) {
      this.closeOwned(spec);
      return rejected(refusal);
    }
    const edge = new LocalEdge(this, child, spec);
    child.attach(edge);
    if (this.intakeError !== undefined) child.closeIntake(this.intakeError, []);
    this.children ??= new Children();
    this.children.append(edge);
    this.#entering ??= new WaitQueue();
    edge.entering = this.#entering.parkWaiter(this, { scope: wait.cancelScope, item: edge, by: wait });
    this.host.scheduler.enqueue(child);
    return edge.entering.promise as Promise<ChildHandle>;
  }

  childEntered(edge: LocalEdge): void {
    const { handle } = edge.child as ThreadLife;
    edge.entering?.wake(handle);
    edge.entering = undefined;
    if (this.listened !== undefined) emit(this.listened, 'childEntered', edge.path);
  }

  childEnded(edge: LocalEdge): void {
    if (this.ended) return;
    const child = edge.child as ThreadLife;
    const outcome = child.outcome!;
    if (this.stopping !== undefined) {
      if (child.tally === undefined) this.stopping.tally.threads++;
      else this.stopping.tally.merge(child.tally);
    }
    const { entering } = edge;
    if (entering !== undefined) {
      edge.entering = undefined;
      edge.up?.discard('its sender never entered');
      this.#remove(edge);
      entering.fail(
        outcome.kind === 'failed' ? outcome.error : new CancelledError(`${edge.path} was stopped in enter`),
      );
    } else {
      if (this.listened !== undefined) emit(this.listened, 'childEnded', edge.path, outcome);
      this.#supervise(edge, outcome);
      const left = edge.up !== undefined && (!edge.up.empty || this.running?.lane === edge.up);
      if (left) this.#leftovers++;
      if (!left) this.#gone(edge);
      else if (this.deaf) this.discardWork();
    }
    this.wake();
  }

  protected override childGone(edge: LocalEdge): void {
    this.#leftovers--;
    this.#gone(edge);
  }

  override discardWork(): void {
    super.discardWork();
    if (this.#leftovers === 0) return;
    this.#leftovers = 0;
    for (const edge of this.children ?? []) if (edge.ended) this.#gone(edge);
  }

  waitCancelled(waiter: Waiter): void {
    // Nobody waits any more for this child's enter: then it is not to be (law 18).
    const edge = waiter.item as LocalEdge | undefined;
    edge?.child.requestStop({ ...this.stopDefaults, drainMs: 0 }, 'the wait for its enter was cancelled');
  }

  #gone(edge: LocalEdge): void {
    this.#remove(edge);
    const child = edge.child as ThreadLife;
    this.queueChildEnded(child.handle, child.outcome!);
  }

  #remove(edge: LocalEdge): void {
    this.children?.remove(edge);
    if (edge.awaited) this.stopping?.childGone();
  }

  #supervise(edge: LocalEdge, outcome: Outcome): void {
    const { onFailure } = edge.spec as ResolvedChildSpec;
    if (decide(onFailure, outcome) === 'fail-parent') {
      const { error } = outcome;
      const failure = error instanceof ChildFailedError ? error : new ChildFailedError(edge.path, error);
      this.#fail(`child ${edge.path}`, failure, this.state !== 'stopping');
    } else if (outcome.kind === 'failed') this.lastError = `${edge.path}: ${messageOf(outcome.error)}`;
  }

  // ---- failing ----

  protected override hookFailed(what: string, error: unknown): void {
    if (this.cancelError !== undefined && error instanceof CancelledError) this.wake();
    else this.#fail(what, error, true);
  }

  taskFailed(task: string, error: unknown): void {
    if (this.ended) this.late(`task ${task}`, error);
    else this.hookFailed(`task ${task}`, error);
  }

  taskEnded(task: string): void {
    this.forgetTask(task);
    if (this.stopping !== undefined) this.wake();
  }

  protected override late(what: string, error: unknown): void {
    const { probe } = this.host;
    if (probe.on) probe.record({ kind: 'late', path: this.path, what, error });
  }

  /** The first failure is the outcome; one that comes while it stops does not keep the rest from ending in order. */
  #fail(where: string, error: unknown, deafen: boolean): void {
    this.lastError = messageOf(error);
    this.failure ??= { error };
    emit(this.listened, 'failed', error, where);
    const { probe } = this.host;
    if (probe.on) probe.record({ kind: 'failed', path: this.path, where, error });
    if (deafen) {
      this.#beginStop(this.stopDefaults, `${where} failed`);
      this.cancelOwnWaits(new CancelledError(`${this.path} has failed`));
    }
    this.wake();
  }

  // ---- stopping ----

  stopItself(why: string): void {
    if (this.state === 'entering' || this.state === 'running') this.#stoppedItself = true;
    this.requestStop(this.stopDefaults, why);
  }

  requestStop(budget: StopBudget, why: string): void {
    if (this.state === 'stopping') {
      this.stopping?.ask(budget);
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
      this.#beginStop(budget, why, idle);
      if (idle) this.#end();
      else this.wake();
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
      this.#become('stop');
      this.#announceStop('its parent is cancelled');
      this.edge.closeDown();
      this.stopping = new Stop(this, 'gated');
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
    this.exiting();
    if (!this.ended) this.finish();
  }

  cancelOwnWaits(error: Error): void {
    this.deaf = true;
    this.cancelError ??= error;
    this.cancelScopeOnly(error);
    this.cancelTasks(error);
  }

  exiting(): boolean {
    if (this.#exitBegun) return this.exitRunning !== undefined;
    this.#exitBegun = true;
    const exit = this.exitHook();
    if (exit === undefined) return false;
    this.#exitScope = new CancelScope(this.host, this.getScope(), { shielded: true });
    let result: unknown;
    try {
      result = exit.call(this.thread, new Turn(this, 'exit', this.#exitScope));
    } catch (error) {
      this.#fail('exit', error, false);
      return false;
    }
    if (!isThenable(result)) return false;
    this.exitRunning = { what: 'exit', since: this.host.scheduler.coarseNow, signal: undefined, lane: undefined };
    const settled = (): boolean => {
      if (this.ended) return false;
      this.exitRunning = undefined;
      this.wake();
      return true;
    };
    result.then(settled, (error: unknown) => {
      if (!settled()) this.late('exit', error);
      else if (!(this.#exitScope?.cancelled === true && error instanceof CancelledError))
        this.#fail('exit', error, false);
    });
    return true;
  }

  cancelExit(error: Error): void {
    this.#exitScope?.cancel(error);
  }

  #beginStop(budget: StopBudget, why: string, idle = false): void {
    const wasEntering = this.state === 'entering';
    if (!this.#become('stop')) return;
    this.#announceStop(why);
    this.edge.closeDown();
    if (idle) return;
    this.stopping = new Stop(this, budget);
    if (this.intakeError === undefined) {
      const ends: ChildEnd[] = [this];
      const error = new IntakeClosedError(this.path);
      for (let i = 0; i < ends.length; i++) ends[i]?.closeIntake(error, ends);
    }
    if (wasEntering) this.cancelOwnWaits(new CancelledError(`${this.path} was stopped in enter`));
  }

  #announceStop(why: string): void {
    emit(this.listened, 'stopping', why);
    const { probe } = this.host;
    if (probe.on) probe.record({ kind: 'stopping', path: this.path, why });
  }

  // ---- end ----

  finish(): void {
    if (!this.ended) this.#end();
  }

  stopReport(): StopReport {
    const tally = this.#tally ?? new StopTally();
    if (this.#tally === undefined) tally.threads = 1;
    return tally.report(this.outcome?.kind ?? 'stopped', this.#tookMs);
  }

  #end(): void {
    const busy = this.running !== undefined || this.exitRunning !== undefined || this.tasksRunning > 0;
    const hungOn = busy ? this.hungOn() : [];
    this.running?.lane?.lost(this.running.signal, 'its handler was abandoned');
    this.outcome = this.#makeOutcome(hungOn.length > 0);
    this.#close(hungOn);
    this.state = 'stopped';
    this.endBelongings();
    super.discardWork();
    this.edge.end('its receiver has ended');
    this.closeOwned(this.edge.spec as ResolvedChildSpec);
    this.#announceEnd(this.outcome);
    this.edge.parent.childEnded(this.edge);
    this.wakeEnders();
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
  #close(hungOn: ThreadReport['hungOn']): void {
    const { kind, verdict, error } = this.outcome!;
    if (this.#began) live.threads--;
    this.#tally = this.stopping?.tally;
    if (this.stopping !== undefined) {
      this.#tookMs = this.host.clock.now() - this.stopping.beganAt;
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

  #announceEnd(outcome: Outcome): void {
    emit(this.listened, 'ended', outcome);
    const { probe } = this.host;
    if (!probe.on) return;
    const error = outcome.kind === 'failed' ? { error: outcome.error } : {};
    probe.record({ kind: 'ended', path: this.path, outcome: outcome.kind, ...error });
  }

  closeOwned(spec: ResolvedChildSpec): void {
    if (spec.owns !== undefined) closeOwned(spec.owns, (error) => this.late('closing what it owned', error));
  }

  /** Goes one step on in its life; false when the event means nothing now. */
  #become(event: LifeEvent): boolean {
    const next = nextState(this.state, event);
    if (next === undefined) return false;
    this.state = next;
    return true;
  }
}
