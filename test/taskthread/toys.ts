/**
 * What the tests of threads share: toy threads made from a script, one list of words for the order of things, virtual
 * time, and after every test: nothing alive, no unhandled rejection, no warning that was not expected.
 */
import type {
  AnyChild,
  Child,
  ChildSpec,
  Outcome,
  RestartSpec,
  TaskRegistry,
  ThreadEventEmitter,
  ThreadOptions,
  Turn,
} from '../../src/index.ts';
import { type StartOptions, start, TaskThread } from '../../src/index.ts';
import { leakCheck, VirtualTime } from '../../src/testing/index.ts';

/** The hooks of a toy; one that is absent is not overridden. */
export interface Script {
  readonly enter?: (me: Toy, turn: Turn<unknown>) => unknown;
  readonly signal?: (signal: unknown, me: Toy, turn: Turn<unknown>) => unknown;
  readonly childSignal?: (signal: unknown, child: AnyChild, me: Toy, turn: Turn<unknown>) => unknown;
  readonly childEnded?: (child: AnyChild, outcome: Outcome, me: Toy, turn: Turn<unknown>) => unknown;
  readonly exit?: (me: Toy, turn: Turn<unknown>) => unknown;
}

export interface ToySpec extends ChildSpec, Partial<Pick<RestartSpec, 'restart' | 'redeliver'>> {
  readonly onSignal?: (signal: unknown, child: Child<Toy>, turn: Turn<unknown>) => unknown;
}

/** A thread that does what its script says, and whose words can be said from outside. */
export class Toy extends TaskThread<unknown, unknown, unknown> {
  constructor(script: Script = {}, options?: ThreadOptions<unknown, unknown>) {
    super(options);
    const { enter, signal, childSignal, childEnded, exit } = script;
    if (enter) this.enter = (turn) => enter(this, turn) as Promise<void>;
    if (signal) this.signalHandler = (s, turn) => signal(s, this, turn);
    if (childSignal) this.childSignalHandler = (s, child, turn) => childSignal(s, child, this, turn);
    if (childEnded) this.childEnded = (child, outcome, turn) => childEnded(child, outcome, this, turn) as Promise<void>;
    if (exit) this.exit = (turn) => exit(this, turn) as Promise<void>;
  }

  add(make: Toy | (() => Toy), spec?: ToySpec): Promise<Child<Toy>> {
    return this.addChild(make, spec as never);
  }

  override get tasks(): TaskRegistry<unknown> {
    return super.tasks;
  }

  override get children(): readonly AnyChild[] {
    return super.children;
  }

  override get childCount(): number {
    return super.childCount;
  }

  override get events(): ThreadEventEmitter {
    return super.events;
  }

  override stop(): void {
    super.stop();
  }

  override sendToParent(signal: unknown): Promise<void> | undefined {
    return super.sendToParent(signal);
  }

  override trySendToParent(signal: unknown): boolean {
    return super.trySendToParent(signal);
  }

  tell(child: Child<Toy>, signal: unknown): Promise<void> | undefined {
    return this.send(child, signal);
  }

  tellAll(children: Iterable<Child<Toy>>, signal: unknown): Promise<void> | undefined {
    return this.sendToChildren(children, signal);
  }

  tellKind(signal: unknown): Promise<void> | undefined {
    return this.sendToChildren(Toy, signal);
  }

  find(id: number): AnyChild | undefined {
    return this.findChild(id);
  }
}

/** What happened, in order. */
export const words: string[] = [];

export function say(word: string): void {
  words.push(word);
}

/** A promise that nothing settles. */
export function forever(): Promise<never> {
  return new Promise(() => {});
}

/** A promise that is settled from outside. */
export class Gate {
  open!: (value?: unknown) => void;
  fail!: (error: unknown) => void;
  readonly passed: Promise<unknown> = new Promise((resolve, reject) => {
    this.open = resolve;
    this.fail = reject;
  });
}

let virtual = new VirtualTime();
const roots: AnyChild[] = [];
const warnings: string[] = [];
const unhandled: unknown[] = [];

/** The time of this test. */
export function time(): VirtualTime {
  return virtual;
}

/** The warnings so far; the test has seen them then. */
export function takeWarnings(): string[] {
  return warnings.splice(0);
}

/** Starts a root in virtual time; it is stopped after the test if it has not ended by then. */
export async function grow(toy: Toy, options?: StartOptions): Promise<Child<Toy>> {
  // A root sends nothing up, but a toy may: the types are right to refuse, and some tests want to see what happens.
  const starting = start(toy as never, { ...virtual.options, ...options }) as Promise<unknown>;
  const root = (await virtual.run(starting)) as Child<Toy>;
  roots.push(root);
  return root;
}

/** Lets everything run that can. */
export function settle(): Promise<void> {
  return virtual.settle();
}

/** Settles, and gives what a promise was rejected with; undefined when it was fulfilled or is pending. */
export async function errorOf(promise: Promise<unknown> | undefined): Promise<unknown> {
  let found: unknown;
  promise?.catch((error: unknown) => {
    found = error;
  });
  await virtual.settle();
  return found;
}

export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : error;
}

export function messageOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
}

export function causeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'cause' in error ? error.cause : undefined;
}

/** At the top of a file: sets up before, and looks for what is left after each of its tests. */
export function checkThreads(): void {
  const onUnhandled = (error: unknown): void => {
    unhandled.push(error);
  };
  let check = leakCheck();
  beforeEach(() => {
    virtual = new VirtualTime();
    words.length = 0;
    warnings.length = 0;
    unhandled.length = 0;
    check = leakCheck();
    process.on('unhandledRejection', onUnhandled);
    jest.spyOn(process, 'emitWarning').mockImplementation((warning) => {
      warnings.push(typeof warning === 'string' ? warning : warning.message);
    });
  });
  afterEach(async () => {
    for (const root of roots.splice(0)) await virtual.run(root.stop({ drainMs: 0, cancelMs: 0 }));
    await virtual.settle();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', onUnhandled);
    jest.restoreAllMocks();
    check();
    expect({ unhandled, warnings }).toEqual({ unhandled: [], warnings: [] });
  });
}
