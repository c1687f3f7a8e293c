/** Virtual time: a clock that stands still until it is moved, and a tree that lives by it (law 20). */
import { start, TaskThread, type TaskTurn } from '../../src/index.ts';
import { leakCheck, liveCounts, VirtualClock, VirtualTime } from '../../src/testing/index.ts';

class Ticker extends TaskThread {
  readonly ticks: number[] = [];
  readonly #time: VirtualTime;

  constructor(time: VirtualTime) {
    super();
    this.#time = time;
  }

  protected override enter(): void {
    this.tasks.reCreate('tick', (turn: TaskTurn) => {
      this.ticks.push(this.#time.now);
      return turn.reSchedule({ afterMs: 10 });
    });
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
    await time.advance(10 * 60_000);
    expect([ticker.ticks.length, time.now]).toEqual([60_004, 601_035]);
    await time.run(root.stop());
    check();
  });

  test('run jumps to the next timer until the promise has settled', async () => {
    const time = new VirtualTime();
    const root = await time.run(start(() => new Ticker(time), time.options));
    let late = false;
    time.clock.setTimer(3_600_000, () => {
      late = true;
      void root.stop();
    });
    await time.run(root.join());
    expect([late, time.now]).toEqual([true, 3_601_000]);
  });

  test('run gives a rejection on', async () => {
    const time = new VirtualTime();
    await expect(time.run(Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  test('run says so when no timer can bring what is waited for', async () => {
    const time = new VirtualTime();
    await expect(time.run(new Promise(() => {}))).rejects.toThrow('virtual time stands still');
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

describe('the leak check', () => {
  test('names what is alive more, or less, than before', async () => {
    const time = new VirtualTime();
    const check = leakCheck();
    const before = liveCounts();
    const root = await time.run(start(() => new Ticker(time), time.options));
    expect(check).toThrow('left alive: 1 threads, 1 tasks, 1 timers');
    const later = leakCheck();
    await time.run(root.stop());
    check();
    expect(later).toThrow('-1 threads');
    expect(liveCounts()).toEqual(before);
  });
});
