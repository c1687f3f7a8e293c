/** Children that are started again, one by one: what is kept, what is told, and what gives way. */
import type { AnyChild, Child, LifecycleRecord, Outcome } from '../../src/index.ts';
import { world, worker } from './restarts.ts';
import {
  causeOf,
  checkThreads,
  codeOf,
  errorOf,
  forever,
  Gate,
  grow,
  messageOf,
  say,
  settle,
  takeWarnings,
  Toy,
  time,
  words,
} from './toys.ts';

checkThreads();

describe('a child that fails', () => {
  test.each(['permanent', 'transient'] as const)(
    'is started again (%s), and its handle, path and id stay',
    async (restart) => {
      const { boss, child } = await world(() => worker(), { restart });
      const before = [child.path, child.id];
      await boss.tell(child, 'crash');
      await settle();
      await boss.tell(child, 'hello');
      await settle();
      expect(words).toEqual(['enter', 'exit', 'enter', 'hello']);
      expect([child.path, child.id]).toEqual(before);
      expect([child.state, child.incarnation, child.outcome]).toEqual(['running', 2, undefined]);
      expect(boss.children).toEqual([child]);
    },
  );

  test('is told of in events and records, and not as ended', async () => {
    const records: LifecycleRecord[] = [];
    const boss = new Toy({ childEnded: () => say('childEnded') }, { name: 'Boss' });
    await grow(boss, { onRecord: (record) => records.push(record) });
    const child = await time().run(boss.add(() => worker(), { restart: 'permanent' }));
    child.events.on('restarting', (outcome: Outcome, afterMs: number) => say(`restarting ${outcome.kind} ${afterMs}`));
    child.events.on('entered', () => say('entered'));
    child.events.on('ended', () => say('ended'));
    boss.events.on('childRestarting', (path: string) => say(`childRestarting ${path}`));
    await boss.tell(child, 'crash');
    await settle();
    expect(words.slice(1)).toEqual([
      'exit',
      'restarting failed 0',
      'childRestarting /Boss-1/Worker-2',
      'enter',
      'entered',
    ]);
    expect(records.filter(({ kind }) => kind === 'restarting')).toEqual([
      { kind: 'restarting', path: '/Boss-1/Worker-2', incarnation: 2, outcome: 'failed', afterMs: 0 },
    ]);
    const { restarts, incarnation, lastError } = child.snapshot();
    expect([restarts, incarnation, lastError]).toEqual([1, 2, undefined]);
  });

  test('keeps what is queued and what is sent meanwhile, in order and within its capacity', async () => {
    const gate = new Gate();
    const make = () =>
      new Toy(
        {
          signal: async (signal) => {
            if (signal === 'crash') {
              await gate.passed;
              throw new Error('boom');
            }
            say(String(signal));
          },
          exit: () => say('exit'),
        },
        { inbox: { capacity: 3 } },
      );
    const { boss, child } = await world(
      make,
      { restart: 'permanent' },
      { intensity: 5, backoff: { minMs: 100, jitter: 'none' } },
    );
    for (const signal of ['crash', 1, 2]) await boss.tell(child, signal);
    gate.open();
    await settle();
    expect([child.state, child.snapshot().state]).toEqual(['restarting', 'restarting']);
    await boss.tell(child, 3);
    const waits = boss.tell(child, 4)?.then(() => say('4 was accepted'));
    await settle();
    expect(words).toEqual(['exit']);
    await time().advance(100);
    await waits;
    expect(words.filter((word) => word !== '4 was accepted')).toEqual(['exit', '1', '2', '3', '4']);
    const { down } = child.snapshot().edge;
    expect(down).toMatchObject({
      offered: 5,
      accepted: 5,
      handled: 4,
      deadLettered: 1,
      queued: 0,
      inFlight: 0,
      waiting: 0,
    });
  });

  test('hands on what it had sent; what its own children had sent to it are dead letters', async () => {
    let lives = 0;
    const inner = () => new Toy({ signal: (signal, me) => me.sendToParent(signal) }, { name: 'Inner' });
    const make = () =>
      new Toy({
        enter: async (me) => {
          const child = await me.add(inner);
          if (++lives > 1) return;
          me.events.on('deadLetter', (signal: unknown, _why: string, path: string) =>
            say(`lost ${String(signal)} of ${path}`),
          );
          for (const signal of ['a', 'b', 'c']) void me.tell(child, signal);
        },
        childSignal: (signal, _child, me) => {
          void me.sendToParent(signal);
          if (signal === 'a') throw new Error('boom');
        },
      });
    const { child } = await world(make, { restart: 'transient' });
    await settle();
    const path = '/Boss-1/Toy-2/Inner-3';
    expect(words).toEqual([`lost a of ${path}`, `lost b of ${path}`, `lost c of ${path}`, 'up a']);
    expect([child.incarnation, child.snapshot().children.length]).toEqual([2, 1]);
  });

  test('is tried again when its factory or its enter throws, and each try counts', async () => {
    let tries = 0;
    const make = () => {
      tries++;
      if (tries === 2) throw new Error('no factory today');
      return new Toy({
        enter: () => {
          if (tries === 3) throw new Error('no enter today');
        },
        signal: () => {
          throw new Error('boom');
        },
      });
    };
    const { boss, child, root } = await world(make, { restart: 'transient' }, { intensity: 3 });
    await boss.tell(child, 'crash');
    await settle();
    expect([tries, child.incarnation, child.state]).toEqual([4, 3, 'running']);
    await boss.tell(child, 'crash');
    await settle();
    expect([root.state, root.outcome?.kind]).toEqual(['stopped', 'failed']);
    expect(takeWarnings()).toHaveLength(1);
  });
});

