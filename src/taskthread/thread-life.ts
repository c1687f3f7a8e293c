/**
 * How a thread begins, takes children, and hears of their end: the control lane's verbs upwards, acted on at once (law 7). What
 * a child's end means is decided in `supervision`; how the thread itself fails, stops and ends is in `thread-ending`.
 */
import type { ChildEnd, ParentEnd } from '../intercom/edge.ts';
import { LocalEdge } from '../intercom/local-edge.ts';
import { messageOf } from '../kernel/describe.ts';
import { CancelledError, NotStartedError, ThreadStoppingError } from '../kernel/errors.ts';
import { NO_PARTIES, type Party, type WaitDetails } from '../kernel/party.ts';
import { live } from '../kernel/probe.ts';
import { failing, rejected, type Waiter } from '../kernel/wait-queue.ts';
import { Looks, mayCarry } from './carrying.ts';
import type { AnyChild, Kind } from './child.ts';
import type { ChildHandle, ChildRuntime } from './child-handle.ts';
import { Children } from './children.ts';
import { holdingUpEndOf } from './executions-below.ts';
import type { Outcome } from './lifecycle.ts';
import { lookedAt } from './looked-at.ts';
import type { ResolvedChildSpec } from './spec.ts';
import type { FailurePolicy } from './supervision.ts';
import { SupervisedChild, Supervisor } from './supervisor.ts';
import type { LifeHook } from './thread-exit.ts';
import { ThreadSupervising } from './thread-supervising.ts';

export abstract class ThreadLife extends ThreadSupervising implements ParentEnd, ChildRuntime {
  protected abstract enterHook(): LifeHook | undefined;

  get outside(): boolean {
    return false;
  }

  /** True of an instance of this class. */
  is(kind: Kind): boolean {
    return this.thread instanceof kind;
  }

  handlesOf(kind: Kind): AnyChild[] {
    const handles: AnyChild[] = [];
    for (const { child } of this.children ?? [])
      if ((child as ThreadLife).is(kind)) handles.push((child as ThreadLife).handle);
    return handles;
  }

  // ---- begin ----

  protected override begin(): void {
    this.become('start');
    live.threads++;
    this.bornAt = this.host.scheduler.wholeNow;
    const enter = this.enterHook();
    if (enter === undefined) this.#entered();
    else
      this.callHook(
        'enter',
        (turn) => enter.call(this.thread, turn),
        () => {
          this.#entered();
          this.cannotAnswer();
        },
      );
  }

