/** Law 8 for the waits of groups: a member that waits for what waits for it is told so, and nobody else is. */
import {
  type Child,
  currentThread,
  DeadlockError,
  shield,
  type Spawned,
  sleep,
  spawn,
  ThreadGroup,
  timeoutAfter,
} from '../../../src/index.ts';
import type { ThreadGroupError } from '../../../src/kernel/function-errors.ts';
import { checkThreads, codeOf, Gate, grow, say, time, Toy, words } from '../toys.ts';
import { program, rejection } from './running.ts';

checkThreads();

/** The links of a circle: who waits for what. */
function linksOf(error: unknown): string[] {
  expect(error).toBeInstanceOf(DeadlockError);
  return (error as DeadlockError).chain.map(({ path, waitsFor }) => `${path}: ${waitsFor}`);
}

let began = 0;
beforeEach(() => {
  began = now();
});

function now(): number {
  return time().options.clock.now();
}

/** How much time of the test has passed. */
function elapsed(): number {
  return now() - began;
}

async function outcome(wait: Promise<unknown>): Promise<unknown> {
  try {
    await wait;
    return 'ended';
  } catch (error) {
    return error;
  }
}

/** What a member, given its group, ends with when it waits so. */
type Waits = (group: ThreadGroup) => Promise<unknown>;

const waits: Record<string, Waits> = {
  join: (group) => group.join(),
  nextDone: (group) => group.nextDone(),
  nextResult: (group) => group.nextResult(),
  iteration: async (group) => {
    for await (const member of group) say(`ended ${member.path}`);
  },
};

describe('a member waits for its own group', () => {
  test('by join: it fails at once, and so does its group', async () => {
    const got = await program(async () => {
      const failed = await rejection(
        ThreadGroup.run((group) => {
          group.spawn(async function waiting() {
            await group.join();
          });
        }),
      );
      const { errors } = failed as ThreadGroupError;
      return [linksOf(errors[0])[0], elapsed()];
    });
    expect(got).toEqual(['/function-1/waiting-2: the end of the group of /function-1', 0]);
  });

  test.each(Object.keys(waits))('by %s, and nobody is left who could end', async (name) => {
    const error = await program(async () => {
      await using group = new ThreadGroup();
      const member = group.spawn(() => rejection(waits[name]!(group)));
      await member.join();
      return member.result;
    });
    expect(codeOf(error)).toBe('TT_DEADLOCK');
    expect(linksOf(error)[0]).toMatch(/^\/function-1\/function-2: the (next )?end (in|of) the group of \/function-1$/);
  });

  test.each(['any', 'object'] as const)(
    'with %s: it hangs when its function cannot spawn another one',
    async (wait) => {
      const error = await program(async function main() {
        const joined = ThreadGroup.run({ wait }, async (group) => {
          group.spawn(async function waiting() {
            await group.join();
          });
          await sleep(10);
          expect(group.size).toBe(1);
        });
        return await rejection(joined);
      });
      expect(linksOf(error)).toEqual([
        '/main-1: the end of the group of /main-1',
        '/main-1/waiting-2: the end of the group of /main-1',
      ]);
    },
  );

  test('the error names the way out', async () => {
    const error = await program(async () => {
      await using group = new ThreadGroup();
      return await group.spawn(() => rejection(group.join())).join();
    });
    expect((error as Error).message).toMatch(/no member of it and that no member waits for/);
  });

  test('in a function that the member has spawned', async () => {
    let told: unknown;
    await program(async () => {
      await using group = new ThreadGroup();
      const member = group.spawn(() =>
        spawn(async () => {
          told = await rejection(group.join());
        }).join(),
      );
      await member.wait();
    });
    expect([linksOf(told)[0], elapsed()]).toEqual([expect.stringContaining('the end of the group'), 0]);
  });

  test('in a handler below a member', async () => {
    let told: unknown;
    await program(async () => {
      await using group = new ThreadGroup();
      const member = group.spawn(async () => {
        const toy = new Toy({
          signal: async (_signal, me, turn) => {
            told = await rejection(group.join({ scope: turn }));
            me.stop();
          },
        });
        const child = await currentThread().addChild(() => toy as never);
        await (child as unknown as Child<Toy>).send('join');
        await child.join();
      });
      await member.wait();
    });
    expect(linksOf(told)[0]).toContain('the end of the group');
    expect((told as Error).message).toMatch(/waiting for the group in a task/);
  });
});

