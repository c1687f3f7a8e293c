/** Handles and the words to find, ask and broadcast; snapshots (law 21); life-cycle events. */
import { type Child, type LifecycleRecord, type Reply, TaskThread } from '../../src/index.ts';
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
  takeWarnings,
  time,
  words,
} from './toys.ts';

checkThreads();

describe('asking', () => {
  const answering = () => new Toy({ signal: (reply) => (reply as Reply<string>).with('pong') });

  test('a child and a parent gets the answer', async () => {
    const parent = new Toy({ childSignal: (reply) => (reply as Reply<string>).with('from above') });
    await grow(parent);
    const child = await parent.add(answering());
    expect(await child.ask<string>((reply) => reply)).toBe('pong');
    const asker = new Toy({ signal: async (_s, _me, turn) => say(await turn.askParent<string>((reply) => reply)) });
    void (await parent.add(asker)).send(1);
    await settle();
    expect(words).toEqual(['from above']);
  });

  test('throws what reply.fail was given, and only the first answer counts', async () => {
    const parent = new Toy();
    await grow(parent);
    const child = await parent.add(
      new Toy({
        signal: (reply) => {
          (reply as Reply<string>).fail(new Error('no'));
          (reply as Reply<string>).with('yes');
        },
      }),
    );
    expect(await errorOf(child.ask((reply) => reply))).toEqual(new Error('no'));
  });

  test('one that ends first, or loses the request, is AskUnansweredError', async () => {
    const parent = new Toy();
    await grow(parent);
    const child = await parent.add(new Toy({ signal: forever }, { stop: { drainMs: 1, cancelMs: 4 } }));
    const asks = [1, 2].map(() => errorOf(child.ask((reply) => reply)));
    await settle();
    await time().run(child.stop());
    expect((await Promise.all(asks)).map(codeOf)).toEqual([undefined, undefined]);
    expect(child.snapshot().edge.asksWaiting).toBe(0);
  });

  test('limits: timeoutMs is a TimeoutError for a child and for the parent', async () => {
    const parent = new Toy({ childSignal: () => {} });
    await grow(parent);
    const child = await parent.add(new Toy({ signal: () => {} }));
    parent.tasks.reCreate('a', (turn) =>
      turn.ask(child, (reply) => reply, { timeoutMs: 5 }).catch((e: unknown) => say(String(codeOf(e)))),
    );
    const below = new Toy({
      enter: (me) =>
        me.tasks.reCreate('b', (turn) =>
          turn
            .askParent((reply) => reply, { timeoutMs: 7 })
            .catch((e: unknown) => say(`${String(codeOf(e))} ${time().now}`)),
        ),
    });
    await parent.add(below);
    await time().advance(20);
    expect(words).toEqual(['TT_TIMEOUT', 'TT_TIMEOUT 1007']);
    expect(time().clock.pendingTimers).toBe(0);
  });

  test('limits: the handle of a root too', async () => {
    const root = await grow(new Toy({ signal: () => {} }));
    const asked = root.ask((reply) => reply, { timeoutMs: 5 }).catch((e: unknown) => say(String(codeOf(e))));
    await time().advance(10);
    await asked;
    expect(words).toEqual(['TT_TIMEOUT']);
    expect(time().clock.pendingTimers).toBe(0);
  });
});

