/**
 * What is declared about a thread (by itself, in its constructor) and about a child (by its parent, in `addChild`): options,
 * defaults, checks.
 */
import type { StopBudget } from '../intercom/edge.ts';
import {
  defaultLaneOptions,
  type LaneOptions,
  type ResolvedLaneOptions,
  resolveLaneOptions,
} from '../intercom/lane-options.ts';
import type { Scoped } from '../kernel/cancel-scope.ts';
import { functionOf, knownFields, oneOf, trueOrFalse, wholeNumber } from '../kernel/check.ts';
import { InvalidOptionError } from '../kernel/errors.ts';
import { isThenable, toPromise } from '../kernel/thenable.ts';
import { type LivenessOptions, type OverduePolicy, resolveLivenessOptions } from './liveness.ts';
import { defaultStopBudget, resolveStopOptions, type StopOptions } from './shutdown.ts';
import {
  defaultSupervision,
  type FailurePolicy,
  failurePolicies,
  type ResolvedSupervisionOptions,
  type RestartPolicy,
  resolveSupervisionOptions,
  restartPolicies,
  type SupervisionOptions,
} from './supervision.ts';

/** What a thread declares about itself, in its constructor: `super({ … })`. */
export interface ThreadOptions<Down, Up> {
  /** Its name in paths and reports. Default: the name of its class. */
  readonly name?: string;
  /** The lane from the parent. */
  readonly inbox?: LaneOptions<Down>;
  /** The lane to the parent. */
  readonly outbox?: LaneOptions<Up>;
  /** How long its stops may take when nobody says otherwise: 5000 ms to drain, 2000 ms to cancel. */
  readonly stop?: StopOptions;
  /** How it restarts children that are declared `restart`: each by itself, once in 5 seconds. */
  readonly supervision?: SupervisionOptions;
  /**
   * How long one execution of a hook may take, in milliseconds, before it is told as overdue. Holds for the threads below too, if
   * they do not say otherwise; `Infinity` is no limit. Default: what the parent says, else none.
   */
  readonly progressMs?: number;
  /** What follows: a record and an event (`report`, the default), or the thread fails with `OverdueError`, too (`restart`). */
  readonly onOverdue?: OverduePolicy;
}

export interface ResolvedThreadOptions {
  readonly name: string | undefined;
  readonly inbox: ResolvedLaneOptions;
  readonly outbox: ResolvedLaneOptions;
  readonly stop: StopBudget | undefined;
  readonly supervision: ResolvedSupervisionOptions;
  readonly liveness: LivenessOptions;
}

export const defaultThreadOptions: ResolvedThreadOptions = {
  name: undefined,
  inbox: defaultLaneOptions,
  outbox: defaultLaneOptions,
  stop: undefined,
  supervision: defaultSupervision,
  liveness: {},
};

export function resolveThreadOptions(options: ThreadOptions<never, never> | undefined): ResolvedThreadOptions {
  if (options === undefined) return defaultThreadOptions;
  const names = ['name', 'inbox', 'outbox', 'stop', 'supervision', 'progressMs', 'onOverdue'];
  knownFields('options', options, names);
  return {
    name: resolveName(options.name),
    inbox: resolveLaneOptions('options.inbox', options.inbox),
    outbox: resolveLaneOptions('options.outbox', options.outbox as LaneOptions<never> | undefined),
    stop: options.stop && resolveStopOptions(options.stop, defaultStopBudget),
    supervision: resolveSupervisionOptions('options.supervision', options.supervision),
    liveness: resolveLivenessOptions('options', options),
  };
}

/** Something that can be closed: handed over with a child by `owns`, it is closed when the child has ended. */
export type Closable =
  | { close(): unknown }
  | { destroy(): unknown }
  | { [Symbol.dispose](): void }
  | { [Symbol.asyncDispose](): PromiseLike<void> };

/** What a parent declares about one child. */
export interface ChildSpec {
  /** Its name in paths and reports. Default: what the child says itself. */
  readonly name?: string;
  /** What a failure of the child does to its parent, when it is not restarted: `escalate`. */
  readonly onFailure?: FailurePolicy;
  /**
   * The child is significant: where its parent's `supervision.autoShutdown` says so, its end stops the parent; not if the
   * parent has asked for that end, or if it is restarted.
   */
  readonly significant?: boolean;
  /** A resource that belongs to the child: closed when it has ended, on every path, also when it never began. */
  readonly owns?: Closable;
  /** Children with the same word here stop together instead of one after the other. */
  readonly peers?: string;
  /** The wait for the child's `enter` ends with this scope; the child is then stopped. Default: the thread's own. */
  readonly scope?: Scoped;
}

/** What a parent declares about a child that is to be restarted. The child must be given as a factory. */
export interface RestartSpec extends ChildSpec {
  /**
   * `permanent`: it is started again whenever it ends; `transient`: when it has failed. Not when it was asked to stop. How
   * often, and who else with it, says the parent's `supervision`. What was sent to it waits meanwhile.
   */
  readonly restart: RestartPolicy;
  /** How many times more a signal is delivered whose handler had failed; after that it is a dead letter: 0. */
  readonly redeliver?: number;
}

