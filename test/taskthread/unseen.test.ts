/** Law 14 on addChild: its failure belongs to whoever looks at the promise, and where nobody does, to the thread that said it. */
import { type AnyChild, ChildFailedError, TaskThread } from '../../src/index.ts';
import { lookedAt } from '../../src/taskthread/looked-at.ts';
import {
  checkThreads,
  codeOf,
  errorOf,
  forever,
  grow,
  messageOf,
  say,
  settle,
  Toy,
  takeWarnings,
  time,
  words,
} from './toys.ts';

checkThreads();

const broken = new Error('no enter');
const failsSync = (): Toy => {
  throw broken;
};
const makers: [string, () => Toy][] = [
  ['an enter that throws', () => new Toy({ enter: failsSync })],
  ['an enter that rejects at once', () => new Toy({ enter: () => Promise.reject(broken) })],
  ['an enter that rejects late', () => new Toy({ enter: (_me, turn) => turn.sleep(50).then(failsSync) })],
];

/** A parent below a root that ignores its failure. */
async function family(): Promise<{ parent: Toy; handle: AnyChild }> {
  const top = new Toy();
  await grow(top);
  const parent = new Toy();
  return { parent, handle: await top.add(parent, { onFailure: 'ignore' }) };
}

describe('a failure that nobody looks at', () => {
  test.each(makers)('(%s) fails the parent with the cause and the path', async (_what, make) => {
    const { parent, handle } = await family();
    void parent.add(make);
    await time().advance(100);
    const error = handle.outcome?.error;
    expect(error).toBeInstanceOf(ChildFailedError);
    expect(error).toMatchObject({ path: '/Toy-1/Toy-2/Toy-3', cause: broken });
  });

  test.each(makers)('(%s) fails the parent also where the child was to be restarted', async (_what, make) => {
    for (const restart of ['permanent', 'transient'] as const) {
      const { parent, handle } = await family();
      void parent.add(make, { restart });
      await time().advance(100);
      expect(handle.outcome?.error).toMatchObject({ path: expect.stringMatching(/\/Toy-3$/), cause: broken });
      expect(handle.outcome?.error).toBeInstanceOf(ChildFailedError);
    }
  });

  test.each(makers)('(%s) is recorded where it is declared to be ignored', async (_what, make) => {
    const { parent, handle } = await family();
    void parent.add(make, { onFailure: 'ignore' });
    await time().advance(100);
    expect([handle.state, handle.snapshot().lastError]).toEqual(['running', '/Toy-1/Toy-2/Toy-3: no enter']);
  });

  test('of an enter that the first incarnation did not have fails the parent', async () => {
    class Plain extends TaskThread {}
    const top = new Toy();
    await grow(top);
    const parent = new Toy({}, { supervision: { strategy: 'one-for-all' } } as never);
    const handle = await top.add(parent, { onFailure: 'ignore' });
    const crashes = (): never => failsSync() as never;
    const child = await parent.add(() => new Toy({ signal: crashes }), { restart: 'permanent' });
    let lives = 0;
    // It is added when its sibling's restart is told, and so stopped with it before it has begun.
    parent.events.once('childRestarting', () => {
      void parent.add((() => (lives++ === 0 ? new Plain() : new Toy({ enter: failsSync }))) as never, {
        restart: 'permanent',
      });
    });
    void child.send('crash');
    await settle();
    expect([lives, handle.outcome?.error]).toEqual([2, expect.objectContaining({ cause: broken })]);
  });

  test('of a factory fails the parent, or is recorded', async () => {
    for (const onFailure of ['escalate', 'ignore'] as const) {
      const { parent, handle } = await family();
      void parent.add(failsSync, { onFailure });
      await settle();
      if (onFailure === 'escalate') expect(handle.outcome).toMatchObject({ kind: 'failed', error: broken });
      else expect([handle.state, handle.snapshot().lastError]).toEqual(['running', 'no enter']);
    }
  });

  test.each([
    [
      'a wrong spec',
      (parent: Toy) => parent.add(new Toy(), { nam: 'x', onFailure: 'ignore' } as never),
      'TT_INVALID_OPTION',
    ],
    ['what is no thread', (parent: Toy) => parent.add({} as never), 'TT_INVALID_OPTION'],
    ['one that was started', (parent: Toy) => parent.add(parent), 'TT_ALREADY_STARTED'],
  ])('of a wrong use (%s) fails the thread that said it', async (_what, add, code) => {
    const { parent, handle } = await family();
    void add(parent);
    await settle();
    expect([handle.outcome?.kind, codeOf(handle.outcome?.error)]).toEqual(['failed', code]);
  });

  test('of a thread that stops meanwhile is in its outcome, and keeps nothing from ending in order', async () => {
    const top = new Toy();
    await grow(top);
    const parent = new Toy({ exit: (_me, turn) => turn.sleep(5).then(() => say('exit')) });
    const handle = await top.add(parent, { onFailure: 'ignore' });
    void parent.add(new Toy({ enter: (_me, turn) => turn.sleep(5).catch(() => failsSync()) }));
    await settle();
    parent.stop();
    const outcome = await time().run(handle.join());
    expect(outcome).toMatchObject({ kind: 'failed', error: { path: '/Toy-1/Toy-2/Toy-3', cause: broken } });
    expect(words).toEqual(['exit']);
  });

  test('of a thread that has ended before it could be told is late, and not lost', async () => {
    const { parent, handle } = await family();
    void parent.add(new Toy({ enter: (_me, turn) => turn.sleep(5).catch(() => failsSync()) }));
    await settle();
    parent.stop();
    expect((await time().run(handle.join())).kind).toBe('finished');
    await settle();
    void parent.add(failsSync);
    const other = await family();
    void other.parent.add(failsSync);
    void other.handle.stop({ drainMs: 0, cancelMs: 0 });
    await settle();
    expect(takeWarnings()).toEqual([
      'enter of /Toy-1/Toy-2/Toy-3 of /Toy-1/Toy-2 failed late: no enter',
      'addChild of /Toy-1/Toy-2 failed late: no enter',
    ]);
  });

  test('of a child whose wait was cancelled is looked at once, when the child has ended', async () => {
    const top = new Toy();
    await grow(top);
    const parent = new Toy({ exit: (_me, turn) => turn.sleep(20) });
    const handle = await top.add(parent, { onFailure: 'ignore' });
    parent.events.on('failed', (_error, where) => say(`failed: ${where}`));
    parent.tasks.reCreate('adds', (turn) => {
      void parent.add(new Toy({ enter: (_me, inner) => inner.sleep(50).catch(failsSync) }), { scope: turn });
      return turn.sleep(1000);
    });
    await settle();
    void parent.tasks.delete('adds');
    await time().advance(100);
    expect(words).toEqual(['failed: child /Toy-1/Toy-2/Toy-3']);
    expect(handle.outcome).toMatchObject({ kind: 'failed', error: { cause: broken } });
  });

  test('is none where the child was stopped in enter, or the parent stops', async () => {
    const { parent, handle } = await family();
    void parent.add(new Toy({ enter: forever }));
    await settle();
    await time().run((parent.children[0] as AnyChild).stop({ drainMs: 0, cancelMs: 10 }));
    await settle();
    expect([handle.state, handle.snapshot().lastError]).toEqual(['running', undefined]);
    void parent.add(new Toy({ enter: (_me, turn) => turn.sleep(1000) }));
    await settle();
    expect((await time().run(handle.stop())).outcome).toBe('stopped');
  });
});

