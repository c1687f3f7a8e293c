/** thredo’s and curio’s time limits: `timeoutAfter`, `timeoutAt`, `ignoreAfter`, `ignoreAt`, `shield`, `checkCancelled`. */
import {
  CancelledError,
  checkCancelled,
  currentThread,
  FunctionThread,
  ignoreAfter,
  ignoreAt,
  Lock,
  Queue,
  shield,
  sleep,
  spawn,
  start,
  TimeoutError,
  timeoutAfter,
  timeoutAt,
  UncaughtTimeoutError,
} from '../../../src/index.ts';
import { causeOf, checkThreads, codeOf, forever, grow, messageOf, say, Toy, time, words } from '../toys.ts';
import { program, rejection, thrown } from './running.ts';

checkThreads();

const now = (): number => currentThread().clock.now();

/** Sleeps in small steps, so that a limit finds it between two of them too. */
async function steps(ms: number): Promise<string> {
  for (let i = 0; i < ms; i++) await sleep(1);
  return 'done';
}

describe('timeoutAfter', () => {
  test('in the call form gives what the function returns, when it is in time', async () => {
    const got = await program(() => timeoutAfter(50, (a: number, b: number) => sleep(10).then(() => a + b), 2, 3));
    expect(got).toBe(5);
  });

  test('in the call form throws TimeoutError when it is not, and the wait that it was in throws CancelledError', async () => {
    const got = await program(async () => {
      const began = now();
      const error = await rejection(timeoutAfter(20, sleep, 1000));
      return [error instanceof TimeoutError, messageOf(error), codeOf(causeOf(error)), now() - began];
    });
    expect(got).toEqual([true, 'sleep took longer than 20 ms', 'TT_CANCELLED', 20]);
  });

  test('in the block form', async () => {
    const got = await program(async () => {
      const good = await timeoutAfter(50, async () => {
        await sleep(10);
        await sleep(10);
        return 'value';
      });
      return [
        good,
        codeOf(
          await rejection(
            timeoutAfter(50, async () => {
              await sleep(30);
              await sleep(30);
            }),
          ),
        ),
      ];
    });
    expect(got).toEqual(['value', 'TT_TIMEOUT']);
  });

  test('leaves what comes after it alone, and no timer', async () => {
    await program(async () => {
      await timeoutAfter(50, () => sleep(10));
      await sleep(100);
      await rejection(timeoutAfter(5, steps, 100));
      await sleep(10);
    });
    expect(time().clock.pendingTimers).toBe(0);
  });

  test('what the function throws passes as it is', async () => {
    const error = await program(() => rejection(timeoutAfter(50, () => Promise.reject(new RangeError('its own')))));
    expect(error).toBeInstanceOf(RangeError);
  });

  test('every later wait throws as well; one that returns all the same was in time', async () => {
    const got = await program(() =>
      timeoutAfter(10, async () => {
        const codes = [];
        for (let i = 0; i < 3; i++) codes.push(codeOf(await sleep(100).catch((error: unknown) => error)));
        return codes;
      }),
    );
    expect(got).toEqual(['TT_CANCELLED', 'TT_CANCELLED', 'TT_CANCELLED']);
  });

  test('of 0 ends the first wait, and nothing that need not wait', async () => {
    const got = await program(async () => [
      await timeoutAfter(0, () => 'value'),
      codeOf(await rejection(timeoutAfter(0, sleep, 1))),
    ]);
    expect(got).toEqual(['value', 'TT_TIMEOUT']);
  });

  test('a cancel of the thread is no timeout', async () => {
    const got = await program(async () => {
      const child = spawn(() => timeoutAfter(100, sleep, 1000));
      await sleep(1);
      await child.cancel();
      return [child.cancelled, codeOf(child.exception)];
    });
    expect(got).toEqual([true, 'TT_CANCELLED']);
  });

  test('null is no limit of its own: the outer deadline holds', async () => {
    const got = await program(async () => {
      const value = await timeoutAfter(null, () => sleep(500).then(() => 'value'));
      const error = await rejection(
        timeoutAfter(20, async () => {
          say(String(codeOf(await rejection(timeoutAfter(null, sleep, 1000)))));
          await sleep(1);
        }),
      );
      return [value, codeOf(error), messageOf(error)];
    });
    expect([got, words]).toEqual([['value', 'TT_TIMEOUT', 'the work took longer than 20 ms'], ['TT_CANCELLED']]);
  });

  test('a spawned thread is not in the limit of the one that has spawned it', async () => {
    const got = await program(async () => {
      const child = await timeoutAfter(10, () => spawn(steps, 50));
      return child.join();
    });
    expect(got).toBe('done');
  });

  test('takes the scope that is given, and then that is the one around inside', async () => {
    const seen: unknown[] = [];
    const toy = new Toy({
      enter: async (me, turn) => {
        seen.push(codeOf(await rejection(timeoutAfter({ ms: 10, scope: turn }, steps, 100))));
        seen.push(await timeoutAfter({ ms: 10, scope: me }, () => currentThread().path));
        seen.push(await timeoutAfter({ ms: null, scope: turn }, steps, 5));
      },
    });
    await grow(toy);
    expect(seen).toEqual(['TT_TIMEOUT', '/Toy-1', 'done']);
  });

  test('refuses what is no time, no function, no thread', async () => {
    const codes = await program(async () => {
      const { cancelScope } = currentThread();
      const errors = [
        timeoutAfter(-1, sleep, 1),
        timeoutAfter('1' as never, sleep, 1),
        timeoutAfter(1, 17 as never),
        timeoutAfter({ ms: 1, at: 2 } as never, sleep, 1),
        timeoutAfter({ ms: 1, scope: cancelScope }, sleep, 1),
        timeoutAt(Number.NaN, sleep, 1),
        ignoreAt({ at: '1' as never }, sleep, 1),
        shield(-1, sleep, 1),
      ].map(async (promise) => codeOf(await rejection(promise)));
      return Promise.all(errors);
    });
    expect(codes).toEqual(new Array(8).fill('TT_INVALID_OPTION'));
    expect(codeOf(await rejection(timeoutAfter(1, sleep, 1)))).toBe('TT_NO_SCOPE');
  });

  test('in a thread that has ended calls nothing', async () => {
    const thread = new FunctionThread(() => sleep(1));
    const root = await time().run(start(thread, time().options));
    await time().run(root.join());
    const error = await rejection(timeoutAfter({ ms: 5, scope: thread }, () => say('called')));
    expect([codeOf(error), words]).toEqual(['TT_THREAD_ENDED', []]);
  });
});

