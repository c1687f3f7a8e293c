import { LoopScheduler, type Runnable } from '../../src/kernel/scheduler.ts';
import { leakCheck } from '../../src/testing/index.ts';
import { HandClock, nextImmediate, runnableOf } from './hand-clock.ts';

const SLICE_MS = 2;
let leaks: () => void;
let clock: HandClock;
let scheduler: LoopScheduler;

beforeEach(() => {
  leaks = leakCheck();
  clock = new HandClock();
  scheduler = new LoopScheduler(clock);
});

afterEach(async () => {
  jest.restoreAllMocks();
  await nextImmediate();
  expect(scheduler.idle).toBe(true);
  leaks();
});

/** Spends until the scheduler says that the slice is spent; gives how many words that took. */
function spendAll(): number {
  let words = 0;
  do words++;
  while (!scheduler.spend() && words < 1e6);
  return words;
}

describe('the run queue', () => {
  test('runs in the order of enqueueing, in microtasks of the same turn of the event loop', async () => {
    const ran: string[] = [];
    setImmediate(() => ran.push('immediate'));
    for (const name of ['a', 'b', 'c']) scheduler.enqueue(runnableOf(() => ran.push(name)));
    expect(ran).toEqual([]);
    await nextImmediate();
    expect(ran).toEqual(['a', 'b', 'c', 'immediate']);
  });

  test('holds a runnable once, however often it is enqueued, and again after it has run', async () => {
    let runs = 0;
    const once = runnableOf(() => runs++);
    scheduler.enqueue(once);
    scheduler.enqueue(once);
    await nextImmediate();
    expect(runs).toBe(1);
    scheduler.enqueue(once);
    await nextImmediate();
    expect(runs).toBe(2);
  });

  test('lets a runnable enqueue itself while it runs, behind the others', async () => {
    const ran: string[] = [];
    let again = true;
    scheduler.enqueue(
      runnableOf((self) => {
        ran.push('a');
        if (again) scheduler.enqueue(self);
        again = false;
      }),
    );
    scheduler.enqueue(runnableOf(() => ran.push('b')));
    await nextImmediate();
    expect(ran).toEqual(['a', 'b', 'a']);
  });

  test('goes on with the others when one breaks the rule and throws', async () => {
    const ran: string[] = [];
    let drain: unknown;
    // The drain is armed by a `then`; taken over here, so that what it throws is seen.
    jest.spyOn(Promise.prototype, 'then').mockImplementationOnce(function (this: Promise<unknown>, callback) {
      drain = callback;
      return this as Promise<never>;
    });
    scheduler.enqueue(
      runnableOf(() => {
        throw new Error('against the rule');
      }),
    );
    scheduler.enqueue(runnableOf(() => ran.push('b')));
    expect(drain as () => void).toThrow('against the rule');
    await nextImmediate();
    expect(ran).toEqual(['b']);
    scheduler.enqueue(runnableOf(() => ran.push('c')));
    await nextImmediate();
    expect(ran).toEqual(['b', 'c']);
  });
});

