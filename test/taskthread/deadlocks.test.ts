/** Law 8: a wait that closes a circle of waits of running hooks fails, and says who waits for whom. */
import { type Child, DeadlockError, type LifecycleRecord, Reply, type Turn } from '../../src/index.ts';
import { checkThreads, codeOf, Gate, grow, say, settle, Toy, takeWarnings, time, words } from './toys.ts';

checkThreads();

/** A signal of these tests: what its handler does. */
type Work = (turn: Turn<unknown>, child: Child<Toy>) => unknown;
const nothing: Work = () => {};

/** A thread that does what its signals say, with lanes of one place; what its hooks are given may be added to. */
function worker(name: string, script: Partial<ConstructorParameters<typeof Toy>[0]> = {}): Toy {
  return new Toy(
    {
      signal: (work, _me, turn) => (work as Work)(turn, undefined as never),
      childSignal: (work, child, _me, turn) => (work as Work)(turn, child as Child<Toy>),
      ...script,
    },
    { name, inbox: { capacity: 1 }, outbox: { capacity: 1 } },
  );
}

/** A root and a child of it. */
async function pair(): Promise<{ top: Toy; root: Child<Toy>; child: Child<Toy>; records: LifecycleRecord[] }> {
  const records: LifecycleRecord[] = [];
  const top = worker('top');
  const root = await grow(top, { onRecord: (record) => records.push(record) });
  return { top, root, child: await top.add(worker('low')), records };
}

const errors: DeadlockError[] = [];
beforeEach(() => errors.splice(0));

/** Waits, and says how that went. */
async function tried(name: string, wait: Promise<unknown> | undefined): Promise<void> {
  try {
    await wait;
    say(`${name} done`);
  } catch (error) {
    if (error instanceof DeadlockError) errors.push(error);
    say(`${name} ${String(codeOf(error))}`);
  }
}

/** More than the parent has room for while it is busy. */
async function floodUp(turn: Turn<unknown>, name = 'up'): Promise<void> {
  await turn.sendToParent(nothing);
  await tried(name, turn.sendToParent(nothing));
}

/** More than a busy child has room for. */
async function floodDown(turn: Turn<unknown>, child: Child<Toy>, name = 'down'): Promise<void> {
  await turn.send(child, nothing);
  await tried(name, turn.send(child, nothing));
}

/** Makes the parent busy, lets the child begin, and then lets the parent's handler begin what it is busy with. */
async function thenAbove(root: Child<Toy>, below: () => void, work: Work): Promise<void> {
  const gate = new Gate();
  void root.send(async (turn: Turn<unknown>) => {
    await gate.passed;
    await work(turn, undefined as never);
  });
  await settle();
  below();
  await settle();
  expect(words).toEqual([]);
  gate.open();
  await settleAtOnce();
}

/** The links of the only error so far: who waits for what. */
function chain(): string[] {
  expect(errors.length).toBe(1);
  return errors[0]!.chain.map(({ path, hook, waitsFor }) => `${path} ${hook}: ${waitsFor}`);
}

/** Settles; no time has passed. */
async function settleAtOnce(): Promise<void> {
  const before = time().now;
  await settle();
  expect(time().now).toBe(before);
}

describe('the two-signal echo at capacity 2', () => {
  test('parent and child each sending from a handler into full queues: the wait that closes the circle fails', async () => {
    const echo = async (send: (n: number) => Promise<void> | undefined): Promise<void> => {
      for (let n = 0; n < 2; n++) await send(n);
    };
    const parent = new Toy({ childSignal: (_s, child, _me, turn) => echo((n) => turn.send(child as Child<Toy>, n)) });
    const root = await grow(parent);
    const child = await parent.add(
      new Toy(
        { signal: (_s, _me, turn) => echo((n) => turn.sendToParent(n)) },
        { inbox: { capacity: 2 }, outbox: { capacity: 2 } },
      ),
    );
    void child.send('go');
    await settleAtOnce();
    const error = root.outcome?.error as { cause?: unknown };
    errors.push((error instanceof DeadlockError ? error : error.cause) as DeadlockError);
    expect(takeWarnings().length).toBe(1);
    expect(chain().sort()).toEqual([
      '/Toy-1 childSignalHandler: a place in the inbox of /Toy-1/Toy-2',
      '/Toy-1/Toy-2 signalHandler: a place in the outbox of /Toy-1/Toy-2',
    ]);
  });
});

