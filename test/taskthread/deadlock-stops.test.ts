/** Laws 8 and 10 where they meet: a stop that was given a time returns in that, so it fails nothing: it is told. One without is a wait like others. */
import type { Child, LifecycleRecord, StopReport, Turn } from '../../src/index.ts';
import { chain, floodUp, pair, settleAtOnce, thenAbove, tried, worker } from './circles.ts';
import { checkThreads, Gate, grow, say, settle, Toy, time, words } from './toys.ts';

checkThreads();

/** What was told of stops that are held up: who waits, and for what. */
function heldUp(records: readonly LifecycleRecord[]): unknown[] {
  return records.flatMap((record) => {
    if (record.kind !== 'held-up') return [];
    return [[record.path, record.hook, ...record.chain.map(({ path, waitsFor }) => `${path}: ${waitsFor}`)]];
  });
}

/** Stops it from a hook, and says how that went. */
async function stopped(child: Child<Toy>, turn: Turn<unknown>): Promise<void> {
  const report: StopReport = await child.stop({ drainMs: 50, cancelMs: 20, scope: turn });
  say(`stopped: ${report.verdict} in ${report.tookMs} ms`);
}

describe('a stop in a circle of waits', () => {
  test('without a time of its own fails like any other wait, and goes on', async () => {
    const { root, child, records } = await pair();
    const busy = (): void => void child.send((turn: Turn<unknown>) => floodUp(turn));
    await thenAbove(root, busy, (turn) => tried('stop', child.stop({ scope: turn })));
    expect(words).toEqual(['stop TT_DEADLOCK', 'up done']);
    expect(chain()).toEqual([
      '/top-1 signalHandler: the end of /top-1/low-2',
      '/top-1/low-2 signalHandler: a place in the outbox of /top-1/low-2',
    ]);
    expect([heldUp(records), child.outcome?.kind]).toEqual([[], 'stopped']);
  });

  test('is told at once, and returns with a verdict when its time for draining is over', async () => {
    const { top, root, child, records } = await pair();
    top.events.on('heldUp', (links, hook) => say(`${hook} held up: ${links.map(({ path }) => path).join()}`));
    const busy = (): void => void child.send((turn: Turn<unknown>) => floodUp(turn));
    await thenAbove(root, busy, (turn) => stopped(child, turn));
    expect(words.splice(0)).toEqual(['signalHandler held up: /top-1,/top-1/low-2']);
    expect(heldUp(records)).toEqual([
      [
        '/top-1',
        'signalHandler',
        '/top-1: the end of /top-1/low-2',
        '/top-1/low-2: a place in the outbox of /top-1/low-2',
      ],
    ]);
    await time().advance(49);
    expect(words).toEqual([]);
    await time().advance(1);
    expect(words).toEqual(['up TT_CANCELLED', 'stopped: cancelled in 50 ms']);
    expect(records.some(({ kind }) => kind === 'deadlock')).toBe(false);
    expect(root.state).toBe('running');
    // What the child had said before is not lost with it.
    expect(child.snapshot().edge.up).toMatchObject({ offered: 2, accepted: 1, handled: 1, cancelled: 1 });
  });

  test('is told once, however many waits are found to hang on it', async () => {
    const { root, child, records } = await pair();
    const gate = new Gate();
    const busy = (): void => {
      void child.send(async (turn: Turn<unknown>) => {
        await turn.sendToParent(() => {});
        const first = tried(
          'first',
          turn.sendToParent(() => {}),
        );
        await gate.passed;
        await Promise.all([
          first,
          tried(
            'second',
            turn.sendToParent(() => {}),
          ),
        ]);
      });
    };
    await thenAbove(root, busy, (turn) => stopped(child, turn));
    expect(heldUp(records).length).toBe(1);
    gate.open();
    await time().advance(50);
    expect(words).toEqual(['first TT_CANCELLED', 'second TT_CANCELLED', 'stopped: cancelled in 50 ms']);
    expect(heldUp(records).length).toBe(1);
  });

  test('is told of the stop that is a link of it, and not of one that waits for that', async () => {
    const { top, root, records } = await pair();
    const mid = worker('mid');
    const midChild = await top.add(mid);
    const low = await mid.add(worker('low'));
    const gate = new Gate();
    void midChild.send(async (turn: Turn<unknown>) => {
      await gate.passed;
      await stopped(low, turn);
    });
    void low.send((turn: Turn<unknown>) => floodUp(turn));
    await settle();
    gate.open();
    await settleAtOnce();
    void root.send((turn: Turn<unknown>) => stopped(midChild, turn));
    await settleAtOnce();
    expect(heldUp(records)).toEqual([
      [
        '/top-1/mid-3',
        'signalHandler',
        '/top-1/mid-3: the end of /top-1/mid-3/low-4',
        '/top-1/mid-3/low-4: a place in the outbox of /top-1/mid-3/low-4',
      ],
    ]);
    await time().advance(100);
    expect(words).toContain('stopped: cancelled in 50 ms');
  });

  test('and a send up in the exit of what it stops', async () => {
    const top = worker('top');
    const records: LifecycleRecord[] = [];
    const root = await grow(top, { onRecord: (record) => records.push(record) });
    const child = await top.add(worker('low', { exit: (_me, turn) => floodUp(turn) }));
    void root.send((turn: Turn<unknown>) => stopped(child, turn));
    await settleAtOnce();
    expect(heldUp(records)).toEqual([
      [
        '/top-1',
        'signalHandler',
        '/top-1: the end of /top-1/low-2',
        '/top-1/low-2: a place in the outbox of /top-1/low-2',
      ],
    ]);
    await time().advance(70);
    expect(words).toEqual(['up TT_CANCELLED', 'stopped: cancelled in 70 ms']);
  });

  test.each<[string, (child: Child<Toy>, root: Child<Toy>) => Child<Toy>]>([
    ['of itself', (child) => child],
    ['of its parent', (_child, root) => root],
  ])('%s from inside is never answered, so it fails', async (_of, target) => {
    const { root, child, records } = await pair();
    void child.send((turn: Turn<unknown>) => tried('stop', target(child, root).stop({ scope: turn })));
    await settleAtOnce();
    expect(words).toEqual(['stop TT_DEADLOCK']);
    expect(chain().length).toBe(1);
    expect(heldUp(records)).toEqual([]);
    // The stop goes on.
    expect(target(child, root).outcome?.kind).toBe('stopped');
  });

  test('beside a circle that no stop ends: that is a deadlock when the stop has returned', async () => {
    const { top, root, child, records } = await pair();
    const slow = await top.add(
      new Toy({ signal: (_s, _me, turn) => turn.sleep(1000).catch(() => say('gave way')) }, { name: 'slow' }),
    );
    await slow.send('sleep');
    const busy = (): void => {
      void child.send((turn: Turn<unknown>) => floodUp(turn));
      void child.send(() => {});
    };
    await thenAbove(root, busy, async (turn) => {
      await Promise.all([
        stopped(slow, turn),
        tried(
          'down',
          turn.send(child, () => {}),
        ),
      ]);
    });
    expect([words, heldUp(records)]).toEqual([[], []]);
    await time().advance(50);
    expect(words).toEqual(['gave way', 'stopped: cancelled in 50 ms', 'down TT_DEADLOCK', 'up done']);
    expect(heldUp(records)).toEqual([]);
  });
});
