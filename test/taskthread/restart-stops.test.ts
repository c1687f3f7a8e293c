/** Stops that meet a restart, in each of its phases, and words of users that come in between: the restart gives way. */
import type { AnyChild, Child, LifecycleRecord, Outcome, Turn } from '../../src/index.ts';
import { launch } from '../../src/taskthread/start.ts';
import { abandonTree } from '../../src/taskthread/stop.ts';
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

type Hook = (me: Toy, life: number, turn: Turn<unknown>) => unknown;

interface Habits {
  readonly make?: (life: number) => unknown;
  readonly enter?: Hook;
  readonly exit?: Hook;
}

function makeWorker(name: string, { make, enter, exit }: Habits = {}): () => Toy {
  let lives = 0;
  return () => {
    const life = ++lives;
    make?.(life);
    return new Toy(
      {
        enter: (me, turn) => {
          say(`${name} enter`);
          return enter?.(me, life, turn);
        },
        signal: (signal) => {
          if (signal === 'crash') throw new Error(`${name} crashed`);
        },
        exit: (me, turn) => {
          say(`${name} exit`);
          return exit?.(me, life, turn);
        },
      },
      { name },
    );
  };
}

interface Crew {
  readonly root: Child<Toy>;
  readonly boss: Toy;
  readonly a: Child<Toy>;
  readonly b: Child<Toy>;
}

async function crew(
  supervision: object,
  a: Habits,
  b: Habits,
  onRecord?: (record: LifecycleRecord) => void,
): Promise<Crew> {
  const boss = new Toy({ exit: () => say('boss exit') }, {
    name: 'Boss',
    supervision: { intensity: 9, ...supervision },
  } as never);
  const root = await grow(boss, onRecord && { onRecord });
  const spec: ToySpec = { restart: 'permanent' };
  const handles = [];
  for (const [name, habits] of Object.entries({ a, b }))
    handles.push(await time().run(boss.add(makeWorker(name, habits), spec)));
  words.length = 0;
  return { root, boss, a: handles[0]!, b: handles[1]! };
}

const slowExit: Habits = { exit: (_me, _life, turn) => turn.sleep(10) };
const slowEnter: Habits = { enter: (_me, life, turn) => (life > 1 ? turn.sleep(10) : undefined) };
const later = { backoff: { minMs: 100, jitter: 'none' } };
const all = { strategy: 'one-for-all' };

/** The phases of a restart: how `a` (and with it `b`) gets there, `atMs` after its crash. */
const phases = {
  'while it ends': [{}, slowExit, {}, 5, 'stopping', 'running'],
  'during backoff': [later, {}, {}, 50, 'restarting', 'running'],
  'in its new enter': [{}, slowEnter, {}, 5, 'entering', 'running'],
  'of all, while the siblings stop': [all, {}, slowExit, 5, 'restarting', 'stopping'],
  'of all, during backoff': [{ ...all, ...later }, {}, {}, 50, 'restarting', 'restarting'],
  'of all, while the first is entering': [all, slowEnter, {}, 5, 'entering', 'restarting'],
  'of all, while the last is entering': [all, {}, slowEnter, 5, 'running', 'entering'],
} as const satisfies Record<string, readonly [object, Habits, Habits, number, string, string]>;

const phaseTable = Object.entries(phases).map(([name, phase]) => [name, ...phase] as const);

async function inPhase([
  supervision,
  a,
  b,
  atMs,
  stateOfA,
  stateOfB,
]: (typeof phases)[keyof typeof phases]): Promise<Crew> {
  const made = await crew(supervision, a, b);
  void made.a.send('crash');
  await time().advance(atMs);
  expect([made.a.state, made.b.state]).toEqual([stateOfA, stateOfB]);
  return made;
}

/** Exits of threads whose last incarnation was begun, each once; the parent's last. */
function expectEndedInOrder({ root, a, b }: Crew): void {
  expect([root.state, a.state, b.state]).toEqual(['stopped', 'stopped', 'stopped']);
  const count = (word: string): number => words.filter((said) => said === word).length;
  // One life of each had begun before the list of words was emptied.
  for (const name of ['a', 'b']) expect([name, count(`${name} exit`)]).toEqual([name, count(`${name} enter`) + 1]);
  expect(words.at(-1)).toBe('boss exit');
}

