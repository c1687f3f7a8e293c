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

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
