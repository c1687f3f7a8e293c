/**
 * The scope that is around the code which is running, for words that are not told whose wait it is: thredo's words inside a
 * spawned function. The core never asks it: its turns are passed explicitly.
 *
 * The storage is made when first needed, because one that is in use makes every await of the process dearer (on Node 20 and
 * 22 nearly three times): a program that never spawns a function does not pay for it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Scoped } from './cancel-scope.ts';
import { NoScopeError } from './errors.ts';

let storage: AsyncLocalStorage<Scoped> | undefined;

/** The scope around the running code; undefined outside of every spawned function. */
export function ambientScope(): Scoped | undefined {
  return storage?.getStore();
}

/** Runs work with a scope around it, and around everything that it awaits. */
export function runInScope<T>(scope: Scoped, work: () => T): T {
  storage ??= new AsyncLocalStorage();
  return storage.run(scope, work);
}

/** Runs work with no scope around it: what a tree does of its own accord is on nobody's behalf. */
export function outsideOfScopes(work: () => void): void {
  if (storage === undefined) work();
  else storage.exit(work);
}

/** The scope that was given, else the one around. Throws `NoScopeError` where there is neither. */
export function scopeOf(options: { readonly scope?: Scoped | undefined } | undefined, word: string): Scoped {
  const scope = options?.scope ?? ambientScope();
  if (scope === undefined) throw new NoScopeError(word);
  return scope;
}
