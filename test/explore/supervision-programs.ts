/** Programs on supervision (laws 15 and 16) whose every schedule must keep the laws. */
import assert from 'node:assert/strict';
import { type Child, ChildFailedError, type RestartStrategy, type Turn } from '../../src/index.ts';
import type { Simulation } from '../../src/testing/index.ts';
import { keptOverRestarts } from './kept-over-restarts.ts';
import type { CoreProgram } from './programs.ts';
import { Watch, Watched, type Word } from './watched-thread.ts';

/** What is known of the children of one parent that are started again, and what must hold of them (law 15). */
class Siblings {
  readonly handles: Child<Watched>[] = [];
  /** All were added: from now on, whoever enters is started again. */
  added = false;
  parentStops = false;
  /** Those that were asked to end for good. */
  readonly gone = new Set<number>();
  readonly #watch: Watch;
  readonly #strategy: RestartStrategy;
  readonly #living = new Set<number>();
  #entering = 0;

  constructor(watch: Watch, strategy: RestartStrategy) {
    this.#watch = watch;
    this.#strategy = strategy;
  }

  get living(): number {
    return this.#living.size;
  }

  async enter(place: number, me: Watched, turn: Turn<Word>): Promise<void> {
    if (this.#living.has(place)) this.#watch.blame(`child ${place} lives twice`);
    if (this.parentStops) this.#watch.blame(`child ${place} is started although its parent stops`);
    if (this.gone.has(place)) this.#watch.blame(`child ${place} is started although it was asked to end`);
    if (this.added && this.#entering > 0 && this.#strategy !== 'one-for-one')
      this.#watch.blame('two are started at once');
    this.#living.add(place);
    me.onStopping((why) => {
      const last = Math.max(...this.#living);
      if (why === 'it is restarted with a sibling' && last > place)
        this.#watch.blame(`child ${place} ends before ${last}`);
    });
    this.#entering++;
    try {
      if (this.#watch.pick([true, false])) await turn.sleep(this.#watch.pick([0, 0, 1]));
    } finally {
      this.#entering--;
    }
  }

  async exit(place: number, turn: Turn): Promise<void> {
    await turn.sleep(this.#watch.pick([0, 0, 1]));
    this.#living.delete(place);
  }

  end(place: number): void {
    this.gone.add(place);
    void this.handles[place]!.stop();
  }
}

/** Children crash at some of their words, are started again with others or alone, and are stopped meanwhile, each and all. */
async function restarts(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  const strategy = watch.pick(['one-for-one', 'one-for-all', 'rest-for-one'] as const);
  const backoff = watch.pick([undefined, { minMs: 1, maxMs: 4 }]);
  const siblings = new Siblings(watch, strategy);
  const { handles } = siblings;
  const child = (place: number): Watched =>
    new Watched(watch, {
      enter: (me, turn) => siblings.enter(place, me, turn),
      signal: (_word, turn) => {
        if (watch.pick([true, false, false])) throw new Error('a crash');
        return watch.pick([undefined, turn.sleep(0)]);
      },
      exit: (turn) => siblings.exit(place, turn),
    });
  const root = new Watched(
    watch,
    {
      enter: async (me) => {
        me.onStopping(() => {
          siblings.parentStops = true;
        });
        for (const place of [0, 1, 2]) {
          const restart = watch.pick(['permanent', 'transient'] as const);
          const handle = await me.addAgain(() => child(place), { name: `child ${place}`, restart });
          handles.push(handle);
          handle.events.on('restarting', () => {
            if (watch.pick([true, false])) siblings.end(place);
          });
        }
        siblings.added = true;
        me.task('send', async (turn) => {
          for (let i = 0; i < 8; i++) {
            const word = watch.word('root');
            await watch.sent(word, turn.send(watch.pick(handles), word));
            await turn.sleep(watch.pick([0, 0, 1]));
            if (watch.pick([true, false, false, false, false, false])) siblings.end(watch.pick([0, 1, 2]));
          }
        });
      },
    },
    { supervision: { strategy, intensity: 1000, ...(backoff && { backoff }) } },
  );
  const top = await watch.start(root);
  if (watch.pick([true, false])) await watch.aWhile(100);
  else await sim.sleep(watch.pick([2, 5, 20]));
  const report = await top.stop();
  assert.deepEqual(report.abandoned, []);
  assert.equal(siblings.living, 0);
  for (const handle of handles) assert.equal(handle.state, 'stopped');
}

/** More restarts than are borne, alone or with a sibling: the parent fails, and nothing of its children is left. */
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
  const sibling = (): Watched => new Watched(watch, { enter: (_me, turn) => turn.sleep(watch.pick([0, 1, 2])) });
  const strategy = watch.pick(['one-for-one', 'one-for-all', 'rest-for-one'] as const);
  const keeper = new Watched(
    watch,
    {
      enter: async (me) => {
        await me.addAgain(broken, { restart: 'permanent' });
        // Where too many were over before, it is not wanted any more.
        await me.addAgain(sibling, { restart: 'permanent' }).catch(() => {});
      },
    },
    { supervision: { strategy, intensity: 3, periodMs: 1000 } },
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
  const top = await watch.start(root);
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
