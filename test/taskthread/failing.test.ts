/** Laws 14 and 15: every failure has one owner, the parent, and what it does is declared per child. */
import { type Child, ChildFailedError, MissingHandlerError } from '../../src/index.ts';
import { checkThreads, forever, Gate, grow, say, settle, Toy, takeWarnings, time, words } from './toys.ts';

checkThreads();

const broken = new Error('broken');
const fail = (): never => {
  throw broken;
};
const failLater = async (): Promise<never> => {
  await time().scheduler.nextSlice();
  throw broken;
};

/** Where a thread can fail, and how to bring it about once it runs. */
const places: [string, (bad: () => unknown) => Toy, (child: Child<Toy>, toy: Toy) => unknown][] = [
  ['signalHandler', (bad) => new Toy({ signal: bad }), (child) => void child.trySend(1)],
  [
    'childSignalHandler',
    (bad) => new Toy({ childSignal: bad }),
    async (_child, toy) => {
      const below = new Toy();
      await toy.add(below);
      void below.sendToParent(1);
    },
  ],
  [
    'childEnded',
    (bad) => new Toy({ childEnded: bad }),
    async (_child, toy) => {
      const below = new Toy();
      await toy.add(below);
      below.stop();
    },
  ],
  ['task work', () => new Toy(), () => {}],
  ['exit', (bad) => new Toy({ exit: bad }), (_child, toy) => toy.stop()],
];

describe.each([
  ['sync', fail],
  ['async', failLater],
])('a throw (%s)', (_kind, bad) => {
  test.each(places)('in %s fails the thread and is told to its parent alone', async (where, make, provoke) => {
    const parent = new Toy({ childEnded: (child, outcome) => say(`${child.path} ${outcome.kind}`) });
    const root = await grow(parent);
    const toy = make(bad);
    toy.events.on('failed', (error, place) => say(`${place}: ${(error as Error).message}`));
    const child = await parent.add(toy, { onFailure: 'ignore' });
    if (where === 'task work') toy.tasks.reCreate('work', bad);
    await provoke(child, toy);
    await time().advance(1);
    expect(words).toEqual([`${where}: broken`, '/Toy-1/Toy-2 failed']);
    expect(child.outcome).toMatchObject({ kind: 'failed', error: broken });
    expect([root.state, root.snapshot().lastError]).toEqual(['running', '/Toy-1/Toy-2: broken']);
  });

  test.each(places)('in %s escalates: the parent fails with the cause and the path', async (where, make, provoke) => {
    const parent = new Toy({ exit: () => say('parent exits') });
    const top = new Toy();
    await grow(top);
    const handle = await top.add(parent, { onFailure: 'ignore' });
    const sibling = await parent.add(new Toy({ exit: () => say('sibling exits') }));
    const toy = make(bad);
    const child = await parent.add(toy);
    if (where === 'task work') toy.tasks.reCreate('work', bad);
    await provoke(child, toy);
    await time().advance(1);
    const { error } = (await time().run(handle.join())) as { error: ChildFailedError };
    expect(error).toBeInstanceOf(ChildFailedError);
    expect([error.path, error.cause]).toEqual(['/Toy-1/Toy-2/Toy-4', broken]);
    expect([words, sibling.outcome?.kind]).toEqual([['sibling exits', 'parent exits'], 'stopped']);
  });
});

test('a failure escalates through several levels with the path of where it began', async () => {
  const toys = Array.from({ length: 4 }, (_, i) => new Toy({ exit: () => say(`${i} exits`) }));
  const root = await grow(toys[0] as Toy);
  for (let i = 1; i < 4; i++) await (toys[i - 1] as Toy).add(toys[i] as Toy);
  toys[3]?.tasks.reCreate('work', fail);
  const outcome = await time().run(root.join());
  expect(outcome.error).toMatchObject({ code: 'TT_CHILD_FAILED', path: '/Toy-1/Toy-2/Toy-3/Toy-4', cause: broken });
  expect(words).toEqual(['3 exits', '2 exits', '1 exits', '0 exits']);
});

test('a throw in enter belongs to who waits for it, and start rejects with it', async () => {
  await expect(grow(new Toy({ enter: fail }))).rejects.toBe(broken);
  await expect(grow(new Toy({ enter: (me) => me.add(new Toy({ enter: failLater })) }))).rejects.toBe(broken);
});

test('a failure of a root that nobody waits for is a warning, and no unhandled rejection', async () => {
  const toy = new Toy();
  const root = await grow(toy);
  toy.tasks.reCreate('work', fail);
  await settle();
  expect([root.state, takeWarnings()]).toEqual(['stopped', ['/Toy-1 failed: broken']]);
  expect(await root.join()).toMatchObject({ kind: 'failed', error: broken });
});

