/**
 * Strategies: how a simulation chooses. Each is a chooser made from a seed; what it answers depends on what it was asked before
 * and on nothing else, so that the same seed gives the same run.
 *
 *   in-order   whoever has waited longest; no dice
 *   random     all that could run have the same chance, and a word lets others go first by chance
 *   priority   each actor has a priority, the highest runs; at a few moments who runs becomes the lowest. Finds a bug that needs
 *              `d` ordered events with a chance that does not depend on the size of the program (Burckhardt and others,
 *              "A randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010)
 *   delay      in order, but at a few moments who would run is passed over, once or for a while (Emmi and others,
 *              "Delay-bounded scheduling", POPL 2011)
 */
import { chance, knownFields, oneOf, wholeNumber } from '../kernel/check.ts';
import { InvalidOptionError } from '../kernel/errors.ts';
import { Dice } from './dice.ts';
import type { Deviation, Schedule } from './schedule.ts';

export type Strategy =
  | { readonly kind: 'in-order' }
  | {
      readonly kind: 'random';
      /** The chance that a word which need not wait lets others go first. Default: another one for each seed. */
      readonly yields?: number;
    }
  | {
      readonly kind: 'priority';
      /** At how many moments a priority changes: 3. */
      readonly changes?: number;
      /** Among so many decisions the moments lie. Default: as many as the run in order has, or 500 where it is not known. */
      readonly within?: number;
    }
  | {
      readonly kind: 'delay';
      /** How often somebody is passed over, at most: 3. */
      readonly delays?: number;
      readonly within?: number;
    };

export type StrategyKind = Strategy['kind'];

/** A step that could run. */
export interface Choice {
  /** Who would run: a thread, a task, the program. */
  readonly actor: string;
}

export interface Chooser {
  /** Which of several steps is next; 0 has waited longest. `decision` is its number in the run. */
  step(choices: readonly Choice[], decision: number): number;
  /** Whether a word that need not wait lets others go first. */
  yields(actor: string, decision: number): boolean;
}

const DEFAULT_WITHIN = 500;
const DEFAULT_MOMENTS = 3;
/** Who has run so often while others could is lowered, or a task that never waits would keep all others from running. */
const LONGEST_RUN = 100;

const inOrder: Chooser = { step: () => 0, yields: () => false };

class RandomChooser implements Chooser {
  readonly #dice: Dice;
  readonly #yields: number;

  constructor(dice: Dice, yields: number | undefined) {
    this.#dice = dice;
    this.#yields = yields ?? dice.pick([0, 0.05, 0.3, 0.7]);
  }

  step(choices: readonly Choice[]): number {
    return this.#dice.int(choices.length);
  }

  yields(): boolean {
    return this.#dice.chance(this.#yields);
  }
}

class PriorityChooser implements Chooser {
  readonly #dice: Dice;
  readonly #moments: ReadonlyMap<number, number>;
  readonly #priorities = new Map<string, number>();
  #lowest = 0;
  #last = '';
  #runs = 0;

  constructor(dice: Dice, moments: ReadonlyMap<number, number>) {
    this.#dice = dice;
    this.#moments = moments;
  }

  step(choices: readonly Choice[], decision: number): number {
    let highest = this.#highest(choices);
    if (this.#moments.has(decision) || this.#tired(choices[highest]!.actor)) {
      this.#lower(choices[highest]!.actor);
      highest = this.#highest(choices);
    }
    return highest;
  }

  yields(actor: string, decision: number): boolean {
    if (!this.#moments.has(decision)) return false;
    this.#lower(actor);
    return true;
  }

  #highest(choices: readonly Choice[]): number {
    let highest = 0;
    let best = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < choices.length; i++) {
      const priority = this.#priorityOf(choices[i]!.actor);
      if (priority <= best) continue;
      best = priority;
      highest = i;
    }
    return highest;
  }

  #priorityOf(actor: string): number {
    let priority = this.#priorities.get(actor);
    if (priority === undefined) {
      priority = this.#dice.next();
      this.#priorities.set(actor, priority);
    }
    return priority;
  }

  #lower(actor: string): void {
    this.#priorities.set(actor, --this.#lowest);
  }

  #tired(actor: string): boolean {
    this.#runs = actor === this.#last ? this.#runs + 1 : 0;
    this.#last = actor;
    return this.#runs >= LONGEST_RUN;
  }
}