describe('limits that nest', () => {
  test('the inner one first, caught where it is: a TimeoutError there, and the outer goes on', async () => {
    const got = await program(() =>
      timeoutAfter(100, async () => {
        const error = await rejection(timeoutAfter(10, sleep, 1000));
        await sleep(10);
        return codeOf(error);
      }),
    );
    expect(got).toBe('TT_TIMEOUT');
  });

  test('the outer one first: inside another error, which cannot be taken for its own; outside a TimeoutError', async () => {
    const error = await program(() =>
      rejection(
        timeoutAfter(10, async () => {
          const inner = await rejection(timeoutAfter(100, sleep, 1000));
          say(`${String(codeOf(inner))} ${String(inner instanceof CancelledError)}`);
          throw inner;
        }),
      ),
    );
    expect([codeOf(error), (error as TimeoutError).timeoutMs, words]).toEqual([
      'TT_TIMEOUT',
      10,
      ['TT_CANCELLED true'],
    ]);
  });

  test('an inner one that takes the outer’s error for its own cannot swallow it: the next wait throws', async () => {
    const error = await program(() =>
      rejection(
        timeoutAfter(10, async () => {
          await timeoutAfter(100, sleep, 1000).catch(() => say('swallowed'));
          await sleep(1);
          say('not reached');
        }),
      ),
    );
    expect([codeOf(error), words]).toEqual(['TT_TIMEOUT', ['swallowed']]);
  });

  test('an inner one that escapes to the outer block is an UncaughtTimeoutError there', async () => {
    const error = await program(() => rejection(timeoutAfter(100, () => timeoutAfter(10, sleep, 1000))));
    expect(error).toBeInstanceOf(UncaughtTimeoutError);
    expect([codeOf(causeOf(error)), (causeOf(error) as TimeoutError).timeoutMs]).toEqual(['TT_TIMEOUT', 10]);
  });

  test('and stays one on its way further out', async () => {
    const error = await program(() =>
      rejection(timeoutAfter(300, () => timeoutAfter(200, () => timeoutAfter(10, sleep, 1000)))),
    );
    expect([codeOf(error), codeOf(causeOf(error))]).toEqual(['TT_UNCAUGHT_TIMEOUT', 'TT_TIMEOUT']);
  });

  test('both at the same moment: it is the outer’s', async () => {
    const error = await program(() =>
      rejection(
        timeoutAfter(10, async () => {
          const inner = await rejection(timeoutAfter(10, sleep, 1000));
          say(String(codeOf(inner)));
          throw inner;
        }),
      ),
    );
    expect([codeOf(error), words]).toEqual(['TT_TIMEOUT', ['TT_CANCELLED']]);
  });

  test('the outer’s time is over too by the time that the inner one is told: it is the outer’s', async () => {
    let goOn!: () => void;
    const work = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const running = program(() =>
      rejection(
        timeoutAfter(20, async () => {
          const inner = await rejection(
            timeoutAfter(10, async () => {
              await work; // Nothing can end it: it learns of both limits together.
              await sleep(1);
            }),
          );
          say(String(codeOf(inner)));
          throw inner;
        }),
      ),
    );
    const pacer = await time().run(start(() => new FunctionThread(() => sleep(30).then(goOn)), time().options));
    const error = await running;
    await time().run(pacer.join());
    expect([codeOf(error), (error as TimeoutError).timeoutMs, words]).toEqual(['TT_TIMEOUT', 20, ['TT_CANCELLED']]);
  });

  test('the turn’s word and the function’s are one mechanism', async () => {
    const error = await program(() =>
      rejection(currentThread().timeoutAfter(100, (turn) => timeoutAfter({ ms: 10, scope: turn }, sleep, 1000))),
    );
    expect(codeOf(error)).toBe('TT_UNCAUGHT_TIMEOUT');
  });
});