test('the first failure is the outcome; what fails while it stops is recorded, and keeps nothing from ending', async () => {
  const parent = new Toy({
    exit: () => {
      throw new Error('second');
    },
  });
  const records: string[] = [];
  const root = await grow(parent, {
    onRecord: (record) => record.kind === 'failed' && records.push(`${record.path} ${record.where}`),
  });
  await parent.add(new Toy({ exit: () => Promise.reject(new Error('third')) }));
  await parent.add(new Toy({ exit: () => say('exit') }));
  parent.tasks.reCreate('work', fail);
  const outcome = await time().run(root.join());
  expect([outcome.error, words]).toEqual([broken, ['exit']]);
  expect(records).toEqual(['/Toy-1 task work', '/Toy-1/Toy-2 exit', '/Toy-1 child /Toy-1/Toy-2', '/Toy-1 exit']);
  const report = await root.stop();
  expect(report.failed.map(({ path, error }) => `${path} ${(error as Error).message}`)).toEqual([
    '/Toy-1/Toy-2 third',
    '/Toy-1 broken',
  ]);
});

test('a thread that fails handles nothing more, and its children end in order', async () => {
  const toy = new Toy({ signal: (signal) => (signal === 'bad' ? fail() : say(`handled ${String(signal)}`)) });
  const parent = new Toy();
  await grow(parent);
  const child = await parent.add(toy, { onFailure: 'ignore' });
  for (const name of ['a', 'b']) await toy.add(new Toy({ exit: () => say(`${name} exits`) }));
  for (const signal of ['x', 'bad', 'y', 'z']) void child.send(signal);
  await settle();
  expect(words).toEqual(['handled x', 'b exits', 'a exits']);
  expect(child.snapshot().edge.down).toMatchObject({ accepted: 4, handled: 1, deadLettered: 3, queued: 0 });
});

test('senders that wait for a place at a thread that fails get their signals back', async () => {
  const gate = new Gate();
  const parent = new Toy();
  await grow(parent);
  const child = await parent.add(new Toy({ signal: () => gate.passed.then(fail) }, { inbox: { capacity: 1 } }), {
    onFailure: 'ignore',
  });
  void child.send('first');
  await settle();
  void child.send('queued');
  const waiting = child.send('waiting') as Promise<void>;
  gate.open();
  await expect(waiting).rejects.toMatchObject({ code: 'TT_EDGE_CLOSED', signal: 'waiting' });
});

test('a deaf parent with full lanes holds nobody up', async () => {
  const parent = new Toy({ childSignal: forever }, { stop: { drainMs: 50, cancelMs: 40 } });
  const top = new Toy();
  await grow(top);
  const handle = await top.add(parent, { onFailure: 'ignore' });
  for (let i = 0; i < 3; i++) {
    const source = new Toy({}, { outbox: { capacity: 2 } });
    await parent.add(source);
    source.tasks.reCreate('flood', async (turn) => {
      await turn.sendToParent(i);
      return turn.reSchedule();
    });
  }
  await settle();
  parent.tasks.reCreate('work', fail);
  const before = time().now;
  expect((await time().run(handle.join())).kind).toBe('failed');
  expect(time().now - before).toBeLessThanOrEqual(90);
  expect(handle.outcome?.verdict).toBe('abandoned');
});

describe('a missing handler', () => {
  test.each([
    ['signalHandler', async (top: Toy, toy: Toy) => void (await top.add(toy, { onFailure: 'ignore' })).trySend(1)],
    [
      'childSignalHandler',
      async (top: Toy, toy: Toy) => {
        await top.add(toy, { onFailure: 'ignore' });
        const child = new Toy();
        await toy.add(child);
        void child.sendToParent(1);
      },
    ],
  ])('%s fails the thread at the first signal', async (handler, provoke) => {
    const top = new Toy({ childEnded: (_child, { error }) => say(`${error instanceof MissingHandlerError}`) });
    await grow(top);
    const toy = new Toy();
    toy.events.on('failed', (error) =>
      say(`${(error as MissingHandlerError).handler} ${(error as MissingHandlerError).path}`),
    );
    await provoke(top, toy);
    await settle();
    expect(words).toEqual([`${handler} /Toy-1/Toy-2`, 'true']);
  });

  test('of the base class: no other hook need be there', async () => {
    const top = new Toy();
    const root = await grow(top);
    await top.add(new Toy());
    expect((await time().run(root.stop())).verdict).toBe('clean');
  });
});
