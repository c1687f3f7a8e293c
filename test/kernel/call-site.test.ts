/** Where a word was said: by the first file that is neither ours nor Node's. */
import { callSite } from '../../src/kernel/call-site.ts';

const HERE = /^at .*call-site\.test\.ts:\d+:\d+/;

test('the place is told by the file of the program', () => {
  expect(callSite()).toMatch(HERE);
});

test('also where the language itself stands between', async () => {
  expect([0].map(callSite)[0]).toMatch(HERE);
  expect(await Promise.resolve().then(() => [0].map(callSite)[0])).toMatch(HERE);
});

test('what stands below the first is kept as it is', () => {
  const [inner = ''] = [0].map(() => [0].map(callSite)[0]);
  expect(inner.split('\n')[1]).toBe('at Array.map (<anonymous>)');
});
