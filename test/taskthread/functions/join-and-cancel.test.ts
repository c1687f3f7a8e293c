/** thredo's handles: `join`, `wait`, `cancel`, and what they know of the end. */
import { CancelledError, currentThread, shield, type Spawned, sleep, spawn, timeoutAfter } from '../../../src/index.ts';
import { causeOf, checkThreads, codeOf, forever, messageOf, say, takeWarnings, time, words } from '../toys.ts';
import { program, rejection } from './running.ts';

checkThreads();

const bad = (): never => {
  throw new TypeError('broken');
};
const broken = async (): Promise<never> => {
  await sleep(1);
  throw new TypeError('broken');
};

describe('join', () => {
  test('gives the value, again and to several', async () => {
    const got = await program(async () => {
      const child = spawn(async () => {
        await sleep(5);
        return 'value';
      });
      const both = await Promise.all([child.join(), child.join()]);
      return [...both, await child.join(), child.result, child.exception, child.cancelled];
    });
    expect(got).toEqual(['value', 'value', 'value', 'value', undefined, false]);
  });

  test('of a function that threw is a ThreadError whose cause is what it threw', async () => {
    const error = await program(() => rejection(spawn(broken).join()));
    expect([codeOf(error), messageOf(error)]).toEqual([
      'TT_THREAD_ERROR',
      '/function-1/broken-2 gave no value: broken',
    ]);
    expect(causeOf(error)).toBeInstanceOf(TypeError);
  });

  test('of one that throws before its first wait too, also when it is joined long after', async () => {
    const causes = await program(async () => {
      const child = spawn(bad);
      const first = await rejection(child.join());
      await sleep(100);
      return [first, await rejection(child.join())].map((error) => messageOf(causeOf(error)));
    });
    expect(causes).toEqual(['broken', 'broken']);
  });

  test('of a cancelled one is a ThreadError whose cause is the cancel', async () => {
    const error = await program(async () => {
      const child = spawn(sleep, 1000);
      await sleep(1);
      void child.cancel();
      return rejection(child.join());
    });
    expect([codeOf(error), codeOf(causeOf(error))]).toEqual(['TT_THREAD_ERROR', 'TT_CANCELLED']);
  });

  test('that is cancelled has taken nothing: the thread goes on, and another join gets the value', async () => {
    const got = await program(async () => {
      const child = spawn(async () => {
        await sleep(50);
        return 'value';
      });
      const joiner = spawn(() => child.join());
      await sleep(1);
      await joiner.cancel();
      return [joiner.cancelled, child.ended, await child.join()];
    });
    expect(got).toEqual([true, false, 'value']);
  });

  test('with a time limit', async () => {
    const got = await program(async () => {
      const child = spawn(sleep, 100);
      const error = await rejection(timeoutAfter(10, () => child.join()));
      await child.join();
      return [codeOf(error), child.ended];
    });
    expect(got).toEqual(['TT_TIMEOUT', true]);
  });

  test('in a cancelled function throws although the other has ended', async () => {
    const got = await program(async () => {
      const done = spawn(() => 1);
      await done.join();
      const child = spawn(async () => {
        await sleep(1000).catch(() => {});
        return codeOf(await rejection(done.join()));
      });
      await sleep(1);
      await child.cancel();
      return child.result;
    });
    expect(got).toBe('TT_CANCELLED');
  });

  test('outside of the tree, when all is over, still tells', async () => {
    const child = await program(async () => {
      const spawned = spawn(() => 'value');
      await spawned.wait();
      return spawned;
    });
    expect(await child.join()).toBe('value');
    await child.wait();
    await child.cancel();
  });
});

describe('wait', () => {
  test('returns at the end, however that was', async () => {
    await program(async () => {
      const children: Spawned[] = [spawn(() => 1), spawn(broken), spawn(sleep, 1000)];
      await sleep(5);
      void children[2]?.cancel();
      for (const child of children) {
        await child.wait();
        say(`${child.outcome?.kind} ${String(messageOf(child.exception))}`);
      }
    });
    expect(words).toEqual([
      'finished undefined',
      'failed broken',
      'cancelled cancelled: /function-1/sleep-4 ends at once: it was cancelled',
    ]);
  });

  test('can be cancelled, and timed out; the thread goes on', async () => {
    const got = await program(async () => {
      const child = spawn(sleep, 100);
      const error = await rejection(timeoutAfter(10, () => child.wait()));
      return [codeOf(error), child.ended];
    });
    expect(got).toEqual(['TT_TIMEOUT', false]);
  });
});

