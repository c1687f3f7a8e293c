/** Functions and classes in one tree: one life cycle, one stop, one snapshot. */
import {
  type AnyChild,
  currentThread,
  FunctionThread,
  Queue,
  run,
  shield,
  type Spawned,
  sleep,
  spawn,
  start,
  TaskThread,
  type ThreadSnapshot,
  type Turn,
  timeoutAfter,
} from '../../../src/index.ts';
import { ambientScope } from '../../../src/kernel/ambient.ts';
import { liveCounts } from '../../../src/testing/index.ts';
import {
  checkThreads,
  codeOf,
  forever,
  grow,
  messageOf,
  say,
  settle,
  Toy,
  takeWarnings,
  time,
  words,
} from '../toys.ts';
import { program, rejection } from './running.ts';

checkThreads();

async function sleeper(name: string): Promise<void> {
  try {
    await sleep(10_000);
  } finally {
    say(name);
  }
}

/** The tree as names. */
function names({ path, children }: ThreadSnapshot): unknown {
  return children.length === 0 ? path : [path, children.map(names)];
}

/** Takes numbers, sends their doubles up. */
class DoubleThread extends TaskThread<number, number> {
  protected override signalHandler(n: number, turn: Turn<number>) {
    return turn.sendToParent(n * 2);
  }

  protected override exit() {
    say('double exits');
  }
}

describe('a function in a TaskThread', () => {
  test('stands in its snapshot, is found among its children, and is stopped with it', async () => {
    const toy = new Toy();
    const root = await grow(toy);
    const child = spawn({ scope: toy }, sleeper, 'a');
    await settle();
    expect(names(root.snapshot())).toEqual(['/Toy-1', ['/Toy-1/sleeper-2']]);
    expect(toy.children.map(({ path }) => path)).toEqual(['/Toy-1/sleeper-2']);
    expect(toy.find(2)?.path).toBe('/Toy-1/sleeper-2');
    const report = await time().run(root.stop());
    expect([report.verdict, report.threads, child.outcome, words]).toEqual([
      'clean',
      2,
      { kind: 'stopped', verdict: 'clean' },
      ['a'],
    ]);
  });

  test('is spawned with a turn in any hook or task, and can be awaited there', async () => {
    const toy = new Toy({
      enter: async (me, turn) => {
        say(String(await spawn({ scope: turn }, () => currentThread().path).join({ scope: turn })));
        me.tasks.reCreate('work', async (task) => {
          say(await spawn({ scope: task }, () => currentThread().path).join({ scope: task }));
        });
      },
    });
    await grow(toy);
    await settle();
    expect(words).toEqual(['/Toy-1/function-2', '/Toy-1/function-3']);
  });

  test('that is added as a FunctionThread is a child like any other: its failure escalates', async () => {
    const toy = new Toy();
    const root = await grow(toy);
    const make = (): Toy =>
      new FunctionThread(async () => {
        await sleep(5);
        throw new Error('broken');
      }) as never;
    await toy.add(make);
    await time().advance(10);
    expect([root.outcome?.kind, messageOf(root.outcome?.error)]).toEqual([
      'failed',
      '/Toy-1/function-2 failed: broken',
    ]);
    takeWarnings();
  });

  test('hooks and tasks of classes are not in the scope of a function that has set them going', async () => {
    const seen: unknown[] = [];
    await program(async () => {
      const toy = new Toy({
        enter: () => seen.push(ambientScope()),
        signal: async () => {
          seen.push(ambientScope());
          await Promise.resolve();
          seen.push(ambientScope());
        },
        exit: () => seen.push(ambientScope()),
      });
      const child = await currentThread().addChild(toy as unknown as TaskThread);
      (child as unknown as { trySend(signal: unknown): boolean }).trySend(1);
      toy.tasks.reCreate('task', () => seen.push(ambientScope()));
      await sleep(1);
      expect(ambientScope()).toBeDefined();
      await child.stop();
    });
    expect(seen).toEqual(new Array(5).fill(undefined));
  });
});