describe('ignoreAfter', () => {
  test('tells whether the time was over, and the result', async () => {
    const got = await program(async () => [
      await ignoreAfter(50, steps, 5),
      await ignoreAfter(5, steps, 50),
      await ignoreAfter(null, steps, 5),
    ]);
    expect(got).toEqual([
      { expired: false, result: 'done' },
      { expired: true, result: undefined },
      { expired: false, result: 'done' },
    ]);
  });

  test('in a limit: when the outer is first, nothing is ignored', async () => {
    const error = await program(() =>
      rejection(
        timeoutAfter(10, async () => {
          await ignoreAfter(100, sleep, 1000);
          say('not reached');
        }),
      ),
    );
    expect([codeOf(error), words]).toEqual(['TT_TIMEOUT', []]);
  });

  test('of a limit further in nothing is ignored', async () => {
    const error = await program(() => rejection(ignoreAfter(100, () => timeoutAfter(10, sleep, 1000))));
    expect(codeOf(error)).toBe('TT_UNCAUGHT_TIMEOUT');
  });

  test('of a cancel nothing is ignored', async () => {
    const got = await program(async () => {
      const child = spawn(async () => {
        await ignoreAfter(100, sleep, 1000);
        say('not reached');
      });
      await sleep(1);
      await child.cancel();
      return child.cancelled;
    });
    expect([got, words]).toEqual([true, []]);
  });

  test('what the function throws passes as it is', async () => {
    const error = await program(() => rejection(ignoreAfter(50, () => Promise.reject(new RangeError('its own')))));
    expect(error).toBeInstanceOf(RangeError);
  });
});

test('a limit that has passed when it begins holds for the first wait, also for one that need not wait', async () => {
  const lock = new Lock();
  const queue = new Queue<string>();
  const waits: (() => Promise<unknown>)[] = [
    () => sleep(0),
    () => lock.acquire(),
    () => queue.put('item'),
    () => spawn(sleep, 0).join(),
  ];
  const got = await program(async () => {
    const limits = [];
    for (const wait of waits) {
      limits.push(codeOf(await rejection(timeoutAfter(0, wait))));
      limits.push((await ignoreAt(now(), wait)).expired);
    }
    return [limits, lock.locked, queue.size, await timeoutAfter(0, () => 'no wait')];
  });
  expect(got).toEqual([waits.flatMap(() => ['TT_TIMEOUT', true]), false, 0, 'no wait']);
});

