/**
 * What a thread is and owns, apart from what drives it (`runtime`): its place in the tree, its scope, tasks, children, events,
 * and how all that looks from outside. Small on purpose when idle: what a thread may never need is made when first needed.
 */
import type { EdgeEnd, StopBudget } from '../intercom/edge.ts';
import type { Lane, Wait } from '../intercom/lane.ts';
import type { ResolvedLaneOptions } from '../intercom/lane-options.ts';
import type { LocalEdge } from '../intercom/local-edge.ts';
import { CancelScope } from '../kernel/cancel-scope.ts';
import { CancelledError, NotStartedError, ThreadEndedError } from '../kernel/errors.ts';
import type { Host } from '../kernel/host.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import { Waiter, type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import { type AnyChild, ChildHandle, type ChildRuntime, type Kind } from './child.ts';
import type { Children } from './children.ts';
import { emit, makeEvents, type ThreadEventEmitter } from './events.ts';
import type { Outcome, ThreadState } from './lifecycle.ts';
import { defaultStopBudget, type HungOn, type StopReport } from './shutdown.ts';
import { perSecond, type RunningSnapshot, type ThreadSnapshot, type WaitSnapshot } from './snapshot.ts';
import type { ResolvedChildSpec, ResolvedThreadOptions } from './spec.ts';
import type { Stop } from './stop.ts';
import type { TaskOwner } from './task.ts';
import { TaskRegistry } from './task-registry.ts';

/** A hook that went asynchronous and has not ended. */
export interface RunningHook {
  readonly what: string;
  readonly since: number;
  /** The signal that it handles, and the lane that this came from. */
  readonly signal: unknown;
  readonly lane: Lane | undefined;
}

export abstract class ThreadCore implements EdgeEnd, Wait, TaskOwner, WaitOwner {
  readonly options: ResolvedThreadOptions;
  state: ThreadState = 'created';
  outcome: Outcome | undefined;
  children: Children | undefined;
  /** Why no intake is open any more. */
  intakeError: Error | undefined;
  /** Why its waits throw. */
  cancelError: Error | undefined;
  protected stopping: Stop | undefined;
  /** What it failed with first. */
  protected failure: { readonly error: unknown } | undefined;
  protected lastError: string | undefined;
  protected bornAt = 0;
  protected running: RunningHook | undefined;
  protected exitRunning: RunningHook | undefined;
  #edge: LocalEdge | undefined;
  #scope: CancelScope | undefined;
  #tasks: TaskRegistry | undefined;
  #events: ThreadEventEmitter | undefined;

  constructor(options: ResolvedThreadOptions) {
    this.options = options;
  }

  /** The class of the user's thread. */
  abstract readonly type: string;
  abstract laneReady(lane: Lane): void;
  abstract stopItself(why: string): void;
  abstract taskFailed(task: string, error: unknown): void;
  abstract taskEnded(task: string): void;
  abstract handlesOf(kind: Kind): AnyChild[];
  abstract late(what: string, error: unknown): void;
  abstract waitCancelled(waiter: Waiter): void;

  /** A number, unique in the tree; 0 before the start. */
  get id(): number {
    return this.#edge?.id ?? 0;
  }

  get ended(): boolean {
    return this.state === 'stopped';
  }

  get started(): boolean {
    return this.#edge !== undefined;
  }