test('nor is exit, when it is a timer of a stop that has begun it', async () => {
  const seen: unknown[] = [];
  await run(async () => {
    const toy = new Toy({ exit: () => seen.push(ambientScope()) });
    const child = await currentThread().addChild(toy as unknown as TaskThread);
    toy.tasks.reCreate('hangs', forever);
    await sleep(0);
    await child.stop({ drainMs: 0, cancelMs: 20 });
  });
  expect(seen).toEqual([undefined]);
  takeWarnings();
});

describe('a TaskThread in a function', () => {
  test('is added, sends up to onSignal, takes signals, and is drained at the end', async () => {
    const got: number[] = [];
    await program(async () => {
      const thread = currentThread();
      const double = await thread.addChild(() => new DoubleThread(), { onSignal: (n: number) => void got.push(n) });
      for (let n = 1; n <= 3; n++) await thread.send(double, n);
      say('main returns');
    });
    expect([got, words]).toEqual([
      [2, 4, 6],
      ['main returns', 'double exits'],
    ]);
  });

  test('that fails fails the function, whose waits are cancelled', async () => {
    const error = await rejection(
      program(async () => {
        await currentThread().addChild(
          () => new FunctionThread(() => sleep(5).then(() => Promise.reject(new Error('x')))),
        );
        await sleep(1000).catch((cancel: unknown) => {
          say(String(codeOf(cancel)));
          throw cancel;
        });
      }),
    );
    expect([codeOf(error), words]).toEqual(['TT_CHILD_FAILED', ['TT_CANCELLED']]);
  });

  test('addChild in a time limit is cancelled with it, and nothing is left', async () => {
    const got = await program(async () => {
      class SlowThread extends TaskThread {
        protected override enter(turn: Turn) {
          return turn.sleep(1000);
        }
      }
      const add = (): Promise<unknown> => currentThread().addChild(() => new SlowThread());
      const error = await rejection(timeoutAfter(10, add));
      await sleep(1);
      return [codeOf(error), currentThread().children.length];
    });
    expect(got).toEqual(['TT_TIMEOUT', 0]);
  });

  test('outside of every function there is no current thread', () => {
    expect(() => currentThread()).toThrow('currentThread does not know');
  });
});

