/**
 * How a tree begins: a root gets a host (clock, scheduler, probe) and, above it, an outside that takes no signals.
 */
import type { ParentEnd } from '../intercom/edge.ts';
import { LocalEdge } from '../intercom/local-edge.ts';
import { knownFields, optionalFunction, trueOrFalse } from '../kernel/check.ts';
import type { Clock } from '../kernel/clock.ts';
import { messageOf } from '../kernel/describe.ts';
import { AlreadyStartedError, CancelledError } from '../kernel/errors.ts';
import { type Host, makeHost } from '../kernel/host.ts';
import type { LifecycleRecord } from '../kernel/probe.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import { type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import type { Child } from './child.ts';
import { resolveChildSpec } from './spec.ts';
import { lifeOf, type TaskThread } from './taskthread.ts';
import type { ThreadLife } from './thread-life.ts';

/** Options of a root. */
export interface StartOptions {
  /** The time that the whole tree sees. Default: the machine's. */
  readonly clock?: Clock;
  /** Decides what runs next in the whole tree. Default: in the order of arrival, in slices of 2 ms. */
  readonly scheduler?: Scheduler;
  /** Gives numbers from 0 up to but not including 1, for backoff and the like. Default: `Math.random`. */
  readonly random?: () => number;
  /**
   * Each wait keeps where in the program it began, for snapshots and for the report of a stop. Costs some microseconds for each
   * wait: for finding what hangs. Default: false.
   */
  readonly traceWaits?: boolean;
  /** Told of everything that happens in the tree: entered, failed, stopping, ended, dead letters, … */
  readonly onRecord?: (record: LifecycleRecord) => void;
  /** The name of the root in paths. */
  readonly name?: string;
}

/** What stands above a root. */
class Outside implements ParentEnd, WaitOwner {
  readonly host: Host;
  readonly path = '';
  readonly outside = true;
  readonly cancelScope = undefined;
  readonly refusal = undefined;
  readonly #line = new WaitQueue();
  readonly #observed: () => boolean;

  constructor(host: Host, observed: () => boolean) {
    this.host = host;
    this.#observed = observed;
  }

  waitEntered(edge: LocalEdge): Promise<unknown> {
    edge.entering = this.#line.parkWaiter(this, { item: edge, scheduler: this.host.scheduler });
    return edge.entering.promise;
  }

  childEntered(edge: LocalEdge): void {
    edge.entering?.wake((edge.child as ThreadLife).handle);
    edge.entering = undefined;
  }

  childEnded(edge: LocalEdge): void {
    const { outcome, path } = edge.child as ThreadLife;
    const { entering } = edge;
    edge.entering = undefined;
    if (entering !== undefined) {
      entering.fail(outcome?.kind === 'failed' ? outcome.error : new CancelledError(`${path} was stopped in enter`));
    } else if (outcome?.kind === 'failed' && !this.#observed()) {
      // A root has no parent to own its failure; if nobody waits for its end either, it must still not be silent.
      process.emitWarning(`${path} failed: ${messageOf(outcome.error)}`, 'TaskThreadWarning');
    }
  }

  restarts(): boolean {
    return false;
  }

  giveUpRestart(): void {}
  laneReady(): void {}
  forgetLane(): void {}
  deadLetter(): void {}
  overflowed(): void {}
  waitCancelled(): void {}

  describeWait(): string {
    return 'enter of a root';
  }
}

/** Asked of every root of this process before it begins; may throw. */
let admission: ((host: Host) => void) | undefined;

/**
 * Until the function that it gives is called, a root begins only where `admit` does not throw: for a simulation, which cannot
 * control a tree that another scheduler runs.
 */
export function admitRoots(admit: (host: Host) => void): () => void {
  admission = admit;
  return () => {
    admission = undefined;
  };
}

/** A root that has been started, and the wait for its `enter`. */
export interface Launched<C> {
  readonly life: ThreadLife;
  readonly handle: Child<C>;
  readonly entered: Promise<unknown>;
}

export function launch<C extends TaskThread<never, never, never>>(
  make: (() => C) | C,
  options: StartOptions = {},
): Launched<C> {
  knownFields('options', options, ['clock', 'scheduler', 'random', 'traceWaits', 'onRecord', 'name']);
  optionalFunction('options.random', options.random);
  trueOrFalse('options.traceWaits', options.traceWaits ?? false);
  optionalFunction('options.onRecord', options.onRecord);
  const spec = resolveChildSpec(options.name === undefined ? undefined : { name: options.name });
  const host = makeHost(options);
  host.scheduler.admit?.();
  const life = lifeOf(typeof make === 'function' ? make() : make);
  if (life.started) throw new AlreadyStartedError(life.path);
  admission?.(host);
  const outside = new Outside(host, () => life.observed);
  const edge = new LocalEdge(outside, life, spec);
  life.attach(edge);
  const entered = outside.waitEntered(edge);
  outside.host.scheduler.enqueue(life);
  return { life, handle: life.handle as unknown as Child<C>, entered };
}

/**
 * Starts a root thread and gives its handle when its `enter` is done.
 *
 * Rejects with what `enter` threw, `AlreadyStartedError`, `InvalidOptionError`. The handle stops the whole tree: `stop()`, or
 * `await using`. *Cancel-safe:* it belongs to no scope.
 */
export async function start<C extends TaskThread<never, never, never>>(
  make: (() => C) | C,
  options?: StartOptions,
): Promise<Child<C>> {
  const { handle, entered } = launch(make, options);
  await entered;
  return handle;
}
