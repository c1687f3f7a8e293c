/** `run` in a function of another tree: its tree ends with the scope that is around it. */
import { CancelledError, currentThread, run, shield, sleep, spawn, timeoutAfter } from '../../../src/index.ts';
import { runInScope } from '../../../src/kernel/ambient.ts';
import { CancelScope } from '../../../src/kernel/cancel-scope.ts';
import { makeHost } from '../../../src/kernel/host.ts';
import { checkThreads, codeOf, grow, say, settle, Toy, takeWarnings, time, words } from '../toys.ts';
import { program, rejection } from './running.ts';

checkThreads();

let began = 0;
beforeEach(() => {
  began = time().now;
});

/** A tree of its own: a function and one below it, each of which says how it ends. */
function nested(cleanUpMs = 0): Promise<unknown> {
  const sleeper = async (name: string) => {
    try {
      await sleep(60_000);
    } finally {
      if (cleanUpMs > 0) await shield(1000, sleep, cleanUpMs);
      say(`${name} ended at ${time().now - began}`);
    }
  };
  return run(time().options, async () => {
    spawn(sleeper, 'leaf');
    await sleeper('root');
  });
}

test('a cancel of the function cancels the tree, and waits until it has ended', async () => {
  await program(async () => {
    const outer = spawn(async () => {
      say(String(codeOf(await rejection(nested(20)))));
    });
    await sleep(10);
    await outer.cancel();
    say(`outer ${outer.outcome?.kind} at ${time().now - began}`);
  });
  expect(words.slice(0, 2).sort()).toEqual(['leaf ended at 30', 'root ended at 30']);
  expect(words.slice(2)).toEqual(['TT_CANCELLED', 'outer cancelled at 30']);
});

test('a time limit around it is that limit’s TimeoutError', async () => {
  const code = await program(async () => codeOf(await rejection(timeoutAfter(10, () => nested()))));
  expect(code).toBe('TT_TIMEOUT');
  expect(words.sort()).toEqual(['leaf ended at 10', 'root ended at 10']);
});

test('a shield around it spares it', async () => {
  const got = await program(async () => {
    const outer = spawn(async () =>
      say(await shield(1000, () => run(time().options, () => sleep(30).then(() => `whole at ${time().now - began}`)))),
    );
    await sleep(10);
    await outer.cancel();
    return outer.outcome?.kind;
  });
  expect([got, words]).toEqual(['cancelled', ['whole at 30']]);
});

test('in a cancelled function it begins nothing', async () => {
  await program(async () => {
    const outer = spawn(async () => {
      await sleep(1000).catch(() => {});
      say(String(codeOf(await rejection(run(time().options, () => say('began'))))));
    });
    await sleep(1);
    await outer.cancel();
  });
  expect(words).toEqual(['TT_CANCELLED']);
});

test('the close of an intake around it lets it go on', async () => {
  const scope = new CancelScope(makeHost(time().options));
  const whole = runInScope(scope, () => run(time().options, () => sleep(20).then(() => 'whole')));
  await time().advance(10);
  scope.closeIntake(new Error('closed'));
  expect(await time().run(whole)).toBe('whole');
});

test('in a function that was given up it says so', async () => {
  let go!: () => void;
  const opened = new Promise<void>((resolve) => {
    go = resolve;
  });
  await program(async () => {
    const outer = spawn(async () => {
      await opened;
      say(String(codeOf(await rejection(run(time().options, () => say('began'))))));
    });
    await sleep(1);
    await outer.cancel({ cancelMs: 10 });
    go();
    await sleep(1);
  });
  expect(words).toEqual(['TT_THREAD_ENDED']);
});

test('one that nobody awaits ends with the thread of the function', async () => {
  await program(async () => {
    await spawn(async () => {
      void nested().catch((error: unknown) => say(String(error instanceof CancelledError)));
      await sleep(5);
    }).join();
    await sleep(10);
  });
  expect(words.slice(0, 2).sort()).toEqual(['leaf ended at 5', 'root ended at 5']);
  expect(words[2]).toBe('true');
});

test('one that has not begun by then never does', async () => {
  await program(async () => {
    await spawn(() => {
      void nested().catch((error: unknown) => say(String(error instanceof CancelledError)));
    }).join();
    await sleep(10);
  });
  expect(words).toEqual(['true']);
});

test('one that does not yield is given up in time for the function around to end in order', async () => {
  await program(async () => {
    const outer = spawn(async () => {
      await run(time().options, () => new Promise(() => {}));
    });
    await sleep(10);
    await outer.cancel();
    say(`${outer.outcome?.verdict} at ${time().now - began}`);
  });
  expect(takeWarnings()).toEqual([expect.stringContaining('abandoned')]);
  expect(words).toEqual(['cancelled at 1510']);
});

test('nothing is left in the scope around when it has ended', async () => {
  const left = await program(async () => {
    for (let i = 0; i < 3; i++) await run(time().options, () => sleep(1));
    return [...currentThread().cancelScope.members()].length;
  });
  expect(left).toBe(0);
});

test('in a hook of a class it belongs to no scope', async () => {
  const root = await grow(
    new Toy({ signal: () => void run(time().options, () => sleep(50)).then(() => say('ended')) }),
  );
  await root.send('go');
  await settle();
  await time().run(root.stop());
  expect(words).toEqual([]);
  await time().advance(50);
  expect(words).toEqual(['ended']);
});
