/**
 * What a thread is and owns, apart from what drives it (`runtime`): its place in the tree, its scope, tasks, children, events. How
 * all that looks from outside is in `thread-view`. Small on purpose when idle: what a thread may never need is made when first needed,
 * and what belongs to its having children, or patience, is theirs. A class that has private methods costs a word in each object, so of
 * the classes that a thread consists of few have any.
 */
import type { EdgeEnd, StopBudget } from '../intercom/edge.ts';
import type { Lane, Wait } from '../intercom/lane.ts';
import type { ResolvedLaneOptions } from '../intercom/lane-options.ts';
import type { LocalEdge } from '../intercom/local-edge.ts';
import { CancelScope } from '../kernel/cancel-scope.ts';
import { CancelledError, NotStartedError, ThreadEndedError } from '../kernel/errors.ts';
import type { Host } from '../kernel/host.ts';
import type { Party } from '../kernel/party.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import type { DeadlockError, DeadlockLink } from '../kernel/wait-errors.ts';
import { type Waiter, type WaitOwner, WaitQueue, waitersIn } from '../kernel/wait-queue.ts';
import type { AnyChild, Kind } from './child.ts';
import { ChildHandle } from './child-handle.ts';
import type { Children } from './children.ts';
import { emit, makeEvents, type ThreadEventEmitter, type ThreadEvents } from './events.ts';
import type { HookRun } from './hook-run.ts';
import type { Outcome, ThreadState } from './lifecycle.ts';
import { type Execution, Liveness, type Overdue, type OverduePolicy, type Patience, patienceOf } from './liveness.ts';
import { defaultStopBudget } from './shutdown.ts';
import type { ResolvedChildSpec, ResolvedThreadOptions } from './spec.ts';
import type { Stop } from './stop.ts';
import type { Task, TaskOwner } from './task.ts';
import { TaskRegistry } from './task-registry.ts';
import type { ExitRun, ThreadBody } from './thread-body.ts';

/** When a thread was born whose `enter` has not begun. */
export const NOT_BORN = -1;

