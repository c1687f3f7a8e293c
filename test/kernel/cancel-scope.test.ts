import { CancelScope } from '../../src/kernel/cancel-scope.ts';
import type { Host } from '../../src/kernel/host.ts';
import { sleep, WaitQueue } from '../../src/kernel/wait-queue.ts';
import { leakCheck, liveCounts, type VirtualTime } from '../../src/testing/index.ts';
import { countMembers, microtasks, outcomeOf, ToldMember, ToldOwner, virtualHost } from './virtual-host.ts';

const stop = new Error('stop');
const second = new Error('second');
const over = new Error('over');
let leaks: () => void;
let host: Host;
let time: VirtualTime;

beforeEach(() => {
  leaks = leakCheck();
  ({ host, time } = virtualHost());
});

afterEach(async () => {
  await microtasks();
  leaks();
});

/** A scope with one member that writes down what reaches it. */
function watched(parent?: CancelScope, options?: { timeoutMs?: number; shielded?: boolean }) {
  const told: string[] = [];
  const scope = new CancelScope(host, parent, options);
  scope.add(new ToldMember('member', told));
  return { scope, told };
}

describe('a cancelled scope', () => {
  test('refuses every wait from then on, not only the first', async () => {
    const scope = new CancelScope(host);
    expect([scope.refusal, scope.cancelled]).toEqual([undefined, false]);
    scope.check();
    scope.cancel(stop);
    for (let i = 0; i < 3; i++) {
      expect(() => scope.check()).toThrow(stop);
      await expect(new WaitQueue().park(new ToldOwner(), { scope })).rejects.toBe(stop);
      await expect(sleep(10, scope)).rejects.toBe(stop);
      await expect(sleep(0, scope)).rejects.toBe(stop);
    }
    expect([scope.refusal, scope.sourceRefusal, scope.cancelled]).toEqual([stop, stop, true]);
  });

  test('keeps its first error', () => {
    const scope = new CancelScope(host);
    scope.cancel(stop);
    scope.cancel(second);
    expect(scope.refusal).toBe(stop);
  });

  test('tells its members once, the oldest first', () => {
    const told: string[] = [];
    const scope = new CancelScope(host);
    for (const name of ['a', 'b', 'c']) scope.add(new ToldMember(name, told));
    scope.cancel(stop);
    scope.cancel(second);
    expect(told).toEqual(['a cancelled', 'b cancelled', 'c cancelled']);
  });

  test('reaches scopes however deep they are, and what is added later', () => {
    const outer = new CancelScope(host);
    let scope = outer;
    for (let i = 0; i < 5; i++) scope = new CancelScope(host, scope);
    outer.cancel(stop);
    expect(scope.refusal).toBe(stop);
    expect(new CancelScope(host, outer).refusal).toBe(stop);
    const { told } = watched(outer);
    expect(told).toEqual(['member cancelled']);
  });

  test('leaves the scopes around it alone', () => {
    const outer = new CancelScope(host);
    const inner = new CancelScope(host, outer);
    inner.cancel(stop);
    expect(outer.refusal).toBeUndefined();
    outer.end(over);
  });

  test('does not tell a member that another one has removed while it was told', () => {
    const told: string[] = [];
    const scope = new CancelScope(host);
    const members: ToldMember[] = ['a', 'b', 'c', 'd'].map(
      (name) =>
        new ToldMember(name, told, () => {
          if (name !== 'a') return;
          for (const index of [0, 1, 3]) scope.remove(members[index]!);
        }),
    );
    for (const member of members) scope.add(member);
    scope.cancel(stop);
    expect(told).toEqual(['a cancelled', 'c cancelled']);
    expect([...scope.members()]).toEqual([members[2]]);
  });
});

describe('a scope whose intake is closed', () => {
  test('refuses waits on a source only', async () => {
    const scope = new CancelScope(host);
    const [line, owner] = [new WaitQueue(), new ToldOwner()];
    const asleep = outcomeOf(sleep(1000, scope));
    const source = outcomeOf(line.park(owner, { scope, source: true, item: 'source' }));
    const other = outcomeOf(line.park(owner, { scope, item: 'other' }));
    scope.closeIntake(stop);
    await microtasks();
    expect([asleep.word, source.word, other.word, ...owner.cancelled]).toEqual(['stop', 'stop', 'waiting', 'source']);
    expect([scope.refusal, scope.sourceRefusal]).toEqual([undefined, stop]);
    await expect(line.park(owner, { scope, source: true })).rejects.toBe(stop);
    expect(line.length).toBe(1);
    line.wakeFirst('now');
    await microtasks();
    expect(other.word).toBe('woken now');
  });

  test('reaches child scopes, also later ones, but not shielded ones', () => {
    const outer = new CancelScope(host);
    const inner = new CancelScope(host, outer);
    const shielded = new CancelScope(host, outer, { shielded: true });
    outer.closeIntake(stop);
    outer.closeIntake(second);
    const later = new CancelScope(host, inner);
    expect([inner, later, shielded].map((scope) => scope.sourceRefusal)).toEqual([stop, stop, undefined]);
    expect(inner.refusal).toBeUndefined();
  });

  test('can still be cancelled; a cancelled one has no intake left to close', () => {
    const { scope, told } = watched();
    scope.closeIntake(stop);
    scope.cancel(second);
    scope.closeIntake(stop);
    expect([scope.sourceRefusal, ...told]).toEqual([second, 'member intake-closed', 'member cancelled']);
  });
});

