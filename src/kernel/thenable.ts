/** Promises, and what behaves like them, when it is not known what was given. Pure. */

/** True of a promise and of what behaves like one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/**
 * A real promise for it: one that settles once, later, and does not throw when it is asked. `resolve` hands
 * a plain promise through, which costs nothing, but also one with a `then` of its own, which may do anything.
 */
export function toPromise(value: PromiseLike<unknown>): Promise<unknown> {
  const promise = Promise.resolve(value);
  return promise.then === Promise.prototype.then ? promise : new Promise((settle) => settle(promise));
}
