/**
 * Faults that a simulation injects on request. Each is a decision of the run like all others: it is in the schedule, it is
 * replayed, and it is left out when the schedule shrinks without it.
 *
 *   crash   instead of its next step a thread fails, as if a task of it had thrown `InjectedFaultError`
 *   delay   a thread gets its next step, and so the signal it would have handled, `delayMs` later
 *   hang    a wait of a hook or task is over, but the hook never goes on: nothing reaches it, as with a promise nobody settles
 *   late    the same, but it goes on after `delayMs`
 *
 * Faults of a carrier (`drop`, `duplicate`, `cut`) have their room here once there are carriers that leave the process.
 */
import { knownFields, milliseconds, optionalFunction } from '../kernel/check.ts';
import { InvalidOptionError } from '../kernel/errors.ts';
import { InjectedFaultError } from '../kernel/simulation-errors.ts';
import type { BegunWait, Runnable } from '../kernel/scheduler.ts';
import { ThreadLife } from '../taskthread/thread-life.ts';
import { Turn } from '../taskthread/turn.ts';
import type { Dice } from './dice.ts';

export interface FaultOptions {
  /** The chance, from 0 to 1, that a thread crashes at a step. */
  readonly crash?: number;
  /** The chance that a thread's step is delayed. */
  readonly delay?: number;
  /** The chance that a hook or task never goes on after a wait. */
  readonly hang?: number;
  /** The chance that it goes on late. */
  readonly late?: number;
  /** How much later, in milliseconds of virtual time: 10. */
  readonly delayMs?: number;
  /** Which threads may be hit, by path. Default: all but roots. */
  readonly only?: (path: string) => boolean;
}

const RATES = ['crash', 'delay', 'hang', 'late'] as const;

export interface ResolvedFaults {
  readonly crash: number;
  readonly delay: number;
  readonly hang: number;
  readonly late: number;
  readonly delayMs: number;
  readonly only: ((path: string) => boolean) | undefined;
}

export function resolveFaults(field: string, faults: FaultOptions): ResolvedFaults {
  knownFields(field, faults, [...RATES, 'delayMs', 'only']);
  for (const name of RATES) {
    const rate = faults[name];
    if (rate === undefined || (typeof rate === 'number' && rate >= 0 && rate <= 1)) continue;
    throw new InvalidOptionError(`${field}.${name}`, rate, 'a chance from 0 to 1');
  }
  return {
    crash: faults.crash ?? 0,
    delay: faults.delay ?? 0,
    hang: faults.hang ?? 0,
    late: faults.late ?? 0,
    delayMs: milliseconds(`${field}.delayMs`, faults.delayMs ?? 10),
    only: optionalFunction(`${field}.only`, faults.only),
  };
}

/** Of the ways of a thread's step: 1; it is delayed with 2. */
export const CRASH = 1;
/** Of the ways of a wait that is over: 1; it is late with 2. */
export const HANG = 1;

/** Which faults can hit what, and how often. */
export class Faults {
  readonly delayMs: number;
  readonly #faults: ResolvedFaults;
  readonly #dice: Dice;

  constructor(faults: ResolvedFaults, dice: Dice) {
    this.delayMs = faults.delayMs;
    this.#faults = faults;
    this.#dice = dice;
  }

  /** A thread that lives and may be hit; undefined for all else. */
  victim(runnable: Runnable): ThreadLife | undefined {
    if (this.#faults.crash + this.#faults.delay === 0 || !(runnable instanceof ThreadLife)) return undefined;
    if (runnable.state !== 'running' || !this.#hits(runnable.path, runnable.edge.parent.outside)) return undefined;
    return runnable;
  }

  /** True of a wait of a hook or task that may be hit. */
  hitsWait(wait: BegunWait): boolean {
    if (this.#faults.hang + this.#faults.late === 0 || !(wait.by instanceof Turn)) return false;
    const { path } = wait.by;
    return this.#hits(path, path.indexOf('/', 1) < 0);
  }

  stepWay(): number {
    return this.#way(this.#faults.crash, this.#faults.delay);
  }

  waitWay(): number {
    return this.#way(this.#faults.hang, this.#faults.late);
  }

  crash(life: ThreadLife): void {
    life.taskFailed('that an injected fault stands for', new InjectedFaultError(life.path));
  }

  #way(first: number, second: number): number {
    const at = this.#dice.next();
    return at < first ? 1 : at < first + second ? 2 : 0;
  }

  #hits(path: string, isRoot: boolean): boolean {
    return this.#faults.only === undefined ? !isRoot : this.#faults.only(path);
  }
}

/** True of an injected fault, and of a failure that one has caused. */
export function isInjected(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof InjectedFaultError) return true;
  return false;
}
