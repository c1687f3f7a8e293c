/** What the tests of simulated runs share: a toy, and what a run gives or fails with. */
import { type AnyChild, type Child, TaskThread, type TaskTurn, type Turn } from '../../src/index.ts';
import {
  leakCheck,
  type SimulatedProgram,
  type SimulateOptions,
  SimulationFailedError,
  simulate,
} from '../../src/testing/index.ts';
import { fiveTasks } from './five-tasks.ts';

let checkLeaks: () => void;

/** At the top of a file: every test ends with nothing left alive. */
export function checkLeaksAfterEach(): void {
  beforeEach(() => {
    checkLeaks = leakCheck();
  });
  afterEach(() => checkLeaks());
}

export async function traceOf(options: SimulateOptions, program = fiveTasks as SimulatedProgram): Promise<string> {
  return (await simulate(options, program)).trace.join('\n');
}

/** What a run that must fail fails with. */
export async function failureOf(
  program: SimulatedProgram,
  options: SimulateOptions = {},
): Promise<SimulationFailedError> {
  const failure = await simulate(options, program).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(SimulationFailedError);
  return failure as SimulationFailedError;
}

/** Does what its test wants. */
export class Toy extends TaskThread<string, string, string> {
  readonly heard: string[] = [];
  onSignal: (word: string, turn: Turn<string>) => unknown = () => undefined;
  onEnter: (me: Toy, turn: Turn<string>) => unknown = () => undefined;

  protected override enter(turn: Turn<string>) {
    return this.onEnter(this, turn) as Promise<void>;
  }

  protected override signalHandler(word: string, turn: Turn<string>) {
    this.heard.push(word);
    return this.onSignal(word, turn);
  }

  protected override childSignalHandler(word: string, _child: AnyChild) {
    this.heard.push(word);
  }

  task(name: string, body: (turn: TaskTurn<string>) => unknown) {
    this.tasks.reCreate(name, body);
  }

  add(toy: Toy): Promise<Child<Toy>> {
    return this.addChild(toy, { onFailure: 'ignore' });
  }

  tell(child: Child<Toy>, word: string) {
    return this.send(child, word);
  }
}

/** A root that sends nothing up, as its type must say. */
export const asRoot = (toy: Toy): never => toy as never;