describe('members wait for each other', () => {
  test('two groups whose members join each other’s group: the one that closes the circle fails', async () => {
    const got = await program(async () => {
      const groups: ThreadGroup[] = [];
      const errors = [0, 1].map((n) =>
        spawn(() =>
          outcome(
            ThreadGroup.run((group) => {
              groups[n] = group;
              group.spawn({ name: `member of ${n}` }, async () => {
                await sleep(1 + n);
                await groups[1 - n]!.join();
              });
            }),
          ),
        ),
      );
      return [await errors[0]!.join(), ((await errors[1]!.join()) as ThreadGroupError).errors];
    });
    const [first, [deadlock]] = got as [unknown, unknown[]];
    expect(linksOf(deadlock)).toEqual([
      '/function-1/function-3/member of 1-5: the end of the group of /function-1/function-2',
      '/function-1/function-2/member of 0-4: the end of the group of /function-1/function-3',
    ]);
    // The join that has failed has ended its group, whose member was cancelled: that is no failure of the other one.
    expect(first).toBe('ended');
  });

  test('a member joins the function that joins its group', async () => {
    const got = await program(async () => {
      const outer: Spawned = spawn(async () => {
        await ThreadGroup.run((group) => {
          group.spawn(async function inner() {
            await sleep(1);
            say(String(codeOf(await rejection(outer.join()))));
          });
        });
      });
      await outer.join();
      return 'ended';
    });
    expect([got, words]).toEqual(['ended', ['TT_DEADLOCK']]);
  });

  test('found when the last member that was free has ended', async () => {
    const got = await program(async () => {
      await using group = new ThreadGroup({ wait: 'object' });
      group.spawn(sleep, 20);
      const member = group.spawn(async () => {
        const error = await rejection(group.join());
        return [codeOf(error), elapsed()];
      });
      return await member.join();
    });
    expect(got).toEqual(['TT_DEADLOCK', 20]);
  });

  test('found when the last one that was free, a daemon, has ended', async () => {
    const got = await program(async () => {
      await using group = new ThreadGroup();
      group.spawn({ daemon: true }, sleep, 20);
      const member = group.spawn(async () => [codeOf(await rejection(group.nextDone())), elapsed()]);
      return await member.join();
    });
    expect(got).toEqual(['TT_DEADLOCK', 20]);
  });
});

describe('no circle is', () => {
  test.each(Object.keys(waits).filter((name) => name !== 'join'))(
    '%s in a member while a sibling is free',
    async (name) => {
      const got = await program(async () => {
        await using group = new ThreadGroup();
        const taker = group.spawn(async () => {
          if (name !== 'iteration') return waits[name]!(group);
          for await (const member of group) return member;
          return undefined;
        });
        group.spawn(sleep, 20);
        await taker.wait();
        return taker.outcome?.kind;
      });
      expect(got).toBe('finished');
    },
  );

  test('the same while a sibling waits for something of the user’s', async () => {
    const got = await program(async () => {
      await using group = new ThreadGroup();
      const gate = new Gate();
      group.spawn(() => gate.passed);
      const taker = group.spawn(() => group.nextDone());
      setImmediate(() => gate.open());
      await taker.wait();
      return taker.outcome?.kind;
    });
    expect(got).toBe('finished');
  });

  test('the same while a function that a member has spawned is free: it may spawn another one', async () => {
    const got = await program(async () => {
      const group = new ThreadGroup<unknown>();
      const taker: Spawned = group.spawn(async () => {
        spawn(async () => {
          await sleep(20);
          group.spawn(() => 'fed');
        });
        return (await group.nextDone())?.result;
      });
      return taker.join();
    });
    expect(got).toBe('fed');
  });

  test('a wait for any that the function of the group may end by another member', async () => {
    const got = await program(async () => {
      const group = new ThreadGroup({ wait: 'any' });
      const member = group.spawn(() => group.nextDone().then((next) => next?.result));
      await sleep(20);
      group.spawn(() => 'later');
      return member.join();
    });
    expect(got).toBe('later');
  });

  test('the same of any other function below it', async () => {
    const got = await program(async () => {
      const group = new ThreadGroup<unknown>();
      spawn(async () => {
        await sleep(20);
        group.spawn(() => 'fed');
      });
      const member: Spawned = group.spawn(() => group.nextDone().then((next) => next?.result));
      return member.join();
    });
    expect(got).toBe('fed');
  });

  test.each(Object.keys(waits))('%s with a time limit', async (name) => {
    const got = await program(async () => {
      await using group = new ThreadGroup();
      const member = group.spawn(() => rejection(timeoutAfter(20, () => waits[name]!(group))));
      await member.wait();
      return [codeOf(member.result), elapsed()];
    });
    // A join that is cut short ends its group, and so who says it.
    expect(got).toEqual([name === 'join' ? 'TT_CANCELLED' : 'TT_TIMEOUT', 20]);
  });

  test('a time limit at another link', async () => {
    const got = await program(async () => {
      const outer: Spawned = spawn(async () => {
        await ThreadGroup.run((group) => {
          group.spawn(() => timeoutAfter(20, () => outer.join()).catch((error) => say(String(codeOf(error)))));
        });
      });
      await outer.join();
      return elapsed();
    });
    expect([got, words]).toEqual([20, ['TT_TIMEOUT']]);
  });

  test('a member that waits for something else beside', async () => {
    const got = await program(async () => {
      const outer: Spawned = spawn(async () => {
        await ThreadGroup.run((group) => {
          group.spawn(() => Promise.race([outer.wait(), sleep(20)]));
        });
        return 'ended';
      });
      return outer.join();
    });
    expect(got).toBe('ended');
  });

  test('a daemon that waits for the group, or for the function that has spawned it', async () => {
    const got = await program(async () => {
      const outer: Spawned = spawn(async () => {
        spawn({ daemon: true }, async () => say(`outer ${String(codeOf(await rejection(outer.join())))}`));
        await ThreadGroup.run((group) => {
          group.spawn({ daemon: true }, () => group.nextDone());
          group.spawn({ daemon: true }, () => outer.wait());
          group.spawn(sleep, 20);
        });
        return 'ended';
      });
      return outer.join();
    });
    expect([got, words]).toEqual(['ended', ['outer TT_CANCELLED']]);
  });
});

