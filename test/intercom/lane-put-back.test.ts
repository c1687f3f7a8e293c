/** A signal that is put back, because its handler has failed and another incarnation will try: before all others, with its books. */
import { leakCheck } from '../../src/testing/index.ts';
import { microtasks } from '../kernel/virtual-host.ts';
import { type Item, keyed, LaneWorld, weighed } from './lane-world.ts';

let leaks: () => void;

beforeEach(() => {
  leaks = leakCheck();
});

afterEach(async () => {
  await microtasks();
  leaks();
});

/** Takes the oldest, and puts it back. */
function fail(world: LaneWorld): Item {
  const item = world.lane.take() as Item;
  world.lane.putBack(item);
  world.check();
  return item;
}

describe('a signal that is put back', () => {
  test.each(['block', 'drop-oldest', 'drop-newest', 'latest', 'fail'] as const)(
    'with the policy %s is the next one taken, and counted as one that is queued',
    (policy) => {
      const world = new LaneWorld(policy === 'latest' ? { ...keyed, capacity: 3 } : { policy, capacity: 3 });
      for (const name of ['a', 'b', 'c']) void world.send({ name, key: name });
      fail(world);
      expect(world.lane.snapshot()).toMatchObject({ accepted: 3, queued: 3, inFlight: 0, handled: 0, deadLettered: 0 });
      expect(world.lane.deliveries).toBe(2);
      expect(world.handleAll()).toEqual(['a', 'b', 'c']);
      expect(world.lane.deliveries).toBe(1);
      world.check();
    },
  );

  test('keeps what it counts and weighs', () => {
    const world = new LaneWorld({ ...weighed, capacity: 9, maxBytes: 100 });
    void world.send({ name: 'a', count: 3, bytes: 30 });
    void world.send({ name: 'b', count: 2, bytes: 20 });
    fail(world);
    expect(world.lane.snapshot()).toMatchObject({ queued: 5, bytes: 50 });
    expect([world.handle(), world.lane.snapshot().bytes, world.handle(), world.lane.snapshot().bytes]).toEqual([
      'a',
      20,
      'b',
      0,
    ]);
    expect(world.lane.snapshot()).toMatchObject({ handled: 5, queued: 0 });
  });

  test('is counted with each failure, and forgets the count when it is handled, lost, discarded or dropped', () => {
    const world = new LaneWorld({ capacity: 3 });
    world.fill('a', 'b', 'c');
    fail(world);
    fail(world);
    expect(world.lane.deliveries).toBe(3);
    world.lane.lost(world.lane.take(), 'failed again');
    expect([world.lostDeliveries, world.lane.deliveries]).toEqual([[3], 1]);
    fail(world);
    world.lane.discard('over');
    expect(world.lostSignals).toEqual(['a: failed again', 'b: over', 'c: over']);
    expect([world.lostDeliveries, world.lane.deliveries]).toEqual([[3, 1, 0], 1]);
  });

  test('may make the lane one over its bound, and nobody is let in before there is room', async () => {
    const world = new LaneWorld({ capacity: 2 });
    world.fill('a', 'b');
    const first = world.lane.take();
    world.fill('c');
    const waits = world.send({ name: 'd' });
    world.lane.putBack(first);
    expect(world.lane.snapshot()).toMatchObject({ queued: 3, waiting: 1, highWater: 2 });
    expect(world.lane.trySend({ name: 'e' })).toBe(false);
    world.handle();
    expect(world.lane.snapshot()).toMatchObject({ queued: 2, waiting: 1 });
    world.handle();
    await waits;
    expect(world.handleAll()).toEqual(['c', 'd']);
    world.check();
  });

  test('makes the lane ready again', () => {
    const world = new LaneWorld();
    world.fill('a');
    const first = world.lane.take();
    world.lane.ready = false;
    world.lane.putBack(first);
    expect([world.readies, world.lane.ready]).toEqual([2, true]);
    world.handleAll();
  });

  test('is told with its count when it is dropped to make room', () => {
    const world = new LaneWorld({ policy: 'drop-oldest', capacity: 2 });
    world.fill('a', 'b');
    const first = world.lane.take();
    world.fill('c');
    world.lane.putBack(first);
    world.fill('d');
    expect(world.lostSignals.map((lost) => lost[0])).toEqual(['a', 'b']);
    expect([world.lostDeliveries, world.lane.deliveries, world.handleAll()]).toEqual([[1, 0], 1, ['c', 'd']]);
    world.check();
  });

  test('is told with its count when a later one with its key takes its place', () => {
    const world = new LaneWorld({ ...keyed, capacity: 2 });
    void world.send({ name: 'a1', key: 'a' });
    fail(world);
    void world.send({ name: 'a2', key: 'a' });
    expect([world.lostDeliveries, world.lane.deliveries, world.handleAll()]).toEqual([[1], 1, ['a2']]);
  });

  test('of one key stays the older one, and what comes later replaces the newer', () => {
    const world = new LaneWorld({ ...keyed, capacity: 3 });
    void world.send({ name: 'a1', key: 'a' });
    const first = world.lane.take();
    void world.send({ name: 'a2', key: 'a' });
    world.lane.putBack(first);
    void world.send({ name: 'a3', key: 'a' });
    expect([world.lostSignals.map((lost) => lost.slice(0, 2)), world.handleAll()]).toEqual([['a2'], ['a1', 'a3']]);
    world.check();
  });
});
