/** A simulated run: the same again for a seed, another one for another, and what is found to be wrong with it (law 20). */
import { type AnyChild, start } from '../../src/index.ts';
import { live } from '../../src/kernel/probe.ts';
import {
  leakCheck,
  type SimulatedProgram,
  type SimulateOptions,
  SimulationFailedError,
  type StrategyKind,
  simulate,
} from '../../src/testing/index.ts';
import { fiveTasks } from './five-tasks.ts';
import { asRoot, Toy } from './toy.ts';

let checkLeaks: () => void;

beforeEach(() => {
  checkLeaks = leakCheck();
});

afterEach(() => checkLeaks());

async function traceOf(options: SimulateOptions, program = fiveTasks as SimulatedProgram): Promise<string> {
  return (await simulate(options, program)).trace.join('\n');
}

/** What a run that must fail fails with. */
async function failureOf(program: SimulatedProgram, options: SimulateOptions = {}): Promise<SimulationFailedError> {
  const failure = await simulate(options, program).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(SimulationFailedError);
  return failure as SimulationFailedError;
}

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

describe('a run fails', () => {
  test('with what its program throws, and says how to see it again', async () => {
    const failure = await failureOf(() => {
      throw new TypeError('no');
    });
    expect(failure).toMatchObject({ kind: 'the program threw TypeError', seed: 1, schedule: '' });
    expect(failure.cause).toBeInstanceOf(TypeError);
    expect(failure.message).toContain("await simulate({ seed: 1, schedule: '' }, program)");
  });

  test('when it stands still, and names who waits for what', async () => {
    const failure = await failureOf(async (sim) => {
      const root = new Toy();
      const silent = new Toy();
      root.onEnter = async (me, turn) => {
        const child = await me.add(silent);
        await turn.ask(child, () => 'no answer');
      };
      await sim.start(asRoot(root));
    });
    expect(failure.kind).toBe('it stands still');
    expect(failure.message).toContain('/Toy-1 enter: an answer of /Toy-1/Toy-2');
  });

  test('when its program waits for something outside', async () => {
    const failure = await failureOf(() => new Promise(() => {}));
    expect(failure.message).toContain('what the program awaits is outside of the simulation');
  });

  test('when its steps are spent', async () => {
    const failure = await failureOf(
      async (sim) => {
        const root = new Toy();
        root.onEnter = (me) => me.task('spin', (turn) => turn.reSchedule());
        await sim.start(asRoot(root));
        await sim.sleep(1);
      },
      { maxSteps: 500 },
    );
    expect(failure.kind).toBe('the step budget is spent');
    expect(failure.message).toContain('the step budget is spent: 500 steps; nobody waits\n');
  });

  test('when a send does not settle within its steps', async () => {
    const failure = await failureOf(
      async (sim) => {
        const root = new Toy();
        const slow = new Toy();
        slow.onSignal = () => new Promise(() => {});
        root.onEnter = async (me) => {
          const child = await me.add(slow);
          me.task('spin', (turn) => turn.reSchedule());
          for (let i = 0; i < 200; i++) await me.tell(child, 'more');
        };
        await sim.start(asRoot(root));
      },
      { maxSteps: 20_000, settleSteps: 1000 },
    );
    expect(failure.kind).toBe('a send does not settle');
    expect(failure.message).toContain('a place in the inbox of /Toy-1/Toy-2');
  });

  test('when an invariant of the user does not hold after a step', async () => {
    let count = 0;
    let seen = 0;
    const failure = await failureOf(async (sim) => {
      sim.always('small', () => {
        seen = Math.max(seen, count);
        return count < 3;
      });
      for (let i = 0; i < 10; i++) {
        count++;
        await sim.checkpoint();
      }
    });
    expect(failure.kind).toBe('not always: small');
    expect(seen).toBe(3);
  });

  test('when a rejection is not handled', async () => {
    const failure = await failureOf(async (sim) => {
      void Promise.reject(new Error('nobody looks'));
      await sim.checkpoint();
    });
    expect(failure).toMatchObject({ kind: 'an unhandled rejection' });
    expect(failure.message).toContain('nobody looks');
  });

  test('when a root has failed', async () => {
    const failure = await failureOf(async (sim) => {
      const root = new Toy();
      root.onEnter = (me) =>
        me.task('break', () => {
          throw new Error('broken');
        });
      await sim.start(asRoot(root));
      await sim.sleep(1);
    });
    expect(failure.kind).toBe('a root has failed');
    expect(failure.message).toContain('broken');
  });

  test('when a root has failed, although the outcome of another one was asked for', async () => {
    const failure = await failureOf(async (sim) => {
      const good = await sim.start(asRoot(new Toy()));
      const bad = new Toy();
      bad.onSignal = () => {
        throw new Error('broken');
      };
      const handle = await sim.start(asRoot(bad));
      await handle.send('go' as never);
      void good.stop();
      sim.say((await sim.outcomeOf(good)).kind);
    });
    expect(failure.kind).toBe('a root has failed');
  });

  test('when something is left alive', async () => {
    const failure = await failureOf(() => {
      live.sockets++;
    });
    expect(failure.kind).toBe('left alive');
    expect(failure.message).toContain('1 sockets');
  });

  test.each<[string, object, string]>([
    ['a seed that is no number', { seed: -1 }, 'options.seed'],
    ['an unknown strategy', { strategy: 'best' }, 'options.strategy'],
    ['a broken schedule', { schedule: '4-5' }, 'options.schedule'],
    ['a schedule with the ordinary way in it', { schedule: '4:0' }, 'options.schedule'],
    ['all schedules at once', { strategy: 'exhaustive' }, 'stands alone, and is for explore'],
    ['a strategy that is nothing', { strategy: null }, 'options.strategy'],
    ['an unknown field', { seeds: 3 }, 'seeds'],
    ['a fault that is no chance', { faults: { crash: 2 } }, 'options.faults.crash'],
    ['no step at all', { maxSteps: 0 }, 'options.maxSteps'],
    ['a chance above 1', { strategy: { kind: 'random', yields: 7 } }, 'options.strategy.yields'],
    ['half a moment', { strategy: { kind: 'priority', changes: 0.5 } }, 'options.strategy.changes'],
    ['no delay', { strategy: { kind: 'delay', delays: 0 } }, 'options.strategy.delays'],
    ['moments among no decisions', { strategy: { kind: 'delay', within: 0 } }, 'options.strategy.within'],
  ])('with InvalidOptionError for %s', async (_, options, field) => {
    await expect(simulate(options as SimulateOptions, () => {})).rejects.toMatchObject({
      code: 'TT_INVALID_OPTION',
      message: expect.stringContaining(field) as string,
    });
  });

  test('with InvalidOptionError where its program is no function', async () => {
    const nothing = undefined as unknown as SimulatedProgram;
    await expect(simulate({}, nothing)).rejects.toMatchObject({
      code: 'TT_INVALID_OPTION',
      message: expect.stringContaining('program must be a function') as string,
    });
  });

  test.each<[string, SimulatedProgram]>([
    ['ms must be a number of milliseconds', (sim) => sim.sleep(Number.NaN)],
    ['ms must be a number of milliseconds', (sim) => sim.sleep(-1)],
    ['root must be the handle of a root of this simulation', (sim) => sim.outcomeOf({} as AnyChild)],
    ['check must be a function', (sim) => sim.always('nothing', undefined as never)],
  ])('when it is told what means nothing: %s', async (message, program) => {
    const failure = await failureOf(program);
    expect(failure.kind).toBe('the program threw TT_INVALID_OPTION');
    expect(failure.message).toContain(message);
  });

  test('where another one runs already, which goes on unharmed', async () => {
    const first = simulate({}, async (sim) => {
      await expect(simulate({}, () => {})).rejects.toMatchObject({ code: 'TT_SIMULATION_RUNNING' });
      await sim.checkpoint();
      sim.say('on');
    });
    await expect(simulate({}, () => {})).rejects.toMatchObject({ code: 'TT_SIMULATION_RUNNING' });
    expect((await first).words).toEqual(['on']);
    await simulate({}, () => {});
  });
});

