/**
 * The turn of a function: what a function finds when it asks for its own thread, with the words of a turn and those that a
 * class would say on `this`.
 */
import { scopeOf } from '../kernel/ambient.ts';
import type { CancelScope } from '../kernel/cancel-scope.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Party } from '../kernel/party.ts';
import type { AnyChild, Child } from './child.ts';
import { placeOf } from './place.ts';
import type { ThreadSnapshot } from './snapshot.ts';
import type { ChildSpec, RestartSpec } from './spec.ts';
import { addChildTo, type ChildSource, type SignalListener, type TaskThread } from './taskthread.ts';
import type { ThreadLife } from './thread-life.ts';
import { Turn } from './turn.ts';

/**
 * The current thread, as `currentThread()` gives it. It can be given wherever `{ scope }` is asked for, and is good for as long
 * as the block that it was asked in: a function, or the work of a `timeoutAfter` or `shield`.
 */
export class FunctionTurn extends Turn {
  readonly #life: ThreadLife;
  /** Of the function itself: when it was called. Not for users. */
  since = 0;

  constructor(life: ThreadLife, what: string, scope?: CancelScope, party?: Party) {
    super(life, what, scope, party);
    this.#life = life;
  }

  /** Its function is called. Not for users. */
  began(): this {
    this.since = this.#life.host.scheduler.wholeNow;
    return this;
  }

  /** A number, unique in its tree. */
  get id(): number {
    return this.#life.id;
  }

  /** Where the thread stands in the tree: `/main-1/worker-3`. */
  get path(): string {
    return this.#life.path;
  }

  /** The tree's clock: `timeoutAt` and `ignoreAt` go by its `now()`. */
  get clock(): Clock {
    return this.#life.host.clock;
  }

  /** A number from 0 up to but not including 1, from the tree's one source, which a test can replace. */
  random(): number {
    return this.#life.host.random();
  }

  /** The children that have not ended, functions and others, in the order of their start. */
  get children(): readonly AnyChild[] {
    const handles: AnyChild[] = [];
    for (const edge of this.#life.children ?? []) handles.push((edge.child as ThreadLife).handle);
    return handles;
  }

  /**
   * Adds a child to the thread; as a thread's own `addChild`, and with the same errors. A function has no handler, so the
   * signals of the child go to `onSignal`. *Cancel-safe:* as there.
   */
  addChild<C extends TaskThread<never, unknown, never>>(
    make: () => C,
    spec: RestartSpec & SignalListener<C, never>,
  ): Promise<Child<C>>;
  addChild<C extends TaskThread<never, never, never>>(
    make: () => C,
    spec: RestartSpec & { readonly onSignal?: never },
  ): Promise<Child<C>>;
  addChild<C extends TaskThread<never, unknown, never>>(
    make: ChildSource<C>,
    spec: ChildSpec & SignalListener<C, never> & { readonly restart?: never },
  ): Promise<Child<C>>;
  addChild<C extends TaskThread<never, never, never>>(
    make: ChildSource<C>,
    spec?: ChildSpec & { readonly onSignal?: never; readonly restart?: never },
  ): Promise<Child<C>>;
  addChild(make: ChildSource<TaskThread<never, never, never>>, spec?: ChildSpec): Promise<unknown> {
    return addChildTo(this.#life, make, { scope: this, ...spec });
  }

  snapshot(): ThreadSnapshot {
    return this.#life.snapshot();
  }

  /** Also a cancel that has reached nothing but the scope. */
  override get refusal(): Error | undefined {
    return this.cancelScope.refusal;
  }
}

/**
 * The thread whose function is running, with its words. Errors: `NoScopeError` outside of every spawned function.
 * Source: thredo's and Python's `current_thread`.
 */
export function currentThread(): FunctionTurn {
  const scope = scopeOf(undefined, 'currentThread');
  if (scope instanceof FunctionTurn) return scope;
  const { life, what, turn } = placeOf({ scope }, 'currentThread');
  return new FunctionTurn(life, what, scope.cancelScope, turn?.party);
}
