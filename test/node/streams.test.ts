import { PassThrough, Readable } from 'node:stream';
import { chunksOf, eventsOf } from '../../src/node/index.ts';
import {
  cancel,
  checkOutside,
  ENDINGS,
  EventEmitter,
  failureOf,
  listenersOf,
  loopTurn,
  newScope,
  records,
} from './outside.ts';

checkOutside();

describe('eventsOf', () => {
  test('gives the events from the call on, in order, until one of those that end it', async () => {
    const emitter = new EventEmitter();
    const events = eventsOf<[number]>(emitter, 'n', { scope: newScope(), endOn: ['close'] });
    emitter.emit('n', 1);
    emitter.emit('n', 2);
    const seen: number[] = [];
    const looping = (async () => {
      for await (const [n] of events) seen.push(n);
    })();
    await loopTurn();
    emitter.emit('n', 3);
    emitter.emit('n', 4);
    emitter.emit('close');
    emitter.emit('n', 5);
    await looping;
    expect([seen, listenersOf(emitter), events.snapshot()]).toEqual([
      [1, 2, 3, 4],
      0,
      { state: 'closed', received: 4, delivered: 4, queued: 0, dropped: 0 },
    ]);
  });

  test.each([
    ['drop-oldest', [3, 4]],
    ['drop-newest', [1, 2]],
  ] as const)('with the policy %s it is bounded, and counts what it drops', async (policy, kept) => {
    const emitter = new EventEmitter();
    const events = eventsOf<[number]>(emitter, 'n', { scope: newScope(), capacity: 2, policy });
    for (const n of [1, 2, 3, 4]) emitter.emit('n', n);
    expect([events.dropped, (await events.next()).value, (await events.next()).value]).toEqual([
      2,
      ...kept.map((n) => [n]),
    ]);
    events.close();
  });

  test('an error comes after what had come before, and ends it', async () => {
    const emitter = new EventEmitter();
    const events = eventsOf(emitter, 'n', { scope: newScope() });
    emitter.emit('n', 1);
    emitter.emit('error', new Error('broken'));
    expect(listenersOf(emitter)).toBe(0);
    expect(await events.next()).toEqual({ done: false, value: [1] });
    expect(await failureOf(events.next())).toMatchObject({ message: 'broken' });
    expect(await events.next()).toEqual({ done: true, value: undefined });
    const waits = eventsOf(emitter, 'n', { scope: newScope() });
    const waiting = failureOf(waits.next());
    emitter.emit('error', new Error('again'));
    expect(await waiting).toMatchObject({ message: 'again' });
  });

  test('an error that no loop has heard is on record: closed, left, or the scope over', async () => {
    const broken = new Error('broken');
    const late = { kind: 'late', what: 'event n', error: broken };
    const failed = (scope = newScope()) => {
      const emitter = new EventEmitter();
      const events = eventsOf(emitter, 'n', { scope });
      emitter.emit('n', 1);
      emitter.emit('error', broken);
      expect(listenersOf(emitter)).toBe(0);
      return { scope, events };
    };
    failed().events.close();
    for await (const _event of failed().events) break;
    for (const { end } of ENDINGS) {
      const { scope } = failed();
      end(scope);
      expect([...scope.members()]).toEqual([]);
    }
    expect(records).toMatchObject([late, late, late, late]);
    const { scope, events } = failed();
    await events.next();
    expect(await failureOf(events.next())).toBe(broken);
    expect([...scope.members()]).toEqual([]);
    events.close();
    cancel(scope);
    expect(records.length).toBe(4);
  });

  test('a loop that is left, by break or by a throw, leaves no listener', async () => {
    const emitter = new EventEmitter();
    for (const leave of [false, true]) {
      const events = eventsOf(emitter, 'n', { scope: newScope() });
      emitter.emit('n', 1);
      const loop = async () => {
        for await (const _event of events) {
          if (leave) throw new Error('left');
          break;
        }
      };
      if (leave) await failureOf(loop());
      else await loop();
      expect(listenersOf(emitter)).toBe(0);
    }
    {
      using unused = eventsOf(emitter, 'n', { scope: newScope() });
      expect(listenersOf(emitter)).toBe(2);
      expect(unused.dropped).toBe(0);
    }
    expect(listenersOf(emitter)).toBe(0);
  });

  for (const ending of ENDINGS) {
    test(`${ending.name}, leaves no listener, also when nobody loops, and refuses from then on`, async () => {
      const emitter = new EventEmitter();
      const scope = newScope();
      const idle = eventsOf(emitter, 'n', { scope });
      const events = eventsOf(emitter, 'n', { scope });
      const waiting = failureOf(events.next());
      ending.end(scope);
      expect(listenersOf(emitter)).toBe(0);
      expect(await waiting).toMatchObject({ code: ending.code });
      expect(await failureOf(idle.next())).toMatchObject({ code: ending.code });
      eventsOf(emitter, 'n', { scope });
      expect([listenersOf(emitter), [...scope.members()]]).toEqual([0, []]);
    });
  }

  test('a second one who waits is refused', async () => {
    const events = eventsOf(new EventEmitter(), 'n', { scope: newScope() });
    const first = events.next();
    expect(await failureOf(events.next())).toMatchObject({ code: 'TT_BUSY' });
    events.close();
    expect(await first).toEqual({ done: true, value: undefined });
  });

  test('wrong options are named, and a missing scope', () => {
    const make = (options: object) => () => eventsOf(new EventEmitter(), 'n', options);
    expect(make({})).toThrow(expect.objectContaining({ code: 'TT_NO_SCOPE' }));
    const scope = newScope();
    expect(make({ scope, capacity: 0 })).toThrow(expect.objectContaining({ field: 'options.capacity' }));
    expect(make({ scope, policy: 'block' })).toThrow(expect.objectContaining({ field: 'options.policy' }));
    expect(make({ scope, size: 1 })).toThrow(expect.objectContaining({ field: 'options.size' }));
  });
});