  #entered(): void {
    this.hasEntered = true;
    // One that has stopped itself in `enter` has entered nevertheless; one that failed or was cancelled meanwhile has not.
    if (!this.become('entered') && this.cancelError !== undefined) return;
    this.tell('entered');
    const { probe } = this.host;
    if (probe.on) probe.record({ kind: 'entered', path: this.path });
    this.edge.parent.childEntered(this.edge);
    if (this.hasWork) this.wake();
    this.body?.begin();
  }

  // ---- children ----

  /** Attaches, starts and listens in one step; resolves when the child's `enter` is done (law 2). */
  addChild(child: ThreadLife, spec: ResolvedChildSpec): Promise<ChildHandle> {
    const refusal = this.refusalOfChild(spec);
    if (refusal !== undefined) {
      this.closeOwned(spec);
      return rejected(refusal, this.schedulerIfStarted);
    }
    const wait = spec.scope ?? this;
    const edge = this.adopt(child, spec);
    edge.entering = this.children!.entering.parkWaiter(this, { scope: wait.cancelScope, item: edge, by: wait });
    const entered = edge.entering.promise as Promise<ChildHandle>;
    // What has no `enter` cannot fail in it, and most threads of a crowd have none: a plain promise costs half as much.
    // Where it is started again with a sibling, what enters is another, and may have one.
    if (child.enterHook() === undefined && spec.restart === undefined) return entered;
    return lookedAt(entered, this.host.scheduler, (error) => {
      const { outcome } = edge.child as ThreadLife;
      // Not where it was the wait that failed: then the child's end has been looked at already.
      if (outcome?.kind !== 'failed' || outcome.error !== error) return;
      if (this.ended) this.late(`enter of ${edge.path}`, error);
      else this.superviseFirstEnter(edge, outcome);
    });
  }

  /** A child that cannot be made, or not be added as it was asked: the caller's failure, and so this thread's if nobody looks. */
  refuseChild(error: unknown, policy: FailurePolicy): Promise<never> {
    const refused = failing(error, this.schedulerIfStarted);
    if (!this.started) return refused;
    return lookedAt(refused, this.host.scheduler, () => {
      if (this.ended) this.late('addChild', error);
      else if (policy === 'escalate') this.fail('addChild', error, this.state !== 'stopping');
      else this.lastError = messageOf(error);
    });
  }

  /** Attaches a child and makes its beginning due. That it may be added, `refusalOfChild` has said. */
  adopt(child: ThreadLife, spec: ResolvedChildSpec): LocalEdge {
    const edge = new LocalEdge(this, child, spec);
    if (spec.restart !== undefined || spec.significant) {
      edge.supervised = new SupervisedChild(spec.redeliver);
      this.supervisor ??= new Supervisor(this, this.options.supervision);
    }
    child.attach(edge);
    if (this.intakeError !== undefined) child.closeIntake(this.intakeError, []);
    this.children ??= new Children();
    this.children.append(edge);
    this.host.scheduler.enqueue(child);
    return edge;
  }

  /** Why no child can be added now. */
  refusalOfChild(spec: ResolvedChildSpec): Error | undefined {
    switch (this.state) {
      case 'created':
        return new NotStartedError(this.type);
      case 'entering':
      case 'running':
        return (spec.scope ?? this).refusal;
      case 'stopping':
      case 'stopped':
        return this.refusal ?? new ThreadStoppingError(this.path, 'adding a child');
    }
  }

  childEntered(edge: LocalEdge): void {
    const { handle } = edge.child as ThreadLife;
    edge.entering?.wake(handle);
    edge.entering = undefined;
    if (edge.supervised !== undefined) this.supervisor?.entered(edge);
    if (this.isListenedTo) this.tell('childEntered', edge.path);
  }

  childEnded(edge: LocalEdge): void {
    if (this.ended) return;
    const child = edge.child as ThreadLife;
    const outcome = child.outcome!;
    if (this.stopping !== undefined) {
      const { tally } = this.stopping;
      if (child.tally === undefined) tally.threads++;
      else tally.merge(child.tally);
      tally.unmended ||= leavesUnmended(edge, child);
    }
    if (!edge.ended) this.supervisor?.crashed(edge, outcome.error);
    else this.childLeft(edge, outcome);
    if (edge.ended) this.supervisor?.gone(edge);
    this.wake();
  }

  /** Nothing of it is left; its failure belongs to who waits for its `enter`. */
  #childNeverEntered(edge: LocalEdge, entering: Waiter, outcome: Outcome): void {
    edge.entering = undefined;
    if (edge.supervised !== undefined) edge.supervised.final = true;
    if (edge.up !== undefined) {
      edge.up.discard('its sender never entered');
      this.forgetLane(edge.up);
    }
    this.#remove(edge);
    if (!entering.parked) this.superviseFirstEnter(edge, outcome);
    else if (outcome.kind === 'failed') entering.fail(outcome.error);
    else entering.fail(new CancelledError(`${edge.path} was stopped in enter`));
  }

  protected override childLeft(edge: LocalEdge, outcome: Outcome): void {
    if (edge.entering !== undefined) {
      this.#childNeverEntered(edge, edge.entering, outcome);
      return;
    }
    if (this.isListenedTo) this.tell('childEnded', edge.path, outcome);
    this.supervise(edge, outcome);
    this.children!.leftovers++;
    const left = edge.up !== undefined && (!edge.up.empty || this.running?.lane === edge.up);
    if (!left) this.childGone(edge);
    else if (this.deaf) this.discardWork();
  }

  protected override childGone(edge: LocalEdge): void {
    if (!this.#remove(edge)) return;
    this.children!.leftovers--;
    const child = edge.child as ThreadLife;
    this.queueChildEnded(child.handle, child.outcome!);
  }

  override discardWork(): void {
    super.discardWork();
    if (this.children === undefined || this.children.leftovers === 0) return;
    for (const edge of this.children) if (edge.ended) this.childGone(edge);
  }

  waitCancelled(waiter: Waiter): void {
    // Nobody waits any more for this child's enter: then it is not to be (law 18).
    const edge = waiter.item as LocalEdge | undefined;
    edge?.requestStop({ ...this.stopDefaults, drainMs: 0 }, 'the wait for its enter was cancelled');
  }

  /** Of the wait for a child's `enter`: that hook. Of the wait for the end: any hook in the subtree. */
  blockersOf(waiter: Waiter): readonly Party[] {
    const edge = waiter.item as LocalEdge | undefined;
    if (edge !== undefined) {
      const child = edge.child as ThreadLife;
      return child.hasEntered ? NO_PARTIES : child.hookParties;
    }
    // The incarnation that lives: the wait may be older than that.
    return holdingUpEndOf(this.edge.child);
  }

  /**
   * Whether only the running handler can answer. Not where a thread below may have been given the reply: as far as its signals show,
   * or, where it has a task or is entering, by whatever way.
   */
  handlesAlone(request: unknown, reply: unknown): boolean {
    if (this.running?.lane === undefined || this.running.signal !== request || this.tasksRunning > 0) return false;
    const looks = new Looks();
    const below: ChildEnd[] = [];
    this.eachChild(below);
    for (let i = 0; i < below.length; i++) {
      const end = below[i] as ThreadLife;
      if (end.tasksRunning > 0 || (end.started && !end.hasEntered)) return false;
      const carriesReply = (signal: unknown): boolean => mayCarry(signal, reply, looks);
      if (carriesReply(end.running?.signal) || end.edge.down?.holds(carriesReply) === true) return false;
      end.eachChild(below);
    }
    return true;
  }

  detailsOf(waiter: Waiter): WaitDetails {
    return { word: waiter.item === undefined ? 'join' : 'addChild' };
  }

  waitDeadlocked(waiter: Waiter): void {
    const edge = waiter.item as LocalEdge | undefined;
    edge?.requestStop({ ...this.stopDefaults, drainMs: 0 }, 'its enter and who waits for that wait for each other');
  }

  #remove(edge: LocalEdge): boolean {
    if (this.children?.remove(edge) !== true) return false;
    if (edge.awaited) this.stopping?.childGone();
    return true;
  }
}

/** Whether a failure of a child, or one below it, stays without its restart because of the stop, and is not declared to be ignored. */
function leavesUnmended(edge: LocalEdge, { outcome, tally }: ThreadLife): boolean {
  const { onFailure, restart } = edge.spec as ResolvedChildSpec;
  if (onFailure === 'ignore') return false;
  // That of a first `enter` is told to who waits for it.
  const own = restart !== undefined && outcome?.kind === 'failed' && edge.entering === undefined;
  return own || tally?.unmended === true;
}
