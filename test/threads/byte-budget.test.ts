import fc from 'fast-check';
import { InvalidOptionError } from '../../src/kernel/errors.ts';
import { ByteBudget, type HeldBytes, type PartialAccount } from '../../src/threads/byte-budget.ts';

/** A budget that writes down its calls, without doing what they ask for. */
function budgetOf(maxBytes: number) {
  const calls: string[] = [];
  const budget = new ByteBudget({
    maxBytes,
    onRoom: () => calls.push('room'),
    onStuck: (largest) => calls.push(`refuse ${largest.name}`),
  });
  return { budget, calls };
}

describe('the byte budget', () => {
  test('is 64 MiB by default', () => expect(new ByteBudget().maxBytes).toBe(64 * 1024 * 1024));

  test('is exhausted when all of it is used, and says when there is room again', () => {
    const { budget, calls } = budgetOf(100);
    budget.take(99);
    expect([budget.isExhausted, calls.join()]).toEqual([false, '']);
    budget.take(1);
    expect(budget.isExhausted).toBe(true);
    budget.take(50);
    budget.give(50);
    expect(calls).toEqual([]);
    budget.give(1);
    expect([budget.isExhausted, calls.join()]).toEqual([false, 'room']);
    budget.give(99);
    expect(calls).toEqual(['room']);
    expect(budget.snapshot()).toMatchObject({ usedBytes: 0, highWaterBytes: 150 });
  });

  test('counts a chunk once, whole, until the last holder lets go', () => {
    const { budget } = budgetOf(1000);
    const chunk = budget.hold(600);
    chunk.retain();
    chunk.retain(2);
    const used: number[] = [];
    for (let i = 0; i < 4; i++) {
      used.push(budget.usedBytes);
      chunk.release();
    }
    expect([...used, budget.usedBytes]).toEqual([600, 600, 600, 600, 0]);
    expect(budget.snapshot().held).toBe(0);
  });

  test('refuses to be given more than it gave', () => {
    const { budget } = budgetOf(100);
    budget.take(5);
    expect(() => budget.give(6)).toThrow('6 bytes given back, but only 5 are in motion');
    const chunk = budget.hold(10);
    chunk.release();
    expect(() => chunk.release()).toThrow('released more often than retained');
    expect(() => chunk.retain()).toThrow('after the last holder');
    expect(budget.usedBytes).toBe(5);
  });

  test('counts partial frames by their latest size', () => {
    const { budget } = budgetOf(100);
    const [a, b] = [budget.partialAccount('a'), budget.partialAccount('b')];
    a.set(30);
    b.set(20);
    a.set(10);
    expect(budget.snapshot()).toMatchObject({ usedBytes: 30, partialBytes: 30, inMotionBytes: 0, accounts: 2 });
    b.close();
    b.close();
    expect(budget.snapshot()).toMatchObject({ usedBytes: 10, accounts: 1 });
    expect(() => b.set(1)).toThrow('the account of b is closed');
  });

  test('finds the largest partial frame', () => {
    const { budget } = budgetOf(1000);
    const accounts = ['a', 'b', 'c'].map((name) => budget.partialAccount(name));
    const largest = () => budget.largestPartial()?.name;
    const seen = [largest()];
    for (const [index, bytes] of [
      [1, 5],
      [0, 5],
      [2, 6],
      [2, 0],
      [1, 0],
      [0, 0],
    ] as const) {
      accounts[index]?.set(bytes);
      seen.push(largest());
    }
    expect(seen).toEqual([undefined, 'b', 'a', 'c', 'a', 'a', undefined]);
  });

  test('is not stuck while something is in motion', () => {
    const { budget, calls } = budgetOf(100);
    const partial = budget.partialAccount('a');
    const chunk = budget.hold(10);
    partial.set(90);
    expect([budget.isExhausted, budget.isStuck, calls.join()]).toEqual([true, false, '']);
    chunk.release();
    expect([budget.isExhausted, calls.join()]).toEqual([false, 'room']);
  });

  test('has the largest partial frame refused when only partial frames hold it', () => {
    const { budget, calls } = budgetOf(100);
    const [small, large] = [budget.partialAccount('small'), budget.partialAccount('large')];
    const chunk = budget.hold(10);
    small.set(40);
    large.set(60);
    expect(calls).toEqual([]);
    chunk.release();
    expect([budget.isStuck, ...calls]).toEqual([true, 'refuse large']);
    large.set(0);
    expect([budget.isStuck, ...calls]).toEqual([false, 'refuse large', 'room']);
  });

  test('asks one after the other, and none twice before it has let go', () => {
    const { budget, calls } = budgetOf(100);
    const accounts = [300, 200, 90].map((bytes, i) => {
      const account = budget.partialAccount(String(i));
      account.set(bytes);
      return account;
    });
    accounts[0]?.set(350);
    expect(calls).toEqual(['refuse 0']);
    accounts[0]?.close();
    accounts[1]?.set(0);
    expect(calls).toEqual(['refuse 0', 'refuse 1', 'room']);
    accounts[1]?.set(10);
    expect(calls.at(-1)).toBe('refuse 2');
  });

  test('lets a refusal that happens at once lead to the next one', () => {
    const order: string[] = [];
    const budget = new ByteBudget({
      maxBytes: 100,
      onRoom: () => order.push('room'),
      onStuck: (largest) => {
        order.push(largest.name);
        largest.set(0);
      },
    });
    const accounts = ['a', 'b', 'c'].map((name) => budget.partialAccount(name));
    const chunk = budget.hold(1);
    for (const [i, account] of accounts.entries()) account.set(100 + i);
    chunk.release();
    expect(order).toEqual(['c', 'b', 'a', 'room']);
  });

  test.each([
    [{ maxBytes: 0 }, 'maxBytes'],
    [{ maxBuffered: 1 } as object, 'options.maxBuffered'],
  ])('refuses %j', (options, field) => {
    expect(() => new ByteBudget(options)).toThrow(InvalidOptionError);
    expect(() => new ByteBudget(options)).toThrow(field);
  });
});

