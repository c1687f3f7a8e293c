/** Law 8: a wait that closes a circle of waits of running hooks fails, and says who waits for whom. */
import { type Child, DeadlockError, type Reply, type Turn } from '../../src/index.ts';
import {
  chain,
  errors,
  floodDown,
  floodUp,
  nothing,
  pair,
  settleAtOnce,
  thenAbove,
  tried,
  type Work,
  worker,
} from './circles.ts';
import { checkThreads, Gate, grow, say, settle, Toy, takeWarnings, time, words } from './toys.ts';

checkThreads();

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
    expect(errors[0]!.message).toMatch(/holds 1 of 1 signal[^s]/);
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

  test('the join of a child and a send up of its handler', async () => {
    const { root, child } = await pair();
    const busy = (): void => void child.send((turn: Turn<unknown>) => floodUp(turn));
    await thenAbove(root, busy, (turn) => tried('join', child.join({ scope: turn })));
    expect(words).toEqual(['join TT_DEADLOCK', 'up done']);
    expect(chain()[0]).toBe('/top-1 signalHandler: the end of /top-1/low-2');
    expect(child.outcome).toBeUndefined();
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
