/** Law 10, the drain: intake ends first and everywhere, what was accepted is worked off, in order, edge by edge. */
import { type Child, Reply } from '../../src/index.ts';
import { checkThreads, codeOf, errorOf, Gate, grow, say, settle, Toy, time, words } from './toys.ts';

checkThreads();

describe('intake', () => {
  test('ends in the whole subtree at once: sleeps and delays end, there is no next turn', async () => {
    const reader = (name: string): Toy =>
      new Toy(
        {
          enter: (me) => {
            me.tasks.reCreate(
              'read',
              async (turn) => {
                await turn.sleep(1000).catch((error: unknown) => {
                  say(`${name} ${String(codeOf(error))}`);
                  throw error;
                });
              },
              { intake: true },
            );
            me.tasks.reCreate('poll', () => say(`${name} polls`), { intake: true, afterMs: 500 });
            me.tasks.reCreate(
              'spin',
              async (turn) => {
                await turn.sleep(0);
                return turn.reSchedule();
              },
              { intake: true },
            );
          },
        },
        { name },
      );
    const top = reader('top');
    const middle = reader('middle');
    const root = await grow(top);
    await top.add(middle);
    await middle.add(reader('leaf'));
    await settle();
    const before = time().now;
    const report = await time().run(root.stop());
    expect(words).toEqual(['top TT_INTAKE_CLOSED', 'middle TT_INTAKE_CLOSED', 'leaf TT_INTAKE_CLOSED']);
    expect([report.verdict, report.outcome, time().now - before]).toEqual(['clean', 'stopped', 0]);
  });

  test('a send of an intake task that waits for a place finishes, and is handled', async () => {
    const gate = new Gate();
    const sink = new Toy(
      { signal: (signal) => gate.passed.then(() => say(`handled ${String(signal)}`)) },
      { inbox: { capacity: 1 } },
    );
    let handle: Child<Toy>;
    const parent = new Toy();
    const root = await grow(parent);
    handle = await parent.add(sink);
    parent.tasks.reCreate(
      'read',
      async (turn) => {
        for (const signal of ['a', 'b', 'c']) await turn.send(handle, signal);
        say('all sent');
        return turn.reSchedule();
      },
      { intake: true },
    );
    await settle();
    const stopping = root.stop();
    await settle();
    expect(handle.state).toBe('running');
    gate.open();
    expect((await time().run(stopping)).verdict).toBe('clean');
    expect(words.toSorted()).toEqual(['all sent', 'handled a', 'handled b', 'handled c']);
  });

  test('one that takes what came just before the stop, and cannot add a child for it, ends without a failure', async () => {
    const parent = new Toy();
    const root = await grow(parent);
    const accepted = new Gate();
    parent.tasks.reCreate(
      'accept',
      async () => {
        await accepted.passed;
        await parent.add(new Toy());
      },
      { intake: true },
    );
    await settle();
    const stopping = root.stop();
    accepted.open();
    expect(await time().run(stopping)).toMatchObject({ verdict: 'clean', outcome: 'stopped' });
  });

  test('is not begun any more by a thread below one that stops', async () => {
    const held = new Gate();
    const parent = new Toy();
    const root = await grow(parent);
    const child = new Toy({
      signal: async (_signal, me) => {
        await held.passed;
        me.tasks.reCreate('read', () => say('reads'), { intake: true });
        me.tasks.reCreate('other', () => say('works'));
      },
    });
    const handle = await parent.add(child);
    void handle.send('go');
    await settle();
    const stopping = root.stop();
    held.open();
    await time().run(stopping);
    expect(words).toEqual(['works']);
  });
});

