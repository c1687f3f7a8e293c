/** Laws 1, 3, 4 and 7: who may talk to whom, in what order things are handled and ended, and control beside data. */
import { type Child, Reply, type Turn } from '../../src/index.ts';
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

describe('law 1', () => {
  test('signals pass between a parent and its child, nowhere else', async () => {
    const parent = new Toy();
    const [a, b, grandchild] = [new Toy(), new Toy(), new Toy()];
    await grow(parent);
    const handleOfA = await parent.add(a);
    await parent.add(b);
    const handleOfGrandchild = await a.add(grandchild);
    expect(await errorOf(b.tell(handleOfA, 'x'))).toMatchObject({ code: 'TT_NOT_A_CHILD', signal: 'x' });
    expect(codeOf(await errorOf(parent.tell(handleOfGrandchild, 'x')))).toBe('TT_NOT_A_CHILD');
    expect(await errorOf(parent.sendToParent('x'))).toMatchObject({ code: 'TT_NO_PARENT', signal: 'x' });
    expect(() => parent.trySendToParent('x')).toThrow(expect.objectContaining({ code: 'TT_NO_PARENT' }));
    for (const none of [undefined, null, {}, 5]) {
      expect(codeOf(await errorOf(parent.tell(none as never, 'x')))).toBe('TT_INVALID_OPTION');
    }
  });

  test('a turn refuses to send and to ask a thread that is no child of its own', async () => {
    const parent = new Toy();
    let sibling: Child<Toy>;
    await grow(parent);
    const asker = new Toy({
      signal: async (_signal, _me, turn) => {
        say(String(codeOf(await turn.send(sibling, 'x')?.catch((error: unknown) => error))));
        say(String(codeOf(await turn.ask(sibling, (reply) => reply).catch((error: unknown) => error))));
      },
    });
    sibling = await parent.add(new Toy());
    void (await parent.add(asker)).send('go');
    await settle();
    expect(words).toEqual(['TT_NOT_A_CHILD', 'TT_NOT_A_CHILD']);
  });
});

describe('law 3', () => {
  const ending = (name: string, ms = 0): Toy =>
    new Toy(
      {
        exit: async (_me, turn) => {
          say(`${name} exits`);
          if (ms > 0) await turn.sleep(ms);
          say(`${name} ended`);
        },
      },
      { name },
    );

  test('children stop in reverse order, one after the other, and the parent exits last', async () => {
    const parent = ending('parent');
    const root = await grow(parent);
    await parent.add(ending('sink', 10));
    const middle = ending('middle', 20);
    await parent.add(middle);
    await middle.add(ending('leaf', 5));
    await parent.add(ending('source', 30));
    await time().run(root.stop());
    expect(words).toEqual(
      ['source', 'leaf', 'middle', 'sink', 'parent'].flatMap((name) => [`${name} exits`, `${name} ended`]),
    );
  });

  test('peers stop together, and count as one', async () => {
    const parent = ending('parent');
    const root = await grow(parent);
    await parent.add(ending('first', 10));
    for (const name of ['a', 'b', 'c']) await parent.add(ending(name, 10), { peers: 'connections' });
    await parent.add(ending('last', 10));
    await time().run(root.stop());
    expect(words).toEqual([
      'last exits',
      'last ended',
      'c exits',
      'b exits',
      'a exits',
      'c ended',
      'b ended',
      'a ended',
      'first exits',
      'first ended',
      'parent exits',
      'parent ended',
    ]);
  });

  test('what the last source sent in exit still reaches the sink that was started first', async () => {
    let sink: Child<Toy>;
    const parent = new Toy({ childSignal: (signal, _child, _me, turn) => turn.send(sink, signal) });
    const root = await grow(parent);
    sink = await parent.add(
      new Toy({ signal: (signal) => say(`sink ${String(signal)}`), exit: () => say('sink exits') }),
    );
    await parent.add(new Toy({ exit: (_me, turn) => turn.sendToParent('last words') }));
    const report = await time().run(root.stop());
    expect([words, report.verdict]).toEqual([['sink last words', 'sink exits'], 'clean']);
  });

  test('a thread that stops itself takes its children along first', async () => {
    const parent = ending('parent');
    const root = await grow(parent);
    await parent.add(ending('child', 5));
    parent.stop();
    await time().run(root.join());
    expect(words).toEqual(['child exits', 'child ended', 'parent exits', 'parent ended']);
  });
});

