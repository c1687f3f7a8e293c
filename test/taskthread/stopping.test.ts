/** Law 10: stop from anywhere, at any moment, as often as one likes. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { AnyChild, Child, Turn } from '../../src/index.ts';
import { start } from '../../src/index.ts';
import { launch } from '../../src/taskthread/start.ts';
import { checkThreads, codeOf, errorOf, forever, Gate, grow, say, settle, Toy, time, words } from './toys.ts';

checkThreads();

const outcomeOf = async (handle: AnyChild) => (await time().run(handle.join())).kind;

describe('stop from inside', () => {
  test('a handler: it runs to its end, says its last words, and the thread has finished', async () => {
    const parent = new Toy({
      childSignal: (signal) => say(`parent got ${String(signal)}`),
      childEnded: () => say('childEnded'),
    });
    await grow(parent);
    const child = await parent.add(
      new Toy({
        signal: (_signal, _me, turn) => {
          turn.stop();
          const sent = turn.sendToParent('last words');
          say('handler ends');
          return sent;
        },
      }),
    );
    void child.send(1);
    expect(await outcomeOf(child)).toBe('finished');
    await settle();
    expect(words).toEqual(['handler ends', 'parent got last words', 'childEnded']);
    expect(child.snapshot().edge.down).toMatchObject({ handled: 1, inFlight: 0 });
  });

  test('a handler that throws afterwards: its error is the outcome', async () => {
    const broken = new Error('after stop');
    const parent = new Toy();
    await grow(parent);
    const child = await parent.add(
      new Toy({
        signal: (_signal, _me, turn) => {
          turn.stop();
          throw broken;
        },
      }),
      { onFailure: 'ignore' },
    );
    void child.send(1);
    expect(await time().run(child.join())).toMatchObject({ kind: 'failed', error: broken });
  });

  test('a handler, by somebody who holds its handle: nothing ends under its feet', async () => {
    let handle: Child<Toy>;
    const parent = new Toy();
    await grow(parent);
    handle = await parent.add(
      new Toy({
        signal: (_signal, me) => {
          void handle.stop({ drainMs: 0 });
          void handle.stop({ drainMs: 0, cancelMs: 0 });
          say(`state ${handle.state}`);
          say(String(me.trySendToParent('x')));
        },
        exit: () => say('exit'),
      }),
    );
    void handle.send(1);
    expect(await outcomeOf(handle)).toBe('cancelled');
    expect(words).toEqual(['state stopping', 'false', 'exit']);
  });

  test('a task: its turn is the last', async () => {
    const root = await grow(
      new Toy({
        enter: (me) =>
          me.tasks.reCreate('worker', (turn) => {
            say('turn');
            turn.reSchedule();
            return turn.stop();
          }),
        exit: () => say('exit'),
      }),
    );
    expect(await outcomeOf(root)).toBe('finished');
    expect(words).toEqual(['turn', 'exit']);
  });

  test('enter: enter goes on to its end, addChild resolves, and then the thread has finished', async () => {
    const parent = new Toy({ childEnded: (_child, outcome) => say(`childEnded ${outcome.kind} ${outcome.verdict}`) });
    await grow(parent);
    const child = await time().run(
      parent.add(
        new Toy({
          enter: async (me, turn) => {
            me.stop();
            await turn.sleep(10);
            say('enter ends');
          },
          exit: () => say('exit'),
        }),
      ),
    );
    expect(await outcomeOf(child)).toBe('finished');
    await settle();
    expect(words).toEqual(['enter ends', 'exit', 'childEnded finished clean']);
  });

  test('exit: means nothing more', async () => {
    let handle: Child<Toy>;
    const root = await grow(
      new Toy({
        exit: async (me, turn) => {
          me.stop();
          void handle.stop({ drainMs: 0 });
          say(`exit ${handle.state}`);
          await turn.sleep(5);
          say('exit ends');
        },
      }),
    );
    handle = root;
    await time().run(root.stop());
    expect(words).toEqual(['exit stopping', 'exit ends']);
  });

  test('the synchronous part of exit, with no time to drain', async () => {
    let handle: Child<Toy>;
    const root = await grow(
      new Toy({
        exit: () => {
          void handle.stop({ drainMs: 0, cancelMs: 0 });
          say(`exit ${handle.state}`);
        },
      }),
    );
    handle = root;
    await time().run(root.stop());
    expect(words).toEqual(['exit stopping']);
  });

  test('a listener of its own life', async () => {
    const toy = new Toy();
    const root = await grow(toy);
    for (const event of ['stopping', 'ended'] as const) {
      toy.events.on(event, () => {
        say(event);
        // Who has ended cannot ask for anything; its handle answers.
        if (event === 'stopping') toy.stop();
        else expect(() => toy.stop()).toThrow('has ended');
        void root.stop({ drainMs: 0, cancelMs: 0 });
      });
    }
    toy.stop();
    expect([words, root.state]).toEqual([['stopping', 'ended'], 'stopped']);
  });

  test('a listener of a dead letter, while the thread is being abandoned', async () => {
    const toy = new Toy({ signal: forever, exit: () => say('exit') });
    const parent = new Toy({ childEnded: () => say('childEnded') });
    await grow(parent);
    const handle = await parent.add(toy, { onFailure: 'ignore' });
    toy.events.on('deadLetter', (signal) => {
      say(`dead ${String(signal)}`);
      void handle.stop({ drainMs: 0, cancelMs: 0 });
    });
    void handle.send('poison');
    await settle();
    await time().run(handle.stop({ drainMs: 0, cancelMs: 0 }));
    await settle();
    expect(words).toEqual(['exit', 'dead poison', 'childEnded']);
  });
});

describe('stop from outside', () => {
  test('before the start: neither enter nor exit is called, start rejects', async () => {
    const toy = new Toy({ enter: () => say('enter'), exit: () => say('exit') });
    const { handle, entered } = launch(toy as never, time().options);
    const report = await handle.stop();
    expect(codeOf(await errorOf(entered))).toBe('TT_CANCELLED');
    expect([words, report.verdict, report.outcome, handle.state]).toEqual([[], 'clean', 'stopped', 'stopped']);
  });

  test('during enter: enter is cancelled, exit runs, addChild rejects', async () => {
    const toy = new Toy({
      enter: async (_me, turn) => {
        await turn.sleep(10_000).catch((error: unknown) => {
          say(String(codeOf(error)));
          throw error;
        });
      },
      exit: () => say('exit'),
    });
    const { handle, entered } = launch(toy as never, time().options);
    await settle();
    const report = await time().run(handle.stop());
    expect(codeOf(await errorOf(entered))).toBe('TT_CANCELLED');
    expect([words, report.verdict, time().now]).toEqual([['TT_CANCELLED', 'exit'], 'cancelled', 1000]);
  });

  test('twice, a hundred times, and after the end: honoured once, each gets the report', async () => {
    const toy = new Toy({ exit: (_me, turn) => turn.sleep(5).then(() => say('exit')) });
    const root = await grow(toy);
    const reports = await time().run(Promise.all(Array.from({ length: 100 }, () => root.stop())));
    reports.push(await root.stop());
    expect([words, reports.length, new Set(reports.map(({ verdict }) => verdict))]).toEqual([
      ['exit'],
      101,
      new Set(['clean']),
    ]);
  });

  test('ends an idle thread in the same step', async () => {
    const root = await grow(new Toy());
    void root.stop();
    expect(root.state).toBe('stopped');
  });

  test('the wait for it can be cancelled, the stop goes on', async () => {
    const parent = new Toy();
    await grow(parent);
    const child = await parent.add(new Toy({ exit: (_me, turn) => turn.sleep(100) }));
    parent.tasks.reCreate('stopper', async (turn) => {
      await turn
        .timeoutAfter(10, (scope) => child.stop({ scope }))
        .catch((error: unknown) => say(String(codeOf(error))));
    });
    await time().advance(50);
    expect([words, child.state]).toEqual([['TT_TIMEOUT'], 'stopping']);
    await time().advance(60);
    expect(child.outcome?.verdict).toBe('clean');
  });

  test('await using stops a root', async () => {
    {
      await using root = await time().run(start(() => new Toy({ exit: () => say('exit') }) as never, time().options));
      say((root as AnyChild).state);
    }
    expect(words).toEqual(['running', 'exit']);
  });

  test('a child that ends by itself while its parent stops is waited for and counted once', async () => {
    const parent = new Toy();
    const root = await grow(parent);
    const kids = [new Toy({ exit: (_me: Toy, turn: Turn<unknown>) => turn.sleep(5) }), new Toy(), new Toy()];
    for (const kid of kids) await parent.add(kid);
    const stopping = root.stop();
    for (const kid of kids) kid.stop();
    expect(await time().run(stopping)).toMatchObject({ verdict: 'clean', threads: 4 });
  });

  test('a child that ends while it is being added leaves nothing', async () => {
    const parent = new Toy();
    await grow(parent);
    const gate = new Gate();
    const adding = parent.add(new Toy({ enter: () => gate.passed }));
    await settle();
    const child = parent.children[0];
    const stopping = child?.stop();
    gate.open();
    expect(codeOf(await errorOf(adding))).toBe('TT_CANCELLED');
    await time().run(stopping as Promise<unknown>);
    expect(parent.children).toEqual([]);
  });

  test('100,000 rounds of adding, sending and stopping do not grow the heap', async () => {
    const parent = new Toy();
    await grow(parent);
    const script = { signal: () => {} };
    const heapAfter = async (rounds: number): Promise<number> => {
      for (let i = 0; i < rounds; i++) {
        const child = await parent.add(new Toy(script));
        void child.send(i);
        await child.stop();
      }
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const early = await heapAfter(10_000);
    const late = await heapAfter(90_000);
    expect(parent.children).toEqual([]);
    // Ten bytes kept of each round would be 900 kB.
    expect((late - early) / 1024).toBeLessThan(800);
  });
});

const collectGarbage = (() => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();