describe('the drain', () => {
  test('handles what an ended child left before the next child is asked', async () => {
    const parent = new Toy({
      childSignal: async (signal, _child, _me, turn) => {
        await turn.sleep(5);
        say(`handled ${String(signal)}`);
      },
      exit: () => say('parent exits'),
    });
    const root = await grow(parent);
    for (const name of ['first', 'second']) {
      const child = new Toy({
        exit: async (_me, turn) => {
          say(`${name} exits`);
          for (let i = 0; i < 2; i++) await turn.sendToParent(`${name} ${i}`);
        },
      });
      await parent.add(child);
    }
    expect((await time().run(root.stop())).verdict).toBe('clean');
    expect(words).toEqual([
      'second exits',
      'handled second 0',
      'handled second 1',
      'first exits',
      'handled first 0',
      'handled first 1',
      'parent exits',
    ]);
  });

  test('handles all of it, also when its handler never waits', async () => {
    let handled = 0;
    const parent = new Toy({
      childSignal: () => {
        handled++;
      },
    });
    const root = await grow(parent);
    await parent.add(new Toy({ exit: () => say(`first exits after ${handled}`) }));
    const second = new Toy({
      exit: (_me, turn) => {
        for (let i = 0; i < 90; i++) void turn.sendToParent(i);
      },
    });
    await parent.add(second);
    expect((await time().run(root.stop())).verdict).toBe('clean');
    expect(words).toEqual(['first exits after 90']);
  });

  test('works off the inbox before the first child is asked', async () => {
    let stored = 0;
    const parent = new Toy({ signal: (signal, me, turn) => turn.send(me.children[0] as Child<Toy>, signal) });
    const root = await grow(parent);
    await parent.add(
      new Toy({
        signal: () => {
          stored++;
        },
      }),
    );
    for (let i = 0; i < 90; i++) void root.send(i);
    expect(await time().run(root.stop())).toMatchObject({ verdict: 'clean', outcome: 'stopped' });
    expect(stored).toBe(90);
  });

  test('leaves the down lane of a child open to its parent until that child is asked', async () => {
    let sink: Child<Toy>;
    const gate = new Gate();
    const parent = new Toy();
    const root = await grow(parent);
    sink = await parent.add(new Toy({ signal: (signal) => say(`sink ${String(signal)}`) }));
    const source = await parent.add(new Toy({ exit: () => gate.passed }));
    parent.tasks.reCreate('other', async (turn) => {
      await turn.sleep(1);
      await turn.send(sink, 'tick');
      return turn.reSchedule();
    });
    const stopping = root.stop();
    await time().advance(3);
    expect([source.state, sink.state, words.length]).toEqual(['stopping', 'running', 3]);
    expect(codeOf(await errorOf(source.send('late')))).toBe('TT_EDGE_CLOSED');
    expect(source.trySend('late')).toBe(false);
    gate.open();
    expect((await time().run(stopping)).verdict).toBe('clean');
    expect(await errorOf(sink.send('late'))).toMatchObject({ code: 'TT_THREAD_ENDED', signal: 'late' });
  });

  test('works off a full inbox, waiting senders and pending requests', async () => {
    const child = new Toy(
      {
        signal: async (signal, _me, turn) => {
          await turn.sleep(1);
          if (signal instanceof Reply) signal.with('answer');
        },
      },
      { inbox: { capacity: 2 } },
    );
    const parent = new Toy();
    const root = await grow(parent);
    const handle = await parent.add(child);
    const sends = [1, 2].map((signal) => handle.send(signal));
    const asking = handle.ask((reply) => reply).then((answer) => say(String(answer)));
    await time().advance(1);
    expect((await time().run(root.stop())).verdict).toBe('clean');
    await Promise.all([...sends, asking]);
    expect(words).toEqual(['answer']);
    expect(handle.snapshot().edge.down).toMatchObject({ accepted: 3, handled: 3, deadLettered: 0 });
  });

  test('a handler that adds a child while the thread drains loses its signal, but does not fail the thread', async () => {
    const parent = new Toy({
      signal: async (_signal, me) => {
        await me.add(new Toy());
      },
    });
    parent.events.on('deadLetter', (signal) => say(`dead ${String(signal)}`));
    const root = await grow(parent);
    void root.send('open');
    expect(await time().run(root.stop())).toMatchObject({ verdict: 'clean', outcome: 'stopped' });
    expect(words).toEqual(['dead open']);
  });

  test('a stop of a child and of its parent at once: all end, nothing twice', async () => {
    const parent = new Toy({ exit: () => say('parent exits') });
    const root = await grow(parent);
    const child = new Toy({ exit: (_me, turn) => turn.sleep(10).then(() => say('child exits')) });
    const handle = await parent.add(child);
    const both = Promise.all([handle.stop(), root.stop(), handle.stop(), root.stop()]);
    expect((await time().run(both)).map(({ verdict }) => verdict)).toEqual(Array(4).fill('clean'));
    expect(words).toEqual(['child exits', 'parent exits']);
  });

  test('counts the threads that it ended', async () => {
    const parent = new Toy();
    const root = await grow(parent);
    for (let i = 0; i < 3; i++) {
      const child = new Toy();
      await parent.add(child);
      await child.add(new Toy());
    }
    expect((await time().run(root.stop())).threads).toBe(7);
  });
});