describe('a stop from above', () => {
  test('lets a function go on while its children come to their end, then cancels it; that is no failure', async () => {
    const thread = new FunctionThread(async function main() {
      const child = spawn(sleeper, 'child');
      try {
        await child.join();
      } catch (error) {
        say(`main ${String(codeOf(error))}`);
        throw error;
      }
    });
    const root = await time().run(start(thread, time().options));
    await settle();
    const report = await time().run(root.stop());
    expect([report.verdict, report.threads, root.outcome, words]).toEqual([
      'clean',
      2,
      { kind: 'stopped', verdict: 'clean' },
      ['child', 'main TT_CANCELLED'],
    ]);
  });

  test('is no failure of a function that waits for a child which that stop has ended, while others still stop', async () => {
    class SlowThread extends TaskThread {
      protected override exit(turn: Turn) {
        return turn.sleep(100);
      }
    }
    const thread = new FunctionThread(async () => {
      await currentThread().addChild(() => new SlowThread());
      await spawn(sleeper, 'child').join();
    });
    const root = await time().run(start(thread, time().options));
    await settle();
    const report = await time().run(root.stop());
    expect([report.verdict, root.outcome?.kind, report.tookMs]).toEqual(['clean', 'stopped', 100]);
  });

  test('stops all functions of a thread together', async () => {
    const toy = new Toy();
    const root = await grow(toy);
    for (const name of ['a', 'b', 'c']) {
      spawn({ scope: toy }, async () => {
        try {
          await sleep(10_000);
        } finally {
          await shield(1000, sleep, 100);
          say(name);
        }
      });
    }
    await settle();
    const report = await time().run(root.stop());
    expect([report.verdict, report.tookMs, words]).toEqual(['clean', 100, ['c', 'b', 'a']]);
  });

  test('names a function that does not yield', async () => {
    const root = await time().run(start(() => new FunctionThread(forever, [], { name: 'Main' }), time().options));
    const report = await time().run(root.stop({ drainMs: 10, cancelMs: 40 }));
    expect([report.verdict, report.abandoned[0]?.hungOn]).toEqual([
      'abandoned',
      [{ what: 'function forever', forMs: 50 }],
    ]);
  });

  test('when it comes while a function waits for those that it has spawned, is a stop like any other', async () => {
    const toy = new Toy();
    await grow(toy);
    const child = spawn({ scope: toy }, () => {
      spawn(sleeper, 'inner');
      return 'value';
    });
    await settle();
    const report = await time().run(child.child.stop());
    expect([report.threads, child.result, child.outcome?.kind, words]).toEqual([2, 'value', 'stopped', ['inner']]);
  });

  test('spawning in a thread that is stopping is refused, and that is no failure', async () => {
    const seen: unknown[] = [];
    const toy = new Toy({
      exit: (_me, turn) => void seen.push(codeOf(rejected(() => spawn({ scope: turn }, forever)))),
    });
    const root = await grow(toy);
    const child = spawn({ scope: toy }, async () => {
      spawn(async () => {
        await sleep(1000).catch(() => {});
      });
      await sleep(1000).catch(() => {});
      spawn(forever);
    });
    await settle();
    const report = await time().run(root.stop());
    expect([report.verdict, child.outcome?.kind, seen]).toEqual(['clean', 'stopped', ['TT_THREAD_STOPPING']]);
  });
});

test('a listener that stops the thread as it enters keeps the function from being called', async () => {
  const got = await program(async () => {
    const child = spawn(say, 'called');
    child.child.events.on('entered', () => void child.cancel());
    await child.wait();
    return child.cancelled;
  });
  expect([got, words]).toEqual([true, []]);
});

test('a FunctionThread refuses what is no function, and what it cannot use', () => {
  const wrong = [
    () => new FunctionThread(1 as never),
    () => new FunctionThread(() => {}, 1 as never),
    () => new FunctionThread(() => {}, [], { inbox: {} } as never),
  ];
  expect(wrong.map((make) => codeOf(rejected(make)))).toEqual(new Array(3).fill('TT_INVALID_OPTION'));
});

test('the name in the path has no slash, and that of a nameless function is function', async () => {
  const strange = { 'a/b': () => currentThread().path }['a/b']!;
  expect(await program(() => spawn(strange).join())).toBe('/function-1/a|b-2');
});

test('worker, producer and queue: thredo’s first program', async () => {
  await program(async () => {
    const queue = new Queue<number | null>(1);
    const consumer = spawn(async () => {
      for (let item = await queue.get(); item !== null; item = await queue.get()) say(`got ${item}`);
    });
    const producer = spawn(async (count: number) => {
      for (let n = 0; n < count; n++) await queue.put(n);
      await queue.put(null);
    }, 3);
    await consumer.join();
    await producer.join();
  });
  expect(words).toEqual(['got 0', 'got 1', 'got 2']);
});

test('100,000 rounds of spawn and join leave nothing', async () => {
  const before = liveCounts();
  await run(async () => {
    const unit = currentThread();
    let last: Spawned | undefined;
    for (let i = 0; i < 100_000; i++) {
      last = spawn(() => i);
      await last.join();
    }
    const children: readonly AnyChild[] = unit.children;
    expect([last?.result, children.length, [...unit.cancelScope.members()].length]).toEqual([99_999, 0, 0]);
  });
  expect(liveCounts()).toEqual(before);
});

/** What a function throws. */
function rejected(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}