/** A wait for the end of all cannot be for the member that says it. */
describe('a member that ends its own group', () => {
  test.each(['join', 'disposal'])('by %s, has the others ended and is cancelled', async (how) => {
    const got = await program(async () => {
      const group = new ThreadGroup({ wait: 'none' });
      group.spawn(sleep, 60_000);
      const ending = group.spawn(async () => {
        await sleep(10);
        if (how === 'join') await group.join();
        else await group[Symbol.asyncDispose]();
        say(`${group.size} left, at ${elapsed()}`);
        await sleep(1);
      });
      await ending.wait();
      return [ending.cancelled, ending.outcome?.verdict];
    });
    expect([got, words]).toEqual([[true, 'cancelled'], ['1 left, at 10']]);
  });

  test('several of them do not wait for each other', async () => {
    const got = await program(async () => {
      const group = new ThreadGroup({ wait: 'any' });
      const joining = [1, 2, 3].map((n) =>
        group.spawn(async () => {
          await group.join().catch((error) => say(`${n} ${String(codeOf(error))}`));
          say(`${n} over`);
        }),
      );
      group.spawn(() => sleep(10).then(() => 'answer'));
      await group.join();
      return [elapsed(), joining.map(({ outcome }) => outcome?.verdict)];
    });
    expect(got).toEqual([10, ['cancelled', 'cancelled', 'cancelled']]);
    expect(words.filter((word) => word.endsWith('over'))).toHaveLength(3);
  });

  test('waits for the clean-up of the others', async () => {
    const got = await program(async () => {
      const group = new ThreadGroup({ wait: 'none' });
      group.spawn(async () => {
        try {
          await sleep(60_000);
        } finally {
          await shield(100, sleep, 30);
          say('cleaned up');
        }
      });
      const ending = group.spawn(async () => {
        await sleep(1);
        await group.join();
        say(`over at ${elapsed()}`);
      });
      await ending.wait();
      return ending.ended;
    });
    expect([got, words]).toEqual([true, ['cleaned up', 'over at 31']]);
  });
});

test('a join in a hook below the thread of the group, of a member that waits for that hook', async () => {
  let told: unknown;
  const top: Toy = new Toy({
    enter: () => {},
    signal: async (_signal, _me, turn) => {
      const group = new ThreadGroup({ scope: turn });
      group.spawn(async function asker() {
        await root.join({ scope: currentThread() });
      });
      told = await rejection(group.join({ scope: turn }));
    },
  });
  const root = await grow(top);
  await root.send('go');
  await time().advance(1);
  expect(codeOf(told)).toBe('TT_THREAD_GROUP');
  expect(linksOf((told as ThreadGroupError).errors[0])[0]).toContain('the end of /Toy-1');
});
