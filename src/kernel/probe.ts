/**
 * What the runtime reports: the count of live resources, which every leak check compares, and the records of a tree,
 * which go to one sink that the root holds.
 *
 * Rules: a record is plain data; writing one costs a single branch while nobody listens; a sink that throws harms
 * nobody. Not here: who listens (`../taskthread/events`).
 */
import { messageOf } from './describe.ts';
import type { DeadlockLink } from './wait-errors.ts';

/** How many of each kind are alive in this process, over all trees. A leak check compares two copies of it. */
export interface LiveCounts {
  /** Threads whose `enter` was begun and that have not ended. */
  threads: number;
  /** Tasks that have not ended. */
  tasks: number;
  timers: number;
  /** Parked waits. */
  waiters: number;
  sockets: number;
  /** Listening servers. */
  servers: number;
}

export const live: LiveCounts = { threads: 0, tasks: 0, timers: 0, waiters: 0, sockets: 0, servers: 0 };

/** One thing that happened in a tree, as plain data. `path` names the thread. */
export type LifecycleRecord =
  | { readonly kind: 'entered'; readonly path: string }
  | { readonly kind: 'stopping'; readonly path: string; readonly why: string }
  | { readonly kind: 'ended'; readonly path: string; readonly outcome: string; readonly error?: unknown }
  | { readonly kind: 'failed'; readonly path: string; readonly where: string; readonly error: unknown }
  | {
      readonly kind: 'restarting';
      readonly path: string;
      /** The number of the incarnation that is to come. */
      readonly incarnation: number;
      readonly outcome: string;
      readonly afterMs: number;
    }
  | { readonly kind: 'abandoned'; readonly path: string; readonly hungOn: string; readonly forMs: number }
  | { readonly kind: 'task-ended'; readonly path: string; readonly task: string }
  | {
      readonly kind: 'overflow';
      readonly path: string;
      readonly direction: 'down' | 'up';
      readonly policy: string;
      readonly queued: number;
    }
  | {
      readonly kind: 'dead-letter';
      readonly path: string;
      readonly direction: 'down' | 'up';
      readonly reason: string;
      readonly signal: unknown;
      /** How often it had been given to a handler. */
      readonly deliveries: number;
    }
  | {
      readonly kind: 'deadlock';
      readonly path: string;
      readonly hook: string;
      readonly chain: readonly DeadlockLink[];
    }
  | {
      /** A hook waits for a stop that can only end by its time: what it stops waits, over these links, for the hook. */
      readonly kind: 'held-up';
      readonly path: string;
      readonly hook: string;
      readonly chain: readonly DeadlockLink[];
    }
  | {
      /** A hook or a task takes longer than it should. */
      readonly kind: 'overdue';
      readonly path: string;
      readonly what: string;
      readonly ageMs: number;
      readonly signal?: unknown;
      readonly waits: readonly string[];
    }
  | {
      /** A suspected stall: a wait that is old, and of which it is not known whether anybody needs it to end. */
      readonly kind: 'stall';
      readonly path: string;
      readonly on: string;
      readonly by: string | undefined;
      readonly ageMs: number;
    }
  | { readonly kind: 'late'; readonly path: string; readonly what: string; readonly error?: unknown };

/** Where the records of one tree go. */
export class Probe {
  #sink: ((record: LifecycleRecord) => void) | undefined;

  constructor(sink?: (record: LifecycleRecord) => void) {
    this.#sink = sink;
  }

  /** True while somebody listens: ask before building a record. */
  get on(): boolean {
    return this.#sink !== undefined;
  }

  record(record: LifecycleRecord): void {
    try {
      this.#sink?.(record);
    } catch (error) {
      // A broken observer must not break what it observes; it is switched off and said so once.
      this.#sink = undefined;
      process.emitWarning(`the record sink threw and was switched off: ${messageOf(error)}`, 'TaskThreadWarning');
    }
  }
}
