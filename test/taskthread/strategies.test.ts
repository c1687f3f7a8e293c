/** Children that are restarted together: in which order they stop and start, what is kept for them, and who is not waited for. */
import type { Child, Outcome, Reply, Turn } from '../../src/index.ts';
import {
  checkThreads,
  codeOf,
  errorOf,
  forever,
  Gate,
  grow,
  say,
  settle,
  Toy,
  type ToySpec,
  takeWarnings,
  time,
  words,
} from './toys.ts';

checkThreads();

/** What a worker does at certain moments of certain lives: `enter` of the second, say. */
type Habit = (me: Toy, life: number, turn: Turn<unknown>) => unknown;

interface Habits {
  readonly enter?: Habit;
  readonly exit?: Habit;
  readonly signal?: (signal: unknown, me: Toy, life: number, turn: Turn<unknown>) => unknown;
}

/** The factory of a worker that says what it does, and fails when it is told `crash`. */
function makeWorker(name: string, habits: Habits = {}): () => Toy {
  let lives = 0;
  return () => {
    const life = ++lives;
    return new Toy(
      {
        enter: (me, turn) => {
          say(`${name} enter`);
          return habits.enter?.(me, life, turn);
        },
        signal: (signal, me, turn) => {
          if (signal === 'crash') throw new Error(`${name} crashed`);
          const result = habits.signal?.(signal, me, life, turn);
          if (result === undefined) say(`${name} ${String(signal)}`);
          return result;
        },
        exit: (me, turn) => {
          say(`${name} exit`);
          return habits.exit?.(me, life, turn);
        },
      },
      { name, inbox: { capacity: 3 }, stop: { drainMs: 40, cancelMs: 40 } },
    );
  };
}

interface Crew {
  readonly root: Child<Toy>;
  readonly boss: Toy;
  readonly child: (name: string) => Child<Toy>;
}

const permanent: ToySpec = { restart: 'permanent' };

/** A parent with its children, each with a spec and habits of its own. */
async function crew(
  supervision: object,
  children: Readonly<Record<string, { readonly spec?: ToySpec; readonly habits?: Habits }>>,
): Promise<Crew> {
  const boss = new Toy({ childEnded: (child, { kind }) => say(`${child.path} ended: ${kind}`) }, {
    name: 'Boss',
    supervision,
  } as never);
  const root = await grow(boss);
  const handles = new Map<string, Child<Toy>>();
  for (const [name, { spec = permanent, habits }] of Object.entries(children)) {
    handles.set(name, await time().run(boss.add(makeWorker(name, habits), spec)));
  }
  words.length = 0;
  return { root, boss, child: (name) => handles.get(name)! };
}

const slowEnter: Habits = { enter: (_me, _life, turn) => turn.sleep(50) };

const all = { strategy: 'one-for-all', intensity: 5 };
const rest = { strategy: 'rest-for-one', intensity: 5 };

