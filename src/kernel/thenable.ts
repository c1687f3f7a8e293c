/** Promises, and what behaves like them, when it is not known what was given. Pure. */

/** True of a promise and of what behaves like one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

// oxlint-disable-next-line typescript/unbound-method -- it is compared, and not called
const nativeThen = Promise.prototype.then;

/**
 * A real promise for it: one that settles once, later, and does not throw when it is asked. `resolve` hands a plain promise
 * through, but also one with a `then` of its own, which may do anything.
 */
export function toPromise(value: PromiseLike<unknown>): Promise<unknown> {
  const promise = Promise.resolve(value);
  return promise.then === nativeThen ? promise : new Promise((settle) => settle(promise));
}

/**
 * Calls one of the two, once and later: what `toPromise(value).then(settled, failed)` does, without asking a plain promise whether it
 * is one. That costs a tenth of what passing a signal to an asynchronous handler does.
 */
export function whenSettled(value: PromiseLike<unknown>, settled: () => void, failed: (error: unknown) => void): void {
  if (value instanceof Promise && value.then === nativeThen) {
    try {
      value.then(settled, failed);
      return;
    } catch {
      // It only inherits from one.
    }
  }
  toPromise(value).then(settled, failed);
}
