import type { Reply } from '../../src/intercom/ask.ts';
import { imbalance } from '../../src/intercom/books.ts';
import { leakCheck } from '../../src/testing/index.ts';
import { microtasks, outcomeOf } from '../kernel/virtual-host.ts';
import { edgeWorld, handle } from './edge-world.ts';
import { waitOf } from './lane-world.ts';

type Request = { readonly name: string; readonly reply: Reply<string> };

const make = (reply: Reply<string>): Request => ({ name: 'request', reply });
const stop = new Error('stop');
let leaks: () => void;

beforeEach(() => {
  leaks = leakCheck();
});

afterEach(async () => {
  await microtasks();
  leaks();
});

describe('an edge', () => {
  test('makes its lanes when they are first used, and says so in its snapshot', () => {
    const { edge, scope } = edgeWorld();
    expect([edge.down, edge.up, edge.snapshot()]).toEqual([
      undefined,
      undefined,
      { down: undefined, up: undefined, asksWaiting: 0, lateReplies: 0 },
    ]);
    void edge.sendDown('a', waitOf(scope()));
    const { down } = edge;
    expect(edge.trySendDown('b')).toBe(true);
    expect([edge.down === down, edge.up]).toEqual([true, undefined]);
    expect(edge.trySendUp('c')).toBe(true);
    expect(edge.snapshot()).toMatchObject({ down: { queued: 2 }, up: { queued: 1 } });
  });

  test('tells the taking end that a lane is ready, full, or has lost a signal', () => {
    const { edge, scope, told } = edgeWorld({ options: { capacity: 1, policy: 'drop-oldest' } });
    for (const name of ['a', 'b']) {
      void edge.sendDown({ name: `down ${name}` }, waitOf(scope()));
      void edge.sendUp({ name: `up ${name}` }, waitOf(scope()));
    }
    expect(told).toEqual([
      '/Master-1/Database-2: down lane is ready',
      '/Master-1: up lane is ready',
      '/Master-1/Database-2: down lane is full',
      '/Master-1/Database-2: down a lost, dropped: the lane was full (drop-oldest)',
      '/Master-1: up lane is full',
      '/Master-1: up a lost, dropped: the lane was full (drop-oldest)',
    ]);
  });

  test('carries signals both ways, each in its order', () => {
    const { edge, scope } = edgeWorld();
    for (const name of ['a', 'b']) {
      void edge.sendDown(name, waitOf(scope()));
      void edge.sendUp(`${name} up`, waitOf(scope()));
    }
    const taken = [edge.down, edge.up, edge.down, edge.up].map(handle);
    expect(taken).toEqual(['a', 'a up', 'b', 'b up']);
  });
});

describe('an edge whose child takes no more', () => {
  test.each(['before', 'after'])(
    'refuses signals downwards, closed %s the first use, and still carries those up',
    async (when) => {
      const { edge, scope } = edgeWorld();
      if (when === 'after') edge.trySendDown('queued');
      edge.closeDown();
      await expect(edge.sendDown('a', waitOf(scope()))).rejects.toMatchObject({ code: 'TT_EDGE_CLOSED', signal: 'a' });
      expect([edge.trySendDown('b'), edge.trySendUp('c'), edge.downClosed]).toEqual([false, true, true]);
      if (when === 'after') expect(handle(edge.down)).toBe('queued');
      expect(imbalance(edge.down!.snapshot())).toBeUndefined();
    },
  );
});

describe('an edge whose child has ended', () => {
  test('is closed both ways, also when it was never used', async () => {
    const { edge, scope } = edgeWorld();
    edge.end('its receiver has ended');
    await expect(edge.sendDown('a', waitOf(scope()))).rejects.toMatchObject({ code: 'TT_EDGE_CLOSED' });
    await expect(edge.sendUp('b', waitOf(scope()))).rejects.toMatchObject({ code: 'TT_EDGE_CLOSED' });
    await expect(edge.askDown(make, waitOf(scope()))).rejects.toMatchObject({ code: 'TT_EDGE_CLOSED' });
    expect([edge.trySendDown('c'), edge.trySendUp('d')]).toEqual([false, false]);
    expect(edge.snapshot()).toMatchObject({ down: { refused: 3 }, up: { refused: 2 }, asksWaiting: 0 });
  });

  test('makes dead letters of what was queued for the child, and keeps what the child sent', () => {
    const { edge, told } = edgeWorld();
    edge.trySendDown('order');
    edge.trySendUp('result');
    edge.end('its receiver has ended');
    expect(told.at(-1)).toBe('/Master-1/Database-2: order lost, its receiver has ended');
    expect(edge.snapshot()).toMatchObject({ down: { deadLettered: 1, queued: 0 }, up: { queued: 1 } });
    expect(handle(edge.up)).toBe('result');
  });

  test('tells everyone who waits: senders and askers', async () => {
    const { edge, scope } = edgeWorld({ options: { capacity: 1 } });
    edge.trySendDown('full');
    const sender = outcomeOf(edge.sendDown('a', waitOf(scope()))!);
    const up = [edge.sendUp('b', waitOf(scope())), edge.sendUp('c', waitOf(scope()))];
    const asker = outcomeOf(edge.askUp(make, waitOf(scope())));
    edge.end('it has ended');
    await microtasks();
    expect(sender.word).toContain('takes no more signals');
    await expect(up[1]).rejects.toMatchObject({ code: 'TT_EDGE_CLOSED', signal: 'c' });
    expect(asker.word).toBe('/Master-1 did not answer: /Master-1/Database-2 has ended');
  });
});