describe('a child that ends by itself', () => {
  const finishing = () =>
    new Toy({
      enter: () => say('enter'),
      signal: (signal, _me, turn) => {
        if (signal === 'finish') turn.stop();
        else say(String(signal));
      },
    });

  test('is started again when it is permanent, and what it had not handled is kept', async () => {
    const { boss, child } = await world(finishing, { restart: 'permanent' });
    for (const signal of [1, 'finish', 2]) await boss.tell(child, signal);
    await settle();
    expect(words).toEqual(['enter', '1', 'enter', '2']);
    expect(child.incarnation).toBe(2);
  });

  test('is gone when it is transient, after it has worked off what it had', async () => {
    const { boss, child } = await world(finishing, { restart: 'transient' });
    for (const signal of [1, 'finish', 2]) void boss.tell(child, signal);
    await settle();
    const late = await errorOf(boss.tell(child, 3));
    expect(words).toEqual(['enter', '1', '2', '/Boss-1/Toy-2 ended: finished']);
    expect([codeOf(late), child.outcome?.kind, child.incarnation]).toEqual(['TT_EDGE_CLOSED', 'finished', 1]);
  });
});

describe('a child that was asked to stop', () => {
  test('is not started again', async () => {
    const { child } = await world(() => worker(), { restart: 'permanent' });
    await time().run(child.stop());
    expect(words).toEqual(['enter', 'exit', '/Boss-1/Worker-2 ended: stopped']);
    expect([child.state, child.incarnation]).toEqual(['stopped', 1]);
  });

  test('while it waits for its restart, ends at once, and its dead letters are told', async () => {
    const { boss, child } = await world(() => worker(), { restart: 'permanent' }, { intensity: 9, backoff: {} });
    child.events.on('deadLetter', (signal: unknown, reason: string) => say(`lost ${String(signal)}: ${reason}`));
    await boss.tell(child, 'crash');
    await settle();
    await boss.tell(child, 'kept');
    const joined = child.join();
    const report = await time().run(child.stop());
    expect(words).toEqual([
      'enter',
      'lost crash: its handler failed',
      'exit',
      'lost kept: its receiver has ended',
      '/Boss-1/Worker-2 ended: failed',
    ]);
    expect([report.outcome, (await joined).kind, child.state, boss.childCount]).toEqual([
      'failed',
      'failed',
      'stopped',
      0,
    ]);
  });

  test('while it is restarted, is stopped in its new enter', async () => {
    let lives = 0;
    const make = () =>
      new Toy({
        enter: () => (++lives === 2 ? forever() : undefined),
        signal: () => Promise.reject(new Error('boom')),
      });
    const { boss, child } = await world(make, { restart: 'permanent' });
    await boss.tell(child, 'crash');
    await settle();
    expect([child.state, child.incarnation]).toEqual(['entering', 2]);
    const report = await time().run(child.stop({ drainMs: 10, cancelMs: 10 }));
    expect([report.verdict, child.incarnation, child.state]).toEqual(['abandoned', 2, 'stopped']);
  });

  test('while it stops because it has failed, is not started again', async () => {
    const gate = new Gate();
    const make = () => new Toy({ signal: () => Promise.reject(new Error('boom')), exit: () => gate.passed });
    const { boss, child } = await world(make, { restart: 'permanent' });
    await boss.tell(child, 'crash');
    await settle();
    const stopped = child.stop();
    gate.open();
    await time().run(stopped);
    expect([child.incarnation, child.state]).toEqual([1, 'stopped']);
    expect(words).toEqual(['/Boss-1/Toy-2 ended: failed']);
  });
});

