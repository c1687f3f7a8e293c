import { InvalidOptionError, OverReleasedError, Queue, QueueClosedError } from '../../src/index.ts';
import { checkExecutions, Execution, seen, time, watch, words } from './execution.ts';

checkExecutions();

test('items are got in the order put', async () => {
  const queue = new Queue<number>();
  const me = new Execution();
  for (const item of [1, 2, 3]) await queue.put(item, me);
  expect([queue.size, queue.empty, queue.full]).toEqual([3, false, false]);
  expect([await queue.get(me), await queue.get(me), queue.tryGet(), queue.tryGet()]).toEqual([1, 2, 3, undefined]);
  expect([queue.size, queue.empty]).toEqual([0, true]);
});

test('getters wait, and are served in the order in which they came', async () => {
  const queue = new Queue<number>();
  for (const name of ['a', 'b', 'c']) watch(name, queue.get(new Execution()));
  expect(queue.snapshot()).toMatchObject({ getting: 3 });
  for (const item of [1, 2, 3]) watch(`put ${item}`, queue.put(item, new Execution()));
  expect(queue.size).toBe(0);
  expect((await seen()).toSorted()).toEqual(['a 1', 'b 2', 'c 3', 'put 1', 'put 2', 'put 3']);
});

test('a full queue makes putters wait, and lets them in in the order in which they came', async () => {
  const queue = new Queue<number>(2);
  for (const item of [1, 2, 3, 4]) watch(`put ${item}`, queue.put(item, new Execution()));
  expect([await seen(), queue.full, queue.tryPut(5)]).toEqual([['put 1', 'put 2'], true, false]);
  expect(queue.snapshot()).toEqual({
    size: 2,
    maxSize: 2,
    unfinished: 2,
    getting: 0,
    putting: 2,
    joining: 0,
    closed: false,
  });
  expect([queue.tryGet(), queue.size]).toEqual([1, 2]);
  expect([await seen(), queue.tryGet(), queue.tryGet(), queue.tryGet()]).toEqual([['put 3'], 2, 3, 4]);
  expect(await seen()).toEqual(['put 4']);
});

test('nobody overtakes: an item that was handed to a getter is no longer there for others', async () => {
  const queue = new Queue<string>();
  watch('waiting', queue.get(new Execution()));
  expect([queue.tryPut('first'), queue.tryGet()]).toEqual([true, undefined]);
  expect(await seen()).toEqual(['waiting first']);
});

test('a cancelled put put nothing, and a cancelled get took nothing', async () => {
  const queue = new Queue<number>(1);
  const me = new Execution();
  await queue.put(1, me);
  const gone = new Execution();
  watch('put 2', queue.put(2, gone));
  watch('put 3', queue.put(3, me));
  gone.cancel();
  expect([queue.tryGet(), queue.tryGet(), queue.tryGet()]).toEqual([1, 3, undefined]);
  const goneToo = new Execution();
  watch('get', queue.get(goneToo));
  watch('next', queue.get(me));
  goneToo.cancel();
  queue.tryPut(4);
  expect((await seen()).toSorted()).toEqual(['get TT_CANCELLED', 'next 4', 'put 2 TT_CANCELLED', 'put 3']);
  expect(queue.snapshot().unfinished).toBe(3);
});

test('join waits until taskDone was called for every item put', async () => {
  const queue = new Queue<number>();
  const me = new Execution();
  watch('join of nothing', queue.join(me));
  queue.tryPut(1);
  watch('get', queue.get(me));
  watch('get', queue.get(me));
  queue.tryPut(2);
  watch('join', queue.join(me));
  watch('join', queue.join(new Execution()));
  expect(await seen()).toEqual(['join of nothing', 'get 1', 'get 2']);
  queue.taskDone();
  expect([await seen(), queue.snapshot().unfinished]).toEqual([[], 1]);
  queue.taskDone();
  expect(await seen()).toEqual(['join', 'join']);
});

test('one taskDone too many is an error', () => {
  const queue = new Queue<number>();
  expect(() => queue.taskDone()).toThrow(OverReleasedError);
  queue.tryPut(1);
  queue.taskDone();
  expect(() => queue.taskDone()).toThrow('every item put is done');
});

test('an iteration gives one item after the other, and ends when the queue is closed and empty', async () => {
  const queue = new Queue<number>(2);
  const [producer, consumer] = [new Execution(), new Execution()];
  const produce = async () => {
    for (const item of [1, 2, 3, 4, 5]) await queue.put(item, producer);
    queue.close();
  };
  const consume = async () => {
    for await (const item of queue.items(consumer)) words.push(`${item}`);
    words.push('end');
  };
  await Promise.all([consume(), produce()]);
  expect(await seen()).toEqual(['1', '2', '3', '4', '5', 'end']);
});

