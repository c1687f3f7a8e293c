/**
 * What a parent does about a child that ended, in OTP's words. Pure: declarations, outcomes and times in, decisions out;
 * `supervisor` acts on them.
 *
 *     ended ──┬── asked to end, or by itself and not to be restarted ──► gone   (significant: the parent may stop, too)
 *             ├── failed, nothing declared ──► the parent fails
 *             └── permanent; transient and failed ──► restart, `intensity` times in `periodMs`; after that the parent fails
 *
 * Source: Erlang/OTP's `supervisor`. Its *temporary* child is `onFailure: 'ignore'` here.
 */
import { knownFields, milliseconds, oneOf, wholeNumber } from '../kernel/check.ts';
import type { RingBuffer } from '../kernel/ring-buffer.ts';
import { type BackoffOptions, type ResolvedBackoffOptions, resolveBackoffOptions } from './backoff.ts';
import type { Outcome } from './lifecycle.ts';

/** What a child's failure does to its parent: it fails too (`escalate`, the default), or is only told (`ignore`). */
export type FailurePolicy = 'escalate' | 'ignore';

export const failurePolicies: readonly FailurePolicy[] = ['escalate', 'ignore'];

/** When a child that has ended is started again: always (`permanent`), or when it has failed (`transient`). */
export type RestartPolicy = 'permanent' | 'transient';

export const restartPolicies: readonly RestartPolicy[] = ['permanent', 'transient'];

/**
 * Who is started again with a child that failed.
 * - `one-for-one`: that child alone.
 * - `one-for-all`: all children.
 * - `rest-for-one`: that child, and those that were started after it.
 */
export type RestartStrategy = 'one-for-one' | 'one-for-all' | 'rest-for-one';

const restartStrategies: readonly RestartStrategy[] = ['one-for-one', 'one-for-all', 'rest-for-one'];

/** When a parent stops because significant children have ended by themselves: the first of them (`any`), or the last (`all`). */
export type AutoShutdown = 'never' | 'any' | 'all';

const autoShutdowns: readonly AutoShutdown[] = ['never', 'any', 'all'];

/** How a thread supervises those of its children that are to be restarted. */
export interface SupervisionOptions {
  /** Who is restarted with a child: `one-for-one`. */
  readonly strategy?: RestartStrategy;
  /** So many restarts within `periodMs` are borne; one more, and the parent fails: 1. */
  readonly intensity?: number;
  /** 5000. */
  readonly periodMs?: number;
  /** How long to wait before a restart. Default: not at all. Each child counts its own failures. */
  readonly backoff?: BackoffOptions;
  /** Whether the end of significant children stops this thread: `never`. */
  readonly autoShutdown?: AutoShutdown;
}

export interface ResolvedSupervisionOptions {
  readonly strategy: RestartStrategy;
  readonly intensity: number;
  readonly periodMs: number;
  readonly backoff: ResolvedBackoffOptions | undefined;
  readonly autoShutdown: AutoShutdown;
}

export const defaultSupervision: ResolvedSupervisionOptions = {
  strategy: 'one-for-one',
  intensity: 1,
  periodMs: 5000,
  backoff: undefined,
  autoShutdown: 'never',
};

export function resolveSupervisionOptions(
  field: string,
  options: SupervisionOptions | undefined,
): ResolvedSupervisionOptions {
  if (options === undefined) return defaultSupervision;
  knownFields(field, options, ['strategy', 'intensity', 'periodMs', 'backoff', 'autoShutdown']);
  const { strategy, intensity, periodMs, autoShutdown } = { ...defaultSupervision, ...options };
  return {
    strategy: oneOf(`${field}.strategy`, strategy, restartStrategies),
    intensity: wholeNumber(`${field}.intensity`, intensity, 0),
    periodMs: milliseconds(`${field}.periodMs`, periodMs),
    backoff: options.backoff && resolveBackoffOptions(options.backoff, `${field}.backoff`),
    autoShutdown: oneOf(`${field}.autoShutdown`, autoShutdown, autoShutdowns),
  };
}

/** What a decision needs to know of a child. */
export interface SupervisedSpec {
  readonly onFailure: FailurePolicy;
  readonly restart: RestartPolicy | undefined;
  readonly significant: boolean;
}

/** How this incarnation of a child came to its end. */
export interface Ending {
  readonly outcome: Outcome;
  /** It was told to end, for good: by its parent, through its handle, by an OS signal. */
  readonly asked: boolean;
  /** Its `enter` was done. */
  readonly entered: boolean;
}

export type SupervisionDecision = 'gone' | 'fail-parent' | 'restart';

/** The decision for one child, apart from how many restarts are still borne. */
export function decide(
  { onFailure, restart }: SupervisedSpec,
  { outcome, asked, entered }: Ending,
): SupervisionDecision {
  const failed = outcome.kind === 'failed';
  if (restart === undefined) return failed && onFailure === 'escalate' ? 'fail-parent' : 'gone';
  if (asked) return 'gone';
  // Only a restart can find its child not entered: what fails to start is tried again, as in OTP, whatever its policy.
  return restart === 'permanent' || failed || !entered ? 'restart' : 'gone';
}

/** Why a stop begins: the thread asked for it itself, somebody else did, or something of it has failed. */
export type StopCause = 'finished' | 'asked' | 'failed';

/** True where another incarnation may follow a stop. `asked`, but not for good: it is to be started with a sibling. */
export function mayRestart(restart: RestartPolicy | undefined, cause: StopCause): boolean {
  return restart === 'permanent' || (restart === 'transient' && cause !== 'finished');
}

/** True when the end of this child stops its parent. `othersLeft`: significant children that have not ended. */
export function shutsParentDown(
  autoShutdown: AutoShutdown,
  { significant }: SupervisedSpec,
  othersLeft: number,
): boolean {
  return significant && (autoShutdown === 'any' || (autoShutdown === 'all' && othersLeft === 0));
}

/**
 * Counts a restart, and says whether it is still borne. `times` are those that count, oldest first: this one is added, and those that
 * are too old by now are taken out, each once, so that however many are borne a restart costs the same.
 */
export function countRestart(
  times: RingBuffer<number>,
  now: number,
  { intensity, periodMs }: ResolvedSupervisionOptions,
): boolean {
  while (times.length > 0 && now - times.at(0)! > periodMs) times.shift();
  times.push(now);
  return times.length <= intensity;
}

/** Of all children in the order of their start: those that are started again with `failed`, in that order. */
export function restartedWith<Child>(strategy: RestartStrategy, children: readonly Child[], failed: Child): Child[] {
  if (strategy === 'one-for-one') return [failed];
  return strategy === 'one-for-all' ? [...children] : children.slice(children.indexOf(failed));
}
