import { Lane } from '../../src/intercom/lane.ts';
import { resolveLaneOptions } from '../../src/intercom/lane-options.ts';
import { LoopScheduler } from '../../src/kernel/scheduler.ts';
import type { Waiter } from '../../src/kernel/wait-queue.ts';
import { leakCheck } from '../../src/testing/index.ts';
import { HandClock, nextImmediate } from '../kernel/hand-clock.ts';
import { microtasks, outcomeOf } from '../kernel/virtual-host.ts';
import { type Item, keyed, LaneWorld, waitOf, weighed } from './lane-world.ts';

const stop = new Error('stop');
let leaks: () => void;

beforeEach(() => {
  leaks = leakCheck();
});

afterEach(async () => {
  await microtasks();
  leaks();
});

describe('a lane', () => {
  test('accepts at once while there is room, and gives the signals in their order', () => {
    const world = new LaneWorld({ capacity: 3 });
    expect(['a', 'b', 'c'].map((name) => world.send({ name }))).toEqual([undefined, undefined, undefined]);
    expect(world.handleAll()).toEqual(['a', 'b', 'c']);
    expect(world.lane.snapshot()).toMatchObject({ offered: 3, accepted: 3, handled: 3, queued: 0, highWater: 3 });
  });

  test('says that it is ready when it has something, and not again until its receiver has taken it off the list', () => {
    const world = new LaneWorld();
    world.fill('a', 'b');
    expect(world.readies).toBe(1);
    world.handleAll();
    world.fill('c');
    expect(world.readies).toBe(2);
  });

  test('lets a sender wait that finds it full, and admits those who wait, in order, when it is half empty', async () => {
    const world = new LaneWorld({ capacity: 4 });
    world.fill('a', 'b', 'c', 'd');
    const waits = ['e', 'f', 'g'].map((name) => outcomeOf(world.send({ name })!));
    expect(world.lane.snapshot()).toMatchObject({ waiting: 3, queued: 4 });
    world.handle();
    await microtasks();
    expect(waits.map(({ word }) => word)).toEqual(['waiting', 'waiting', 'waiting']);
    world.handle();
    await microtasks();
    expect(waits.map(({ word }) => word)).toEqual(['woken undefined', 'woken undefined', 'waiting']);
    expect(world.handleAll()).toEqual(['c', 'd', 'e', 'f', 'g']);
    world.check();
  });

  test('lets nobody overtake who waits, also when there is room', () => {
    const world = new LaneWorld({ capacity: 4 });
    world.fill('a', 'b', 'c', 'd', 'e');
    world.handle();
    world.fill('f');
    expect(world.lane.trySend({ name: 'g' })).toBe(false);
    expect(world.handleAll()).toEqual(['b', 'c', 'd', 'e', 'f']);
    world.check();
  });

  test('with a capacity of 1 goes on one by one', () => {
    const world = new LaneWorld({ capacity: 1 });
    world.fill('a', 'b', 'c');
    expect(world.handleAll()).toEqual(['a', 'b', 'c']);
    expect(world.lane.snapshot()).toMatchObject({ highWater: 1, handled: 3, waiting: 0 });
    world.check();
  });

  test('admits a batch that is over its capacity when it is empty, and no sooner', () => {
    const world = new LaneWorld({ ...weighed, capacity: 4 });
    world.fill('a', 'b');
    void world.send({ name: 'batch', count: 9 });
    world.fill('c');
    world.handle();
    expect(world.lane.snapshot()).toMatchObject({ queued: 1, waiting: 10 });
    world.handle();
    expect(world.lane.snapshot()).toMatchObject({ queued: 9, waiting: 1, accepted: 11 });
    expect(world.handleAll()).toEqual(['batch', 'c']);
    world.check();
  });

  test('is bounded in bytes, where signals have a size; what is in flight is shown too', () => {
    const world = new LaneWorld({ ...weighed, maxBytes: 100 });
    void world.send({ name: 'big', bytes: 500 });
    void world.send({ name: 'b', bytes: 60 });
    expect(world.lane.snapshot()).toMatchObject({ queued: 1, waiting: 1, bytes: 500 });
    world.lane.take();
    expect(world.lane.snapshot()).toMatchObject({ queued: 1, inFlight: 1, bytes: 560, highWaterBytes: 500 });
    world.lane.done();
    void world.send({ name: 'c', bytes: 41 });
    expect(world.lane.snapshot()).toMatchObject({ queued: 1, waiting: 1, bytes: 60 });
    expect(world.handleAll()).toEqual(['b', 'c']);
    expect(world.lane.snapshot().bytes).toBe(0);
  });

  test('remembers the weight that a signal had when it was sent', () => {
    const batch = { name: 'batch', count: 3, bytes: 10 };
    const world = new LaneWorld(weighed);
    void world.send(batch);
    Object.assign(batch, { count: 7, bytes: 1000 });
    world.lane.take();
    expect(world.lane.snapshot()).toMatchObject({ inFlight: 3, queued: 0, bytes: 10 });
    world.lane.done();
    expect(world.lane.snapshot()).toMatchObject({ handled: 3, bytes: 0 });
    world.check();
  });

  test('names a wait by the place that it waits for', () => {
    const world = new LaneWorld({ ...weighed, capacity: 1 });
    const scope = world.scope();
    world.fill('a');
    void world.send({ name: 'b', count: 2 }, scope);
    const [waiter] = [...scope.members()] as [Waiter];
    expect(waiter.describe()).toBe('2 places in the inbox of /Master-1/Database-2');
    scope.cancel(stop);
    const up = new Lane(world, 'up', world, resolveLaneOptions('outbox', { capacity: 1 }));
    void up.send({ name: 'c' }, waitOf(world.scope()));
    const upScope = world.scope();
    void up.send({ name: 'd' }, waitOf(upScope));
    const [upWaiter] = [...upScope.members()] as [Waiter];
    expect(upWaiter.describe()).toBe('a place in the outbox of /Master-1/Database-2');
    upScope.cancel(stop);
  });
});

