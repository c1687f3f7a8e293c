/** Programs on groups of functions, whose every schedule must keep what a group promises. */
import assert from 'node:assert/strict';
import { run, sleep, ThreadGroup, type ThreadGroupError } from '../../src/index.ts';
import type { Simulation } from '../../src/testing/index.ts';
import type { CoreProgram } from './programs.ts';
import { Watch } from './watched-thread.ts';

/** What a member does, and how many are at it just now. */
class Members {
  running = 0;
  readonly #watch: Watch;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  readonly work = async (n: number): Promise<number> => {
    this.running++;
    try {
      await sleep(this.#watch.pick([0, 0, 1, 2]));
      if (this.#watch.pick([true, false, false, false])) throw new Error(`member ${n}`);
      await sleep(0);
      return n;
    } finally {
      // Clean-up that gives way, as that of a real one does.
      await sleep(0).catch(() => {});
      this.running--;
    }
  };
}

/** All members have ended when a group has been joined, whoever failed, and every failure that was is told. */
async function groups(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  const members = new Members(watch);
  const wait = watch.pick(['all', 'any'] as const);
  await run(sim.options, async () => {
    const group = new ThreadGroup<number>({ wait });
    const spawned = [0, 1, 2, 3].map((n) => group.spawn(members.work, n));
    const failure = await group.join().then(
      () => undefined,
      (error: unknown) => error as ThreadGroupError,
    );
    assert.equal(members.running, 0);
    assert.equal(group.size, 0);
    const failed = spawned.filter(({ state, exception }) => state === 'stopped' && exception !== undefined);
    if (failure !== undefined) assert.ok(failure.errors.length > 0 && failure.errors.length <= failed.length);
  });
}

/** Members are taken in the order of ending while others end, fail and are cancelled: each is given once. */
async function nextOfAGroup(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  const members = new Members(watch);
  await run(sim.options, async () => {
    const given = new Set<unknown>();
    await ThreadGroup.run<number, void>(async (group) => {
      for (let n = 0; n < 4; n++) group.spawn(members.work, n);
      for (let next = await group.nextDone(); next !== undefined; next = await group.nextDone()) {
        assert.ok(!given.has(next));
        given.add(next);
        await next.join().catch(() => {});
        if (watch.pick([true, false, false])) await group.cancelRemaining();
      }
    }).catch((error: unknown) => {
      if ((error as { code?: string }).code !== 'TT_THREAD_GROUP') throw error;
    });
    assert.equal(members.running, 0);
    assert.equal(given.size, 4);
  });
}

export const groupPrograms: readonly CoreProgram[] = [
  { name: 'groups', run: groups },
  { name: 'the next of a group', run: nextOfAGroup },
];