describe('a root', () => {
  test('takes signals from outside, but has no parent to send to', async () => {
    const { edge, scope } = edgeWorld({ isRoot: true });
    expect(edge.trySendDown('a')).toBe(true);
    await expect(edge.sendUp('b', waitOf(scope()))).rejects.toMatchObject({ code: 'TT_NO_PARENT', signal: 'b' });
    await expect(edge.askUp(make, waitOf(scope()))).rejects.toMatchObject({ code: 'TT_NO_PARENT' });
    expect(() => edge.trySendUp('c')).toThrow(expect.objectContaining({ code: 'TT_NO_PARENT', signal: 'c' }));
    expect(edge.snapshot()).toMatchObject({ up: undefined, asksWaiting: 0 });
  });
});

describe('an ask over an edge', () => {
  test('is answered down and up', async () => {
    const { edge, scope } = edgeWorld();
    const [down, up] = [edge.askDown(make, waitOf(scope())), edge.askUp(make, waitOf(scope()))];
    expect(edge.snapshot().asksWaiting).toBe(2);
    (handle(edge.down) as Request).reply.with('from below');
    (handle(edge.up) as Request).reply.with('from above');
    await expect(Promise.all([down, up])).resolves.toEqual(['from below', 'from above']);
  });

  test('that is cancelled after its request was accepted leaves it there, and counts the late reply', async () => {
    const { edge, scope } = edgeWorld();
    const cancelled = scope();
    const answer = outcomeOf(edge.askDown(make, waitOf(cancelled)));
    cancelled.cancel(stop);
    expect(edge.snapshot()).toMatchObject({ down: { queued: 1, accepted: 1 }, asksWaiting: 0 });
    (handle(edge.down) as Request).reply.with('late');
    await microtasks();
    expect([answer.word, edge.snapshot().lateReplies]).toEqual(['stop', 1]);
  });

  test('that is cancelled while its request waits for a place has not happened', async () => {
    const { edge, scope } = edgeWorld({ options: { capacity: 1 } });
    const cancelled = scope();
    edge.trySendDown('full');
    const answer = outcomeOf(edge.askDown(make, waitOf(cancelled)));
    cancelled.cancel(stop);
    await microtasks();
    expect(answer.word).toBe('stop');
    expect(edge.snapshot()).toMatchObject({ down: { cancelled: 1, waiting: 0, queued: 1 }, asksWaiting: 0 });
  });

  test.each(['drop-oldest', 'drop-newest'] as const)('whose request is dropped (%s) is told so', async (policy) => {
    const { edge, scope } = edgeWorld({ options: { capacity: 1, policy } });
    const answers = [1, 2].map(() => outcomeOf(edge.askDown(make, waitOf(scope()))));
    await microtasks();
    const dropped = policy === 'drop-oldest' ? 0 : 1;
    expect(answers[dropped]!.word).toContain(`did not answer: dropped: the lane was full (${policy})`);
    expect(answers[1 - dropped]!.word).toBe('waiting');
    edge.end('over');
  });

  test('whose request nobody looks at when the lane refuses it fails for its asker', async () => {
    const { edge, scope } = edgeWorld({ options: { capacity: 1, policy: 'fail' } });
    edge.trySendDown('full');
    await expect(edge.askDown(make, waitOf(scope()))).rejects.toMatchObject({ code: 'TT_LANE_FULL' });
    expect(edge.snapshot().asksWaiting).toBe(0);
  });
});
