/** What may be given in the place of a promise, and what becomes of it. */
import { isThenable, toPromise, whenSettled } from '../../src/kernel/thenable.ts';

type Done = ((value: never) => unknown) | null;

/** Calls back twice, at once. */
const twice = (done?: Done): Promise<never> => {
  done?.(1 as never);
  done?.(2 as never);
  return new Promise(() => {});
};

class Twice extends Promise<never> {
  // biome-ignore lint/suspicious/noThenProperty: a promise that behaves badly is what this file is about
  override then(done?: Done): Promise<never> {
    return twice(done);
  }
}

const ownThen = (then: unknown) => Object.assign(Promise.resolve(), { then }) as Promise<unknown>;

/** What it tells, in order: a value, or that it failed; `later` is when the caller has gone on. */
async function told(value: () => PromiseLike<unknown>): Promise<unknown[]> {
  const words: unknown[] = [];
  const settled = (result?: unknown) => words.push(result);
  const failed = (error: unknown) => words.push(`failed: ${String(error)}`);
  toPromise(value()).then(settled, failed);
  words.push('later');
  await new Promise((resolve) => setImmediate(resolve));
  const again = words.splice(0);
  whenSettled(value(), settled, failed);
  words.push('later');
  await new Promise((resolve) => setImmediate(resolve));
  expect(words).toEqual(again);
  return words;
}

test('only what has a then is a promise', () => {
  expect(
    [null, 1, {}, Object.fromEntries([['then', 1]]), Object.fromEntries([['then', () => {}]]), Promise.resolve()].map(
      isThenable,
    ),
  ).toEqual([false, false, false, false, true, true]);
});

test('what only looks like a promise is none', () => {
  const { proxy: revoked, revoke } = Proxy.revocable(() => {}, {});
  revoke();
  const secretive = (target: object): object =>
    new Proxy(target, {
      getPrototypeOf() {
        throw new Error('asked for its prototype');
      },
    });
  const likeOne = Object.setPrototypeOf(() => {}, Promise.prototype) as unknown;
  const withoutThen = [undefined, null, 5].map(ownThen);
  expect([revoked, secretive(() => {}), secretive({}), likeOne, ...withoutThen].map(isThenable)).not.toContain(true);
  expect(isThenable(secretive(Object.fromEntries([['then', () => {}]])))).toBe(true);
});

test('a plain promise is handed through', () => {
  const plain = Promise.resolve(1);
  expect(toPromise(plain)).toBe(plain);
});

test.each([
  ['a subclass of Promise whose then calls back twice', () => new Twice(() => {})],
  ['a plain promise with such a then of its own', () => ownThen(twice)],
  ['a thenable that calls back twice', () => Object.fromEntries([['then', twice]]) as never],
])('%s settles once, later', async (_what, make) => {
  expect(await told(make)).toEqual(['later', 1]);
});

test.each([
  [
    'a then that throws',
    () =>
      ownThen(() => {
        throw new Error('broken');
      }),
  ],
  [
    'a then that cannot be read again',
    () => {
      let readings = 0;
      const get = () => {
        if (++readings > 1) throw new Error('read twice');
        return Reflect.get(Promise.prototype, 'then');
      };
      return Object.defineProperty(Promise.resolve(), 'then', { get });
    },
  ],
  [
    'a constructor that cannot be read',
    () =>
      Object.defineProperty(Promise.resolve(), 'constructor', {
        get() {
          throw new Error('unreadable');
        },
      }),
  ],
  ['what only inherits from Promise', () => Object.create(Promise.prototype) as Promise<unknown>],
])('%s fails, later, and does not throw', async (_what, make) => {
  expect(await told(make)).toEqual(['later', expect.stringMatching(/^failed: /)]);
});

test('a subclass of Promise that behaves is what it says', async () => {
  class Named extends Promise<unknown> {}
  expect(await told(() => Named.resolve(3))).toEqual(['later', 3]);
  expect(await told(() => Named.reject(new Error('no')))).toEqual(['later', 'failed: Error: no']);
});
