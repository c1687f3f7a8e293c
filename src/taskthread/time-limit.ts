/**
 * Work with a time limit: `timeoutAfter`, `shield` and a timed `ask` are a few words over this.
 */
import { CancelScope } from '../kernel/cancel-scope.ts';
import { CancelledError, TimeoutError } from '../kernel/errors.ts';
import type { Host } from '../kernel/host.ts';
import { isCancellation } from './cancellation.ts';

export interface TimeLimit {
  /** Names the work in the error. */
  readonly what: string;
  readonly timeoutMs: number;
  /** The scope around it; none outside a tree. */
  readonly outer: CancelScope | undefined;
  /** A cancel of the scope around it does not reach the work. */
  readonly shielded?: boolean;
}

/** Runs work in a scope of its own. What it throws because the time is over becomes a `TimeoutError`. */
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
    if (!scope.timedOut || !isCancellation(error)) throw error;
    const progress = error instanceof CancelledError ? error.progress : undefined;
    throw new TimeoutError(what, timeoutMs, { cause: error, ...(progress && { progress }) });
  } finally {
    scope.close();
  }
}