export abstract class ThreadCore implements EdgeEnd, Wait, TaskOwner, WaitOwner {
  /** Its own words wait in nobody's name. */
  declare readonly party?: undefined;
  readonly options: ResolvedThreadOptions;
  state: ThreadState = 'created';
  outcome: Outcome | undefined;
  children: Children | undefined;
  /** Why no intake is open any more. */
  intakeError: Error | undefined;
  /** Why its waits throw. */
  cancelError: Error | undefined;
  protected stopping: Stop | undefined;
  body: ThreadBody | undefined;
  /** What it failed with first. */
  protected failure: { readonly error: unknown } | undefined;
  protected lastError: string | undefined;
  protected bornAt: number = NOT_BORN;
  protected running: HookRun | undefined;
  protected exitRun: ExitRun | undefined;
  #edge: LocalEdge | undefined;
  #scope: CancelScope | undefined;
  #tasks: TaskRegistry | undefined;
  #events: ThreadEventEmitter | undefined;
  protected liveness: Liveness | undefined;

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
  abstract overdue(overdue: Overdue, policy: OverduePolicy): void;
  abstract executions(): Execution[];
  abstract executionFinished(execution: Execution): void;
  abstract partyMade(party: Party, turn: number): void;

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
    return this.edge.host;
  }

  /** Undefined before the start, when nothing can be starved yet. */
  get schedulerIfStarted(): Scheduler | undefined {
    return this.#edge?.host.scheduler;
  }

  get name(): string {
    return (
      (this.#edge?.spec as ResolvedChildSpec | undefined)?.name ?? this.options.name ?? this.body?.name ?? this.type
    );
  }

  get path(): string {
    return this.#edge === undefined ? this.name : `${this.#edge.parent.path}/${this.name}-${this.id}`;
  }

  /** How long its executions may take, and below it; undefined for as long as they like. */
  get patience(): Patience | undefined {
    return this.liveness?.patience;
  }

  /** Who it is, in a trace. */
  get actor(): string {
    return this.path;
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

  /** Of this incarnation; those of the child, whichever incarnation it is, are its handle's. */
  get events(): ThreadEventEmitter {
    // Nothing is told to it after the end.
    if (this.ended) return this.#events ?? makeEvents();
    this.#events ??= makeEvents();
    return this.#events;
  }

  protected get isListenedTo(): boolean {
    return this.#events !== undefined || listenedBy(this.#edge) !== undefined;
  }

  /** Tells those who listen inside, then those who listen by the handle. */
  protected tell<Name extends keyof ThreadEvents>(name: Name, ...values: Parameters<ThreadEvents[Name]>): void {
    emit(this.#events, name, ...values);
    emit(listenedBy(this.#edge), name, ...values);
  }

  get tasks(): TaskRegistry {
    if (this.#tasks === undefined) {
      this.#tasks = new TaskRegistry(this);
      if (this.intakeError !== undefined) this.#tasks.closeIntake(this.intakeError);
      const over = this.refusal ?? (this.exitRun?.running && new CancelledError(`${this.path} is stopping`));
      if (over !== undefined) this.#tasks.cancelAll(over);
    }
    return this.#tasks;
  }

  /** All that have not ended; none is made by asking. */
  protected allTasks(): Iterable<Task> {
    return this.#tasks?.all() ?? [];
  }

  get intakeRunning(): number {
    return (this.#tasks?.intakeRunning ?? 0) + (this.body?.takingIn === true ? 1 : 0);
  }

  get tasksRunning(): number {
    return (this.#tasks?.size ?? 0) + (this.body?.running === undefined ? 0 : 1);
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
      if (this.ended) this.#scope.end(() => new ThreadEndedError(this.path));
      else if (refusal !== undefined) this.#scope.cancel(refusal);
    }
    // It is asked for when something waits.
    this.liveness?.began();
    return this.#scope;
  }

  /** The hook that keeps it from taking, while that waits for something. */
  get loopParty(): Party | undefined {
    return this.running?.waitingParty;
  }

  get hookParties(): readonly Party[] {
    const parties = [this.loopParty, this.body?.running?.waitingParty, this.exitRun?.running?.waitingParty];
    return parties.filter((party) => party !== undefined);
  }

  runs(party: Party): boolean {
    return this.hookParties.includes(party);
  }

  deadlocked({ what }: Party, error: DeadlockError): void {
    emit(this.#events, 'deadlock', error, what);
    const { probe } = this.host;
    if (probe.on) probe.record({ kind: 'deadlock', path: this.path, hook: what, chain: error.chain });
  }

  heldUp({ what }: Party, chain: readonly DeadlockLink[]): void {
    emit(this.#events, 'heldUp', chain, what);
    const { probe } = this.host;
    if (probe.on) probe.record({ kind: 'held-up', path: this.path, hook: what, chain });
  }

  attach(edge: LocalEdge): void {
    this.#edge = edge;
    if (edge.id === 0) edge.id = this.host.nextId++;
    const patience = patienceOf(this.options.liveness, (edge.parent as { readonly patience?: Patience }).patience);
    if (patience !== undefined) this.liveness = new Liveness(this, patience);
  }

  /** Another incarnation follows: who listened to this one inside has heard all (law 12). */
  protected forgetListeners(): void {
    this.#events = undefined;
  }

  /** A hook went asynchronous, or a turn of a task that has said how long it may take. */
  executionBegan(progressMs?: number): void {
    if (progressMs !== undefined) this.liveness ??= new Liveness(this, undefined);
    this.liveness?.began(progressMs);
  }

  waiters(): Waiter[] {
    return [...waitersIn(this.#scope)];
  }

  /** Also those that were cancelled while its hooks and tasks were running. */
  protected waitersNoted(): ReadonlySet<Waiter> {
    return new Set([...(this.stopping?.cancelled ?? []), ...waitersIn(this.#scope)]);
  }

  /** Ends all waits, and for good. */
  protected endBelongings(): void {
    this.liveness?.end();
    if (this.#tasks === undefined && this.#scope === undefined) return;
    this.#tasks?.cancelAll(new ThreadEndedError(this.path));
    this.#tasks?.endAll();
    this.#scope?.end(() => new ThreadEndedError(this.path));
    if (this.stopping !== undefined) this.stopping.cancelled = undefined;
  }

  protected cancelScopeOnly(error: Error): void {
    this.noteWaits();
    this.#scope?.cancel(error);
  }

  /** A cancel is about to end waits: what it does not help against is then still known by what it had waited on. */
  protected noteWaits(): void {
    const { stopping } = this;
    if (stopping === undefined) return;
    for (const waiter of waitersIn(this.#scope)) {
      stopping.cancelled ??= new Set();
      stopping.cancelled.add(waiter);
    }
  }

  protected closeTaskIntake(error: Error): void {
    this.#tasks?.closeIntake(error);
    this.body?.closeIntake(error);
  }

  endTasks(): void {
    // The error is made for somebody only: its trace costs more than the rest of the end of an idle thread.
    if (this.#tasks === undefined && this.body?.running === undefined) return;
    this.cancelTasks(new CancelledError(`${this.path} is stopping`));
  }

  cancelTasks(error: Error): void {
    if (this.tasksRunning > 0) this.noteWaits();
    this.#tasks?.cancelAll(error);
    this.body?.cancel(error);
  }

  protected forgetTask(task: string): void {
    this.#tasks?.forget(task);
  }

  waitEnded(wait: Wait): Promise<unknown> {
    const { edge } = this;
    edge.enders ??= new WaitQueue();
    return edge.enders.park(this, { scope: wait.cancelScope, by: wait, scheduler: edge.scheduler });
  }

  /** Somebody waits for its end, or listens: a failure is not silent then. */
  get observed(): boolean {
    return (this.edge.enders?.length ?? 0) > 0 || this.isListenedTo || this.host.probe.on;
  }

  describeWait(waiter: Waiter): string {
    return waiter.item === undefined ? `the end of ${this.path}` : `enter of ${(waiter.item as LocalEdge).path}`;
  }

  deadLetter(lane: Lane, signal: unknown, reason: string, deliveries: number): void {
    const { path } = lane.owner;
    this.tell('deadLetter', signal, reason, path, deliveries);
    const { probe } = this.host;
    if (probe.on) probe.record({ kind: 'dead-letter', path, direction: lane.direction, reason, signal, deliveries });
  }

  overflowed(lane: Lane): void {
    const { policy, onOverflow } = lane.options;
    const { probe } = this.host;
    // A fast sender fills a lane after every fifty signals, and most have nobody who hears of it.
    if (onOverflow === undefined && !this.isListenedTo && !probe.on) return;
    const { path } = lane.owner;
    const books = lane.snapshot();
    const overflow = { path, direction: lane.direction, policy, books };
    this.tell('overflow', overflow);
    if (probe.on) probe.record({ kind: 'overflow', path, direction: lane.direction, policy, queued: books.queued });
    if (onOverflow === undefined) return;
    try {
      onOverflow(overflow);
    } catch (error) {
      process.emitWarning(`onOverflow of ${path} threw: ${String(error)}`, 'TaskThreadWarning');
    }
  }
}

function listenedBy(edge: LocalEdge | undefined): ThreadEventEmitter | undefined {
  return (edge?.handle as ChildHandle | undefined)?.listened;
}