describe('a circle of', () => {
  test('a send down and a send up fails the wait that closes it, and the other goes on', async () => {
    const { root, child, records } = await pair();
    void child.send((turn: Turn<unknown>) => floodUp(turn));
    const gate = new Gate();
    void root.send(async (turn: Turn<unknown>) => {
      await gate.passed;
      await floodDown(turn, child);
    });
    await settle();
    expect(words).toEqual([]);
    gate.open();
    await settleAtOnce();
    expect(words).toEqual(['down TT_DEADLOCK', 'up done']);
    expect(chain()).toEqual([
      '/top-1 signalHandler: a place in the inbox of /top-1/low-2',
      '/top-1/low-2 signalHandler: a place in the outbox of /top-1/low-2',
    ]);
    expect(errors[0]).toMatchObject({
      signal: nothing,
      chain: [
        { lane: { path: '/top-1/low-2', direction: 'down', queued: 1, capacity: 1, waiting: 1 } },
        { lane: { path: '/top-1/low-2', direction: 'up', queued: 1, capacity: 1, waiting: 1 } },
      ],
    });
    expect(errors[0]!.message).toMatch(/holds 1 of 1 signals/);
    expect(errors[0]!.message).toMatch(/way out: a larger capacity/);
    expect(records.filter(({ kind }) => kind === 'deadlock')).toEqual([
      { kind: 'deadlock', path: '/top-1', hook: 'signalHandler', chain: errors[0]!.chain },
    ]);
    // In the books it was refused, and its signal given back.
    expect(child.snapshot().edge.down).toMatchObject({ offered: 3, accepted: 2, refused: 1, cancelled: 0, waiting: 0 });
  });

  test('two waits that begin in one turn fails the later one', async () => {
    const { child } = await pair();
    void child.send(async (turn: Turn<unknown>) => {
      await turn.sendToParent((upper: Turn<unknown>, low: Child<Toy>) => floodDown(upper, low));
      await floodUp(turn);
    });
    await settleAtOnce();
    expect(words).toEqual(['up TT_DEADLOCK', 'down done']);
  });

  test('an ask that is still queued and a send up', async () => {
    const { root, child } = await pair();
    const busy = (): void => void child.send((turn: Turn<unknown>) => floodUp(turn));
    const make = (reply: Reply<string>): Work => {
      return () => reply.with('late');
    };
    await thenAbove(root, busy, (turn) => tried('ask', turn.ask<Toy, string>(child, make)));
    expect(words).toEqual(['ask TT_DEADLOCK', 'up done']);
    expect(chain()[0]).toBe('/top-1 signalHandler: an answer of /top-1/low-2');
    // Its request stays accepted, and its late reply is counted.
    expect(child.snapshot().edge).toMatchObject({ asksWaiting: 0, lateReplies: 1, down: { handled: 2, refused: 0 } });
  });

  test('an ask whose request waits for a place, and a send up: the request is given back', async () => {
    const { root, child } = await pair();
    const busy = (): void => {
      void child.send((turn: Turn<unknown>) => floodUp(turn));
      void child.send(nothing);
    };
    await thenAbove(root, busy, (turn) =>
      tried(
        'ask',
        turn.ask(child, (reply) => reply),
      ),
    );
    expect(words).toEqual(['ask TT_DEADLOCK', 'up done']);
    expect(chain()[0]).toBe('/top-1 signalHandler: a place in the inbox of /top-1/low-2');
    expect(child.snapshot().edge).toMatchObject({ asksWaiting: 0, lateReplies: 0, down: { handled: 2, refused: 1 } });
  });

  test('an ask and the send up of its own handler', async () => {
    const { root, child } = await pair();
    const make = (reply: Reply<string>): Work => {
      return async (turn) => {
        await floodUp(turn);
        reply.with('answer');
      };
    };
    void root.send((turn: Turn<unknown>) => tried('ask', turn.ask<Toy, string>(child, make)));
    await settleAtOnce();
    expect(words).toEqual(['up TT_DEADLOCK', 'ask done']);
    expect(chain()).toEqual([
      '/top-1/low-2 signalHandler: a place in the outbox of /top-1/low-2',
      '/top-1 signalHandler: an answer of /top-1/low-2',
    ]);
  });

  test('an ask down and an ask up', async () => {
    const { root, child } = await pair();
    const make = (reply: Reply<string>): Work => {
      return async (turn) => {
        await tried(
          'up',
          turn.askParent<string>((r) => () => r.with('never')),
        );
        reply.with('answer');
      };
    };
    void root.send((turn: Turn<unknown>) => tried('ask', turn.ask<Toy, string>(child, make)));
    await settleAtOnce();
    expect(words).toEqual(['up TT_DEADLOCK', 'ask done']);
  });

  test('adding a child and a send up in its enter: the child is stopped', async () => {
    const { top, root } = await pair();
    const added = worker('added', { enter: (_me, turn) => floodUp(turn) });
    void root.send((turn: Turn<unknown>) => tried('add', top.add(added, { scope: turn })));
    await settleAtOnce();
    expect(words).toEqual(['up TT_DEADLOCK', 'add done']);
    expect(chain()).toEqual([
      '/top-1/added-3 enter: a place in the outbox of /top-1/added-3',
      '/top-1 signalHandler: enter of /top-1/added-3',
    ]);
  });

  test('a send up in enter and the adding that begins to wait later', async () => {
    const top = worker('top');
    const root = await grow(top);
    const gate = new Gate();
    const added = worker('added', {
      enter: async (me, turn) => {
        await me.add(worker('low', { enter: (_low, lowTurn) => floodUp(lowTurn) }), { scope: turn });
        await gate.passed;
      },
    });
    void root.send((turn: Turn<unknown>) => tried('add', top.add(added, { scope: turn })));
    await settleAtOnce();
    expect(words).toEqual(['up TT_DEADLOCK']);
    gate.open();
    await settle();
    expect(words).toEqual(['up TT_DEADLOCK', 'add done']);
  });

  test.each(['join', 'stop'] as const)('the %s of a child and a send up of its handler', async (word) => {
    const { root, child } = await pair();
    const busy = (): void => void child.send((turn: Turn<unknown>) => floodUp(turn));
    await thenAbove(root, busy, (turn) => tried(word, child[word]({ scope: turn })));
    expect(words).toEqual([`${word} TT_DEADLOCK`, 'up done']);
    expect(chain()[0]).toBe('/top-1 signalHandler: the end of /top-1/low-2');
    expect(child.outcome?.kind).toBe(word === 'stop' ? 'stopped' : undefined);
  });

  test('the stop of a child and a send up in its exit', async () => {
    const top = worker('top');
    const root = await grow(top);
    const child = await top.add(worker('low', { exit: (_me, turn) => floodUp(turn) }));
    void root.send((turn: Turn<unknown>) => tried('stop', child.stop({ scope: turn })));
    await settleAtOnce();
    expect(words).toEqual(['up TT_DEADLOCK', 'stop done']);
    expect(chain()[0]).toBe('/top-1/low-2 exit: a place in the outbox of /top-1/low-2');
  });

  test('the join of a child and a send of a thread further down', async () => {
    const top = worker('top');
    const root = await grow(top);
    const mid = worker('mid');
    const child = await top.add(mid);
    const low = await mid.add(worker('low'));
    const busy = (): void => {
      void root.send(nothing);
      void low.send((turn: Turn<unknown>) => tried('low', root.send(nothing, { scope: turn })));
    };
    await thenAbove(root, busy, (turn) => tried('join', child.join({ scope: turn })));
    expect(words).toEqual(['join TT_DEADLOCK', 'low done']);
    expect(chain()).toEqual([
      '/top-1 signalHandler: the end of /top-1/mid-2',
      '/top-1/mid-2/low-3 signalHandler: a place in the inbox of /top-1',
    ]);
  });

  test('the join of a child that was started again since, and a send of its new incarnation', async () => {
    const top = worker('top');
    const root = await grow(top);
    const child = await top.add(() => worker('low'), { restart: 'permanent' });
    void root.send((turn: Turn<unknown>) => tried('join', child.join({ scope: turn })));
    void child.send(() => {
      throw new Error('boom');
    });
    await settle();
    expect(child.incarnation).toBe(2);
    void child.send((turn: Turn<unknown>) => floodUp(turn));
    await settleAtOnce();
    expect(words).toEqual(['up TT_DEADLOCK']);
    expect(chain()).toEqual([
      '/top-1/low-2 signalHandler: a place in the outbox of /top-1/low-2',
      '/top-1 signalHandler: the end of /top-1/low-2',
    ]);
  });

  test('adding a child, found when another wait has ended: the child is stopped', async () => {
    const { top, root } = await pair();
    const added = worker('added', {
      enter: async (_me, turn) => {
        await floodUp(turn).catch(() => say('cancelled'));
      },
    });
    void root.send((turn: Turn<unknown>) => {
      return tried('all', Promise.all([turn.sleep(10), top.add(added, { scope: turn })]));
    });
    await time().advance(9);
    expect(words).toEqual([]);
    await time().advance(1);
    expect(words).toEqual(['up TT_CANCELLED', 'all TT_DEADLOCK']);
    expect(top.childCount).toBe(1);
  });

  test('a thread that waits for its own end', async () => {
    const { root } = await pair();
    void root.send((turn: Turn<unknown>) => tried('join', root.join({ scope: turn })));
    await settleAtOnce();
    expect(chain()).toEqual(['/top-1 signalHandler: the end of /top-1']);
    expect(words).toEqual(['join TT_DEADLOCK']);
  });

  test('three levels, each waiting for the next', async () => {
    const low = worker('low');
    const mid = worker('mid');
    const top = worker('top');
    const root = await grow(top);
    const midChild = await top.add(mid);
    const lowChild = await mid.add(low);
    const gate = new Gate();
    void root.send(nothing);
    void lowChild.send(async (turn: Turn<unknown>) => {
      await gate.passed;
      await tried('root', root.send(nothing, { scope: turn }));
    });
    void midChild.send((turn: Turn<unknown>) => floodDown(turn, lowChild, 'mid'));
    void root.send((turn: Turn<unknown>) => floodDown(turn, midChild, 'top'));
    await settle();
    void root.send(nothing);
    expect(words).toEqual([]);
    gate.open();
    await settleAtOnce();
    expect(words).toEqual(['root TT_DEADLOCK', 'mid done', 'top done']);
    expect(chain()).toEqual([
      '/top-1/mid-2/low-3 signalHandler: a place in the inbox of /top-1',
      '/top-1 signalHandler: a place in the inbox of /top-1/mid-2',
      '/top-1/mid-2 signalHandler: a place in the inbox of /top-1/mid-2/low-3',
    ]);
  });

  test.each([
    ['a send', (turn: Turn<unknown>, child: Child<Toy>) => turn.send(child, nothing)],
    ['a broadcast', (turn: Turn<unknown>, child: Child<Toy>) => turn.sendToChildren([child], nothing)],
    ['an ask', (turn: Turn<unknown>, child: Child<Toy>) => turn.ask(child, () => nothing)],
    ['a join', (turn: Turn<unknown>, child: Child<Toy>) => child.join({ scope: turn })],
  ])('%s that nobody awaits is told by event and record, and is no unhandled rejection', async (_what, begin) => {
    const { top, root, child, records } = await pair();
    const gate = new Gate();
    top.events.on('deadlock', (error, hook) => say(`${hook} ${error.code}`));
    const busy = (): void => {
      void child.send((turn: Turn<unknown>) => floodUp(turn));
      void child.send(nothing);
    };
    await thenAbove(root, busy, async (turn) => {
      void begin(turn, child);
      await gate.passed;
    });
    expect(words).toEqual(['signalHandler TT_DEADLOCK']);
    expect(records.filter(({ kind }) => kind === 'deadlock').length).toBe(1);
    gate.open();
  });

  test('a limit that leaves the wait, the others of its hook remaining', async () => {
    const { root, child } = await pair();
    void child.send((turn: Turn<unknown>) => floodUp(turn));
    void child.send(nothing);
    void root.send(async (turn: Turn<unknown>) => {
      const sent = tried('down', turn.send(child, nothing));
      await tried(
        'timed',
        turn.ask(child, (reply) => reply, { timeoutMs: 50 }),
      );
      await sent;
    });
    await time().advance(49);
    expect(words).toEqual([]);
    await time().advance(1);
    expect(words).toEqual(['timed TT_TIMEOUT', 'down TT_DEADLOCK', 'up done']);
  });
});

