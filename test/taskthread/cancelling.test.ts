/** Laws 17 and 18: a cancel is level-triggered, deadlines nest, a shield holds, and what was cancelled did not happen. */
import type { Child, Turn } from '../../src/index.ts';
import {
  checkThreads,
  codeOf,
  errorOf,
  forever,
  Gate,
  grow,
  messageOf,
  say,
  settle,
  Toy,
  time,
  words,
} from './toys.ts';

checkThreads();

const sayCode = (what: string) => (error: unknown) => say(`${what} ${String(codeOf(error))}`);

test('in a cancelled handler every further wait throws, also a send that would have room', async () => {
  const parent = new Toy({ childSignal: (signal) => say(`parent got ${String(signal)}`) });
  await grow(parent);
  const below = new Toy({
    signal: (signal) => say(`child got ${String(signal)}`),
    exit: (_me, turn) => turn.sleep(5),
  });
  const toy = new Toy({
    signal: async (_signal, me, turn) => {
      const child = me.children[0] as Child<Toy>;
      await turn.sleep(10_000).catch(sayCode('sleep'));
      say(`cancelled ${turn.cancelled} ${turn.abortSignal.aborted}`);
      await turn.sendToParent('x')?.catch(sayCode('sendToParent'));
      await turn.send(child, 'x')?.catch(sayCode('send'));
      await turn.ask(child, (reply) => reply).catch(sayCode('ask'));
      await turn.askParent((reply) => reply).catch(sayCode('askParent'));
      await turn.sleep(0).catch(sayCode('sleep 0'));
      await child.join({ scope: turn }).catch(sayCode('join'));
      await me.add(new Toy()).catch(sayCode('addChild'));
      await me.sendToParent('x')?.catch(sayCode('this.sendToParent'));
      await turn.timeoutAfter(5, (t) => t.sleep(1)).catch(sayCode('timeoutAfter'));
      expect(() => turn.checkCancelled()).toThrow('cancelled');
      say(await turn.shield(50, (shielded) => shielded.sleep(3).then(() => `shielded until ${time().now}`)));
    },
  });
  const handle = await parent.add(toy);
  await toy.add(below);
  void handle.send(1);
  await settle();
  await time().run(handle.stop({ drainMs: 10, cancelMs: 100 }));
  const codes = [
    'sendToParent',
    'send',
    'ask',
    'askParent',
    'sleep 0',
    'join',
    'addChild',
    'this.sendToParent',
    'timeoutAfter',
  ];
  expect(words).toEqual([
    'sleep TT_CANCELLED',
    'cancelled true true',
    ...codes.map((what) => `${what} TT_CANCELLED`),
    'shielded until 1013',
  ]);
  expect(handle.outcome).toEqual({ kind: 'cancelled', verdict: 'cancelled' });
});

test('a handler that lets the cancel of its abortSignal out is cancelled, and not failed', async () => {
  const aborted = (turn: Turn<unknown>) =>
    new Promise((_, reject) => {
      turn.abortSignal.addEventListener('abort', () =>
        reject(new DOMException('The operation was aborted', 'AbortError')),
      );
    });
  const toy = new Toy({
    enter: (me) => me.tasks.reCreate('fetch', aborted),
    signal: (_signal, _me, turn) => aborted(turn),
  });
  const root = await grow(toy);
  void root.send(1);
  await settle();
  const report = await time().run(root.stop({ drainMs: 10, cancelMs: 100 }));
  expect([report.outcome, report.failed]).toEqual(['cancelled', []]);
});

test('an error of a cancelled handler that is no cancel is its failure', async () => {
  const toy = new Toy({
    signal: (_s, _me, turn) => turn.sleep(1000).catch(() => Promise.reject(new Error('clean-up'))),
  });
  const root = await grow(toy);
  void root.send(1);
  await settle();
  const report = await time().run(root.stop({ drainMs: 10, cancelMs: 100 }));
  expect([report.outcome, report.verdict, messageOf(report.failed[0]?.error)]).toEqual([
    'failed',
    'cancelled',
    'clean-up',
  ]);
});

