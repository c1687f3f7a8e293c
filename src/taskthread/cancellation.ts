/**
 * Tells a cancel from a failure, by what was thrown. Pure. A cancelled wait throws our error, but what was given our
 * `abortSignal` throws its own: `fetch` our reason, most of Node's words an `AbortError`.
 */
import {
  CancelledError,
  DeadlockError,
  EdgeClosedError,
  ThreadEndedError,
  ThreadStoppingError,
} from '../kernel/errors.ts';

/** What a wait throws that was cancelled. */
export function isCancellation(error: unknown): boolean {
  return error instanceof CancelledError || (isObject(error) && error.name === 'AbortError');
}

/** What a word throws because the thread at `path` is stopping: the stop is no failure of whoever said it. */
export function isStopRefusal(error: unknown, path: string): boolean {
  return error instanceof ThreadStoppingError && error.path === path;
}

/** True of a promise and of what behaves like one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return isObject(value) && typeof value.then === 'function';
}

/** A real promise for it: one that settles once, later, and does not throw when it is asked. */
export function toPromise(value: PromiseLike<unknown>): Promise<unknown> {
  return value instanceof Promise ? value : Promise.resolve(value);
}

/**
 * The same wait, which nobody need await: that it was cancelled, that a thread has ended, or that it would never have ended (its thread
 * tells that) is then no unhandled rejection.
 * Any other error is as loud as ever.
 */
export function calm<T>(wait: Promise<T>): Promise<T> {
  const promise = new Promise<T>((resolve, reject) => {
    wait.then(resolve, (error: unknown) => {
      reject(error);
      if (isOver(error)) promise.catch(() => {});
    });
  });
  return promise;
}

function isOver(error: unknown): boolean {
  return (
    error instanceof CancelledError ||
    error instanceof ThreadEndedError ||
    error instanceof EdgeClosedError ||
    error instanceof DeadlockError
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
