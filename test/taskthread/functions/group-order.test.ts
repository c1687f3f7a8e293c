/** A group’s members one by one, as they end: `nextDone`, `nextResult`, iteration; and members that end in the same turn. */
import { Event, shield, sleep, spawn, ThreadGroup, timeoutAfter } from '../../../src/index.ts';
import type { ThreadGroupError } from '../../../src/kernel/function-errors.ts';
import { causeOf, checkThreads, codeOf, messageOf, say, words } from '../toys.ts';
import { program, rejection } from './running.ts';

checkThreads();

async function after(ms: number): Promise<number> {
  await sleep(ms);
  return ms;
}

const bad = (): never => {
  throw new TypeError('broken');
};

test('iteration gives the members in the order of ending, until there is none left', async () => {
  const got = await program(async () => {
    await using group = new ThreadGroup<number>();
    for (const ms of [30, 10, 20]) group.spawn(after, ms);
    const results: unknown[] = [];
    for await (const member of group) {
      results.push(member.result);
      if (member.result === 10) group.spawn(after, 5);
    }
    return results;
  });
  expect(got).toEqual([10, 5, 20, 30]);
});

describe('nextDone', () => {
  test('gives each member once, at once those that have ended, then undefined', async () => {
    const got = await program(async () => {
      await using group = new ThreadGroup<number>();
      group.spawn(after, 10);
      group.spawn(after, 20);
      await sleep(15);
      const [a, b] = [await group.nextDone(), await group.nextDone()];
      return [a?.result, b?.result, await group.nextDone()];
    });
    expect(got).toEqual([10, 20, undefined]);
  });

  test('several that wait are served in the order of coming; those for whom nothing is left get undefined', async () => {
    const got = await program(async () => {
      await using group = new ThreadGroup<number>();
      group.spawn(after, 10);
      group.spawn(after, 20);
      const members = await Promise.all([group.nextDone(), group.nextDone(), group.nextDone()]);
      return members.map((member) => member?.result);
    });
    expect(got).toEqual([10, 20, undefined]);
  });

  test('a failed one is given too; the group’s join tells of it if nobody has looked', async () => {
    const got = await program(async () => {
      const group = new ThreadGroup();
      group.spawn(bad);
      const member = await group.nextDone();
      return [member?.outcome?.kind, codeOf(await rejection(group.join()))];
    });
    expect(got).toEqual(['failed', 'TT_THREAD_GROUP']);
    const seen = await program(async () => {
      const group = new ThreadGroup();
      group.spawn(bad);
      const member = await group.nextDone();
      const { exception } = member ?? {};
      await group.join();
      return messageOf(exception);
    });
    expect(seen).toBe('broken');
  });

  test('with cancelRemaining the others end', async () => {
    const got = await program(async () => {
      await using group = new ThreadGroup<number>();
      const slow = group.spawn(after, 1000);
      group.spawn(after, 10);
      const first = await group.nextDone({ cancelRemaining: true });
      return [first?.result, slow.cancelled, group.closed];
    });
    expect(got).toEqual([10, true, false]);
  });

  test('that is cancelled or timed out was given none', async () => {
    const got = await program(async () => {
      await using group = new ThreadGroup<number>();
      group.spawn(after, 50);
      const taker = spawn(() => group.nextDone());
      await sleep(1);
      await taker.cancel();
      const error = await rejection(timeoutAfter(10, () => group.nextDone()));
      return [taker.cancelled, codeOf(error), (await group.nextDone())?.result];
    });
    expect(got).toEqual([true, 'TT_TIMEOUT', 50]);
  });
});

test('failures are told in the order of failing, also those that were given to somebody', async () => {
  const got = await program(async () => {
    const group = new ThreadGroup();
    const fails = async (ms: number) => {
      await sleep(ms);
      throw new Error(String(ms));
    };
    group.spawn(fails, 10);
    group.spawn({ daemon: true }, fails, 20);
    group.spawn(fails, 30);
    await sleep(40);
    await group.nextDone();
    return messageOf(await rejection(group.join()));
  });
  expect(got).toBe('3 of the group failed: 10; 20; 30');
});

test('those that a join has cancelled are given, too', async () => {
  const got = await program(async () => {
    const group = new ThreadGroup<number>({ wait: 'any' });
    for (const ms of [10, 1000]) group.spawn(after, ms);
    await group.join();
    return [(await group.nextDone())?.cancelled, await group.nextDone()];
  });
  expect(got).toEqual([true, undefined]);
});

describe('nextResult', () => {
  test('gives the values in the order of ending, and an error when there is none left', async () => {
    const got = await program(async () => {
      await using group = new ThreadGroup<number>();
      for (const ms of [20, 10]) group.spawn(after, ms);
      return [await group.nextResult(), await group.nextResult(), codeOf(await rejection(group.nextResult()))];
    });
    expect(got).toEqual([10, 20, 'TT_GROUP_EMPTY']);
  });

  test('throws the failure of a member, which is seen then', async () => {
    const got = await program(async () => {
      await using group = new ThreadGroup();
      group.spawn(bad);
      const error = await rejection(group.nextResult());
      await group.join();
      return [codeOf(error), messageOf(causeOf(error))];
    });
    expect(got).toEqual(['TT_THREAD_ERROR', 'broken']);
  });
});

