import { defaultLaneOptions, type LaneOptions, resolveLaneOptions } from '../../src/intercom/lane-options.ts';
import { InvalidOptionError } from '../../src/kernel/errors.ts';

const sizeOf = (): number => 1;
const known = 'capacity, maxBytes, policy, sizeOf, countOf, keyOf, onOverflow';
const needsKey = "a function, because the policy 'latest' needs a key";
const needsSize = 'a function, because maxBytes needs the size of a signal';
const atLeastOne = 'a whole number of at least 1';

test('the defaults are 100 signals and 1 MiB, and the sender waits', () => {
  expect(resolveLaneOptions('inbox', undefined)).toBe(defaultLaneOptions);
  expect(resolveLaneOptions('inbox', {})).toEqual(defaultLaneOptions);
  expect(defaultLaneOptions).toMatchObject({ capacity: 100, maxBytes: 1_048_576, policy: 'block' });
});

test('what is given is kept', () => {
  const options = {
    capacity: 1,
    maxBytes: 5,
    policy: 'latest',
    sizeOf,
    countOf: sizeOf,
    keyOf: sizeOf,
    onOverflow: () => {},
  };
  expect(resolveLaneOptions('inbox', options as LaneOptions<never>)).toEqual(options);
});

test.each<[string, unknown, string, unknown, string]>([
  ['null', null, 'inbox', null, `an object (known fields are: ${known})`],
  ['a number', 100, 'inbox', 100, `an object (known fields are: ${known})`],
  ['a function', sizeOf, 'inbox', sizeOf, `an object (known fields are: ${known})`],
  ['a misspelt field', { capcity: 5 }, 'inbox.capcity', 5, `absent (known are: ${known})`],
  ['a capacity of 0', { capacity: 0 }, 'inbox.capacity', 0, atLeastOne],
  ['a broken capacity', { capacity: 1.5 }, 'inbox.capacity', 1.5, atLeastOne],
  ['a capacity of null', { capacity: null }, 'inbox.capacity', null, atLeastOne],
  ['a capacity without end', { capacity: Infinity }, 'inbox.capacity', Infinity, atLeastOne],
  ['no room for bytes', { maxBytes: 0, sizeOf }, 'inbox.maxBytes', 0, atLeastOne],
  ['bytes of null', { maxBytes: null, sizeOf }, 'inbox.maxBytes', null, atLeastOne],
  ['bytes without a size', { maxBytes: 10 }, 'inbox.sizeOf', undefined, needsSize],
  [
    'an unknown policy',
    { policy: 'drop' },
    'inbox.policy',
    'drop',
    'one of block, drop-oldest, drop-newest, latest, fail',
  ],
  ['a policy of null', { policy: null }, 'inbox.policy', null, 'one of block, drop-oldest, drop-newest, latest, fail'],
  ['latest without a key', { policy: 'latest' }, 'inbox.keyOf', undefined, needsKey],
  ['latest with a key that is no function', { policy: 'latest', keyOf: 'id' }, 'inbox.keyOf', 'id', 'a function'],
  ['a key of null', { policy: 'latest', keyOf: null }, 'inbox.keyOf', null, 'a function'],
  ['a size of 0', { sizeOf: 0 }, 'inbox.sizeOf', 0, 'a function'],
  ['a size of null, with bytes', { maxBytes: 10, sizeOf: null }, 'inbox.sizeOf', null, 'a function'],
  ['a count that is false', { countOf: false }, 'inbox.countOf', false, 'a function'],
  ['an empty onOverflow', { onOverflow: '' }, 'inbox.onOverflow', '', 'a function'],
])('refuses %s, and names field, value and what it expected', (_, options, field, value, expected) => {
  let thrown: unknown;
  try {
    resolveLaneOptions('inbox', options as LaneOptions<never>);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(InvalidOptionError);
  expect(thrown).toMatchObject({ field, value, expected });
});