/** So many decisions somebody is passed over for. */
const HELD_FOR = [1, 1, 2, 4, 8, 16];

class DelayChooser implements Chooser {
  readonly #dice: Dice;
  readonly #moments: ReadonlyMap<number, number>;
  /** Who is passed over, and up to which decision. */
  readonly #held = new Map<string, number>();

  constructor(dice: Dice, moments: ReadonlyMap<number, number>) {
    this.#dice = dice;
    this.#moments = moments;
  }

  step(choices: readonly Choice[], decision: number): number {
    for (let left = this.#moments.get(decision) ?? 0; left > 0; left--) {
      this.#held.set(choices[this.#first(choices, decision)]!.actor, decision + this.#dice.pick(HELD_FOR));
    }
    return this.#first(choices, decision);
  }

  yields(actor: string, decision: number): boolean {
    if (!this.#moments.has(decision)) return false;
    this.#held.set(actor, decision + this.#dice.pick(HELD_FOR));
    return true;
  }

  /** The first who is not passed over. */
  #first(choices: readonly Choice[], decision: number): number {
    if (this.#held.size === 0) return 0;
    const first = choices.findIndex(({ actor }) => (this.#held.get(actor) ?? -1) < decision);
    return Math.max(0, first);
  }
}

/** Up to so many moments, with how often each was drawn: half of those after the first fall upon one that is there already. */
function momentsOf(dice: Dice, most: number, within: number): Map<number, number> {
  const moments = new Map<number, number>();
  let last = dice.int(within);
  for (let left = dice.between(1, most); left > 0; left--) {
    moments.set(last, (moments.get(last) ?? 0) + 1);
    if (dice.chance(0.5)) last = dice.int(within);
  }
  return moments;
}

/** `within` is used where the strategy does not say it. */
export function makeChooser(strategy: Strategy, seed: number, within: number = DEFAULT_WITHIN): Chooser {
  const dice = new Dice(seed);
  switch (strategy.kind) {
    case 'in-order':
      return inOrder;
    case 'random':
      return new RandomChooser(dice, strategy.yields);
    case 'priority':
      return new PriorityChooser(dice, momentsOf(dice, strategy.changes ?? DEFAULT_MOMENTS, strategy.within ?? within));
    case 'delay':
      return new DelayChooser(dice, momentsOf(dice, strategy.delays ?? DEFAULT_MOMENTS, strategy.within ?? within));
  }
}

const kinds: readonly StrategyKind[] = ['in-order', 'random', 'priority', 'delay'];

/** What may be said of each kind. */
const parameters: Readonly<Record<StrategyKind, readonly string[]>> = {
  'in-order': [],
  random: ['yields'],
  priority: ['changes', 'within'],
  delay: ['delays', 'within'],
};

export function resolveStrategy(field: string, strategy: Strategy | StrategyKind): Strategy {
  if ((strategy as string) === 'exhaustive') {
    throw new InvalidOptionError(
      field,
      strategy,
      `one of ${kinds.join(', ')} (exhaustive stands alone, and is for explore)`,
    );
  }
  if (typeof strategy === 'string') return { kind: oneOf(field, strategy, kinds) };
  if (typeof strategy !== 'object' || strategy === null) {
    throw new InvalidOptionError(field, strategy, `a strategy, or one of ${kinds.join(', ')}`);
  }
  oneOf(`${field}.kind`, strategy.kind, kinds);
  const names = parameters[strategy.kind];
  knownFields(field, strategy, ['kind', ...names]);
  for (const name of names) {
    const value = (strategy as Readonly<Record<string, unknown>>)[name];
    if (value === undefined) continue;
    if (name === 'yields') chance(`${field}.yields`, value);
    else wholeNumber(`${field}.${name}`, value, 1);
  }
  return strategy;
}

/** The way at each decision, as a schedule says it. */
export function waysOf(schedule: Schedule): ReadonlyMap<number, Deviation> {
  return new Map(schedule.map((deviation) => [deviation.decision, deviation]));
}
