/** The sync primitives used by TaskThreads: `{ scope: turn }`, what a stop does to waits, who owns a lock, what a snapshot says. */
import { Condition, Event, Lock, Queue, RLock, Semaphore, type TaskTurn, type Turn } from '../../src/index.ts';
import { checkThreads, codeOf, grow, say, settle, Toy, time, words } from '../taskthread/toys.ts';

checkThreads();

/** A thread whose tasks run the bodies given. */
function worker(bodies: Readonly<Record<string, (turn: TaskTurn<unknown>) => unknown>>, intake = false): Toy {
  return new Toy({
    enter: (me) => {
      for (const [name, body] of Object.entries(bodies)) me.tasks.reCreate(name, body, { intake });
    },
  });
}

const sayCode = (what: string) => (error: unknown) => say(`${what} ${String(codeOf(error))}`);

test('threads that are not parent and child pass items through a queue', async () => {
  const queue = new Queue<number>(2);
  const root = new Toy();
  await grow(root);
  await root.add(
    worker({
      put: async (turn) => {
        for (const item of [1, 2, 3, 4, 5]) await queue.put(item, { scope: turn });
        queue.close();
      },
    }),
  );
  await root.add(
    worker({
      get: async (turn) => {
        for await (const item of queue.items({ scope: turn })) say(`got ${item}`);
        say('end');
      },
    }),
  );
  await settle();
  expect(words).toEqual(['got 1', 'got 2', 'got 3', 'got 4', 'got 5', 'end']);
});

test('a stop cancels what waits; a lock that is held with a guard is released, and the next one has it', async () => {
  const lock = new Lock();
  const root = new Toy();
  await grow(root);
  const holding = async (turn: TaskTurn<unknown>) => {
    using _guard = await lock.acquire({ scope: turn });
    say(`${turn.what} has it`);
    await turn.sleep(60_000);
  };
  const first = await root.add(worker({ first: holding }));
  const second = await root.add(worker({ second: (turn) => lock.acquire({ scope: turn }).catch(sayCode('second')) }));
  await root.add(worker({ third: holding }));
  await settle();
  expect(lock.snapshot()).toMatchObject({ heldBy: `task first of ${String(first)}`, waiting: 2 });
  await time().run(second.stop());
  await time().run(first.stop());
  await settle();
  expect(words).toEqual(['task first has it', 'second TT_CANCELLED', 'task third has it']);
  await time().run(root.children[0]!.stop());
  expect(lock.locked).toBe(false);
});

test('an intake task that waits for an item or an event ends at once when its thread is asked to stop', async () => {
  const [queue, event, lock] = [new Queue<number>(), new Event(), new Lock()];
  const root = new Toy();
  await grow(root);
  const intake = await root.add(
    worker(
      {
        get: (turn) => queue.get({ scope: turn }).catch(sayCode('get')),
        next: (turn) => queue.items({ scope: turn }).next().catch(sayCode('next')),
        wait: (turn) => event.wait({ scope: turn }).catch(sayCode('wait')),
      },
      true,
    ),
  );
  await settle();
  const before = time().now;
  const report = await time().run(intake.stop());
  expect([words.toSorted(), time().now - before]).toEqual([
    ['get TT_INTAKE_CLOSED', 'next TT_INTAKE_CLOSED', 'wait TT_INTAKE_CLOSED'],
    0,
  ]);
  expect([report.verdict, lock.locked]).toEqual(['clean', false]);
});

test('a turn owns its re-entrant lock through its time limits and shields; another execution of the thread does not', async () => {
  const lock = new RLock();
  const root = new Toy();
  await grow(root);
  const other = (turn: Turn<unknown>) => {
    say(`other: ${lock.tryAcquire({ scope: turn })?.constructor.name}`);
    expect(() => lock.release({ scope: turn })).toThrow('holds it');
  };
  const nested = async (turn: TaskTurn<unknown>) => {
    using _outer = await lock.acquire({ scope: turn });
    await turn.timeoutAfter(100, (limited) =>
      limited.shield(100, async (shielded) => {
        using _inner = await lock.acquire({ scope: shielded });
        say(`depth ${lock.snapshot().depth}`);
        await shielded.sleep(10);
      }),
    );
  };
  const toy = worker({ nested, other });
  await root.add(toy);
  expect(lock.tryAcquire({ scope: toy })).toBeUndefined();
  await time().advance(10);
  expect([words.toSorted(), lock.locked]).toEqual([['depth 2', 'other: undefined'], false]);
  const guard = lock.tryAcquire({ scope: toy });
  expect(lock.tryAcquire({ scope: toy.cancelScope })).toBeDefined();
  expect(lock.snapshot().heldBy).toBe(toy.path);
  guard?.release();
});

test('a lock whose holder has ended stays locked, and the snapshots say who, and who waits', async () => {
  const lock = new Lock();
  const root = new Toy();
  const handle = await grow(root);
  const forgetful = await root.add(worker({ forget: (turn) => lock.acquire({ scope: turn }) }));
  await settle();
  await time().run(forgetful.stop());
  await root.add(worker({ wait: (turn) => lock.acquire({ scope: turn }) }));
  await time().advance(40);
  expect(lock.snapshot()).toMatchObject({
    heldBy: `task forget of ${String(forgetful)}`,
    heldForMs: 40,
    holderEnded: true,
    waiting: 1,
  });
  expect(handle.snapshot().children[0]!.waits).toEqual([
    { on: `a lock that task forget of ${String(forgetful)} holds`, by: 'task wait', sinceMs: 40 },
  ]);
});

test('a snapshot says what each one waits for', async () => {
  const [full, empty] = [new Queue<number>(1), new Queue<number>()];
  const condition = new Condition();
  full.tryPut(1);
  const root = new Toy();
  const handle = await grow(root);
  await root.add(
    worker({
      event: (turn) => new Event().wait({ scope: turn }),
      semaphore: (turn) => new Semaphore(0).acquire({ scope: turn }),
      put: (turn) => full.put(2, { scope: turn }),
      get: (turn) => empty.get({ scope: turn }),
      join: (turn) => full.join({ scope: turn }),
      condition: async (turn) => {
        using _guard = await condition.acquire({ scope: turn });
        await condition.wait({ scope: turn });
      },
    }),
  );
  await settle();
  const waits = handle.snapshot().children[0]!.waits.map(({ by, on }) => `${by}: ${on}`);
  expect(waits.toSorted()).toEqual([
    'task condition: a condition to be notified',
    'task event: an event to be set',
    'task get: an item of a queue',
    'task join: the last of 1 item of a queue to be done',
    'task put: a place in a queue of 1',
    'task semaphore: a permit of a semaphore',
  ]);
});

test('a time limit that passes while a condition waits for its lock is a TimeoutError, with the lock held', async () => {
  const condition = new Condition();
  const root = new Toy();
  await grow(root);
  await root.add(
    worker({
      waits: async (turn) => {
        using _guard = await condition.acquire({ scope: turn });
        await turn.timeoutAfter(20, (limited) => condition.wait({ scope: limited })).catch(sayCode('wait'));
        say(`at ${time().now - 1000}, holding ${condition.lock.locked}`);
      },
      holds: async (turn) => {
        await turn.sleep(10);
        using _guard = await condition.acquire({ scope: turn });
        await turn.sleep(30);
      },
    }),
  );
  await time().advance(50);
  expect(words).toEqual(['wait TT_TIMEOUT', 'at 40, holding true']);
});
