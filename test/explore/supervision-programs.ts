/** Programs on supervision (laws 15 and 16) whose every schedule must keep the laws. */
import assert from 'node:assert/strict';
import { type Child, ChildFailedError } from '../../src/index.ts';
import type { Simulation } from '../../src/testing/index.ts';
import { keptOverRestarts } from './kept-over-restarts.ts';
import type { CoreProgram } from './programs.ts';
import { asRoot, Watch, Watched } from './watched-thread.ts';

/** Children crash at some of their words, are started again with others or alone, and are stopped meanwhile. */
async function restarts(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  const strategy = watch.pick(['one-for-one', 'one-for-all', 'rest-for-one'] as const);
  const backoff = watch.pick([undefined, { minMs: 1, maxMs: 4 }]);
  const handles: Child<Watched>[] = [];
  let living = 0;
  let most = 0;
  const child = (): Watched =>
    new Watched(watch, {
      enter: (_me, turn) => {
        most = Math.max(most, ++living);
        return watch.pick([undefined, turn.sleep(0)]);
      },
      signal: (_word, turn) => {
        if (watch.pick([true, false, false])) throw new Error('a crash');
        return watch.pick([undefined, turn.sleep(0)]);
      },
      exit: () => {
        living--;
      },
    });
  const root = new Watched(
    watch,
    {
      enter: async (me) => {
        for (const name of ['a', 'b', 'c']) {
          handles.push(await me.addAgain(child, { name, restart: watch.pick(['permanent', 'transient'] as const) }));
        }
        me.task('send', async (turn) => {
          for (let i = 0; i < 8; i++) {
            const word = watch.word('root');
            await watch.sent(word, turn.send(watch.pick(handles), word));
            await turn.sleep(watch.pick([0, 0, 1]));
          }
        });
      },
    },
    { supervision: { strategy, intensity: 1000, ...(backoff && { backoff }) } },
  );
  const top = await sim.start(asRoot(root));
  await watch.aWhile(60);
  const report = await top.stop();
  assert.deepEqual(report.abandoned, []);
  assert.equal(living, 0);
  assert.ok(most <= 3, `${most} live at once`);
  for (const handle of handles) assert.equal(handle.state, 'stopped');
}

/** More restarts than are borne: the parent fails, and nothing of its children is left. */
async function tooManyRestarts(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  let made = 0;
  const broken = (): Watched => {
    made++;
    return new Watched(watch, {
      enter: (me) => {
        me.task('break', async (turn) => {
          await turn.sleep(watch.pick([0, 1]));
          throw new Error('broken');
        });
      },
    });
  };
  const keeper = new Watched(
    watch,
    {
      enter: async (me) => {
        await me.addAgain(broken, { restart: 'permanent' });
      },
    },
    { supervision: { intensity: 3, periodMs: 1000 } },
  );
  let handle: Child<Watched> | undefined;
  let refusal: unknown;
  const root = new Watched(watch, {
    enter: async (me) => {
      // All its restarts may be over before its `enter` is: then the failure is that of the adding.
      handle = await me.add(keeper).catch((error: unknown) => {
        refusal = error;
        return undefined;
      });
    },
  });
  const top = await sim.start(asRoot(root));
  await sim.sleep(50);
  assert.equal(made, 4);
  assert.ok(handle === undefined ? refusal instanceof ChildFailedError : handle.outcome?.kind === 'failed');
  await top.stop();
}

export const supervisionPrograms: readonly CoreProgram[] = [
  { name: 'restarts', run: restarts },
  { name: 'too many restarts', run: tooManyRestarts },
  { name: 'what is kept over restarts', run: keptOverRestarts },
];
