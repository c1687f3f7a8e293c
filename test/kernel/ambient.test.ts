import { ambientScope, runInScope, scopeOf } from '../../src/kernel/ambient.ts';
import { CancelScope } from '../../src/kernel/cancel-scope.ts';
import { NoScopeError } from '../../src/kernel/errors.ts';
import { virtualHost } from './virtual-host.ts';

const { host } = virtualHost();
const [outer, inner] = [new CancelScope(host), new CancelScope(host)];

test('the scope around is that of the innermost run, also behind an await, and gone outside', async () => {
  expect(ambientScope()).toBeUndefined();
  await runInScope(outer, async () => {
    await Promise.resolve();
    expect(ambientScope()).toBe(outer);
    await runInScope(inner, async () => {
      await Promise.resolve();
      expect(ambientScope()).toBe(inner);
    });
    expect(ambientScope()).toBe(outer);
  });
  expect(ambientScope()).toBeUndefined();
});

test('a scope that is given goes before the one around', () => {
  runInScope(outer, () => {
    expect([scopeOf(undefined, 'sleep'), scopeOf({ scope: inner }, 'sleep')]).toEqual([outer, inner]);
  });
});

test('with neither, the error names the word', () => {
  expect(() => scopeOf({}, 'sleep')).toThrow(NoScopeError);
  expect(() => scopeOf({}, 'sleep')).toThrow('sleep does not know whose wait it is');
});