describe('the order', () => {
  test.each([
    ['one-for-all', ['b exit', 'd exit', 'c exit', 'a exit', 'a enter', 'b enter', 'c enter', 'd enter']],
    ['rest-for-one', ['b exit', 'd exit', 'c exit', 'b enter', 'c enter', 'd enter']],
    ['one-for-one', ['b exit', 'b enter']],
  ])('of %s: stops right to left, starts left to right', async (strategy, order) => {
    const { child } = await crew({ strategy, intensity: 5 }, { a: {}, b: {}, c: {}, d: {} });
    void child('b').send('crash');
    await settle();
    expect(words).toEqual(order);
  });

  test('each sibling is stopped when the one before has ended, and started when the one before has entered', async () => {
    const pause: Habit = (_me, _life, turn) => turn.sleep(10);
    const log: string[] = [];
    const habits = (name: string): Habits => ({
      enter: async (me, life, turn) => {
        await pause(me, life, turn);
        log.push(`${name} entered at ${time().now - began}`);
      },
      exit: async (me, life, turn) => {
        await pause(me, life, turn);
        log.push(`${name} ended at ${time().now - began}`);
      },
    });
    let began = 0;
    const { child } = await crew(all, {
      a: { habits: habits('a') },
      b: { habits: habits('b') },
      c: { habits: habits('c') },
    });
    began = time().now;
    log.length = 0;
    void child('a').send('crash');
    await time().advance(100);
    expect(log).toEqual([
      'a ended at 10',
      'c ended at 20',
      'b ended at 30',
      'a entered at 40',
      'b entered at 50',
      'c entered at 60',
    ]);
  });

  test('peers among them stop together, and start one after the other', async () => {
    const spec = { restart: 'permanent', peers: 'p' } as const;
    const slow: Habits = { exit: (_me, _life, turn) => turn.sleep(10) };
    const { child } = await crew(all, {
      a: {},
      p1: { spec, habits: slow },
      b: {},
      p2: { spec, habits: slow },
    });
    const began = time().now;
    void child('a').send('crash');
    await time().advance(10);
    expect(words).toEqual([
      'a exit', // It crashed.
      'p1 exit',
      'p2 exit',
      'b exit',
      ...['a', 'p1', 'b', 'p2'].map((name) => `${name} enter`),
    ]);
    expect(time().now - began).toBe(10);
  });
});

describe('what was sent to siblings', () => {
  test('is kept for their next incarnation: nothing is lost, and the order holds', async () => {
    const gate = new Gate();
    const { boss, child } = await crew(all, {
      a: {},
      b: { habits: { signal: (signal) => (signal === 'wait' ? gate.passed : undefined) } },
    });
    const b = child('b');
    for (const signal of ['wait', 1, 2]) await boss.tell(b, signal);
    await settle();
    void boss.tell(child('a'), 'crash');
    await settle();
    // It is asked to end, and drains what it has in hand; what comes now waits with what is queued.
    expect([b.state, words]).toEqual(['stopping', ['a exit']]);
    await boss.tell(b, 3);
    const fourth = boss.tell(b, 4);
    gate.open();
    await settle();
    await fourth;
    expect(words).toEqual(['a exit', 'b exit', 'a enter', 'b enter', 'b 1', 'b 2', 'b 3', 'b 4']);
    expect(b.snapshot().edge.down).toMatchObject({ offered: 5, accepted: 5, handled: 5, deadLettered: 0, queued: 0 });
  });

  test('as a request is answered by the next incarnation, unless the last one had taken it', async () => {
    const answering: Habits = {
      signal: (signal) => {
        if (typeof signal !== 'object') return undefined;
        const { reply, how } = signal as { reply: Reply<string>; how: string };
        return how === 'answer' ? reply.with('answered') : undefined;
      },
    };
    const { child } = await crew(
      { ...all, backoff: { minMs: 50, jitter: 'none' } },
      { a: {}, b: { habits: answering } },
    );
    const ask = (how: string) => child('b').ask<string>((reply) => ({ reply, how }));
    const taken = errorOf(ask('keep it'));
    expect(codeOf(await taken)).toBeUndefined();
    void child('a').send('crash');
    await settle();
    expect([child('a').state, child('b').state]).toEqual(['restarting', 'restarting']);
    const queued = ask('answer');
    expect(await time().run(queued)).toBe('answered');
    expect(child('b').snapshot().edge.asksWaiting).toBe(0);
  });

  test('is delivered again after the crash of the sibling that had it, and only there', async () => {
    const counts: string[] = [];
    const { child } = await crew(all, {
      a: {
        spec: { restart: 'permanent', redeliver: 1 },
        habits: {
          signal: (signal, _me, _life, turn) => {
            counts.push(`${String(signal)} ${turn.deliveryCount}`);
            if (signal === 'poison') throw new Error('poison');
          },
        },
      },
      b: {},
    });
    void child('a').send('poison');
    void child('a').send('next');
    void child('b').send('other');
    await settle();
    expect(counts).toEqual(['poison 1', 'poison 2', 'next 1']);
    expect(words.filter((word) => word === 'b other')).toHaveLength(1);
    expect([child('a').incarnation, child('b').incarnation]).toEqual([3, 3]);
  });
});

