/** Faults of threads that a simulation injects on request. Those of links are in `links.test`. */
import type { Child } from '../../src/index.ts';
import { explore, leakCheck, type SimulatedProgram, simulate } from '../../src/testing/index.ts';
import { asRoot, Toy } from './toy.ts';

let checkLeaks: () => void;

beforeEach(() => {
  checkLeaks = leakCheck();
});

afterEach(() => checkLeaks());

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