const step = fc.record({
  do: fc.constantFrom('hold', 'retain', 'release', 'release', 'release', 'open', 'set', 'set', 'close', 'take', 'give'),
  which: fc.nat(5),
  n: fc.nat(60),
});

test('the byte budget agrees with plain lists of holders and accounts, and never leaves a stuck program unasked', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
      const calls: string[] = [];
      let asked: string | undefined;
      const budget = new ByteBudget({
        maxBytes: 100,
        onRoom: () => calls.push('room'),
        onStuck: (largest) => {
          asked = largest.name;
        },
      });
      const chunks: { held: HeldBytes; holders: number }[] = [];
      const accounts: { account: PartialAccount; bytes: number }[] = [];
      let taken = 0;
      let names = 0;
      let highWater = 0;
      let wasExhausted = false;
      for (const { do: what, which, n } of steps) {
        const chunk = chunks[which % Math.max(1, chunks.length)];
        const open = accounts[which % Math.max(1, accounts.length)];
        if (what === 'hold') chunks.push({ held: budget.hold(n), holders: 1 });
        else if (what === 'take') {
          budget.take(n);
          taken += n;
        } else if (what === 'give') {
          const back = Math.min(n, taken);
          taken -= back;
          budget.give(back);
        } else if (what === 'retain' && chunk !== undefined) {
          chunk.held.retain(n % 3);
          chunk.holders += n % 3;
        } else if (what === 'release' && chunk !== undefined) {
          if (--chunk.holders === 0) chunks.splice(chunks.indexOf(chunk), 1);
          chunk.held.release();
        } else if (what === 'open') accounts.push({ account: budget.partialAccount(`account ${++names}`), bytes: 0 });
        else if (what === 'set' && open !== undefined) {
          open.bytes = n;
          if (open.account.name === asked && n === 0) asked = undefined;
          open.account.set(n);
        } else if (what === 'close' && open !== undefined) {
          accounts.splice(accounts.indexOf(open), 1);
          if (open.account.name === asked) asked = undefined;
          open.account.close();
        }
        const inMotion = taken + chunks.reduce((sum, { held }) => sum + held.bytes, 0);
        const partial = accounts.reduce((sum, { bytes }) => sum + bytes, 0);
        const used = inMotion + partial;
        highWater = Math.max(highWater, used);
        const largest = accounts.reduce((most, { bytes }) => Math.max(most, bytes), 0);
        const { isExhausted, isStuck } = budget;
        // One comparison per step: jest's are slow.
        expect({ ...budget.snapshot(), isExhausted, isStuck, largest: budget.largestPartial()?.bytes ?? 0 }).toEqual({
          maxBytes: 100,
          usedBytes: used,
          inMotionBytes: inMotion,
          partialBytes: partial,
          highWaterBytes: highWater,
          held: chunks.length,
          accounts: accounts.length,
          isExhausted: used >= 100,
          isStuck: used >= 100 && inMotion === 0,
          largest,
        });
        // Whoever waits for room is told, and a program in which nothing moves has somebody asked to let go.
        expect(calls.splice(0)).toEqual(wasExhausted && used < 100 ? ['room'] : []);
        if (budget.isStuck) expect(accounts.find(({ account }) => account.name === asked)?.bytes).toBeGreaterThan(0);
        wasExhausted = used >= 100;
      }
    }),
    { numRuns: 150 },
  );
});
