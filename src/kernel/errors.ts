/**
 * The one catalogue of errors, whose other parts are `io-errors` (sockets, frames, packages, databases) and `sync-errors`
 * (locks, queues). Every error that this package throws on purpose is a class of it, with a literal `code` that programs may
 * compare; the message is for people and may change.
 *
 * Rules that hold: the name says who did it (*you closed it* and *it broke* are different classes); a send that failed
 * gives the signal back; an error that ends a wait in the middle says how much had been done (`progress`).
 * Not here: the decision when to throw (beside each word) and Node's own errors (they travel as `cause`).
 */
import { counted, describeValue, messageOf } from './describe.ts';

/** What had already happened when a wait was cut short. Only what applies is set. */
export interface Progress {
  readonly bytesRead?: number;
  readonly bytesWritten?: number;
  readonly linesRead?: number;
}

/** The root of the catalogue. Catch it to tell this package's errors from all others. */
export abstract class TaskThreadError extends Error {
  /** A literal per class, stable over versions. */
  abstract readonly code: string;

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** An option, argument or configuration value is not of the form that is accepted. Thrown before anything happened. */
export class InvalidOptionError extends TaskThreadError {
  readonly code = 'TT_INVALID_OPTION';
  /** The name of the field as the caller writes it. */
  readonly field: string;
  /** The value that was given. */
  readonly value: unknown;
  /** What would have been accepted, in words. */
  readonly expected: string;

  constructor(field: string, value: unknown, expected: string) {
    super(`${field} must be ${expected}, but it is ${describeValue(value)}`);
    this.field = field;
    this.value = value;
    this.expected = expected;
  }
}

/** The scope that a wait belongs to was cancelled. What waited did not happen, unless `progress` says otherwise. */
export class CancelledError extends TaskThreadError {
  readonly code = 'TT_CANCELLED';
  readonly progress: Progress | undefined;

  constructor(reason: string, options?: { cause?: unknown; progress?: Progress }) {
    super(`cancelled: ${reason}`, options);
    this.progress = options?.progress;
  }
}

/** A time limit that the caller itself has set has passed. */
export class TimeoutError extends TaskThreadError {
  readonly code = 'TT_TIMEOUT';
  readonly timeoutMs: number;
  readonly progress: Progress | undefined;

  constructor(what: string, timeoutMs: number, options?: { cause?: unknown; progress?: Progress }) {
    super(`${what} took longer than ${timeoutMs} ms`, options);
    this.timeoutMs = timeoutMs;
    this.progress = options?.progress;
  }
}

/** The `TimeoutError` of a time limit further in has come out of this one, whose time is not over. `cause` is that error. */
export class UncaughtTimeoutError extends TaskThreadError {
  readonly code = 'TT_UNCAUGHT_TIMEOUT';

  constructor(cause: TimeoutError) {
    super(`a time limit further in has passed and was not caught there: ${cause.message}`, { cause });
  }
}

/** An intake task waited for its source while its thread was asked to stop: take no more, finish what you have. */
export class IntakeClosedError extends TaskThreadError {
  readonly code = 'TT_INTAKE_CLOSED';
  readonly progress: Progress | undefined;

  constructor(path: string, options?: { progress?: Progress }) {
    super(`${path} is stopping and takes nothing more in`);
    this.progress = options?.progress;
  }
}

/** A word of a thread was used after the thread had ended (also: by code that was suspended in an abandoned hook). */
export class ThreadEndedError extends TaskThreadError {
  readonly code = 'TT_THREAD_ENDED';
  readonly path: string;
  /** The signal that was not sent, if there was one. */
  readonly signal: unknown;

  constructor(path: string, signal?: unknown) {
    super(`${path} has ended`);
    this.path = path;
    this.signal = signal;
  }
}

/** A signal was sent over an edge whose other end takes no more: it has been asked to stop, or it has ended. */
export class EdgeClosedError extends TaskThreadError {
  readonly code = 'TT_EDGE_CLOSED';
  readonly path: string;
  /** The signal that was not accepted. */
  readonly signal: unknown;

  constructor(path: string, signal: unknown) {
    super(`${path} takes no more signals: it is stopping or has ended`);
    this.path = path;
    this.signal = signal;
  }
}

/** A lane with the policy `fail` was full. */
export class LaneFullError extends TaskThreadError {
  readonly code = 'TT_LANE_FULL';
  readonly path: string;
  /** The signal that was not accepted. */
  readonly signal: unknown;

