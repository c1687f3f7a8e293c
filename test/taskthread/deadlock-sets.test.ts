/** Law 8, and a hook that waits for several things at once: it hangs when all of them hang, a broadcast when any does. */
import type { Turn } from '../../src/index.ts';
import { chain, floodUp, nothing, pair, settleAtOnce, thenAbove, tried, type Work, worker } from './circles.ts';
import { checkThreads, Gate, say, settle, time, words } from './toys.ts';

checkThreads();

describe('several waits of one hook', () => {
  /** The child hangs on its parent, the slow one on a gate; neither has room. */
  async function hangingAndSlow() {
    const { top, root, child } = await pair();
    const slow = await top.add(worker('slow'));
    const gate = new Gate();
    const busy = (): void => {
      void child.send((turn: Turn<unknown>) => floodUp(turn));
      void slow.send(() => gate.passed);
      for (const each of [child, slow]) void each.send(nothing);
    };
    return { root, child, slow, gate, busy };
  }

  test('a broadcast fails for the one that hangs, and the others get theirs', async () => {
    const { root, child, slow, gate, busy } = await hangingAndSlow();
    const got: Work = () => say('slow got it');
    await thenAbove(root, busy, (turn) => tried('broadcast', turn.sendToChildren([child, slow], got)));
    // The hook waits for all: it goes on when the slow one has taken.
    expect(words).toEqual([]);
    expect(child.snapshot().edge.down).toMatchObject({ refused: 1, waiting: 0 });
    gate.open();
    await settle();
    expect(words).toEqual(['slow got it', 'broadcast TT_DEADLOCK', 'up done']);
    expect(chain()[0]).toBe('/top-1 signalHandler: a place in the inbox of /top-1/low-2');
  });

  test('Promise.all is reported when the healthy part is done', async () => {
    const { root, child, slow, gate, busy } = await hangingAndSlow();
    await thenAbove(root, busy, (turn) =>
      tried('all', Promise.all([turn.send(child, nothing), turn.send(slow, nothing)])),
    );
    expect(words).toEqual([]);
    gate.open();
    await settleAtOnce();
    expect(words).toEqual(['all TT_DEADLOCK', 'up done']);
  });

  test.each([
    ['a sleep after it', (turn: Turn, sent: () => Promise<void>) => [sent(), turn.sleep(10)]],
    ['a sleep before it', (turn: Turn, sent: () => Promise<void>) => [turn.sleep(10), sent()]],
    ['a turn of the event loop', (turn: Turn, sent: () => Promise<void>) => [sent(), turn.sleep(0)]],
    ['a limit', (turn: Turn, sent: () => Promise<void>) => [sent(), turn.timeoutAfter(10, (inner) => inner.sleep(99))]],
    [
      'a sleep that begins some microtasks later',
      (turn: Turn, sent: () => Promise<void>) => [sent(), Promise.resolve().then(() => turn.sleep(10))],
    ],
  ])('Promise.race with %s is no alarm', async (_what, parts) => {
    const { root, child } = await pair();
    const busy = (): void => {
      void child.send((turn: Turn<unknown>) => floodUp(turn));
      void child.send(nothing);
    };
    await thenAbove(root, busy, async (turn) => {
      const sent = (): Promise<void> => tried('down', turn.send(child, nothing));
      await Promise.race(parts(turn, sent)).catch(() => {});
      say('race over');
    });
    await time().advance(10);
    await settle();
    expect(words).toEqual(['race over', 'up done', 'down done']);
  });
});