describe('a restart', () => {
  test.each(phaseTable)('%s gives way to a stop of the parent', async (_name, ...phase) => {
    const made = await inPhase(phase as never);
    const lives = [made.a.incarnation, made.b.incarnation];
    const before = time().now;
    const report = await time().run(made.root.stop());
    expect(report.verdict).not.toBe('abandoned');
    expect([made.a.incarnation, made.b.incarnation]).toEqual(lives);
    expect(time().now - before).toBeLessThanOrEqual(20);
    expectEndedInOrder(made);
  });

  test.each(phaseTable)('%s gives way to a stop of the child, and goes on for its sibling', async (_name, ...phase) => {
    const made = await inPhase(phase as never);
    const lives = made.a.incarnation;
    await time().run(made.a.stop());
    await time().advance(100);
    expect([made.a.state, made.a.incarnation, made.b.state, made.boss.childCount]).toEqual([
      'stopped',
      lives,
      'running',
      1,
    ]);
  });

  test.each(phaseTable)('%s, of a sibling that is stopped, goes on without it', async (_name, ...phase) => {
    const made = await inPhase(phase as never);
    await time().run(made.b.stop());
    await time().advance(100);
    expect([made.a.state, made.a.incarnation, made.b.state, made.boss.childCount]).toEqual([
      'running',
      2,
      'stopped',
      1,
    ]);
  });

  test.each(phaseTable)('%s gives way when the parent fails', async (_name, ...phase) => {
    const made = await inPhase(phase as never);
    made.boss.tasks.reCreate('fail', () => {
      throw new Error('enough');
    });
    const { kind, error } = await time().run(made.root.join());
    expect([kind, (error as Error).message]).toEqual(['failed', 'enough']);
    expectEndedInOrder(made);
    takeWarnings();
  });

  test.each(phaseTable)('%s gives way to a second OS signal, and to a third', async (_name, ...phase) => {
    for (const signals of [2, 3]) {
      const [supervision, a, b, atMs] = phase;
      const boss = new Toy({}, { name: 'Boss', supervision: { intensity: 9, ...supervision } } as never);
      const { life, handle, entered } = launch(boss as never, time().options);
      await time().run(entered);
      const made = [];
      for (const habits of [a, b])
        made.push(await time().run(boss.add(makeWorker('w', habits), { restart: 'permanent' })));
      void made[0]!.send('crash');
      await time().advance(atMs);
      const lives = made.map(({ incarnation }) => incarnation);
      // What `runMain` does at each of them.
      life.requestStop(life.stopDefaults, 'SIGINT');
      life.requestStop({ ...life.stopDefaults, drainMs: 0 }, 'SIGINT again');
      if (signals === 3) abandonTree(life);
      if (signals === 3) expect(handle.state).toBe('stopped');
      await time().run(handle.join());
      expect(made.map(({ incarnation, state }) => [incarnation, state])).toEqual(lives.map((n) => [n, 'stopped']));
    }
  });
});

describe('a user who is told of a restart', () => {
  const stops = {
    'stops the child': ({ a }: Crew) => void a.stop(),
    'stops the parent by its handle': ({ root }: Crew) => void root.stop(),
    'stops the parent by its own word': ({ boss }: Crew) => boss.stop(),
  };
  const table = Object.entries(stops).flatMap(([name, act]) =>
    [{}, later, all, { ...all, ...later }].map(
      (supervision) => [name, JSON.stringify(supervision), act, supervision] as const,
    ),
  );

  test.each(table)(
    '%s: nobody is started any more, and nothing is left (%s)',
    async (name, _supervision, act, supervision) => {
      const made = await crew(supervision, {}, {});
      made.boss.events.once('childRestarting', () => act(made));
      void made.a.send('crash');
      await settle();
      expect([made.a.state, made.a.incarnation]).toEqual(['stopped', 1]);
      expect(words.filter((word) => word === 'a enter')).toEqual([]);
      expect(time().clock.pendingTimers).toBe(0);
      if (name === 'stops the child') {
        expect(made.root.state).toBe('running');
        await time().advance(200);
        expect(made.b.state).toBe('running');
      } else expectEndedInOrder(made);
    },
  );

  test('hears nothing more of it when another one has stopped the child before', async () => {
    const made = await crew(later, {}, {});
    made.a.events.on('restarting', () => {
      say('restarting');
      void made.a.stop();
    });
    made.a.events.on('ended', () => say('ended'));
    made.boss.events.on('childRestarting', () => say('childRestarting'));
    void made.a.send('crash');
    await settle();
    expect(words).toEqual(['a exit', 'restarting', 'ended']);
  });

  test('by a record may stop the child, too', async () => {
    const act: { stop?: () => void } = {};
    const made = await crew(later, {}, {}, ({ kind }) => {
      if (kind === 'restarting') act.stop?.();
    });
    act.stop = () => void made.a.stop();
    void made.a.send('crash');
    await settle();
    expect([made.a.state, time().clock.pendingTimers]).toEqual(['stopped', 0]);
  });
});

