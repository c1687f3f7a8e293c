/**
 * A thread's tasks, by name: TaskThread's verbs `reCreate` and `delete`, on a registry that cannot lose a handle. What one task
 * does turn by turn is in `task`.
 */
import { calm } from '../kernel/calm.ts';
import { functionOf, knownFields, milliseconds } from '../kernel/check.ts';
import {
  CancelledError,
  InvalidOptionError,
  TaskStuckError,
  ThreadEndedError,
  ThreadStoppingError,
} from '../kernel/errors.ts';
import { resolveLivenessOptions } from './liveness.ts';
import { Task, type TaskOptions, type TaskOwner } from './task.ts';
import type { TaskBody } from './task-turn.ts';
import type { Turn } from './turn.ts';

/** Options of `tasks.delete`. */
interface DeleteOptions {
  /** The turn whose wait it is: its cancel ends the wait, and its own task is not waited for. Default: the thread's scope. */
  readonly scope?: Turn<never> | undefined;
}

/** A thread's tasks, by name. */
export class TaskRegistry<Up = never> {
  readonly #owner: TaskOwner;
  readonly #tasks = new Map<string, Task>();
  /** Old tasks of the same name whose last turn has not ended. */
  readonly #leaving = new Set<Task>();
  #intakeError: Error | undefined;
  #closed = false;

  constructor(owner: TaskOwner) {
    this.#owner = owner;
  }

  get names(): readonly string[] {
    return [...this.#tasks.keys()];
  }

  /** True until its last turn has ended: also of one that has just found nothing to do, and will look no more. */
  has(name: string): boolean {
    return this.#tasks.has(name);
  }

  /**
   * Starts a task; one of the same name is deleted before, and the new one's first turn is due when the old one's last has
   * ended. If that does not yield to its cancel in time, the thread fails with `TaskStuckError`. (TaskThread's `reCreate`.)
   *
   * While the thread drains, an intake task is not started any more; later on nothing is. Errors: `InvalidOptionError`,
   * `ThreadStoppingError`, `CancelledError`, `ThreadEndedError`.
   */
  reCreate(name: string, body: TaskBody<Up>, options: TaskOptions = {}): void {
    this.#owner.schedulerIfStarted?.spend();
    if (typeof name !== 'string' || name === '') throw new InvalidOptionError('name', name, 'a name of the task');
    functionOf('body', body);
    knownFields('options', options, ['intake', 'afterMs', 'progressMs', 'onOverdue']);
    resolveLivenessOptions('options', options);
    const afterMs = milliseconds('options.afterMs', options.afterMs ?? 0);
    if (this.#closed) {
      throw this.#owner.refusal ?? new ThreadStoppingError(this.#owner.path, `starting task ${name}`);
    }
    const old = this.#tasks.get(name);
    // A task that replaces itself by another one does so when this turn has ended, like everybody else.
    const task = new Task(this.#owner, name, body as TaskBody, options);
    this.#tasks.set(name, task);
    if (old !== undefined) this.#leaving.add(old);
    old?.cancel(new CancelledError(`task ${name} was created again`));
    if (this.#intakeError !== undefined) task.closeIntake(this.#intakeError);
    const before = [...this.#leaving].filter((other) => other.name === name);
    if (before.length > 0) void this.#succeed(before, task, afterMs);
    else if (!task.ended) task.schedule(afterMs);
  }

  /**
   * Deletes a task: its waits throw, there is no further turn; resolves when its turn has ended. Of a task that has ended, that
   * never was, or that deletes itself (from inside its turn, or with `scope: turn`), it resolves at once.
   * Rejects with `TaskStuckError` when the task does not yield in time (it is then given up), `ThreadEndedError`,
   * `InvalidOptionError`. *Cancel-safe:* the task is deleted all the same, only the wait ends.
   */
  delete(name: string, options: DeleteOptions = {}): Promise<void> {
    return calm(this.#deleteAndSpend(name, options));
  }

  async #deleteAndSpend(name: string, options: DeleteOptions): Promise<void> {
    try {
      knownFields('options', options, ['scope']);
      await this.#delete(name, options.scope);
    } finally {
      // Also where there was nothing to wait for, and where it was refused (law 9).
      const scheduler = this.#owner.schedulerIfStarted;
      if (scheduler?.spend() === true) await scheduler.nextSlice();
    }
  }

  async #delete(name: string, scope: Turn<never> | undefined): Promise<void> {
    if (this.#owner.ended) throw new ThreadEndedError(this.#owner.path);
    const refusal = scope?.refusal;
    if (refusal instanceof ThreadEndedError) throw refusal;
    const boundMs = this.#owner.stuckTaskMs;
    const yielding: Task[] = [];
    for (const task of [...this.all()]) {
      if (task.name !== name) continue;
      const own = task.executing || (scope !== undefined && task.isTurn(scope));
      task.cancel(new CancelledError(`task ${name} was deleted`));
      if (!task.ended && !own) yielding.push(task);
    }
    for (const task of yielding) {
      if (task.ended || (await task.ending(scope?.cancelScope ?? this.#owner.getScope(), scope, boundMs))) continue;
      task.end();
      throw new TaskStuckError(this.#owner.path, name, boundMs);
    }
    // A cancelled turn's words throw, also where they need not wait (law 17).
    if (refusal !== undefined) throw refusal;
  }

  /** Of intake tasks, how many have not ended. */
  get intakeRunning(): number {
    let running = 0;
    for (const task of this.all()) if (task.intake) running++;
    return running;
  }

  get size(): number {
    return this.#tasks.size + this.#leaving.size;
  }

  *all(): Generator<Task> {
    yield* this.#tasks.values();
    yield* this.#leaving;
  }

  closeIntake(error: Error): void {
    this.#intakeError ??= error;
    for (const task of [...this.all()]) task.closeIntake(error);
  }

  /** Cancels all, and lets no new one start. */
  cancelAll(error: Error): void {
    this.#closed = true;
    for (const task of [...this.all()]) task.cancel(error);
  }

  /** Gives up what is left. */
  endAll(): void {
    for (const task of [...this.all()]) task.end();
  }

  /** A task has ended: off the books. */
  forget(name: string): void {
    if (this.#tasks.get(name)?.ended === true) this.#tasks.delete(name);
    for (const task of this.#leaving) if (task.ended) this.#leaving.delete(task);
  }

  async #succeed(before: readonly Task[], task: Task, afterMs: number): Promise<void> {
    const boundMs = this.#owner.stuckTaskMs;
    for (const old of before) {
      const yielded = old.ended || (await old.ending(this.#owner.getScope(), undefined, boundMs).catch(() => true));
      if (yielded) continue;
      old.end();
      this.#owner.taskFailed(task.name, new TaskStuckError(this.#owner.path, task.name, boundMs));
      return;
    }
    if (!task.ended) task.schedule(afterMs);
  }
}
