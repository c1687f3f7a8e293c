/**
 * The base class that users extend: its words and their documentation. What drives a thread is in `runtime` and `thread-life`;
 * a thread holds nothing but that.
 */
import type { Reply } from '../intercom/ask.ts';
import type { CancelScope, Scoped } from '../kernel/cancel-scope.ts';
import type { Clock } from '../kernel/clock.ts';
import { AlreadyStartedError, InvalidOptionError, MissingHandlerError, ThreadEndedError } from '../kernel/errors.ts';
import { failing, rejected } from '../kernel/wait-queue.ts';
import type { AnyChild, Child, DownOf, Protocol, UpOf, WaitOptions } from './child.ts';
import { ChildHandle } from './child-handle.ts';
import type { ChildSignalHook } from './children.ts';
import type { ThreadEventEmitter } from './events.ts';
import type { Outcome } from './lifecycle.ts';
import type { ChildEndedHook, SignalHook } from './hooks.ts';
import type { ThreadSnapshot } from './snapshot.ts';
import {
  type AnyChildSpec,
  type ChildSpec,
  isClosable,
  type ResolvedChildSpec,
  type RestartSpec,
  resolveChildSpec,
  resolveThreadOptions,
  type ThreadOptions,
} from './spec.ts';
import type { TaskRegistry } from './task-registry.ts';
import type { LifeHook } from './thread-exit.ts';
import { ThreadLife } from './thread-life.ts';
import type { Turn } from './turn.ts';

/** A thread of any type. */
export type AnyThread = TaskThread<never, unknown, never>;

/** A class of threads, as a word to find children by. */
export type ThreadClass<C> = abstract new (...args: never[]) => C;

/** What `addChild` takes: a factory, which is called once, or an instance. */
export type ChildSource<C> = (() => C) | C;

/** Handles the signals of one child by itself, typed by that child. */
export interface SignalListener<C, out Up> {
  readonly onSignal: (signal: UpOf<C>, child: Child<C>, turn: Turn<Up>) => unknown;
}

let makeLife: (thread: AnyThread, options: ThreadOptions<never, never> | undefined) => ThreadLife;
let lifeOfThread: (thread: AnyThread) => ThreadLife;
let addChildOf: (life: ThreadLife, make: ChildSource<AnyThread>, spec: ChildSpec) => Promise<unknown>;

/** The life of a thread. Not for users. */
export function lifeOf(thread: AnyThread): ThreadLife {
  if (!(thread instanceof TaskThread)) throw new InvalidOptionError('thread', thread, 'a TaskThread');
  return lifeOfThread(thread);
}

/** The same, of a thread that must not have been started. */
function newLifeOf(thread: AnyThread): ThreadLife {
  const life = lifeOf(thread);
  if (life.started) throw new AlreadyStartedError(life.path);
  return life;
}

/** `addChild` of the thread with this life. Not for users. */
export function addChildTo(life: ThreadLife, make: ChildSource<AnyThread>, spec: ChildSpec): Promise<unknown> {
  return addChildOf(life, make, spec);
}

/**
 * A thread: an owner of tasks, of child threads, and of the two bounded queues to its parent. Extend it, override the hooks
 * that you need, and start it with `addChild`, `start` or `runMain`.
 *
 * `Down` is what it takes from its parent, `Up` what it sends to it, `ChildUp` what it takes from its children.
 *
 * Guarantees: its hooks never overlap one another (`enter`, the handlers, `childEnded`); signals of one edge come in the order
 * sent; when it has ended, nothing of it is left. Anything that a hook or task throws fails the thread, and its parent is told.
 * Source: Python's TaskThread.
 */
export abstract class TaskThread<in Down = never, out Up = never, in ChildUp = never> implements Scoped {
  /** Carries the protocol in the type. Never set. */
  declare readonly '~protocol'?: Protocol<Down, Up, ChildUp>;
  readonly #life: ThreadLife;

  // oxlint-disable typescript/unbound-method -- hooks are looked up once, and called with the thread as `this`
  static {
    class Life extends ThreadLife {
      readonly thread: AnyThread;

      constructor(thread: AnyThread, options: ThreadOptions<never, never> | undefined) {
        super(resolveThreadOptions(options));
        this.thread = thread;
      }

      get type(): string {
        return this.thread.constructor.name || 'TaskThread';
      }

      protected override enterHook(): LifeHook | undefined {
        const { enter } = this.thread;
        return enter === TaskThread.prototype.enter ? undefined : (enter as LifeHook);
      }

      protected override exitHook(): LifeHook | undefined {
        const { exit } = this.thread;
        return exit === TaskThread.prototype.exit ? undefined : (exit as LifeHook);
      }

      protected override signalHook(): SignalHook {
        return this.thread.signalHandler;
      }

      protected override childSignalHook(): ChildSignalHook {
        return this.thread.childSignalHandler;
      }

      protected override childEndedHook(): ChildEndedHook | undefined {
        const { childEnded } = this.thread;
        return childEnded === TaskThread.prototype.childEnded ? undefined : (childEnded as ChildEndedHook);
      }
    }
    makeLife = (thread, options) => new Life(thread, options);
    lifeOfThread = (thread) => thread.#life;
    addChildOf = (life, make, spec) => (life as Life).thread.addChild(make as never, spec as never);
  }
  // oxlint-enable typescript/unbound-method

