/** Liveness: what takes longer than its thread has said is told, once; and fails the thread where that was asked for. */
import {
  type Child,
  type LifecycleRecord,
  type Overdue,
  OverdueError,
  type TaskTurn,
  type ThreadOptions,
  type Turn,
} from '../../src/index.ts';
import { checkThreads, codeOf, forever, Gate, grow, say, settle, Toy, takeWarnings, time, words } from './toys.ts';

checkThreads();

type Options = ThreadOptions<unknown, unknown>;
type Work = (turn: Turn<unknown>, me: Toy) => unknown;

/** A thread whose signals say what its handler does. */
function worker(options?: Options): Toy {
  return new Toy({ signal: (work, me, turn) => (work as Work)(turn, me), childSignal: () => {} }, options);
}

/** A root with these options, and what was told of it, in short. */
async function rooted(options: Options) {
  const told: string[] = [];
  const top = worker(options);
  const onRecord = (record: LifecycleRecord): void => {
    if (record.kind === 'overdue')
      told.push(`${record.path} ${record.what} overdue at ${record.ageMs}: ${record.waits.join()}`);
    if (record.kind === 'stall')
      told.push(`${record.path} stall at ${record.ageMs}: ${record.on} by ${String(record.by)}`);
  };
  return { top, told, root: await grow(top, { onRecord }) };
}

