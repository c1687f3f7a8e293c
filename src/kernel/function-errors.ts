/**
 * A part of the catalogue: what functions as threads say, and groups of them. The rules are those of `errors`.
 */
import { messageOf } from './describe.ts';
import { TaskThreadError } from './errors.ts';

/** The thread that was joined gave no value. `cause` is what its function threw, or the `CancelledError` that ended it. */
export class ThreadError extends TaskThreadError {
  readonly code = 'TT_THREAD_ERROR';
  readonly path: string;

  constructor(path: string, cause: unknown) {
    super(`${path} gave no value: ${messageOf(cause)}`, { cause });
    this.path = path;
  }
}

/** Members of a group failed, and the others were cancelled. `cause` is the first of the errors. */
export class ThreadGroupError<Member = unknown> extends TaskThreadError {
  readonly code = 'TT_THREAD_GROUP';
  /** The members that failed, in the order of failing. */
  readonly failed: readonly Member[];
  /** What each of them threw. */
  readonly errors: readonly unknown[];

  constructor(failed: readonly Member[], errors: readonly unknown[]) {
    const all = errors.map(messageOf).join('; ');
    super(`${errors.length} of the group failed: ${all}`, { cause: errors[0] });
    this.failed = failed;
    this.errors = errors;
  }
}

/** A thread was to be spawned into a group that is over: it was joined, cancelled or left. */
export class GroupClosedError extends TaskThreadError {
  readonly code = 'TT_GROUP_CLOSED';

  constructor() {
    super('the group is closed: it was joined, cancelled or left');
  }
}

/** The next result of a group was asked for, but it has no member left. */
export class GroupEmptyError extends TaskThreadError {
  readonly code = 'TT_GROUP_EMPTY';

  constructor() {
    super('the group has no member left to wait for');
  }
}
