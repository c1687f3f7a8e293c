/** Who owns what a function throws (law 14). */
import { currentThread, shield, sleep, spawn, type Turn } from '../../../src/index.ts';
import {
  causeOf,
  checkThreads,
  codeOf,
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

const bad = (): never => {
  throw new TypeError('broken');
};
const broken = async (): Promise<never> => {
  await sleep(1);
  throw new TypeError('broken');
};

test('a failure that nobody joins does not disturb the function that has spawned it, and fails it when it is over', async () => {
  const error = await rejection(
    program(async () => {
      const child = spawn(broken);
      await sleep(50);
      say(`goes on, ${String(child.outcome?.kind)}`);
      return 'value';
    }),
  );
  expect(words).toEqual(['goes on, failed']);
  expect([codeOf(error), messageOf(error)]).toEqual(['TT_CHILD_FAILED', '/function-1/broken-2 failed: broken']);
});

test.each([
  ['join', (child: ReturnType<typeof spawn>) => rejection(child.join())],
  ['exception', (child: ReturnType<typeof spawn>) => child.wait().then(() => child.exception)],
])('whoever is told of it owns it: %s', async (_word, look) => {
  const value = await program(async () => {
    const child = spawn(broken);
    await sleep(50);
    await look(child);
    return 'value';
  });
  expect(value).toBe('value');
});

test('wait and cancel tell nothing of it, and so do not own it', async () => {
  const error = await rejection(
    program(async () => {
      const child = spawn(async () => {
        try {
          await sleep(1000);
        } finally {
          bad();
        }
      });
      await sleep(1);
      await child.cancel();
      await child.wait();
      say('goes on');
    }),
  );
  expect([codeOf(error), words]).toEqual(['TT_CHILD_FAILED', ['goes on']]);
});

test('a join that was cancelled does not own it', async () => {
  const error = await rejection(
    program(async () => {
      const child = spawn(async () => {
        await sleep(20);
        bad();
      });
      const joiner = spawn(() => child.join());
      await sleep(1);
      await joiner.cancel();
      await child.wait();
    }),
  );
  expect(codeOf(error)).toBe('TT_CHILD_FAILED');
});

test('when the function is over, the failure of one that it waits for is its own at once', async () => {
  const got = await program(async () => {
    const child = spawn(() => {
      spawn(broken);
      spawn(async () => {
        await sleep(1000).catch((error: unknown) => say(String(codeOf(error))));
      });
    });
    const error = await rejection(child.join());
    return [codeOf(error), codeOf(causeOf(error)), messageOf(causeOf(error))];
  });
  expect(got).toEqual(['TT_THREAD_ERROR', 'TT_CHILD_FAILED', '/function-1/function-2/broken-3 failed: broken']);
  expect(words).toEqual(['TT_CANCELLED']);
});

test('`escalate` fails the function at once, and ignore never', async () => {
  const got = await program(async () => {
    const child = spawn(async () => {
      spawn({ onFailure: 'ignore' }, broken);
      await sleep(10);
      say('goes on');
      spawn({ onFailure: 'escalate' }, broken);
      await sleep(1000);
      say('not reached');
    });
    const error = await rejection(child.join());
    return [child.outcome?.kind, messageOf(causeOf(error))];
  });
  expect(got).toEqual(['failed', '/function-1/function-2/broken-4 failed: broken']);
  expect(words).toEqual(['goes on']);
});

test('what the function itself throws is first; those that nobody has joined are in the records', async () => {
  const failed: string[] = [];
  const error = await rejection(
    program(
      async () => {
        spawn(broken);
        await sleep(5);
        throw new RangeError('main');
      },
      { onRecord: (record) => record.kind === 'failed' && failed.push(`${record.path}: ${record.where}`) },
    ),
  );
  expect(error).toBeInstanceOf(RangeError);
  expect(failed).toEqual([
    '/function-1/broken-2: function broken',
    '/function-1: function function',
    '/function-1: child /function-1/broken-2',
  ]);
});

test('a thousand that are joined late are nobody else’s; one among them that is not is told', async () => {
  const seen = await program(async () => {
    const children = Array.from({ length: 1000 }, () => spawn(bad));
    await sleep(1);
    for (const child of children) await rejection(child.join());
    return children.length;
  });
  expect(seen).toBe(1000);
  const error = await rejection(
    program(async () => {
      const children = Array.from({ length: 1000 }, () => spawn(bad));
      await sleep(1);
      for (const child of children.slice(0, -1)) await rejection(child.join());
    }),
  );
  expect(messageOf(error)).toBe('/function-1/bad-1001 failed: broken');
});

test('what fails while it is being cancelled fails its parent too, in order', async () => {
  const error = await rejection(
    program(async () => {
      spawn(async () => {
        try {
          await sleep(1000);
        } finally {
          await shield(100, sleep, 10);
          bad();
        }
      });
      await sleep(1);
    }),
  );
  expect(messageOf(error)).toBe('/function-1/function-2 failed: broken');
});

test('what an abandoned function throws later is recorded, and no unhandled rejection', async () => {
  let fail!: (error: Error) => void;
  const late = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  await program(async () => {
    const child = spawn(function hangs() {
      return late;
    });
    await sleep(1);
    await child.cancel({ cancelMs: 10 });
  });
  fail(new Error('too late'));
  await new Promise(setImmediate);
  expect(takeWarnings()).toEqual(['function hangs of /function-1/hangs-2 failed late: too late']);
});

describe('in a TaskThread', () => {
  test('a spawned function’s failure is the thread’s, unless somebody waits in join', async () => {
    const seen: unknown[] = [];
    const toy = new Toy({
      signal: async (signal, me, turn: Turn<unknown>) => {
        const child = spawn({ scope: turn }, broken);
        if (signal === 'joined') seen.push(codeOf(await rejection(child.join({ scope: turn }))));
        else await child.wait({ scope: me });
      },
    });
    const root = await grow(toy);
    await root.send('joined');
    await time().advance(5);
    expect([seen, root.state]).toEqual([['TT_THREAD_ERROR'], 'running']);
    await root.send('not joined');
    await time().advance(5);
    expect([root.outcome?.kind, messageOf(root.outcome?.error)]).toEqual(['failed', '/Toy-1/broken-3 failed: broken']);
    takeWarnings();
  });

  test('its end is told in childEnded like any child’s', async () => {
    const toy = new Toy({ childEnded: (child, outcome) => say(`${child.path} ${outcome.kind}`) });
    await grow(toy);
    spawn({ scope: toy }, function job() {
      return currentThread().path;
    });
    await settle();
    expect(words).toEqual(['/Toy-1/job-2 finished']);
  });
});