describe('a sibling', () => {
  test('that is not to be restarted is gone, and told', async () => {
    const { boss, child } = await crew(all, { a: {}, b: { spec: {} }, c: { spec: { onFailure: 'ignore' } } });
    void child('a').send('crash');
    await settle();
    expect(words).toEqual([
      'a exit',
      'c exit',
      '/Boss-1/c-4 ended: stopped',
      'b exit',
      '/Boss-1/b-3 ended: stopped',
      'a enter',
    ]);
    expect([boss.childCount, child('b').state, child('c').outcome?.kind]).toEqual([1, 'stopped', 'stopped']);
  });

  test('that is transient, or significant, is started again like any other, and its stop is no end of its own', async () => {
    const { root, child } = await crew(
      { ...all, autoShutdown: 'any' },
      { a: {}, b: { spec: { restart: 'transient' } }, c: { spec: { restart: 'transient', significant: true } } },
    );
    void child('a').send('crash');
    await settle();
    expect([root.state, ...['a', 'b', 'c'].map((name) => child(name).incarnation)]).toEqual(['running', 2, 2, 2]);
  });

  test('that is significant and has one life is gone, and does not shut its parent down', async () => {
    const { root, boss, child } = await crew(
      { ...all, autoShutdown: 'any' },
      { a: {}, b: { spec: { significant: true } } },
    );
    void child('a').send('crash');
    await settle();
    expect([root.state, boss.childCount, child('b').outcome?.kind]).toEqual(['running', 1, 'stopped']);
    expect(words).toEqual(['a exit', 'b exit', '/Boss-1/b-3 ended: stopped', 'a enter']);
  });

  test('that is significant and enters for the first time does not shut its parent down either', async () => {
    const { root, boss, child } = await crew({ ...all, autoShutdown: 'any' }, { a: {} });
    const adding = errorOf(boss.add(makeWorker('b', slowEnter), { significant: true }));
    void child('a').send('crash');
    await time().advance(100);
    expect([codeOf(await adding), root.state, child('a').incarnation]).toEqual(['TT_CANCELLED', 'running', 2]);
  });

  test('that hangs is cancelled, then abandoned, then started again', async () => {
    const { child } = await crew(all, {
      a: {},
      b: { habits: { signal: (signal, _me, life) => (signal === 'hang' && life === 1 ? forever() : undefined) } },
    });
    void child('b').send('hang');
    await settle();
    const began = time().now;
    const ends: string[] = [];
    child('b').events.on('restarting', ({ kind, verdict }: Outcome) =>
      ends.push(`${kind}, ${verdict}, at ${time().now - began}`),
    );
    void child('a').send('crash');
    await settle();
    void child('b').send('kept');
    await time().advance(39);
    expect(words).toEqual(['a exit']);
    await time().advance(41);
    expect(ends).toEqual(['cancelled, abandoned, at 70']);
    expect(words).toEqual(['a exit', 'b exit', 'a enter', 'b enter', 'b kept']);
    expect(child('b').snapshot().edge.down).toMatchObject({ handled: 1, deadLettered: 1, inFlight: 0, queued: 0 });
  });

  test('that yields to its cancel is started again, and the signal that it had counts as one that failed', async () => {
    const { child } = await crew(all, {
      a: {},
      b: {
        spec: { restart: 'permanent', redeliver: 1 },
        habits: {
          signal: (signal, _me, life, turn) => (signal === 'slow' && life === 1 ? turn.sleep(60_000) : undefined),
        },
      },
    });
    void child('b').send('slow');
    void child('a').send('crash');
    await time().advance(100);
    expect(words).toEqual(['a exit', 'b exit', 'a enter', 'b enter', 'b slow']);
  });

  test('whose exit throws on the way down is started again all the same, and is counted no restart of its own', async () => {
    const { root, child } = await crew(
      { ...all, intensity: 1 },
      {
        a: {},
        b: { habits: { exit: (_me, life) => (life === 1 ? Promise.reject(new Error('in exit')) : undefined) } },
      },
    );
    void child('a').send('crash');
    await settle();
    expect([root.state, child('a').incarnation, child('b').incarnation]).toEqual(['running', 2, 2]);
  });

  test('that is added while the others are restarted is left alone', async () => {
    const slow: Habits = { exit: (_me, _life, turn) => turn.sleep(10) };
    const { boss, child } = await crew(all, { a: {}, b: { habits: slow } });
    void child('a').send('crash');
    await settle();
    await time().run(boss.add(makeWorker('c'), { restart: 'permanent' }));
    await time().advance(20);
    expect(words).toEqual(['a exit', 'b exit', 'c enter', 'a enter', 'b enter']);
  });
});

