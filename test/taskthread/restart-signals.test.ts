/** What a restart does to the signal in flight, to requests, and to those who listen. */
import type { Child, LifecycleRecord, Reply } from '../../src/index.ts';
import { world } from './restarts.ts';
import { checkThreads, codeOf, errorOf, Gate, grow, messageOf, say, settle, Toy, time, words } from './toys.ts';

checkThreads();

describe('the signal in flight at a crash', () => {
  const poisoned = (signal: unknown, me: Toy, deliveryCount: number) => {
    say(`${String(signal)}, delivery ${deliveryCount}`);
    if (signal === 'poison') throw new Error(`poison in ${me.path}`);
  };
  const make = (isAsync: boolean) => () =>
    new Toy({
      signal: isAsync
        ? async (signal, me, turn) => {
            await Promise.resolve();
            poisoned(signal, me, turn.deliveryCount);
          }
        : (signal, me, turn) => poisoned(signal, me, turn.deliveryCount),
    });

  test.each([
    [0, false],
    [2, false],
    [2, true],
  ])(
    'is delivered again at most %d times (async: %s), first, with its count; then it is a dead letter',
    async (redeliver, isAsync) => {
      const { boss, child } = await world(make(isAsync), { restart: 'permanent', redeliver });
      child.events.on('deadLetter', (signal: unknown, reason: string, path: string, deliveries: number) =>
        say(`lost ${String(signal)} of ${path} after ${deliveries}: ${reason.includes('failed')}`),
      );
      for (const signal of ['a', 'poison', 'b']) await boss.tell(child, signal);
      await settle();
      const deliveries = Array.from({ length: redeliver + 1 }, (_, i) => `poison, delivery ${i + 1}`);
      expect(words).toEqual([
        'a, delivery 1',
        ...deliveries,
        `lost poison of /Boss-1/Toy-2 after ${redeliver + 1}: true`,
        'b, delivery 1',
      ]);
      expect(child.incarnation).toBe(redeliver + 2);
      expect(child.snapshot().edge.down).toMatchObject({
        accepted: 3,
        handled: 2,
        deadLettered: 1,
        queued: 0,
        inFlight: 0,
      });
    },
  );

  test('is a dead letter at once where no other incarnation will take it, and on the way up', async () => {
    const gate = new Gate();
    const inner = () => new Toy({ enter: (me) => void me.sendToParent('up') }, { name: 'Inner' });
    let lives = 0;
    const make = () =>
      new Toy({
        enter: async (me) => {
          if (++lives === 1) await me.add(inner);
        },
        signal: () => gate.passed.then(() => Promise.reject(new Error('too late'))),
        childSignal: () => Promise.reject(new Error('cannot')),
      });
    const boss = new Toy({}, { name: 'Boss', supervision: { intensity: 5 } } as never);
    const records: LifecycleRecord[] = [];
    await grow(boss, { onRecord: (record) => records.push(record) });
    const child = await time().run(boss.add(make, { restart: 'permanent', redeliver: 3 }));
    await settle();
    expect(child.incarnation).toBe(2);
    await boss.tell(child, 'down');
    await settle();
    const stopped = child.stop();
    gate.open();
    await time().run(stopped);
    const lost = records.flatMap((record) => (record.kind === 'dead-letter' ? [record] : []));
    expect(lost.map(({ signal, reason, deliveries }) => [signal, reason, deliveries])).toEqual([
      ['up', 'its handler failed or was cancelled', 1],
      ['down', 'its handler failed or was cancelled', 1],
    ]);
  });

  test('is a dead letter with its count when there is no other incarnation', async () => {
    const { root, boss, child } = await world(make(false), { restart: 'permanent', redeliver: 5 }, { intensity: 1 });
    child.events.on('deadLetter', (signal: unknown, _reason: string, _path: string, deliveries: number) =>
      say(`lost ${String(signal)} after ${deliveries}`),
    );
    const joined = root.join();
    await boss.tell(child, 'poison');
    await time().run(joined);
    expect(words).toEqual(['poison, delivery 1', 'poison, delivery 2', 'lost poison after 2']);
    expect(child.snapshot().edge.down).toMatchObject({ accepted: 1, deadLettered: 1, queued: 0, inFlight: 0 });
  });
});

describe('a request', () => {
  const make = () =>
    new Toy({
      signal: (signal) => {
        const { reply, how } = signal as { reply: Reply<number>; how: string };
        if (how === 'crash') throw new Error('boom');
        if (how === 'answer') reply.with(42);
      },
    });
  const ask = (child: Child<Toy>, how: string) => child.ask<number>((reply) => ({ reply, how }));

  test('that was taken by an incarnation that has ended is unanswered; one that is queued is answered by the next', async () => {
    const { child } = await world(make, { restart: 'permanent' });
    const kept = errorOf(ask(child, 'keep it'));
    const crashed = errorOf(ask(child, 'crash'));
    const queued = ask(child, 'answer');
    expect(await time().run(queued)).toBe(42);
    expect([codeOf(await kept), codeOf(await crashed)]).toEqual(['TT_ASK_UNANSWERED', 'TT_ASK_UNANSWERED']);
    expect(child.incarnation).toBe(2);
  });
});

describe('who listens', () => {
  const listening = () => {
    const toy = new Toy({
      enter: (me) =>
        me.events.on('deadLetter', (signal: unknown) => say(`inside: lost ${String(signal)}`)) && undefined,
      signal: (signal) => {
        throw new Error(String(signal));
      },
    });
    toy.events.on('failed', () => say(`made outside: failed`));
    return toy;
  };

  test('by the handle hears of all incarnations; inside, each of its own alone', async () => {
    const { boss, child } = await world(listening, { restart: 'permanent' });
    child.events.on('failed', (error: unknown) => say(`handle: ${String(messageOf(error))}`));
    for (const signal of [1, 2]) {
      await boss.tell(child, signal);
      await settle();
    }
    const told = (n: number) => [`inside: lost ${n}`, 'made outside: failed', `handle: ${n}`];
    expect(words).toEqual([...told(1), ...told(2)]);
  });

  test('inside hears nothing once its incarnation has ended', async () => {
    const make = () => {
      const toy = listening();
      toy.events.on('overflow', () => say('inside: overflow'));
      toy.events.on('ended', () => say('inside: ended'));
      return toy;
    };
    const { boss, child } = await world(make, { restart: 'permanent' }, { intensity: 9, backoff: {} });
    child.events.on('ended', () => say('handle: ended'));
    await boss.tell(child, 1);
    await settle();
    words.length = 0;
    await boss.tell(child, 2);
    await time().run(child.stop());
    expect(words).toEqual(['handle: ended', '/Boss-1/Toy-2 ended: failed']);
  });
});
