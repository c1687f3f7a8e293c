/** thredo's `run`, `sleep` and `spawn` with `daemon`. */
import {
  currentThread,
  FunctionThread,
  run,
  type Spawned,
  sleep,
  spawn,
  start,
  timeoutAfter,
} from '../../../src/index.ts';
import { checkThreads, codeOf, forever, messageOf, say, takeWarnings, time, words } from '../toys.ts';
import { program, rejection, thrown } from './running.ts';

checkThreads();

const add = (a: number, b: number): number => a + b;
const bad = (): never => {
  throw new TypeError('broken');
};

/** Sleeps, and says how that ended. */
async function sleeper(name: string, ms: number): Promise<string> {
  try {
    await sleep(ms);
    say(`${name} slept`);
  } catch (error) {
    say(`${name} ${String(codeOf(error))}`);
    throw error;
  }
  return name;
}

describe('run', () => {
  test('gives what the function returns, which may be asynchronous', async () => {
    expect(await time().run(run(time().options, add, 2, 2))).toBe(4);
    expect(await program(() => Promise.resolve('later'))).toBe('later');
  });

  test('needs no options', async () => {
    expect(await run(add, 2, 3)).toBe(5);
    expect(await run(() => currentThread().path)).toBe('/function-1');
  });

  test('throws what the function threw, as it is', async () => {
    const error = await rejection(program(bad));
    expect([error instanceof TypeError, messageOf(error)]).toEqual([true, 'broken']);
    expect(await rejection(program(() => Promise.reject(new RangeError('later'))))).toBeInstanceOf(RangeError);
  });

  test('cancels at the end what has not ended, daemon or not, and waits for it', async () => {
    await program(async () => {
      spawn(sleeper, 'plain', 1000);
      spawn({ daemon: true }, sleeper, 'daemon', 1000);
      await sleep(1);
      say('main returns');
    });
    // The youngest first, as everywhere in a tree.
    expect(words).toEqual(['main returns', 'daemon TT_CANCELLED', 'plain TT_CANCELLED']);
  });

  test('when the function throws, what it has spawned has ended before that is told', async () => {
    const running = program(async () => {
      spawn(sleeper, 'child', 1000);
      await sleep(1);
      bad();
    });
    expect(messageOf(await rejection(running))).toBe('broken');
    expect(words).toEqual(['child TT_CANCELLED']);
  });

  test('two programs at once are two trees', async () => {
    const both = [1, 2].map((n) =>
      run({ ...time().options, name: `p${n}` }, async () => {
        await sleep(n);
        return currentThread().path;
      }),
    );
    expect(await time().run(Promise.all(both))).toEqual(['/p1-1', '/p2-1']);
  });

  test('a thread that does not yield at the end is named in a warning', async () => {
    await program(() => {
      spawn({ stop: { cancelMs: 10 } }, async function stubborn() {
        await forever();
      });
      return sleep(1);
    });
    expect(takeWarnings()[0]).toContain('abandoned  /function-1/stubborn-2: hung on function stubborn for');
  });

  test('options that it does not know are refused, and so is what is no function', async () => {
    expect(codeOf(await rejection(run({ clok: 1 } as never, () => 1)))).toBe('TT_INVALID_OPTION');
    expect(codeOf(await rejection(run(17 as never)))).toBe('TT_INVALID_OPTION');
    expect(codeOf(await rejection(run({}, 17 as never)))).toBe('TT_INVALID_OPTION');
  });
});

describe('sleep', () => {
  test('takes the time of the tree’s clock; 0 yields', async () => {
    const took = await program(async () => {
      const { clock } = currentThread();
      const began = clock.now();
      await sleep(0);
      await sleep(250);
      return clock.now() - began;
    });
    expect(took).toBe(250);
  });

  test('outside of every function it needs a scope, and with one it does not look around', async () => {
    expect(codeOf(await rejection(sleep(1)))).toBe('TT_NO_SCOPE');
    const root = await time().run(start(() => new FunctionThread(forever), time().options));
    const thread = new FunctionThread(forever);
    const other = await time().run(start(thread, time().options));
    const waiting = sleep(1000, { scope: thread });
    await time().settle();
    expect(other.snapshot().waits).toEqual([{ on: 'sleep of 1000 ms', by: undefined, sinceMs: 0 }]);
    expect(root.snapshot().waits).toEqual([]);
    await time().run(Promise.all([root.stop({ cancelMs: 0, drainMs: 0 }), other.stop({ cancelMs: 0, drainMs: 0 })]));
    expect(codeOf(await rejection(waiting))).toBe('TT_CANCELLED');
  });

  test('refuses what is no length of time', async () => {
    expect(codeOf(await program(() => rejection(sleep(-1))))).toBe('TT_INVALID_OPTION');
  });
});

