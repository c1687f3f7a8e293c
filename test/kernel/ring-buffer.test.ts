import fc from 'fast-check';
import { RingBuffer } from '../../src/kernel/ring-buffer.ts';

/** One step done to the ring and to an array alike. */
type Step = readonly ['push', number] | readonly ['shift'] | readonly ['replace', number, number];

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.tuple(fc.constant('push' as const), fc.integer()) },
    { weight: 3, arbitrary: fc.tuple(fc.constant('shift' as const)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('replace' as const), fc.nat(40), fc.integer()) },
  ),
  { maxLength: 120 },
);

describe('the ring buffer', () => {
  test('behaves like an array, over growth and wrapping', () => {
    fc.assert(
      fc.property(steps, (path) => {
        const ring = new RingBuffer<number>();
        const model: number[] = [];
        for (const [word, first, second] of path) {
          if (word === 'push') {
            ring.push(first);
            model.push(first);
          } else if (word === 'shift') expect(ring.shift()).toBe(model.shift());
          else {
            ring.replace(first, second);
            if (first < model.length) model[first] = second;
          }
          expect(Array.from({ length: ring.length }, (_, i) => ring.at(i))).toEqual(model);
          expect(ring.at(model.length)).toBeUndefined();
        }
      }),
    );
  });

  test('keeps its order when it grows while wrapped around', () => {
    const ring = new RingBuffer<number>();
    for (let i = 0; i < 8; i++) ring.push(i);
    for (let i = 0; i < 5; i++) ring.shift();
    for (let i = 8; i < 40; i++) ring.push(i);
    const taken: (number | undefined)[] = [];
    while (ring.length > 0) taken.push(ring.shift());
    expect(taken).toEqual(Array.from({ length: 35 }, (_, i) => i + 5));
  });

  test('gives nothing when it is empty, and goes on', () => {
    const ring = new RingBuffer<string>();
    expect([ring.shift(), ring.at(0), ring.length]).toEqual([undefined, undefined, 0]);
    ring.replace(0, 'lost');
    ring.push('a');
    expect([ring.shift(), ring.shift(), ring.length]).toEqual(['a', undefined, 0]);
  });
});
