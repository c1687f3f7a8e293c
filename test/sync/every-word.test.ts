/** What holds for every word of the primitives that waits: laws 9, 12, 17 and 18, and whose wait it is. */
import type { Scoped } from '../../src/index.ts';
import {
  BoundedSemaphore,
  CancelledError,
  Condition,
  Event,
  IntakeClosedError,
  Lock,
  Queue,
  RLock,
  Semaphore,
} from '../../src/index.ts';
import { runInScope } from '../../src/kernel/ambient.ts';
import { CancelScope } from '../../src/kernel/cancel-scope.ts';
import { makeHost } from '../../src/kernel/host.ts';
import { HandClock } from '../kernel/hand-clock.ts';
import { checkExecutions, Execution, seen, time, watch } from './execution.ts';

checkExecutions();

type Word = (options?: { scope?: Scoped }) => Promise<unknown>;

/** A word that has to wait, or need not; what it must have left as it was; and how it is let go on. */
interface Case {
  readonly word: Word;
  readonly state: () => unknown;
  readonly letGo: () => void;
}

function waitingIn(name: string): Case {
  const lock = name.includes('rlock') ? new RLock() : new Lock();
  const owner = new Execution();
  const full = new Queue<number>(1);
  const empty = new Queue<number>();
  const semaphore = name.startsWith('bounded') ? new BoundedSemaphore(1) : new Semaphore(1);
  const event = new Event();
  const guard = lock.tryAcquire(owner);
  const permit = semaphore.tryAcquire();
  full.tryPut(1);
  const of = (word: Word, what: { snapshot(): object }, letGo: () => void): Case => {
    return { word, state: () => JSON.stringify({ ...what.snapshot(), heldForMs: undefined }), letGo };
  };
  const cases: Record<string, Case> = {
    'event.wait': of(
      (o) => event.wait(o),
      event,
      () => event.set(),
    ),
    'lock.acquire': of(
      (o) => lock.acquire(o),
      lock,
      () => guard?.release(),
    ),
    'rlock.acquire': of(
      (o) => lock.acquire(o),
      lock,
      () => guard?.release(),
    ),
    'semaphore.acquire': of(
      (o) => semaphore.acquire(o),
      semaphore,
      () => permit?.release(),
    ),
    'bounded semaphore.acquire': of(
      (o) => semaphore.acquire(o),
      semaphore,
      () => permit?.release(),
    ),
    'queue.put': of(
      (o) => full.put(2, o),
      full,
      () => full.tryGet(),
    ),
    'queue.get': of(
      (o) => empty.get(o),
      empty,
      () => empty.tryPut(1),
    ),
    'queue.items': of(
      (o) => empty.items(o).next(),
      empty,
      () => empty.tryPut(1),
    ),
    'queue.join': of(
      (o) => full.join(o),
      full,
      () => full.taskDone(),
    ),
    'lock.holding': of(
      (o) => lock.holding(() => 'held', o),
      lock,
      () => guard?.release(),
    ),
    'semaphore.holding': of(
      (o) => semaphore.holding(() => 'held', o),
      semaphore,
      () => permit?.release(),
    ),
  };
  return cases[name]!;
}

const names = [
  'event.wait',
  'lock.acquire',
  'rlock.acquire',
  'semaphore.acquire',
  'bounded semaphore.acquire',
  'queue.put',
  'queue.get',
  'queue.items',
  'queue.join',
  'lock.holding',
  'semaphore.holding',
];
const sources = ['event.wait', 'queue.get', 'queue.items'];
const codes = (outcomes: string[]) => outcomes.map((outcome) => outcome.split(' ').at(-1));