describe('law 4', () => {
  test('signals of each edge arrive in the order sent, over full lanes too', async () => {
    const got: { a: number[]; b: number[]; down: number[]; [name: string]: number[] } = { a: [], b: [], down: [] };
    const parent = new Toy({
      childSignal: (signal, child) => void got[child.path.at(-3) as string]?.push(signal as number),
    });
    await grow(parent);
    const small = { outbox: { capacity: 3 }, inbox: { capacity: 2 } };
    const flood = (name: string): Toy =>
      new Toy(
        {
          enter: (me) => {
            for (let i = 0; i < 50; i++) void me.sendToParent(i);
          },
          signal: async (signal, _me, turn) => {
            got.down?.push(signal as number);
            await turn.sleep((signal as number) % 3);
          },
        },
        { name, ...small },
      );
    const a = await parent.add(flood('a'));
    await parent.add(flood('b'));
    for (let i = 0; i < 50; i++) void a.send(i);
    await time().advance(1000);
    const all = Array.from({ length: 50 }, (_, i) => i);
    expect(got).toEqual({ a: all, b: all, down: all });
  });

  test('enter, handlers and childEnded never overlap, also when they are async', async () => {
    let inside = 0;
    const alone = (what: string) => async (): Promise<void> => {
      inside++;
      if (inside > 1) say(`${what} overlaps`);
      await new Promise<void>((resolve) => time().clock.setTimer(1, resolve));
      for (let i = 0; i < 5; i++) await Promise.resolve();
      inside--;
      say(what);
    };
    const gate = new Gate();
    const parent = new Toy({
      enter: async (me) => {
        inside++;
        for (const name of ['x', 'y']) {
          const child = new Toy({}, { name });
          await me.add(child);
          void child.sendToParent(1);
          void child.sendToParent(2);
          if (name === 'y') child.stop();
        }
        await gate.passed;
        inside--;
        say('enter');
      },
      signal: alone('signal'),
      childSignal: alone('childSignal'),
      childEnded: alone('childEnded'),
    });
    const top = new Toy();
    await grow(top);
    const adding = top.add(parent);
    await settle();
    for (let i = 0; i < 3; i++) void (top.children[0] as Child<Toy>).send(i);
    gate.open();
    await adding;
    await time().advance(50);
    expect(words.toSorted()).toEqual([
      'childEnded',
      ...Array<string>(4).fill('childSignal'),
      'enter',
      ...Array<string>(3).fill('signal'),
    ]);
    expect(words[0]).toBe('enter');
  });

  test('childEnded comes after all that the child had sent is handled', async () => {
    const parent = new Toy({
      childSignal: async (signal, _child, _me, turn) => {
        await turn.sleep(1);
        say(`got ${String(signal)}`);
      },
      childEnded: (_child, outcome) => say(`ended ${outcome.kind}`),
    });
    await grow(parent);
    const child = new Toy();
    await parent.add(child);
    for (let i = 0; i < 3; i++) void child.sendToParent(i);
    child.stop();
    await time().advance(10);
    expect(words).toEqual(['got 0', 'got 1', 'got 2', 'ended finished']);
  });

  test('ready children are served in turn', async () => {
    const parent = new Toy({ childSignal: (signal, child) => say(`${child.path.slice(-3, -2)}${String(signal)}`) });
    await grow(parent);
    const kids = [new Toy({}, { name: 'a' }), new Toy({}, { name: 'b' })];
    for (const kid of kids) await parent.add(kid);
    for (const kid of kids) for (let i = 0; i < 3; i++) void kid.sendToParent(i);
    await settle();
    expect(words).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2']);
  });

  test('a thenable that answers twice, at once, or throws is one handler like any other', async () => {
    const broken = new Error('no then');
    const twice = {
      // biome-ignore lint/suspicious/noThenProperty: a badly behaved thenable is what this test is about
      then: (done: () => void) => {
        done();
        done();
      },
    };
    const handle = await grow(
      new Toy({
        signal: (signal) => {
          say(String(signal));
          if (signal !== 'throws') return twice;
          return {
            // biome-ignore lint/suspicious/noThenProperty: as above
            then: () => {
              throw broken;
            },
          };
        },
      }),
    );
    for (const signal of ['a', 'b', 'throws']) void handle.send(signal);
    expect(await time().run(handle.join())).toMatchObject({ kind: 'failed', error: broken });
    takeBooks(handle);
    expect(words).toEqual(['a', 'b', 'throws', '2 handled', '1 deadLettered']);
  });

  test('a promise that calls back twice ends its own handler alone', async () => {
    const again: (() => void)[] = [];
    class Twice extends Promise<never> {
      // biome-ignore lint/suspicious/noThenProperty: a badly behaved promise is what this test is about
      override then(done?: ((value: never) => unknown) | null): Promise<never> {
        const call = () => done?.(undefined as never);
        again.push(call);
        call();
        return new Promise(() => {});
      }
    }
    const slow = async (signal: unknown, turn: Turn<unknown>): Promise<void> => {
      say(`${String(signal)} begins`);
      await turn.sleep(1);
      say(`${String(signal)} ends`);
    };
    const handle = await grow(
      new Toy({ signal: (signal, _me, turn) => (signal === 'twice' ? new Twice(() => {}) : slow(signal, turn)) }),
    );
    for (const signal of ['twice', 'a', 'b']) void handle.send(signal);
    await settle();
    for (const call of again) call();
    await time().advance(10);
    expect([words, again.length]).toEqual([['a begins', 'a ends', 'b begins', 'b ends'], 1]);
  });
});

