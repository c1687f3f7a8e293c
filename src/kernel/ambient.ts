/**
 * The scope that is around the code which is running, for words that are not told whose wait it is: thredo's words inside a
 * spawned function. The core never asks it: its turns are passed explicitly, and what the scheduler runs has no scope around
 * it. How it is kept, and what that costs, is in `ambient-storage`.
 */
import { around, runWith } from './ambient-storage.ts';
import type { Scoped } from './cancel-scope.ts';
import { NoScopeError } from './errors.ts';

/** The scope around the running code; undefined outside of every spawned function. */
export function ambientScope(): Scoped | undefined {
  return around() as Scoped | undefined;
}

/** Runs work with a scope around it, and around everything that it awaits. */
export function runInScope<T>(scope: Scoped, work: () => T): T {
  return runWith(scope, work);
}

/** The scope that was given, else the one around. Throws `NoScopeError` where there is neither. */
export function scopeOf(options: { readonly scope?: Scoped | undefined } | undefined, word: string): Scoped {
  const scope = options?.scope ?? ambientScope();
  if (scope === undefined) throw new NoScopeError(word);
  return scope;
}