test('several iterations share the items, and all of them end', async () => {
  const queue = new Queue<number>();
  const got: number[] = [];
  const consume = async (name: string) => {
    for await (const item of queue.items(new Execution())) got.push(item);
    words.push(name);
  };
  const consumers = ['a', 'b', 'c'].map(consume);
  for (const item of [1, 2, 3, 4, 5, 6, 7]) queue.tryPut(item);
  await time().settle();
  queue.close();
  await Promise.all(consumers);
  expect([got.toSorted((a, b) => a - b), (await seen()).length]).toEqual([[1, 2, 3, 4, 5, 6, 7], 3]);
});

test('to leave the loop takes nothing', async () => {
  const queue = new Queue<number>();
  for (const item of [1, 2, 3]) queue.tryPut(item);
  for await (const item of queue.items(new Execution())) if (item === 2) break;
  expect(queue.tryGet()).toBe(3);
});

test('a cancelled iteration throws, and took nothing', async () => {
  const queue = new Queue<number>();
  const me = new Execution();
  const consume = async () => {
    for await (const item of queue.items(me)) words.push(`${item}`);
  };
  watch('loop', consume());
  queue.tryPut(1);
  await time().settle();
  me.cancel();
  queue.tryPut(2);
  expect([await seen(), queue.tryGet()]).toEqual([['1', 'loop TT_CANCELLED'], 2]);
});

describe('a closed queue', () => {
  test('takes nothing more, and gives the item back', async () => {
    const queue = new Queue<string>();
    queue.close();
    queue.close();
    const refused = queue.put('mine', new Execution());
    await expect(refused).rejects.toThrow(QueueClosedError);
    await expect(refused).rejects.toMatchObject({ item: 'mine' });
    expect([queue.tryPut('mine'), queue.closed, queue.snapshot().unfinished]).toEqual([false, true, 0]);
  });

  test('gives what it holds, then refuses', async () => {
    const queue = new Queue<number>();
    const me = new Execution();
    queue.tryPut(1);
    queue.tryPut(2);
    queue.close();
    for (const name of ['a', 'b', 'c']) watch(name, queue.get(me));
    expect([await seen(), queue.tryGet()]).toEqual([['a 1', 'b 2', 'c TT_QUEUE_CLOSED'], undefined]);
  });

  test('has sent back those who wait: putters with their items, getters with nothing', async () => {
    const full = new Queue<string>(1);
    full.tryPut('there');
    const putting = full.put('mine', new Execution());
    full.close();
    await expect(putting).rejects.toMatchObject({ code: 'TT_QUEUE_CLOSED', item: 'mine' });
    expect([full.tryGet(), full.tryGet()]).toEqual(['there', undefined]);
    const empty = new Queue<string>();
    watch('get', empty.get(new Execution()));
    empty.close();
    expect(await seen()).toEqual(['get TT_QUEUE_CLOSED']);
  });

  test('is no unhandled rejection for who awaits nothing', async () => {
    const queue = new Queue<string>(1);
    void queue.put('a', new Execution());
    void queue.put('b', new Execution());
    queue.close();
    void queue.put('c', new Execution());
    queue.tryGet();
    void queue.get(new Execution());
    await time().settle();
  });

  test('is joined when what it held is done', async () => {
    const queue = new Queue<number>();
    queue.tryPut(1);
    queue.close();
    watch('join', queue.join(new Execution()));
    expect(await seen()).toEqual([]);
    queue.tryGet();
    queue.taskDone();
    expect(await seen()).toEqual(['join']);
  });
});

test('holds undefined as well as anything', async () => {
  const queue = new Queue<undefined>();
  const me = new Execution();
  await queue.put(undefined, me);
  expect([queue.size, await queue.get(me), queue.empty]).toEqual([1, undefined, true]);
  watch('get', queue.get(me));
  queue.tryPut(undefined);
  expect(await seen()).toEqual(['get']);
});

test('without a bound it is never full', () => {
  const queue = new Queue<number>();
  for (let i = 0; i < 10_000; i++) queue.tryPut(i);
  expect([queue.full, queue.size]).toEqual([false, 10_000]);
});

test.each([-1, 0.5, Infinity])('refuses a bound of %p', (maxSize) => {
  expect(() => new Queue(maxSize)).toThrow(InvalidOptionError);
});
