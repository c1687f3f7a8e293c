/** Whose a turn is: an execution that waits, or says a word that waits or holds something, has its own. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type AnyChild, RLock, start, TaskThread, type Turn } from '../../src/index.ts';
import { leakCheck } from '../../src/testing/index.ts';

let leaks: () => void;
beforeEach(() => {
  leaks = leakCheck();
});
afterEach(() => leaks());

/** Calls a handler that may come by its turn in any way, and notes it. */
class Taker extends TaskThread<number> {
  readonly turns: Turn[] = [];
  readonly #handler: (signal: number, turn: Turn) => unknown;

  constructor(handler: (signal: number, turn: Turn) => unknown) {
    super();
    this.#handler = handler;
  }

  protected override signalHandler(...all: [number, Turn]): unknown {
    this.turns.push(all[1]);
    return this.#handler(...all);
  }
}

/** How many turns three signals have. */
async function turnsOf(handler: (signal: number, turn: Turn) => unknown): Promise<number> {
  const thread = new Taker(handler);
  const root = await start(thread);
  for (const signal of [1, 2, 3]) await root.send(signal);
  expect((await root.stop()).verdict).toBe('clean');
  expect(thread.turns.length).toBe(3);
  return new Set(thread.turns).size;
}

test('asynchronous executions have one each, also where the handler declares none', async () => {
  expect(await turnsOf(() => Promise.resolve())).toBe(3);
});

test('synchronous executions that say no word by it share one', async () => {
  expect(await turnsOf(() => undefined)).toBe(1);
});

test('a wait that is left behind keeps its turn', async () => {
  expect(await turnsOf((_signal, turn) => void turn.sleep(5))).toBe(3);
});

test('where one execution was asynchronous, later ones share none', async () => {
  expect(await turnsOf((signal) => (signal === 1 ? Promise.resolve() : undefined))).toBe(3);
  expect(await turnsOf((signal) => (signal === 2 ? Promise.resolve() : undefined))).toBe(2);
});

test('what one execution holds is not held by the next one, however it ends', async () => {
  const lock = new RLock();
  let [inside, most] = [0, 0];
  const save = async (turn: Turn): Promise<void> => {
    await lock.holding(
      async () => {
        most = Math.max(most, ++inside);
        // No word of ours: by its turn nothing waits meanwhile.
        await new Promise((resolve) => setTimeout(resolve, 2));
        inside--;
      },
      { scope: turn },
    );
  };
  let saved: Promise<unknown> = Promise.resolve();
  const thread = new Taker((_signal, turn) => {
    saved = Promise.all([saved, save(turn)]);
  });
  const root = await start(thread);
  for (const signal of [1, 2, 3]) await root.send(signal);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await saved;
  await root.stop();
  expect(most).toBe(1);
});

test('nor is what one turn of a task holds held by the next one', async () => {
  const lock = new RLock();
  const got: boolean[] = [];
  class Holder extends TaskThread {
    protected override enter(): void {
      this.tasks.reCreate('hold', (turn) => {
        got.push(lock.tryAcquire({ scope: turn }) !== undefined);
        return got.length < 3 ? turn.reSchedule() : turn.stop();
      });
    }
  }
  const root = await start(new Holder());
  await root.join();
  expect(got).toEqual([true, false, false]);
});

describe('when an asynchronous handler is done, its thread keeps nothing of', () => {
  const left: WeakRef<object>[] = [];
  let collect: () => void;
  beforeAll(() => {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  });
  beforeEach(() => {
    left.length = 0;
  });

  async function expectNothingLeft(count: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 20));
    collect();
    expect(left.map((ref) => ref.deref())).toEqual(new Array(count).fill(undefined));
  }

  test.each([undefined, 1000])('its signal, its turn and its party, with a progressMs of %p', async (progressMs) => {
    class Large extends TaskThread<object> {
      protected override async signalHandler(signal: object, turn: Turn) {
        left.push(new WeakRef(signal), new WeakRef(turn), new WeakRef(turn.party));
        await turn.sleep(1);
      }
    }
    const root = await start(new Large(progressMs === undefined ? {} : { progressMs }));
    await root.send({});
    await expectNothingLeft(3);
    await root.stop();
  });

  test('a child that it has heard, and that has ended', async () => {
    class Child extends TaskThread<never, string> {
      protected override enter(turn: Turn<string>) {
        left.push(new WeakRef(this));
        void turn.sendToParent('here');
      }
    }
    class Parent extends TaskThread<never, never, string> {
      protected override async childSignalHandler(_signal: string, child: AnyChild, turn: Turn) {
        await turn.sleep(1);
        child.stop().catch(() => {});
      }
      grow(): Promise<unknown> {
        return this.addChild(() => new Child());
      }
    }
    const parent = new Parent();
    const root = await start(parent);
    await parent.grow();
    await expectNothingLeft(1);
    await root.stop();
  });
});
