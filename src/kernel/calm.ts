/**
 * Waits that nobody need await. Pure.
 */
import { CancelledError, EdgeClosedError, IntakeClosedError, ThreadEndedError } from './errors.ts';
import { DeadlockError } from './wait-errors.ts';

/**
 * The same wait, which nobody need await: that it was cancelled, that the intake is closed, that a thread has ended, or that it was a link of a circle (its
 * thread tells that) is then no unhandled rejection.
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

/** The same of a word whose beginning may throw: that is its rejection, and loud. */
export function calmly<T>(word: () => Promise<T>): Promise<T> {
  try {
    return calm(word());
  } catch (error) {
    return Promise.reject(error);
  }
}

function isOver(error: unknown): boolean {
  return (
    error instanceof CancelledError ||
    error instanceof IntakeClosedError ||
    error instanceof ThreadEndedError ||
    error instanceof EdgeClosedError ||
    error instanceof DeadlockError
  );
}
