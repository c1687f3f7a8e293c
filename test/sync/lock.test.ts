import { Lock, NotOwnerError, OverReleasedError, RLock } from '../../src/index.ts';
import { runInScope } from '../../src/kernel/ambient.ts';
import { checkExecutions, Execution, seen, time, watch, words } from './execution.ts';

checkExecutions();

describe.each([
  ['a lock', () => new Lock()],
  ['a re-entrant lock', () => new RLock()],
])('%s', (_name, make) => {
  test('is held by one at a time, and handed over in the order of arrival', async () => {
    const lock = make();
    let inside = 0;
    const work = async (name: string) => {
      using _guard = await lock.acquire(new Execution());
      words.push(`${name} in ${++inside}`);
      await Promise.resolve();
      inside--;
    };
    await Promise.all(['a', 'b', 'c'].map(work));
    expect([await seen(), lock.locked]).toEqual([['a in 1', 'b in 1', 'c in 1'], false]);
  });

  test('is handed on in the release itself, so that nobody overtakes who waits', async () => {
    const lock = make();
    const guard = await lock.acquire(new Execution());
    const waiter = new Execution();
    watch('waiter', lock.acquire(waiter));
    guard.release();
    expect([lock.locked, lock.tryAcquire(new Execution())]).toEqual([true, undefined]);
    watch('later', lock.acquire(new Execution({ timeoutMs: 5 })));
    expect(await seen()).toEqual(['waiter']);
    await time().advance(5);
    expect(await seen()).toEqual(['later TT_CANCELLED']);
  });

  test('a cancelled waiter is skipped', async () => {
    const lock = make();
    const guard = await lock.acquire(new Execution());
    const gone = new Execution();
    watch('gone', lock.acquire(gone));
    watch('next', lock.acquire(new Execution()));
    gone.cancel();
    guard.release();
    expect((await seen()).toSorted()).toEqual(['gone TT_CANCELLED', 'next']);
  });

  test('is released however the block is left', async () => {
    const lock = make();
    const failing = async () => {
      using _guard = await lock.acquire(new Execution());
      throw new Error('in the block');
    };
    watch('block', failing());
    watch(
      'callback',
      lock.holding(() => {
        throw new Error('in the work');
      }, new Execution()),
    );
    expect([await seen(), lock.locked]).toEqual([['block in the block', 'callback in the work'], false]);
  });

  test('holding runs the work with the lock held, and gives its value', async () => {
    const lock = make();
    const me = new Execution();
    const held = await lock.holding(async () => {
      await Promise.resolve();
      return lock.locked;
    }, me);
    expect([held, lock.locked]).toEqual([true, false]);
  });

  test('a guard gives back once, and never what another one holds', async () => {
    const lock = make();
    const first = await lock.acquire(new Execution());
    watch('second', lock.acquire(new Execution()));
    first.release();
    first.release();
    first[Symbol.dispose]();
    expect([await seen(), lock.locked]).toEqual([['second'], true]);
  });

  test('tryAcquire gives it when it is free, and else undefined', () => {
    const lock = make();
    const guard = lock.tryAcquire(new Execution());
    expect([lock.locked, lock.tryAcquire(new Execution())]).toEqual([true, undefined]);
    guard?.release();
    expect(lock.locked).toBe(false);
  });

  test('to release one that nobody holds is an error', async () => {
    const lock = make();
    const me = new Execution();
    expect(() => lock.release(me)).toThrow(OverReleasedError);
    const guard = await lock.acquire(me);
    lock.release(me);
    expect(() => lock.release(me)).toThrow('once too often: nobody holds the lock');
    // Its guard is done with, also when the lock is another's by now.
    lock.tryAcquire(new Execution());
    guard.release();
    expect(lock.locked).toBe(true);
  });

  test('says who holds it, for how long and how many wait', async () => {
    const lock = make();
    const none = { locked: false, heldBy: undefined, heldForMs: undefined, holderEnded: false, depth: 0, waiting: 0 };
    expect(lock.snapshot()).toEqual(none);
    const guard = await lock.acquire(new Execution());
    const waiter = new Execution();
    watch('waiter', lock.acquire(waiter));
    await time().advance(30);
    const held = { locked: true, heldBy: 'a cancel scope', heldForMs: 30, holderEnded: false, depth: 1, waiting: 1 };
    expect(lock.snapshot()).toEqual(held);
    guard.release();
    await time().settle();
    expect(lock.snapshot()).toMatchObject({ heldForMs: 0, waiting: 0 });
    expect(await seen()).toEqual(['waiter']);
  });

  test('stays locked when its holder ends without releasing, and says so', async () => {
    const lock = make();
    const holder = new Execution();
    const guard = await lock.acquire(holder);
    holder.end();
    expect(lock.snapshot()).toMatchObject({ locked: true, holderEnded: true });
    // The guard is good all the same: its code may still run, or have handed it on.
    guard.release();
    expect(lock.snapshot()).toMatchObject({ locked: false, holderEnded: false });
  });
});

