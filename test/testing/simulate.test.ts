/** A simulated run: the same again for a seed, another one for another, and the faults that it can be asked for (law 20). */
import { type Child, start } from '../../src/index.ts';
import { explore, type SimulatedProgram, type StrategyKind, simulate } from '../../src/testing/index.ts';
import { fiveTasks } from './five-tasks.ts';
import { asRoot, checkLeaksAfterEach, Toy, traceOf } from './simulated.ts';

checkLeaksAfterEach();

describe('five tasks with fifty checkpoints each', () => {
  test('ten runs of a seed give one trace', async () => {
    const traces = new Set<string>();
    for (let i = 0; i < 10; i++) traces.add(await traceOf({ seed: 7 }));
    expect(traces.size).toBe(1);
  });

  test('two hundred seeds give two hundred traces', async () => {
    const traces = new Set<string>();
    for (let seed = 0; seed < 200; seed++) traces.add(await traceOf({ seed }));
    expect(traces.size).toBe(200);
  });

  test.each<StrategyKind>(['in-order', 'random', 'priority', 'delay'])(
    'the schedule of a run with the strategy %s replays it to the letter',
    async (strategy) => {
      const run = await simulate({ seed: 3, strategy }, fiveTasks);
      const replayed = await simulate({ seed: 3, schedule: run.schedule }, fiveTasks);
      expect(replayed.trace).toEqual(run.trace);
      expect(run.schedule === '').toBe(strategy === 'in-order');
    },
  );
});

describe('what is chosen', () => {
  /** All that several seeds say, each in one line. */
  async function linesOf(program: SimulatedProgram, seeds = 60): Promise<Set<string>> {
    const lines = new Set<string>();
    for (let seed = 0; seed < seeds; seed++) lines.add((await simulate({ seed }, program)).words.join(' '));
    return lines;
  }

  test('which of two children has its signal handled first', async () => {
    const lines = await linesOf(async (sim) => {
      const children = [new Toy(), new Toy()];
      const root = new Toy();
      for (const [i, child] of children.entries()) child.onSignal = () => sim.say(`child ${i}`);
      root.onEnter = async (me, turn) => {
        const handles = [await me.add(children[0]!), await me.add(children[1]!)];
        for (const handle of handles) await turn.send(handle, 'go');
      };
      await sim.start(asRoot(root));
      await sim.sleep(1);
    });
    expect([...lines].toSorted()).toEqual(['child 0 child 1', 'child 1 child 0']);
  });

  test('which of the timers of one moment is first', async () => {
    const lines = await linesOf(async (sim) => {
      const wait = async (word: string): Promise<void> => {
        await sim.sleep(10);
        sim.say(word);
      };
      await Promise.all([wait('a'), wait('b')]);
    });
    expect([...lines].toSorted()).toEqual(['a b', 'b a']);
  });

  test('who of those that wait for an end goes on first', async () => {
    const lines = await linesOf(async (sim) => {
      const root = await sim.start(asRoot(new Toy()));
      const wait = async (word: string): Promise<void> => {
        await root.join();
        sim.say(word);
      };
      await Promise.all([wait('a'), wait('b'), root.stop()]);
    });
    expect([...lines].toSorted()).toEqual(['a b', 'b a']);
  });

  test('whether a send that has room lets others go first', async () => {
    const lines = await linesOf(async (sim) => {
      const root = new Toy();
      root.onEnter = async (me) => {
        const child = await me.add(new Toy());
        me.task('a', async (turn) => {
          await turn.send(child, 'a');
          sim.say('a');
        });
        me.task('b', () => sim.say('b'));
      };
      await sim.start(asRoot(root));
      await sim.sleep(1);
    });
    expect([...lines].toSorted()).toEqual(['a b', 'b a']);
  });

  test('random numbers come from the seed', async () => {
    const numbers = async (seed: number): Promise<string> =>
      (await simulate({ seed }, (sim) => sim.say(`${sim.random()} ${sim.options.random()}`))).words.join();
    expect(await numbers(1)).toBe(await numbers(1));
    expect(await numbers(1)).not.toBe(await numbers(2));
  });

  test('a day passes at once, and only when nothing can run', async () => {
    const { words } = await simulate({}, async (sim) => {
      const before = sim.now;
      const root = new Toy();
      root.onEnter = (me) =>
        me.task('work', async (turn) => {
          for (let i = 0; i < 100; i++) await turn.sleep(0);
          sim.say(`worked for ${sim.now - before} ms`);
        });
      await sim.start(asRoot(root));
      await sim.sleep(24 * 3600 * 1000);
      sim.say(`${sim.now - before} ms`);
    });
    expect(words).toEqual(['worked for 0 ms', '86400000 ms']);
  });

  test('the root may be started by the program itself, and what is left is stopped', async () => {
    const root = asRoot(new Toy()) as Toy;
    const { trace } = await simulate({}, async (sim) => {
      await start(asRoot(root), sim.options);
    });
    expect(trace).toContain('/Toy-1 enter');
    expect(root.path).toBe('/Toy-1');
  });
});

