/** Law 10 for functions: a cancel reaches all below at once, so clean-ups run side by side, and each has nearly all of the time. */
import {
  CancelledError,
  currentThread,
  FunctionThread,
  shield,
  type Spawned,
  sleep,
  spawn,
  start,
  type TaskThread,
  ThreadGroup,
  type Turn,
} from '../../../src/index.ts';
import { checkThreads, codeOf, forever, grow, messageOf, say, settle, Toy, time, words } from '../toys.ts';
import { program } from './running.ts';

checkThreads();

/** Waits, and when it is cancelled needs so long to clean up. */
async function slow(ms: number): Promise<void> {
  try {
    await sleep(100_000);
  } finally {
    await shield(60_000, sleep, ms).then(
      () => say('cleaned up'),
      (error: unknown) => say(String(codeOf(error))),
    );
  }
}

/** So many functions around the one that is called last. */
async function below(depth: number, leaf: (...args: never[]) => unknown, ...args: unknown[]): Promise<unknown> {
  if (depth === 0) return leaf(...(args as never[]));
  return spawn(below, depth - 1, leaf, ...args).join();
}

/** Cancels it after a while, and tells how long that took and who was given up. */
async function cancelled(spawned: Spawned): Promise<{ took: number; abandoned: string[] }> {
  await sleep(20);
  const before = time().now;
  await spawned.cancel();
  const report = await spawned.child.stop();
  return { took: time().now - before, abandoned: report.abandoned.map(({ path }) => path) };
}

describe('a function that is cancelled', () => {
  test.each([1, 2, 4])('cleans up in the time of the cancel also %d levels down', async (depth) => {
    const { took, abandoned } = await program(() => cancelled(spawn(below, depth, slow, 1500)));
    expect([words, took, abandoned]).toEqual([['cleaned up'], 1500, []]);
  });

  test('keeps nothing of the time for an exit that it has not', async () => {
    const { took, abandoned } = await program(() => cancelled(spawn(slow, 1999)));
    expect([words, took, abandoned]).toEqual([['cleaned up'], 1999, []]);
  });

  test('lets all members of its groups clean up side by side', async () => {
    const { took, abandoned } = await program(() =>
      cancelled(
        spawn(() =>
          ThreadGroup.run((group: ThreadGroup<void>) => {
            for (let i = 0; i < 10; i++) group.spawn(slow, 1000);
          }),
        ),
      ),
    );
    expect([words, took, abandoned]).toEqual([Array(10).fill('cleaned up'), 1000, []]);
  });

  test.each([0, 1, 2, 4])('and hangs %d levels down is named, within the time, and nobody else', async (depth) => {
    const { took, abandoned } = await program(() => cancelled(spawn(below, depth, forever)));
    expect([abandoned.length, took]).toEqual([1, 2000 * (15 / 16) ** depth]);
    expect(abandoned[0]?.split('/')).toHaveLength(depth + 3);
  });

  test('has time of its own left when what it waits for in its clean-up hangs', async () => {
    const { took, abandoned } = await program(() =>
      cancelled(
        spawn(async () => {
          const child = spawn(forever);
          try {
            await child.join();
          } finally {
            await shield(60_000, async () => {
              await child.wait();
              await sleep(100);
              say('cleaned up');
            });
          }
        }),
      ),
    );
    expect([words, took, abandoned]).toEqual([['cleaned up'], 1975, ['/function-1/function-2/forever-3']]);
  });

  test('keeps its quarter where a class of it has an exit', async () => {
    class WithExit extends FunctionThread {
      protected override exit(turn: Turn): Promise<void> {
        return turn.sleep(400).then(() => say('exit'));
      }
    }
    const root = await time().run(start(() => new WithExit(forever), time().options));
    const before = time().now;
    const report = await time().run(root.stop({ drainMs: 0, cancelMs: 2000 }));
    expect([words, time().now - before, report.abandoned.length]).toEqual([['exit'], 1900, 1]);
  });

  test('says so, and not how it was told', async () => {
    const error = await program(async () => {
      const child = spawn(sleep, 1000);
      await sleep(1);
      await child.cancel();
      return child.exception;
    });
    expect(error).toBeInstanceOf(CancelledError);
    expect(messageOf(error)).toBe('cancelled: /function-1/sleep-2 ends at once: it was cancelled');
  });
});

describe('in a tree with classes', () => {
  test('functions of a TaskThread have nearly all that its exit leaves', async () => {
    const toy = new Toy({ exit: (_me, turn) => turn.sleep(400).then(() => say('exit')) });
    const root = await grow(toy);
    spawn({ scope: toy }, slow, 1300);
    spawn({ scope: toy }, below, 1, slow, 1200);
    await settle();
    const before = time().now;
    const report = await time().run(root.stop({ drainMs: 0, cancelMs: 2000 }));
    expect([words, time().now - before]).toEqual([['cleaned up', 'cleaned up', 'exit'], 1700]);
    expect(report.abandoned).toEqual([]);
  });

  test('functions that hang leave the children that stop after them their part, and the exit its quarter', async () => {
    const toy = new Toy({ exit: (_me, turn) => turn.sleep(500).then(() => say('exit')) });
    const root = await grow(toy);
    await toy.add(new Toy({ exit: (_me, turn) => turn.sleep(300).then(() => say('older')) }, { name: 'Older' }));
    spawn({ scope: toy }, forever);
    await settle();
    const before = time().now;
    const report = await time().run(root.stop({ drainMs: 0, cancelMs: 2000 }));
    // Of 1500: functions (1500 - 125)/2, then the older one 300 of the (1500 - 687.5)/2 that it has.
    expect([words, time().now - before]).toEqual([['older', 'exit'], 687.5 + 300 + 500]);
    expect(report.abandoned.map(({ path }) => path)).toEqual(['/Toy-1/forever-3']);
  });

  test('a TaskThread below a function has the share of every TaskThread', async () => {
    const { took, abandoned } = await program(() =>
      cancelled(
        spawn(async () => {
          await currentThread().addChild(() => new Toy({ exit: forever }) as unknown as TaskThread);
          await sleep(100_000);
        }),
      ),
    );
    // Half of what the function has: it keeps nothing for an exit.
    expect([took, abandoned]).toEqual([1000, ['/function-1/function-2/Toy-3']]);
  });
});
