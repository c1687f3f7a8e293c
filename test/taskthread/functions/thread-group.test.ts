/** thredo's `ThreadGroup`: the four waits, and what ends a group. */
import { currentThread, shield, type Spawned, sleep, spawn, ThreadGroup, timeoutAfter } from '../../../src/index.ts';
import { ThreadGroupError } from '../../../src/kernel/function-errors.ts';
import { causeOf, checkThreads, codeOf, forever, grow, messageOf, say, settle, Toy, time, words } from '../toys.ts';
import { program, rejection, thrown } from './running.ts';

checkThreads();

/** Sleeps, says how that ended, and gives its value. */
async function member<T>(name: string, ms: number, value: T): Promise<T> {
  try {
    await sleep(ms);
    say(name);
    return value;
  } catch (error) {
    say(`${name} ${String(codeOf(error))}`);
    throw error;
  }
}

async function failing(name: string, ms: number): Promise<never> {
  await member(name, ms, undefined);
  throw new TypeError(name);
}

describe('wait: all', () => {
  test('waits for everyone; completed is the first that has returned', async () => {
    const got = await program(() =>
      ThreadGroup.run(async (group: ThreadGroup<number>) => {
        const members = [30, 10, 20].map((ms) => group.spawn(member, String(ms), ms, ms));
        await group.join();
        return [members.map(({ result }) => result), group.completed === members[1], group.closed, group.size];
      }),
    );
    expect([got, words]).toEqual([
      [[30, 10, 20], true, true, 0],
      ['10', '20', '30'],
    ]);
  });

  test('is the default, and the block’s value is given when all have ended', async () => {
    const value = await program(() =>
      ThreadGroup.run((group) => {
        group.spawn(member, 'a', 10, 1);
        say('block');
        return 'value';
      }),
    );
    expect([value, words]).toEqual(['value', ['block', 'a']]);
  });

  test('of an empty group there is nothing to wait for', async () => {
    expect(await program(() => ThreadGroup.run((group) => group.completed))).toBeUndefined();
  });

  test('a member that was cancelled is no failure', async () => {
    const got = await program(() =>
      ThreadGroup.run(async (group) => {
        const [a, b] = [group.spawn(member, 'a', 100, 1), group.spawn(member, 'b', 20, 2)];
        await sleep(1);
        await a.cancel();
        await group.join();
        return [a.cancelled, b.result];
      }),
    );
    expect([got, words]).toEqual([
      [true, 2],
      ['a TT_CANCELLED', 'b'],
    ]);
  });
});

describe('wait: any', () => {
  test('takes the first that returns, be it nothing, and cancels the rest', async () => {
    const got = await program(() =>
      ThreadGroup.run({ wait: 'any' }, async (group) => {
        group.spawn(member, 'slow', 100, 'slow');
        const fast = group.spawn(member, 'fast', 10, undefined);
        await group.join();
        return [group.completed === fast, currentThread().children.length];
      }),
    );
    expect([got, words]).toEqual([
      [true, 0],
      ['fast', 'slow TT_CANCELLED'],
    ]);
  });
});

describe('wait: object', () => {
  test('takes the first result that is something, and cancels the rest', async () => {
    const got = await program(() =>
      ThreadGroup.run({ wait: 'object' }, async (group) => {
        group.spawn(member, 'undefined', 10, undefined);
        group.spawn(member, 'null', 20, null);
        group.spawn(member, 'zero', 30, 0);
        group.spawn(member, 'slow', 100, 'slow');
        await group.join();
        return group.completed?.result;
      }),
    );
    expect([got, words]).toEqual([0, ['undefined', 'null', 'zero', 'slow TT_CANCELLED']]);
  });

  test('when nobody gives anything, there is no completed one', async () => {
    const got = await program(() =>
      ThreadGroup.run({ wait: 'object' }, async (group) => {
        group.spawn(member, 'a', 10, undefined);
        await group.join();
        return group.completed;
      }),
    );
    expect(got).toBeUndefined();
  });
});

test('wait: none cancels all on exit', async () => {
  await program(() =>
    ThreadGroup.run({ wait: 'none' }, async (group) => {
      group.spawn(member, 'a', 10, 1);
      group.spawn(member, 'b', 100, 1);
      await sleep(50);
      say('block');
    }),
  );
  expect(words).toEqual(['a', 'block', 'b TT_CANCELLED']);
});