describe('a sibling in its first enter', () => {
  test.each([all, rest])(
    'is started again like any other, and its addChild waits for that (%j)',
    async (supervision) => {
      const { root, boss, child } = await crew(supervision, { a: {} });
      const adding = boss.add(makeWorker('b', slowEnter), permanent);
      await settle();
      void child('a').send('crash');
      await time().advance(40);
      expect(words).toEqual(['b enter', 'a exit', 'b exit', 'a enter', 'b enter']);
      const b = await time().run(adding);
      expect([b.state, b.incarnation, root.state, boss.childCount]).toEqual(['running', 2, 'running', 2]);
      void child('a').send('crash');
      await time().advance(100);
      expect([b.state, b.incarnation]).toEqual(['running', 3]);
    },
  );

  test.each([true, false])('that fails in the next one has failed to start; somebody looks: %s', async (looks) => {
    const broken = new Error('not this time');
    const fails: Habit = (_me, life, turn) => (life === 1 ? turn.sleep(50) : Promise.reject(broken));
    const { root, boss, child } = await crew(all, { a: {} });
    const adding = boss.add(makeWorker('b', { enter: fails }), permanent);
    const found = looks ? errorOf(adding) : undefined;
    void child('a').send('crash');
    await time().advance(100);
    expect(await found).toBe(looks ? broken : undefined);
    if (looks) expect([root.state, boss.childCount]).toEqual(['running', 1]);
    else expect(root.outcome?.error).toMatchObject({ path: '/Boss-1/b-3', cause: broken });
    takeWarnings();
  });

  test.each(['its parent stops', 'its addChild is cancelled'])(
    'is not told as ended when %s meanwhile',
    async (what) => {
      const { root, boss, child } = await crew({ ...all, backoff: { minMs: 50, jitter: 'none' } }, { a: {} });
      let found: unknown;
      boss.tasks.reCreate('adds', (turn) =>
        boss.add(makeWorker('b', slowEnter), { ...permanent, scope: turn }).catch((error: unknown) => {
          found = error;
        }),
      );
      await settle();
      void child('a').send('crash');
      await settle();
      expect([boss.childCount, found]).toEqual([2, undefined]);
      if (what === 'its parent stops') await time().run(root.stop());
      else void boss.tasks.delete('adds');
      await time().advance(200);
      expect([codeOf(found), boss.childCount]).toEqual(['TT_CANCELLED', root.state === 'running' ? 1 : 0]);
      expect(words.filter((word) => word.includes('b-3 ended') || word === 'b enter')).toEqual(['b enter']);
    },
  );

  test('that is not to be restarted is gone, and its addChild is rejected', async () => {
    const { boss, child } = await crew(all, { a: {} });
    const adding = errorOf(boss.add(makeWorker('b', slowEnter)));
    void child('a').send('crash');
    await time().advance(100);
    expect([codeOf(await adding), boss.childCount]).toEqual(['TT_CANCELLED', 1]);
  });
});

