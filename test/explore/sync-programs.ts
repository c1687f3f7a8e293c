/** Programs on the primitives whose every schedule must keep what each of them promises; some waits are cancelled meanwhile. */
import assert from 'node:assert/strict';
import { Condition, Event, Lock, Queue, Semaphore, type Turn } from '../../src/index.ts';
import type { Simulation } from '../../src/testing/index.ts';
import type { CoreProgram } from './programs.ts';
import { Watch, Watched, type Word } from './watched-thread.ts';

/** Runs several tasks of one thread to their ends, and stops it. */
async function tasks(sim: Simulation, watch: Watch, bodies: readonly ((turn: Turn<Word>) => unknown)[]): Promise<void> {
  const root = new Watched(watch, {
    enter: (me) => {
      for (const [i, body] of bodies.entries()) me.task(`${i}`, body);
    },
  });
  const top = await watch.start(root);
  await sim.sleep(1000);
  assert.equal(top.snapshot().tasks.length, 0, 'all tasks have ended');
  await top.stop();
}

/** At most so many are inside at once, also when acquires are given up; at the end all is free. */
async function locksAndSemaphores(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  const places = watch.pick([1, 2]);
  const gate = places === 1 && watch.pick([true, false]) ? new Lock() : new Semaphore(places);
  let inside = 0;
  sim.always('no more inside than there are places', () => inside <= places);
  const user = async (turn: Turn<Word>): Promise<void> => {
    for (let i = 0; i < 3; i++) {
      const limited = turn.timeoutAfter(watch.pick([1, 1000]), async (inner) => {
        const guard = await gate.acquire({ scope: inner });
        inside++;
        await turn.sleep(watch.pick([0, 1]));
        inside--;
        guard.release();
      });
      await limited.catch(() => {});
    }
  };
  await tasks(sim, watch, [user, user, user]);
  const guard = gate.tryAcquire();
  assert.ok(guard !== undefined, 'it is free at the end');
  guard.release();
}

/** What was put is got once, in order for each putter, unless its put was cancelled; nobody is left waiting. */
async function queues(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  const queue = new Queue<Word>(watch.pick([1, 2, 3]));
  const put = new Set<number>();
  const got: Word[] = [];
  /** What each getter got, in its order: of two that are handed something, either may go on first. */
  const byGetter: Word[][] = [];
  let putting = 2;
  const putter = (from: string) => async (turn: Turn<Word>) => {
    for (let i = 0; i < 4; i++) {
      const word = watch.word(from);
      const limited = turn.timeoutAfter(watch.pick([1, 1000]), (inner) => queue.put(word, { scope: inner }));
      await limited.then(
        () => put.add(word.n),
        () => {},
      );
    }
    if (--putting === 0) queue.close();
  };
  const getter = async (turn: Turn<Word>): Promise<void> => {
    const own: Word[] = [];
    byGetter.push(own);
    for await (const word of queue.items({ scope: turn })) {
      got.push(word);
      own.push(word);
      await turn.sleep(watch.pick([0, 2]));
    }
  };
  await tasks(sim, watch, [putter('a'), putter('b'), getter, getter]);
  for (const own of byGetter) {
    for (const from of ['a', 'b']) {
      const numbers = own.filter((word) => word.from === from).map(({ n }) => n);
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
      );
    }
  }
  const numbers = got.map(({ n }) => n);
  assert.equal(new Set(numbers).size, numbers.length);
  for (const n of put) assert.ok(numbers.includes(n), `word ${n} was put and never got`);
}

/** Consumers wait on a condition, some give up; each thing is consumed once, and none is left while somebody waits. */
async function conditionsAndEvents(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  const condition = new Condition();
  const begun = new Event();
  let things = 0;
  let consumed = 0;
  const consumer = async (turn: Turn<Word>): Promise<void> => {
    await begun.wait({ scope: turn });
    for (let i = 0; i < 2; i++) {
      const guard = await condition.acquire({ scope: turn });
      while (things === 0) await condition.wait({ scope: turn });
      things--;
      consumed++;
      guard.release();
    }
  };
  const impatient = async (turn: Turn<Word>): Promise<void> => {
    const guard = await condition.acquire({ scope: turn });
    const limited = turn.timeoutAfter(watch.pick([0, 1]), (inner) => condition.wait({ scope: inner }));
    // A notification that it was given, and has no use for, goes on to the next.
    await limited.then(
      () => condition.notify(1, { scope: turn }),
      () => {},
    );
    guard.release();
  };
  const producer = async (turn: Turn<Word>): Promise<void> => {
    begun.set();
    for (let i = 0; i < 4; i++) {
      await turn.sleep(watch.pick([0, 1]));
      const guard = await condition.acquire({ scope: turn });
      things++;
      condition.notify(1, { scope: turn });
      guard.release();
    }
  };
  await tasks(sim, watch, [consumer, consumer, impatient, producer]);
  assert.deepEqual([things, consumed], [0, 4]);
}

export const syncPrograms: readonly CoreProgram[] = [
  { name: 'locks and semaphores', run: locksAndSemaphores },
  { name: 'queues', run: queues },
  { name: 'conditions and events', run: conditionsAndEvents },
];