describe('finding', () => {
  class Special extends TaskThread<string, never> {}
  class Finder extends TaskThread<never, never, never> {
    found: string[] = [];
    protected override async enter() {
      await this.addChild(new Special({ name: 's1' }));
      const { id } = await this.addChild(() => new Special({ name: 's2' }));
      const byClass = this.findChild(Special);
      const byId = this.findChild(id);
      const both = this.findChild(id, Special);
      const wrong = this.findChild(id, Finder);
      const all = this.childrenOf(Special).map((child) => child.path);
      this.found = [...[byClass, byId, both, wrong].map(String), ...all, ...this.children.map(String)];
    }
  }

  test('by id, by class, by both; all of a class; all', async () => {
    const finder = new Finder();
    await grow(finder as never);
    const [s1, s2] = ['/Finder-1/s1-2', '/Finder-1/s2-3'];
    expect(finder.found).toEqual([s1, s2, s2, 'undefined', s1, s2, s1, s2]);
  });

  test('a child that has ended is found no more', async () => {
    const parent = new Toy();
    await grow(parent);
    const child = await parent.add(new Toy());
    expect([String(parent.find(child.id)), parent.childCount]).toEqual(['/Toy-1/Toy-2', 1]);
    await time().run(child.stop());
    expect([parent.find(child.id), parent.children, parent.childCount]).toEqual([undefined, [], 0]);
  });
});

describe('broadcasting', () => {
  test('one full child never holds up its siblings', async () => {
    const gate = new Gate();
    const parent = new Toy();
    await grow(parent);
    const kids: Child<Toy>[] = [];
    for (const name of ['a', 'full', 'b']) {
      const signal = async (s: unknown) => {
        if (name === 'full') await gate.passed;
        say(`${name} ${String(s)}`);
      };
      kids.push(await parent.add(new Toy({ signal }, { inbox: { capacity: 1 } })));
    }
    const first = parent.tellAll(kids, 1);
    await settle();
    await parent.tellAll(kids, 2);
    await settle();
    const third = parent.tellAll(kids, 3);
    const adding = parent.add(new Toy()).then(() => say('added'));
    await settle();
    expect(words).toEqual(['a 1', 'b 1', 'a 2', 'b 2', 'a 3', 'b 3', 'added']);
    gate.open();
    await Promise.all([first, third, adding]);
    await settle();
    expect(words.slice(7)).toEqual(['full 1', 'full 2', 'full 3']);
  });

  test('is over when all others are settled, also when one refuses at once', async () => {
    const gate = new Gate();
    const parent = new Toy();
    await grow(parent);
    const gone = await parent.add(new Toy());
    await gone.stop();
    const full = await parent.add(new Toy({ signal: () => gate.passed }, { inbox: { capacity: 1 } }));
    for (const signal of [1, 2]) {
      void full.send(signal);
      await settle();
    }
    parent.tellAll([gone, full], 'x')?.catch((error: unknown) => say(String(codeOf(error))));
    await settle();
    expect(words).toEqual([]);
    gate.open();
    await settle();
    expect(words).toEqual(['TT_EDGE_CLOSED']);
  });

  test('to a class passes over those that stop, also while they are waited for; to a list it says who refused', async () => {
    const parent = new Toy();
    await grow(parent);
    const stopping = await parent.add(new Toy({ exit: (_me, turn) => turn.sleep(5) }));
    const open = await parent.add(new Toy({ signal: (s) => say(String(s)) }));
    void stopping.stop();
    await parent.tellKind('to all');
    expect(await errorOf(parent.tellAll([stopping, open], 'to these'))).toMatchObject({
      code: 'TT_EDGE_CLOSED',
      signal: 'to these',
    });
    await time().advance(5);
    const full = await parent.add(new Toy({ signal: (_s, _me, turn) => turn.sleep(5) }, { inbox: { capacity: 1 } }));
    for (let i = 0; i < 2; i++) {
      void full.send(i);
      await settle();
    }
    const waiting = parent.tellKind('while it is full');
    void full.stop();
    await time().advance(50);
    await waiting;
    expect(words).toEqual(['to all', 'to these', 'while it is full']);
  });
});

describe('joining', () => {
  test('as often as one likes, before and after the end', async () => {
    const toy = new Toy();
    const root = await grow(toy);
    const joins = [root.join(), root.join()];
    toy.stop();
    joins.push(root.join());
    expect((await time().run(Promise.all(joins))).map(({ kind }) => kind)).toEqual([
      'finished',
      'finished',
      'finished',
    ]);
  });

  test('can be cancelled, and then leaves no waiter', async () => {
    const parent = new Toy();
    await grow(parent);
    const child = await parent.add(new Toy());
    parent.tasks.reCreate('joiner', (turn) =>
      turn.timeoutAfter(5, (scope) => child.join({ scope })).catch((e: unknown) => say(String(codeOf(e)))),
    );
    await time().advance(10);
    expect([words, child.state]).toEqual([['TT_TIMEOUT'], 'running']);
  });
});

