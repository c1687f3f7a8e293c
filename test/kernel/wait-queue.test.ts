import fc from 'fast-check';
import { CancelScope } from '../../src/kernel/cancel-scope.ts';
import { type Host, makeHost } from '../../src/kernel/host.ts';
import { type BegunWait, LoopScheduler, type Settling } from '../../src/kernel/scheduler.ts';
import { failing, rejected, sleep, type Waiter, WaitQueue } from '../../src/kernel/wait-queue.ts';
import { leakCheck, liveCounts, type VirtualTime } from '../../src/testing/index.ts';
import { HandClock } from './hand-clock.ts';
import { countMembers, microtasks, outcomeOf, ToldOwner, virtualHost } from './virtual-host.ts';

const stop = new Error('stop');
let leaks: () => void;
let host: Host;
let time: VirtualTime;
let owner: ToldOwner;

beforeEach(() => {
  leaks = leakCheck();
  ({ host, time } = virtualHost());
  owner = new ToldOwner();
});

afterEach(async () => {
  await microtasks();
  leaks();
});

function waiters(): number {
  return liveCounts().waiters;
}

describe('a line of waiters', () => {
  test('wakes first who came first, with what it is handed', async () => {
    const line = new WaitQueue();
    const order: string[] = [];
    for (const name of ['a', 'b', 'c']) void line.park(owner).then((value) => order.push(`${name} ${String(value)}`));
    expect([line.wakeFirst(1), line.wakeFirst(2), line.wakeFirst(3), line.wakeFirst(4)]).toEqual([
      true,
      true,
      true,
      false,
    ]);
    await microtasks();
    expect(order).toEqual(['a 1', 'b 2', 'c 3']);
  });

  test.each([
    ['the first', 'a', ['b', 'c', 'd']],
    ['one in the middle', 'b', ['a', 'c', 'd']],
    ['the last', 'c', ['a', 'b', 'd']],
  ])('knows its order also when %s has left', async (_which, leaves, left) => {
    const line = new WaitQueue();
    const order: string[] = [];
    const scopes = ['a', 'b', 'c'].map((name) => {
      const scope = new CancelScope(host);
      void line.park(owner, { scope }).then(
        () => order.push(name),
        () => {},
      );
      return { name, scope };
    });
    scopes.find(({ name }) => name === leaves)?.scope.cancel(stop);
    void line.park(owner).then(() => order.push('d'));
    expect([line.wakeFirst(), line.wakeFirst(), line.wakeFirst(), line.wakeFirst()]).toEqual([true, true, true, false]);
    await microtasks();
    expect(order).toEqual(left);
  });

  test('wakes all in their order, but not those who park when they are woken', async () => {
    const line = new WaitQueue();
    const order: string[] = [];
    for (const name of ['a', 'b']) {
      void line.park(owner).then(() => {
        order.push(name);
        void line.park(owner).then(() => order.push(`${name} again`));
      });
    }
    line.wakeAll();
    await microtasks();
    expect([line.length, ...order]).toEqual([2, 'a', 'b']);
    line.wakeAll();
  });

  test('keeps its order when one in the middle leaves', async () => {
    const line = new WaitQueue();
    const scopes = [0, 1, 2, 3].map(() => new CancelScope(host));
    const outcomes = scopes.map((scope, item) => outcomeOf(line.park(owner, { scope, item })));
    for (const index of [1, 3, 0]) scopes[index]!.cancel(stop);
    expect([line.length, (line.first as Waiter).item, ...owner.cancelled]).toEqual([1, 2, 1, 3, 0]);
    line.wakeFirst('in time');
    await microtasks();
    expect(outcomes.map(({ word }) => word)).toEqual(['stop', 'stop', 'woken in time', 'stop']);
  });

  test('says what is waited on, for whom and since when', async () => {
    await time.advance(500);
    const line = new WaitQueue();
    const by = { what: 'task read' };
    const waiter = line.parkWaiter(owner, { scope: new CancelScope(host), item: 'x', by });
    expect(waiter.owner.describeWait(waiter)).toBe('wait of x');
    expect([waiter.by, waiter.since, waiter.parked]).toEqual([by, time.now, true]);
    waiter.wake();
    expect(waiter.parked).toBe(false);
  });

  test('fails all, and refuses all', async () => {
    const line = new WaitQueue();
    const failed = [1, 2].map(() => outcomeOf(line.park(owner)));
    line.failAll(new Error('broken'));
    const refused = [1, 2].map(() => outcomeOf(line.park(owner)));
    line.refuseAll(new Error('closed'));
    await microtasks();
    expect([...failed, ...refused].map(({ word }) => word)).toEqual(['broken', 'broken', 'closed', 'closed']);
  });
});

