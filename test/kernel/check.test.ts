import { functionOf, knownFields, milliseconds, oneOf, optionalFunction, wholeNumber } from '../../src/kernel/check.ts';
import { InvalidOptionError } from '../../src/kernel/errors.ts';

/** What a check refused, as plain data; undefined when it took the value. */
function refusal(check: () => unknown): unknown[] | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error;
    return [error.field, error.value, error.expected];
  }
}

const noop = (): void => {};

test.each([1, 7, 10])('a whole number takes %p', (value) => expect(wholeNumber('n', value, 1, 10)).toBe(value));

test.each([0, 11, 1.5, NaN, Infinity, 2 ** 53, '5', null, undefined, 5n])('a whole number refuses %p', (value) => {
  expect(refusal(() => wholeNumber('n', value, 1, 10))).toEqual(['n', value, 'a whole number from 1 to 10']);
});

test('a whole number without an upper bound says so', () => {
  expect(refusal(() => wholeNumber('n', -1, 0))).toEqual(['n', -1, 'a whole number of at least 0']);
});

test.each([0, 0.25, 5000])('milliseconds take %p', (value) => expect(milliseconds('ms', value)).toBe(value));

test.each([-1, NaN, Infinity, '5', null, undefined])('milliseconds refuse %p', (value) => {
  expect(refusal(() => milliseconds('ms', value))).toEqual(['ms', value, 'a number of milliseconds, 0 or more']);
});

test('a word is one of its list', () => {
  expect(oneOf('word', 'b', ['a', 'b'])).toBe('b');
  expect(refusal(() => oneOf('word', 'c', ['a', 'b']))).toEqual(['word', 'c', 'one of a, b']);
});

test('a function is one', () => expect(functionOf('f', noop)).toBe(noop));

test.each([undefined, null, false, 0, '', {}, 'noop'])('a function is not %p', (value) => {
  expect(refusal(() => functionOf('f', value))).toEqual(['f', value, 'a function']);
});

test('an optional function is one or nothing', () => {
  expect([optionalFunction('f', noop), optionalFunction('f', undefined)]).toEqual([noop, undefined]);
});

test.each([null, false, 0, '', {}])('an optional function is not %p', (value) => {
  expect(refusal(() => optionalFunction<unknown>('f', value))).toEqual(['f', value, 'a function']);
});

describe('known fields', () => {
  test('are taken, also when they are missing', () => {
    knownFields('options', { a: 1 }, ['a', 'b']);
    knownFields('options', {}, ['a']);
  });

  test('refuse what is not among them, by its name', () => {
    expect(refusal(() => knownFields('options', { a: 1, bb: 2 }, ['a', 'b']))).toEqual([
      'options.bb',
      2,
      'absent (known are: a, b)',
    ]);
  });

  test.each([null, undefined, 5, 'text', true, noop, [1], []])('refuse %p, which is no object', (value) => {
    expect(refusal(() => knownFields('options', value as object, ['a', 'b']))).toEqual([
      'options',
      value,
      'an object (known fields are: a, b)',
    ]);
  });
});