describe('an execution that takes too long', () => {
  test('is told once, with its signal, its age and what it waits for; the next one again', async () => {
    const { root, top, told } = await rooted({ progressMs: 100 });
    const events: Overdue[] = [];
    top.events.on('overdue', (overdue) => events.push(overdue));
    const work: Work = (turn) => turn.sleep(350);
    void root.send(work);
    await time().advance(99);
    expect(told).toEqual([]);
    await time().advance(1);
    expect(told).toEqual(['/Toy-1 signalHandler overdue at 100: sleep of 350 ms']);
    expect(events).toEqual([{ what: 'signalHandler', ageMs: 100, signal: work, waits: ['sleep of 350 ms'] }]);
    await time().advance(400);
    expect(told.length).toBe(1);
    void root.send(work);
    await time().advance(100);
    expect(told.length).toBe(2);
  });

  /** Holds the event loop: time passes, and no timer has a chance to fire. */
  const hold = (ms: number): void => time().clock.moveTo(time().now + ms);
  const hogs: [string, Work, number][] = [
    ['never waits', () => hold(500), 500],
    [
      'lets in nothing but microtasks',
      async () => {
        for (let i = 0; i < 3; i++) {
          hold(90);
          await Promise.resolve();
        }
      },
      270,
    ],
    [
      'waits when it is late already',
      (turn) => {
        hold(500);
        return turn.sleep(50);
      },
      500,
    ],
  ];

  test.each(hogs)('is told, once, where it holds the event loop, when it %s', async (_how, work, ageMs) => {
    const { root, top, told } = await rooted({ progressMs: 100 });
    const events: Overdue[] = [];
    top.events.on('overdue', (overdue) => events.push(overdue));
    void root.send(() => hold(80));
    void root.send(work);
    void root.send(() => hold(80));
    await time().advance(2000);
    expect(told).toEqual([`/Toy-1 signalHandler overdue at ${ageMs}: `]);
    expect(events).toEqual([{ what: 'signalHandler', ageMs, signal: work, waits: [] }]);
  });

  test('of a task that holds the event loop is told by its own limit', async () => {
    const { top, told } = await rooted({});
    top.tasks.reCreate('hog', () => hold(500), { progressMs: 100 });
    top.tasks.reCreate(
      'patient',
      async () => {
        hold(500);
        await Promise.resolve();
      },
      { progressMs: 1000 },
    );
    await settle();
    expect(told).toEqual(['/Toy-1 task hog overdue at 500: ']);
  });

  test.each(['enter', 'exit'])('is told of an %s that holds the event loop', async (hook) => {
    const told: string[] = [];
    const top = new Toy({ [hook]: () => hold(500) }, { progressMs: 100 });
    const onRecord = (record: LifecycleRecord): void => {
      if (record.kind === 'overdue') told.push(`${record.what} ${record.ageMs}`);
    };
    const root = await grow(top, { onRecord });
    await time().run(root.stop());
    expect(told).toEqual([`${hook} 500`]);
  });

  test('is not told before its time, also where that begins between two milliseconds', async () => {
    const words: string[] = [];
    time().clock.moveTo(time().now + 0.9);
    const toy = new Toy({ enter: () => hold(0.2) }, { progressMs: 1 });
    await grow(toy, { onRecord: ({ kind }) => words.push(kind) });
    expect(words).not.toContain('overdue');
  });

  test('is not told of a handler before its time either', async () => {
    const words: string[] = [];
    const toy = new Toy({ signal: (_signal, _me, turn) => turn.sleep(49.5) }, { progressMs: 50 });
    const root = await grow(toy, { onRecord: ({ kind }) => words.push(kind) });
    time().clock.moveTo(time().now + 0.75);
    await root.send('work');
    await time().advance(60);
    expect(words).not.toContain('overdue');
  });

  test('is looked at again between two milliseconds, and then told once', async () => {
    const told: unknown[] = [];
    const toy = new Toy();
    await grow(toy, { onRecord: (record) => told.push(record) });
    for (const [name, afterMs] of [
      ['a', 0.2],
      ['b', 0.7],
    ] as const) {
      toy.tasks.reCreate(name, (turn: TaskTurn<unknown>) => turn.sleep(1e6), { afterMs, progressMs: 50 });
    }
    await time().advance(200);
    const overdue = told.filter((record) => (record as { kind: string }).kind === 'overdue');
    expect(overdue).toHaveLength(2);
  });

  test('is not told of the time that a quick task has held the event loop before it', async () => {
    const told: string[] = [];
    const toy = new Toy({ exit: () => hold(1) }, { progressMs: 3 });
    const root = await grow(toy, { onRecord: ({ kind }) => told.push(kind) });
    let turns = 0;
    const work = (turn: TaskTurn<unknown>): undefined => {
      // The clock is read for many quick turns together, and by the last one not yet.
      if (++turns < 200) return turn.reSchedule();
      hold(5);
      return turn.stop();
    };
    toy.tasks.reCreate('work', work, { progressMs: Number.POSITIVE_INFINITY });
    await time().run(root.join());
    expect(told).toContain('ended');
    expect(told).not.toContain('overdue');
  });

  test.each(['enter', 'childSignalHandler', 'childEnded', 'exit'])('is told of %s too', async (hook) => {
    const wait = (_: unknown, turn: Turn<unknown>): Promise<void> => turn.sleep(150);
    const told: string[] = [];
    const top = new Toy(
      {
        ...(hook === 'enter' && { enter: wait }),
        ...(hook === 'exit' && { exit: wait }),
        childSignal: (_s, _child, _me, turn) => (hook === 'childSignalHandler' ? turn.sleep(150) : undefined),
        childEnded: (_child, _outcome, _me, turn) => (hook === 'childEnded' ? turn.sleep(150) : undefined),
      },
      { progressMs: 100 },
    );
    const root = await grow(top, {
      onRecord: (record) => void (record.kind === 'overdue' && told.push(`${record.what} ${record.ageMs}`)),
    });
    await top.add(new Toy({ enter: (me, turn) => turn.sendToParent(1)?.then(() => me) ?? me.stop() }));
    await time().advance(200);
    await time().run(root.stop());
    expect(told).toEqual([`${hook} 100`]);
  });

  test('nothing is told, and no timer is left, where all is quick', async () => {
    const { root, told } = await rooted({ progressMs: 100 });
    for (let i = 0; i < 20; i++) {
      void root.send((turn: Turn<unknown>) => turn.sleep(30));
      await time().advance(40);
    }
    await time().advance(200);
    expect(told).toEqual([]);
    expect(time().clock.pendingTimers).toBe(0);
  });

  test('a thread that has not said how long things may take has no timer', async () => {
    const { root, told } = await rooted({});
    void root.send((turn: Turn<unknown>) => turn.sleep(1000));
    await settle();
    expect(time().clock.pendingTimers).toBe(1);
    await time().advance(2000);
    expect(told).toEqual([]);
  });

  test('children inherit the limit, say one of their own, or none', async () => {
    const { top, told } = await rooted({ progressMs: 100 });
    const kids = [await top.add(worker({ name: 'same' }))];
    kids.push(await top.add(worker({ name: 'own', progressMs: 50 })));
    kids.push(await top.add(worker({ name: 'none', progressMs: Number.POSITIVE_INFINITY })));
    for (const kid of kids) void kid.send((turn: Turn<unknown>) => turn.sleep(500));
    await time().advance(1000);
    expect(told.map((line) => line.split(':')[0])).toEqual([
      '/Toy-1/own-3 signalHandler overdue at 50',
      '/Toy-1/same-2 signalHandler overdue at 100',
    ]);
  });

  test("with onOverdue 'restart' the thread fails at once, without draining", async () => {
    const { top, root, told } = await rooted({ progressMs: 100, stop: { drainMs: 10_000, cancelMs: 40 } });
    const kid = await top.add(worker({ name: 'kid', onOverdue: 'restart' }), { onFailure: 'ignore' });
    void kid.send((turn: Turn<unknown>) => turn.sleep(500));
    void kid.send(() => say('never handled'));
    await time().advance(100);
    expect(told).toEqual(['/Toy-1/kid-2 signalHandler overdue at 100: sleep of 500 ms']);
    expect(kid.outcome).toMatchObject({
      kind: 'failed',
      error: new OverdueError('/Toy-1/kid-2', 'signalHandler', 100, ['sleep of 500 ms']),
    });
    expect([words, root.outcome]).toEqual([[], undefined]);
  });

  test("with onOverdue 'restart' a hook that does not yield is given up in the time for cancelling", async () => {
    const { top } = await rooted({});
    const kid = await top.add(
      worker({ progressMs: 100, onOverdue: 'restart', stop: { drainMs: 10_000, cancelMs: 40 } }),
      {
        onFailure: 'ignore',
      },
    );
    void kid.send(forever);
    await time().advance(140);
    expect(kid.outcome).toMatchObject({ kind: 'failed', verdict: 'abandoned' });
    expect(codeOf(kid.outcome?.error)).toBe('TT_OVERDUE');
  });

  test("with onOverdue 'restart' a thread that is stopping already is only told of", async () => {
    const { root, told } = await rooted({
      progressMs: 100,
      onOverdue: 'restart',
      stop: { drainMs: 1000, cancelMs: 40 },
    });
    void root.send((turn: Turn<unknown>) => turn.sleep(99));
    const gate = new Gate();
    void root.send(() => gate.passed);
    await time().advance(99);
    const stopped = root.stop();
    await time().advance(100);
    expect(told.length).toBe(1);
    gate.open();
    expect(await time().run(stopped)).toMatchObject({ verdict: 'clean', outcome: 'stopped' });
  });
});