export interface ResolvedChildSpec {
  readonly name: string | undefined;
  readonly onFailure: FailurePolicy;
  readonly significant: boolean;
  readonly restart: RestartPolicy | undefined;
  readonly redeliver: number;
  /** Makes the life of another incarnation. */
  readonly again: (() => unknown) | undefined;
  readonly owns: Closable | undefined;
  readonly peers: string | undefined;
  readonly scope: Scoped | undefined;
  readonly onSignal: ((signal: never, child: never, turn: never) => unknown) | undefined;
}

export const defaultChildSpec: ResolvedChildSpec = {
  name: undefined,
  onFailure: 'escalate',
  significant: false,
  restart: undefined,
  redeliver: 0,
  again: undefined,
  owns: undefined,
  peers: undefined,
  scope: undefined,
  onSignal: undefined,
};

const SPEC_NAMES = ['name', 'onFailure', 'significant', 'restart', 'redeliver', 'owns', 'peers', 'scope', 'onSignal'];

/** A spec as it is given, of whichever kind. */
export type AnyChildSpec = ChildSpec & Partial<RestartSpec> & { readonly onSignal?: ResolvedChildSpec['onSignal'] };

/** `again` is there when the child was given as a factory. */
export function resolveChildSpec(
  spec: AnyChildSpec | undefined,
  { autoShutdown }: ResolvedSupervisionOptions = defaultSupervision,
  again?: () => unknown,
): ResolvedChildSpec {
  if (spec === undefined) return defaultChildSpec;
  knownFields('spec', spec, SPEC_NAMES);
  const restart = spec.restart && oneOf('spec.restart', spec.restart, restartPolicies);
  if (spec.significant === true && autoShutdown === 'never') {
    const expected = "false, unless supervision.autoShutdown of the parent is 'any' or 'all'";
    throw new InvalidOptionError('spec.significant', spec.significant, expected);
  }
  if (restart !== undefined) checkRestart(spec, again);
  else if (spec.redeliver !== undefined) {
    throw new InvalidOptionError('spec.redeliver', spec.redeliver, 'absent, because nothing restarts this child');
  }
  return {
    name: resolveName(spec.name),
    onFailure: oneOf('spec.onFailure', spec.onFailure ?? 'escalate', failurePolicies),
    significant: trueOrFalse('spec.significant', spec.significant ?? false),
    restart,
    redeliver: wholeNumber('spec.redeliver', spec.redeliver ?? 0, 0),
    again: restart && again,
    owns: spec.owns === undefined ? undefined : checkClosable(spec.owns),
    peers: resolvePeers(spec.peers),
    scope: resolveScope(spec.scope),
    onSignal: spec.onSignal && functionOf('spec.onSignal', spec.onSignal),
  };
}

/** Closes what was handed over. Returns what went wrong, if anything; a promise's failure goes to `late`. */
export function closeOwned(owned: Closable, late: (error: unknown) => void): void {
  try {
    const result = callClose(owned);
    if (isThenable(result)) toPromise(result).catch(late);
  } catch (error) {
    late(error);
  }
}

function callClose(owned: Closable): unknown {
  if ('close' in owned) return owned.close();
  if ('destroy' in owned) return owned.destroy();
  if (Symbol.asyncDispose in owned) return owned[Symbol.asyncDispose]();
  return owned[Symbol.dispose]();
}

/** True of what `closeOwned` can close. */
export function isClosable(owned: unknown): owned is Closable {
  if (typeof owned !== 'object' || owned === null) return false;
  return 'close' in owned || 'destroy' in owned || Symbol.asyncDispose in owned || Symbol.dispose in owned;
}

function checkClosable(owned: Closable): Closable {
  if (!isClosable(owned))
    throw new InvalidOptionError('spec.owns', owned, 'something with close, destroy or a dispose symbol');
  return owned;
}

function checkRestart({ restart, onFailure, significant }: AnyChildSpec, again: unknown): void {
  if (again === undefined) {
    throw new InvalidOptionError('spec.restart', restart, 'absent for an instance, which has one life: give a factory');
  }
  if (onFailure === 'ignore') {
    throw new InvalidOptionError(
      'spec.onFailure',
      onFailure,
      "'escalate' for a child that is restarted, or restart absent",
    );
  }
  if (restart === 'permanent' && significant === true) {
    throw new InvalidOptionError(
      'spec.significant',
      significant,
      'false for a permanent child, which never ends by itself',
    );
  }
}

function resolveName(name: string | undefined): string | undefined {
  if (name === undefined || (typeof name === 'string' && name !== '' && !name.includes('/'))) return name;
  throw new InvalidOptionError('name', name, 'a word without a slash');
}

function resolvePeers(peers: string | undefined): string | undefined {
  if (peers === undefined || (typeof peers === 'string' && peers !== '')) return peers;
  throw new InvalidOptionError('spec.peers', peers, 'a word that the peers share');
}

function resolveScope(scope: Scoped | undefined): Scoped | undefined {
  if (scope === undefined || (typeof scope === 'object' && scope !== null && 'cancelScope' in scope)) return scope;
  throw new InvalidOptionError('spec.scope', scope, 'a turn, a thread or a cancel scope');
}