  /** Errors: `InvalidOptionError`. A constructor has no side effects: nothing happens before the thread is started. */
  constructor(options?: ThreadOptions<Down, Up>) {
    this.#life = makeLife(this, options as ThreadOptions<never, never> | undefined);
  }

  // ---- hooks ----

  /** Called once, first. Add children and create tasks here; when it is done, the thread runs. */
  protected enter(_turn: Turn<Up>): void | Promise<void> {}

  /**
   * Called once, last, if `enter` was begun: children have ended, tasks too. It is shielded from cancels, within the stop's
   * budget; what it sends to the parent still arrives.
   */
  protected exit(_turn: Turn<Up>): void | Promise<void> {}

  /** Takes a signal of the parent. Return nothing, or what `turn.send…` returned: that costs least. */
  protected signalHandler(_signal: Down, _turn: Turn<Up>): unknown {
    throw new MissingHandlerError(this.path, 'signalHandler');
  }

  /** Takes a signal of a child. */
  protected childSignalHandler(_signal: ChildUp, _child: AnyChild, _turn: Turn<Up>): unknown {
    throw new MissingHandlerError(this.path, 'childSignalHandler');
  }

  /** A child has ended, and all that it had sent was handled. For reacting; what its failure does is declared in `addChild`. */
  protected childEnded(_child: AnyChild, _outcome: Outcome, _turn: Turn<Up>): void | Promise<void> {}

  // ---- words, for hooks and for callbacks from elsewhere ----

  /** A number, unique in its tree; 0 before the start. */
  get id(): number {
    return this.#life.id;
  }

  /** Where it stands in the tree: `/Master-1/Server-3`. */
  get path(): string {
    return this.#life.path;
  }

  toString(): string {
    return this.#life.path;
  }

  /** The thread's own scope, so that a thread can be given wherever `{ scope }` is asked for. */
  get cancelScope(): CancelScope {
    return this.#life.getScope();
  }

  get refusal(): Error | undefined {
    return this.#life.refusal;
  }

  get holder(): object {
    return this.#life.getScope().holder;
  }

  /** Fires when the thread is cancelled. */
  protected get abortSignal(): AbortSignal {
    return this.#life.getScope().abortSignal;
  }

  /** The tree's clock: the only way to the time that a test can replace. Errors: `TT_NOT_STARTED` in the constructor. */
  protected get clock(): Clock {
    return this.#life.host.clock;
  }

  /** A number from 0 up to but not including 1, from the tree's one source, which a test can replace. Errors: as `clock`. */
  protected random(): number {
    return this.#life.host.random();
  }

  /** The rescheduling tasks, by name. */
  protected get tasks(): TaskRegistry<Up> {
    return this.#life.tasks as unknown as TaskRegistry<Up>;
  }

  /** Life-cycle events of this thread: of this incarnation, where it is started again. */
  protected get events(): ThreadEventEmitter {
    return this.#life.events;
  }