/** Each way to take one, and what is left in the group when it was cancelled. */
describe('a taker that is cancelled so many steps after a member has ended', () => {
  const takes = {
    nextDone: (group: ThreadGroup<number>) => group.nextDone().then((member) => member?.result),
    'nextDone, cancelRemaining': (group: ThreadGroup<number>) =>
      group.nextDone({ cancelRemaining: true }).then((member) => member?.result),
    nextResult: (group: ThreadGroup<number>) => group.nextResult(),
    'nextResult, cancelRemaining': (group: ThreadGroup<number>) => group.nextResult({ cancelRemaining: true }),
  };

  async function steps(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await Promise.resolve();
  }

  /** What the taker got, and what was left. */
  async function takenAndLeft(take: (group: ThreadGroup<number>) => Promise<unknown>, count: number) {
    const taken: unknown[] = [];
    const group = new ThreadGroup<number>();
    const member = group.spawn(after, 10);
    const other = group.spawn(async () => {
      try {
        return await after(1000);
      } finally {
        await shield(100, after, 20);
      }
    });
    const taker = spawn(async () => {
      taken.push(await take(group));
    });
    await sleep(1);
    member.child.events.on('ended', () => void steps(count).then(() => taker.requestCancel()));
    await taker.wait();
    other.requestCancel();
    const left: unknown[] = [];
    for await (const { result } of group) if (result !== undefined) left.push(result);
    return { taken, left };
  }

  test.each(Object.keys(takes) as (keyof typeof takes)[])('%s has it, or has left it', async (name) => {
    for (let count = 0; count < 20; count++) {
      const { taken, left } = await program(() => takenAndLeft(takes[name], count));
      expect([count, ...taken, ...left]).toEqual([count, 10]);
    }
  });

  test('what it gives back goes to who waits, or is the next again; a failure too', async () => {
    const got = await program(async () => {
      const group = new ThreadGroup();
      const slow = async () => {
        try {
          await sleep(1000);
        } finally {
          await shield(100, sleep, 20);
        }
      };
      group.spawn(bad);
      group.spawn(slow);
      group.spawn(slow);
      const taker = spawn(() => group.nextDone({ cancelRemaining: true }));
      const second = spawn(() => group.nextDone());
      await sleep(1);
      await taker.cancel();
      const given = await second.join();
      return [given?.outcome?.kind, codeOf(await rejection(group.join()))];
    });
    expect(got).toEqual(['failed', 'TT_THREAD_GROUP']);
  });
});

describe('members that end in the same turn, on which the ancestor crashes or hangs', () => {
  test.each(['all', 'any', 'object', 'none'] as const)('with %s', async (wait) => {
    const got = await program(() =>
      ThreadGroup.run({ wait }, async (group) => {
        const gate = new Event();
        const members = [1, 2, 3].map((n) =>
          group.spawn(async () => {
            await gate.wait();
            return n;
          }),
        );
        await sleep(1);
        gate.set();
        if (wait === 'none') await sleep(1);
        await group.join();
        return [group.completed?.result, members.map((member) => member.ended)];
      }),
    );
    expect(got).toEqual([wait === 'none' ? undefined : 1, [true, true, true]]);
  });

  test('all of them failing', async () => {
    const error = await program(() =>
      rejection(
        ThreadGroup.run((group) => {
          for (let i = 0; i < 3; i++) group.spawn(bad);
        }),
      ),
    );
    expect(messageOf(error)).toBe('3 of the group failed: broken; broken; broken');
  });

  test('without ever having waited, and before the join begins', async () => {
    const got = await program(async () => {
      const group = new ThreadGroup<number>();
      const members = [1, 2, 3].map((n) => group.spawn(() => n));
      await sleep(5);
      await group.join();
      return members.map(({ result }) => result);
    });
    expect(got).toEqual([1, 2, 3]);
  });

  test('one fails as another returns', async () => {
    const got = await program(async () => {
      const gate = new Event();
      const error = await rejection(
        ThreadGroup.run({ wait: 'any' }, async (group) => {
          group.spawn(async () => {
            await gate.wait();
            bad();
          });
          group.spawn(async () => {
            await gate.wait();
            say('returned');
          });
          await sleep(1);
          gate.set();
        }),
      );
      return codeOf(error);
    });
    expect([got, words]).toEqual(['TT_THREAD_GROUP', ['returned']]);
  });
});

describe('a join after a failure', () => {
  test('is told of it too: by several at once, and later; the disposal is silent then', async () => {
    const told = await program(async () => {
      await using group = new ThreadGroup();
      const member = group.spawn(bad);
      const joins = [spawn(() => rejection(group.join())), spawn(() => rejection(group.join()))];
      const errors = [await joins[0]?.join(), await joins[1]?.join(), await rejection(group.join())];
      return errors.map((error) => {
        const { failed, errors: causes } = error as ThreadGroupError;
        return [codeOf(error), failed.length === 1 && failed[0] === member, causes.map(messageOf)];
      });
    });
    expect(told).toEqual(new Array(3).fill(['TT_THREAD_GROUP', true, ['broken']]));
  });

  test('that the block has caught is not told by the end of the block', async () => {
    const value = await program(() =>
      ThreadGroup.run(async (group) => {
        group.spawn(bad);
        return codeOf(await rejection(group.join()));
      }),
    );
    expect(value).toBe('TT_THREAD_GROUP');
  });

  test('tells of all failures once more, also of those after the first join', async () => {
    const errors = await program(async () => {
      const group = new ThreadGroup();
      group.spawn(bad);
      // Its own join does not wait for it.
      group.spawn(async () => {
        await rejection(group.join());
        throw new Error('after the join');
      });
      await sleep(1);
      await rejection(group[Symbol.asyncDispose]());
      return ((await rejection(group.join())) as ThreadGroupError).errors.map(messageOf);
    });
    expect(errors).toEqual(['broken', 'after the join']);
  });
});
