/** The hooks of the user's are called in the middle of the lane's work, and may call back into the lane. */
import { leakCheck } from '../../src/testing/index.ts';
import { microtasks, outcomeOf } from '../kernel/virtual-host.ts';
import { keyed, LaneWorld, weighed } from './lane-world.ts';

const stop = new Error('stop');
let leaks: () => void;

beforeEach(() => {
  leaks = leakCheck();
});

afterEach(async () => {
  await microtasks();
  leaks();
});

describe('onOverflow', () => {
  test('may cancel the very send that overflowed', async () => {
    const world = new LaneWorld({ capacity: 1 });
    const scope = world.scope();
    world.whenOverflowing = () => scope.cancel(stop);
    world.fill('a');
    const sent = outcomeOf(world.send({ name: 'b' }, scope)!);
    expect(world.lane.snapshot()).toMatchObject({ waiting: 0, cancelled: 1 });
    expect(world.handleAll()).toEqual(['a']);
    // Nobody waits any more, so the next one is let in.
    world.fill('c');
    expect(world.handleAll()).toEqual(['c']);
    await microtasks();
    expect(sent.word).toBe('stop');
    world.check();
  });

  test('may close the lane: the sender gets its signal back', async () => {
    const world = new LaneWorld({ capacity: 1 });
    world.whenOverflowing = () => world.lane.close();
    world.fill('a');
    const sent = world.send({ name: 'b' });
    await expect(sent).rejects.toMatchObject({ code: 'TT_EDGE_CLOSED', signal: { name: 'b' } });
    expect(world.lane.snapshot()).toMatchObject({ waiting: 0, refused: 1 });
    expect(world.handleAll()).toEqual(['a']);
    world.check();
  });

  test.each(['block', 'drop-oldest', 'drop-newest', 'latest'] as const)(
    'may send itself with the policy %s: its signal comes after',
    (policy) => {
      const world = new LaneWorld({ policy, capacity: 2, ...(policy === 'latest' && keyed) });
      world.whenOverflowing = () => void world.send({ name: 'from the hook', key: 'hook' });
      for (const name of ['a', 'b', 'c']) void world.send({ name, key: name });
      const expected = {
        block: ['a', 'b', 'c', 'from the hook'],
        latest: ['a', 'b', 'c', 'from the hook'],
        'drop-oldest': ['c', 'from the hook'],
        'drop-newest': ['a', 'b'],
      };
      expect(world.handleAll()).toEqual(expected[policy]);
      world.check();
    },
  );
});

describe('the dead-letter hook', () => {
  test('may send again what was dropped by its oldest: the new one is not lost by that', () => {
    const world = new LaneWorld({ policy: 'drop-oldest', capacity: 2 });
    let again = 1;
    world.whenLost = ({ name }) => {
      if (again-- > 0) void world.send({ name: `${name} again` });
    };
    world.fill('a', 'b', 'c');
    expect(world.handleAll()).toEqual(['c', 'a again']);
    expect(world.lane.snapshot()).toMatchObject({ accepted: 4, dropped: 2, handled: 2 });
    world.check();
  });

  test('may close the lane while a send makes room in it: what is queued is not forgotten', () => {
    const world = new LaneWorld({ policy: 'drop-oldest', capacity: 1 });
    world.whenLost = ({ name }) => {
      if (name !== 'a') return;
      world.lane.close();
      world.lane.discard('closed');
    };
    world.fill('a', 'b');
    expect(world.lane.snapshot()).toMatchObject({ queued: 0, dropped: 1, deadLettered: 1 });
    expect(world.lostSignals.map(([name]) => name)).toEqual(['a', 'b']);
    world.check();
  });

  test('may close the lane while a waiting sender is let in by replacing', async () => {
    const world = new LaneWorld({ ...keyed, ...weighed, maxBytes: 100 });
    void world.send({ name: 'a1', key: 'a', bytes: 60 });
    void world.send({ name: 'b1', key: 'b', bytes: 40 });
    const [first, second] = ['a2', 'c1'].map((name) => outcomeOf(world.send({ name, key: name[0], bytes: 70 })!));
    world.whenLost = () => world.lane.close();
    world.handle();
    world.handleAll();
    await microtasks();
    expect([first!.word, second!.word]).not.toContain('waiting');
    expect(world.lane.snapshot().waiting).toBe(0);
    world.check();
  });

  test('may cancel those who wait while one of them is let in by replacing', async () => {
    const world = new LaneWorld({ ...keyed, capacity: 2 });
    const scope = world.scope();
    for (const name of ['a1', 'b1']) void world.send({ name, key: name[0] });
    const waits = ['x1', 'x2', 'y1', 'z1'].map((name) => outcomeOf(world.send({ name, key: name[0] }, scope)!));
    world.whenLost = () => scope.cancel(stop);
    const taken = world.handleAll();
    await microtasks();
    expect(taken).toEqual(['a1', 'b1', 'x2']);
    expect(waits.map(({ word }) => word)).toEqual(['woken undefined', 'woken undefined', 'stop', 'stop']);
    expect(world.lane.snapshot()).toMatchObject({ waiting: 0, cancelled: 2, dropped: 1 });
    world.check();
  });

  test('may discard more while it is told of a discarded one', () => {
    const world = new LaneWorld();
    world.whenLost = () => world.lane.discard('nested');
    world.fill('a', 'b', 'c');
    world.lane.discard('outer');
    expect(world.lostSignals).toEqual(['a: outer', 'b: nested', 'c: nested']);
    world.check();
  });
});

describe('what weighs a signal', () => {
  test('may send another: that one was complete first', () => {
    let nested = false;
    const world: LaneWorld = new LaneWorld({
      capacity: 2,
      sizeOf: ({ name }) => {
        if (name === 'outer' && !nested) {
          nested = true;
          world.fill('inner');
        }
        return 1;
      },
    });
    world.fill('outer');
    expect(world.handleAll()).toEqual(['inner', 'outer']);
    world.check();
  });

  test('may close the lane: the send is refused', async () => {
    const world: LaneWorld = new LaneWorld({
      keyOf: () => {
        world.lane.close();
        return 1;
      },
      policy: 'latest',
    });
    await expect(world.send({ name: 'a' })).rejects.toMatchObject({ code: 'TT_EDGE_CLOSED' });
    expect(world.lane.snapshot()).toMatchObject({ offered: 1, refused: 1, queued: 0 });
    world.check();
  });
});