  /** The children that have not ended, in the order of their start. */
  protected get children(): readonly AnyChild[] {
    const handles: AnyChild[] = [];
    for (const edge of this.#life.children ?? []) handles.push((edge.child as ThreadLife).handle);
    return handles;
  }

  /** How many children have not ended; costs nothing. */
  protected get childCount(): number {
    return this.#life.children?.size ?? 0;
  }

  /**
   * Adds a child: attaches it, starts it and listens to it in one step. Resolves with its handle when its `enter` is done.
   *
   * Rejects with what `enter` (or the factory) threw, and nothing of the child is left; `ThreadStoppingError`,
   * `AlreadyStartedError`, `InvalidOptionError`; with `scope: turn` also `DeadlockError`, when `enter` waits for the hook whose turn
   * it is. What `owns` names is closed on each of these paths. A failure that nobody looks
   * at (`void this.addChild(…)`) is this thread's own: a child that fails in `enter` escalates or is ignored as declared, and a
   * wrong use fails this thread.
   * *Cancel-safe:* a cancelled addChild stops the child.
   */
  protected addChild<C extends TaskThread<never, unknown, never>>(
    make: () => C,
    spec: RestartSpec & SignalListener<C, Up>,
  ): Promise<Child<C>>;
  protected addChild<C extends TaskThread<never, ChildUp, never>>(
    make: () => C,
    spec: RestartSpec & { readonly onSignal?: never },
  ): Promise<Child<C>>;
  protected addChild<C extends TaskThread<never, unknown, never>>(
    make: ChildSource<C>,
    spec: ChildSpec & SignalListener<C, Up> & { readonly restart?: never },
  ): Promise<Child<C>>;
  protected addChild<C extends TaskThread<never, ChildUp, never>>(
    make: ChildSource<C>,
    spec?: ChildSpec & { readonly onSignal?: never; readonly restart?: never },
  ): Promise<Child<C>>;
  protected addChild(make: ChildSource<AnyThread>, spec?: AnyChildSpec): Promise<unknown> {
    const life = this.#life;
    let resolved: ResolvedChildSpec;
    try {
      const again = typeof make === 'function' ? () => newLifeOf(make()) : undefined;
      resolved = resolveChildSpec(spec, life.options.supervision, again);
    } catch (error) {
      if (isClosable(spec?.owns)) life.closeOwned({ owns: spec.owns });
      return life.refuseChild(error, 'escalate');
    }
    // Asked before the factory is called, and again after it: it may have stopped the thread.
    const refusal = life.refusalOfChild(resolved);
    if (refusal !== undefined) {
      life.closeOwned(resolved);
      return life.started ? rejected(refusal, life.schedulerIfStarted) : failing(refusal);
    }
    try {
      return life.addChild(newLifeOf(typeof make === 'function' ? make() : make), resolved);
    } catch (error) {
      life.closeOwned(resolved);
      return life.refuseChild(error, resolved.onFailure);
    }
  }

  /** Finds a child by its id, by its class, or by both. */
  protected findChild(id: number): AnyChild | undefined;
  protected findChild<C extends AnyThread>(type: ThreadClass<C>): Child<C> | undefined;
  protected findChild<C extends AnyThread>(id: number, type: ThreadClass<C>): Child<C> | undefined;
  protected findChild(a: number | ThreadClass<AnyThread>, b?: ThreadClass<AnyThread>): unknown {
    const id = typeof a === 'number' ? a : undefined;
    const type = typeof a === 'number' ? b : a;
    for (const edge of this.#life.children ?? []) {
      const child = edge.child as ThreadLife;
      if ((id === undefined || child.id === id) && (type === undefined || child.is(type))) return child.handle;
    }
    return undefined;
  }

  /** All children of a class, in the order of their start. */
  protected childrenOf<C extends AnyThread>(type: ThreadClass<C>): Child<C>[] {
    return this.#life.handlesOf(type) as unknown[] as Child<C>[];
  }

  /** As the turn's word, in the thread's scope. In a hook or task prefer the turn's. *Ordering:* and *Cancel-safe:* as there. */
  protected send<C>(child: Child<C>, signal: DownOf<C>, options?: WaitOptions): Promise<void> | undefined {
    return ChildHandle.sendFrom(this.#life, child, signal, options?.scope ?? this.#life);
  }

  /** As the turn's word, in the thread's scope. *Ordering:* and *Cancel-safe:* as there. */
  protected sendToParent(signal: Up, options?: WaitOptions): Promise<void> | undefined {
    const life = this.#life;
    if (life.ended) return rejected(new ThreadEndedError(life.path, signal), life.schedulerIfStarted);
    const wait = options?.scope ?? life;
    const { refusal } = wait;
    return refusal === undefined ? life.edge.sendUp(signal, wait) : rejected(refusal, life.schedulerIfStarted);
  }

  /** Sends to the parent without waiting. False when the signal would have to wait or is refused. Errors: `ThreadEndedError`. */
  protected trySendToParent(signal: Up): boolean {
    const life = this.#life;
    if (!life.ended && life.refusal === undefined) return life.edge.trySendUp(signal);
    life.schedulerIfStarted?.spend();
    if (life.ended) throw new ThreadEndedError(life.path, signal);
    return false;
  }

  /** As the turn's word, in the thread's scope: to the children given, or to all of a class. *Cancel-safe:* as there. */
  protected sendToChildren<C extends AnyThread>(
    children: Iterable<Child<C>> | ThreadClass<C>,
    signal: DownOf<C>,
    options?: WaitOptions,
  ): Promise<void> | undefined {
    return ChildHandle.sendToAll(this.#life, children, signal, options?.scope ?? this.#life);
  }

  /** As the turn's word, in the thread's scope. *Cancel-safe:* as there. */
  protected ask<C, Answer, const Signal extends DownOf<C> = DownOf<C>>(
    child: Child<C>,
    make: (reply: Reply<Answer>) => Signal,
    options?: WaitOptions,
  ): Promise<Answer> {
    return ChildHandle.askFrom(this.#life, child, make, options?.scope ?? this.#life);
  }

  /**
   * Asks this thread to stop, and returns at once. To wait for the end is its parent's, on the handle. Errors:
   * `ThreadEndedError`, as of every word once the thread has ended: take callbacks that may come late off in `exit`.
   */
  protected stop(): void {
    this.#life.stopItself('it asked for it');
  }

  protected snapshot(): ThreadSnapshot {
    return this.#life.snapshot();
  }
}