describe('a factory', () => {
  test.each([
    ['the parent', ({ boss }: Crew): void => boss.stop()],
    ['the child', ({ a }: Crew): void => void a.stop()],
  ] as const)('that stops %s, and then throws, is called once, and starts nobody', async (who, act) => {
    const made: { crew?: Crew } = {};
    let calls = 0;
    const make = (life: number): void => {
      if (life === 1) return;
      calls++;
      act(made.crew!);
      throw new Error('no more of them');
    };
    const one = await crew({}, { make }, {});
    made.crew = one;
    void one.a.send('crash');
    await time().advance(100);
    expect([calls, one.a.state, one.a.incarnation]).toEqual([1, 'stopped', 1]);
    expect(one.root.state).toBe(who === 'the parent' ? 'stopped' : 'running');
    expect(takeWarnings()).toEqual([expect.stringContaining('no more of them')]);
  });

  test('that stops the parent keeps one from beginning that was made just before', async () => {
    const made: { crew?: Crew } = {};
    const one = await crew({}, {}, { make: (life) => life > 1 && made.crew?.boss.stop() });
    made.crew = one;
    for (const child of [one.a, one.b]) void child.send('crash');
    await time().run(one.root.join());
    expect(words).toEqual(['a exit', 'b exit', 'boss exit']);
    expect([one.a.incarnation, one.b.incarnation]).toEqual([2, 1]);
  });

  test('that stops the child and gives an instance starts nobody', async () => {
    const made: { crew?: Crew } = {};
    const one = await crew({}, { make: (life) => life > 1 && void made.crew?.a.stop() }, {});
    made.crew = one;
    void one.a.send('crash');
    await settle();
    expect([words, one.a.state]).toEqual([['a exit'], 'stopped']);
  });
});

describe('a stop from inside', () => {
  /** Who says it in the second life, and where. */
  const places: Record<string, Habits> = {
    enter: { enter: (me, life) => (life === 2 ? me.stop() : undefined) },
    'a task': { enter: (me, life) => (life === 2 ? me.tasks.reCreate('t', (turn) => turn.stop()) : undefined) },
  };

  test.each(Object.entries(places))(
    'of a permanent child, from %s, is one more end: it is started again',
    async (_place, habits) => {
      const { a } = await crew({}, habits, {});
      void a.send('crash');
      await settle();
      expect([a.state, a.incarnation]).toEqual(['running', 3]);
      expect(words).toEqual(['a exit', 'a enter', 'a exit', 'a enter']);
    },
  );

  test('of exit says nothing new', async () => {
    const { a } = await crew({}, { exit: (me) => me.stop() }, {});
    void a.send('crash');
    await settle();
    expect([a.state, a.incarnation, words]).toEqual(['running', 2, ['a exit', 'a enter']]);
  });

  test.each(['enter', 'exit', 'task'] as const)('of %s stops the parent, and is no restart', async (place) => {
    const made: { crew?: Crew } = {};
    const stop = (): void => made.crew?.boss.stop();
    const habits: Record<typeof place, Habits> = {
      enter: { enter: (_me, life) => (life === 2 ? stop() : undefined) },
      exit: { exit: (_me, life) => (life === 1 ? stop() : undefined) },
      task: { enter: (me, life) => (life === 2 ? me.tasks.reCreate('t', stop) : undefined) },
    };
    const one = await crew({}, habits[place], {});
    made.crew = one;
    void one.a.send('crash');
    await time().run(one.root.join());
    expectEndedInOrder(one);
    expect(one.a.incarnation).toBe(place === 'exit' ? 1 : 2);
  });
});

