/**
 * Work with a time limit: `timeoutAfter`, `shield` and a timed `ask` are a few words over this.
 */
import { CancelScope } from '../kernel/cancel-scope.ts';
import { CancelledError, TimeoutError, UncaughtTimeoutError } from '../kernel/errors.ts';
import type { Host } from '../kernel/host.ts';
import { isCancellation } from './cancellation.ts';

export interface TimeLimit {
  /** Names the work in the error. */
  readonly what: string;
  /** Absent: no limit of its own, only those around it. */
  readonly timeoutMs: number | undefined;
  /** The scope around it; none outside a tree. */
  readonly outer: CancelScope | undefined;
  /** A cancel of the scope around it does not reach the work. */
  readonly shielded?: boolean;
}

/**
 * Runs work in a scope of its own. What it throws because the time is over becomes a `TimeoutError`, so that whoever gets one
 * from here knows that it was this limit's: when a scope around is cancelled too, by a limit of its own or otherwise, that is
 * what is thrown; and the `TimeoutError` of a limit further in, which was not caught there, is an `UncaughtTimeoutError` here.
 */
export async function withinLimit<T>(
  host: Host,
  { what, timeoutMs, outer, shielded = false }: TimeLimit,
  work: (scope: CancelScope) => T | Promise<T>,
): Promise<T> {
  const scope = new CancelScope(host, outer, { timeoutMs, shielded });
  try {
    // Work that never waits must not starve the event loop (law 9).
    if (host.scheduler.spend()) await host.scheduler.nextSlice();
    return await work(scope);
  } catch (error) {
    const ofTime = error instanceof TimeoutError;
    if (!ofTime && !(scope.timedOut && isCancellation(error))) throw error;
    if (!scope.timedOut && !scope.cancelled) throw new UncaughtTimeoutError(error as TimeoutError);
    const progress = ofTime || error instanceof CancelledError ? error.progress : undefined;
    const options = { cause: error, ...(progress && { progress }) };
    const around = (shielded ? undefined : outer?.refusal) ?? (scope.timedOut ? undefined : scope.refusal);
    if (around === undefined) throw new TimeoutError(what, timeoutMs!, options);
    throw progress === undefined ? around : new CancelledError(`what is around ${what} was cancelled too`, options);
  } finally {
    scope.close();
  }
}