describe('a failure that somebody looks at is theirs alone', () => {
  const ways: [string, (parent: Toy, make: () => Toy) => Promise<unknown>][] = [
    ['await', async (parent, make) => await parent.add(make)],
    ['return', (parent, make) => parent.add(make)],
    [
      'await later in the same turn',
      async (parent, make) => {
        const adding = parent.add(make);
        await Promise.resolve();
        for (let i = 0; i < 20; i++) await Promise.resolve();
        return await adding;
      },
    ],
    ['Promise.all', (parent, make) => Promise.all([parent.add(new Toy()), parent.add(make)])],
    ['Promise.race', (parent, make) => Promise.race([parent.add(make)])],
    ['catch', (parent, make) => parent.add(make).catch((error: unknown) => Promise.reject(error))],
    ['finally', (parent, make) => parent.add(make).finally(() => say('finally'))],
    [
      'a second look',
      (parent, make) => {
        const adding = parent.add(make);
        adding.catch(() => {});
        return adding;
      },
    ],
  ];

  test.each(ways)('%s', async (_way, add) => {
    for (const [, make] of [...makers, ['a factory', failsSync] as const]) {
      const { parent, handle } = await family();
      let found: unknown;
      parent.tasks.reCreate('adds', async () => {
        try {
          await add(parent, make);
        } catch (error) {
          found = error;
        }
      });
      await time().advance(100);
      expect(found).toBe(broken);
      expect([handle.state, handle.snapshot().lastError]).toEqual(['running', undefined]);
    }
  });

  test('and one that is looked at and not caught fails the task that looked', async () => {
    const { parent, handle } = await family();
    parent.tasks.reCreate('adds', async () => {
      await parent.add(makers[0]![1]);
    });
    await settle();
    expect(handle.outcome).toMatchObject({ kind: 'failed', error: broken });
  });
});

test('the promise is one like all others, and what it gives by then is a plain one', async () => {
  const unseen = jest.fn();
  const { scheduler } = time();
  const promise = lookedAt(Promise.resolve(5), scheduler, unseen);
  expect(promise).toBeInstanceOf(Promise);
  expect(promise.then(String).constructor).toBe(Promise);
  expect(await promise).toBe(5);
  const failed = lookedAt(Promise.reject(broken), scheduler, unseen);
  await settle();
  expect(unseen.mock.calls).toEqual([[broken]]);
  // Who looks when it is too late still sees it.
  expect(await errorOf(failed)).toBe(broken);
  expect([messageOf(broken), words]).toEqual(['no enter', []]);
});
