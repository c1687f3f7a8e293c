/**
 * The handle of a child, as its user sees it: what `addChild` and `start` give, the only way over the edge downwards. It stays valid
 * over all incarnations of the child and does not tell where the child runs. What it does is in `child-handle`.
 */
import type { Reply } from '../intercom/ask.ts';
import type { Scoped } from '../kernel/cancel-scope.ts';
import type { ThreadEventEmitter } from './events.ts';
import type { ChildState, Outcome } from './lifecycle.ts';
import type { StopOptions, StopReport } from './shutdown.ts';
import type { ThreadSnapshot } from './snapshot.ts';

/** What a thread takes and gives, as a type. */
export interface Protocol<in Down, out Up, in ChildUp> {
  readonly exchange: (down: Down, childUp: ChildUp) => Up;
}

/** What may be sent down to a thread of type `C`. */
export type DownOf<C> = C extends { readonly '~protocol'?: Protocol<infer Down, infer _Up, infer _ChildUp> }
  ? Down
  : never;

/** What a thread of type `C` sends up. */
export type UpOf<C> = C extends { readonly '~protocol'?: Protocol<infer _Down, infer Up, infer _ChildUp> } ? Up : never;

/** Options of a wait: the scope (a turn, say) whose cancel ends it. Default: the thread's own. */
export interface WaitOptions {
  readonly scope?: Scoped | undefined;
}

/** Options of a request. */
export interface AskOptions {
  /** Gives up after so many milliseconds, with a `TimeoutError`. Default: never. */
  readonly timeoutMs?: number;
}

/** A child whose type is not known: what may be asked of any. */
export interface AnyChild {
  /** A number, unique in its tree. */
  readonly id: number;
  /** Where it stands in the tree: `/Master-1/Server-3`. */
  readonly path: string;
  readonly state: ChildState;
  /** 1, and one more with every restart. */
  readonly incarnation: number;
  /** How it ended; undefined while it lives. */
  readonly outcome: Outcome | undefined;
  /** Its life-cycle events, those of all incarnations. */
  readonly events: ThreadEventEmitter;
  /**
   * Stops the child and all below it; resolves, always and within the budget, with what was found. Asked again, the shorter
   * budget holds; of a child that has ended it answers at once. Rejects with `InvalidOptionError`, and with what the scope
   * refuses: `CancelledError`, or `ThreadEndedError` when it is that of a thread that has ended (nothing is stopped then).
   * With `scope: turn`, where a hook below waits for the hook whose turn it is, it rejects with `DeadlockError`; if it was given a
   * time (`drainMs`, `cancelMs`) it returns in that, and the circle is told at once, as the event `heldUp`.
   * *Cancel-safe:* the stop goes on, only the wait ends; also where it rejects with `DeadlockError`.
   */
  stop(options?: StopOptions & WaitOptions): Promise<StopReport>;
  /**
   * Resolves when the child has ended; never rejects because of how. Rejects with what the scope refuses, and with
   * `DeadlockError` when, with `scope: turn`, a hook below waits for the hook whose turn it is.
   * *Cancel-safe:* only the wait ends.
   */
  join(options?: WaitOptions): Promise<Outcome>;
  snapshot(): ThreadSnapshot;
  toString(): string;
  /** Stops it: `await using child = …`. *Cancel-safe:* as `stop`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The handle of a child of type `C`. */
export interface Child<in out C> extends AnyChild {
  /**
   * Sends a signal, in the name of the parent thread and in its scope. In a hook or task prefer the turn's `send`, which knows
   * whose wait it is. Undefined when accepted at once; promises, errors, *Ordering:* and *Cancel-safe:* as of `Turn.send`.
   */
  send(signal: DownOf<C>, options?: WaitOptions): Promise<void> | undefined;
  /** Sends without waiting. False when the signal would have to wait or is refused; it is then still yours. */
  trySend(signal: DownOf<C>): boolean;
  /** Sends a request and waits for its answer. Errors and *Cancel-safe:* as of `Turn.ask`. */
  ask<Answer>(make: (reply: Reply<Answer>) => DownOf<C>, options?: WaitOptions & AskOptions): Promise<Answer>;
}

/** A class of threads of type `C`. */
export type KindOf<C> = abstract new (...args: never[]) => C;

/** A class of threads. */
export type Kind = abstract new (...args: never[]) => object;
