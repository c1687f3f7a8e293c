/**
 * A part of the catalogue: what goes wrong with waits and with what takes too long. The rules are those of `errors`.
 */
import { counted } from './describe.ts';
import { TaskThreadError } from './errors.ts';

/** A hook or a task of the thread took longer than the thread may take (`progressMs`), and was to fail it then (`onOverdue: 'restart'`). */
export class OverdueError extends TaskThreadError {
  readonly code = 'TT_OVERDUE';
  readonly path: string;
  /** `signalHandler`, `task read`, … */
  readonly what: string;
  readonly ageMs: number;
  /** What it waited for by the words of its turn. */
  readonly waits: readonly string[];

  constructor(path: string, what: string, ageMs: number, waits: readonly string[]) {
    const on = waits.length === 0 ? '' : `, waiting for ${waits.join(' and ')}`;
    super(`${what} of ${path} has been under way for ${Math.round(ageMs)} ms${on}`);
    this.path = path;
    this.what = what;
    this.ageMs = ageMs;
    this.waits = waits;
  }
}

/** What a lane holds. */
export interface LaneLoad {
  /** Names the child of the edge. */
  readonly path: string;
  readonly direction: 'down' | 'up';
  readonly queued: number;
  readonly capacity: number;
  readonly bytes: number;
  /** Undefined where signals have no size. */
  readonly maxBytes: number | undefined;
  /** How many signals wait for a place. */
  readonly waiting: number;
}

/** One link of a chain of waits that is closed. */
export interface DeadlockLink {
  /** The thread that waits. */
  readonly path: string;
  /** Its hook whose wait this is: `signalHandler`. */
  readonly hook: string;
  /** What the hook waits for, in words. */
  readonly waitsFor: string;
  /** The lane that it waits at, and what that holds; undefined of a wait that is for no lane. */
  readonly lane: LaneLoad | undefined;
  /** What can be done about this link, in words. */
  readonly wayOut: string;
}

/**
 * A wait would never have ended: the hook that it waits for waits in turn, over one or more links, for the hook whose wait this
 * is. The wait that closes the circle fails, the others go on. What it waited for did not happen.
 */
export class DeadlockError extends TaskThreadError {
  readonly code = 'TT_DEADLOCK';
  /** Who waits for whom: the wait that failed first, each link waiting for the next, the last for the first. */
  readonly chain: readonly DeadlockLink[];
  /** The signal that was not accepted, if the wait was for a place. */
  readonly signal: unknown;

  constructor(chain: readonly DeadlockLink[], signal?: unknown) {
    super(`these wait for each other and would do so for ever:\n${chain.map(linkInWords).join('\n')}`);
    this.chain = chain;
    this.signal = signal;
  }
}

function linkInWords({ path, hook, waitsFor, lane, wayOut }: DeadlockLink): string {
  const bytes = lane?.maxBytes === undefined ? '' : `, ${lane.bytes} of ${counted(lane.maxBytes, 'byte')}`;
  const holds = lane === undefined ? '' : ` (holds ${lane.queued} of ${counted(lane.capacity, 'signal')}${bytes})`;
  return `  ${hook} of ${path} waits for ${waitsFor}${holds}\n    way out: ${wayOut}`;
}
