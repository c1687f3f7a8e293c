/** Whose a turn is: an asynchronous execution has its own, unless its handler declares none. */
import { type AnyChild, start, TaskThread, type ThreadOptions, type Turn } from '../../src/index.ts';
import { leakCheck } from '../../src/testing/index.ts';

/** Notes the turn of each signal, however its handler comes by it. */
const turns: Turn[] = [];
let leaks: () => void;
beforeEach(() => {
  turns.length = 0;
  leaks = leakCheck();
});
afterEach(() => leaks());

class Declares extends TaskThread<number> {
  protected override signalHandler(_signal: number, turn: Turn): Promise<void> {
    turns.push(turn);
    return Promise.resolve();
  }
}

class DeclaresNone extends TaskThread<number> {
  constructor(options: ThreadOptions<number, never> = {}) {
    super(options);
  }

  protected override signalHandler(...all: [number, Turn]): Promise<void> {
    turns.push(all[1]);
    return Promise.resolve();
  }
}

class Synchronous extends TaskThread<number> {
  protected override signalHandler(_signal: number, turn: Turn): void {
    turns.push(turn);
  }
}

async function turnsOf(thread: TaskThread<number>): Promise<number> {
  const root = await start(thread);
  for (const signal of [1, 2, 3]) await root.send(signal);
  expect((await root.stop()).verdict).toBe('clean');
  expect(turns.length).toBe(3);
  return new Set(turns).size;
}

test('an asynchronous handler that declares its turn gets one of its own for each signal', async () => {
  expect(await turnsOf(new Declares())).toBe(3);
});

test('synchronous handlers, and asynchronous ones that declare no turn, share one', async () => {
  expect(await turnsOf(new Synchronous())).toBe(1);
  turns.length = 0;
  expect(await turnsOf(new DeclaresNone())).toBe(1);
});

test('where executions are watched, each has its own', async () => {
  expect(await turnsOf(new DeclaresNone({ progressMs: 60_000 }))).toBe(3);
});

test('a turn that has to wait is not given to the next execution', async () => {
  class LeavesAWait extends TaskThread<number> {
    protected override signalHandler(...all: [number, Turn]): Promise<void> {
      turns.push(all[1]);
      void all[1].sleep(10);
      return Promise.resolve();
    }
  }
  expect(await turnsOf(new LeavesAWait())).toBe(3);
});

describe('signals from children', () => {
  class Leaf extends TaskThread<never, number> {
    protected override async enter(turn: Turn<number>): Promise<void> {
      for (const signal of [1, 2, 3]) await turn.sendToParent(signal);
    }
  }

  class Parent extends TaskThread<never, never, number> {
    readonly #onSignal: ((signal: number, child: AnyChild, turn: Turn) => unknown) | undefined;

    constructor(onSignal?: (signal: number, child: AnyChild, turn: Turn) => unknown) {
      super();
      this.#onSignal = onSignal;
    }

    protected override async enter(): Promise<void> {
      await this.addChild(() => new Leaf(), this.#onSignal === undefined ? {} : { onSignal: this.#onSignal });
    }

    protected override childSignalHandler(...all: [number, AnyChild, Turn]): Promise<void> {
      turns.push(all[2]);
      return Promise.resolve();
    }
  }

  async function childTurnsOf(parent: Parent): Promise<number> {
    const root = await start(parent);
    await root.stop();
    expect(turns.length).toBe(3);
    return new Set(turns).size;
  }

  test('of a handler that declares no turn share one', async () => {
    expect(await childTurnsOf(new Parent())).toBe(1);
  });

  test('have one each in an asynchronous `onSignal`', async () => {
    const onSignal = (...all: [number, AnyChild, Turn]): Promise<void> => {
      turns.push(all[2]);
      return Promise.resolve();
    };
    expect(await childTurnsOf(new Parent(onSignal))).toBe(3);
  });
});