describe('a request in its handler', () => {
  test('is a link when the last task that could answer has ended', async () => {
    const top = worker('top');
    const root = await grow(top);
    const child = await top.add(worker('low', { enter: (me) => me.tasks.reCreate('other', (turn) => turn.sleep(20)) }));
    void root.send((turn: Turn<unknown>) =>
      tried(
        'ask',
        turn.ask(child, () => (low: Turn<unknown>) => floodUp(low)),
      ),
    );
    await time().advance(19);
    expect(words).toEqual([]);
    await time().advance(1);
    expect(words).toEqual(['up TT_DEADLOCK']);
  });
});

describe('several waits of one hook', () => {
  /** The child hangs on its parent, the slow one on a gate; neither has room. */
  async function hangingAndSlow() {
    const { top, root, child } = await pair();
    const slow = await top.add(worker('slow'));
    const gate = new Gate();
    const busy = (): void => {
      void child.send((turn: Turn<unknown>) => floodUp(turn));
      void slow.send(() => gate.passed);
      for (const each of [child, slow]) void each.send(nothing);
    };
    return { root, child, slow, gate, busy };
  }

  test('a broadcast fails for the one that hangs, and the others get theirs', async () => {
    const { root, child, slow, gate, busy } = await hangingAndSlow();
    const got: Work = () => say('slow got it');
    await thenAbove(root, busy, (turn) => tried('broadcast', turn.sendToChildren([child, slow], got)));
    // The hook waits for all: it goes on when the slow one has taken.
    expect(words).toEqual([]);
    expect(child.snapshot().edge.down).toMatchObject({ refused: 1, waiting: 0 });
    gate.open();
    await settle();
    expect(words).toEqual(['slow got it', 'broadcast TT_DEADLOCK', 'up done']);
    expect(chain()[0]).toBe('/top-1 signalHandler: a place in the inbox of /top-1/low-2');
  });

  test('Promise.all is reported when the healthy part is done', async () => {
    const { root, child, slow, gate, busy } = await hangingAndSlow();
    await thenAbove(root, busy, (turn) =>
      tried('all', Promise.all([turn.send(child, nothing), turn.send(slow, nothing)])),
    );
    expect(words).toEqual([]);
    gate.open();
    await settleAtOnce();
    expect(words).toEqual(['all TT_DEADLOCK', 'up done']);
  });

  test.each([
    ['a sleep after it', (turn: Turn, sent: () => Promise<void>) => [sent(), turn.sleep(10)]],
    ['a sleep before it', (turn: Turn, sent: () => Promise<void>) => [turn.sleep(10), sent()]],
    ['a turn of the event loop', (turn: Turn, sent: () => Promise<void>) => [sent(), turn.sleep(0)]],
    ['a limit', (turn: Turn, sent: () => Promise<void>) => [sent(), turn.timeoutAfter(10, (inner) => inner.sleep(99))]],
    [
      'a sleep that begins some microtasks later',
      (turn: Turn, sent: () => Promise<void>) => [sent(), Promise.resolve().then(() => turn.sleep(10))],
    ],
  ])('Promise.race with %s is no alarm', async (_what, parts) => {
    const { root, child } = await pair();
    const busy = (): void => {
      void child.send((turn: Turn<unknown>) => floodUp(turn));
      void child.send(nothing);
    };
    await thenAbove(root, busy, async (turn) => {
      const sent = (): Promise<void> => tried('down', turn.send(child, nothing));
      await Promise.race(parts(turn, sent)).catch(() => {});
      say('race over');
    });
    await time().advance(10);
    await settle();
    expect(words).toEqual(['race over', 'up done', 'down done']);
  });
});

