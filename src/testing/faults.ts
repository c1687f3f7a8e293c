/**
 * Faults that a simulation injects on request. Each is a decision of the run like all others: it is in the schedule, it is
 * replayed, and it is left out when the schedule shrinks without it.
 *
 *   crash   a thread fails, as if a task of it had thrown `InjectedFaultError`: instead of its next step, or one of its tasks'; or when a
 *           wait of a hook or task is over, which then goes on in a thread that has failed: its next wait throws
 *   delay   a thread, or a task, gets its next step, and so the signal it would have handled, `delayMs` later
 *   hang    a wait of a hook or task is over, but the hook never goes on: nothing reaches it, as with a promise nobody settles
 *   late    the same, but it goes on after `delayMs`
 *
 * Faults of a carrier (`drop`, `duplicate`, `cut`) have their room here once there are carriers that leave the process.
 */
import { chance, knownFields, milliseconds, optionalFunction } from '../kernel/check.ts';
import { InjectedFaultError } from '../kernel/simulation-errors.ts';
import type { BegunWait, Runnable } from '../kernel/scheduler.ts';
import { Task } from '../taskthread/task.ts';
import { ThreadLife } from '../taskthread/thread-life.ts';
import { Turn } from '../taskthread/turn.ts';
import type { Dice } from './dice.ts';

export interface FaultOptions {
  /** The chance, from 0 to 1, that a thread crashes at a step of it or of its tasks, and when a wait of them is over. */
  readonly crash?: number;
  /** The chance that a step of a thread, or of its tasks, is delayed. */
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
export type FaultKind = (typeof RATES)[number];

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
    if (rate !== undefined) chance(`${field}.${name}`, rate);
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

/** A thread that may be hit after a wait of it, and by what. */
export interface Victim {
  readonly life: ThreadLife;
  readonly kinds: readonly FaultKind[];
}

/** Which faults can hit what, and how often. */
export class Faults {
  readonly delayMs: number;
  /** What can hit a step: only what was asked for. */
  readonly ofSteps: readonly FaultKind[];
  readonly #ofWaits: readonly FaultKind[];
  /** Of a thread that does not run any more, or not yet. */
  readonly #ofOtherWaits: readonly FaultKind[];
  readonly #faults: ResolvedFaults;
  readonly #dice: Dice;

  constructor(faults: ResolvedFaults, dice: Dice) {
    const asked = (kind: FaultKind): boolean => faults[kind] > 0;
    this.ofSteps = (['crash', 'delay'] as const).filter(asked);
    this.#ofWaits = (['hang', 'late', 'crash'] as const).filter(asked);
    this.#ofOtherWaits = (['hang', 'late'] as const).filter(asked);
    this.delayMs = faults.delayMs;
    this.#faults = faults;
    this.#dice = dice;
  }

  /** The thread whose step it is, if it may be hit. */
  victim(runnable: Runnable): ThreadLife | undefined {
    if (this.ofSteps.length === 0) return undefined;
    const life = runnable instanceof Task ? runnable.owner : runnable;
    return life instanceof ThreadLife && life.state === 'running' && this.#hits(life) ? life : undefined;
  }

  /** The thread whose hook or task has waited, if it may be hit. */
  victimOf(wait: BegunWait): Victim | undefined {
    if (this.#ofWaits.length === 0 || !(wait.by instanceof Turn)) return undefined;
    const life = Turn.ownerOf(wait.by);
    if (!(life instanceof ThreadLife) || !this.#hits(life)) return undefined;
    return { life, kinds: life.state === 'running' ? this.#ofWaits : this.#ofOtherWaits };
  }

  /** Which of these: the number of its place, from 1; 0 for none. */
  way(kinds: readonly FaultKind[]): number {
    let at = this.#dice.next();
    for (const [place, kind] of kinds.entries()) {
      at -= this.#faults[kind];
      if (at < 0) return place + 1;
    }
    return 0;
  }

  /** Unless it has ended meanwhile. */
  crash(life: ThreadLife): void {
    if (life.state !== 'running') return;
    life.taskFailed('that an injected fault stands for', new InjectedFaultError(life.path));
  }

  #hits({ path, edge }: ThreadLife): boolean {
    return this.#faults.only === undefined ? !edge.parent.outside : this.#faults.only(path);
  }
}

/** True of an injected fault, and of a failure that one has caused. */
export function isInjected(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof InjectedFaultError) return true;
  return false;
}
