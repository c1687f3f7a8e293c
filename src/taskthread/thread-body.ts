/** What a thread runs beside its handlers, as those see it who look at the thread or wait for it: its function, if it has one, and its exit. */
import type { CancelScope } from '../kernel/cancel-scope.ts';
import type { Party } from '../kernel/party.ts';
import type { HookRun } from './hook-run.ts';

/** A function that has not ended, as `HookRun` is a hook. */
export interface FunctionRun {
  readonly what: string;
  readonly since: number;
  readonly party: Party;
  readonly waitingParty: Party | undefined;
}

/** The function that a thread runs beside its hooks, if it is the thread of one. */
export interface ThreadBody {
  readonly name: string;
  /** Set while the function has not ended. */
  readonly running: FunctionRun | undefined;
  /** Stopped, not waited for, when what has spawned it is over. */
  readonly daemon: boolean;
  /** What it does is to take something in: a stop of its thread waits for it, and for what it has spawned. */
  readonly takingIn: boolean;
  begin(): void;
  /** Where it takes something in, its waits on a source throw from now on. */
  closeIntake(error: Error): void;
  cancel(error: Error): void;
  /** Its thread has ended. */
  ended(): void;
}

/** Made when the exit of a thread begins: an idle thread is small. */
export interface ExitRun {
  /** Shields it from a cancel of its thread. */
  readonly scope: CancelScope | undefined;
  /** Set while the hook has not ended. */
  running: HookRun | undefined;
}
