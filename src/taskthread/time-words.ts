/**
 * thredo's words on time and cancelling, for functions: `sleep`, the four time limits, `shield`, `checkCancelled`. Each finds
 * the scope around it, or takes another one; what it does is in `time-limit` and the kernel's `sleep`.
 */
import { runInScope, scopeOf } from '../kernel/ambient.ts';
import { calm } from '../kernel/calm.ts';
import type { Scoped } from '../kernel/cancel-scope.ts';
import { functionOf, knownFields, milliseconds } from '../kernel/check.ts';
import { InvalidOptionError, ThreadEndedError, TimeoutError } from '../kernel/errors.ts';
import { rejected, sleep as sleepIn } from '../kernel/wait-queue.ts';
import type { WaitOptions } from './child.ts';
import { FunctionTurn } from './function-turn.ts';
import { placeOf } from './place.ts';
import { withinLimit } from './time-limit.ts';

/** A length of time in milliseconds, or `null` for none of its own; as an object with the scope that it is in. */
export type Within = number | null | { readonly ms: number | null; readonly scope?: Scoped };

/** A moment of the tree's clock in milliseconds, or `null` for none; as an object with the scope that it is in. */
export type Until = number | null | { readonly at: number | null; readonly scope?: Scoped };

/** What became of work that may be cut off. */
export type Ignored<T> =
  | { readonly expired: false; readonly result: T }
  /** The time was over first. */
  | { readonly expired: true; readonly result: undefined };

type Work<Args extends unknown[], Result> = (...args: Args) => Result;

/**
 * Waits for so many milliseconds; 0 gives the event loop its turn.
 *
 * Rejects with `CancelledError`, `ThreadEndedError`, `NoScopeError`, `InvalidOptionError`. *Cancel-safe:* no timer is left.
 * Source: thredo's `sleep`.
 */
export function sleep(ms: number, options?: WaitOptions): Promise<void> {
  try {
    const scope = scopeOf(options, 'sleep');
    return sleepIn(milliseconds('ms', ms), scope.cancelScope, scope);
  } catch (error) {
    return Promise.reject(error);
  }
}

/**
 * Runs a function with a time limit, and gives what it returns. When the time is over, the wait that it is in throws
 * `CancelledError`, and so does every later one. The function has a scope of its own around it; to wait for a group of
 * statements, give an arrow function: `timeoutAfter(1000, async () => { … })`.
 *
 * Limits nest, the earliest holds, and each is told apart. Rejects with `TimeoutError` when it was this limit's time that
 * passed, and only then; when one around it passes first, what is inside sees a `CancelledError` and cannot take it for its
 * own. A `TimeoutError` from further in that nobody has caught there is an `UncaughtTimeoutError` here. `null` is no limit of
 * its own: those around it hold.
 *
 * *Cancel-safe:* as what it runs; no timer is left. Source: thredo's and curio's `timeout_after`.
 */
export function timeoutAfter<Args extends unknown[], Result>(
  within: Within,
  work: Work<Args, Result>,
  ...args: Args
): Promise<Awaited<Result>> {
  return calm(limited('timeoutAfter', { within }, work, args));
}

/** As `timeoutAfter`, up to a moment: of `currentThread().clock.now()`. One that has passed ends the first wait. *Cancel-safe:* as there. */
export function timeoutAt<Args extends unknown[], Result>(
  until: Until,
  work: Work<Args, Result>,
  ...args: Args
): Promise<Awaited<Result>> {
  return calm(limited('timeoutAt', { until }, work, args));
}

/**
 * As `timeoutAfter`, but that the time was over is no error: it resolves with `expired` and, when it is false, the `result`.
 * Other limits, around it or further in, are the errors that they are there. *Cancel-safe:* as there.
 */
export function ignoreAfter<Args extends unknown[], Result>(
  within: Within,
  work: Work<Args, Result>,
  ...args: Args
): Promise<Ignored<Awaited<Result>>> {
  return calm(ignored(limited('ignoreAfter', { within }, work, args)));
}

/** As `ignoreAfter`, up to a moment: of `currentThread().clock.now()`. *Cancel-safe:* as there. */
export function ignoreAt<Args extends unknown[], Result>(
  until: Until,
  work: Work<Args, Result>,
  ...args: Args
): Promise<Ignored<Awaited<Result>>> {
  return calm(ignored(limited('ignoreAt', { until }, work, args)));
}

/**
 * Runs a function that a cancel from outside does not reach, for clean-up, for at most so many milliseconds: then its own waits
 * are cancelled, and `shield` rejects with `TimeoutError`. *Cancel-safe:* as what it runs; no timer is left. Source: curio's `disable_cancellation`, which has no limit.
 */
export function shield<Args extends unknown[], Result>(
  within: number | { readonly ms: number; readonly scope?: Scoped },
  work: Work<Args, Result>,
  ...args: Args
): Promise<Awaited<Result>> {
  return calm(limited('shield', { within }, work, args));
}

/**
 * Throws `CancelledError` if the scope is cancelled. For long work without waits, between two `sleep(0)`. Errors:
 * `ThreadEndedError`, `NoScopeError`. Source: curio's `check_cancellation`.
 */
export function checkCancelled(options?: WaitOptions): void {
  scopeOf(options, 'checkCancelled').cancelScope.check();
}

/** The time in a limit, from either of its forms. */
type Time = { readonly within: Within } | { readonly until: Until };

async function limited<Args extends unknown[], Result>(
  word: string,
  time: Time,
  work: Work<Args, Result>,
  args: Args,
): Promise<Awaited<Result>> {
  functionOf('work', work);
  const { ms, at, scope } = partsOf(time);
  const place = placeOf({ scope }, word);
  const { host } = place.life;
  if (place.life.ended) return rejected(new ThreadEndedError(place.life.path), host.scheduler);
  const given = ms ?? (at === undefined ? undefined : Math.max(0, at - host.clock.now()));
  const limit = {
    what: work.name === '' ? 'the work' : work.name,
    timeoutMs: given,
    outer: place.scope.cancelScope,
    shielded: word === 'shield',
  };
  return withinLimit(host, limit, (inner) =>
    runInScope(
      new FunctionTurn(place.life, place.what, inner, place.turn?.party),
      () => work(...args) as Awaited<Result> | Promise<Awaited<Result>>,
    ),
  );
}

async function ignored<T>(work: Promise<T>): Promise<Ignored<T>> {
  try {
    return { expired: false, result: await work };
  } catch (error) {
    // Only its own: those of others are something else by now.
    if (error instanceof TimeoutError) return { expired: true, result: undefined };
    throw error;
  }
}

function partsOf(time: Time): { ms?: number; at?: number; scope: Scoped | undefined } {
  const isUntil = 'until' in time;
  const given = isUntil ? time.until : time.within;
  const name = isUntil ? 'at' : 'ms';
  if (typeof given !== 'object' || given === null) return { ...checked(name, given), scope: undefined };
  knownFields('options', given, [name, 'scope']);
  return { ...checked(name, (given as { ms?: number; at?: number })[name]), scope: given.scope };
}

function checked(name: 'ms' | 'at', value: number | null | undefined): { ms?: number; at?: number } {
  if (value === null) return {};
  if (name === 'ms') return { ms: milliseconds('ms', value) };
  if (typeof value === 'number' && Number.isFinite(value)) return { at: value };
  throw new InvalidOptionError('at', value, "a moment of the tree's clock in milliseconds");
}