describe('a shielded scope', () => {
  test('is spared when the one around it is cancelled, but not when the thread ends', () => {
    const outer = new CancelScope(host);
    const { scope, told } = watched(outer, { shielded: true });
    const inside = new CancelScope(host, scope);
    outer.cancel(stop);
    expect([scope.refusal, inside.refusal, told.length]).toEqual([undefined, undefined, 0]);
    outer.end(over);
    expect([scope.refusal, inside.refusal, ...told]).toEqual([over, over, 'member ended']);
  });

  test('can be made in a scope that is cancelled already, but not in one that has ended', () => {
    const outer = new CancelScope(host);
    outer.cancel(stop);
    expect(new CancelScope(host, outer, { shielded: true, timeoutMs: 10 }).refusal).toBeUndefined();
    outer.end(over);
    expect(new CancelScope(host, outer, { shielded: true, timeoutMs: 10 }).refusal).toBe(over);
  });

  test('is not bound by the deadline around it, only by its own', () => {
    const outer = new CancelScope(host, undefined, { timeoutMs: 10 });
    const shielded = new CancelScope(host, outer, { shielded: true, timeoutMs: 50 });
    expect([outer.deadline - time.now, shielded.deadline - time.now]).toEqual([10, 50]);
    outer.end(over);
  });
});

describe('an ended scope', () => {
  test('refuses with the error of its end, also when it was cancelled before', () => {
    const { scope, told } = watched();
    scope.cancel(stop);
    scope.end(over);
    scope.end(second);
    expect([scope.refusal, ...told]).toEqual([over, 'member cancelled', 'member ended']);
    expect(new CancelScope(host, scope).refusal).toBe(over);
  });

  test('leaves no timer of the scopes within, and is gone from the one around it', () => {
    const outer = new CancelScope(host);
    const scope = new CancelScope(host, outer, { timeoutMs: 1000 });
    void new CancelScope(host, scope, { timeoutMs: 1000, shielded: true });
    scope.end(over);
    expect([time.clock.pendingTimers, countMembers(outer)]).toEqual([0, 0]);
  });
});

describe('a time limit', () => {
  test('cancels the scope when it has passed, and says whose it was', async () => {
    const outer = new CancelScope(host);
    const scope = new CancelScope(host, outer, { timeoutMs: 10 });
    const inner = new CancelScope(host, scope, { timeoutMs: 1000 });
    await time.advance(9);
    expect(inner.cancelled).toBe(false);
    await time.advance(1);
    expect([outer.cancelled, scope.timedOut, inner.cancelled, inner.timedOut]).toEqual([false, true, true, false]);
    expect(inner.refusal).toMatchObject({
      code: 'TT_CANCELLED',
      message: 'cancelled: a time limit of 10 ms has passed',
    });
    expect(time.clock.pendingTimers).toBe(0);
  });

  test.each([
    ['outer', 10, 20],
    ['inner', 20, 10],
  ])('nests: the earliest holds, here the %s one', async (_, outerMs, innerMs) => {
    const outer = new CancelScope(host, undefined, { timeoutMs: outerMs });
    const inner = new CancelScope(host, outer, { timeoutMs: innerMs });
    expect(inner.deadline - time.now).toBe(10);
    await time.advance(10);
    expect([inner.cancelled, inner.timedOut]).toEqual([true, innerMs === 10]);
    outer.end(over);
  });

  test('goes with a cancel, with the end and with the use of the scope', () => {
    const [cancelled, ended, closed] = [1, 2, 3].map(() => new CancelScope(host, undefined, { timeoutMs: 10 }));
    cancelled!.cancel(stop);
    ended!.end(over);
    closed!.close();
    expect(time.clock.pendingTimers).toBe(0);
  });

  test('is not set at all in a scope that is cancelled from the beginning', () => {
    const outer = new CancelScope(host);
    outer.cancel(stop);
    void new CancelScope(host, outer, { timeoutMs: 10 });
    expect(time.clock.pendingTimers).toBe(0);
  });
});

