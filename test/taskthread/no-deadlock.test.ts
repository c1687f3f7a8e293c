/** Law 8: what only looks like a circle is never reported, and goes on. */
import { Reply, type Turn } from '../../src/index.ts';
import { floodDown, floodUp, nothing, pair, settleAtOnce, tried, type Work, worker } from './circles.ts';
import { checkThreads, Gate, grow, say, settle, Toy, time, words } from './toys.ts';

checkThreads();

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
