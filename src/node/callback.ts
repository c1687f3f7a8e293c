import { calmly } from '../kernel/calm.ts';
import { functionOf } from '../kernel/check.ts';
import { isThenable, toPromise } from '../kernel/thenable.ts';
import { type OutsideOptions, waitOutside } from './outside-wait.ts';

/** The last argument of a function with a callback: an error, or a value. */
export type Done<T> = (error: unknown, value?: T) => void;

/**
 * Waits for a function that takes a callback: `callback((done) => stat(path, done))`. What `start` returns, if it returns
 * a function, is called once the wait is over, however it ended: to take back what was asked for. An `async` one is waited for until
 * it calls `done` or fails; what it returns means nothing.
 *
 * @throws what `done` is given first, or `start` throws or is rejected with (after the wait that is a `late` record);
 * `TT_NO_SCOPE`. *Cancel-safe:* the work itself may go on and have happened; its late answer means nothing.
 * Source: Node's `util.promisify`, with a cancel.
 */
export function callback<T = void>(start: (done: Done<T>) => unknown, options: OutsideOptions = {}): Promise<T> {
  return calmly(() => {
    functionOf('start', start);
    return waitOutside<T>(options, {
      word: 'callback',
      on: 'a callback',
      begin: ({ done, failed, failedOrLate }) => {
        const undo = start((error, value) => {
          if (error === null || error === undefined) done(value as T);
          else failed(error);
        });
        if (isThenable(undo)) toPromise(undo).catch(failedOrLate);
        return typeof undo === 'function' ? (undo as () => void) : undefined;
      },
    });
  });
}
