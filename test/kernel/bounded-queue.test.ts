import { BoundedQueue } from '../../src/kernel/bounded-queue.ts';

const drain = <T>(queue: BoundedQueue<T>) => Array.from({ length: queue.length }, () => queue.shift());

test('gives what it holds in the order of coming, and nothing when it is empty', () => {
  const queue = new BoundedQueue<string>({ maxItems: 3, policy: 'drop-newest' });
  for (const item of ['a', 'b', 'c']) expect(queue.push(item)).toBe(true);
  expect([drain(queue), queue.shift(), queue.dropped]).toEqual([['a', 'b', 'c'], undefined, 0]);
});

test.each([
  ['drop-newest', ['a', 'b']],
  ['drop-oldest', ['c', 'd']],
] as const)('over its items with the policy %s, it counts what it drops', (policy, kept) => {
  const queue = new BoundedQueue<string>({ maxItems: 2, policy });
  expect(['a', 'b', 'c', 'd'].map((item) => queue.push(item))).toEqual([true, true, false, false]);
  expect([queue.dropped, drain(queue)]).toEqual([2, kept]);
});

test.each([
  ['drop-newest', ['aaaa', 'b'], 2],
  ['drop-oldest', ['b', 'ccc', 'd'], 1],
] as const)('over its size with the policy %s, it drops as many as it must', (policy, kept, dropped) => {
  const queue = new BoundedQueue<string>({ maxItems: 9, maxSize: 5, sizeOf: (item) => item.length, policy });
  for (const item of ['aaaa', 'b', 'ccc', 'd']) queue.push(item);
  expect([queue.dropped, queue.size, drain(queue)]).toEqual([dropped, kept.join('').length, kept]);
});

test('admits any one item when it is empty, and forgets all when it is cleared', () => {
  const queue = new BoundedQueue<string>({
    maxItems: 1,
    maxSize: 2,
    sizeOf: (item) => item.length,
    policy: 'drop-oldest',
  });
  expect([queue.push('too long'), queue.length, queue.size]).toEqual([true, 1, 8]);
  queue.clear();
  expect([queue.length, queue.size, queue.shift()]).toEqual([0, 0, undefined]);
});
