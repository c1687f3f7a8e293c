/** Law 9, in real time: a loop of one word that need not wait, or is refused, lets timers and immediates have their turn. */
import { type Child, start, type Turn } from '../../src/index.ts';
import { leakCheck } from '../../src/testing/index.ts';
import { awaited, type Idle } from './idle-words.ts';
import { Toy } from './toys.ts';

/** A loop that gets its turns has so many within a second of work; a starved one none. */
const FEW_TURNS = 10;
const WORK_US = 1_000_000;
/** The time is asked for so seldom that it costs nothing. */
const TRIES_BETWEEN_LOOKS = 64;

/** The time that this process works from now on: what a busy machine does meanwhile is not in it. */
function workTimer(): () => boolean {
  const before = process.cpuUsage();
  let tries = 0;
  return () => {
    if (++tries % TRIES_BETWEEN_LOOKS !== 0) return false;
    const { user, system } = process.cpuUsage(before);
    return user + system > WORK_US;
  };
}

/** How many turns a timer and an immediate had while a task said nothing but this word. */
async function turnsDuring(word: (idle: Idle) => unknown): Promise<[timers: number, immediates: number]> {
  const check = leakCheck();
  const parent = new Toy();
  const root = (await start(parent as never)) as unknown as Child<Toy>;
  const me = new Toy();
  const handle = await parent.add(me);
  const gone = await parent.add(new Toy());
  await gone.stop();
  let [timers, immediates] = [0, 0];
  const timer = setInterval(() => timers++, 1);
  const ended = new Promise<[number, number]>((done) => {
    me.tasks.reCreate('loop', async (turn) => {
      let goesOn = true;
      const again = (): void => {
        immediates++;
        if (goesOn) setImmediate(again);
      };
      setImmediate(again);
      const idle = { me, turn: turn as Turn<unknown>, parent, handle, gone };
      const isOver = workTimer();
      while (Math.min(timers, immediates) < FEW_TURNS && !isOver()) {
        try {
          await word(idle);
        } catch {
          // As a careless program does.
        }
      }
      goesOn = false;
      done([timers, immediates]);
    });
  });
  const turns = await ended;
  clearInterval(timer);
  await root.stop({ drainMs: 0, cancelMs: 100 });
  check();
  return turns;
}

test.each(awaited)('%s', async (_name, word) => {
  const [timers, immediates] = await turnsDuring(word);
  expect(timers).toBeGreaterThanOrEqual(FEW_TURNS);
  expect(immediates).toBeGreaterThanOrEqual(FEW_TURNS);
});

test('the loop sees a word that takes no time of the slice', async () => {
  const [timers] = await turnsDuring(() => undefined);
  expect(timers).toBeLessThan(FEW_TURNS);
});
