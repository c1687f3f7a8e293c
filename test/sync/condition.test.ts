import { Condition, InvalidOptionError, Lock, NotOwnerError, RLock } from '../../src/index.ts';
import { checkExecutions, Execution, seen, time, watch, words } from './execution.ts';

checkExecutions();

/** An execution that has the lock, waits, and gives the lock back when it goes on or is cut short. */
async function waiter(name: string, condition: Condition, me = new Execution()): Promise<void> {
  using _guard = await condition.acquire(me);
  try {
    await condition.wait(me);
    words.push(name);
  } catch (error) {
    words.push(`${name} ${(error as { code?: string }).code ?? ''}, holding ${condition.lock.locked}`);
    throw error;
  }
}

function notify(condition: Condition, count?: number): void {
  const me = new Execution();
  using _guard = condition.tryAcquire(me);
  condition.notify(count, me);
}

describe.each([
  ['a condition', () => new Condition()],
  ['a condition with a re-entrant lock', () => new Condition(new RLock())],
])('%s', (_name, make) => {
  test('wait gives the lock up, and has it again when it is notified', async () => {
    const condition = make();
    const waiting = waiter('a', condition);
    await time().settle();
    expect(condition.snapshot()).toMatchObject({ waiting: 1, lock: { locked: false } });
    const me = new Execution();
    const guard = condition.tryAcquire(me);
    condition.notify(1, me);
    expect(condition.snapshot()).toMatchObject({ waiting: 0, lock: { locked: true, waiting: 1 } });
    expect(await seen()).toEqual([]);
    guard?.release();
    await waiting;
    expect([await seen(), condition.lock.locked]).toEqual([['a'], false]);
  });

  test('notify wakes so many, those that have waited longest; notifyAll all', async () => {
    const condition = make();
    const all = ['a', 'b', 'c', 'd', 'e'].map((name) => waiter(name, condition));
    await time().settle();
    notify(condition);
    expect(await seen()).toEqual(['a']);
    notify(condition, 0);
    expect(await seen()).toEqual([]);
    notify(condition, 2);
    expect(await seen()).toEqual(['b', 'c']);
    const me = new Execution();
    const guard = condition.tryAcquire(me);
    condition.notifyAll(me);
    guard?.release();
    await Promise.all(all);
    expect(await seen()).toEqual(['d', 'e']);
  });

  test('a notify that nobody waits for is forgotten', async () => {
    const condition = make();
    notify(condition, 5);
    const late = new Execution();
    const waiting = waiter('late', condition, late).catch(() => {});
    expect(await seen()).toEqual([]);
    late.cancel();
    await waiting;
    expect(await seen()).toEqual(['late TT_CANCELLED, holding true']);
  });

  test('a cancelled wait takes no notify, and holds the lock again before it throws', async () => {
    const condition = make();
    const gone = new Execution();
    const waits = [waiter('gone', condition, gone).catch(() => {}), waiter('next', condition)];
    await time().settle();
    const me = new Execution();
    const guard = condition.tryAcquire(me);
    gone.cancel();
    // It waits for the lock before it may throw, and nothing but the lock helps.
    gone.cancel();
    condition.notify(1, me);
    expect([await seen(), condition.snapshot().waiting]).toEqual([[], 0]);
    guard?.release();
    await Promise.all(waits);
    expect([await seen(), condition.lock.locked]).toEqual([['gone TT_CANCELLED, holding true', 'next'], false]);
  });

  test('a wait that was notified before the cancel returns with the lock, and the next one throws', async () => {
    const condition = make();
    const me = new Execution();
    const other = new Execution();
    const twice = async () => {
      using _guard = await condition.acquire(me);
      await condition.wait(me);
      words.push(`notified, holding ${condition.lock.locked}`);
      await condition.wait(me);
    };
    watch('second wait', twice());
    await time().settle();
    const guard = condition.tryAcquire(other);
    condition.notify(1, other);
    me.cancel();
    guard?.release();
    expect([await seen(), condition.lock.locked]).toEqual([
      ['notified, holding true', 'second wait TT_CANCELLED'],
      false,
    ]);
  });

  test('a wait whose time limit passes holds the lock again too, and leaves no timer', async () => {
    const condition = make();
    const me = new Execution({ timeoutMs: 20 });
    const waiting = waiter('a', condition, me).catch(() => {});
    await time().advance(20);
    await waiting;
    expect([await seen(), time().clock.pendingTimers, condition.lock.locked]).toEqual([
      ['a TT_CANCELLED, holding true'],
      0,
      false,
    ]);
  });

  test('the end of the thread ends a wait at once, and the dead are given no lock', async () => {
    const condition = make();
    const [waits, wasNotified, holder] = [new Execution(), new Execution(), new Execution()];
    const both = [waiter('waits', condition, waits), waiter('notified', condition, wasNotified)];
    await time().settle();
    const guard = condition.tryAcquire(holder);
    for (const wait of both) void wait.catch(() => {});
    waits.end();
    condition.notify(1, holder);
    wasNotified.end();
    expect((await seen()).map((word) => word.split(',')[0])).toEqual(['waits ', 'notified ']);
    guard?.release();
    expect([condition.lock.locked, condition.snapshot().waiting]).toEqual([false, 0]);
    // A free lock is no reason either.
    const last = new Execution();
    const third = waiter('third', condition, last).catch(() => {});
    await time().settle();
    last.end();
    await third;
    expect([(await seen()).length, condition.lock.locked]).toEqual([1, false]);
  });

  test('wait, waitFor, notify and notifyAll are errors where the lock is not held', async () => {
    const condition = make();
    const me = new Execution();
    watch('wait', condition.wait(me));
    watch(
      'waitFor',
      condition.waitFor(() => true, me),
    );
    expect(await seen()).toEqual(['wait TT_NOT_OWNER', 'waitFor TT_NOT_OWNER']);
    expect(() => condition.notify(1, me)).toThrow(NotOwnerError);
    expect(() => condition.notifyAll(me)).toThrow(
      'condition.notifyAll is only for who holds the lock, and nobody holds it',
    );
  });

  test('waitFor gives the value of the predicate, and looks again when it is notified', async () => {
    const condition = make();
    const items: string[] = [];
    const take = async (me: Execution) => {
      using _guard = await condition.acquire(me);
      return await condition.waitFor(() => items.pop(), me);
    };
    watch('a', take(new Execution()));
    await time().settle();
    notify(condition);
    expect(await seen()).toEqual([]);
    items.push('item');
    notify(condition);
    expect(await seen()).toEqual(['a item']);
    items.push('there');
    watch('b', take(new Execution()));
    expect(await seen()).toEqual(['b there']);
  });

  test('waitFor throws in a cancelled scope, also when the predicate is true already', async () => {
    const condition = make();
    const me = new Execution();
    using _guard = await condition.acquire(me);
    me.cancel();
    watch(
      'waitFor',
      condition.waitFor(() => true, me),
    );
    watch('wait', condition.wait(me));
    expect([await seen(), condition.lock.locked]).toEqual([['waitFor TT_CANCELLED', 'wait TT_CANCELLED'], true]);
  });

  test('what a predicate throws comes out, with the lock held', async () => {
    const condition = make();
    const me = new Execution();
    using _guard = await condition.acquire(me);
    const broken = () => {
      throw new Error('broken');
    };
    watch('waitFor', condition.waitFor(broken, me));
    expect([await seen(), condition.lock.locked]).toEqual([['waitFor broken'], true]);
  });

  test('a predicate that gives a promise is refused, which would be true whatever it comes to', async () => {
    const condition = make();
    const me = new Execution();
    using _guard = await condition.acquire(me);
    const promises = [() => Promise.resolve(false), () => Promise.reject(new Error('beside the point'))];
    for (const predicate of promises) {
      const error = await condition.waitFor(predicate, me).catch((reason) => reason);
      expect(error).toBeInstanceOf(InvalidOptionError);
      expect(error).toMatchObject({ field: 'predicate()', value: expect.any(Promise) });
      expect(condition.lock.locked).toBe(true);
    }
  });

  test('a cancelled wait that nobody awaits is no unhandled rejection', async () => {
    const condition = make();
    const me = new Execution();
    await condition.acquire(me);
    void condition.wait(me);
    me.cancel();
    void condition.waitFor(() => false, me);
    await time().settle();
    expect(condition.lock.locked).toBe(true);
  });

  test.each([-1, 1.5])('refuses to notify %p', (count) => {
    expect(() => make().notify(count, new Execution())).toThrow(InvalidOptionError);
  });
});

