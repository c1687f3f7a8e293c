import fc from 'fast-check';
import { InvalidOptionError } from '../../src/kernel/errors.ts';
import { Backoff, backoffMs, type Jitter, resolveBackoffOptions } from '../../src/taskthread/backoff.ts';

describe('backoff', () => {
  test.each<[Jitter, number, number[]]>([
    ['none', 0.5, [100, 200, 400, 800, 1000, 1000]],
    ['full', 0, [0, 0, 0, 0, 0, 0]],
    ['full', 0.5, [50, 100, 200, 400, 500, 500]],
    ['equal', 0, [50, 100, 200, 400, 500, 500]],
    ['equal', 0.5, [75, 150, 300, 600, 750, 750]],
  ])('grows by the factor up to the maximum: %s jitter, random %d', (jitter, random, expected) => {
    const backoff = new Backoff({ minMs: 100, maxMs: 1000, factor: 2, jitter });
    expect(expected.map(() => backoff.next(random))).toEqual(expected);
  });

  test('has defaults that spare a server', () => {
    expect(resolveBackoffOptions()).toEqual({
      minMs: 100,
      maxMs: 30_000,
      factor: 2,
      jitter: 'equal',
      healthyAfterMs: 30_000,
    });
    expect(resolveBackoffOptions({ minMs: 60_000 }).maxMs).toBe(60_000);
    expect(resolveBackoffOptions({ maxMs: 500 }).healthyAfterMs).toBe(500);
  });

  test('stays at the maximum however often it fails', () => {
    expect(backoffMs(resolveBackoffOptions({ jitter: 'none' }), 1e6, 0)).toBe(30_000);
  });

  test('starts over only after a healthy time', () => {
    const backoff = new Backoff({ minMs: 10, jitter: 'none', healthyAfterMs: 1000 });
    const waits = [backoff.next(0), backoff.next(0)];
    backoff.ended(999);
    waits.push(backoff.next(0));
    expect(backoff.attempt).toBe(3);
    backoff.ended(1000);
    expect(backoff.attempt).toBe(0);
    waits.push(backoff.next(0));
    expect(waits).toEqual([10, 20, 40, 10]);
  });

  test('never leaves its bounds, and never shrinks for one random number', () => {
    const setting = fc.record({
      minMs: fc.double({ min: 0.001, max: 1e5, noNaN: true }),
      spread: fc.double({ min: 1, max: 1e4, noNaN: true }),
      factor: fc.double({ min: 1, max: 100, noNaN: true }),
      jitter: fc.constantFrom<Jitter>('full', 'equal', 'none'),
    });
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(setting, random, fc.nat(5000), ({ minMs, spread, factor, jitter }, r, attempt) => {
        const options = resolveBackoffOptions({ minMs, maxMs: minMs * spread, factor, jitter });
        const wait = backoffMs(options, attempt, r);
        expect(wait).toBeLessThanOrEqual(options.maxMs);
        expect(wait).toBeGreaterThanOrEqual(jitter === 'full' ? 0 : jitter === 'equal' ? minMs / 2 : minMs);
        expect(backoffMs(options, attempt + 1, r)).toBeGreaterThanOrEqual(wait);
      }),
    );
  });

  test.each([
    [{ minMs: 0 }, 'minMs'],
    [{ minMs: 10, maxMs: 5 }, 'maxMs'],
    [{ factor: 0.5 }, 'factor'],
    [{ factor: Number.NaN }, 'factor'],
    [{ jitter: 'some' as Jitter }, 'jitter'],
    [{ healthyAfterMs: -1 }, 'healthyAfterMs'],
    [{ min: 1 } as object, 'options.min'],
  ])('refuses %j', (options, field) => {
    expect(() => new Backoff(options)).toThrow(InvalidOptionError);
    expect(() => new Backoff(options)).toThrow(field);
  });
});