describe('chunksOf', () => {
  const own = (stream: Readable) =>
    ['readable', 'end', 'error', 'close'].reduce((sum, name) => sum + stream.listenerCount(name), 0);

  test('gives all chunks to the end, of bytes and of objects', async () => {
    const texts: string[] = [];
    const stream = new PassThrough();
    const before = own(stream);
    const looping = (async () => {
      for await (const chunk of chunksOf(stream, { scope: newScope() })) texts.push(String(chunk));
    })();
    for (const text of ['a', 'b']) {
      stream.write(text);
      await loopTurn();
    }
    stream.end('c');
    await looping;
    expect([texts.join(''), stream.destroyed, own(stream)]).toEqual(['abc', true, before]);
    const numbers: number[] = [];
    for await (const n of chunksOf<number>(Readable.from([1, 2, 3]), { scope: newScope() })) numbers.push(n);
    expect(numbers).toEqual([1, 2, 3]);
  });

  for (const ending of ENDINGS) {
    test(`${ending.name}, took nothing: kept, the stream goes on where it was; else it is destroyed`, async () => {
      const stream = new PassThrough();
      const before = own(stream);
      const scope = newScope();
      const next = failureOf(chunksOf(stream, { scope, keep: true }).next());
      await loopTurn();
      ending.end(scope);
      expect(await next).toMatchObject({ code: ending.code });
      expect([own(stream), stream.destroyed]).toEqual([before, false]);
      stream.end('still here');
      expect(await failureOf(chunksOf(stream, { scope, keep: true }).next())).toMatchObject({ code: ending.code });
      for await (const chunk of chunksOf(stream, { scope: newScope(), keep: true }))
        expect(String(chunk)).toBe('still here');
      const other = new PassThrough();
      expect(await failureOf(chunksOf(other, { scope }).next())).toMatchObject({ code: ending.code });
      expect(other.destroyed).toBe(true);
    });
  }

  test('throws what the stream fails with, and says when it was destroyed', async () => {
    const failing = new PassThrough();
    const first = failureOf(chunksOf(failing, { scope: newScope() }).next());
    await loopTurn();
    failing.destroy(new Error('broken'));
    expect(await first).toMatchObject({ message: 'broken' });
    const destroyed = new PassThrough();
    const second = failureOf(chunksOf(destroyed, { scope: newScope() }).next());
    await loopTurn();
    destroyed.destroy();
    expect(await second).toMatchObject({ code: 'TT_SOCKET_CLOSED' });
  });

  test.each([true, false])(
    'a stream that fails between two steps tells the next one, and nobody else; keep: %s',
    async (keep) => {
      for (const atOnce of [true, false]) {
        const stream = new Readable({ read: () => {} });
        const before = own(stream);
        stream.push('a');
        const chunks = chunksOf(stream, { scope: newScope(), keep });
        expect(String((await chunks.next()).value)).toBe('a');
        stream.destroy(new Error('broken'));
        if (!atOnce) await loopTurn();
        expect(await failureOf(chunks.next())).toMatchObject({ message: 'broken' });
        await loopTurn();
        expect(own(stream)).toBe(before);
      }
    },
  );

  test('a cancel between two chunks is seen at the next step', async () => {
    const scope = newScope();
    const chunks = chunksOf(Readable.from(['a', 'b']), { scope });
    expect((await chunks.next()).value).toBe('a');
    cancel(scope);
    expect(await failureOf(chunks.next())).toMatchObject({ code: 'TT_CANCELLED' });
  });
});