describe('a parked wait', () => {
  test('that was woken cannot be cancelled any more: the hand-over stands', async () => {
    const line = new WaitQueue();
    const scope = new CancelScope(host);
    const outcome = outcomeOf(line.park(owner, { scope, item: 'x' }));
    line.wakeFirst('mine');
    scope.cancel(stop);
    await microtasks();
    expect([outcome.word, owner.cancelled.length]).toEqual(['woken mine', 0]);
    await expect(line.park(owner, { scope })).rejects.toBe(stop);
  });

  test('that was cancelled is not in the line, and is handed nothing', async () => {
    const line = new WaitQueue();
    const scope = new CancelScope(host);
    const cancelled = outcomeOf(line.park(owner, { scope, item: 'x' }));
    const next = outcomeOf(line.park(owner));
    scope.cancel(stop);
    expect(line.wakeFirst('handed')).toBe(true);
    await microtasks();
    expect([cancelled.word, next.word]).toEqual(['stop', 'woken handed']);
  });

  test('has left the line, the scope and the count before its owner hears of the cancel', () => {
    const line = new WaitQueue();
    const scope = new CancelScope(host);
    const before = waiters();
    const seen: unknown[] = [];
    const watching = {
      describeWait: () => '',
      waitCancelled: (waiter: Waiter) => seen.push(waiter.parked, line.length, countMembers(scope), waiters() - before),
    };
    void line.park(watching, { scope });
    scope.cancel(stop);
    expect(seen).toEqual([false, 0, 0, 0]);
  });

  test('ends once: what comes later means nothing', async () => {
    const line = new WaitQueue();
    const before = waiters();
    const woken = line.parkWaiter(owner, {});
    const failed = line.parkWaiter(owner, {});
    const outcomes = [outcomeOf(woken.promise), outcomeOf(failed.promise)];
    for (const waiter of [woken, failed]) {
      if (waiter === woken) waiter.wake('first');
      waiter.fail(new Error('failed'));
      waiter.refuse(new Error('refused'));
      waiter.wake('late');
      waiter.reached('cancelled', stop);
    }
    line.remove(woken);
    await microtasks();
    expect(outcomes.map(({ word }) => word)).toEqual(['woken first', 'failed']);
    expect([waiters() - before, line.length, owner.cancelled.length]).toEqual([0, 0, 0]);
  });

  test('is nothing at all in a scope that refuses', async () => {
    const line = new WaitQueue();
    const scope = new CancelScope(host);
    scope.cancel(stop);
    const before = waiters();
    await expect(line.park(owner, { scope })).rejects.toBe(stop);
    expect([line.length, waiters() - before, countMembers(scope), owner.cancelled.length]).toEqual([0, 0, 0, 0]);
  });

  test('is no unhandled rejection when it is cancelled, refused or not begun, and nobody looks', async () => {
    const line = new WaitQueue();
    const scope = new CancelScope(host);
    void line.park(owner, { scope });
    void sleep(10, scope);
    scope.cancel(stop);
    void line.park(owner, { scope });
    void line.park(owner);
    line.refuseAll(new Error('over'));
    void rejected(new Error('over'), undefined);
    // The test runner fails this test when one of them is unhandled.
    await microtasks();
    await microtasks();
    expect(line.length).toBe(0);
  });

  test('behaves as a model does, over random parking, waking and cancelling', async () => {
    type Step =
      | readonly ['park', boolean]
      | readonly ['wake']
      | readonly ['cancel', number]
      | readonly ['intake', number];
    const steps = fc.array(
      fc.oneof<fc.Arbitrary<Step>[]>(
        fc.tuple(fc.constant('park' as const), fc.boolean()),
        fc.tuple(fc.constant('wake' as const)),
        fc.tuple(fc.constant('cancel' as const), fc.nat(20)),
        fc.tuple(fc.constant('intake' as const), fc.nat(20)),
      ),
      { maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (path) => {
        const [line, owned, before] = [new WaitQueue(), new ToldOwner(), waiters()];
        const all: { scope: CancelScope; source: boolean; outcome: { word: string }; expected: string }[] = [];
        const waiting = () => all.filter(({ expected }) => expected === 'waiting');
        for (const [word, what] of path) {
          if (word === 'park') {
            const [scope, source, item] = [new CancelScope(host), what, all.length];
            all.push({
              scope,
              source,
              outcome: outcomeOf(line.park(owned, { scope, source, item })),
              expected: 'waiting',
            });
          } else if (word === 'wake') {
            const first = waiting()[0];
            expect(line.wakeFirst(all.length)).toBe(first !== undefined);
            if (first !== undefined) first.expected = `woken ${all.length}`;
          } else {
            const one = all[what];
            if (one === undefined) continue;
            if (word === 'cancel') one.scope.cancel(stop);
            else one.scope.closeIntake(stop);
            if (one.expected === 'waiting' && (word === 'cancel' || one.source)) one.expected = 'stop';
          }
          expect([line.length, waiters() - before]).toEqual([waiting().length, waiting().length]);
        }
        line.wakeAll('end');
        for (const one of waiting()) one.expected = 'woken end';
        await microtasks();
        expect(all.map(({ outcome }) => outcome.word)).toEqual(all.map(({ expected }) => expected));
        expect(owned.cancelled.length).toBe(all.filter(({ expected }) => expected === 'stop').length);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a refusal', () => {
  test('comes at once while the slice lasts, and after the event loop has had its turn when it is spent', async () => {
    const clock = new HandClock();
    const scheduler = new LoopScheduler(clock);
    const order: string[] = [];
    const refused = (name: string) => failing(stop, scheduler).catch(() => order.push(name));
    const quick = refused('quick');
    await Promise.resolve();
    await Promise.resolve();
    expect(order).toEqual(['quick']);
    clock.time += 4;
    const slow = refused('slow');
    setImmediate(() => order.push('immediate'));
    await Promise.all([quick, slow]);
    await microtasks();
    expect(order).toEqual(['quick', 'slow', 'immediate']);
    await microtasks();
  });

  test.each([
    ['sleep', (scope: CancelScope) => sleep(1000, scope)],
    ['park', (scope: CancelScope) => new WaitQueue().park(new ToldOwner(), { scope })],
  ])('of a %s, caught and tried again for ever, does not keep the event loop from its turn', async (_, word) => {
    const clock = new HandClock();
    clock.perReading = 0.1;
    const scope = new CancelScope(makeHost({ clock }));
    scope.cancel(stop);
    let [tries, trying] = [0, true];
    const stubborn = (async () => {
      while (trying && tries < 100_000) {
        tries++;
        await word(scope).catch(() => {});
      }
    })();
    // Both come only because the refusals let the event loop through.
    await new Promise((resolve) => setTimeout(resolve, 0));
    trying = false;
    await stubborn;
    expect(tries).toBeLessThan(100_000);
    await microtasks();
  });
});

describe('a sleep', () => {
  test('ends when its time is over and leaves no timer', async () => {
    const outcome = outcomeOf(sleep(10, new CancelScope(host)));
    await time.advance(9);
    expect(outcome.word).toBe('waiting');
    await time.advance(1);
    expect([outcome.word, time.clock.pendingTimers]).toEqual(['woken undefined', 0]);
  });

  test.each(['cancel', 'closeIntake', 'end'] as const)(
    'ends at once with the %s of its scope, and leaves no timer',
    async (word) => {
      const scope = new CancelScope(host);
      const outcome = outcomeOf(sleep(1e12, scope));
      scope[word](stop);
      await microtasks();
      expect([outcome.word, time.clock.pendingTimers]).toEqual(['stop', 0]);
      await expect(sleep(5, scope)).rejects.toBe(stop);
      expect(time.clock.pendingTimers).toBe(0);
    },
  );

  test('of 0 ms gives the event loop its turn', async () => {
    const order: string[] = [];
    const slept = sleep(0, new CancelScope(host)).then(() => order.push('slept'));
    await Promise.resolve();
    expect(order).toEqual([]);
    await slept;
    expect(order).toEqual(['slept']);
  });

  test('says how long it is', () => {
    const scope = new CancelScope(host);
    void sleep(250, scope);
    const [waiter] = [...scope.members()] as Waiter[];
    expect(waiter?.owner.describeWait(waiter)).toBe('sleep of 250 ms');
    scope.end(stop);
  });
});

describe('a scheduler that wants to know of waits', () => {
  /** Keeps what is to be settled until it is asked for. */
  class SettlingScheduler extends LoopScheduler {
    readonly begun: string[] = [];
    readonly settle: (() => void)[] = [];

    beginWait(wait: BegunWait): Settling {
      this.begun.push(wait.describe());
      return (settle) => this.settle.push(settle);
    }
  }

  test('is told of each that begins, in a scope or not, and settles it when it likes; the hand-over stands', async () => {
    const scheduler = new SettlingScheduler(time.clock);
    const own = makeHost({ clock: time.clock, scheduler });
    const scope = new CancelScope(own);
    const line = new WaitQueue();
    const first = outcomeOf(line.park(owner, { scope, item: 'a' }));
    const second = outcomeOf(line.park(owner, { scheduler, item: 'b' }));
    const third = outcomeOf(line.park(owner, { scope, item: 'c' }));
    expect(scheduler.begun).toEqual(['wait of a', 'wait of b', 'wait of c']);

    line.wakeFirst('handed over');
    line.wakeFirst('handed over too');
    // It was woken, so a cancel comes too late for it, however long it does not go on.
    scope.cancel(stop);
    await microtasks();
    expect([line.length, waiters(), countMembers(scope), owner.cancelled]).toEqual([0, 0, 0, ['c']]);
    expect([first.word, second.word, third.word]).toEqual(['waiting', 'waiting', 'waiting']);

    for (const settle of scheduler.settle.toReversed()) settle();
    await microtasks();
    expect([first.word, second.word, third.word]).toEqual(['woken handed over', 'woken handed over too', 'stop']);
  });
});