describe('a stop for good that comes while an incarnation ends', () => {
  /** Ends by itself, or fails, when it is told so, and takes its time. */
  const ending = () =>
    new Toy({
      signal: (signal, _me, turn) => {
        if (signal === 'finish') turn.stop();
        else say(`handled ${String(signal)}`);
      },
      exit: async (_me, turn) => {
        say('exit');
        await turn.sleep(10);
      },
    });

  test.each(['child', 'parent'] as const)('in exit, of the %s, lets it handle nothing more', async (who) => {
    const { root, boss } = await crew({}, {}, {});
    const child = await time().run(boss.add(ending, { restart: 'permanent' }));
    child.events.on('deadLetter', (signal: unknown, reason: string) => say(`lost ${String(signal)}: ${reason}`));
    words.length = 0;
    for (const signal of ['finish', 'kept']) void child.send(signal);
    await time().advance(5);
    expect(words).toEqual(['exit']);
    await time().run((who === 'child' ? child : root).stop());
    expect(words.slice(0, 2)).toEqual(['exit', 'lost kept: its receiver has ended']);
    expect(child.snapshot().edge.down).toMatchObject({ accepted: 2, handled: 1, deadLettered: 1, queued: 0 });
  });

  test('the first signal of all, sent while it ends, is for the next incarnation', async () => {
    let lives = 0;
    const make = () => {
      const life = ++lives;
      return new Toy({
        enter: (me) => (life === 1 ? me.tasks.reCreate('end', (turn) => turn.stop()) : undefined),
        signal: (signal) => say(`${String(signal)}, life ${life}`),
        exit: (_me, turn) => turn.sleep(10),
      });
    };
    const { boss } = await crew({}, {}, {});
    const child = await time().run(boss.add(make, { restart: 'permanent' }));
    await time().advance(5);
    expect(child.state).toBe('stopping');
    await boss.tell(child, 'first');
    await time().advance(10);
    expect([words, child.incarnation]).toEqual([['first, life 2'], 2]);
  });

  test('before exit, lets it work off what had been kept', async () => {
    const gate = new Gate();
    const make = () =>
      new Toy({
        enter: (me) => me.tasks.reCreate('slow', () => gate.passed, { intake: true }),
        signal: (signal, _me, turn) => {
          if (signal === 'finish') turn.stop();
          else say(`handled ${String(signal)}`);
        },
        exit: () => say('exit'),
      });
    const { boss } = await crew({}, {}, {});
    const child = await time().run(boss.add(make, { restart: 'permanent' }));
    for (const signal of ['finish', 'kept']) void child.send(signal);
    await settle();
    expect([words, child.state]).toEqual([[], 'stopping']);
    const stopped = child.stop();
    await settle();
    gate.open();
    await time().run(stopped);
    expect(words).toEqual(['handled kept', 'exit']);
  });
});

describe('a stop during the first start', () => {
  test('of a child that is to be restarted ends it for good, and its addChild is rejected', async () => {
    const { boss } = await crew({}, {}, {});
    const adding = boss.add(makeWorker('c', { enter: () => forever() }), { restart: 'permanent' });
    adding.catch((error: unknown) => say(String(codeOf(error))));
    const c: AnyChild = boss.children.at(-1)!;
    await settle();
    await time().run(c.stop({ drainMs: 10, cancelMs: 10 }));
    expect(words).toEqual(['c enter', 'c exit', 'TT_CANCELLED']);
    expect([c.state, c.incarnation, boss.childCount]).toEqual(['stopped', 1, 2]);
  });

  test('of a child whose enter throws is no restart: who waits for it hears of it', async () => {
    const { boss, root } = await crew({}, {}, {});
    const failed = errorOf(
      boss.add(makeWorker('c', { enter: () => Promise.reject(new Error('no')) }), { restart: 'permanent' }),
    );
    expect(((await failed) as Error).message).toBe('no');
    expect([root.state, boss.childCount, words]).toEqual(['running', 2, ['c enter', 'c exit']]);
  });
});

describe('an abandoned incarnation', () => {
  test('resumes into a world in which it has ended, while the next one works', async () => {
    const gate = new Gate();
    const errors: unknown[] = [];
    const { a } = await crew(
      {},
      {
        enter: (me, life) => {
          if (life > 1) return;
          me.tasks.reCreate('hang', async (turn) => {
            await gate.passed;
            errors.push(codeOf(await turn.sendToParent('late')?.catch((error: unknown) => error)));
            errors.push(codeOf(await turn.sleep(1).catch((error: unknown) => error)));
          });
        },
      },
      {},
    );
    void a.send('crash');
    const ends: string[] = [];
    a.events.on('restarting', ({ verdict }: Outcome) => ends.push(verdict));
    await time().advance(10_000);
    expect([ends, a.state, a.incarnation]).toEqual([['abandoned'], 'running', 2]);
    gate.open();
    await settle();
    expect(errors).toEqual(['TT_THREAD_ENDED', 'TT_THREAD_ENDED']);
    expect(a.state).toBe('running');
  });
});
