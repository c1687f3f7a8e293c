/**
 * Tells what takes longer than it should: a hook, a task's turn, or a wait that nobody's hook is known to make. For threads that
 * have said how long things may take (`progressMs`); the others pay nothing.
 *
 * One timer for each such thread, and not one for each signal: it is set when something begins and none is set, and when it
 * fires it looks at all that is under way. What never lets the event loop go on lets no timer fire either: it is told when it has
 * ended. Each thing is told once.
 *
 * Not here: what an overdue thread does about it (`thread-ending`), and circles, which are found at once (`deadlock-watch`).
 */

import { oneOf } from '../kernel/check.ts';
import type { Timer } from '../kernel/clock.ts';
import { InvalidOptionError } from '../kernel/errors.ts';
import type { Host } from '../kernel/host.ts';
import type { Party } from '../kernel/party.ts';
import type { Waiter } from '../kernel/wait-queue.ts';
import { deadlockWatch } from './deadlock-watch.ts';

/** What follows when a hook or a task is overdue: it is told (`report`), or the thread fails, too (`restart`). */
export type OverduePolicy = 'report' | 'restart';

export interface LivenessOptions {
  /** How long an execution may be under way, in milliseconds; more than 0, `Infinity` for as long as it likes. */
  readonly progressMs?: number | undefined;
  /** What follows: `report`. */
  readonly onOverdue?: OverduePolicy | undefined;
}

export interface Patience {
  readonly progressMs: number;
  readonly onOverdue: OverduePolicy;
}

/** Something that takes longer than it should. */
export interface Overdue {
  /** `signalHandler`, `enter`, `task read`, … */
  readonly what: string;
  readonly ageMs: number;
  /** The signal that is being handled, if any. */
  readonly signal?: unknown;
  /** What it waits for by the words of its turn, latest first; empty where it waits for something else, or for nothing. */
  readonly waits: readonly string[];
}

/** An execution that is under way. */
export interface Execution {
  /** The same object for the whole execution. */
  readonly key: object;
  readonly what: string;
  readonly since: number;
  readonly signal: unknown;
  readonly party: Party | undefined;
  readonly patience: Patience;
}

export interface LiveThread {
  readonly host: Host;
  readonly path: string;
  executions(): Execution[];
  waiters(): Waiter[];
  runs(party: Party): boolean;
  overdue(overdue: Overdue, policy: OverduePolicy): void;
}

export class Liveness {
  readonly #thread: LiveThread;
  /** Of the thread itself; undefined where only tasks have said how long they may take. */
  readonly patience: Patience | undefined;
  #timer: Timer | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #over = false;
  readonly #told = new WeakSet<object>();

  constructor(thread: LiveThread, patience: Patience | undefined) {
    this.#thread = thread;
    this.patience = patience;
  }

  /** Something began, or may have, that must not take longer than this. */
  began(progressMs: number | undefined = this.patience?.progressMs): void {
    if (progressMs === undefined || this.#over) return;
    const { clock, scheduler } = this.#thread.host;
    const dueAt = scheduler.coarseNow + progressMs;
    if (dueAt >= this.#dueAt) return;
    this.#disarm();
    this.#dueAt = dueAt;
    this.#timer = clock.setTimer(Math.max(0, dueAt - clock.now()), () => this.#look());
  }

  /** It has ended, or goes on to wait: told now, where it took too long and has not been told. */
  finished({ key, what, since, signal, patience }: Execution): void {
    const ageMs = this.#thread.host.clock.now() - since;
    if (ageMs <= patience.progressMs || this.#told.has(key)) return;
    this.#told.add(key);
    this.#thread.overdue({ what, ageMs, ...(signal !== undefined && { signal }), waits: [] }, patience.onOverdue);
  }

  end(): void {
    this.#over = true;
    this.#disarm();
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#thread.host.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#dueAt = Number.POSITIVE_INFINITY;
  }

  #look(): void {
    this.#disarm();
    const now = this.#thread.host.clock.now();
    for (const execution of this.#thread.executions()) {
      if (this.#isDue(execution.key, execution.since, execution.patience.progressMs, now)) this.#tell(execution, now);
    }
    const { patience } = this;
    if (patience === undefined) return;
    for (const waiter of this.#thread.waiters()) {
      if (this.#isDue(waiter, waiter.since, patience.progressMs, now)) this.#suspect(waiter, now);
    }
  }

  /** True once for each thing; what is not due yet is looked at again when it is. */
  #isDue(key: object, since: number, progressMs: number, now: number): boolean {
    if (this.#told.has(key)) return false;
    const leftMs = since + progressMs - now;
    if (leftMs > 0) {
      this.began(leftMs);
      return false;
    }
    this.#told.add(key);
    return true;
  }

  #tell({ what, since, signal, party, patience }: Execution, now: number): void {
    const waits: string[] = [];
    for (const wait of party?.latestFirst() ?? []) waits.push(wait.describe());
    const overdue = { what, ageMs: now - since, ...(signal !== undefined && { signal }), waits };
    this.#thread.overdue(overdue, patience.onOverdue);
    // What could not be known when it began to wait may be known by now.
    if (party !== undefined) deadlockWatch.changed(party);
  }

  /** A wait of a running hook is told with the hook; a function takes as long as it likes, but its waits are told. */
  #suspect(waiter: Waiter, now: number): void {
    const { host, path } = this.#thread;
    const { party } = waiter;
    const toldWithHook = party !== undefined && party.owner.body === undefined && this.#thread.runs(party);
    if (toldWithHook || waiter.details() === undefined) return;
    if (!host.probe.on) return;
    const ageMs = now - waiter.since;
    host.probe.record({ kind: 'stall', path, on: waiter.describe(), by: waiter.by?.what, ageMs });
  }
}

/** What was said, completed by what the parent says; undefined where neither says how long things may take. */
export function patienceOf(said: LivenessOptions, inherited: Patience | undefined): Patience | undefined {
  const { progressMs = inherited?.progressMs, onOverdue = inherited?.onOverdue ?? 'report' } = said;
  return progressMs === undefined || progressMs === Number.POSITIVE_INFINITY ? undefined : { progressMs, onOverdue };
}

export function resolveLivenessOptions(field: string, options: LivenessOptions): LivenessOptions {
  const { progressMs, onOverdue } = options;
  if (progressMs !== undefined && !(typeof progressMs === 'number' && progressMs > 0)) {
    throw new InvalidOptionError(`${field}.progressMs`, progressMs, 'a number of milliseconds, more than 0');
  }
  if (onOverdue !== undefined) oneOf(`${field}.onOverdue`, onOverdue, ['report', 'restart']);
  return { progressMs, onOverdue };
}
