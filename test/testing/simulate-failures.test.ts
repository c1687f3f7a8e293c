/** What a simulated run fails with, and what is no failure of it. */
import { type AnyChild, start } from '../../src/index.ts';
import { live } from '../../src/kernel/probe.ts';
import { type SimulatedProgram, type SimulateOptions, type Simulation, simulate } from '../../src/testing/index.ts';
import { asRoot, checkLeaksAfterEach, failureOf, Toy } from './simulated.ts';

checkLeaksAfterEach();

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

  test.each([
    ['false', () => Promise.resolve(false)],
    ['a failure', () => Promise.reject(new Error('no'))],
  ])('when the check of an invariant gives a promise, here of %s', async (_, check) => {
    const failure = await failureOf(async (sim) => {
      sim.always('small', check);
      await sim.checkpoint();
    });
    expect(failure.message).toMatch(/^not always: small: its check gave a promise, and must answer at once\n/);
  });

  test('when a root is started outside of it, which then does not begin', async () => {
    let begun = 0;
    const root = new Toy();
    root.onEnter = () => void begun++;
    const failure = await failureOf(async (sim) => {
      await start(asRoot(root)).catch((error: Error) => sim.say(error.message));
      await sim.checkpoint();
    });
    expect(failure.message).toMatch(
      /^a root outside: a root was started outside of the simulation: start it with sim.start or sim.options\n/,
    );
    expect(begun).toBe(0);
    await (await start(asRoot(root))).stop();
    expect(begun).toBe(1);
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
    expect(failure.message).toContain('left alive: 1 socket\n');
    expect(failure.message).not.toContain('left alive: left alive');
  });

  test.each<[string, object, string]>([
    ['a seed that is no number', { seed: -1 }, 'options.seed'],
    ['an unknown strategy', { strategy: 'best' }, 'options.strategy'],
    ['a broken schedule', { schedule: '4-5' }, 'options.schedule'],
    ['a schedule with an unknown fault', { schedule: '4:explode' }, 'options.schedule'],
    [
      'a fault in a schedule without faults',
      { schedule: '4:crash' },
      'without a fault that `faults` does not allow (crash)',
    ],
    ['a fault in a schedule with others', { schedule: '4:crash', faults: { hang: 1 } }, 'does not allow (crash)'],
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

describe('a replay fails', () => {
  const two: SimulatedProgram = async (sim) => {
    await Promise.all([sim.checkpoint(), sim.checkpoint()]);
  };

  test.each([
    ['900:7', 'decision 900 never came'],
    ['0:5', 'it went 0:1 instead of 0:5'],
    ['0:crash', 'crash could not be at decision 0'],
    ['0:1 7:crash', 'crash could not be at decision 7'],
  ])('that does not follow %s', async (schedule, text) => {
    await simulate({ schedule: '0:1' }, two);
    const failure = await failureOf(two, { schedule, faults: { crash: 0.1 } });
    expect(failure.kind).toBe('the schedule was not followed');
    expect(failure.message).toContain(`the schedule was not followed: ${text}\n`);
  });

  test('with what is wrong, where something is, and says that it was not followed', async () => {
    const failure = await failureOf(
      () => {
        throw new TypeError('no');
      },
      { schedule: '900:7' },
    );
    expect(failure.message).toMatch(
      /^the program threw TypeError: no\n {2}the schedule was not followed: decision 900 never came\n/,
    );
  });

  test('unless each fault is where it was, by its name', async () => {
    const hit: SimulatedProgram = async (sim) => {
      const root = new Toy();
      root.onEnter = (me) => me.task('count', (turn) => turn.reSchedule({ afterMs: 1 }));
      await sim.start(asRoot(root));
      await sim.sleep(10);
    };
    const faults = { crash: 0.2, delay: 0.1, only: () => true };
    const { schedule } = await simulate({ seed: 1, faults }, hit);
    expect(schedule).toContain(':crash');
    expect((await simulate({ seed: 1, schedule, faults }, hit)).schedule).toBe(schedule);
  });
});

test.each<[string, (sim: Simulation, root: AnyChild) => Promise<unknown>]>([
  ['start', (sim) => sim.start(asRoot(new Toy()))],
  ['a root with its options', ({ options }) => start(asRoot(new Toy()), options)],
  ['sleep', (sim) => sim.sleep(1)],
  ['checkpoint', (sim) => sim.checkpoint()],
])('%s is refused when the simulation is over', async (_, word) => {
  let kept!: Simulation;
  let root!: AnyChild;
  await simulate({}, async (sim) => {
    kept = sim;
    root = await sim.start(asRoot(new Toy()));
  });
  await expect(word(kept, root)).rejects.toMatchObject({ code: 'TT_SIMULATION_OVER' });
  expect((await kept.outcomeOf(root)).kind).toBe('stopped');
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
