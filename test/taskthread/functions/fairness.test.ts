/** A function that floods with words which need not wait still gives the event loop its turn (law 9): else nothing ends it. */
import {
  currentThread,
  type FunctionTurn,
  ignoreAfter,
  run,
  type Spawned,
  shield,
  sleep,
  spawn,
  ThreadGroup,
  timeoutAfter,
} from '../../../src/index.ts';
import { checkThreads } from '../toys.ts';

checkThreads();

/** What a flood has at hand. */
interface Props {
  readonly ended: Spawned;
  readonly group: ThreadGroup;
  readonly thread: FunctionTurn;
  readonly cancelled: FunctionTurn;
}

const words: [string, (props: Props) => unknown][] = [
  ['spawn and join', () => spawn(() => 1).join()],
  ['join of one that has ended', ({ ended }) => ended.join()],
  ['wait for one that has ended', ({ ended }) => ended.wait()],
  ['cancel of one that has ended', ({ ended }) => ended.cancel()],
  ['sleep(0)', () => sleep(0)],
  ['timeoutAfter of what does not wait', () => timeoutAfter(1000, () => 1)],
  ['ignoreAfter of what does not wait', () => ignoreAfter(1000, () => 1)],
  ['shield of what does not wait', () => shield(1000, () => 1)],
  ['nextDone of a group without members', ({ group }) => group.nextDone()],
  ['nextResult of a group without members', ({ group }) => group.nextResult().catch(() => {})],
  ['cancelRemaining of a group without members', ({ group }) => group.cancelRemaining()],
  ['join of a closed group', () => new ThreadGroup().join()],
  ['sleep that is refused', ({ cancelled }) => sleep(5, { scope: cancelled }).catch(() => {})],
  ['join that is refused', ({ ended, cancelled }) => ended.join({ scope: cancelled }).catch(() => {})],
  ['nextDone that is refused', ({ group, cancelled }) => group.nextDone({ scope: cancelled }).catch(() => {})],
];

/** So many rounds take far longer than the timer. */
const STARVED = 300_000;

test.each(words)('%s', async (_word, word) => {
  const timerFired = await run(async () => {
    const ended = spawn(() => 1);
    await ended.join();
    const cancelled: FunctionTurn[] = [];
    await ignoreAfter(0, async () => {
      cancelled.push(currentThread());
      await sleep(5);
    });
    const props = { ended, group: new ThreadGroup(), thread: currentThread(), cancelled: cancelled[0]! };
    let over = false;
    props.thread.clock.setTimer(5, () => {
      over = true;
    });
    for (let rounds = 0; !over && rounds < STARVED; rounds++) await word(props);
    return over;
  });
  expect(timerFired).toBe(true);
});