  get edge(): LocalEdge {
    if (this.#edge === undefined) throw new NotStartedError(this.type);
    return this.#edge;
  }

  get host(): Host {
    return this.edge.parent.host;
  }

  /** Undefined before the start, when nothing can be starved yet. */
  get schedulerIfStarted(): Scheduler | undefined {
    return this.#edge?.parent.host.scheduler;
  }

  get name(): string {
    return (this.#edge?.spec as ResolvedChildSpec | undefined)?.name ?? this.options.name ?? this.type;
  }

  get path(): string {
    return this.#edge === undefined ? this.name : `${this.#edge.parent.path}/${this.name}-${this.id}`;
  }

  get handle(): ChildHandle {
    const { edge } = this;
    edge.handle ??= new ChildHandle(edge);
    return edge.handle as ChildHandle;
  }

  get inboxOptions(): ResolvedLaneOptions {
    return this.options.inbox;
  }

  get outboxOptions(): ResolvedLaneOptions {
    return this.options.outbox;
  }

  get stopDefaults(): StopBudget {
    return this.options.stop ?? defaultStopBudget;
  }

  get stuckTaskMs(): number {
    return this.stopDefaults.cancelMs;
  }

  get events(): ThreadEventEmitter {
    this.#events ??= makeEvents();
    return this.#events;
  }

  protected get listened(): ThreadEventEmitter | undefined {
    return this.#events;
  }

  get tasks(): TaskRegistry {
    if (this.#tasks === undefined) {
      this.#tasks = new TaskRegistry(this);
      if (this.intakeError !== undefined) this.#tasks.closeIntake(this.intakeError);
      const over = this.refusal ?? (this.exitRunning && new CancelledError(`${this.path} is stopping`));
      if (over !== undefined) this.#tasks.cancelAll(over);
    }
    return this.#tasks;
  }

  get intakeRunning(): number {
    return this.#tasks?.intakeRunning ?? 0;
  }

  get tasksRunning(): number {
    return this.#tasks?.size ?? 0;
  }

  get refusal(): Error | undefined {
    return this.ended ? new ThreadEndedError(this.path) : this.cancelError;
  }

  get cancelScope(): CancelScope {
    return this.getScope();
  }

  getScope(): CancelScope {
    if (this.#scope === undefined) {
      this.#scope = new CancelScope(this.host);
      const { refusal } = this;
      if (this.ended) this.#scope.end(refusal!);
      else if (refusal !== undefined) this.#scope.cancel(refusal);
    }
    return this.#scope;
  }

  attach(edge: LocalEdge): void {
    this.#edge = edge;
    if (edge.id === 0) edge.id = this.host.nextId++;
  }

  /** Takes over what users hold of the incarnation before: its listeners. */
  succeed(before: ThreadCore): void {
    this.#events = before.#events;
  }

  /** Ends all waits, and for good. */
  protected endBelongings(): void {
    if (this.#tasks === undefined && this.#scope === undefined) return;
    const error = new ThreadEndedError(this.path);
    this.#tasks?.cancelAll(error);
    this.#tasks?.endAll();
    this.#scope?.end(error);
  }

  protected cancelScopeOnly(error: Error): void {
    this.#scope?.cancel(error);
  }

  protected closeTaskIntake(error: Error): void {
    this.#tasks?.closeIntake(error);
  }

  cancelTasks(error: Error): void {
    this.#tasks?.cancelAll(error);
  }

  protected forgetTask(task: string): void {
    this.#tasks?.forget(task);
  }

  waitEnded(wait: Wait): Promise<unknown> {
    const { edge } = this;
    edge.enders ??= new WaitQueue();
    return edge.enders.park(this, { scope: wait.cancelScope, by: wait });
  }

  /** Somebody waits for its end, or listens: a failure is not silent then. */
  get observed(): boolean {
    return (this.edge.enders?.length ?? 0) > 0 || this.#events !== undefined || this.host.probe.on;
  }

  describeWait(waiter: Waiter): string {
    return waiter.item === undefined ? `the end of ${this.path}` : `enter of ${(waiter.item as LocalEdge).path}`;
  }

  deadLetter(lane: Lane, signal: unknown, reason: string, deliveries: number): void {
    const { path } = lane.owner;
    emit(this.#events, 'deadLetter', signal, reason, path, deliveries);
    const { probe } = this.host;
    if (probe.on) probe.record({ kind: 'dead-letter', path, direction: lane.direction, reason, signal, deliveries });
  }

  overflowed(lane: Lane): void {
    const { path } = lane.owner;
    const { policy, onOverflow } = lane.options;
    const books = lane.snapshot();
    const overflow = { path, direction: lane.direction, policy, books };
    emit(this.#events, 'overflow', overflow);
    const { probe } = this.host;
    if (probe.on) probe.record({ kind: 'overflow', path, direction: lane.direction, policy, queued: books.queued });
    if (onOverflow === undefined) return;
    try {
      onOverflow(overflow);
    } catch (error) {
      process.emitWarning(`onOverflow of ${path} threw: ${String(error)}`, 'TaskThreadWarning');
    }
  }

  abstract stopReport(): StopReport;

  snapshot(): ThreadSnapshot {
    const { clock } = this.host;
    const now = clock.now();
    const ageMs = this.bornAt === 0 ? 0 : now - this.bornAt;
    const { id, incarnation, supervised } = this.edge;
    const edge = this.edge.snapshot();
    const children: ThreadSnapshot[] = [];
    for (const child of this.children ?? []) children.push((child.child as ChildRuntime).snapshot());
    return {
      id,
      path: this.path,
      type: this.type,
      state: supervised?.down === true ? 'restarting' : this.state,
      ageMs,
      incarnation,
      restarts: incarnation - 1,
      running: this.#runningHooks(now),
      tasks: [...(this.#tasks?.all() ?? [])].map((task) => task.snapshot(now)),
      waits: this.#scope === undefined ? [] : waitsOf(this.#scope, now),
      edge,
      downPerSecond: perSecond(edge.down?.handled ?? 0, ageMs),
      upPerSecond: perSecond(edge.up?.handled ?? 0, ageMs),
      lastError: this.lastError,
      children,
    };
  }

  /** What it would be abandoned for if it were given up now. */
  protected hungOn(): HungOn[] {
    const now = this.host.clock.now();
    const hung: HungOn[] = [];
    for (const hook of [this.running, this.exitRunning]) {
      if (hook === undefined) continue;
      const { what, since, signal } = hook;
      hung.push({ what, forMs: now - since, ...(signal !== undefined && { signal }) });
    }
    for (const task of this.#tasks?.all() ?? []) {
      if (task.running) hung.push({ what: `task ${task.name}`, forMs: now - task.runningSince });
    }
    return hung;
  }

  #runningHooks(now: number): RunningSnapshot[] {
    const hooks = [this.running, this.exitRunning];
    return hooks.flatMap((hook) => (hook === undefined ? [] : [{ what: hook.what, sinceMs: now - hook.since }]));
  }
}

function waitsOf(scope: CancelScope, now: number): WaitSnapshot[] {
  const waits: WaitSnapshot[] = [];
  for (const member of scope.members()) {
    if (member instanceof CancelScope) waits.push(...waitsOf(member, now));
    else if (member instanceof Waiter) {
      const by = (member.by as { readonly what?: string } | undefined)?.what;
      waits.push({ on: member.owner.describeWait(member), by, sinceMs: Math.max(0, now - member.since) });
    }
  }
  return waits;
}
