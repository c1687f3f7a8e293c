/** Virtual time: a clock that stands still until it is moved, and a tree that lives by it (law 20). */
import { start, TaskThread, type TaskTurn, type Turn } from '../../src/index.ts';
import { realClock } from '../../src/kernel/clock.ts';
import { Dice } from '../../src/testing/dice.ts';
import { leakCheck, liveCounts, VirtualClock, VirtualTime } from '../../src/testing/index.ts';

/** Notes the time every so often: 10 ms. */
class Ticker extends TaskThread {
  readonly ticks: number[] = [];
  readonly #time: VirtualTime;
  readonly #everyMs: number;

  constructor(time: VirtualTime, everyMs = 10) {
    super();
    this.#time = time;
    this.#everyMs = everyMs;
  }

  protected override enter(): void {
    this.tasks.reCreate('tick', (turn: TaskTurn) => {
      this.ticks.push(this.#time.now);
      return turn.reSchedule({ afterMs: this.#everyMs });
    });
  }
}

/** Takes questions and answers none. */
class Silent extends TaskThread<string> {
  protected override signalHandler() {}
}

/** Stops after seven days. */
class DailyThread extends TaskThread {
  #days = 0;

  protected override enter() {
    this.tasks.reCreate('count', (turn: TaskTurn) => {
      if (++this.#days === 8) return turn.stop();
      return turn.reSchedule({ afterMs: 24 * 3_600_000 });
    });
  }
}

/** Asks a child that does not answer. */
class TaskThreadThatAsks extends TaskThread {
  protected override async enter(turn: Turn) {
    const child = await this.addChild(() => new Silent());
    await turn.ask(child, () => 'a question');
  }

  stopNow() {
    this.stop();
    return this.children[0]!.stop();
  }
}

describe('the virtual clock', () => {
  test('fires timers at their time, those of one moment in the order of setting', () => {
    const clock = new VirtualClock(0);
    const fired: string[] = [];
    const note = (what: string) => () => fired.push(`${what} at ${clock.now()}`);
    clock.setTimer(20, note('late'));
    clock.setTimer(10, note('a'));
    clock.setTimer(10, note('b'));
    const gone = clock.setTimer(5, note('cleared'));
    clock.clearTimer(gone);
    clock.clearTimer(gone);
    expect([clock.pendingTimers, clock.nextDue]).toEqual([3, 10]);
    while (clock.fireNext(15));
    expect([fired, clock.now(), clock.nextDue]).toEqual([['a at 10', 'b at 10'], 10, 20]);
    clock.moveTo(12);
    clock.moveTo(3);
    expect(clock.now()).toBe(12);
    expect([clock.fireNext(100), clock.fireNext(100), fired.at(-1)]).toEqual([true, false, 'late at 20']);
  });

  test('tells a date that moves with it', () => {
    const clock = new VirtualClock(0);
    const before = clock.epochNow();
    clock.moveTo(5);
    expect([clock.epochNow() - before, new Date(before).getUTCFullYear()]).toEqual([5, 2000]);
  });
});

describe('virtual time', () => {
  test('moves a whole tree, however long, without waiting', async () => {
    const time = new VirtualTime();
    const check = leakCheck();
    const ticker = new Ticker(time);
    const root = await time.run(start(ticker, time.options));
    await time.advance(35);
    expect(ticker.ticks).toEqual([1000, 1010, 1020, 1030]);
    await time.advance(60_000);
    expect([ticker.ticks.length, time.now]).toEqual([6004, 61_035]);
    await time.run(root.stop());
    check();
  });

  test('run jumps to the next timer until the promise has settled', async () => {
    const time = new VirtualTime();
    const ticker = new Ticker(time, 1000);
    const root = await time.run(start(ticker, time.options));
    let late = false;
    time.clock.setTimer(3_600_000, () => {
      late = true;
      void root.stop();
    });
    await time.run(root.join());
    expect([late, time.now]).toEqual([true, 3_601_000]);
    expect(ticker.ticks.length).toBeGreaterThanOrEqual(3600);
  });

  test('run gives a rejection on', async () => {
    const time = new VirtualTime();
    await expect(time.run(Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  test('run says so when no timer can bring what is waited for', async () => {
    const time = new VirtualTime();
    await expect(time.run(new Promise(() => {}))).rejects.toThrow('virtual time stands still');
  });

  test('run refuses what is no promise', async () => {
    await expect(new VirtualTime().run(5 as never)).rejects.toMatchObject({
      code: 'TT_INVALID_OPTION',
      message: expect.stringContaining('promise must be a promise') as string,
    });
  });

  test('goes on although a task never rests', async () => {
    const time = new VirtualTime();
    class Restless extends TaskThread {
      protected override enter(): void {
        this.tasks.reCreate('spin', (turn: TaskTurn) => turn.reSchedule());
      }
    }
    const root = await time.run(start(() => new Restless(), time.options));
    await time.advance(50);
    expect(time.now).toBe(1050);
    expect((await time.run(root.stop())).verdict).toBe('clean');
  });
});

describe('what virtual time waits for', () => {
  test('a wait that no timer ends is named, with who waits', async () => {
    const time = new VirtualTime();
    const never = new TaskThreadThatAsks();
    await expect(time.run(start(never, time.options))).rejects.toThrow(
      'these waits are left: enter of a root; /TaskThreadThatAsks-1 enter: an answer of /TaskThreadThatAsks-1/Silent-2',
    );
    await time.run(never.stopNow());
  });

  test('while something outside is awaited the time does not jump', async () => {
    const time = new VirtualTime();
    let fired = false;
    time.clock.setTimer(1000, () => {
      fired = true;
    });
    let answered = false;
    const outside = time.outside(
      'a worker',
      new Promise<void>((resolve) => {
        realClock.setTimer(20, resolve);
      }).then(() => {
        answered = true;
        expect(fired).toBe(false);
      }),
    );
    await time.run(outside);
    expect([answered, fired, time.now]).toEqual([true, false, 1000]);
    await time.advance(1000);
    expect(fired).toBe(true);
  });

  test('by itself it jumps whenever nothing can run, and begins again when a timer is set', async () => {
    const time = new VirtualTime({ autojump: true });
    const check = leakCheck();
    const before = time.now;
    const root = await start(() => new DailyThread(), time.options);
    await root.join();
    expect(time.now - before).toBe(7 * 24 * 3_600_000);
    check();
    const release = time.hold('a socket');
    let fired = false;
    time.clock.setTimer(5, () => {
      fired = true;
    });
    for (let i = 0; i < 20; i++) await time.settle();
    expect(fired).toBe(false);
    release();
    release();
    for (let i = 0; i < 20; i++) await time.settle();
    expect(fired).toBe(true);
  });
});

describe('a heap of timers', () => {
  test('fires a thousand in order of their moments, whatever was cleared in between', () => {
    const clock = new VirtualClock(0);
    const fired: number[] = [];
    const dice = new Dice(5);
    const timers = Array.from({ length: 2000 }, () => {
      const at = dice.int(500);
      return clock.setTimer(at, () => fired.push(at));
    });
    for (const [i, timer] of timers.entries()) if (i % 2 === 0) clock.clearTimer(timer);
    expect(clock.pendingTimers).toBe(1000);
    while (clock.fireNext(Infinity));
    expect(fired.length).toBe(1000);
    expect(fired).toEqual(fired.toSorted((a, b) => a - b));
    clock.setTimer(3, () => fired.push(-1));
    clock.clearAll();
    expect([clock.pendingTimers, clock.fireNext(Infinity)]).toEqual([0, false]);
  });
});

describe('the leak check', () => {
  test('names what is alive more, or less, than before', async () => {
    const time = new VirtualTime();
    const check = leakCheck();
    const before = liveCounts();
    const root = await time.run(start(() => new Ticker(time), time.options));
    expect(check).toThrow('left alive: 1 thread, 1 task, 1 timer');
    const later = leakCheck();
    await time.run(root.stop());
    check();
    expect(later).toThrow('-1 threads');
    expect(liveCounts()).toEqual(before);
  });
});

test.each<[string, object]>([
  ['options.autojump', { autojump: 'yes' }],
  ['options.holds', { holds: 3 }],
  ['options.hold', { hold: true }],
])('with %s that means nothing there is no virtual time', (field, options) => {
  expect(() => new VirtualTime(options)).toThrow(field);
});

test('a hold has a name, by which it is told', async () => {
  const time = new VirtualTime();
  expect(() => time.hold('')).toThrow('what must be a text');
  await expect(time.outside(undefined as never, Promise.resolve())).rejects.toThrow('what must be a text');
});

test('a hold that nobody releases is told by name, once', async () => {
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  let passed = 0;
  const clock = jest.spyOn(realClock, 'now').mockImplementation(() => (passed += 1000));
  const time = new VirtualTime();
  const release = time.hold('a socket');
  let over = false;
  const waiting = time.run(
    new Promise<void>((resolve) => {
      time.clock.setTimer(1, () => {
        over = true;
        resolve();
      });
    }),
  );
  const aMoment = (): Promise<void> => new Promise((resolve) => realClock.setTimer(1, resolve));
  for (let left = 500; left > 0 && warned.mock.calls.length === 0; left--) await aMoment();
  expect(over).toBe(false);
  for (let left = 20; left > 0; left--) await aMoment();
  expect(warned.mock.calls.map(([text]) => text)).toEqual([
    'virtual time has not moved for 5 s, because this is awaited: a socket (what hold gives releases it)',
  ]);
  release();
  await waiting;
  clock.mockRestore();
  warned.mockRestore();
});