describe('a waiting sender', () => {
  test('that is cancelled has sent nothing, and those behind it keep their order', async () => {
    const world = new LaneWorld({ capacity: 2 });
    const scope = world.scope();
    world.fill('a', 'b');
    const cancelled = outcomeOf(world.send({ name: 'c' }, scope)!);
    world.fill('d');
    scope.cancel(stop);
    expect(world.lane.snapshot()).toMatchObject({ cancelled: 1, waiting: 1 });
    expect(world.handleAll()).toEqual(['a', 'b', 'd']);
    await microtasks();
    expect(cancelled.word).toBe('stop');
    world.check();
  });

  test('does not wait at all in a cancelled scope', async () => {
    const world = new LaneWorld({ capacity: 1 });
    const scope = world.scope();
    scope.cancel(stop);
    world.fill('a');
    await expect(world.send({ name: 'b' }, scope)).rejects.toBe(stop);
    expect(world.lane.snapshot()).toMatchObject({ offered: 2, cancelled: 1, waiting: 0 });
    world.check();
  });

  test('that was too large lets those behind it in when it is cancelled', () => {
    const world = new LaneWorld({ ...weighed, capacity: 4 });
    const scope = world.scope();
    world.fill('a', 'b');
    void world.send({ name: 'large', count: 3 }, scope);
    world.fill('c', 'd', 'e');
    scope.cancel(stop);
    expect(world.lane.snapshot()).toMatchObject({ queued: 4, waiting: 1, cancelled: 3 });
    expect(world.handleAll()).toEqual(['a', 'b', 'c', 'd', 'e']);
    world.check();
  });

  test('gets its signal back when the lane is closed, and it is no unhandled rejection when nobody looks', async () => {
    const world = new LaneWorld({ capacity: 1 });
    const item = { name: 'b' };
    world.fill('a');
    const looked = world.send(item);
    world.fill('c');
    world.lane.close();
    world.lane.close();
    await expect(looked).rejects.toMatchObject({ code: 'TT_EDGE_CLOSED', signal: item, path: world.path });
    expect(world.lane.snapshot()).toMatchObject({ waiting: 0, refused: 2, queued: 1 });
    expect(world.handleAll()).toEqual(['a']);
    world.check();
  });
});