describe('deadlines', () => {
  /** Runs work in a task, and says what came of it and when. */
  async function inTask(work: (turn: Turn<unknown>) => Promise<unknown>): Promise<void> {
    const toy = new Toy();
    await grow(toy);
    toy.tasks.reCreate('work', async (turn) => {
      const result = await work(turn).then(String, (error: unknown) => String(codeOf(error)));
      say(`${result} at ${time().now - 1000}`);
    });
    await time().advance(1000);
  }

  test('an inner one that passes is a TimeoutError inside', async () => {
    await inTask((turn) =>
      turn.timeoutAfter(50, (outer) => outer.timeoutAfter(20, (inner) => inner.sleep(500)).catch(codeOf)),
    );
    expect(words).toEqual(['TT_TIMEOUT at 20']);
  });

  test('an outer one that passes first is a CancelledError inside and a TimeoutError outside', async () => {
    await inTask((turn) =>
      turn.timeoutAfter(20, (outer) =>
        outer
          .timeoutAfter(50, (inner) => inner.sleep(500))
          .catch((error: unknown) => {
            say(`inside ${String(codeOf(error))}`);
            throw error;
          }),
      ),
    );
    expect(words).toEqual(['inside TT_CANCELLED', 'TT_TIMEOUT at 20']);
  });

  test('the earliest holds: the scope says so', async () => {
    await inTask((turn) =>
      turn.timeoutAfter(20, (outer) =>
        outer.timeoutAfter(50, (inner) => Promise.resolve(inner.cancelScope.deadline - 1000)),
      ),
    );
    expect(words).toEqual(['20 at 0']);
  });

  test('after its time every wait of the limited turn throws, those of the turn itself go on', async () => {
    await inTask(async (turn) => {
      let limited: Turn<unknown> | undefined;
      await turn
        .timeoutAfter(5, async (t) => {
          limited = t;
          await t.sleep(100);
        })
        .catch(() => {});
      await limited?.sleep(1).catch(sayCode('limited'));
      await turn.sleep(1);
      return 'went on';
    });
    expect(words).toEqual(['limited TT_CANCELLED', 'went on at 6']);
  });

  test('what finishes in time, leaves no timer, and gives its value', async () => {
    await inTask((turn) => turn.timeoutAfter(500, () => 'value'));
    expect([words, time().clock.pendingTimers]).toEqual([['value at 0'], 0]);
  });

  test('an error of the work is the error, also after the time', async () => {
    await inTask((turn) => turn.timeoutAfter(5, (t) => t.sleep(50).catch(() => Promise.reject(new RangeError('own')))));
    expect(words).toEqual(['RangeError: own at 5']);
  });

  test('a shield has its own time, and ends in a TimeoutError', async () => {
    await inTask((turn) => turn.timeoutAfter(10, (t) => t.shield(30, (shielded) => shielded.sleep(500))));
    expect(words).toEqual(['TT_TIMEOUT at 30']);
  });

  test('a node word that aborts by our signal is a TimeoutError too', async () => {
    const node = (signal: AbortSignal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
      });
    await inTask((turn) => turn.timeoutAfter(10, (t) => node(t.abortSignal)));
    expect(words).toEqual(['TT_TIMEOUT at 10']);
  });
});

describe('what was cancelled did not happen', () => {
  test('a cancelled send was not accepted, and the line goes on in order', async () => {
    const gate = new Gate();
    const parent = new Toy();
    await grow(parent);
    const child = await parent.add(
      new Toy({ signal: (signal) => gate.passed.then(() => say(String(signal))) }, { inbox: { capacity: 1 } }),
    );
    parent.tasks.reCreate('sender', async (turn) => {
      await turn.send(child, 'a');
      await turn.sleep(0);
      await turn.send(child, 'b');
      await turn.timeoutAfter(10, (t) => t.send(child, 'cancelled')).catch(sayCode('send'));
      const last = turn.send(child, 'c');
      gate.open();
      await last;
    });
    await time().advance(50);
    expect(words).toEqual(['send TT_TIMEOUT', 'a', 'b', 'c']);
    expect(child.snapshot().edge.down).toMatchObject({ offered: 4, accepted: 3, cancelled: 1, handled: 3 });
  });

  test('a cancelled sleep leaves no timer', async () => {
    const toy = new Toy({ signal: (_s, _me, turn) => turn.sleep(100_000) });
    const root = await grow(toy);
    void root.send(1);
    await settle();
    await time().run(root.stop({ drainMs: 1 }));
    expect(time().clock.pendingTimers).toBe(0);
  });

  test('a cancelled ask may have happened; its late reply is counted', async () => {
    const gate = new Gate();
    const parent = new Toy();
    await grow(parent);
    const child = await parent.add(
      new Toy({
        signal: async (signal) => {
          await gate.passed;
          (signal as { with(answer: string): void }).with('late');
        },
      }),
    );
    parent.tasks.reCreate('asker', async (turn) => {
      await turn.ask(child, (reply) => reply, { timeoutMs: 10 }).catch(sayCode('ask'));
    });
    await time().advance(20);
    gate.open();
    await settle();
    expect(words).toEqual(['ask TT_TIMEOUT']);
    expect(child.snapshot().edge).toMatchObject({ asksWaiting: 0, lateReplies: 1, down: { handled: 1 } });
  });

  test('a task that was deleted while it waited to send sent nothing', async () => {
    const parent = new Toy();
    await grow(parent);
    const child = await parent.add(
      new Toy({ signal: forever }, { inbox: { capacity: 1 }, stop: { drainMs: 0, cancelMs: 0 } }),
    );
    for (const signal of [1, 2]) {
      void child.send(signal);
      await settle();
    }
    parent.tasks.reCreate('sender', (turn) => turn.send(child, 3));
    await settle();
    expect(child.snapshot().edge.down).toMatchObject({ waiting: 1 });
    await parent.tasks.delete('sender');
    expect(child.snapshot().edge.down).toMatchObject({ waiting: 0, cancelled: 1, accepted: 2 });
    expect(await errorOf(undefined)).toBeUndefined();
  });
});