describe.each(names)('%s', (name) => {
  test('waits until it is let go on', async () => {
    const { word, letGo } = waitingIn(name);
    watch('word', word(new Execution()));
    expect(await seen()).toEqual([]);
    letGo();
    expect((await seen())[0]).toMatch(/^word( held| 1)?$/);
  });

  test('is cancelled while it waits, and did not happen', async () => {
    const { word, state } = waitingIn(name);
    const before = state();
    const me = new Execution();
    watch('word', word(me));
    expect(state()).not.toBe(before);
    me.cancel();
    expect(state()).toBe(before);
    expect(await seen()).toEqual(['word TT_CANCELLED']);
  });

  test('is cancelled by a time limit, and leaves no timer', async () => {
    const { word, state } = waitingIn(name);
    const before = state();
    watch('word', word(new Execution({ timeoutMs: 10 })));
    await time().advance(9);
    expect(await seen()).toEqual([]);
    await time().advance(1);
    expect([await seen(), state(), time().clock.pendingTimers]).toEqual([['word TT_CANCELLED'], before, 0]);
  });

  test('throws in a cancelled scope each time, also when it need not wait, and did not happen', async () => {
    const { word, state, letGo } = waitingIn(name);
    const me = new Execution();
    me.cancel();
    watch('waiting', word(me));
    letGo();
    const before = state();
    watch('ready', word(me));
    watch('again', word(me));
    expect(state()).toBe(before);
    expect(await seen()).toEqual(['waiting TT_CANCELLED', 'ready TT_CANCELLED', 'again TT_CANCELLED']);
  });

  test('a hand-over that won against the cancel stands, and the next wait throws', async () => {
    const { word, letGo } = waitingIn(name);
    const me = new Execution();
    watch('word', word(me));
    letGo();
    me.cancel();
    watch('next', word(me));
    const outcomes = await seen();
    // The work of `holding` begins after the acquire; it waits for nothing here.
    expect(outcomes.toSorted()[1]).toMatch(/^word( held| 1)?$/);
    expect(outcomes).toContain('next TT_CANCELLED');
  });

  test('ends with its thread, and after the end', async () => {
    const { word, state } = waitingIn(name);
    const before = state();
    const me = new Execution();
    watch('waiting', word(me));
    me.end();
    watch('after', word(me));
    expect([codes(await seen()), state()]).toEqual([['ended', 'ended'], before]);
  });

  test(`${sources.includes(name) ? 'ends' : 'goes on'} when the intake closes`, async () => {
    const { word, letGo } = waitingIn(name);
    const me = new Execution();
    watch('before', word(me));
    me.scope.closeIntake(new IntakeClosedError('/A-1'));
    watch('after', word(me));
    const closed = sources.includes(name) ? ['before TT_INTAKE_CLOSED', 'after TT_INTAKE_CLOSED'] : [];
    expect(await seen()).toEqual(closed);
    letGo();
    await seen();
    // Also where it need not wait: what is there is for those who go on.
    const ready = waitingIn(name);
    ready.letGo();
    watch('ready', ready.word(me));
    const [outcome] = await seen();
    expect(outcome).toMatch(sources.includes(name) ? /^ready TT_INTAKE_CLOSED$/ : /^ready( held)?$/);
    me.cancel();
    await seen();
  });

  test('belongs to the scope around, where none is given', async () => {
    const { word } = waitingIn(name);
    const me = new Execution();
    watch(
      'word',
      runInScope(me.scope, () => word()),
    );
    me.cancel();
    expect(await seen()).toEqual(['word TT_CANCELLED']);
  });

  test('rejects, and does not throw, where there is no scope at all', async () => {
    const { word } = waitingIn(name);
    watch('word', word());
    expect(await seen()).toEqual(['word TT_NO_SCOPE']);
  });

  test('that nobody awaits is no unhandled rejection when it is cancelled', async () => {
    const me = new Execution();
    void waitingIn(name).word(me);
    me.cancel();
    void waitingIn(name).word(me);
    await time().settle();
  });

  test.each(['refused', 'given at once', 'woken'])(
    'said for ever and %s, lets the event loop have its turn',
    async (how) => {
      const clock = new HandClock();
      clock.perReading = 0.1;
      const scope = new CancelScope(makeHost({ clock }));
      if (how === 'refused') scope.cancel(new CancelledError('over'));
      let [tries, trying] = [0, true];
      const stubborn = (async () => {
        while (trying && tries < 20_000) {
          tries++;
          const { word, letGo } = waitingIn(name);
          if (how === 'given at once') letGo();
          const waiting = word({ scope }).catch(() => {});
          if (how === 'woken') letGo();
          await waiting;
        }
      })();
      // It comes only because the words let the event loop through.
      await new Promise((resolve) => setTimeout(resolve, 0));
      trying = false;
      await stubborn;
      expect(tries).toBeLessThan(20_000);
    },
  );
});

describe('words that never wait', () => {
  test.each<[string, () => void]>([
    ['event.set', () => new Event().set()],
    ['event.clear', () => new Event().clear()],
    ['lock.tryAcquire', () => new Lock().tryAcquire()],
    ['semaphore.tryAcquire', () => new Semaphore().tryAcquire()],
    ['semaphore.release', () => new Semaphore().release()],
    ['queue.tryPut', () => new Queue<number>().tryPut(1)],
    ['queue.tryGet', () => new Queue<number>().tryGet()],
    ['queue.close', () => new Queue<number>().close()],
  ])('%s needs no scope, and works in a cancelled one', (_name, word) => {
    const me = new Execution();
    me.cancel();
    const spend = jest.spyOn(me.scope.host.scheduler, 'spend');
    runInScope(me.scope, word);
    expect(spend).toHaveBeenCalledTimes(1);
    word();
  });

  test('spend the slice of whoever used the primitive last', async () => {
    const me = new Execution();
    const [event, lock, queue] = [new Event(), new Lock(), new Queue<number>()];
    await Promise.all([lock.acquire(me), queue.put(1, me)]);
    watch('wait', event.wait(me));
    const spend = jest.spyOn(me.scope.host.scheduler, 'spend');
    event.set();
    event.clear();
    lock.release();
    queue.taskDone();
    queue.tryGet();
    queue.close();
    expect(spend).toHaveBeenCalledTimes(6);
    expect(await seen()).toEqual(['wait']);
  });
});

test('a condition is a lock too: acquire, tryAcquire, holding and release are those of its lock', async () => {
  const [a, b] = [new Execution(), new Execution()];
  const condition = new Condition();
  const guard = await condition.acquire(a);
  expect(condition.tryAcquire(b)).toBeUndefined();
  watch(
    'holding',
    condition.holding(() => 'held', b),
  );
  condition.release();
  guard.release();
  expect([await seen(), condition.lock.locked]).toEqual([['holding held'], false]);
});