describe('a lock', () => {
  test('may be released by another execution than the one that acquired', async () => {
    const lock = new Lock();
    await lock.acquire(new Execution());
    watch('next', lock.acquire(new Execution()));
    lock.release();
    expect(await seen()).toEqual(['next']);
  });

  test('acquired twice by one execution makes it wait for itself, until its time limit', async () => {
    const lock = new Lock();
    const me = new Execution();
    await lock.acquire(me);
    const limited = new Execution({ outer: me.scope, timeoutMs: 10 });
    watch('again', lock.acquire(limited));
    await time().advance(10);
    expect(await seen()).toEqual(['again TT_CANCELLED']);
  });

  test('that was acquired without a scope is held by somebody', () => {
    const lock = new Lock();
    lock.tryAcquire();
    expect(lock.snapshot()).toMatchObject({ locked: true, heldBy: undefined, heldForMs: undefined, depth: 1 });
  });
});

describe('a re-entrant lock', () => {
  test('may be acquired again by its owner, and is free after as many releases', async () => {
    const lock = new RLock();
    const me = new Execution();
    const guards = [await lock.acquire(me), await lock.acquire(me), lock.tryAcquire(me)];
    watch('other', lock.acquire(new Execution()));
    expect(lock.snapshot()).toMatchObject({ depth: 3, waiting: 1 });
    lock.release(me);
    guards[0]?.release();
    expect([await seen(), lock.snapshot().depth]).toEqual([[], 1]);
    guards[1]?.release();
    expect([await seen(), lock.snapshot().depth]).toEqual([['other'], 1]);
    for (const guard of guards) guard?.release();
    expect(lock.locked).toBe(true);
  });

  test('knows its owner in the scopes that it makes inside itself', async () => {
    const lock = new RLock();
    const me = new Execution();
    await lock.acquire(me);
    const inner = new Execution({ outer: me.scope, timeoutMs: 10 });
    using _again = await lock.acquire(inner);
    expect(lock.snapshot().depth).toBe(2);
    inner.scope.close();
  });

  test('is released by its owner only', async () => {
    const lock = new RLock();
    const [me, other] = [new Execution(), new Execution()];
    await lock.acquire(me);
    expect(() => lock.release(other)).toThrow(NotOwnerError);
    expect(() => lock.release(other)).toThrow(
      'rlock.release is only for who holds the lock, and a cancel scope holds it',
    );
    expect(() => runInScope(other.scope, () => lock.release())).toThrow(NotOwnerError);
    expect(lock.locked).toBe(true);
    runInScope(me.scope, () => lock.release());
    expect(lock.locked).toBe(false);
  });

  test('needs to know who says it', () => {
    const lock = new RLock();
    expect(() => lock.release()).toThrow('rlock.release does not know whose wait it is');
    expect(() => lock.tryAcquire()).toThrow('rlock.tryAcquire does not know whose wait it is');
  });

  test('a cancelled acquire of its owner leaves what it held', async () => {
    const lock = new RLock();
    const me = new Execution();
    await lock.acquire(me);
    me.cancel();
    watch('again', lock.acquire(me));
    expect([await seen(), lock.snapshot().depth]).toEqual([['again TT_CANCELLED'], 1]);
  });
});