describe('a snapshot', () => {
  test('says what each thread runs, waits for, by whom and since when, and what is queued', async () => {
    const parent = new Toy();
    const root = await grow(parent);
    const below = new Toy(
      { signal: forever },
      { inbox: { capacity: 2, sizeOf: () => 10 }, stop: { drainMs: 0, cancelMs: 0 } },
    );
    const child = await parent.add(below, { name: 'Kid', onFailure: 'ignore' });
    for (let i = 0; i < 3; i++) {
      void child.send(i);
      await settle();
    }
    parent.tasks.reCreate('sender', (turn) => turn.send(child, 'x'), { intake: true });
    await time().advance(20);
    const shot = root.snapshot();
    expect(JSON.parse(JSON.stringify(shot))).toMatchObject({ path: '/Toy-1', type: 'Toy', state: 'running' });
    const kid = shot.children[0];
    expect(kid).toMatchObject({
      id: 2,
      path: '/Toy-1/Kid-2',
      incarnation: 1,
      restarts: 0,
      ageMs: 20,
      running: [{ what: 'signalHandler', sinceMs: 20 }],
      edge: { down: { capacity: 2, queued: 2, inFlight: 1, waiting: 1, bytes: 30, highWater: 2, highWaterBytes: 20 } },
    });
  });

  test('names waits by their turn, tasks by their state', async () => {
    const parent = new Toy({ childSignal: forever }, { stop: { drainMs: 0, cancelMs: 0 } });
    const root = await grow(parent);
    const gate = new Gate();
    const child = await parent.add(new Toy({ signal: () => gate.passed }, { inbox: { capacity: 1 }, name: 'Kid' }));
    for (const signal of [1, 2]) {
      void child.send(signal);
      await settle();
    }
    parent.tasks.reCreate('sender', (turn) => turn.send(child, 'x'), { intake: true });
    parent.tasks.reCreate('later', () => {}, { afterMs: 500 });
    parent.tasks.reCreate('sleeper', (turn) => turn.timeoutAfter(900, (t) => t.sleep(300)));
    void child.join();
    await time().advance(20);
    const { waits, tasks } = root.snapshot();
    expect(tasks.map(({ name, intake, state, turns }) => `${name} ${intake} ${state} ${turns}`)).toEqual([
      'sender true running 1',
      'later false delayed 0',
      'sleeper false running 1',
    ]);
    expect(waits.map(({ on, by, sinceMs }) => `${by}: ${on} for ${sinceMs}`).toSorted()).toEqual([
      'task sender: a place in the inbox of /Toy-1/Kid-2 for 20',
      'task sleeper: sleep of 300 ms for 20',
      'undefined: the end of /Toy-1/Kid-2 for 20',
    ]);
    gate.open();
    await settle();
  });

  test('a wait of childSignalHandler is named so, and so is enter of a child', async () => {
    const parent = new Toy({ childSignal: (_s, _c, _me, turn) => turn.sleep(50) });
    const root = await grow(parent);
    const child = new Toy();
    await parent.add(child);
    void child.sendToParent(1);
    const adding = parent.add(new Toy({ enter: (_me, turn) => turn.sleep(50) }, { name: 'Slow' }));
    await time().advance(10);
    expect(
      root
        .snapshot()
        .waits.map(({ on, by }) => `${by}: ${on}`)
        .toSorted(),
    ).toEqual(['childSignalHandler: sleep of 50 ms', 'undefined: enter of /Toy-1/Slow-3']);
    await time().run(adding);
  });

  test('rates are per second of age', async () => {
    const root = await grow(new Toy({ signal: () => {} }));
    for (let i = 0; i < 10; i++) void root.send(i);
    await time().advance(2000);
    expect(root.snapshot()).toMatchObject({ ageMs: 2000, downPerSecond: 5, upPerSecond: 0 });
  });
});