describe('cancel', () => {
  test('reaches a sleeping thread at once, and resolves when it has ended', async () => {
    const took = await program(async () => {
      const { clock } = currentThread();
      const child = spawn(async () => {
        try {
          await sleep(10_000);
        } catch (error) {
          say(`caught ${String(codeOf(error))}`);
          await shield(100, sleep, 20);
          say('cleaned up');
          throw error;
        }
      });
      await sleep(1);
      const began = clock.now();
      await child.cancel();
      say(`ended ${String(child.ended)} ${String(child.cancelled)}`);
      return clock.now() - began;
    });
    expect(words).toEqual(['caught TT_CANCELLED', 'cleaned up', 'ended true true']);
    expect(took).toBe(20);
  });

  test('reaches a thread that does not wait at its next wait, and each wait after that', async () => {
    let goOn!: () => void;
    const work = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    await program(async () => {
      const child = spawn(async () => {
        await work; // No wait of ours: nothing can end it.
        for (let i = 0; i < 3; i++) await sleep(10).catch((error: unknown) => say(String(codeOf(error))));
        return 'its own value';
      });
      await sleep(1);
      const cancelled = child.cancel();
      await Promise.resolve();
      say('asked');
      goOn();
      await cancelled;
      say(`${String(child.result)} ${String(child.cancelled)} ${await child.join()}`);
    });
    expect(words).toEqual([
      'asked',
      'TT_CANCELLED',
      'TT_CANCELLED',
      'TT_CANCELLED',
      'its own value false its own value',
    ]);
  });

  test('of a thread that has not begun: its function is never called', async () => {
    const got = await program(async () => {
      const child = spawn(say, 'called');
      await child.cancel();
      return [child.cancelled, codeOf(child.exception), codeOf(causeOf(await rejection(child.join())))];
    });
    expect([got, words]).toEqual([[true, 'TT_CANCELLED', 'TT_CANCELLED'], []]);
  });

  test('a second call only waits', async () => {
    await program(async () => {
      const child = spawn(async () => {
        await sleep(1000).catch(() => say('cancelled'));
        await shield(100, sleep, 30);
      });
      await sleep(1);
      await Promise.all([child.cancel(), child.cancel()]);
      await child.cancel();
      say('over');
    });
    expect(words).toEqual(['cancelled', 'over']);
  });

  test('of itself works: the wait for its own end is the first to throw', async () => {
    const got = await program(async () => {
      const self: Spawned[] = [];
      const child = spawn(async () => {
        try {
          await self[0]?.cancel();
        } finally {
          say('finally');
        }
      });
      self.push(child);
      await child.wait();
      return [child.cancelled, child.outcome?.kind];
    });
    expect([got, words]).toEqual([[true, 'cancelled'], ['finally']]);
  });

  test('has no effect after the end', async () => {
    const got = await program(async () => {
      const child = spawn(() => 'value');
      await child.wait();
      await child.cancel();
      return [child.result, child.cancelled, child.outcome?.kind];
    });
    expect(got).toEqual(['value', false, 'finished']);
  });

  test('reaches all below at once, and has ended when they have', async () => {
    await program(async () => {
      const child = spawn(async function outer() {
        const inner = spawn(async function inner() {
          try {
            await sleep(1000);
          } finally {
            await shield(100, sleep, 10);
            say('inner');
          }
        });
        try {
          await inner.join();
        } finally {
          say('outer');
        }
      });
      await sleep(1);
      await child.cancel();
      say('over');
    });
    expect(words).toEqual(['outer', 'inner', 'over']);
  });

  test('that is cancelled itself stands: only its wait is over', async () => {
    const got = await program(async () => {
      const child = spawn(async () => {
        try {
          await sleep(1000);
        } finally {
          await shield(500, sleep, 100);
        }
      });
      await sleep(1);
      const error = await rejection(timeoutAfter(10, () => child.cancel()));
      await child.wait();
      return [codeOf(error), child.cancelled];
    });
    expect(got).toEqual(['TT_TIMEOUT', true]);
  });

  test('of a thread that does not yield gives it up in time, by name', async () => {
    const got = await program(async () => {
      const child = spawn(function stubborn() {
        return forever();
      });
      await sleep(1);
      const began = currentThread().clock.now();
      await child.cancel({ cancelMs: 40 });
      return [child.outcome, currentThread().clock.now() - began, messageOf(causeOf(await rejection(child.join())))];
    });
    expect(got).toEqual([
      { kind: 'cancelled', verdict: 'abandoned' },
      40,
      'cancelled: /function-1/stubborn-2 was stopped',
    ]);
    expect(takeWarnings()).toEqual([]);
  });

  test('disposal cancels', async () => {
    const child = await program(async () => {
      await using spawned = spawn(sleep, 1000);
      await sleep(1);
      return spawned;
    });
    expect(child.cancelled).toBe(true);
  });

  test('refuses a time that is none', async () => {
    const error = await program(() => rejection(spawn(() => 1).cancel({ cancelMs: -1 })));
    expect(codeOf(error)).toBe('TT_INVALID_OPTION');
  });
});

test('a function that throws a CancelledError although nobody has cancelled it has failed', async () => {
  const got = await program(async () => {
    const child = spawn(() => Promise.reject(new CancelledError('of its own accord')));
    await child.wait();
    return [child.cancelled, child.outcome?.kind, codeOf(child.exception)];
  });
  expect(got).toEqual([false, 'failed', 'TT_CANCELLED']);
});

test('a handle tells where its thread stands, and what it waits for', async () => {
  await program(async () => {
    const child = spawn(async function waiting() {
      await timeoutAfter(500, sleep, 200);
    });
    await sleep(1);
    const { running, waits, state, type } = child.snapshot();
    expect([child.id, child.path, String(child), child.state, state, type]).toEqual([
      2,
      '/function-1/waiting-2',
      '/function-1/waiting-2',
      'running',
      'running',
      'FunctionThread',
    ]);
    expect(running).toEqual([{ what: 'function waiting', sinceMs: 1 }]);
    expect(waits).toEqual([{ on: 'sleep of 200 ms', by: 'function waiting', sinceMs: 1 }]);
    expect((await child.child.stop()).threads).toBe(1);
  });
  expect(time().clock.pendingTimers).toBe(0);
});