describe('a member’s failure', () => {
  test.each(['all', 'any', 'object'] as const)('with %s: cancels the rest and is a group error', async (wait) => {
    const got = await program(async () => {
      const members: Spawned[] = [];
      const error = await rejection(
        ThreadGroup.run({ wait }, (group) => {
          members.push(group.spawn(failing, 'bad', 10), group.spawn(member, 'slow', 100, 1));
        }),
      );
      if (!(error instanceof ThreadGroupError)) throw error;
      return [error.failed[0] === members[0], error.errors.map(messageOf), causeOf(error) === error.errors[0]];
    });
    expect([got, words]).toEqual([
      [true, ['bad'], true],
      ['bad', 'slow TT_CANCELLED'],
    ]);
  });

  test('is joined by those that fail while they are cancelled, in the order of failing', async () => {
    const error = await program(() =>
      rejection(
        ThreadGroup.run((group) => {
          group.spawn(async () => {
            try {
              await sleep(1000);
            } finally {
              await shield(100, sleep, 20);
              await Promise.reject(new Error('late'));
            }
          });
          group.spawn(failing, 'first', 10);
        }),
      ),
    );
    expect([messageOf(error), (error as ThreadGroupError).errors.map(messageOf)]).toEqual([
      '2 of the group failed: first; late',
      ['first', 'late'],
    ]);
  });

  test('before the join is told there', async () => {
    const got = await program(async () => {
      const error = await rejection(
        ThreadGroup.run(async (group) => {
          group.spawn(failing, 'bad', 10);
          await sleep(50);
          say('block goes on');
        }),
      );
      return codeOf(error);
    });
    expect([got, words]).toEqual(['TT_THREAD_GROUP', ['bad', 'block goes on']]);
  });

  test('that somebody has seen is not told again', async () => {
    await program(() =>
      ThreadGroup.run(async (group) => {
        const bad = group.spawn(failing, 'bad', 10);
        await rejection(bad.join());
      }),
    );
    expect(words).toEqual(['bad']);
  });

  test('in a group that nobody joins fails the function that is over', async () => {
    const error = await rejection(
      program(() =>
        spawn(() => {
          new ThreadGroup().spawn(failing, 'bad', 10);
        }).join(),
      ),
    );
    expect([codeOf(error), codeOf(causeOf(error)), messageOf(causeOf(error))]).toEqual([
      'TT_THREAD_ERROR',
      'TT_CHILD_FAILED',
      '/function-1/function-2/failing-3 failed: bad',
    ]);
  });
});

describe('an error in the block', () => {
  test('cancels the members and is thrown when they have ended', async () => {
    const error = await program(() =>
      rejection(
        ThreadGroup.run(async (group) => {
          group.spawn(member, 'a', 100, 1);
          await sleep(10);
          throw new RangeError('block');
        }),
      ),
    );
    expect([messageOf(error), words]).toEqual(['block', ['a TT_CANCELLED']]);
  });

  test('does not hide a member’s failure: that is the function’s when it is over', async () => {
    const error = await rejection(
      program(async () => {
        const block = ThreadGroup.run(async (group) => {
          group.spawn(failing, 'bad', 10);
          await sleep(20);
          throw new RangeError('block');
        });
        say(String(messageOf(await rejection(block))));
      }),
    );
    expect([words, messageOf(error)]).toEqual([['bad', 'block'], '/function-1/failing-2 failed: bad']);
  });
});

describe('spawn', () => {
  test('while joining is allowed, also by a member, and the join waits for those too', async () => {
    await program(() =>
      ThreadGroup.run((group) => {
        group.spawn(async () => {
          await sleep(10);
          group.spawn(member, 'second', 10, 1);
          say('first');
        });
      }),
    );
    expect(words).toEqual(['first', 'second']);
  });

  test('into a closed group is an error', async () => {
    const codes = await program(async () => {
      const groups = [new ThreadGroup(), new ThreadGroup(), new ThreadGroup()];
      await groups[0]?.join();
      await groups[1]?.cancel();
      await groups[2]?.[Symbol.asyncDispose]();
      return groups.map((group) => codeOf(thrown(() => group.spawn(say, 'no'))));
    });
    expect(codes).toEqual(new Array(3).fill('TT_GROUP_CLOSED'));
  });

  test('members are children of the thread that has made the group, whoever spawns them', async () => {
    const paths = await program(() =>
      ThreadGroup.run(async (group) => {
        const first = group.spawn(() => group.spawn({ name: 'second' }, () => currentThread().path).join());
        return [first.path, await first.join()];
      }),
    );
    expect(paths).toEqual(['/function-1/function-2', '/function-1/second-3']);
  });

  test('a daemon is not waited for, and cancelled at the end', async () => {
    await program(() =>
      ThreadGroup.run((group) => {
        group.spawn({ daemon: true }, member, 'daemon', 1000, 1);
        group.spawn(member, 'plain', 10, 1);
      }),
    );
    expect(words).toEqual(['plain', 'daemon TT_CANCELLED']);
  });

  test('refuses options of others', async () => {
    const errors = await program(() => {
      const group = new ThreadGroup();
      return [
        thrown(() => group.spawn({ onFailure: 'ignore' } as never, forever)),
        thrown(() => new ThreadGroup({ wait: 'some' as never })),
        thrown(() => new ThreadGroup({ wat: 'all' } as never)),
      ].map(codeOf);
    });
    expect(errors).toEqual(new Array(3).fill('TT_INVALID_OPTION'));
    expect(codeOf(thrown(() => new ThreadGroup()))).toBe('TT_NO_SCOPE');
  });
});