describe('life-cycle events', () => {
  test('tell the life of a thread in order', async () => {
    const toy = new Toy();
    const events = ['entered', 'stopping', 'ended', 'childEntered', 'childEnded'] as const;
    for (const event of events)
      toy.events.on(event, (...values: unknown[]) =>
        say([event, ...values.map((v) => (typeof v === 'string' ? v : (v as { kind: string }).kind))].join(' ')),
      );
    const root = await grow(toy);
    const child = await toy.add(new Toy());
    await time().run(child.stop());
    await time().run(root.stop());
    expect(words).toEqual([
      'entered',
      'childEntered /Toy-1/Toy-2',
      'childEnded /Toy-1/Toy-2 stopped',
      'stopping its handle was told to stop it',
      'ended stopped',
    ]);
  });

  test('a listener that throws or rejects harms neither the thread nor the other listeners', async () => {
    const toy = new Toy();
    const throwing = (): never => {
      throw new Error('bad listener');
    };
    toy.events.on('entered', throwing);
    const rejecting: () => unknown = () => Promise.reject(new Error('worse listener'));
    toy.events.on('entered', rejecting as () => void);
    toy.events.once('entered', () => say('heard'));
    const root = await grow(toy);
    await settle();
    expect([words, root.state]).toEqual([['heard'], 'running']);
    expect(takeWarnings()).toEqual([
      "a listener of 'entered' threw: bad listener",
      "a listener of 'entered' threw: worse listener",
    ]);
  });

  test('listeners can be taken off, and once is once', () => {
    const { events } = new Toy();
    const listener = (why: string): void => say(why);
    events.on('stopping', listener);
    events.once('stopping', listener);
    expect(events.listeners('stopping')).toEqual([listener, listener]);
    events.emit('stopping', 'first');
    events.emit('stopping', 'second');
    events.off('stopping', listener);
    events.addListener('stopping', listener).removeListener('stopping', listener);
    events.emit('stopping', 'third');
    expect([words, events.listenerCount('stopping')]).toEqual([['first', 'first', 'second'], 0]);
  });

  test('overflow is told once per episode, to the listeners and to onOverflow, which may throw', async () => {
    const onOverflow = (): never => {
      say('onOverflow');
      throw new Error('bad observer');
    };
    const toy = new Toy({ signal: () => {} }, { inbox: { capacity: 4, policy: 'drop-newest', onOverflow } });
    toy.events.on('overflow', ({ path, policy, direction }) => say(`${path} ${policy} ${direction}`));
    toy.events.on('deadLetter', (signal) => say(`lost ${String(signal)}`));
    const root = await grow(toy);
    for (let i = 0; i < 6; i++) void root.send(i);
    await settle();
    expect(words).toEqual(['/Toy-1 drop-newest down', 'onOverflow', 'lost 4', 'lost 5']);
    expect(takeWarnings().length).toBe(1);
  });

  test.each(['inside', 'by its handle', 'by onOverflow', 'by the records'])(
    'overflow is heard %s alone',
    async (how) => {
      const onOverflow = how === 'by onOverflow' ? () => say('full') : undefined;
      const toy = new Toy({ signal: () => {} }, { inbox: { capacity: 4, ...(onOverflow && { onOverflow }) } });
      if (how === 'inside') toy.events.on('overflow', () => say('full'));
      const onRecord = ({ kind }: LifecycleRecord) => kind === 'overflow' && say('full');
      const root = await grow(toy, how === 'by the records' ? { onRecord } : undefined);
      if (how === 'by its handle') root.events.on('overflow', () => say('full'));
      for (let i = 0; i < 6; i++) void root.send(i);
      await settle();
      expect(words).toEqual(['full']);
    },
  );
});