describe('a run does not fail', () => {
  test('with a root that never entered: its failure is given to who has started it', async () => {
    const { words } = await simulate({}, async (sim) => {
      const root = new Toy();
      root.onEnter = () => {
        throw new Error('broken');
      };
      await sim.start(asRoot(root)).catch((error: Error) => sim.say(error.message));
    });
    expect(words).toEqual(['broken']);
  });

  test('with the failure of a root whose outcome it has asked for, before or after the end', async () => {
    const { words } = await simulate({}, async (sim) => {
      for (const early of [true, false]) {
        const root = new Toy();
        root.onEnter = (me) =>
          me.task('break', () => {
            throw new Error(`broken ${early ? 'soon' : 'before'}`);
          });
        const handle = await sim.start(asRoot(root));
        if (!early) await sim.sleep(1);
        const { kind, error } = await sim.outcomeOf(handle);
        sim.say(`${kind}: ${(error as Error).message}`);
      }
    });
    expect(words).toEqual(['failed: broken soon', 'failed: broken before']);
  });

  test('unless nobody looks at that failure', async () => {
    const failure = await failureOf(async (sim) => {
      const root = new Toy();
      root.onEnter = () => {
        throw new Error('broken');
      };
      void sim.start(asRoot(root));
      await sim.sleep(1);
    });
    expect(failure.kind).toBe('an unhandled rejection');
  });
});
