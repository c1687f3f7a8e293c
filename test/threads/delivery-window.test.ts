import fc from 'fast-check';
import { InvalidOptionError } from '../../src/kernel/errors.ts';
import { DeliveryWindow, type DeliveryWindowOptions } from '../../src/threads/delivery-window.ts';

/** A window that writes down what it lets go of. */
function windowWith(options: DeliveryWindowOptions<string> = {}) {
  const released: string[] = [];
  const window = new DeliveryWindow<string>({ ...options, onConfirmed: (batch) => released.push(batch) });
  return { window, released };
}

/** Takes all that is to be sent again. */
function repeatAll(window: DeliveryWindow<string>): string[] {
  const repeated: string[] = [];
  for (let batch = window.repeat(); batch !== undefined; batch = window.repeat()) repeated.push(batch);
  return repeated;
}

describe('a delivery window', () => {
  test('numbers messages from 1, over batches', () => {
    const { window } = windowWith();
    expect([window.sent('a', 1, 10), window.sent('b', 5, 10), window.sent('c', 1, 10)]).toEqual([1, 6, 7]);
  });

  test('releases on a pong what was sent before its ping, in order', () => {
    const { window, released } = windowWith();
    window.sent('a', 1, 10);
    window.sent('b', 2, 20);
    const mark = window.mark();
    window.sent('c', 4, 40);
    expect(window.confirm(mark)).toBe(3);
    expect(released).toEqual(['a', 'b']);
    expect(window.unconfirmed()).toEqual(['c']);
    expect(window.snapshot()).toEqual({ sent: 7, confirmed: 3, unconfirmed: 4, repeats: 0, bytes: 40 });
  });

  test('takes the newest of several pongs for all', () => {
    const { window, released } = windowWith();
    window.sent('a', 1, 1);
    const first = window.mark();
    window.sent('b', 1, 1);
    const second = window.mark();
    const third = window.mark();
    expect([window.confirm(third), window.confirm(first), window.confirm(second)]).toEqual([2, 0, 0]);
    expect(released).toEqual(['a', 'b']);
  });

  test.each([0, -1, 2, Number.NaN, Number.POSITIVE_INFINITY])('ignores the pong %d that nobody asked for', (pong) => {
    const { window } = windowWith();
    window.sent('a', 1, 1);
    window.mark();
    expect(window.confirm(pong)).toBe(0);
    expect(window.unconfirmed()).toEqual(['a']);
  });

  test('wants a mark only when it would say something new', () => {
    const { window } = windowWith();
    const seen = [window.wantsMark];
    window.sent('a', 1, 1);
    seen.push(window.wantsMark);
    const mark = window.mark();
    seen.push(window.wantsMark);
    window.sent('b', 1, 1);
    seen.push(window.wantsMark);
    window.confirm(mark);
    seen.push(window.wantsMark);
    window.reconnected();
    seen.push(window.wantsMark);
    window.repeat();
    seen.push(window.wantsMark);
    expect(seen).toEqual([false, true, false, true, true, false, true]);
  });

  test('repeats after a reconnect what was not confirmed, and nothing new before', () => {
    const { window, released } = windowWith();
    window.sent('a', 1, 1);
    const mark = window.mark();
    window.sent('b', 2, 1);
    window.sent('c', 4, 1);
    window.confirm(mark);
    window.reconnected();
    expect(window.toRepeat).toBe(2);
    expect(() => window.sent('d', 1, 1)).toThrow('overtake');
    expect(window.repeat()).toBe('b');
    expect(() => window.sent('d', 1, 1)).toThrow('overtake');
    expect(repeatAll(window)).toEqual(['c']);
    window.sent('d', 8, 1);
    expect(window.snapshot()).toMatchObject({ sent: 15, confirmed: 1, repeats: 6 });
    expect(window.confirm(window.mark())).toBe(14);
    expect(released).toEqual(['a', 'b', 'c', 'd']);
  });

  test('confirms only what the new connection has carried so far', () => {
    const { window } = windowWith();
    for (const batch of ['a', 'b', 'c']) window.sent(batch, 1, 1);
    window.reconnected();
    window.repeat();
    const mark = window.mark();
    window.repeat();
    expect(window.confirm(mark)).toBe(1);
    expect(window.unconfirmed()).toEqual(['b', 'c']);
    expect(window.repeat()).toBe('c');
  });

  test('ignores the pongs of a connection that is gone', () => {
    const { window } = windowWith();
    window.sent('a', 1, 1);
    const old = window.mark();
    window.reconnected();
    repeatAll(window);
    expect(window.confirm(old)).toBe(0);
    expect(window.confirm(window.mark())).toBe(1);
  });

  test('repeats and counts again when the next connection breaks too', () => {
    const { window } = windowWith();
    window.sent('a', 3, 1);
    window.sent('b', 2, 1);
    window.reconnected();
    window.repeat();
    window.reconnected();
    expect(repeatAll(window)).toEqual(['a', 'b']);
    expect(window.snapshot().repeats).toBe(3 + 5);
  });

  test.each([
    [{}, 4 * 1024 * 1024 - 1, 1, false],
    [{}, 4 * 1024 * 1024, 1, true],
    [{}, 0, 65_535, false],
    [{}, 0, 65_536, true],
    [{ maxBytes: 10 }, 9, 1, false],
    [{ maxBytes: 10 }, 50, 1, true],
    [{ maxMessages: 3 }, 0, 3, true],
  ])('with %j and %d bytes in %d messages is full: %p', (options, bytes, messages, isFull) => {
    const { window } = windowWith(options);
    expect(window.isFull).toBe(false);
    window.sent('a', messages, bytes);
    expect(window.isFull).toBe(isFull);
    window.confirm(window.mark());
    expect(window.isFull).toBe(false);
  });

  test.each([
    [{ maxBytes: 0 }, 'maxBytes'],
    [{ maxMessages: 0 }, 'maxMessages'],
    [{ maxByte: 1 } as object, 'options.maxByte'],
  ])('refuses %j', (options, field) => {
    expect(() => new DeliveryWindow(options)).toThrow(InvalidOptionError);
    expect(() => new DeliveryWindow(options)).toThrow(field);
  });
});