describe('the slice', () => {
  test('is spent when it has lasted long enough, and stays so until the event loop has had its turn', async () => {
    expect(scheduler.spend()).toBe(false);
    clock.time += SLICE_MS;
    expect(scheduler.spend()).toBe(true);
    // Microtasks alone open no new slice: that would starve timers and I/O.
    for (let i = 0; i < 100; i++) {
      await Promise.resolve();
      clock.time += 1;
      expect(scheduler.spend()).toBe(true);
    }
    await nextImmediate();
    expect(scheduler.spend()).toBe(false);
  });

  test('reads the clock rarely while words are cheap, and at every word when they are dear', async () => {
    clock.perReading = 0.001;
    for (let i = 0; i < 1000; i++) scheduler.spend();
    expect(clock.readings).toBeLessThan(80);
    clock.perReading = 1;
    scheduler.spend();
    while (!scheduler.spend());
    await nextImmediate();
    clock.readings = 0;
    for (let i = 0; i < 4; i++) scheduler.spend();
    expect(clock.readings).toBe(4);
    await nextImmediate();
  });

  test('reads the clock rarely while steps are small and quick, and notices at once who is slow among many that are quick', async () => {
    clock.perReading = 0.001;
    const small = runnableOf(() => undefined);
    for (let i = 0; i < 1000; i++) {
      scheduler.enqueue(small);
      await Promise.resolve();
    }
    expect(clock.readings).toBeLessThan(80);
    let slow = 0;
    for (let i = 0; i < 200; i++) {
      scheduler.enqueue(
        runnableOf(() => {
          clock.time += 1;
          slow++;
        }),
      );
    }
    await Promise.resolve();
    expect(slow).toBeGreaterThan(0);
    expect(slow).toBeLessThanOrEqual(SLICE_MS + 1);
    while (!scheduler.idle) await nextImmediate();
    expect(slow).toBe(200);
  });

  test('gives nobody credit for a while after something slow, so that a second one is noticed at once', async () => {
    clock.perReading = 0.001;
    for (let i = 0; i < 100; i++) scheduler.spend();
    clock.time += 1;
    for (let i = 0; i < 16; i++) scheduler.spend();
    await nextImmediate();
    clock.readings = 0;
    for (let i = 0; i < 500; i++) scheduler.spend();
    expect(clock.readings).toBe(500);
    for (let i = 0; i < 1000; i++) scheduler.spend();
    clock.readings = 0;
    for (let i = 0; i < 160; i++) scheduler.spend();
    expect(clock.readings).toBeLessThan(20);
    await nextImmediate();
  });

  test('notices a slow word within the words that it gave on credit', async () => {
    clock.perReading = 0.001;
    for (let i = 0; i < 1000; i++) scheduler.spend();
    clock.time += SLICE_MS;
    expect(spendAll()).toBeLessThanOrEqual(16);
    await nextImmediate();
  });

  test('ends also under a clock that stands still, so that virtual time cannot freeze the process', async () => {
    expect(() => {
      for (let i = 0; !scheduler.spend(); i++) if (i > 2 ** 24) throw new Error('never spent');
    }).not.toThrow();
    await nextImmediate();
  });

  test('gives the event loop its turn before what a flooded run queue still holds', async () => {
    clock.perReading = 0.5;
    let steps = 0;
    let flooding = true;
    const flood = (self: Runnable): void => {
      if (flooding && ++steps < 10_000) scheduler.enqueue(self);
    };
    for (let i = 0; i < 3; i++) scheduler.enqueue(runnableOf(flood));
    const atTimer = new Promise<number>((resolve) => {
      setTimeout(() => resolve(steps), 0);
    });
    await nextImmediate();
    expect(steps).toBeLessThanOrEqual(SLICE_MS / 0.5 + 1);
    expect(await atTimer).toBeLessThan(10_000);
    flooding = false;
    await nextImmediate();
  });

  test('is waited for by all who ask, and comes with the same turn', async () => {
    const order: string[] = [];
    const first = scheduler.nextSlice().then(() => order.push('first'));
    const second = scheduler.nextSlice().then(() => order.push('second'));
    await Promise.resolve();
    expect(order).toEqual([]);
    await nextImmediate();
    await Promise.all([first, second]);
    expect(order).toEqual(['first', 'second']);
  });

  test('holds back what is enqueued when it is spent, and runs it after the turn', async () => {
    const ran: string[] = [];
    scheduler.spend();
    clock.time += SLICE_MS;
    scheduler.spend();
    scheduler.enqueue(runnableOf(() => ran.push('a')));
    for (let i = 0; i < 20; i++) await Promise.resolve();
    expect(ran).toEqual([]);
    await nextImmediate();
    expect(ran).toEqual(['a']);
  });
});

