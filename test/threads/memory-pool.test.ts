import fc from 'fast-check';
import { MemoryPool } from '../../src/threads/memory-pool.ts';

const KIB = 1024;

test('what was given back goes out again, the last one first', () => {
  const pool = new MemoryPool(1024 * KIB);
  const first = pool.take(20 * KIB);
  const second = pool.take(20 * KIB);
  expect(second).not.toBe(first);
  pool.giveBack(first);
  pool.giveBack(second);
  expect(pool.take(20 * KIB)).toBe(second);
  expect(pool.take(17 * KIB)).toBe(first);
  expect(pool.idleBytes).toBe(0);
});

test('a small need does not take a large block', () => {
  const pool = new MemoryPool(1024 * KIB);
  const large = pool.take(512 * KIB);
  pool.giveBack(large);
  expect(pool.take(KIB)).not.toBe(large);
  expect(pool.take(200 * KIB)).toBe(large);
});

test('what is more than may wait is left to the collector, the oldest first', () => {
  const pool = new MemoryPool(64 * KIB);
  const blocks = [pool.take(32 * KIB), pool.take(32 * KIB), pool.take(32 * KIB)];
  for (const block of blocks) pool.giveBack(block);
  expect(pool.idleBytes).toBe(64 * KIB);
  expect([pool.take(32 * KIB), pool.take(32 * KIB)]).toEqual([blocks[2], blocks[1]]);
  expect(pool.take(32 * KIB)).not.toBe(blocks[0]);
  pool.giveBack(pool.take(65 * KIB));
  expect(pool.idleBytes).toBe(0);
});

test('any takes and returns: large enough, never given to two, never more idle than allowed', () => {
  const step = fc.oneof(fc.integer({ min: 0, max: 300 * KIB }), fc.constant('back' as const));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat(300 * KIB), (steps, maxBytes) => {
      const pool = new MemoryPool(maxBytes);
      const taken: ArrayBuffer[] = [];
      for (const what of steps) {
        if (what === 'back') {
          const memory = taken.shift();
          if (memory !== undefined) pool.giveBack(memory);
        } else {
          const memory = pool.take(what);
          expect(memory.byteLength).toBeGreaterThanOrEqual(what);
          expect(taken).not.toContain(memory);
          taken.push(memory);
        }
        expect(pool.idleBytes).toBeLessThanOrEqual(maxBytes);
      }
    }),
    { numRuns: 300 },
  );
});