describe('the abort signal', () => {
  test('is made when first asked for, the same each time, and fires once', () => {
    const Original = AbortController;
    const made = jest.spyOn(globalThis, 'AbortController').mockImplementation(() => new Original());
    const scope = new CancelScope(host);
    void new CancelScope(host, scope);
    expect(made).toHaveBeenCalledTimes(0);
    let fired = 0;
    scope.abortSignal.addEventListener('abort', () => fired++);
    expect(scope.abortSignal).toBe(scope.abortSignal);
    expect(made).toHaveBeenCalledTimes(1);
    scope.cancel(stop);
    scope.end(over);
    expect([fired, scope.abortSignal.reason]).toEqual([1, stop]);
    made.mockRestore();
  });

  test('is aborted from the beginning when it is asked for after the cancel', () => {
    const scope = new CancelScope(host);
    scope.cancel(stop);
    expect([scope.abortSignal.aborted, scope.abortSignal.reason]).toEqual([true, stop]);
  });

  test('fires of every scope within, when all of that scope have been told', () => {
    const outer = new CancelScope(host);
    const inner = new CancelScope(host, outer);
    const seen: string[] = [];
    inner.abortSignal.addEventListener('abort', () => seen.push(`inner, outer cancelled: ${outer.cancelled}`));
    outer.abortSignal.addEventListener('abort', () => seen.push(`outer, inner cancelled: ${inner.cancelled}`));
    outer.cancel(stop);
    expect(seen).toEqual(['inner, outer cancelled: true', 'outer, inner cancelled: true']);
  });

  test('does not fire for closed intake', () => {
    const scope = new CancelScope(host);
    const { abortSignal } = scope;
    scope.closeIntake(stop);
    expect(abortSignal.aborted).toBe(false);
  });
});

describe('the end of use', () => {
  test('cancels nothing, and its parent forgets the scope', () => {
    const outer = new CancelScope(host);
    const scope = new CancelScope(host, outer, { timeoutMs: 10 });
    scope.close();
    scope.close();
    outer.cancel(stop);
    expect([countMembers(outer), scope.cancelled]).toEqual([0, false]);
  });

  test('leaves nothing on a long-lived scope, over many children', () => {
    const outer = new CancelScope(host);
    const [line, owner] = [new WaitQueue(), new ToldOwner()];
    const before = liveCounts();
    for (let i = 0; i < 100_000; i++) {
      const scope = new CancelScope(host, outer, { timeoutMs: 10 });
      void line.park(owner, { scope });
      line.wakeFirst();
      if (i % 2 === 0) scope.close();
      else scope.end(over);
    }
    expect([countMembers(outer), time.clock.pendingTimers]).toEqual([0, 0]);
    expect(liveCounts()).toEqual(before);
  });

  test('hands what still waits in it to the scope around, so that the end reaches it', async () => {
    const outer = new CancelScope(host);
    const scope = new CancelScope(host, outer, { timeoutMs: 10 });
    const forgotten = outcomeOf(sleep(1e9, scope));
    const shielded = new CancelScope(host, scope, { shielded: true });
    scope.close();
    await time.advance(100);
    expect([forgotten.word, time.clock.pendingTimers, scope.refusal]).toEqual(['waiting', 1, undefined]);
    outer.end(over);
    await microtasks();
    expect([forgotten.word, shielded.refusal, time.clock.pendingTimers]).toEqual(['over', over, 0]);
  });

  test('sends later waits to the scope around', async () => {
    const outer = new CancelScope(host);
    const middle = new CancelScope(host, outer);
    const scope = new CancelScope(host, middle);
    scope.close();
    middle.close();
    const late = outcomeOf(sleep(1e9, scope));
    outer.closeIntake(stop);
    expect([scope.sourceRefusal, scope.refusal]).toEqual([stop, undefined]);
    outer.cancel(second);
    await microtasks();
    expect([late.word, scope.refusal, countMembers(outer)]).toEqual(['stop', second, 0]);
    expect(() => scope.check()).toThrow(second);
  });

  test('of a cancelled scope keeps its error, and what is shielded in it is still reached by the end', () => {
    const outer = new CancelScope(host);
    const scope = new CancelScope(host, outer);
    scope.cancel(stop);
    scope.close();
    const shielded = new CancelScope(host, scope, { shielded: true, timeoutMs: 1000 });
    const plain = new CancelScope(host, scope);
    expect([scope.refusal, plain.refusal, shielded.refusal]).toEqual([stop, stop, undefined]);
    outer.end(over);
    expect([shielded.refusal, time.clock.pendingTimers]).toEqual([over, 0]);
  });
});

describe('the holder', () => {
  test('of a scope is shared by the scopes inside it, also when they are shielded or closed', () => {
    const outer = new CancelScope(host);
    const inner = new CancelScope(host, new CancelScope(host, outer, { timeoutMs: 10 }), { shielded: true });
    expect(inner.holder).toBe(outer.holder);
    expect(new CancelScope(host).holder).not.toBe(outer.holder);
    inner.close();
    expect(inner.holder).toBe(outer.holder);
    outer.end(over);
  });

  test('has ended when its thread has, and not before', () => {
    const outer = new CancelScope(host);
    const [inner, closed] = [new CancelScope(host, outer), new CancelScope(host, outer)];
    closed.close();
    outer.cancel(stop);
    expect([outer, inner, closed].map(({ ended }) => ended)).toEqual([false, false, false]);
    outer.end(over);
    expect([outer, inner, closed].map(({ ended }) => ended)).toEqual([true, true, true]);
  });
});
