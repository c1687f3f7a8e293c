import { type Admission, admit, type OverflowPolicy, overflowPolicies } from '../../src/intercom/overflow.ts';

/** For each policy: there is room, room but senders wait, full, full with senders, and the same four with its key queued. */
const decisions: Record<OverflowPolicy, [Admission, Admission, Admission, Admission, Admission]> = {
  block: ['accept', 'wait', 'wait', 'wait', 'accept'],
  'drop-oldest': ['accept', 'drop-oldest', 'drop-oldest', 'drop-oldest', 'accept'],
  'drop-newest': ['accept', 'drop-newest', 'drop-newest', 'drop-newest', 'accept'],
  latest: ['accept', 'wait', 'wait', 'wait', 'replace'],
  fail: ['accept', 'refuse', 'refuse', 'refuse', 'accept'],
};

const states = [
  ['there is room', { fits: true, senderWaits: false, keyQueued: false }],
  ['there is room, but senders wait', { fits: true, senderWaits: true, keyQueued: false }],
  ['it is full', { fits: false, senderWaits: false, keyQueued: false }],
  ['it is full and senders wait', { fits: false, senderWaits: true, keyQueued: false }],
  ['the key is queued', { fits: true, senderWaits: false, keyQueued: true }],
] as const;

describe.each(overflowPolicies)('the policy %s', (policy) => {
  test.each(states.map(([words, state], index) => [words, state, decisions[policy][index]] as const))(
    'when %s',
    (_, state, expected) => expect(admit(policy, state)).toBe(expected),
  );
});

test('a queued key replaces however full the lane is, with latest only', () => {
  const full = { fits: false, senderWaits: true, keyQueued: true };
  expect(overflowPolicies.map((policy) => admit(policy, full))).toEqual([
    'wait',
    'drop-oldest',
    'drop-newest',
    'replace',
    'refuse',
  ]);
});
