import { inWords, withMessage } from '../../src/net/address.ts';

test('writes an address as a person would', () => {
  expect([
    inWords('10.0.0.5', 80),
    inWords('::1', 80),
    inWords('/run/x.sock', undefined),
    inWords('', undefined),
  ]).toEqual(['10.0.0.5:80', '[::1]:80', '/run/x.sock', '(unnamed)']);
});

test('gives the error of all addresses of a name the messages of its parts', () => {
  const all = new AggregateError([
    new Error('connect ECONNREFUSED ::1:80'),
    new Error('connect ECONNREFUSED 127.0.0.1:80'),
  ]);
  expect(withMessage(all).message).toBe('connect ECONNREFUSED ::1:80; connect ECONNREFUSED 127.0.0.1:80');
  expect(withMessage(new Error('its own')).message).toBe('its own');
});
