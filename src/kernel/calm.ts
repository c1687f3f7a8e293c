/**
 * Waits that nobody need await. Pure.
 */
import { CancelledError, EdgeClosedError, ThreadEndedError } from './errors.ts';

/**
 * The same wait, which nobody need await: that it was cancelled, or that a thread has ended, is then no unhandled rejection.
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
  return error instanceof CancelledError || error instanceof ThreadEndedError || error instanceof EdgeClosedError;
}
