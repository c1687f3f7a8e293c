/**
 * What every waiting word of this floor shares: its options, its share of the slice, and how the error that cut it short
 * says what had been done by then.
 */
import { ambientScope } from '../kernel/ambient.ts';
import type { Scoped } from '../kernel/cancel-scope.ts';
import { CancelledError, IntakeClosedError, type Progress, TimeoutError } from '../kernel/errors.ts';
import { SocketClosedError, SocketFailedError } from '../kernel/io-errors.ts';
import { rejected } from '../kernel/wait-queue.ts';

/** How a word waits. */
export interface WaitOptions {
  /**
   * The turn, thread or cancel scope that the wait belongs to. Without one, the scope around the running code; outside of
   * every spawned function the wait can then only be ended by closing.
   */
  readonly scope?: Scoped | undefined;
}

export const NO_OPTIONS: WaitOptions = {};

/** Whose wait it is: what was given, else what is around. Asked once, when the word is said. */
export function whose(options: WaitOptions): Scoped | undefined {
  return options.scope ?? ambientScope();
}

/** What a wait that begins now must be refused with, if anything. `source`: it waits for something to take in. */
export function refusalOf(scoped: Scoped | undefined, source: boolean): Error | undefined {
  if (scoped === undefined) return undefined;
  return scoped.refusal ?? (source ? scoped.cancelScope.sourceRefusal : undefined);
}

/** Refuses a word, in the slice's time: a loop that catches it and tries again must not keep the event loop from its turn. */
export function refused(refusal: Error, scoped: Scoped | undefined): Promise<never> {
  return rejected(refusal, scoped?.cancelScope.host.scheduler);
}

/** The same for words that are no source, thrown. */
export function throwIfRefused(scoped: Scoped | undefined): void {
  const refusal = refusalOf(scoped, false);
  if (refusal !== undefined) throw refusal;
}

/** Spends this word's share of the slice (law 9). A promise when the slice is spent: wait for it before taking anything. */
export function nextSliceIfSpent(scoped: Scoped | undefined): Promise<void> | undefined {
  if (scoped === undefined) return undefined;
  const { scheduler } = scoped.cancelScope.host;
  return scheduler.spend() ? scheduler.nextSlice() : undefined;
}

/**
 * The same error with its progress. A copy, because a scope tells all of its waits one and the same error; the original is
 * the copy's `cause` where it was not caused by something else.
 */
export function withProgress(error: unknown, progress: Progress): unknown {
  const copy = copyOf(error, progress);
  if (copy === undefined) return error;
  const { message, stack } = error as Error;
  copy.message = message;
  if (stack !== undefined) copy.stack = stack;
  return copy;
}

function copyOf(error: unknown, progress: Progress): Error | undefined {
  if (error instanceof CancelledError) return new CancelledError('', { cause: error, progress });
  if (error instanceof IntakeClosedError) return new IntakeClosedError('', { progress });
  if (error instanceof TimeoutError) return new TimeoutError('', error.timeoutMs, { cause: error, progress });
  if (error instanceof SocketClosedError) return new SocketClosedError('', { cause: error.cause, progress });
  if (error instanceof SocketFailedError) return new SocketFailedError('', error.cause, progress);
  return undefined;
}