describe('cancelling', () => {
  test('a join that is cancelled cancels the members, and has waited for them', async () => {
    await program(async () => {
      const child = spawn(() =>
        ThreadGroup.run((group) => {
          group.spawn(async () => {
            try {
              await sleep(1000);
            } finally {
              await shield(100, sleep, 20);
              say('member');
            }
          });
        }),
      );
      await sleep(1);
      await child.cancel();
      say(`ended ${String(child.cancelled)}`);
    });
    expect(words).toEqual(['member', 'ended true']);
  });

  test('a join that is timed out does too', async () => {
    const error = await program(() =>
      rejection(
        timeoutAfter(20, () =>
          ThreadGroup.run((group) => {
            group.spawn(member, 'slow', 1000, 1);
          }),
        ),
      ),
    );
    expect([codeOf(error), words]).toEqual(['TT_TIMEOUT', ['slow TT_CANCELLED']]);
  });

  test('join, of a group whose thread is being stopped, is no failure', async () => {
    const toy = new Toy();
    const root = await grow(toy);
    const child = spawn({ scope: toy }, () =>
      ThreadGroup.run((group) => {
        group.spawn(member, 'a', 1000, 1);
        group.spawn(member, 'b', 1000, 1);
      }),
    );
    await settle();
    const report = await time().run(root.stop());
    expect([report.verdict, report.threads, child.outcome?.kind, child.cancelled]).toEqual([
      'clean',
      4,
      'stopped',
      true,
    ]);
  });

  test('cancel closes the group and ends all members, again and of an empty one', async () => {
    const got = await program(async () => {
      const group = new ThreadGroup();
      const a = group.spawn(member, 'a', 1000, 1);
      await sleep(1);
      await group.cancel();
      await group.cancel();
      await group.join();
      return [a.cancelled, group.size];
    });
    expect([got, words]).toEqual([[true, 0], ['a TT_CANCELLED']]);
  });

  test('cancelRemaining leaves the group open', async () => {
    const got = await program(async () => {
      await using group = new ThreadGroup<number>();
      group.spawn(member, 'a', 1000, 1);
      await sleep(1);
      await group.cancelRemaining();
      const b = group.spawn(member, 'b', 10, 2);
      await group.join();
      return b.result;
    });
    expect([got, words]).toEqual([2, ['a TT_CANCELLED', 'b']]);
  });

  test('a member may cancel its own group', async () => {
    const got = await program(async () => {
      const group = new ThreadGroup();
      const a = group.spawn(() => group.cancel());
      const b = group.spawn(member, 'b', 1000, 1);
      await group.join();
      return [a.cancelled, b.cancelled];
    });
    expect(got).toEqual([true, true]);
  });
});

describe('await using', () => {
  test('cancels what join has not collected', async () => {
    await program(async () => {
      {
        await using group = new ThreadGroup();
        group.spawn(member, 'a', 10, 1);
        group.spawn(member, 'b', 1000, 1);
        await sleep(50);
      }
      say('after');
    });
    expect(words).toEqual(['a', 'b TT_CANCELLED', 'after']);
  });

  test('after a join has nothing to do', async () => {
    await program(async () => {
      await using group = new ThreadGroup();
      group.spawn(member, 'a', 10, 1);
      await group.join();
    });
    expect(words).toEqual(['a']);
  });

  test('throws when members have failed and nobody has seen it', async () => {
    const error = await program(() =>
      rejection(
        (async () => {
          await using group = new ThreadGroup();
          group.spawn(failing, 'bad', 10);
          await sleep(50);
        })(),
      ),
    );
    expect(codeOf(error)).toBe('TT_THREAD_GROUP');
  });

  test('in a cancelled function waits for the members nevertheless', async () => {
    await program(async () => {
      const child = spawn(async () => {
        await using group = new ThreadGroup();
        group.spawn(async () => {
          try {
            await sleep(1000);
          } finally {
            await shield(100, sleep, 10);
            say('member');
          }
        });
        await sleep(1000);
      });
      await sleep(1);
      await child.cancel();
      say('ended');
    });
    expect(words).toEqual(['member', 'ended']);
  });

  test.each(['all', 'any', 'object', 'none'] as const)(
    'a join in a cancelled function throws, with %s',
    async (wait) => {
      const child = await program(async () => {
        const joining = spawn(async () => {
          const group = new ThreadGroup({ wait });
          await sleep(1000).catch(() => {});
          say(String(codeOf(await rejection(group.join()))));
        });
        await sleep(1);
        await joining.cancel();
        return joining.outcome?.kind;
      });
      expect([child, words]).toEqual(['cancelled', ['TT_CANCELLED']]);
    },
  );
});

test('a group that nobody awaits, in a thread that is cancelled, is no unhandled rejection', async () => {
  const got = await program(async () => {
    const thread = spawn(async () => {
      void ThreadGroup.run((group) => void group.spawn(sleep, 1000));
      await sleep(1000).catch(() => {});
      void ThreadGroup.run((group) => void group.spawn(sleep, 1000));
    });
    await sleep(1);
    await thread.cancel();
    return thread.outcome?.kind;
  });
  expect(got).toBe('cancelled');
});
