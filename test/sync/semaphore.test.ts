import { BoundedSemaphore, InvalidOptionError, OverReleasedError, Semaphore } from '../../src/index.ts';
import { checkExecutions, Execution, seen, watch, words } from './execution.ts';

checkExecutions();

describe.each([
  ['a semaphore', (value?: number) => new Semaphore(value)],
  ['a bounded semaphore', (value?: number) => new BoundedSemaphore(value)],
])('%s', (_name, make) => {
  test('lets as many in as its value says, the others in the order of arrival', async () => {
    const semaphore = make(2);
    let [inside, most] = [0, 0];
    const work = async (name: string) => {
      using _permit = await semaphore.acquire(new Execution());
      words.push(name);
      most = Math.max(most, ++inside);
      await Promise.resolve();
      inside--;
    };
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map(work));
    expect([await seen(), most, semaphore.value]).toEqual([['a', 'b', 'c', 'd', 'e'], 2, 2]);
  });

  test('has one permit by default', () => {
    expect(make().snapshot()).toEqual({ value: 1, waiting: 0 });
  });

  test('hands a permit on in the release itself, so that nobody overtakes who waits', async () => {
    const semaphore = make(1);
    const permit = await semaphore.acquire(new Execution());
    watch('waiter', semaphore.acquire(new Execution()));
    permit.release();
    expect([semaphore.value, semaphore.tryAcquire()]).toEqual([0, undefined]);
    expect(await seen()).toEqual(['waiter']);
  });

  test('a cancelled waiter is skipped', async () => {
    const semaphore = make(1);
    const permit = semaphore.tryAcquire();
    const gone = new Execution();
    watch('gone', semaphore.acquire(gone));
    watch('next', semaphore.acquire(new Execution()));
    gone.cancel();
    permit?.release();
    expect((await seen()).toSorted()).toEqual(['gone TT_CANCELLED', 'next']);
  });

  test('a guard gives its permit back once', async () => {
    const semaphore = make(3);
    const permit = await semaphore.acquire(new Execution());
    semaphore.tryAcquire();
    permit.release();
    permit.release();
    permit[Symbol.dispose]();
    expect(semaphore.value).toBe(2);
  });

  test('holding gives the permit back however the work ends', async () => {
    const semaphore = make(1);
    const failing = semaphore.holding(() => {
      throw new Error(`in the work, ${semaphore.value} left`);
    }, new Execution());
    watch('work', failing);
    expect([await seen(), semaphore.value]).toEqual([['work in the work, 0 left'], 1]);
  });

  test.each([-1, 0.5, Number.NaN, '1' as never])('refuses to begin with %p', (value) => {
    expect(() => make(value)).toThrow(InvalidOptionError);
  });
});

test('a semaphore may be released more often than it was acquired: that adds permits', async () => {
  const semaphore = new Semaphore(0);
  watch('first', semaphore.acquire(new Execution()));
  semaphore.release();
  semaphore.release();
  expect([await seen(), semaphore.value]).toEqual([['first'], 1]);
});

test('a bounded semaphore may not', () => {
  const semaphore = new BoundedSemaphore(2);
  semaphore.tryAcquire();
  semaphore.release();
  expect(() => semaphore.release()).toThrow(OverReleasedError);
  expect(() => semaphore.release()).toThrow('all of its 2 permits are there');
  expect(semaphore.value).toBe(2);
});