describe('a closed lane', () => {
  test('refuses and gives the signal back; what is queued stays', async () => {
    const world = new LaneWorld();
    const item = { name: 'b' };
    world.fill('a');
    world.lane.close();
    await expect(world.send(item)).rejects.toMatchObject({ code: 'TT_EDGE_CLOSED', signal: item });
    world.fill('nobody looks');
    expect([world.lane.closed, world.lane.trySend(item)]).toEqual([true, false]);
    expect(world.lane.snapshot()).toMatchObject({ offered: 4, refused: 3, queued: 1 });
    expect(world.handleAll()).toEqual(['a']);
    world.check();
  });
});

describe('what is discarded', () => {
  test('is a dead letter, each with the reason; who waited is let in and shares it', () => {
    const world = new LaneWorld({ ...weighed, capacity: 2 });
    void world.send({ name: 'a', count: 2, bytes: 7 });
    world.fill('b');
    world.lane.discard('its receiver has failed');
    expect(world.lostSignals).toEqual(['a: its receiver has failed', 'b: its receiver has failed']);
    expect(world.lane.snapshot()).toMatchObject({ deadLettered: 3, queued: 0, waiting: 0, bytes: 0 });
    world.check();
  });

  test('does not touch the signal that is being handled', () => {
    const world = new LaneWorld(weighed);
    void world.send({ name: 'a', count: 2, bytes: 7 });
    world.fill('b');
    world.lane.take();
    world.lane.discard('cancelled');
    expect(world.lane.snapshot()).toMatchObject({ inFlight: 2, deadLettered: 1, bytes: 7 });
    world.check();
    world.lane.done();
    expect(world.lane.snapshot()).toMatchObject({ inFlight: 0, handled: 2, deadLettered: 1, bytes: 0 });
    world.check();
  });

  test('can be the signal in flight itself', () => {
    const world = new LaneWorld();
    world.fill('a');
    world.lane.lost(world.lane.take(), 'its handler failed');
    expect(world.lostSignals).toEqual(['a: its handler failed']);
    expect(world.lane.snapshot()).toMatchObject({ deadLettered: 1, inFlight: 0 });
    world.check();
  });
});

describe('a send never throws, and trySend never waits', () => {
  test('trySend says what became of the signal', () => {
    const world = new LaneWorld({ capacity: 1 });
    expect([world.lane.trySend({ name: 'a' }), world.lane.trySend({ name: 'b' })]).toEqual([true, false]);
    expect(world.lane.snapshot()).toMatchObject({ offered: 2, accepted: 1, refused: 1, waiting: 0 });
    world.check();
  });

  const garbage: [string, () => unknown][] = [
    ['0 or less', () => -1],
    ['a fraction', () => 1.5],
    ['not a number', () => NaN],
    ['too much', () => Infinity],
    ['a string', () => '5'],
    ['nothing', () => undefined],
    ['a bigint', () => 5n],
    [
      'an error',
      () => {
        throw new Error('user code broke');
      },
    ],
  ];

  test.each(garbage)('a size that is %s rejects that send only, and the books stay right', async (_, sizeOf) => {
    let broken = false;
    const world = new LaneWorld({ sizeOf: () => (broken ? (sizeOf() as number) : 5) });
    world.fill('a');
    broken = true;
    await expect(world.send({ name: 'b' })).rejects.toThrow(/sizeOf|user code broke/);
    expect(() => world.lane.trySend({ name: 'c' })).toThrow(/sizeOf|user code broke/);
    broken = false;
    world.fill('d');
    expect(world.handleAll()).toEqual(['a', 'd']);
    expect(world.lane.snapshot()).toMatchObject({ offered: 2, handled: 2, bytes: 0 });
    world.check();
  });

  test.each([...garbage, ['0', () => 0] as [string, () => unknown]])(
    'a count that is %s rejects that send only, and the books stay right',
    async (_, countOf) => {
      let broken = false;
      const world = new LaneWorld({ countOf: () => (broken ? (countOf() as number) : 2) });
      world.fill('a');
      broken = true;
      await expect(world.send({ name: 'b' })).rejects.toThrow(/countOf|user code broke/);
      broken = false;
      world.fill('d');
      expect(world.handleAll()).toEqual(['a', 'd']);
      expect(world.lane.snapshot()).toMatchObject({ offered: 4, handled: 4 });
      world.check();
    },
  );

  test('a key that throws rejects that send only, and is never asked for again', async () => {
    let asked = 0;
    let broken = false;
    const keyOf = ({ key }: Item): unknown => {
      asked++;
      if (broken) throw new Error('user code broke');
      return key;
    };
    const world = new LaneWorld({ policy: 'latest', keyOf, capacity: 2 });
    void world.send({ name: 'a', key: 1 });
    broken = true;
    await expect(world.send({ name: 'b', key: 2 })).rejects.toThrow('user code broke');
    expect(() => world.lane.trySend({ name: 'c', key: 3 })).toThrow('user code broke');
    expect(world.handleAll()).toEqual(['a']);
    expect([asked, world.lane.snapshot().offered]).toEqual([3, 1]);
    world.check();
  });

  test('with the policy fail a full lane refuses, and gives the signal back', async () => {
    const world = new LaneWorld({ policy: 'fail', capacity: 1 });
    const item = { name: 'b' };
    world.fill('a');
    await expect(world.send(item)).rejects.toMatchObject({ code: 'TT_LANE_FULL', signal: item, path: world.path });
    expect(world.lane.trySend(item)).toBe(false);
    expect(world.lane.snapshot()).toMatchObject({ refused: 2, queued: 1 });
    world.check();
  });
});

