/** Law 9, in real time: a tree that floods lets the event loop have its turns. Counts turns of a timer, and no durations. */
import { performance } from 'node:perf_hooks';
import { type Child, start, type Turn } from '../../src/index.ts';
import { leakCheck } from '../../src/testing/index.ts';
import { Toy } from './toys.ts';

/** A loop that gets its turns has so many within a second, also on a busy machine; a starved one none, for ever. */
const FEW_TURNS = 20;
const LONGEST_MS = 15_000;

function spin(us: number): void {
  const until = performance.now() + us / 1000;
  while (us > 0 && performance.now() < until);
}

/** How often a timer and an immediate had their turn while the tree was flooded, and how much was handled. */
async function flooded(
  flood: (root: Child<Toy>, toy: Toy, count: () => void) => void | Promise<void>,
): Promise<number[]> {
  const check = leakCheck();
  const toy = new Toy();
  const root = (await start(toy as never)) as unknown as Child<Toy>;
  let [timers, immediates, handled] = [0, 0, 0];
  const timer = setInterval(() => timers++, 1);
  let goesOn = true;
  const again = (): void => {
    immediates++;
    if (goesOn) setImmediate(again);
  };
  setImmediate(again);
  await Promise.resolve(flood(root, toy, () => handled++));
  const until = performance.now() + LONGEST_MS;
  const enough = (): boolean => Math.min(timers, immediates, handled) > FEW_TURNS;
  while (!enough() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 10));
  const counts = [timers, immediates, handled];
  goesOn = false;
  clearInterval(timer);
  await root.stop({ drainMs: 0, cancelMs: 100 });
  check();
  return counts;
}

describe.each([0, 50, 1000])('with turns and handlers of %d us', (us) => {
  const kinds: [string, (root: Child<Toy>, toy: Toy, count: () => void) => void | Promise<void>][] = [
    [
      'sync tasks',
      (_root, toy, count) => {
        for (const name of ['a', 'b', 'c']) {
          toy.tasks.reCreate(name, (turn) => {
            spin(us);
            count();
            return turn.reSchedule();
          });
        }
      },
    ],
    [
      'async tasks',
      (_root, toy, count) =>
        toy.tasks.reCreate('a', async (turn) => {
          await Promise.resolve();
          spin(us);
          count();
          return turn.reSchedule();
        }),
    ],
    [
      'a child that floods its parent',
      async (_root, toy, count) => {
        const child = new Toy();
        await toy.add(child, {
          onSignal: () => {
            spin(us);
            count();
          },
        });
        child.tasks.reCreate('flood', async (turn) => {
          for (;;) await turn.sendToParent(1);
        });
      },
    ],
    [
      'a parent and a child that answer each other',
      async (_root, toy, count) => {
        const child = await toy.add(
          new Toy({
            signal: (s, _me, turn) => {
              spin(us);
              count();
              return turn.sendToParent(s);
            },
          }),
          { onSignal: (s, from, turn) => turn.send(from, s) },
        );
        void child.send(1);
      },
    ],
    [
      'limits of work that never waits',
      (_root, toy, count) => {
        toy.tasks.reCreate('limits', async (turn) => {
          while (!turn.cancelled) {
            await turn.timeoutAfter(1000, () => spin(us));
            count();
          }
        });
      },
    ],
    [
      'joins and stops of a child that has ended',
      async (_root, toy, count) => {
        const gone = await toy.add(new Toy());
        await gone.stop();
        // What has ended can be joined for ever: also after the thread's own end, so it has to look.
        toy.tasks.reCreate('joins', async (turn) => {
          while (!turn.cancelled) {
            await gone.join();
            await gone.stop();
            spin(us);
            count();
          }
        });
      },
    ],
  ];

  test.each(kinds)('%s let timers and immediates have their turn', async (_kind, flood) => {
    const [timers, immediates, handled] = await flooded(flood);
    expect(timers).toBeGreaterThan(FEW_TURNS);
    expect(immediates).toBeGreaterThan(FEW_TURNS);
    expect(handled).toBeGreaterThan(FEW_TURNS);
  });
});

/** A factory that holds the event loop gives up after so many calls, or the test would never end. */
const CALLS = 200_000;

test.each(['one-for-one', 'one-for-all'] as const)(
  'a child that cannot be made again, %s and with no limit that is ever reached, lets timers have their turn',
  async (strategy) => {
    const check = leakCheck();
    const toy = new Toy({}, { supervision: { strategy, intensity: 2 * CALLS, periodMs: 0 } });
    const root = await start(toy as never);
    let calls = 0;
    const make = (): Toy => {
      if (calls++ > 0 && calls < CALLS) throw new Error('cannot be made');
      return new Toy({ signal: () => Promise.reject(new Error('boom')) });
    };
    const child = await toy.add(make, { restart: 'permanent' });
    let timers = 0;
    const timer = setInterval(() => timers++, 1);
    child.trySend('fail');
    while (timers < 5 && calls < CALLS) await new Promise((resolve) => setTimeout(resolve, 1));
    clearInterval(timer);
    expect(calls).toBeLessThan(CALLS);
    await root.stop();
    check();
  },
);

/** Enough to hold the event loop for seconds where refusals take no time of the slice. */
const TRIES = 3_000_000;

describe('what is refused, caught and tried again for ever', () => {
  const words: [string, (turn: Turn<unknown>) => Promise<void> | undefined][] = [
    ['sendToParent', (turn) => turn.sendToParent('again')],
    ['sleep', (turn) => turn.sleep(1)],
  ];

  test.each(words)('%s, does not keep a stop from returning', async (_name, word) => {
    const check = leakCheck();
    const parent = new Toy();
    const child = new Toy();
    const root = await start(parent as never);
    await parent.add(child as never);
    let tries = 0;
    child.tasks.reCreate('spin', async (turn) => {
      while (tries < TRIES) {
        await turn.sleep(1).catch(() => {});
        while (turn.cancelled && tries++ < TRIES) {
          try {
            await word(turn as Turn<unknown>);
          } catch {
            // As a careless program does.
          }
        }
      }
    });
    await new Promise((resolve) => setTimeout(resolve, 10));
    const report = await root.stop({ drainMs: 20, cancelMs: 20 });
    expect(tries).toBeLessThan(TRIES);
    expect(report.abandoned.map(({ hungOn }) => hungOn.map(({ what }) => what))).toEqual([['task spin']]);
    tries = TRIES;
    await new Promise((resolve) => setTimeout(resolve, 20));
    check();
  });
});
