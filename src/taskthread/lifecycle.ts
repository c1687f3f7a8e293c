/**
 * Where a thread is in its life, and, apart from it, how it ended. Pure.
 *
 *     created ──start──► entering ──entered──► running ──stop──► stopping ──end──► stopped
 *        │                  └────────────stop─────────────────────▲                  ▲
 *        └───────────────────────────────stop (enter was never begun)────────────────┘
 */

export type ThreadState = 'created' | 'entering' | 'running' | 'stopping' | 'stopped';

/** What a handle says of its child: between two incarnations it is `restarting`. */
export type ChildState = ThreadState | 'restarting';

export type LifeEvent = 'start' | 'entered' | 'stop' | 'end';

const TRANSITIONS: Record<ThreadState, Partial<Record<LifeEvent, ThreadState>>> = {
  created: { start: 'entering', stop: 'stopped' },
  entering: { entered: 'running', stop: 'stopping' },
  running: { stop: 'stopping' },
  stopping: { end: 'stopped' },
  stopped: {},
};

/** The state after an event; undefined when the event means nothing in this state, and is to be passed over. */
export function nextState(state: ThreadState, event: LifeEvent): ThreadState | undefined {
  return TRANSITIONS[state][event];
}

/**
 * How a thread ended.
 * - `finished`: it stopped itself.
 * - `stopped`: its parent, or an OS signal, asked it to.
 * - `cancelled`: it had to be cancelled because it did not drain in time, or it was told to.
 * - `failed`: something of it threw; `error` is what.
 */
export type OutcomeKind = 'finished' | 'stopped' | 'cancelled' | 'failed';

/** What a stop found of one thread: it ended by itself, it had to be cancelled, or it was given up. */
export type Verdict = 'clean' | 'cancelled' | 'abandoned';

/** How a thread ended, as plain data. */
export interface Outcome {
  readonly kind: OutcomeKind;
  readonly verdict: Verdict;
  /** What was thrown, when `kind` is `failed`. */
  readonly error?: unknown;
}

const RANK: Record<Verdict, number> = { clean: 0, cancelled: 1, abandoned: 2 };

/** The graver of two. */
export function worseVerdict(a: Verdict, b: Verdict): Verdict {
  return RANK[a] >= RANK[b] ? a : b;
}
