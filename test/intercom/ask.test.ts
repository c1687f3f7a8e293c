import { Asks, type Reply } from '../../src/intercom/ask.ts';
import { CancelScope } from '../../src/kernel/cancel-scope.ts';
import { EdgeClosedError, LaneFullError } from '../../src/kernel/errors.ts';
import type { Scheduler } from '../../src/kernel/scheduler.ts';
import { leakCheck } from '../../src/testing/index.ts';
import { microtasks, outcomeOf, virtualHost } from '../kernel/virtual-host.ts';
import { waitOf } from './lane-world.ts';

type Request = { readonly reply: Reply<string> };

const stop = new Error('stop');
const make = (reply: Reply<string>): Request => ({ reply });
let leaks: () => void;

beforeEach(() => {
  leaks = leakCheck();
});

afterEach(async () => {
  await microtasks();
  leaks();
});

/** The asks of an edge whose lane keeps what it is sent. */
function asksWorld(
  send: (signal: unknown) => Promise<void> | undefined = () => undefined,
  scheduler: Scheduler = virtualHost().host.scheduler,
) {
  const { host } = virtualHost();
  const sent: Request[] = [];
  const scope = new CancelScope(host);
  const asks = new Asks({
    scheduler,
    sendTo(_direction, signal) {
      sent.push(signal as Request);
      return send(signal);
    },
    askedPath: (direction) => (direction === 'down' ? '/Master-1/Database-2' : '/Master-1'),
    answerBlockers: () => [],
  });
  const ask = (makeRequest: (reply: Reply<string>) => unknown = make): Promise<string> =>
    asks.ask(makeRequest, 'down', waitOf(scope));
  return { asks, sent, scope, ask };
}

describe('a request', () => {
  test('is answered with what its handler gives', async () => {
    const { asks, sent, ask } = asksWorld();
    const answer = ask();
    expect(asks.waiting).toBe(1);
    sent[0]!.reply.with('pong');
    await expect(answer).resolves.toBe('pong');
    expect([asks.waiting, asks.lateReplies]).toEqual([0, 0]);
  });

  test('fails with what its handler gives', async () => {
    const { sent, ask } = asksWorld();
    const answer = ask();
    sent[0]!.reply.fail(new Error('no such row'));
    await expect(answer).rejects.toThrow('no such row');
  });

  test('takes the first answer only', async () => {
    const { asks, sent, ask } = asksWorld();
    const answer = ask();
    const { reply } = sent[0]!;
    reply.with('first');
    reply.with('second');
    reply.fail(new Error('third'));
    await expect(answer).resolves.toBe('first');
    expect(asks.lateReplies).toBe(0);
  });

  test('can be answered out of order, each to its own asker', async () => {
    const { sent, ask } = asksWorld();
    const answers = [ask(), ask(), ask()];
    for (const index of [2, 0, 1]) sent[index]!.reply.with(`answer ${index}`);
    await expect(Promise.all(answers)).resolves.toEqual(['answer 0', 'answer 1', 'answer 2']);
  });

  test('whose making throws is not sent, and nothing of it is left', async () => {
    const { asks, sent, ask } = asksWorld();
    const answer = ask(() => {
      throw new Error('cannot be made');
    });
    await expect(answer).rejects.toThrow('cannot be made');
    expect([asks.waiting, sent.length]).toEqual([0, 0]);
  });

  test('that is answered while it is made has its answer', async () => {
    const { asks, ask } = asksWorld();
    const answer = ask((reply) => {
      reply.with('at once');
      return { reply };
    });
    await expect(answer).resolves.toBe('at once');
    expect(asks.lateReplies).toBe(0);
  });

  test('that could not be sent fails as the send did', async () => {
    const { asks, ask } = asksWorld((signal) => Promise.reject(new LaneFullError('/Master-1/Database-2', signal)));
    await expect(ask()).rejects.toMatchObject({ code: 'TT_LANE_FULL' });
    expect(asks.waiting).toBe(0);
  });

  test('that could not be sent because it throws is not waited for', async () => {
    const { asks, ask } = asksWorld(() => {
      throw new Error('against the rule');
    });
    await expect(ask()).rejects.toThrow('against the rule');
    expect(asks.waiting).toBe(0);
  });

  test('says what is waited on', () => {
    const { scope, ask } = asksWorld();
    void ask();
    const [waiter] = [...scope.members()] as [import('../../src/kernel/wait-queue.ts').Waiter];
    expect(waiter.owner.describeWait(waiter)).toBe('an answer of /Master-1/Database-2');
    scope.end(stop);
  });
});