  constructor(path: string, signal: unknown) {
    super(`the lane to ${path} is full`);
    this.path = path;
    this.signal = signal;
  }
}

/** A child failed and its parent had not declared `onFailure: 'ignore'`. `cause` is what the child threw. */
export class ChildFailedError extends TaskThreadError {
  readonly code = 'TT_CHILD_FAILED';
  /** Where in the tree the failure began. */
  readonly path: string;

  constructor(path: string, cause: unknown) {
    super(`${path} failed: ${messageOf(cause)}`, { cause });
    this.path = path;
  }
}

/** A child had to be restarted more often than its parent's `supervision` bears. `cause` is what it failed with last. */
export class RestartLimitError extends TaskThreadError {
  readonly code = 'TT_RESTART_LIMIT';
  readonly path: string;
  readonly intensity: number;
  readonly periodMs: number;

  constructor(path: string, intensity: number, periodMs: number, cause: unknown) {
    const why = cause === undefined ? '' : `; last: ${messageOf(cause)}`;
    super(`${path} is to be restarted more than ${counted(intensity, 'time')} in ${periodMs} ms${why}`, { cause });
    this.path = path;
    this.intensity = intensity;
    this.periodMs = periodMs;
  }
}

/** A signal came for which the thread has no handler. */
export class MissingHandlerError extends TaskThreadError {
  readonly code = 'TT_MISSING_HANDLER';
  readonly path: string;
  readonly handler: string;

  constructor(path: string, handler: string) {
    super(`${path} got a signal but does not override ${handler}`);
    this.path = path;
    this.handler = handler;
  }
}

/** A thread was started twice. An instance has one life. */
export class AlreadyStartedError extends TaskThreadError {
  readonly code = 'TT_ALREADY_STARTED';
  readonly path: string;

  constructor(path: string) {
    super(`${path} has been started before; an instance has one life, make a new one`);
    this.path = path;
  }
}

/** A word was used that needs a running thread, but the thread has not been started. */
export class NotStartedError extends TaskThreadError {
  readonly code = 'TT_NOT_STARTED';

  constructor(name: string) {
    super(`${name} has not been started: use it from enter on, not in the constructor`);
  }
}

/** A word that waits was used outside of every spawned function, and was given no scope. */
export class NoScopeError extends TaskThreadError {
  readonly code = 'TT_NO_SCOPE';

  constructor(word: string) {
    super(
      `${word} does not know whose wait it is: give it { scope } (a turn, a thread), or use it in a spawned function`,
    );
  }
}

/** A child was to be added to a thread, or a task started on it, while that thread is stopping. */
export class ThreadStoppingError extends TaskThreadError {
  readonly code = 'TT_THREAD_STOPPING';
  readonly path: string;

  constructor(path: string, what: string) {
    super(`${path} is stopping: ${what} is not possible any more`);
    this.path = path;
  }
}

/** A signal was sent to a thread that is not a child of the sender. */
export class NotAChildError extends TaskThreadError {
  readonly code = 'TT_NOT_A_CHILD';
  readonly path: string;
  readonly signal: unknown;

  constructor(path: string, senderPath: string, signal: unknown) {
    super(`${path} is not a child of ${senderPath}: signals pass between a parent and its child only`);
    this.path = path;
    this.signal = signal;
  }
}

/** A word that speaks to the parent was used in a root. */
export class NoParentError extends TaskThreadError {
  readonly code = 'TT_NO_PARENT';
  readonly path: string;
  readonly signal: unknown;

  constructor(path: string, signal: unknown) {
    super(`${path} is a root and has no parent to send to`);
    this.path = path;
    this.signal = signal;
  }
}

/** A request got no answer: the thread asked ended, or its lane dropped the request. The request may have been handled. */
export class AskUnansweredError extends TaskThreadError {
  readonly code = 'TT_ASK_UNANSWERED';
  readonly path: string;

  constructor(path: string, why: string) {
    super(`${path} did not answer: ${why}`);
    this.path = path;
  }
}

/** A task did not yield to its cancel within the bound and was given up. */
export class TaskStuckError extends TaskThreadError {
  readonly code = 'TT_TASK_STUCK';
  readonly path: string;
  readonly task: string;

  constructor(path: string, task: string, boundMs: number) {
    super(`task ${task} of ${path} did not yield to its cancel within ${boundMs} ms and was given up`);
    this.path = path;
    this.task = task;
  }
}