describe('a trace', () => {
  test('names who has set a timer, however many it has set before', async () => {
    const { trace } = await simulate({}, async (sim) => {
      await sim.sleep(1);
      await sim.sleep(1);
      await sim.checkpoint();
    });
    expect(trace).toEqual([
      'the program',
      'the time is 1001 ms',
      'a timer of the program',
      'the time is 1002 ms',
      'a timer of the program',
      'the program goes on',
    ]);
  });

  test('has no step of a thread that has nothing to do', async () => {
    const { trace } = await simulate({ strategy: 'in-order' }, async (sim) => {
      const root = new Toy();
      root.onSignal = async (_word, turn) => {
        await turn.sleep(1);
      };
      const handle = await sim.start(asRoot(root));
      void handle.send('work' as never);
      await sim.sleep(2);
    });
    expect(trace).toContain('/Toy-1 signalHandler goes on after sleep of 1 ms');
    expect(trace.filter((line) => line.includes('nothing to do') || line.includes('has ended'))).toEqual([]);
  });
});

describe('a fault', () => {
  const pingPong: SimulatedProgram = async (sim) => {
    const root = new Toy();
    const child = new Toy();
    child.onSignal = async (word, turn) => {
      await turn.sleep(1);
      sim.say(`${word} at ${sim.now}`);
    };
    let handle!: Child<Toy>;
    root.onEnter = async (me) => {
      handle = await me.add(child);
    };
    await sim.start(asRoot(root));
    for (const word of ['a', 'b']) if (handle.state === 'running') void root.tell(handle, word)?.catch(() => {});
    await sim.sleep(100);
    sim.say(`${handle.outcome?.kind ?? handle.state}`);
  };

  test('none is injected unless it is asked for', async () => {
    for (let seed = 0; seed < 20; seed++) {
      expect((await simulate({ seed }, pingPong)).words).toEqual(['a at 1001', 'b at 1002', 'running']);
    }
  });

  test('crash: a thread fails instead of its next step, and what that causes is no failure of the run', async () => {
    const { words, trace } = await simulate({ faults: { crash: 1 } }, pingPong);
    expect(words).toEqual(['failed']);
    expect(trace.join('\n')).toContain('fault: /Toy-1/Toy-2 crashes before signalHandler');
  });

  test('crash: also a thread whose hook waits, and what it has in hand is lost by name', async () => {
    let handling = false;
    const lost: string[] = [];
    const faults = { crash: 1, only: (path: string) => handling && path === '/Toy-1/Toy-2' };
    const { trace, words } = await simulate({ faults }, async (sim) => {
      const root = new Toy();
      const child = new Toy();
      child.onSignal = async (word, turn) => {
        handling = true;
        await turn.sleep(1);
        await turn.sendToParent(word);
      };
      let handle!: Child<Toy>;
      root.onEnter = async (me) => {
        handle = await me.add(child);
      };
      await sim.start(asRoot(root), {
        onRecord: (record) => {
          if (record.kind === 'dead-letter') lost.push(`${String(record.signal)}: ${record.reason}`);
        },
      });
      await root.tell(handle, 'a');
      await sim.sleep(10);
      sim.say(`${handle.outcome?.kind ?? handle.state}`);
    });
    expect(trace).toContain('fault: /Toy-1/Toy-2 crashes before signalHandler goes on after sleep of 1 ms');
    expect(words).toEqual(['failed']);
    expect(lost).toEqual(['a: its handler failed or was cancelled']);
  });

  test('crash: also a thread of which nothing but tasks ever runs', async () => {
    const { trace, words } = await simulate({ faults: { crash: 0.1 } }, async (sim) => {
      const root = new Toy();
      const child = new Toy();
      child.onEnter = (me) => me.task('tick', (turn) => turn.reSchedule({ afterMs: 1 }));
      let handle!: Child<Toy>;
      root.onEnter = async (me) => {
        handle = await me.add(child);
      };
      await sim.start(asRoot(root));
      await sim.sleep(100);
      sim.say(`${handle.outcome?.kind ?? handle.state}`);
    });
    expect(trace).toContain('fault: /Toy-1/Toy-2 crashes before task tick turn');
    expect(words).toEqual(['failed']);
  });

  test('one that was not asked for is not tried by an exhaustive search either', async () => {
    const handled = new Set<string>();
    await explore({ strategy: 'exhaustive', seeds: 200, faults: { late: 0.1 } }, async (sim) => {
      await pingPong(sim);
      handled.add(sim.words.find((word) => word.startsWith('a at')) ?? 'never');
    });
    expect([...handled].toSorted()).toEqual(['a at 1001', 'a at 1011']);
  });

  test('delay: a signal is handled later', async () => {
    const { words } = await simulate({ faults: { delay: 1, delayMs: 7 } }, pingPong);
    expect(words[0]).toBe('a at 1008');
  });

  test('late: a hook goes on later', async () => {
    const { words } = await simulate({ faults: { late: 1, delayMs: 5 } }, pingPong);
    expect(words[0]).toBe('a at 1006');
  });

  test('hang: a hook never goes on, and is given up by name at the end', async () => {
    const { words, trace } = await simulate({ faults: { hang: 1 } }, pingPong);
    expect(words).toEqual(['running']);
    expect(trace.some((line) => line.startsWith('fault: /Toy-1/Toy-2 signalHandler hangs'))).toBe(true);
  });

  test('only those are hit that may be', async () => {
    const { words } = await simulate({ faults: { crash: 1, only: (path) => path.includes('Other') } }, pingPong);
    expect(words).toEqual(['a at 1001', 'b at 1002', 'running']);
  });

  test('is in the schedule, and replayed', async () => {
    const faults = { crash: 0.05, late: 0.1, delay: 0.1 };
    for (let seed = 0; seed < 20; seed++) {
      const run = await simulate({ seed, faults }, pingPong);
      const again = await simulate({ seed, schedule: run.schedule, faults: { ...faults } }, pingPong);
      expect(again.trace).toEqual(run.trace);
    }
  });
});