function takeBooks(handle: Child<Toy>): void {
  const down = handle.snapshot().edge.down;
  say(`${down?.handled} handled`);
  say(`${down?.deadLettered} deadLettered`);
}

describe('law 7', () => {
  test('snapshot, stop and the end of a child are acted on while a handler is awaiting', async () => {
    const parent = new Toy({ signal: forever }, { stop: { drainMs: 20, cancelMs: 20 } });
    parent.events.on('childEnded', (path) => say(`childEnded ${path}`));
    parent.events.on('stopping', () => say('stopping'));
    const root = await grow(parent);
    const child = await parent.add(new Toy({}, { name: 'Kid' }));
    void root.send('hang');
    await settle();
    expect(root.snapshot().running).toEqual([{ what: 'signalHandler', sinceMs: 0 }]);
    await child.stop();
    expect(words).toEqual(['childEnded /Toy-1/Kid-2']);
    const stopping = root.stop();
    expect(words.at(-1)).toBe('stopping');
    expect((await time().run(stopping)).verdict).toBe('abandoned');
  });

  test('control is not counted against a full lane, and overtakes it', async () => {
    const held = new Gate();
    const child = new Toy(
      { signal: (signal) => (signal instanceof Reply ? signal.with('answer') : held.passed) },
      {
        inbox: { capacity: 1 },
        stop: { drainMs: 5, cancelMs: 5 },
      },
    );
    const parent = new Toy();
    await grow(parent);
    const handle = await parent.add(child);
    void handle.send(1);
    await settle();
    void handle.send(2);
    expect(handle.trySend(3)).toBe(false);
    const stopping = handle.stop();
    expect(handle.state).toBe('stopping');
    held.open();
    expect((await time().run(stopping)).verdict).toBe('clean');
    expect(handle.snapshot().edge.down).toMatchObject({ handled: 2 });
  });

  test('a child that fails is escalated at once, while a handler of the parent is awaiting', async () => {
    const parent = new Toy({
      signal: (_signal, _me, turn) =>
        turn.sleep(10_000).catch((error: unknown) => {
          say(String(codeOf(error)));
          throw error;
        }),
    });
    const root = await grow(parent);
    const child = new Toy({ signal: () => Promise.reject(new Error('broken')) });
    const handle = await parent.add(child);
    void root.send('wait');
    await settle();
    void handle.send('break');
    await settle();
    expect([words, root.outcome?.kind, time().now]).toEqual([['TT_CANCELLED'], 'failed', 1000]);
    expect(takeWarnings().length).toBe(1);
  });
});