test('several conditions may share one lock', async () => {
  const lock = new Lock();
  const [notEmpty, notFull] = [new Condition(lock), new Condition(lock)];
  const waits = [waiter('not empty', notEmpty), waiter('not full', notFull)];
  await time().settle();
  notify(notFull);
  expect(await seen()).toEqual(['not full']);
  notify(notEmpty);
  await Promise.all(waits);
  expect([await seen(), notEmpty.lock]).toEqual([['not empty'], notFull.lock]);
});

test('with a re-entrant lock all acquires of the owner are given up, and are there again', async () => {
  const lock = new RLock();
  const condition = new Condition(lock);
  const me = new Execution();
  const guards = [await lock.acquire(me), await lock.acquire(me)];
  watch('wait', condition.wait(me));
  expect(lock.locked).toBe(false);
  notify(condition);
  expect([await seen(), lock.snapshot().depth]).toEqual([['wait'], 2]);
  guards[1]?.release();
  expect(lock.locked).toBe(true);
  guards[0]?.release();
  expect(lock.locked).toBe(false);
});

test('guards that are disposed of while their owner waits are not there when it comes back', async () => {
  const lock = new RLock();
  const condition = new Condition(lock);
  const me = new Execution();
  const guards = [await lock.acquire(me), await lock.acquire(me)];
  watch('wait', condition.wait(me));
  guards[1]?.release();
  notify(condition);
  expect([await seen(), lock.snapshot().depth]).toEqual([['wait'], 1]);
  watch('again', condition.wait(me));
  guards[0]?.release();
  notify(condition);
  expect([await seen(), lock.locked]).toEqual([['again'], false]);
});

test('a re-entrant lock is checked for its owner, not only for being held', async () => {
  const condition = new Condition(new RLock());
  const [me, other] = [new Execution(), new Execution()];
  using _guard = await condition.acquire(me);
  expect(() => condition.notify(1, other)).toThrow(NotOwnerError);
  watch('wait', condition.wait(other));
  expect(await seen()).toEqual(['wait TT_NOT_OWNER']);
  expect(() => condition.release(other)).toThrow(NotOwnerError);
});

test('a condition needs a lock of ours', () => {
  expect(() => new Condition({} as Lock)).toThrow(InvalidOptionError);
});