describe('law 9 on a lane', () => {
  /** A lane under a scheduler whose clock moves with each reading. */
  function slowWorld(options: ConstructorParameters<typeof LaneWorld>[0]) {
    const clock = new HandClock();
    const world = new LaneWorld(options);
    const scheduler = new LoopScheduler(clock);
    const lane = new Lane({ ...ownerOf(world), scheduler }, 'down', world, world.lane.options);
    return { clock, scheduler, lane, wait: waitOf(world.scope()) };
  }

  function ownerOf(world: LaneWorld) {
    const { path } = world;
    return { path, signalLost: world.signalLost.bind(world), laneOverflowed: world.laneOverflowed.bind(world) };
  }

  test.each([
    ['the short way', {}],
    ['weights', weighed],
  ])(
    'a send over %s is accepted, but its sender waits for the next slice when this one is spent',
    async (_, options) => {
      const { clock, scheduler, lane, wait } = slowWorld(options);
      expect(lane.send({ name: 'a' }, wait)).toBeUndefined();
      clock.time += 4;
      const sent = lane.send({ name: 'b' }, wait);
      expect(sent).toBe(scheduler.nextSlice());
      expect(lane.snapshot().accepted).toBe(2);
      await sent;
      lane.discard('end');
      await nextImmediate();
    },
  );

  test.each([
    ['closed', {}],
    ['full', { policy: 'fail', capacity: 1 }],
  ] as const)(
    'a sender that tries a %s lane for ever does not keep the event loop from its turn',
    async (what, options) => {
      const { clock, lane, wait } = slowWorld(options);
      void lane.send({ name: 'a' }, wait);
      if (what === 'closed') lane.close();
      clock.perReading = 0.1;
      let [tries, trying] = [0, true];
      const stubborn = (async () => {
        while (trying && tries < 100_000) {
          tries++;
          await lane.send({ name: 'again' }, wait)?.catch(() => {});
        }
      })();
      await new Promise((resolve) => setTimeout(resolve, 0));
      trying = false;
      await stubborn;
      expect(tries).toBeLessThan(100_000);
      await nextImmediate();
    },
  );
});

