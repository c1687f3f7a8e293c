import { type Clock, realClock } from '../../src/kernel/clock.ts';
import { leakCheck, liveCounts, VirtualClock } from '../../src/testing/index.ts';

const LONGEST_NODE_DELAY = 2 ** 31 - 1;
let leaks: () => void;

beforeEach(() => {
  leaks = leakCheck();
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'performance', 'Date'] });
});

afterEach(() => {
  jest.useRealTimers();
  leaks();
});

/** Each clock with the word that lets time pass for it. */
function clocks(): [string, Clock, (ms: number) => void][] {
  const virtual = new VirtualClock();
  const advance = (ms: number): void => {
    const until = virtual.now() + ms;
    while (virtual.fireNext(until));
    virtual.moveTo(until);
  };
  return [
    ['the real clock', realClock, (ms) => jest.advanceTimersByTime(ms)],
    ['the virtual clock', virtual, advance],
  ];
}

describe.each(clocks())('%s', (_, clock, advance) => {
  test('calls back once, when the delay is over and not before', () => {
    const fired: string[] = [];
    clock.setTimer(10, () => fired.push('ten'));
    advance(9);
    expect(fired).toEqual([]);
    advance(1);
    expect(fired).toEqual(['ten']);
    advance(1000);
    expect(fired).toEqual(['ten']);
  });

  test('fires timers in the order of their moments, those of one moment in the order set', () => {
    const fired: string[] = [];
    for (const [ms, name] of [
      [5, 'b'],
      [1, 'a'],
      [5, 'c'],
      [0, 'now'],
    ] as const)
      clock.setTimer(ms, () => fired.push(name));
    advance(5);
    // Node sets a delay of 0 to 1 ms, so it is only promised to come before what is later than that.
    expect(fired.slice(2)).toEqual(['b', 'c']);
    expect(fired.slice(0, 2).sort()).toEqual(['a', 'now']);
  });

  test.each([LONGEST_NODE_DELAY, LONGEST_NODE_DELAY + 1, 2 ** 31 * 3 + 7])('waits the whole of %d ms', (ms) => {
    let fired = 0;
    clock.setTimer(ms, () => fired++);
    advance(ms - 1);
    expect(fired).toBe(0);
    advance(1);
    expect(fired).toBe(1);
  });

  test('forgets a cleared timer, also in its later strides, and counts it once', () => {
    const before = liveCounts().timers;
    const timer = clock.setTimer(LONGEST_NODE_DELAY * 2, () => {
      throw new Error('a cleared timer fired');
    });
    advance(LONGEST_NODE_DELAY + 5);
    expect(liveCounts().timers - before).toBe(1);
    clock.clearTimer(timer);
    clock.clearTimer(timer);
    expect(liveCounts().timers - before).toBe(0);
    advance(LONGEST_NODE_DELAY * 3);
  });

  test('does nothing when a timer that has fired is cleared, also from its own callback', () => {
    const before = liveCounts().timers;
    const seen: number[] = [];
    const timer = clock.setTimer(1, () => {
      seen.push(liveCounts().timers - before);
      clock.clearTimer(timer);
    });
    advance(1);
    clock.clearTimer(timer);
    expect([...seen, liveCounts().timers - before]).toEqual([0, 0]);
  });

  test('leaves the timers of another clock alone', () => {
    clock.clearTimer({});
    expect(liveCounts().timers).toBeGreaterThanOrEqual(0);
  });
});

test('the real clock is monotonic, and tells the time of the machine', () => {
  const first = realClock.now();
  expect(realClock.now()).toBeGreaterThanOrEqual(first);
  expect(Math.abs(realClock.epochNow() - Date.now())).toBeLessThan(5000);
});
