/** Promises, and what behaves like them, when it is not known what was given. Pure. */

// oxlint-disable-next-line typescript/unbound-method -- it is compared, and not called
const nativeThen = Promise.prototype.then;

/** True of a promise and of what behaves like one. A plain promise is asked for first: V8 knows it by its shape. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  try {
    if (value instanceof Promise && value.then === nativeThen) return true;
  } catch {
    // It is asked once more, and what it throws then is thrown.
  }
  return typeof (value as { then?: unknown }).then === 'function';
}

/**
 * A real promise for it: one that settles once, later, and does not throw when it is asked. `resolve` hands a plain promise
 * through, but also one with a `then` of its own, which may do anything.
 */
export function toPromise(value: PromiseLike<unknown>): Promise<unknown> {
  try {
    const promise = Promise.resolve(value);
    if (promise.then === nativeThen && !Object.hasOwn(promise, 'then')) return promise;
  } catch {
    // What cannot be read fails below, later.
  }
  return new Promise((settle) => settle(value));
}

/**
 * Calls one of the two, once and later: what `toPromise(value).then(settled, failed)` does, without asking a plain promise whether it
 * is one. That costs a tenth of what passing a signal to an asynchronous handler does.
 */
export function whenSettled(
  value: PromiseLike<unknown>,
  settled: (value: unknown) => void,
  failed: (error: unknown) => void,
): void {
  try {
    if (value instanceof Promise && value.then === nativeThen) {
      value.then(settled, failed);
      return;
    }
  } catch {
    // It only looks like one.
  }
  new Promise((settle) => settle(value)).then(settled, failed);
}
