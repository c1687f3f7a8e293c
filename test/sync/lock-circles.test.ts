/** Law 8 for locks: a circle is certain where only the owner can release, so an `RLock`'s is reported, a `Lock`'s is a stall. */
import { DeadlockError, Lock, RLock, sleep, spawn, type TaskTurn, timeoutAfter, type Turn } from '../../src/index.ts';
import { checkThreads, codeOf, grow, say, settle, Toy, time, words } from '../taskthread/toys.ts';
import { program, rejection } from '../taskthread/functions/running.ts';

checkThreads();

type AnyLock = Lock | RLock;

/** Takes one, and after a while the other. */
async function both(first: AnyLock, second: AnyLock): Promise<void> {
  using _first = await first.acquire();
  await sleep(10);
  using _second = await second.acquire();
}

describe('two functions that take two RLocks in different orders', () => {
  test('the wait that closes the circle fails, names both, and the other goes on', async () => {
    const got = await program(async () => {
      const [a, b] = [new RLock(), new RLock()];
      const [ab, ba] = [spawn({ name: 'ab' }, both, a, b), spawn({ name: 'ba' }, both, b, a)];
      await ab.join();
      const error = (await rejection(ba.join())) as Error;
      return error.cause;
    });
    expect(got).toBeInstanceOf(DeadlockError);
    const { chain, message } = got as DeadlockError;
    expect(chain.map(({ path, waitsFor }) => `${path}: ${waitsFor}`)).toEqual([
      '/function-1/ba-3: a rlock that function both of /function-1/ab-2 holds',
      '/function-1/ab-2: a rlock that function both of /function-1/ba-3 holds',
    ]);
    expect(message).toMatch(/way out: acquiring in the same order everywhere, or a time limit/);
  });

  test('found through a join', async () => {
    const got = await program(async function main() {
      const lock = new RLock();
      using _guard = await lock.acquire();
      const error = await rejection(spawn(() => lock.holding(() => {})).join());
      return codeOf((error as Error).cause);
    });
    expect(got).toBe('TT_DEADLOCK');
  });

  test('is no circle when one of them has a time limit', async () => {
    const got = await program(async () => {
      const [a, b] = [new RLock(), new RLock()];
      const limited = spawn(() => timeoutAfter(50, both, a, b));
      const patient = spawn(both, b, a);
      await patient.join();
      return codeOf(((await rejection(limited.join())) as Error).cause);
    });
    expect(got).toBe('TT_TIMEOUT');
  });

  test('is no circle while the owner waits for something else, too', async () => {
    const got = await program(async () => {
      const [a, b] = [new RLock(), new RLock()];
      const racing = spawn(async () => {
        using _a = await a.acquire();
        await sleep(10);
        const waiting = b.acquire();
        await Promise.race([waiting, sleep(20)]);
        _a.release();
        (await waiting).release();
        return 'went on';
      });
      await spawn(both, b, a).join();
      return racing.join();
    });
    expect(got).toBe('went on');
  });
});

test('in handlers of two threads', async () => {
  const [a, b] = [new RLock(), new RLock()];
  const takes = (first: RLock, second: RLock) => async (_signal: unknown, _me: Toy, turn: Turn<unknown>) => {
    const scope = { scope: turn };
    await first.holding(async () => {
      await turn.sleep(10);
      await second.holding(() => say('had both'), scope).catch((error: unknown) => say(String(codeOf(error))));
    }, scope);
  };
  const top = new Toy();
  await grow(top);
  for (const signal of [takes(a, b), takes(b, a)]) await (await top.add(new Toy({ signal }))).send('go');
  await time().advance(10);
  expect(words).toEqual(['TT_DEADLOCK', 'had both']);
});

test('the wait of a task is no link: others may delete it', async () => {
  const [a, b] = [new RLock(), new RLock()];
  const top = new Toy({
    enter: (me) =>
      me.tasks.reCreate('holder', async (turn: TaskTurn<unknown>) => {
        using _a = await a.acquire({ scope: turn });
        await turn.sleep(10);
        await b.acquire({ scope: turn });
      }),
    signal: async (_signal, _me, turn) => {
      using _b = await b.acquire({ scope: turn });
      await turn.sleep(20);
      await a.holding(() => say('had both'), { scope: turn });
    },
  });
  const root = await grow(top);
  void root.send('go');
  await time().advance(20);
  expect(words).toEqual([]);
  await top.tasks.delete('holder');
  await settle();
  expect(words).toEqual(['had both']);
});

describe('a Lock', () => {
  test('may be released by anybody, so who acquires it twice may be waiting for that', async () => {
    const got = await program(async () => {
      const lock = new Lock();
      const waiting = spawn(async () => {
        await lock.acquire();
        await lock.acquire();
        return 'released by another';
      });
      await sleep(10);
      lock.release();
      return waiting.join();
    });
    expect(got).toBe('released by another');
  });

  test('in a circle is a stall, told with who holds it, where progressMs is said', async () => {
    const told: string[] = [];
    const top = new Toy(undefined, { progressMs: 100 });
    await grow(top, {
      onRecord: (record) => void (record.kind === 'stall' && told.push(`${record.path} ${record.on}`)),
    });
    const [a, b] = [new Lock(), new Lock()];
    const names = ['ab', 'ba'];
    for (const name of names) {
      spawn({ scope: top, name }, both, ...((name === 'ab' ? [a, b] : [b, a]) as [Lock, Lock]));
    }
    await time().advance(109);
    expect(told).toEqual([]);
    await time().advance(1);
    expect(told).toEqual([
      '/Toy-1/ab-2 a lock that function both of /Toy-1/ba-3 holds',
      '/Toy-1/ba-3 a lock that function both of /Toy-1/ab-2 holds',
    ]);
  });
});
