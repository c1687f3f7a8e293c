/**
 * The arithmetic of a stop: how a budget is shared out over the tree, and what its report says (law 10). Pure: all times are
 * passed in, in the clock's milliseconds. `stop` acts on it.
 *
 *     asked ──── drainMs ────► cancel ──── cancelMs: 3/4 for handlers, tasks, children │ 1/4 for exit ────► abandon
 *
 * A function has no `exit`, and keeps no quarter.
 */
import type { StopBudget } from '../intercom/edge.ts';
import { knownFields, milliseconds } from '../kernel/check.ts';
import { counted, messageOf } from '../kernel/describe.ts';
import type { OutcomeKind, Verdict } from './lifecycle.ts';

/** How long a stop may take. */
export interface StopOptions {
  /** Time to work off what was accepted: 5000. */
  readonly drainMs?: number;
  /** Time to clean up after that, once everything is cancelled: 2000. */
  readonly cancelMs?: number;
}

export const defaultStopBudget: StopBudget = { drainMs: 5000, cancelMs: 2000 };

/** `others` are names that the caller knows besides. */
export function resolveStopOptions(
  options: StopOptions | undefined,
  defaults: StopBudget,
  others: readonly string[] = [],
): StopBudget {
  if (options === undefined) return defaults;
  knownFields('stop', options, ['drainMs', 'cancelMs', ...others]);
  return {
    drainMs: milliseconds('stop.drainMs', options.drainMs ?? defaults.drainMs),
    cancelMs: milliseconds('stop.cancelMs', options.cancelMs ?? defaults.cancelMs),
  };
}

/** The part of its cancel budget that a thread keeps for its own `exit`. */
export const EXIT_SHARE = 0.25;

/**
 * The part of its cancel budget that a thread keeps while its functions end. A cancel reaches all below at once and they clean up
 * beside each other and beside it, so a thread needs time after them in one case only: one of them hangs, and the thread, whose own
 * clean-up waited for that, goes on when it has been given up. A sixteenth, because it is kept again at each level: ten levels down
 * half of the time is left.
 */
const FUNCTIONS_SHARE = 1 / 16;

/** Where a stop stands in time. `cancelUntil` is known once the cancel phase has begun. */
export interface StopTimes {
  readonly drainUntil: number;
  readonly cancelMs: number;
  readonly cancelUntil: number | undefined;
  /** What is kept for `exit`: `EXIT_SHARE`, or nothing where there is none. */
  readonly exitShare: number;
}

/**
 * What the next child (or group of peers) gets: the rest divided by those still to stop plus one, so that the thread itself
 * has a part too; of functions, whose clean-up is beside its own, that part is small. What a child does not use is in the rest
 * of the next one.
 */
export function childShare(times: StopTimes, now: number, childrenLeft: number, functions: boolean): StopBudget {
  const { drainUntil, cancelMs, cancelUntil, exitShare } = times;
  const toClean = (cancelUntil === undefined ? cancelMs : cancelUntil - now) - cancelMs * exitShare;
  const share = functions ? (toClean - cancelMs * FUNCTIONS_SHARE) / childrenLeft : toClean / (childrenLeft + 1);
  return {
    drainMs: cancelUntil === undefined ? Math.max(0, drainUntil - now) / (childrenLeft + 1) : 0,
    cancelMs: Math.max(0, share),
  };
}

/** What an abandoned thread hung on. */
export interface HungOn {
  /** `enter`, `exit`, `signalHandler`, `childSignalHandler`, `childEnded`, or `task NAME`. */
  readonly what: string;
  /** Since how many milliseconds it had been running. */
  readonly forMs: number;
  /** The signal that it was handling, if any. */
  readonly signal?: unknown;
  /**
   * The waits of ours that it had not come back from when it was given up, or had been in when it was cancelled. Absent when there
   * are none: then it hangs in code that this library knows nothing of.
   */
  readonly waits?: readonly HungWait[];
}

/** A wait of a thread that was abandoned. */
export interface HungWait {
  /** On what, in words. */
  readonly on: string;
  /** How long before the end it had begun. */
  readonly forMs: number;
  /** It was cancelled: so the hook or task went on, and hangs in what came after it. */
  readonly cancelled: boolean;
  /** Where in the program it began: the stack, a line for each frame. Only with `traceWaits`. */
  readonly at?: string;
}

/** One thread of a stop that did not end clean, or failed. */
export interface ThreadReport {
  readonly path: string;
  readonly verdict: Verdict;
  readonly outcome: OutcomeKind;
  readonly error?: unknown;
  /** Everything that still ran when it was given up. */
  readonly hungOn: readonly HungOn[];
}

/** What a stop found, as plain data. A thread that is in none of the lists ended clean. */
export interface StopReport {
  /** The gravest verdict in the tree. */
  readonly verdict: Verdict;
  readonly outcome: OutcomeKind;
  readonly tookMs: number;
  /** How many threads this stop ended, whatever their verdict. */
  readonly threads: number;
  readonly cancelled: readonly ThreadReport[];
  readonly abandoned: readonly ThreadReport[];
  readonly failed: readonly ThreadReport[];
}

/** The report in a few lines, for a person. */
export function formatStopReport(path: string, report: StopReport): string {
  const lines = [
    `${path} ${report.outcome}, verdict ${report.verdict}: ${counted(report.threads, 'thread')} ended in ${Math.round(report.tookMs)} ms`,
  ];
  for (const thread of report.failed) lines.push(`  failed     ${thread.path}: ${errorLine(thread.error)}`);
  for (const thread of report.cancelled) lines.push(`  cancelled  ${thread.path}`);
  for (const thread of report.abandoned) {
    const hung = thread.hungOn.map((h) => `${h.what} for ${Math.round(h.forMs)} ms`).join(', ');
    lines.push(`  abandoned  ${thread.path}: hung on ${hung}`);
    for (const { what, waits = [] } of thread.hungOn) for (const wait of waits) lines.push(waitLine(what, wait));
  }
  return lines.join('\n');
}

function waitLine(what: string, { on, forMs, cancelled, at }: HungWait): string {
  const where = at === undefined ? '' : ` ${at.split('\n')[0]}`;
  return `             ${what} ${cancelled ? 'went on after' : 'is in'} a wait for ${on}, begun ${Math.round(forMs)} ms before${where}`;
}

function errorLine(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${messageOf(error)}` : messageOf(error);
}
