/** Functions under what a tree does about its threads: restarts, circles of waits, and what takes too long. */
import {
  currentThread,
  FunctionThread,
  type LifecycleRecord,
  type Reply,
  type Spawned,
  sleep,
  spawn,
  TaskThread,
  type Turn,
} from '../../../src/index.ts';
import { causeOf, checkThreads, codeOf, grow, say, settle, type Toy, takeWarnings, time, words } from '../toys.ts';
import { program, rejection, thrown } from './running.ts';

checkThreads();

test('a function that fails is started again, as its parent has declared', async () => {
  let lives = 0;
  class WatchThread extends TaskThread {
    protected override async enter() {
      const make = (): FunctionThread =>
        new FunctionThread(async function job() {
          say(`life ${++lives} of ${currentThread().path}`);
          await sleep(10);
          throw new Error('broken');
        });
      await this.addChild(make, { restart: 'transient' });
    }
  }
  const root = await grow(new WatchThread() as unknown as Toy);
  await time().advance(5_000);
  expect(words.map((word) => word.split(' of ')[0])).toEqual(['life 1', 'life 2']);
  expect([root.outcome?.kind, codeOf(root.outcome?.error)]).toEqual(['failed', 'TT_CHILD_FAILED']);
  takeWarnings();
});

test('a function starts again what it has added, by its own supervision', async () => {
  const lives: number[] = [];
  const error = await program(async () => {
    const poller = async (): Promise<void> => {
      lives.push(time().now);
      await sleep(10);
      if (lives.length === 2) throw new Error('broken');
    };
    const boss = spawn({ supervision: { intensity: 3, periodMs: 60_000 } }, async function boss() {
      const child = await currentThread().addChild(() => new FunctionThread(poller), { restart: 'permanent' });
      await child.join();
    });
    return causeOf(await rejection(boss.join()));
  });
  // It is started again whether it returns or fails, three times; then the function fails.
  expect(lives.map((at) => at - lives[0]!)).toEqual([0, 10, 20, 30]);
  expect(codeOf(error)).toBe('TT_CHILD_FAILED');
  expect(String((error as Error).cause)).toContain('more than 3 times');
});

describe('a function that is under way for longer than it has said', () => {
  const slow = async (): Promise<void> => {
    await sleep(30);
    await sleep(70);
  };

  test('is told, once, with what it waits for', async () => {
    const told: string[] = [];
    const onRecord = (record: LifecycleRecord): void => {
      if (record.kind === 'overdue')
        told.push(`${record.path} ${record.what} at ${record.ageMs}: ${record.waits.join()}`);
    };
    await program(
      async () => {
        const [first, second] = [spawn({ progressMs: 50 }, slow), spawn({ progressMs: 200 }, slow)];
        await first.join();
        await second.join();
      },
      { onRecord },
    );
    expect(told).toEqual(['/function-1/slow-2 function slow at 50: sleep of 70 ms']);
  });

  test("fails with onOverdue 'restart', which is for who joins it", async () => {
    const error = await program(async () => {
      const patient = spawn({ progressMs: 50, onOverdue: 'restart', stop: { cancelMs: 0 } }, slow);
      return causeOf(await rejection(patient.join()));
    });
    expect(error).toMatchObject({ code: 'TT_OVERDUE', what: 'function slow', ageMs: 50, waits: ['sleep of 70 ms'] });
  });

  test('says so by itself: the limit of a thread above is for hooks', async () => {
    const told: string[] = [];
    class HostThread extends TaskThread {
      constructor() {
        super({ progressMs: 20 });
      }

      protected override enter(turn: Turn): void {
        spawn({ scope: turn }, slow);
      }
    }
    await grow(new HostThread() as unknown as Toy, { onRecord: ({ kind }) => told.push(kind) });
    await time().advance(200);
    expect(told).toContain('ended');
    expect(told).not.toContain('overdue');
    expect(told).not.toContain('stall');
  });

  test('is checked before it begins, and what it owns is closed then', async () => {
    let closed = 0;
    const owns = { close: () => closed++ };
    await program(() => {
      const error = thrown(() => spawn({ owns, progressMs: 0 }, slow));
      expect(error).toMatchObject({ code: 'TT_INVALID_OPTION', field: 'options.progressMs' });
    });
    expect(closed).toBe(1);
  });
});

test('two functions that join each other are told so, with a way out that a function has', async () => {
  const error = await program(async () => {
    const pair: Spawned[] = [];
    const joins = (other: number) => async () => {
      await sleep(1);
      await pair[other]?.join();
    };
    pair.push(spawn(joins(1)), spawn(joins(0)));
    for (const thread of pair) await rejection(thread.join());
    return causeOf(await rejection(pair[1]!.join()));
  });
  const join = 'a time limit, or joining in another function, one that nothing in the circle waits for';
  expect(error).toMatchObject({ code: 'TT_DEADLOCK', chain: [{ wayOut: join }, { wayOut: join }] });
});

test('a function that waits for its child does not keep itself from handling what that sends: no circle', async () => {
  type Question = { readonly reply: Reply<string> };
  /** Sends more than there is room for before it answers. */
  class TalkerThread extends TaskThread<Question, number> {
    constructor() {
      super({ outbox: { capacity: 1 } });
    }

    protected override async signalHandler({ reply }: Question, turn: Turn<number>) {
      for (let n = 0; n < 5; n++) await turn.sendToParent(n);
      reply.with('answer');
    }
  }
  const got: number[] = [];
  const answer = await program(async () => {
    const thread = currentThread();
    const talker = await thread.addChild(() => new TalkerThread(), {
      onSignal: async (n: number, _child, turn) => {
        await turn.sleep(1);
        got.push(n);
      },
    });
    return await thread.ask(talker, (reply: Reply<string>) => ({ reply }));
  });
  await settle();
  expect([answer, got]).toEqual(['answer', [0, 1, 2, 3, 4]]);
});
