/** Functions under what a tree does about its threads: restarts, and circles of waits. */
import {
  currentThread,
  FunctionThread,
  type Reply,
  type Spawned,
  sleep,
  spawn,
  TaskThread,
  type Turn,
} from '../../../src/index.ts';
import { causeOf, checkThreads, codeOf, grow, say, settle, type Toy, takeWarnings, time, words } from '../toys.ts';
import { program, rejection } from './running.ts';

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