describe('a turn of a task that takes too long', () => {
  test('is told where the task has said so, whatever its thread says', async () => {
    const { top, told } = await rooted({ progressMs: 30 });
    top.tasks.reCreate('own', (turn) => turn.sleep(200), { progressMs: 100 });
    top.tasks.reCreate('reader', (turn) => turn.sleep(200), { intake: true });
    await time().advance(500);
    expect(told).toEqual(['/Toy-1 task own overdue at 100: sleep of 200 ms']);
  });

  test('is told of each turn, and in a thread that has said nothing', async () => {
    const { top, told } = await rooted({});
    let turns = 0;
    const body = async (turn: Parameters<Parameters<Toy['tasks']['reCreate']>[1]>[0]): Promise<undefined> => {
      await turn.sleep(++turns === 2 ? 10 : 200);
      return turns < 3 ? turn.reSchedule() : undefined;
    };
    top.tasks.reCreate('own', body, { progressMs: 100 });
    await time().advance(1000);
    expect(told.length).toBe(2);
  });

  test("fails the thread with 'restart'", async () => {
    const { top, root } = await rooted({});
    top.tasks.reCreate('own', (turn) => turn.sleep(500), { progressMs: 100, onOverdue: 'restart' });
    await time().advance(100);
    expect(codeOf(root.outcome?.error)).toBe('TT_OVERDUE');
    takeWarnings();
  });
});

