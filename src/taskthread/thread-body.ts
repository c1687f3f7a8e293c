/** The function of a thread that has one, as those see it who look at the thread or wait for it. */
import type { Turn } from './turn.ts';

/** The function that a thread runs beside its hooks, if it is the thread of one. */
export interface ThreadBody {
  readonly name: string;
  /** Set while the function has not ended. */
  readonly running: Turn | undefined;
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
