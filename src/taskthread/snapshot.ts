/**
 * What `snapshot()` gives: the tree as plain data at one moment (law 21). Only the shapes; each owner fills in its own part.
 */
import type { EdgeSnapshot } from '../intercom/edge.ts';
import type { ChildState } from './lifecycle.ts';

export interface TaskSnapshot {
  readonly name: string;
  readonly intake: boolean;
  /** `running`: a turn is under way; `due`: it will run; `delayed`: it waits for its time. */
  readonly state: 'running' | 'due' | 'delayed';
  /** Turns begun so far. */
  readonly turns: number;
  /** Over the task's age. */
  readonly turnsPerSecond: number;
}

/** One wait that has not ended. */
export interface WaitSnapshot {
  /** On what, in words. */
  readonly on: string;
  /** On whose behalf: a hook or task, where it is known. */
  readonly by: string | undefined;
  readonly sinceMs: number;
  /** Where in the program it began: the stack, a line for each frame. Only with `traceWaits`. */
  readonly at?: string;
}

/** What is being executed just now, if it went asynchronous. */
export interface RunningSnapshot {
  /** `enter`, `signalHandler`, `childSignalHandler`, `childEnded`, `exit`. */
  readonly what: string;
  readonly sinceMs: number;
}

/** One thread and all below it. */
export interface ThreadSnapshot {
  readonly id: number;
  readonly path: string;
  readonly type: string;
  /** `restarting`: an incarnation has ended, and the next one has not begun. */
  readonly state: ChildState;
  readonly ageMs: number;
  readonly incarnation: number;
  readonly restarts: number;
  readonly running: readonly RunningSnapshot[];
  readonly tasks: readonly TaskSnapshot[];
  readonly waits: readonly WaitSnapshot[];
  /** The edge to the parent. */
  readonly edge: EdgeSnapshot;
  /** Signals handled per second of the thread's age, from its parent and to its parent. */
  readonly downPerSecond: number;
  readonly upPerSecond: number;
  /** The last error that this thread, or a child that it ignores, failed with. */
  readonly lastError: string | undefined;
  readonly children: readonly ThreadSnapshot[];
}

/** Events per second, from a count and an age. */
export function perSecond(count: number, ageMs: number): number {
  return ageMs > 0 ? (count * 1000) / ageMs : 0;
}
