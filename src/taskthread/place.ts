/**
 * Where thredo's words are said: the thread whose words they are and the scope of it that they wait in, found from the scope
 * that was given or from the one around.
 */
import { scopeOf } from '../kernel/ambient.ts';
import type { Scoped } from '../kernel/cancel-scope.ts';
import { InvalidOptionError } from '../kernel/errors.ts';
import { lifeOf, TaskThread } from './taskthread.ts';
import { ThreadLife } from './thread-life.ts';
import { Turn } from './turn.ts';

/** A thread, and a scope of it. */
export interface Place {
  readonly life: ThreadLife;
  readonly scope: Scoped;
  /** What is being executed there, in words; and its turn, where that is known. */
  readonly what: string;
  readonly turn: Turn | undefined;
}

/** Errors: `NoScopeError`, `InvalidOptionError` for a scope that is no thread's. */
export function placeOf(options: { readonly scope?: Scoped | undefined } | undefined, word: string): Place {
  const scope = scopeOf(options, word);
  const life = lifeIn(scope);
  if (life === undefined) throw new InvalidOptionError('scope', scope, 'a turn or a thread');
  if (scope instanceof Turn) return { life, scope, what: scope.what, turn: scope };
  return { life, scope, what: 'a callback', turn: undefined };
}

/** The thread that a scope belongs to, where that is known: not of a cancel scope. */
export function lifeIn(scope: Scoped | undefined): ThreadLife | undefined {
  if (scope instanceof TaskThread) return lifeOf(scope);
  const owner = scope instanceof Turn ? Turn.ownerOf(scope) : undefined;
  return owner instanceof ThreadLife ? owner : undefined;
}
