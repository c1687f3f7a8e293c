/**
 * Tells a cancel from a failure, by what was thrown. Pure. A cancelled wait throws our error, but what was given our
 * `abortSignal` throws its own: `fetch` our reason, most of Node's words an `AbortError`.
 */
import { CancelledError, ThreadStoppingError } from '../kernel/errors.ts';

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

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
