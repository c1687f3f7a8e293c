import fc from 'fast-check';
import { InvalidOptionError } from '../../src/kernel/errors.ts';
import { RowBatch, resolveRowBatchOptions } from '../../src/threads/row-batch.ts';

const MIB = 1024 * 1024;

describe('a row batch', () => {
  test('has the limits of the pipeline by default', () => {
    expect(resolveRowBatchOptions()).toEqual({ maxRows: 2000, maxBytes: 4 * MIB, maxAgeMs: 10 });
  });

  test.each([
    ['by number, with the row that fills it', { maxRows: 3 }, [1, 1, 1], [0, 0, 0], [false, false, true]],
    ['by bytes, with the row that fills it', { maxBytes: 10 }, [4, 5, 1], [0, 0, 0], [false, false, true]],
    ['by one row that is over the bytes alone', { maxBytes: 10 }, [11], [0], [true]],
    ['by the age of its first row', { maxAgeMs: 10 }, [1, 1, 1], [100, 109, 110], [false, false, true]],
    ['at once when rows may not wait', { maxAgeMs: 0 }, [1], [100], [true]],
    ['never early for empty rows', { maxBytes: 1 }, [0, 0, 0], [0, 1, 2], [false, false, false]],
  ])('is written %s', (_name, options, sizes, times, expected) => {
    const batch = new RowBatch(options);
    expect(sizes.map((bytes, i) => batch.add(bytes, times[i] as number))).toEqual(expected);
  });

  test('is due a fixed time after its first row, and never when empty', () => {
    const batch = new RowBatch({ maxAgeMs: 10 });
    expect([batch.deadlineMs, batch.isDue(1e12)]).toEqual([Number.POSITIVE_INFINITY, false]);
    batch.add(1, 100);
    batch.add(1, 105);
    expect([batch.deadlineMs, batch.isDue(109.9), batch.isDue(110)]).toEqual([110, false, true]);
  });

  test('starts over after it was written', () => {
    const batch = new RowBatch({ maxRows: 2, maxBytes: 100, maxAgeMs: 10 });
    batch.add(60, 0);
    expect(batch.add(60, 1)).toBe(true);
    expect([batch.rows, batch.bytes]).toEqual([2, 120]);
    batch.clear();
    expect([batch.rows, batch.bytes, batch.deadlineMs]).toEqual([0, 0, Number.POSITIVE_INFINITY]);
    expect(batch.add(60, 50)).toBe(false);
    expect(batch.deadlineMs).toBe(60);
  });

  test('never holds more than its limits and one row', () => {
    const row = fc.record({ bytes: fc.nat(50), waitMs: fc.nat(4) });
    fc.assert(
      fc.property(
        fc.array(row),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 99 }),
        (rows, maxRows, maxBytes) => {
          const batch = new RowBatch({ maxRows, maxBytes, maxAgeMs: 7 });
          let nowMs = 0;
          let firstMs = 0;
          for (const { bytes, waitMs } of rows) {
            nowMs += waitMs;
            if (batch.rows === 0) firstMs = nowMs;
            const before = batch.bytes;
            const flush = batch.add(bytes, nowMs);
            expect(flush).toBe(batch.rows === maxRows || before + bytes >= maxBytes || nowMs - firstMs >= 7);
            expect(batch.rows).toBeLessThanOrEqual(maxRows);
            expect(before).toBeLessThan(maxBytes);
            if (flush) batch.clear();
          }
        },
      ),
    );
  });

  test.each([
    [{ maxRows: 0 }, 'maxRows'],
    [{ maxBytes: 1.5 }, 'maxBytes'],
    [{ maxAgeMs: -1 }, 'maxAgeMs'],
    [{ maxRow: 1 } as object, 'options.maxRow'],
  ])('refuses %j', (options, field) => {
    expect(() => new RowBatch(options)).toThrow(InvalidOptionError);
    expect(() => new RowBatch(options)).toThrow(field);
  });
});
