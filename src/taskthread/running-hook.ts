/**
 * What is under way in a thread, as those see it who look at it or wait for it: a hook that has gone asynchronous, and the function
 * of a thread that has one.
 */
import type { Lane } from '../intercom/lane.ts';
import type { Turn } from './turn.ts';

/** A hook that went asynchronous and has not ended. */
export interface RunningHook {
  readonly what: string;
  readonly since: number;
  /** The signal that it handles, and the lane that this came from. */
  readonly signal: unknown;
  readonly lane: Lane | undefined;
  readonly turn: Turn;
}

/** The function that a thread runs beside its hooks, if it is the thread of one. */
export interface ThreadBody {
  readonly name: string;
  /** Set while the function has not ended. */
  readonly running: RunningHook | undefined;
  begin(): void;
  cancel(error: Error): void;
  /** Its thread has ended. */
  ended(): void;
}
