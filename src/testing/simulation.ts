/**
 * What a simulated program is given: the words of whoever is outside of its trees. Who carries them out is `simulated-run`.
 */
import type { AnyChild, Child } from '../taskthread/child.ts';
import type { Outcome } from '../taskthread/lifecycle.ts';
import type { StartOptions } from '../taskthread/start.ts';
import type { TaskThread } from '../taskthread/taskthread.ts';

/** What a simulated program is given. */
export interface Simulation {
  /** For `start`, where the program starts its roots itself. */
  readonly options: Required<Pick<StartOptions, 'clock' | 'scheduler' | 'random' | 'onRecord'>>;
  /** Virtual milliseconds. */
  readonly now: number;
  /** From 0 up to but not including 1, by the seed. */
  random(): number;
  /** As `start` (also *Cancel-safe:*), in this simulation. A root that is left at the end of the program is stopped. */
  start<C extends TaskThread<never, never, never>>(
    make: (() => C) | C,
    options?: Pick<StartOptions, 'name' | 'onRecord'>,
  ): Promise<Child<C>>;
  /**
   * Waits for the end of a root, and gives its outcome. Who asks for it takes a failure of that root upon himself: the run does not
   * fail with it. *Cancel-safe:* it belongs to no scope.
   */
  outcomeOf(root: AnyChild): Promise<Outcome>;
  /** Lets others go first: a step of the program ends here. *Cancel-safe:* it belongs to no scope. */
  checkpoint(): Promise<void>;
  /** Virtual milliseconds. *Cancel-safe:* it belongs to no scope. */
  sleep(ms: number): Promise<void>;
  /** What must hold after every step: `check` gives false, or throws, when it does not. It answers at once: a promise fails the run. */
  always(name: string, check: () => unknown): void;
  /** Says a word: it stands in the trace, and in `words`. */
  say(word: string): void;
  /** What was said, in order. */
  readonly words: readonly string[];
}

export type SimulatedProgram = (simulation: Simulation) => unknown;
