/**
 * The part of the catalogue that is about what executions share: locks, semaphores, conditions, queues. Rules as in `errors`.
 */
import { TaskThreadError } from './errors.ts';

/** A lock was released, or a condition used, by an execution that does not hold the lock. */
export class NotOwnerError extends TaskThreadError {
  readonly code = 'TT_NOT_OWNER';

  constructor(word: string, heldBy: string | undefined) {
    super(`${word} is only for who holds the lock, and ${heldBy === undefined ? 'nobody' : heldBy} holds it`);
  }
}

/** Something was given back once too often: a lock that nobody holds, a bounded semaphore, an item of a queue. */
export class OverReleasedError extends TaskThreadError {
  readonly code = 'TT_OVER_RELEASED';

  constructor(word: string, why: string) {
    super(`${word} was called once too often: ${why}`);
  }
}

/** A queue was closed: it takes nothing more, and what it held is taken. */
export class QueueClosedError extends TaskThreadError {
  readonly code = 'TT_QUEUE_CLOSED';
  /** The item that was not put, if there was one. */
  readonly item: unknown;

  constructor(item?: unknown) {
    super('the queue is closed');
    this.item = item;
  }
}
