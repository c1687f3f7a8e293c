/** What a simulated run fails with, and what is no failure of it. */
import { live } from '../../src/kernel/probe.ts';
import { type SimulatedProgram, type SimulateOptions, simulate } from '../../src/testing/index.ts';
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

  test('when something is left alive', async () => {
    const failure = await failureOf(() => {
      live.sockets++;
    });
    expect(failure.kind).toBe('left alive');
    expect(failure.message).toContain('1 socket');
  });

  test.each<[string, object, string]>([
    ['a seed that is no number', { seed: -1 }, 'options.seed'],
    ['an unknown strategy', { strategy: 'best' }, 'options.strategy'],
    ['a broken schedule', { schedule: '4-5' }, 'options.schedule'],
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