describe('no circle is', () => {
  test('a wait with a deadline, at whichever link', async () => {
    const { root, child } = await pair();
    void child.send(async (turn: Turn<unknown>) => {
      await turn.sendToParent(nothing);
      await tried(
        'limited',
        turn.timeoutAfter(30, (inner) => inner.sendToParent(nothing)),
      );
    });
    void root.send((turn: Turn<unknown>) => floodDown(turn, child));
    await time().advance(29);
    expect(words).toEqual([]);
    await time().advance(1);
    expect(words).toEqual(['limited TT_TIMEOUT', 'down done']);
  });

  test('a place that is there, but for a larger signal before it that has a time limit', async () => {
    const top = worker('top');
    const root = await grow(top);
    const inbox = { capacity: 3, countOf: (signal: unknown) => (signal as { count?: number }).count ?? 1 };
    const child = await top.add(
      new Toy({ signal: (work, _me, turn) => (work as Work)(turn, child) }, { inbox, outbox: { capacity: 1 } }),
    );
    const gate = new Gate();
    void child.send((turn: Turn<unknown>) => gate.passed.then(() => floodUp(turn)));
    await settle();
    for (let i = 0; i < 2; i++) void child.send(nothing);
    top.tasks.reCreate('batch', (turn) =>
      tried(
        'batch',
        turn.timeoutAfter(50, (limited) =>
          limited.send(
            child,
            Object.assign(() => {}, { count: 2 }),
          ),
        ),
      ),
    );
    await settle();
    void root.send((turn: Turn<unknown>) => tried('down', turn.send(child, nothing)));
    await settle();
    gate.open();
    await time().advance(49);
    expect(words).toEqual([]);
    await time().advance(1);
    expect(words.toSorted()).toEqual(['batch TT_TIMEOUT', 'down done', 'up done']);
  });

  test("a wait of a task: its thread's loop is free", async () => {
    const { root, child, top } = await pair();
    void top;
    void child.send((_turn: Turn<unknown>) => say('taken'));
    const gate = new Gate();
    const low = worker('tasks', {
      enter: (me) => {
        me.tasks.reCreate('up', async (turn) => {
          for (let i = 0; i < 4; i++) await turn.sendToParent(nothing);
          say('task done');
        });
      },
    });
    const other = await top.add(low);
    void root.send(async (turn: Turn<unknown>) => {
      await gate.passed;
      for (let i = 0; i < 4; i++) await turn.send(other, nothing);
      say('hook done');
    });
    await settle();
    gate.open();
    await settleAtOnce();
    expect([words[0], ...words.slice(1).sort()]).toEqual(['taken', 'hook done', 'task done']);
  });

  test('a request in its handler that a task could answer', async () => {
    const top = worker('top');
    const root = await grow(top);
    const open: Reply<string>[] = [];
    const child = await top.add(
      worker('low', {
        enter: (me) => me.tasks.reCreate('answer', (turn) => turn.sleep(20).then(() => open[0]?.with('by the task'))),
      }),
    );
    const make = (reply: Reply<string>): Work => {
      return (turn) => {
        open.push(reply);
        return floodUp(turn);
      };
    };
    void root.send(async (turn: Turn<unknown>) => say(await turn.ask<Toy, string>(child, make)));
    await time().advance(20);
    expect(words).toEqual(['by the task', 'up done']);
  });

  test.each([
    ['as a property of a signal', (reply: Reply<string>) => ({ reply })],
    ['as a signal', (reply: Reply<string>) => reply],
  ])('a request in its handler whose reply was handed on to a child, %s', async (_how, wrap) => {
    const top = worker('top');
    const root = await grow(top);
    const low = worker('low');
    const child = await top.add(low);
    const pool = await low.add(
      new Toy({
        signal: async (given, _me, turn) => {
          await turn.sleep(20);
          (given instanceof Reply ? given : (given as { reply: Reply<string> }).reply).with('from below');
        },
      }),
    );
    const make = (reply: Reply<string>): Work => {
      return async (turn) => {
        await turn.send(pool, wrap(reply));
        await floodUp(turn);
      };
    };
    void root.send(async (turn: Turn<unknown>) => say(await turn.ask<Toy, string>(child, make)));
    await time().advance(20);
    expect(words).toEqual(['from below', 'up done']);
  });

  test('a wait that a hook has begun and left behind: it is not taken for one of the next', async () => {
    const { root, child } = await pair();
    const [gate, second] = [new Gate(), new Gate()];
    void child.send(async (turn: Turn<unknown>) => {
      await gate.passed;
      await floodUp(turn);
    });
    await settle();
    void child.send(nothing);
    void root.send((turn: Turn<unknown>) => {
      void turn.send(child, nothing)?.then(() => say('left behind done'));
    });
    await settle();
    void root.send(() => tried('second', second.passed));
    await settle();
    gate.open();
    await settle();
    expect(words).toEqual([]);
    second.open();
    await settleAtOnce();
    expect(words).toEqual(['second done', 'up done', 'left behind done']);
  });

  test("a thread's own word: it is nobody's", async () => {
    const { top, root, child } = await pair();
    void child.send((turn: Turn<unknown>) => floodUp(turn));
    void child.send(nothing);
    void root.send(() => {
      void top.tell(child, nothing)?.then(() => say('told'));
    });
    await settleAtOnce();
    expect(words).toEqual(['up done', 'told']);
  });

  test('a sender that waits although there is room by now: it is let in', async () => {
    const top = worker('top');
    const root = await grow(top);
    const low = new Toy(
      { signal: (work, _me, turn) => (work as Work)(turn, undefined as never) },
      { name: 'low', inbox: { capacity: 4 }, outbox: { capacity: 1 } },
    );
    const child = await top.add(low);
    const gate = new Gate();
    void child.send(() => gate.passed);
    void root.send(async (turn: Turn<unknown>) => {
      await turn.send(child, (low: Turn<unknown>) => floodUp(low));
      for (let i = 0; i < 3; i++) await turn.send(child, nothing);
      await tried('down', turn.send(child, nothing));
    });
    await settle();
    expect(child.snapshot().edge.down).toMatchObject({ queued: 4, waiting: 1 });
    gate.open();
    await settleAtOnce();
    expect(words).toEqual(['down done', 'up done']);
  });

  test('the deletion of a task that waits: its waits throw', async () => {
    const top = worker('top');
    const root = await grow(top);
    const low = worker('low', {
      enter: (me) => {
        me.tasks.reCreate('up', async (turn) => {
          await turn.sendToParent(nothing);
          await turn.sendToParent(nothing);
        });
      },
    });
    const child = await top.add(low);
    const gate = new Gate();
    void root.send(() => gate.passed);
    void child.send((turn: Turn<unknown>) => tried('delete', low.tasks.delete('up', { scope: turn })));
    await settleAtOnce();
    expect(words).toEqual(['delete done']);
    gate.open();
  });
});
