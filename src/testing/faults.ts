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
 * `drop`, `duplicate` and `cut` are faults of what carries signals between two threads: what they do is in `links`.
 */
import { chance, knownFields, milliseconds, optionalFunction } from '../kernel/check.ts';
import { InjectedFaultError, LinkCutError } from '../kernel/simulation-errors.ts';
import type { BegunWait, Runnable } from '../kernel/scheduler.ts';
import { Task } from '../taskthread/task.ts';
import { ThreadLife } from '../taskthread/thread-life.ts';
import { Turn } from '../taskthread/turn.ts';
import type { Dice } from './dice.ts';
import { canBeCut, crossingInWords, cut, drop, duplicate, type Link, linkOf } from './links.ts';

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
  /** The chance that a signal is lost on its way, up or down: its sender knows it accepted, and no handler gets it. */
  readonly drop?: number;
  /** The chance that a signal arrives twice. */
  readonly duplicate?: number;
  /** The chance that a link is cut, at a step of the child or of its tasks, when a wait of them is over, and when a signal crosses it. */
  readonly cut?: number;
  /** Which links may be hit, by the path of the child at the lower end. Default: all but those to roots. */
  readonly links?: (path: string) => boolean;
}

export const faultKinds = ['crash', 'delay', 'hang', 'late', 'drop', 'duplicate', 'cut'] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface ResolvedFaults {
  readonly rates: Readonly<Record<FaultKind, number>>;
  readonly delayMs: number;
  readonly only: ((path: string) => boolean) | undefined;
  readonly links: ((path: string) => boolean) | undefined;
}

export function resolveFaults(field: string, faults: FaultOptions): ResolvedFaults {
  knownFields(field, faults, [...faultKinds, 'delayMs', 'only', 'links']);
  const rates = { crash: 0, delay: 0, hang: 0, late: 0, drop: 0, duplicate: 0, cut: 0 };
  for (const name of faultKinds) rates[name] = chance(`${field}.${name}`, faults[name] ?? 0);
  return {
    rates,
    delayMs: milliseconds(`${field}.delayMs`, faults.delayMs ?? 10),
    only: optionalFunction(`${field}.only`, faults.only),
    links: optionalFunction(`${field}.links`, faults.links),
  };
}

/** A thread that may be hit, or its link, and by what: one decision. */
export interface Victim {
  readonly life: ThreadLife;
  readonly link: Link;
  readonly kinds: readonly FaultKind[];
}

const NONE: readonly FaultKind[] = [];

/** Which faults can hit what, and how often. */
export class Faults {
  readonly delayMs: number;
  /** What can hit a step: only what was asked for. */
  readonly #ofSteps: readonly FaultKind[];
  readonly #ofSignals: readonly FaultKind[];
  readonly #ofFullLanes: readonly FaultKind[];
  readonly #ofLinks: readonly FaultKind[];
  readonly #ofWaits: readonly FaultKind[];
  /** Of a thread that does not run any more, or not yet. */
  readonly #ofOtherWaits: readonly FaultKind[];
  readonly #faults: ResolvedFaults;
  readonly #dice: Dice;

  constructor(faults: ResolvedFaults, dice: Dice) {
    const asked = (kind: FaultKind): boolean => faults.rates[kind] > 0;
    this.#ofSteps = (['crash', 'delay'] as const).filter(asked);
    this.#ofSignals = (['drop', 'duplicate'] as const).filter(asked);
    this.#ofFullLanes = (['drop'] as const).filter(asked);
    this.#ofLinks = (['cut'] as const).filter(asked);
    this.#ofWaits = (['hang', 'late', 'crash'] as const).filter(asked);
    this.#ofOtherWaits = (['hang', 'late'] as const).filter(asked);
    this.delayMs = faults.delayMs;
    this.#faults = faults;
    this.#dice = dice;
  }

