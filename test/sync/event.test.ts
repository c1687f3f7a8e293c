import { Event } from '../../src/index.ts';
import { checkExecutions, Execution, seen, watch } from './execution.ts';

checkExecutions();

test('set wakes all who wait, in the order in which they came', async () => {
  const event = new Event();
  for (const name of ['a', 'b', 'c']) watch(name, event.wait(new Execution()));
  expect(event.snapshot()).toEqual({ isSet: false, waiting: 3 });
  event.set();
  expect([await seen(), event.isSet, event.snapshot().waiting]).toEqual([['a', 'b', 'c'], true, 0]);
});

test('stays set: who comes later does not wait, until it is cleared', async () => {
  const event = new Event();
  event.set();
  event.set();
  watch('a', event.wait(new Execution()));
  watch('b', event.wait(new Execution()));
  expect(await seen()).toEqual(['a', 'b']);
  event.clear();
  const late = new Execution();
  watch('c', event.wait(late));
  expect([await seen(), event.isSet]).toEqual([[], false]);
  late.cancel();
  expect(await seen()).toEqual(['c TT_CANCELLED']);
});

test('those that set has woken stay woken, also when it is cleared before they run', async () => {
  const event = new Event();
  watch('a', event.wait(new Execution()));
  event.set();
  event.clear();
  watch('b', event.wait(new Execution()));
  expect(await seen()).toEqual(['a']);
  event.set();
  expect(await seen()).toEqual(['b']);
});

test('a cancelled waiter is skipped', async () => {
  const event = new Event();
  const gone = new Execution();
  watch('gone', event.wait(gone));
  watch('there', event.wait(new Execution()));
  gone.cancel();
  event.set();
  expect((await seen()).toSorted()).toEqual(['gone TT_CANCELLED', 'there']);
});
