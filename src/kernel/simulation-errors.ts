/**
 * A part of the catalogue: what a simulation (`../testing`) says and does. The rules are those of `errors`.
 */
import { TaskThreadError } from './errors.ts';

/** A fault that a simulation was asked to inject: this thread is made to crash. */
export class InjectedFaultError extends TaskThreadError {
  readonly code = 'TT_INJECTED_FAULT';
  readonly path: string;

  constructor(path: string) {
    super(`an injected fault made ${path} crash`);
    this.path = path;
  }
}

/** The link between a thread and its parent was cut, as a simulation was asked to: this is what the thread then fails with. */
export class LinkCutError extends TaskThreadError {
  readonly code = 'TT_LINK_CUT';
  /** The child at the lower end. */
  readonly path: string;

  constructor(path: string) {
    super(`the link to ${path} was cut`);
    this.path = path;
  }
}

/** A simulation was to begin while another one runs in this process: what each leaves alive could not be told apart. */
export class SimulationRunningError extends TaskThreadError {
  readonly code = 'TT_SIMULATION_RUNNING';

  constructor() {
    super('another simulation is running in this process, and one at a time can: await it before the next');
  }
}

/** A word of a simulation that has ended: nothing of it runs any more, and who waited there would wait for ever. */
export class SimulationOverError extends TaskThreadError {
  readonly code = 'TT_SIMULATION_OVER';

  constructor() {
    super(
      'the simulation is over, and what is begun in it now would never run: its program must await all that it does',
    );
  }
}

/** A simulated run has failed. The message has the schedule as a list of steps, and the line that replays it. */
export class SimulationFailedError extends TaskThreadError {
  readonly code = 'TT_SIMULATION_FAILED';
  /** What was wrong, in a few words that stay the same for the same fault. */
  readonly kind: string;
  readonly seed: number;
  /** Where the run went another way than in the order of arrival. With the seed it replays the run. */
  readonly schedule: string;

  constructor(kind: string, run: { seed: number; schedule: string; report: string; cause?: unknown }) {
    super(run.report, run.cause === undefined ? undefined : { cause: run.cause });
    this.kind = kind;
    this.seed = run.seed;
    this.schedule = run.schedule;
  }
}