test('timeoutAt and ignoreAt go by the tree’s clock; a moment that has passed ends the first wait', async () => {
  const got = await program(async () => {
    const began = now();
    const late = codeOf(await rejection(timeoutAt(began + 20, sleep, 1000)));
    const took = now() - began;
    return [
      late,
      took,
      await timeoutAt(now() + 20, steps, 5),
      codeOf(await rejection(timeoutAt(began, sleep, 1))),
      await timeoutAt(began, () => 'no wait'),
      await timeoutAt(null, steps, 5),
      await ignoreAt(now() + 5, steps, 50),
      await ignoreAt({ at: now() + 50, scope: currentThread() }, steps, 5),
    ];
  });
  expect(got).toEqual([
    'TT_TIMEOUT',
    20,
    'done',
    'TT_TIMEOUT',
    'no wait',
    'done',
    { expired: true, result: undefined },
    { expired: false, result: 'done' },
  ]);
});

describe('shield', () => {
  test('is not reached by a cancel, nor by a limit around it', async () => {
    await program(async () => {
      const child = spawn(async () => {
        try {
          await timeoutAfter(10, async () => {
            await shield(100, sleep, 30);
            say('shielded');
            await sleep(1);
          });
        } catch (error) {
          say(String(codeOf(error)));
        }
        try {
          await sleep(1000);
        } finally {
          await shield(100, sleep, 30);
          say('cleaned up');
        }
      });
      await sleep(50);
      await child.cancel();
    });
    expect(words).toEqual(['shielded', 'TT_TIMEOUT', 'cleaned up']);
  });

  test('has its own time, and ends in a TimeoutError', async () => {
    expect(codeOf(await program(() => rejection(shield(10, sleep, 1000))))).toBe('TT_TIMEOUT');
  });

  test('gives what the function returns', async () => {
    expect(await program(() => shield(10, (n: number) => n + 1, 1))).toBe(2);
  });

  test('does not hold up the end of an abandoned thread: its waits are over with it', async () => {
    const got = await program(async () => {
      const child = spawn(async () => {
        await shield(10_000, sleep, 10_000).catch((error: unknown) => say(String(codeOf(error))));
        await forever();
      });
      await sleep(1);
      await child.cancel({ cancelMs: 40 });
      await Promise.resolve();
      return child.outcome?.verdict;
    });
    await time().settle();
    expect([got, words]).toEqual(['abandoned', ['TT_THREAD_ENDED']]);
  });
});

test('the abort signal of a block fires with its limit, and is dead when the block is over', async () => {
  const got = await program(async () => {
    const child = spawn(async () => {
      const late = await timeoutAfter(10, () => sleep(20).catch(() => currentThread().abortSignal)).catch(
        () => undefined,
      );
      const kept = await timeoutAfter(10, () => Promise.resolve(currentThread().abortSignal));
      const own = currentThread().abortSignal;
      await sleep(1000).catch(() => {});
      return [late?.aborted, kept.aborted, own.aborted];
    });
    await sleep(100);
    await child.cancel();
    return child.result ?? (child.exception as Error).message;
  });
  expect(got).toEqual([true, false, true]);
});

test('checkCancelled throws in a cancelled function, in a limit that has passed, and nowhere else', async () => {
  let go!: () => void;
  const work = new Promise<void>((resolve) => {
    go = resolve;
  });
  const codes = await program(async () => {
    checkCancelled();
    const child = spawn(async () => {
      await work;
      return codeOf(thrown(checkCancelled));
    });
    await sleep(1);
    void child.cancel();
    go();
    await child.wait();
    const late = await timeoutAfter(5, async () => {
      await sleep(100).catch(() => {});
      return codeOf(thrown(checkCancelled));
    });
    checkCancelled({ scope: currentThread() });
    return [child.result, late];
  });
  expect(codes).toEqual(['TT_CANCELLED', 'TT_CANCELLED']);
  expect(codeOf(thrown(checkCancelled))).toBe('TT_NO_SCOPE');
});