describe('a suspected stall', () => {
  const tight: Options = { name: 'low', inbox: { capacity: 1 } };

  /** A child whose handler is busy and whose inbox is full. */
  async function fullChild(top: Toy, gate: Gate): Promise<Child<Toy>> {
    const child = await top.add(worker(tight));
    void child.send(() => gate.passed);
    void child.send(() => {});
    await settle();
    return child;
  }

  test("is a wait of the thread's own words, by name and once", async () => {
    const { top, told } = await rooted({ progressMs: 100 });
    const gate = new Gate();
    const child = await fullChild(top, gate);
    void top.tell(child, () => {});
    await time().advance(1000);
    expect(told).toEqual([
      '/Toy-1 stall at 100: a place in the inbox of /Toy-1/low-2 by undefined',
      '/Toy-1/low-2 signalHandler overdue at 100: ',
    ]);
    gate.open();
  });

  test('is a wait of a task, and of a hook that has gone on without it; not one of a hook, which is told itself', async () => {
    const { top, root, told } = await rooted({ progressMs: 100 });
    const gate = new Gate();
    const child = await fullChild(top, gate);
    top.tasks.reCreate('sender', (turn) => turn.send(child, () => {}));
    void root.send((turn: Turn<unknown>) => void turn.send(child, () => {}));
    void root.send((turn: Turn<unknown>) => turn.send(child, () => {}));
    await time().advance(1000);
    const place = 'a place in the inbox of /Toy-1/low-2';
    expect(told.filter((line) => line.startsWith('/Toy-1 ')).sort()).toEqual([
      `/Toy-1 signalHandler overdue at 100: ${place}`,
      `/Toy-1 stall at 100: ${place} by signalHandler`,
      `/Toy-1 stall at 100: ${place} by task sender`,
    ]);
    gate.open();
  });

  test('is no sleep, and no wait that is over', async () => {
    const { top, told } = await rooted({ progressMs: 100 });
    const gate = new Gate();
    const child = await top.add(worker({ ...tight, progressMs: Number.POSITIVE_INFINITY }));
    void child.send(() => gate.passed);
    void child.send(() => {});
    await settle();
    top.tasks.reCreate('sleeper', (turn) => turn.sleep(1000));
    void top.tell(child, () => {});
    await time().advance(99);
    gate.open();
    await time().advance(1000);
    expect(told).toEqual([]);
  });
});

describe('a circle that could not be known when it was closed', () => {
  test('is reported when it is overdue', async () => {
    const { top, root, told } = await rooted({ progressMs: 100 });
    const low = new Toy(
      { signal: (work, me, turn) => (work as Work)(turn, me) },
      { name: 'low', outbox: { capacity: 1 }, progressMs: 200 },
    );
    const child = await top.add(low);
    const pool = await low.add(new Toy({ signal: (_reply, _me, turn) => turn.sleep(10) }, { name: 'pool' }));
    const ask = (turn: Turn<unknown>): Promise<unknown> =>
      turn.ask<Toy, string>(child, (reply) => async (below: Turn<unknown>) => {
        // The pool is given the reply, and forgets it.
        await below.send(pool, reply);
        for (let i = 0; i < 2; i++) await below.sendToParent(i);
      });
    void root.send((turn: Turn<unknown>) => ask(turn).catch((error: unknown) => say(String(codeOf(error)))));
    await time().advance(99);
    expect(words).toEqual([]);
    await time().advance(1);
    expect(words).toEqual(['TT_DEADLOCK']);
    expect(told).toEqual(['/Toy-1 signalHandler overdue at 100: an answer of /Toy-1/low-2']);
  });
});

describe('the options', () => {
  test.each([
    [{ progressMs: 0 }, 'options.progressMs must be a number of milliseconds, more than 0, but it is 0'],
    [{ progressMs: Number.NaN }, 'options.progressMs must be'],
    [{ onOverdue: 'explode' }, 'options.onOverdue must be one of report, restart'],
  ])('%j are refused, of a thread and of a task', async (options, message) => {
    expect(() => new Toy({}, options as never)).toThrow(message);
    const { top } = await rooted({});
    expect(() => top.tasks.reCreate('t', () => {}, options as never)).toThrow(message);
  });
});