describe('a cancelled ask', () => {
  test('may have happened: its late reply is discarded and counted', async () => {
    const { asks, sent, scope, ask } = asksWorld();
    const answer = outcomeOf(ask());
    scope.cancel(stop);
    sent[0]!.reply.with('late');
    await microtasks();
    expect([answer.word, asks.lateReplies, asks.waiting]).toEqual(['stop', 1, 0]);
  });

  test('makes and sends nothing in a scope that is cancelled already', async () => {
    const { sent, scope, ask } = asksWorld();
    let made = 0;
    scope.cancel(stop);
    await expect(ask((reply) => ({ reply, made: made++ }))).rejects.toBe(stop);
    expect([made, sent.length]).toEqual([0, 0]);
  });

  test('sends nothing when it is cancelled while it is made', async () => {
    const { asks, sent, scope, ask } = asksWorld();
    const answer = outcomeOf(
      ask((reply) => {
        scope.cancel(stop);
        return { reply };
      }),
    );
    await microtasks();
    expect([answer.word, sent.length, asks.waiting]).toEqual(['stop', 0, 0]);
  });
});

describe('a request that nobody will answer', () => {
  test('tells its asker when it is dropped, and only that one', async () => {
    const { asks, sent, ask } = asksWorld();
    const answers = [ask(), ask()].map(outcomeOf);
    asks.signalLost({ reply: sent[0]!.reply }, 'a signal that only looks like it');
    asks.signalLost(sent[1], 'dropped: the lane was full');
    await microtasks();
    expect(answers.map(({ word }) => word)).toEqual([
      'waiting',
      '/Master-1/Database-2 did not answer: dropped: the lane was full',
    ]);
    asks.end('over');
  });

  test('tells everyone at the end of the edge; a reply that comes later is counted', async () => {
    const { asks, sent, ask } = asksWorld();
    const answers = [ask(), ask()];
    asks.end('it has ended');
    for (const answer of answers) {
      await expect(answer).rejects.toMatchObject({ code: 'TT_ASK_UNANSWERED', path: '/Master-1/Database-2' });
    }
    sent[0]!.reply.with('late');
    sent[1]!.reply.fail(new Error('late'));
    expect([asks.waiting, asks.lateReplies]).toEqual([0, 2]);
  });

  test('is no unhandled rejection when nobody looks: dropped, ended, closed or cancelled', async () => {
    const { asks, sent, scope, ask } = asksWorld();
    void ask();
    asks.signalLost(sent[0], 'dropped');
    void ask();
    asks.end('over');
    void ask();
    scope.cancel(stop);
    void ask();
    const closed = asksWorld((signal) => Promise.reject(new EdgeClosedError('/Master-1/Database-2', signal)));
    void closed.ask();
    // The test runner fails this test when one of them is unhandled.
    await microtasks();
    await microtasks();
    expect([asks.waiting, closed.asks.waiting]).toEqual([0, 0]);
  });
});

describe('law 9 on an ask', () => {
  /** A scheduler whose slice is always spent, and which counts what is taken of it. */
  function spentSlice() {
    let open = (): void => {};
    const next = new Promise<void>((resolve) => {
      open = resolve;
    });
    const scheduler = {
      coarseNow: 0,
      wholeNow: 0,
      spends: 0,
      enqueue() {},
      resume() {},
      nextSlice: () => next,
    } as const;
    const counted = { ...scheduler, spend: () => ++counted.spends > 0 };
    return { scheduler: counted, open };
  }

  test('an answer takes its share of the slice', async () => {
    const { scheduler } = spentSlice();
    const { sent, ask } = asksWorld(undefined, scheduler);
    const answer = ask();
    const before = scheduler.spends;
    sent[0]!.reply.with('pong');
    expect(scheduler.spends).toBe(before + 1);
    await expect(answer).resolves.toBe('pong');
  });

  test.each([
    ['answers itself', (reply: Reply<string>) => reply.with('pong'), 'pong'],
    ['fails itself', (reply: Reply<string>) => reply.fail(new Error('no')), 'no'],
  ])('one that %s waits for the next slice when this one is spent', async (_what, settle, expected) => {
    const { scheduler, open } = spentSlice();
    const { ask } = asksWorld(undefined, scheduler);
    let outcome: unknown = 'pending';
    ask((reply) => settle(reply)).then(
      (value) => (outcome = value),
      (error: Error) => (outcome = error.message),
    );
    await microtasks();
    expect(outcome).toBe('pending');
    open();
    await microtasks();
    expect(outcome).toBe(expected);
  });

  test('one that is lost at once is no unhandled rejection in a spent slice either', async () => {
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    const { scheduler, open } = spentSlice();
    const { asks, ask } = asksWorld((signal) => {
      asks.signalLost(signal, 'dropped');
      return undefined;
    }, scheduler);
    void ask();
    await new Promise((resolve) => setImmediate(resolve));
    open();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});