describe('the quota', () => {
  test('doubles with each quick step, up to its limit', async () => {
    const quotas: number[] = [];
    let left = 8;
    const quick = runnableOf((self) => {
      quotas.push(self.quota);
      if (--left > 0) scheduler.enqueue(self);
    }, true);
    scheduler.enqueue(quick);
    await nextImmediate();
    expect(quotas).toEqual([1, 1, 2, 4, 8, 16, 16, 16]);
  });

  test('also where it is not used up: who does little each time is charged little', async () => {
    const small = runnableOf(() => undefined);
    for (let i = 0; i < 100; i++) {
      scheduler.enqueue(small);
      await Promise.resolve();
    }
    expect(small.quota).toBe(16);
    await nextImmediate();
  });

  test('falls back to one with a slow step, and stays with one of middling length', async () => {
    const slow = runnableOf(() => (clock.time += 0.6), true);
    const middling = runnableOf(() => (clock.time += 0.3), true);
    slow.quota = 16;
    middling.quota = 8;
    scheduler.spend();
    scheduler.enqueue(slow);
    scheduler.enqueue(middling);
    await nextImmediate();
    expect([slow.quota, middling.quota]).toEqual([1, 8]);
  });

  test.each(['enqueue', 'resume'] as const)('is charged for each thing of a step (%s)', async (word) => {
    const busy = runnableOf(() => undefined, true);
    for (let i = 0; i < 100; i++) scheduler.resume(busy);
    expect(busy.quota).toBe(16);
    clock.readings = 0;
    for (let i = 0; i < 20; i++) {
      scheduler[word](busy);
      await Promise.resolve();
    }
    expect(clock.readings).toBeGreaterThanOrEqual(19);
    await nextImmediate();
  });

  test('falls back likewise with what was slow while it waited', async () => {
    const resumed = runnableOf(() => undefined);
    for (let i = 0; i < 100; i++) scheduler.resume(resumed);
    expect(resumed.quota).toBe(16);
    for (let i = 0; i < 16; i++) {
      clock.time += 0.6;
      scheduler.resume(resumed);
    }
    expect(resumed.quota).toBe(1);
    await nextImmediate();
  });
});

describe('a wait that is over', () => {
  test('goes on at once while the slice lasts', () => {
    let runs = 0;
    scheduler.resume(runnableOf(() => runs++));
    expect(runs).toBe(1);
  });

  test('goes on from the queue when the slice is spent', async () => {
    let runs = 0;
    scheduler.spend();
    clock.time += SLICE_MS;
    scheduler.resume(runnableOf(() => runs++));
    expect(runs).toBe(0);
    await nextImmediate();
    expect(runs).toBe(1);
  });

  test('does not run twice what is queued already', async () => {
    let runs = 0;
    const queued = runnableOf(() => runs++);
    scheduler.enqueue(queued);
    scheduler.resume(queued);
    expect(runs).toBe(0);
    await nextImmediate();
    expect(runs).toBe(1);
  });
});

describe('when nothing is to be done', () => {
  test('nothing is armed, so that the process can exit; a slice arms one immediate', async () => {
    const immediates = jest.spyOn(globalThis, 'setImmediate');
    const idle = new LoopScheduler(clock);
    expect(immediates).toHaveBeenCalledTimes(0);
    idle.enqueue(runnableOf(() => {}));
    for (let i = 0; i < 10; i++) await Promise.resolve();
    for (let i = 0; i < 100; i++) idle.spend();
    void idle.nextSlice();
    expect(immediates).toHaveBeenCalledTimes(1);
    expect(idle.idle).toBe(false);
    immediates.mockRestore();
    await nextImmediate();
    const after = jest.spyOn(globalThis, 'setImmediate');
    for (let i = 0; i < 10; i++) await Promise.resolve();
    expect([idle.idle, after.mock.calls.length]).toEqual([true, 0]);
  });

  test('the coarse time is the time, not that of the last slice', async () => {
    scheduler.spend();
    await nextImmediate();
    clock.time += 3_600_000;
    expect(scheduler.coarseNow).toBe(clock.time);
    // Within a slice it is as old as the last reading.
    scheduler.spend();
    const read = clock.time;
    clock.time += 1;
    expect(scheduler.coarseNow).toBe(read);
    await nextImmediate();
  });

  test('the whole time is that of the last reading within a slice, and the time outside of one', async () => {
    clock.time += 0.75;
    expect(scheduler.wholeNow).toBe(Math.floor(clock.time));
    scheduler.spend();
    expect(scheduler.wholeNow).toBe(Math.floor(clock.time));
    clock.time += 1;
    scheduler.spend();
    scheduler.spend();
    expect(scheduler.wholeNow).toBe(Math.floor(clock.time));
    await nextImmediate();
  });
});