describe('latest', () => {
  test('replaces in place and counts the old one as dropped; a new key waits when it is full', () => {
    const world = new LaneWorld({ ...keyed, capacity: 2 });
    for (const [name, key] of [
      ['a1', 'a'],
      ['b1', 'b'],
      ['a2', 'a'],
      ['c1', 'c'],
      ['a3', 'a'],
    ])
      void world.send({ name: name!, key });
    expect(world.lane.snapshot()).toMatchObject({ accepted: 4, dropped: 2, queued: 2, waiting: 1 });
    expect(world.handleAll()).toEqual(['a3', 'b1', 'c1']);
    expect(world.lostSignals.map((words) => words.slice(0, 3))).toEqual(['a1:', 'a2:']);
    world.check();
  });

  test('keeps to the key that a signal had when it was sent', () => {
    const world = new LaneWorld({ ...keyed, capacity: 2 });
    const item = { name: 'a1', key: 'a' };
    void world.send(item);
    item.key = 'changed';
    void world.send({ name: 'a2', key: 'a' });
    expect(world.handleAll()).toEqual(['a2']);
    void world.send({ name: 'a3', key: 'a' });
    void world.send({ name: 'c', key: 'changed' });
    expect(world.handleAll()).toEqual(['a3', 'c']);
    world.check();
  });

  test('takes any value as a key, and a key again when it is not queued any more', () => {
    const world = new LaneWorld(keyed);
    for (const key of [undefined, NaN, null, 0]) for (const name of ['old', 'new']) void world.send({ name, key });
    expect(world.handleAll()).toEqual(['new', 'new', 'new', 'new']);
    void world.send({ name: 'again', key: NaN });
    expect(world.handleAll()).toEqual(['again']);
    world.check();
  });

  test('does not replace what another of the same key, sent before, still waits to replace', () => {
    const world = new LaneWorld({ ...keyed, capacity: 2 });
    for (const name of ['a1', 'b1']) void world.send({ name, key: name[0] });
    for (const name of ['x1', 'y1', 'x2']) void world.send({ name, key: name[0] });
    const taken = [world.handle()];
    // x1 is in, y1 and x2 still wait: x3 must come after x2.
    void world.send({ name: 'x3', key: 'x' });
    taken.push(...world.handleAll());
    expect(taken.filter((name) => name.startsWith('x')).at(-1)).toBe('x3');
    world.check();
  });

  test('lets a sender in whose signal became small enough for its place', () => {
    const world = new LaneWorld({ ...keyed, ...weighed, maxBytes: 100 });
    void world.send({ name: 'a1', key: 'a', bytes: 90 });
    void world.send({ name: 'b1', key: 'b', bytes: 50 });
    expect(world.lane.snapshot().waiting).toBe(1);
    void world.send({ name: 'a2', key: 'a', bytes: 1 });
    expect(world.lane.snapshot()).toMatchObject({ waiting: 0, queued: 2, bytes: 51 });
    expect(world.handleAll()).toEqual(['a2', 'b1']);
    world.check();
  });
});

describe('dropping', () => {
  test('the oldest makes room for the new one, as many as it takes', () => {
    const world = new LaneWorld({ ...weighed, policy: 'drop-oldest', capacity: 3 });
    world.fill('a', 'b', 'c', 'd');
    void world.send({ name: 'batch', count: 2 });
    expect(world.lane.snapshot()).toMatchObject({ dropped: 3, queued: 3, accepted: 6 });
    expect(world.handleAll()).toEqual(['d', 'batch']);
    expect(world.lostSignals.map(([name]) => name)).toEqual(['a', 'b', 'c']);
    world.check();
  });

  test('the oldest leaves the signal in flight alone', () => {
    const world = new LaneWorld({ policy: 'drop-oldest', capacity: 1 });
    world.fill('a');
    world.lane.take();
    world.fill('b', 'c');
    expect(world.lane.snapshot()).toMatchObject({ inFlight: 1, dropped: 1, queued: 1 });
    world.lane.done();
    expect(world.handleAll()).toEqual(['c']);
    world.check();
  });

  test('the newest drops it, and counts it as accepted and dropped', () => {
    const world = new LaneWorld({ policy: 'drop-newest', capacity: 1 });
    world.fill('a', 'b');
    expect(world.lane.snapshot()).toMatchObject({ accepted: 2, dropped: 1, queued: 1 });
    expect(world.handleAll()).toEqual(['a']);
    world.check();
  });
});

describe('an overflow', () => {
  test.each(['block', 'drop-oldest', 'drop-newest', 'latest', 'fail'] as const)(
    'is told once with the policy %s, and again after the lane was half empty',
    (policy) => {
      for (const capacity of [1, 4]) {
        const world = new LaneWorld({ policy, capacity, ...(policy === 'latest' && keyed) });
        const send = (name: string): void => void world.send({ name, key: name })?.catch(() => {});
        const flood = (): void => {
          for (let i = 0; i < 8; i++) send(`${i}`);
        };
        flood();
        expect(world.overflows).toBe(1);
        world.handleAll();
        expect(world.overflows).toBe(1);
        for (let i = 0; i < capacity; i++) send(`${i}`);
        expect(world.overflows).toBe(1);
        flood();
        expect(world.overflows).toBe(2);
        world.check();
        world.handleAll();
      }
    },
  );
});