describe('a crash', () => {
  /** Fails in the first turn of a task, in each of so many lives. */
  const failing = (lives: number, at: (life: number) => boolean = () => true): Habits => ({
    enter: (me, life) => {
      if (life > 1 && life <= lives && at(life))
        me.tasks.reCreate('fail', () => {
          throw new Error('failed soon');
        });
    },
  });

  test('of one that was started already, while others are being started, is counted', async () => {
    const { root, child } = await crew(
      { ...all, intensity: 3 },
      {
        a: { habits: failing(40) },
        b: { habits: { enter: (_me, life, turn) => (life > 1 ? turn.sleep(10) : undefined) } },
      },
    );
    const joined = root.join();
    void child('a').send('crash');
    expect(await time().run(joined)).toMatchObject({ kind: 'failed', error: { cause: { code: 'TT_RESTART_LIMIT' } } });
    expect(words.filter((word) => word === 'a enter').length).toBeLessThanOrEqual(3);
    takeWarnings();
  });

  test('of an older sibling while a plan waits for its time overtakes it, and covers all that it had stopped', async () => {
    const { child } = await crew({ ...rest, backoff: { minMs: 100, jitter: 'none' } }, { a: {}, b: {}, c: {} });
    void child('b').send('crash');
    await time().advance(60);
    expect(words).toEqual(['b exit', 'c exit']);
    void child('a').send('crash');
    await settle();
    expect(time().clock.pendingTimers).toBe(1);
    await time().advance(99);
    expect([words, ['a', 'b', 'c'].map((name) => child(name).state)]).toEqual([
      ['b exit', 'c exit', 'a exit'],
      ['restarting', 'restarting', 'restarting'],
    ]);
    await time().advance(1);
    expect(words.slice(3)).toEqual(['a enter', 'b enter', 'c enter']);
  });

  test('in the new enter begins another plan, and each counts', async () => {
    const habits: Habits = {
      enter: (_me, life) => (life > 1 && life < 4 ? Promise.reject(new Error('not yet')) : undefined),
    };
    const { root, child } = await crew({ ...all, intensity: 3 }, { a: {}, b: { habits }, c: {} });
    void child('c').send('crash');
    await settle();
    expect(words.filter((word) => word.endsWith('enter'))).toEqual([
      ...['a enter', 'b enter'],
      ...['a enter', 'b enter'],
      ...['a enter', 'b enter', 'c enter'],
    ]);
    expect([root.state, child('a').incarnation]).toEqual(['running', 4]);
    void child('a').send('crash');
    await settle();
    expect(root.outcome?.kind).toBe('failed');
    takeWarnings();
  });

  test('of any of them is told, also while the others are stopping', async () => {
    const gate = new Gate();
    const { root, boss, child } = await crew(
      { ...all, intensity: 1, backoff: { minMs: 30, jitter: 'none' } },
      { a: {}, b: {}, c: { habits: { exit: () => gate.passed } } },
    );
    const told: string[] = [];
    boss.events.on('childRestarting', (path: string, { kind }: Outcome, afterMs: number) =>
      told.push(`${path.slice(-3)} ${kind}, after ${afterMs}`),
    );
    void child('a').send('crash');
    await settle();
    void child('b').send('crash');
    await settle();
    gate.open();
    await time().advance(30);
    expect(told.toSorted()).toEqual(['a-2 failed, after 30', 'b-3 failed, after 30', 'c-4 stopped, after 30']);
    expect([root.state, ...['a', 'b', 'c'].map((name) => child(name).incarnation)]).toEqual(['running', 2, 2, 2]);
  });

  test('of two at once is told of both', async () => {
    const { boss, child } = await crew({ ...all, intensity: 1 }, { a: {}, b: {} });
    const told: string[] = [];
    boss.events.on('childRestarting', (path: string, { kind }: Outcome) => told.push(`${path.slice(-3)} ${kind}`));
    for (const name of ['a', 'b']) void child(name).send('crash');
    await settle();
    expect(told).toEqual(['a-2 failed', 'b-3 failed']);
  });

  test.each([{}, { backoff: { minMs: 50, jitter: 'none' } }])(
    'of two at once is one restart of all (%j)',
    async (more) => {
      const { root, child } = await crew({ ...all, ...more, intensity: 1 }, { a: {}, b: {}, c: {} });
      void child('a').send('crash');
      void child('b').send('crash');
      await time().advance(50);
      expect([root.state, ...['a', 'b', 'c'].map((name) => child(name).incarnation)]).toEqual(['running', 2, 2, 2]);
    },
  );
});
