/**
 * The turn of a task: what its body is given, and answers with. When the next turn comes is `task`'s.
 */
import type { CancelScope } from '../kernel/cancel-scope.ts';
import { milliseconds } from '../kernel/check.ts';
import { Turn, type TurnOwner } from './turn.ts';

/** What a task's body returns; made by `turn.reSchedule` and `turn.stop`. Returning nothing ends the task. */
export type TaskAnswer = undefined;

export interface ReScheduleOptions {
  /** When the next turn is due, in milliseconds from now. Default: as soon as its turn comes. */
  readonly afterMs?: number;
}

/** What a turn needs of its task. */
export interface TurnedTask {
  /** In words: `task read`. Made once: to put it together for each turn would cost more than the turn. */
  readonly what: string;
  readonly refusal: Error | undefined;
  getScope(): CancelScope;
  /** Another turn, after so many milliseconds. */
  again(turn: TaskTurn, afterMs: number): void;
  noMore(turn: TaskTurn): void;
}

/** The turn of a task. */
export class TaskTurn<in Up = never> extends Turn<Up> {
  readonly #task: TurnedTask;

  constructor(owner: TurnOwner, task: TurnedTask) {
    super(owner, task.what);
    this.#task = task;
  }

  /** Asks for another turn of this task, after this one has ended. Errors: `InvalidOptionError`, `ThreadEndedError`. */
  reSchedule(options?: ReScheduleOptions): TaskAnswer {
    this.#task.again(this, options?.afterMs === undefined ? 0 : milliseconds('reSchedule.afterMs', options.afterMs));
  }

  /** Asks the thread to stop; this turn is the last of its task. Errors: `ThreadEndedError`. */
  override stop(): TaskAnswer {
    this.#task.noMore(this);
    super.stop();
  }

  protected override ownRefusal(): Error | undefined {
    return this.#task.refusal;
  }

  /** Nobody: that a task waits keeps its thread from nothing. */
  protected override watch(): undefined {}

  protected override ownScope(): CancelScope {
    return this.#task.getScope();
  }
}

declare const BODY: unique symbol;

/** A task's body: runs one turn. */
export interface TaskBody<Up = never> {
  (turn: TaskTurn<Up>): unknown;
  /**
   * Never there. A type with a property is no plain callback, and is compared as method parameters are: without it a thread
   * that sends more could not stand for one that sends less (`out Up`).
   */
  readonly [BODY]?: never;
}