  /** Whose step it is, if that may be hit. */
  atStep(runnable: Runnable): Victim | undefined {
    if (this.#ofSteps.length + this.#ofSignals.length + this.#ofLinks.length === 0) return undefined;
    const life = runnable instanceof Task ? runnable.owner : runnable;
    if (!(life instanceof ThreadLife)) return undefined;
    const ofSteps = life.state === 'running' && this.#hits(life) ? this.#ofSteps : NONE;
    const link = linkOf(life, runnable);
    return victimOf(life, link, [...ofSteps, ...this.#ofLink(link)]);
  }

  /** Whose hook or task has waited, if that may be hit. */
  afterWait(wait: BegunWait): Victim | undefined {
    if (this.#ofWaits.length + this.#ofLinks.length === 0 || !(wait.by instanceof Turn)) return undefined;
    const life = Turn.ownerOf(wait.by);
    if (!(life instanceof ThreadLife)) return undefined;
    const ofWaits = life.state === 'running' ? this.#ofWaits : this.#ofOtherWaits;
    const link: Link = { edge: life.edge, crossing: undefined };
    return victimOf(life, link, [...(this.#hits(life) ? ofWaits : NONE), ...this.#ofLink(link)]);
  }

  /** Which of these: the number of its place, from 1; 0 for none. */
  way(kinds: readonly FaultKind[]): number {
    let at = this.#dice.next();
    for (const [place, kind] of kinds.entries()) {
      at -= this.#faults.rates[kind];
      if (at < 0) return place + 1;
    }
    return 0;
  }

  /** Unless it means nothing any more. */
  strike(fault: FaultKind, { life, link }: Victim): void {
    if (fault === 'drop') drop(link);
    else if (fault === 'duplicate') duplicate(link);
    else if (fault === 'cut') cut(link);
    else if (fault === 'crash' && life.state === 'running') {
      life.taskFailed('that an injected fault stands for', new InjectedFaultError(life.path));
    }
  }

  /** `step`: what would come next, as a trace names it. */
  inWords(fault: FaultKind, { life, link }: Victim, step: string): string {
    const to = link.edge.path;
    const next = step.startsWith(`${life.path} `) ? step.slice(life.path.length + 1) : step;
    switch (fault) {
      case 'crash':
        return `fault: ${life.path} crashes before ${next}`;
      case 'delay':
        return `fault: ${life.path} stands still for ${this.delayMs} ms before ${next}`;
      case 'hang':
        return `fault: ${step.replace(' goes on', ' hangs')}`;
      case 'late':
        return `fault: ${step.replace(' goes on', ` is ${this.delayMs} ms late`)}`;
      case 'drop':
        return `fault: the link to ${to} loses ${crossingInWords(link)}`;
      case 'duplicate':
        return `fault: the link to ${to} doubles ${crossingInWords(link)}`;
      case 'cut':
        return `fault: the link to ${to} is cut before ${step}`;
    }
  }

  #ofLink(link: Link): readonly FaultKind[] {
    const { edge, crossing } = link;
    const { links } = this.#faults;
    if (links === undefined ? edge.parent.outside : !links(edge.path)) return NONE;
    const ofSignals =
      crossing === undefined ? NONE : crossing.lane.canRepeatOldest ? this.#ofSignals : this.#ofFullLanes;
    return canBeCut(edge) ? [...ofSignals, ...this.#ofLinks] : ofSignals;
  }

  #hits({ path, edge }: ThreadLife): boolean {
    return this.#faults.only === undefined ? !edge.parent.outside : this.#faults.only(path);
  }
}

function victimOf(life: ThreadLife, link: Link, kinds: readonly FaultKind[]): Victim | undefined {
  return kinds.length === 0 ? undefined : { life, link, kinds };
}

/** True of an injected fault, and of a failure that one has caused. */
export function isInjected(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof InjectedFaultError || at instanceof LinkCutError) return true;
  }
  return false;
}
