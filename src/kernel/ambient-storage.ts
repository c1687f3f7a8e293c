/**
 * Where the value around running code is kept: behind every await, callback and timer that the code brings about. What the
 * value is, `ambient` knows; here it is only held, so that the scheduler can step out of it.
 *
 * The storage is made when first needed, because one that is in use makes every await of the process dearer (on Node 20 and
 * 22 nearly three times): a program that never spawns a function does not pay for it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

let storage: AsyncLocalStorage<object> | undefined;

export function around(): object | undefined {
  return storage?.getStore();
}

export function runWith<T>(value: object, work: () => T): T {
  storage ??= new AsyncLocalStorage();
  return storage.run(value, work);
}

/** Runs work with nothing around it: what a tree does of its own accord is on nobody's behalf. */
export function runOutside(work: () => void): void {
  if (storage === undefined) work();
  else storage.exit(work);
}
