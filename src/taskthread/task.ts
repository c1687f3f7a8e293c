/**
 * Tasks: functions that run a turn and reschedule themselves. A thread's registry knows them by name, so that no handle can be
 * lost; what is left at the thread's end is deleted for the user.
 *
 *     reCreate ──► due ──► turn ──┬── reSchedule() ──► due
 *                   ▲             ├── reSchedule({ afterMs }) ──► delayed ──► due
 *                   └─────────────┼── returns: the task has ended
 *                                 └── throws: the thread fails
 *
 * Rules: the turns of a task never overlap, also over a `reCreate`. An intake task ends when the intake is closed: its
 * delay is not waited for, its sends finish, there is no next turn.
 */
import { CancelScope } from '../kernel/cancel-scope.ts';
import type { Timer } from '../kernel/clock.ts';
import { CancelledError, IntakeClosedError, ThreadEndedError } from '../kernel/errors.ts';
import type { Party, Waiting } from '../kernel/party.ts';
import { live } from '../kernel/probe.ts';
import type { Runnable } from '../kernel/scheduler.ts';
import { isThenable, whenSettled } from '../kernel/thenable.ts';
import { type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import { isCancellation } from './cancellation.ts';
import { type Execution, type OverduePolicy, type Patience, patienceOf } from './liveness.ts';
import { perSecond, type TaskSnapshot } from './snapshot.ts';
import { type TaskBody, TaskTurn, type TurnedTask } from './task-turn.ts';
import type { Turn, TurnOwner } from './turn.ts';

export interface TaskOptions {
  /** The task takes something in (a reader, an accept loop, a poller): it is ended first when the thread stops. */
  readonly intake?: boolean;
  /** The first turn is due after so many milliseconds: 0. */
  readonly afterMs?: number;
  /**
   * How long one turn may take, in milliseconds, before it is told as overdue. Default: as long as it likes, whatever its thread
   * says of hooks: a turn that waits for its source is none the worse for it.
   */
  readonly progressMs?: number;
  /** What follows; see `ThreadOptions.onOverdue`. Default: what its thread says. */
  readonly onOverdue?: OverduePolicy;
}

/** What a task needs of its thread. */
export interface TaskOwner extends TurnOwner {
  readonly stuckTaskMs: number;
  readonly patience: Patience | undefined;
  /** A turn went asynchronous that has said how long it may take. */
  executionBegan(progressMs: number): void;
  executionFinished(execution: Execution): void;
  taskFailed(task: string, error: unknown): void;
  taskEnded(task: string): void;
  /** Something threw that nobody waits for any more. */
  late(what: string, error: unknown): void;
}

const NO_MORE = -1;

export class Task implements Runnable, WaitOwner, TurnedTask {
  nextRunnable: Runnable | undefined;
  queued = false;
  quota = 1;
  readonly name: string;
  /** In words, as its turns are named. */
  readonly what: string;
  readonly intake: boolean;
  readonly #owner: TaskOwner;
  readonly #body: TaskBody;
  readonly #bornAt: number;
  readonly #patience: Patience | undefined;
  #turn: TaskTurn | undefined;
  #scope: CancelScope | undefined;
  #cancelError: Error | undefined;
  #intakeError: Error | undefined;
  #timer: Timer | undefined;
  /** Milliseconds until the next turn, as the running turn has asked; negative for none. */
  #nextInMs = NO_MORE;
  /** The turn is executing its synchronous part. */
  #executing = false;
  /** The turn went asynchronous and has not ended. */
  #running = false;
  #runningSince = 0;
  #ended = false;
  #turns = 0;
  #enders: WaitQueue | undefined;
  #onTurnDone: (() => void) | undefined;
  #onTurnFailed: ((error: unknown) => void) | undefined;

  constructor(owner: TaskOwner, name: string, body: TaskBody, options: TaskOptions) {
    this.#owner = owner;
    this.name = name;
    this.what = `task ${name}`;
    this.#body = body;
    this.intake = options.intake ?? false;
    this.#bornAt = owner.host.clock.now();
    if (options.progressMs !== undefined) {
      const { onOverdue = owner.patience?.onOverdue } = options;
      this.#patience = patienceOf({ progressMs: options.progressMs, onOverdue }, undefined);
    }
    live.tasks++;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The thread whose task it is. */
  get owner(): TaskOwner {
    return this.#owner;
  }

  /** Who it is, in a trace. */
  get actor(): string {
    return `${this.#owner.path} task ${this.name}`;
  }

  describeStep(): string {
    return this.#over() ? 'ends' : 'turn';
  }

  /** A turn is under way. */
  get running(): boolean {
    return this.#running || this.#executing;
  }

  get runningSince(): number {
    return this.#runningSince;
  }

  /** The turn that is under way, where it has been said how long that may take. */
  execution(): Execution | undefined {
    if (this.#patience === undefined || !this.#running || this.#turn === undefined) return undefined;
    const { what, waitingParty } = this.#turn;
    const since = this.#runningSince;
    return { key: this.#turn, what, since, signal: undefined, party: waitingParty, patience: this.#patience };
  }

  /** Whose waits those of the turn under way are. */
  get party(): Party | undefined {
    return this.#turn?.ownParty;
  }

  get executing(): boolean {
    return this.#executing;
  }

  /** True of the turn that is under way, and of those that it has made: by `timeoutAfter`, say. */
  isTurn(turn: Turn<never>): boolean {
    if ((turn as unknown) === this.#turn) return true;
    for (let scope: CancelScope | undefined = turn.cancelScope; scope !== undefined; scope = scope.scope) {
      if (scope === this.#scope) return true;
    }
    return false;
  }

  getScope(): CancelScope {
    if (this.#scope === undefined) {
      this.#scope = new CancelScope(this.#owner.host, this.#owner.getScope());
      if (this.#intakeError !== undefined) this.#scope.closeIntake(this.#intakeError);
      if (this.#cancelError !== undefined) this.#scope.cancel(this.#cancelError);
    }
    return this.#scope;
  }

  get refusal(): Error | undefined {
    return this.#owner.ended ? this.#owner.refusal : (this.#cancelError ?? this.#owner.refusal);
  }

  /** Makes the next turn due. */
  schedule(afterMs: number): void {
    if (afterMs === 0) this.#owner.host.scheduler.enqueue(this);
    else {
      this.#timer = this.#owner.host.clock.setTimer(afterMs, () => {
        this.#timer = undefined;
        this.#owner.host.scheduler.enqueue(this);
      });
    }
  }

  again(turn: TaskTurn, afterMs: number): void {
    if (this.#owner.ended) throw new ThreadEndedError(this.#owner.path);
    if (turn === this.#turn) this.#nextInMs = afterMs;
  }

  noMore(turn: TaskTurn): void {
    if (turn === this.#turn) this.#nextInMs = NO_MORE;
  }

  run(): number {
    let turns = 0;
    for (; turns < this.quota; turns++) {
      if (this.#ended || this.running) return turns + 1;
      if (this.#over()) {
        this.end();
        return turns + 1;
      }
      this.#nextInMs = NO_MORE;
      this.#turns++;
      if (this.#turn === undefined || this.#turn.said) this.#turn = new TaskTurn(this.#owner, this);
      this.#executing = true;
      const since = this.#patience === undefined ? 0 : this.#owner.host.clock.now();
      let result: unknown;
      let waits: boolean;
      try {
        result = this.#body(this.#turn);
        waits = result !== undefined && isThenable(result);
      } catch (error) {
        this.#executing = false;
        this.#failed(error);
        return turns + 1;
      }
      this.#executing = false;
      if (waits) {
        this.#running = true;
        this.#runningSince = this.#owner.host.scheduler.coarseNow;
        if (this.#patience !== undefined) this.#owner.executionBegan(this.#patience.progressMs);
        this.#onTurnDone ??= () => this.#turnDone();
        this.#onTurnFailed ??= (error) => this.#turnFailed(error);
        whenSettled(result as PromiseLike<unknown>, this.#onTurnDone, this.#onTurnFailed);
        return turns + 1;
      }
      this.#lookBack({}, since);
      if (this.#nextInMs !== 0 || this.#over()) {
        this.#settle();
        return turns + 1;
      }
    }
    this.#owner.host.scheduler.enqueue(this);
    return turns;
  }

  /** No further turn; the running one's waits throw. The task has ended when its turn has. */
  cancel(error: Error): void {
    if (this.#ended || this.#cancelError !== undefined) return;
    this.#cancelError = error;
    this.#scope?.cancel(error);
    if (!this.running) this.end();
  }

  closeIntake(error: Error): void {
    if (!this.intake || this.#ended || this.#intakeError !== undefined) return;
    this.#intakeError = error;
    this.#scope?.closeIntake(error);
    if (!this.running) this.end();
  }

  /** Over, whatever its turn still does: also called to give a stuck task up. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    live.tasks--;
    if (this.#timer !== undefined) this.#owner.host.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#scope?.end(() => this.refusal ?? new CancelledError(`task ${this.name} has ended`));
    this.#enders?.wakeAll();
    this.#owner.taskEnded(this.name);
  }

  /** Waits for the end, for at most `boundMs`; true if it came. */
  async ending(scope: CancelScope, by: Waiting | undefined, boundMs: number): Promise<boolean> {
    this.#enders ??= new WaitQueue();
    const bound = new CancelScope(scope.host, scope, { timeoutMs: boundMs });
    try {
      await this.#enders.park(this, { scope: bound, by });
      return true;
    } catch (error) {
      if (bound.timedOut) return false;
      throw error;
    } finally {
      bound.close();
    }
  }

  describeWait(): string {
    return `the end of task ${this.name}`;
  }

  waitCancelled(): void {}

  snapshot(now: number): TaskSnapshot {
    return {
      name: this.name,
      intake: this.intake,
      state: this.running ? 'running' : this.#timer === undefined ? 'due' : 'delayed',
      turns: this.#turns,
      turnsPerSecond: perSecond(this.#turns, now - this.#bornAt),
    };
  }

  #over(): boolean {
    return this.#cancelError !== undefined || this.#intakeError !== undefined;
  }

  #turnDone(): void {
    this.#running = false;
    const turn = this.#turn;
    // This turn had its object to itself; the next one gets a new one.
    this.#turn = undefined;
    if (this.#ended) return;
    if (turn !== undefined) this.#lookBack(turn, this.#runningSince);
    if (this.#nextInMs === 0 && !this.#over()) this.#owner.host.scheduler.resume(this);
    else this.#settle();
  }

  #lookBack(key: object, since: number): void {
    const patience = this.#patience;
    if (patience === undefined) return;
    this.#owner.executionFinished({
      key,
      what: this.what,
      since,
      signal: undefined,
      party: undefined,
      patience,
    });
  }

  #turnFailed(error: unknown): void {
    this.#running = false;
    this.#turn = undefined;
    if (!this.#ended) this.#failed(error);
    else if (!this.#asked(error)) this.#owner.late(this.what, error);
  }

  #settle(): void {
    if (this.#over() || this.#nextInMs < 0) this.end();
    else this.schedule(this.#nextInMs);
  }

  #failed(error: unknown): void {
    const asked = this.#asked(error);
    this.end();
    if (!asked) this.#owner.taskFailed(this.name, error);
  }

  /**
   * True of what a task throws because it was cancelled or its intake was closed: then that is its end, and no failure. Both may
   * come in one step, and then its wait has heard of the first.
   */
  #asked(error: unknown): boolean {
    if (this.#intakeError !== undefined && error instanceof IntakeClosedError) return true;
    return (this.#cancelError !== undefined || this.#scope?.cancelled === true) && isCancellation(error);
  }
}