describe('spawn', () => {
  test('runs the function with its arguments as a child of the current thread, named after it', async () => {
    const seen = await program(async () => {
      const child = spawn(function worker(n: number) {
        return [n, currentThread().path];
      }, 7);
      return [child.path, await child.join()];
    });
    expect(seen).toEqual(['/function-1/worker-2', [7, '/function-1/worker-2']]);
  });

  test('begins in the order of spawning, not before its turn comes', async () => {
    await program(async () => {
      const children = ['a', 'b', 'c'].map((name) => spawn(say, name));
      say('spawned');
      for (const child of children) await child.join();
    });
    expect(words).toEqual(['spawned', 'a', 'b', 'c']);
  });

  test('a nested function stands under the one that has spawned it', async () => {
    const path = await program(() =>
      spawn(async function outer() {
        return await spawn(async function inner() {
          await sleep(1);
          return currentThread().path;
        }).join();
      }).join(),
    );
    expect(path).toBe('/function-1/outer-2/inner-3');
  });

  test('a function ends when the threads that it has spawned have, but for daemons, which are stopped', async () => {
    await program(async () => {
      const child = spawn(() => {
        spawn(sleeper, 'plain', 50);
        spawn({ daemon: true }, sleeper, 'daemon', 1000);
        return 'value';
      });
      const began = currentThread().clock.now();
      say(`${await child.join()} after ${currentThread().clock.now() - began}`);
    });
    expect(words).toEqual(['plain slept', 'daemon TT_CANCELLED', 'value after 50']);
  });

  test('takes options before the function', async () => {
    const closed: string[] = [];
    const path = await program(async () => {
      const child = spawn({ name: 'job', owns: { close: () => closed.push('socket') } }, () => currentThread().path);
      return await child.join();
    });
    expect([path, closed]).toEqual(['/function-1/job-2', ['socket']]);
  });

  test('refuses wrong options and what is no function, and then nothing has begun', async () => {
    const errors = await program(() => [
      thrown(() => spawn({ deamon: true } as never, forever)),
      thrown(() => spawn({ daemon: 1 } as never, forever)),
      thrown(() => spawn({ onFailure: 'restart' } as never, forever)),
      thrown(() => spawn({ name: 'a/b' }, forever)),
      thrown(() => spawn({}, 5 as never)),
      thrown(() => spawn(5 as never)),
      currentThread().children.length,
    ]);
    expect(errors.map(codeOf)).toEqual([...new Array(6).fill('TT_INVALID_OPTION'), 0]);
  });

  test('outside of every function it throws', () => {
    expect(codeOf(thrown(() => spawn(forever)))).toBe('TT_NO_SCOPE');
  });

  test('in a cancelled function it throws CancelledError; what it would have owned is closed', async () => {
    const closed: string[] = [];
    const error = await program(async () => {
      const child = spawn(async () => {
        await sleep(1000).catch(() => {});
        spawn({ owns: { close: () => closed.push('socket') } }, forever);
      });
      await sleep(1);
      await child.cancel();
      return child.exception;
    });
    expect([codeOf(error), closed]).toEqual(['TT_CANCELLED', ['socket']]);
  });

  test('in a time limit that has passed it throws', async () => {
    const error = await program(() =>
      rejection(
        timeoutAfter(5, async () => {
          await sleep(1000).catch(() => {});
          spawn(forever);
        }),
      ),
    );
    expect(codeOf(error)).toBe('TT_TIMEOUT');
  });

  test('in a function that has ended it throws ThreadEndedError', async () => {
    let late!: Promise<unknown>;
    await program(async () => {
      const child: Spawned = spawn({ stop: { cancelMs: 10 } }, () => {
        late = forever2.then(() => rejection(Promise.resolve().then(() => spawn(forever))));
        return forever();
      });
      await sleep(1);
      await child.cancel();
    });
    open();
    expect(codeOf(await late)).toBe('TT_THREAD_ENDED');
    takeWarnings();
  });

  let open!: () => void;
  const forever2 = new Promise<void>((resolve) => {
    open = resolve;
  });
});
