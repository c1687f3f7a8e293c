/**
 * `spawn`: a function as a child thread of the current one.
 */
import type { Scoped } from '../kernel/cancel-scope.ts';
import { functionOf, knownFields, oneOf } from '../kernel/check.ts';
import { InvalidOptionError } from '../kernel/errors.ts';
import type { AnyFunction } from './function-body.ts';
import { bodyOf, FUNCTION_OPTIONS, FunctionThread, type FunctionThreadOptions } from './function-thread.ts';
import type { GroupMembers } from './group-members.ts';
import { type Place, placeOf } from './place.ts';
import { Spawned } from './spawned.ts';
import { type ChildSpec, defaultChildSpec, type ResolvedChildSpec, resolveChildSpec } from './spec.ts';

/**
 * What becomes of the failure of a spawned thread: it is kept for its `join`, and of nobody has joined it when the function
 * that has spawned it has returned, it is that thread's failure (`join`); the spawning thread fails at once (`escalate`); it is
 * only reported (`ignore`).
 */
export type SpawnFailure = 'join' | 'escalate' | 'ignore';

/** Options of `spawn`, given before the function. */
export interface SpawnOptions extends FunctionThreadOptions, Pick<ChildSpec, 'owns'> {
  /** Not waited for when the function that has spawned it returns, but stopped: false. */
  readonly daemon?: boolean;
  /** `join`, and in a TaskThread: of the one who waits in `join`, else of the thread at once. */
  readonly onFailure?: SpawnFailure;
  /** Whose child it is: a turn or a thread. Default: the function around. */
  readonly scope?: Scoped;
}

const FAILURES: readonly SpawnFailure[] = ['join', 'escalate', 'ignore'];
const NAMES = [...FUNCTION_OPTIONS, 'owns', 'daemon', 'onFailure', 'scope'];
/** Functions of one thread stop together. */
const PEERS = 'functions';
const kept: ResolvedChildSpec = { ...defaultChildSpec, onFailure: 'ignore', peers: PEERS };

/**
 * Runs a function as a thread: a child of the thread around, in its tree, and stopped with it. It begins when its turn comes.
 * Options, if any, are given before the function: `spawn({ daemon: true }, poll, url)`.
 *
 * Throws, and then nothing has begun: `NoScopeError` outside of every function; `CancelledError` or `ThreadEndedError` where
 * the scope is over, `ThreadStoppingError` where the thread is stopping; `InvalidOptionError`.
 * *Ordering:* threads begin in the order in which they were spawned. Source: thredo's `spawn`.
 */
export function spawn<Args extends unknown[], Result>(
  run: (...args: Args) => Result,
  ...args: Args
): Spawned<Awaited<Result>>;
export function spawn<Args extends unknown[], Result>(
  options: SpawnOptions,
  run: (...args: Args) => Result,
  ...args: Args
): Spawned<Awaited<Result>>;
export function spawn(first: unknown, ...rest: unknown[]): Spawned {
  if (typeof first === 'function') return spawnAt(placeOf(undefined, 'spawn'), undefined, first as AnyFunction, rest);
  const [options, run, args] = optionsFirst<SpawnOptions>(first, rest);
  checkOptions(options);
  return spawnAt(placeOf(options, 'spawn'), options, run, args);
}

/** Takes apart `(options, run, ...args)`. */
export function optionsFirst<Options extends object>(
  first: unknown,
  rest: readonly unknown[],
): [options: Options, run: AnyFunction, args: unknown[]] {
  const [run, ...args] = rest;
  if (typeof first !== 'object' || first === null) throw new InvalidOptionError('run', first, 'a function');
  return [first as Options, functionOf('run', run) as AnyFunction, args];
}

export function checkOptions(options: SpawnOptions): void {
  knownFields('options', options, NAMES);
  oneOf('options.onFailure', options.onFailure ?? 'join', FAILURES);
  if (options.daemon !== undefined && typeof options.daemon !== 'boolean') {
    throw new InvalidOptionError('options.daemon', options.daemon, 'true or false');
  }
}

/** Spawns in the name of a thread, into a group of it if there is one. */
export function spawnAt(
  { life, scope }: Place,
  options: SpawnOptions | undefined,
  run: AnyFunction,
  args: readonly unknown[],
  group?: GroupMembers,
): Spawned {
  const onFailure = options?.onFailure ?? 'join';
  const spec = options === undefined ? kept : specOf(options, onFailure);
  life.schedulerIfStarted?.spend();
  const refusal = scope.cancelScope.refusal ?? life.refusalOfChild(spec);
  if (refusal !== undefined) {
    life.closeOwned(spec);
    throw refusal;
  }
  const thread = threadOf(run, args, options, () => life.closeOwned(spec));
  const body = bodyOf(thread);
  life.adopt(body.life, spec);
  body.spawnedBy(life, { daemon: options?.daemon ?? false, kept: onFailure === 'join', owner: group });
  group?.add(body);
  return new Spawned(body);
}

/** Its options are checked where it is made. */
function threadOf(
  run: AnyFunction,
  args: readonly unknown[],
  options: SpawnOptions | undefined,
  refused: () => void,
): FunctionThread {
  const { stop, supervision, progressMs, onOverdue } = options ?? {};
  // Threads that say nothing share what is said by default.
  const isSaid = (stop ?? supervision ?? progressMs ?? onOverdue) !== undefined;
  try {
    const said = { stop, supervision, progressMs, onOverdue } as FunctionThreadOptions;
    return new FunctionThread(run as () => unknown, args as [], isSaid ? said : undefined);
  } catch (error) {
    refused();
    throw error;
  }
}

function specOf({ name, owns }: SpawnOptions, onFailure: SpawnFailure): ResolvedChildSpec {
  return resolveChildSpec({
    ...(name !== undefined && { name }),
    ...(owns !== undefined && { owns }),
    onFailure: onFailure === 'escalate' ? 'escalate' : 'ignore',
    peers: PEERS,
  });
}
