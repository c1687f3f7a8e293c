import { counted, describeValue, messageOf } from '../../src/kernel/describe.ts';

const named = Object.defineProperty(() => {}, 'name', { value: Symbol('other') });

const circular: { self?: unknown } = {};
circular.self = circular;
const revoked = Proxy.revocable({}, {});
revoked.revoke();
const hostile = {
  get message(): string {
    throw new Error('no');
  },
  toJSON(): never {
    throw new Error('no');
  },
  get [Symbol.toStringTag](): string {
    throw new Error('no');
  },
};

test.each<[string, unknown, string]>([
  ['a string', 'two\nlines', '"two\\nlines"'],
  ['a number', 5, '5'],
  ['not a number', NaN, 'NaN'],
  ['a bigint', 10n, '10n'],
  ['null', null, 'null'],
  ['nothing', undefined, 'undefined'],
  ['a symbol', Symbol('s'), 'Symbol(s)'],
  ['a plain object', { a: [1, 'b'] }, '{"a":[1,"b"]}'],
  ['a function', function named() {}, 'function named'],
  ['a function without a name', () => {}, 'function (anonymous)'],
  ['a function whose name is no string', named, 'function Symbol(other)'],
  ['an error', new TypeError('bad'), 'TypeError: bad'],
  ['bytes', new Uint8Array(70_000), 'Uint8Array of 70000 bytes'],
  ['a buffer', Buffer.from('abc'), 'Buffer of 3 bytes'],
  ['what refers to itself', circular, '[object Object]'],
  ['what JSON leaves out', { toJSON: () => undefined }, '[object Object]'],
  ['a revoked proxy', revoked.proxy, 'a value that cannot be shown'],
  ['what throws at every touch', hostile, 'a value that cannot be shown'],
])('describes %s', (_, value, words) => expect(describeValue(value)).toBe(words));

test.each([
  ['a string', 'x'.repeat(10_000_000)],
  ['an array', Array.from({ length: 1000 }, (_, i) => i)],
])('keeps %s that is long to one short line', (_, value) => {
  expect(describeValue(value)).toMatch(/^.{200}…$/);
});

test.each<[string, unknown, string]>([
  ['an error', new Error('broke'), 'broke'],
  ['what only has a message', { message: 7 }, '7'],
  ['a string', 'thrown', '"thrown"'],
  ['nothing', undefined, 'undefined'],
  ['an error without a message, by its code', Object.assign(new Error(''), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
  ['an error without a message and code, by its name', new RangeError(), 'RangeError'],
  ['a message that cannot be had', hostile, 'a value that cannot be shown'],
  ['a revoked proxy', revoked.proxy, 'a value that cannot be shown'],
  ['an object without a prototype', Object.create(null), '{}'],
])('gives the message of %s', (_, thrown, message) => expect(messageOf(thrown)).toBe(message));

test.each([
  [0, '0 rows'],
  [1, '1 row'],
  [2, '2 rows'],
])('counts %d in words', (count, words) => expect(counted(count, 'row')).toBe(words));