describe('when the parent stops', () => {
  test('a restart that waits gives way: no factory is called, and what was kept is a dead letter', async () => {
    const { root, boss, child } = await world(() => worker(), { restart: 'permanent' }, { intensity: 9, backoff: {} });
    await boss.tell(child, 'crash');
    await settle();
    await boss.tell(child, 'kept');
    const blocked = errorOf(Promise.all([1, 2, 3].map(async (signal) => boss.tell(child, signal))));
    const report = await time().run(root.stop());
    expect(words).toEqual(['enter', 'exit', '/Boss-1/Worker-2 ended: failed']);
    expect([report.verdict, child.state, codeOf(await blocked)]).toEqual(['clean', 'stopped', 'TT_EDGE_CLOSED']);
    expect(child.snapshot().edge.down).toMatchObject({ deadLettered: 4, refused: 1, queued: 0 });
  });

  test('a child that fails while it stops is not started again', async () => {
    const make = () => new Toy({ exit: () => Promise.reject(new Error('boom')) });
    const { root, child } = await world(make, { restart: 'permanent' });
    await time().run(root.stop());
    expect([child.state, child.incarnation]).toEqual(['stopped', 1]);
  });

  test('a factory that stops the parent starts nobody', async () => {
    let calls = 0;
    let boss: Toy | undefined;
    const make = () => {
      if (++calls === 2) boss?.stop();
      return worker();
    };
    const made = await world(make, { restart: 'permanent' });
    boss = made.boss;
    await boss.tell(made.child, 'crash');
    await time().run(made.root.join());
    expect([calls, words]).toEqual([2, ['enter', 'exit', '/Boss-1/Worker-2 ended: failed']]);
  });
});

describe('more restarts than are borne', () => {
  test('fail the parent, with the path, the limit and the last cause', async () => {
    const { root, boss, child } = await world(
      () => worker(),
      { restart: 'permanent' },
      { intensity: 2, periodMs: 1000 },
    );
    for (let i = 0; i < 3; i++) {
      await boss.tell(child, 'crash');
      await settle();
    }
    expect(root.state).toBe('stopped');
    const error = root.outcome?.error;
    expect([codeOf(error), codeOf(causeOf(error))]).toEqual(['TT_CHILD_FAILED', 'TT_RESTART_LIMIT']);
    expect(messageOf(causeOf(error))).toBe(
      '/Boss-1/Worker-2 is to be restarted more than 2 times in 1000 ms; last: boom',
    );
    expect(words.filter((word) => word === 'enter')).toHaveLength(3);
    expect(takeWarnings()).toHaveLength(1);
  });

  test('are forgotten after the period', async () => {
    const { root, boss, child } = await world(
      () => worker(),
      { restart: 'permanent' },
      { intensity: 1, periodMs: 1000 },
    );
    for (let i = 0; i < 5; i++) {
      await boss.tell(child, 'crash');
      await time().advance(1001);
    }
    expect([root.state, child.incarnation]).toEqual(['running', 6]);
  });

  test('count also when a restart waits for its backoff', async () => {
    const backoff = { minMs: 400, jitter: 'none' };
    const { root, boss, child } = await world(
      () => worker(),
      { restart: 'permanent' },
      { intensity: 1, periodMs: 1000, backoff },
    );
    await boss.tell(child, 'crash');
    await boss.tell(child, 'crash');
    await time().advance(400);
    expect([root.state, root.outcome?.kind]).toEqual(['stopped', 'failed']);
    expect(takeWarnings()).toHaveLength(1);
  });
});

describe('backoff', () => {
  const backoff = { minMs: 100, maxMs: 1000, jitter: 'none', healthyAfterMs: 5000 };

  async function crash(boss: Toy, child: AnyChild): Promise<number> {
    let waited = -1;
    boss.events.once('childRestarting', (_path: string, _outcome: Outcome, afterMs: number) => {
      waited = afterMs;
    });
    await boss.tell(child as Child<Toy>, 'crash');
    await settle();
    await time().advance(waited);
    return waited;
  }

  test('grows with each failure, up to its maximum, and starts over after a healthy time', async () => {
    const { boss, child } = await world(() => worker(), { restart: 'permanent' }, { intensity: 99, backoff });
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) waits.push(await crash(boss, child));
    await time().advance(4999);
    waits.push(await crash(boss, child));
    await time().advance(5000);
    waits.push(await crash(boss, child));
    expect(waits).toEqual([100, 200, 400, 800, 1000, 1000, 1000, 100]);
  });

  test('grows also where a life does not even begin: a healthy time counts once', async () => {
    let lives = 0;
    const make = () =>
      new Toy({
        enter: () => (++lives > 1 && lives < 5 ? Promise.reject(new Error('not yet')) : undefined),
        signal: () => Promise.reject(new Error('boom')),
      });
    const { boss, child } = await world(make, { restart: 'permanent' }, { intensity: 99, backoff });
    const waits: number[] = [];
    child.events.on('restarting', (_outcome: Outcome, afterMs: number) => waits.push(afterMs));
    await time().advance(5000);
    await boss.tell(child, 'crash');
    await time().advance(5000);
    expect([waits, child.state]).toEqual([[100, 200, 400, 800], 'running']);
  });

  test('takes its jitter from the random numbers of the tree', async () => {
    const boss = new Toy({}, { supervision: { intensity: 9, backoff: { ...backoff, jitter: 'full' } } } as never);
    await grow(boss, { random: () => 0.25 });
    const child = await time().run(boss.add(() => worker(), { restart: 'permanent' }));
    expect(await crash(boss, child)).toBe(25);
  });
});