/** The same by plain lists: every batch knows whether the current connection has carried it, every mark a copy of those that it covers. */
class NaiveWindow {
  batches: { id: string; messages: number; bytes: number; carried: boolean }[] = [];
  marks = new Map<number, string[]>();
  released: string[] = [];
  repeats = 0;
  confirmed = 0;

  mark(number: number): void {
    this.marks.set(
      number,
      this.batches.filter((batch) => batch.carried).map((batch) => batch.id),
    );
  }

  confirm(number: number): number {
    const covered = this.marks.get(number) ?? [];
    let messages = 0;
    for (const batch of this.batches.filter(({ id }) => covered.includes(id))) {
      messages += batch.messages;
      this.released.push(batch.id);
    }
    this.batches = this.batches.filter(({ id }) => !covered.includes(id));
    this.confirmed += messages;
    return messages;
  }

  reconnected(): void {
    this.marks.clear();
    for (const batch of this.batches) batch.carried = false;
  }
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('send'), n: fc.integer({ min: 1, max: 9 }), bytes: fc.nat(100) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('mark'), n: fc.constant(0), bytes: fc.constant(0) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pong'), n: fc.nat(5), bytes: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reconnect'), n: fc.constant(0), bytes: fc.constant(0) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('repeat'), n: fc.constant(0), bytes: fc.constant(0) }) },
);

test('a delivery window agrees with a naive one whatever is sent, marked, answered late and reconnected', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 120, size: 'max' }), (steps) => {
      const naive = new NaiveWindow();
      const { window, released } = windowWith({ maxBytes: 1000, maxMessages: 60 });
      const allMarks: number[] = [];
      let ids = 0;
      for (const { do: what, n, bytes } of steps) {
        const next = naive.batches.find((batch) => !batch.carried);
        if (what === 'send' && next !== undefined) {
          expect(() => window.sent('new', n, bytes)).toThrow('overtake');
        } else if (what === 'send' && !window.isFull) {
          const id = `batch ${++ids}`;
          window.sent(id, n, bytes);
          naive.batches.push({ id, messages: n, bytes, carried: true });
        } else if (what === 'mark') {
          const mark = window.mark();
          allMarks.push(mark);
          naive.mark(mark);
        } else if (what === 'pong') {
          // Any mark ever given, new, late or of a dead connection.
          const mark = allMarks.at(-1 - n) ?? n + 1000;
          expect(window.confirm(mark)).toBe(naive.confirm(mark));
        } else if (what === 'reconnect') {
          window.reconnected();
          naive.reconnected();
        } else if (what === 'repeat') {
          expect(window.repeat()).toBe(next?.id);
          if (next !== undefined) {
            next.carried = true;
            naive.repeats += next.messages;
          }
        }
        const unconfirmed = naive.batches.reduce((sum, batch) => sum + batch.messages, 0);
        const held = naive.batches.reduce((sum, batch) => sum + batch.bytes, 0);
        // One comparison per step: jest's are slow.
        expect({
          ...window.snapshot(),
          left: window.unconfirmed(),
          toRepeat: window.toRepeat,
          full: window.isFull,
        }).toEqual({
          sent: naive.confirmed + unconfirmed,
          confirmed: naive.confirmed,
          unconfirmed,
          repeats: naive.repeats,
          bytes: held,
          left: naive.batches.map((batch) => batch.id),
          toRepeat: naive.batches.filter((batch) => !batch.carried).length,
          full: held >= 1000 || unconfirmed >= 60,
        });
      }
      expect(released).toEqual(naive.released);
    }),
    { numRuns: 150 },
  );
});
