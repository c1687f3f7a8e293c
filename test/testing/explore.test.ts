/** Exploring: many seeds or all schedules, what is found made short, told and replayed. */
import { TaskThread, type TaskTurn } from '../../src/index.ts';
import {
  type Explored,
  type ExploreOptions,
  explore,
  leakCheck,
  type SimulatedProgram,
  SimulationFailedError,
  simulate,
} from '../../src/testing/index.ts';
import { exhaust } from '../../src/testing/exhaust.ts';
import { formatSchedule, parseSchedule, type Schedule } from '../../src/testing/schedule.ts';
import { shrinkSchedule } from '../../src/testing/shrink-schedule.ts';
import type { SimulatedRun } from '../../src/testing/simulated-run.ts';

let checkLeaks: () => void;

beforeEach(() => {
  checkLeaks = leakCheck();
});

afterEach(() => checkLeaks());

/** Two tasks that read, wait and write. */
class CounterThread extends TaskThread {
  count = 0;

  protected override enter() {
    for (const name of ['a', 'b']) this.tasks.reCreate(name, this.#add);
  }

  readonly #add = async (turn: TaskTurn) => {
    for (let i = 0; i < 2; i++) {
      await turn.sleep(0);
      const { count } = this;
      await turn.timeoutAfter(5, () => {});
      this.count = count + 1;
    }
  };
}

const lostUpdate: SimulatedProgram = async (sim) => {
  const counter = new CounterThread();
  await sim.start(counter);
  await sim.sleep(1);
  if (counter.count !== 4) throw new Error(`${counter.count} instead of 4`);
};

async function found(options: ExploreOptions, program = lostUpdate): Promise<SimulationFailedError> {
  const failure = await explore(options, program).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(SimulationFailedError);
  return failure as SimulationFailedError;
}

describe('exploring seeds', () => {
  test('tells seed, strategy, steps and the line that replays what it found', async () => {
    const { message, kind, seed, schedule } = await found({ seeds: 500, strategy: 'random' });
    expect(kind).toBe('the program threw Error');
    expect(message).toMatch(/^the program threw Error: 3 instead of 4\n {2}seed \d+, strategy random; run \d+\n/);
    expect(message).toContain('/CounterThread-1 task a turn');
    expect(message).toMatch(/ ► +\d+ {2}\/CounterThread-1 task [ab] turn lets others go first\n/);
    expect(message).toContain(`await simulate({ seed: ${seed}, schedule: '${schedule}' }, program)`);
    await expect(simulate({ seed, schedule }, lostUpdate)).rejects.toMatchObject({ kind, schedule });
  });

  test('makes the schedule short: nothing can be left out of it', async () => {
    const { seed, schedule } = await found({ seeds: 500, strategy: 'random' });
    const deviations = parseSchedule('schedule', schedule);
    expect(deviations.length).toBeLessThanOrEqual(3);
    for (const left of deviations) {
      const shorter = formatSchedule(deviations.filter((deviation) => deviation !== left));
      await simulate({ seed, schedule: shorter }, lostUpdate);
    }
  });

  test('finds nothing where there is nothing, and says how much it has seen', async () => {
    const seen: Explored[] = [];
    const explored = await explore({ seeds: 30, onRun: (progress) => seen.push(progress) }, async (sim) => {
      for (let i = 0; i < 3; i++) await Promise.all([sim.checkpoint(), sim.checkpoint()]);
    });
    expect(explored).toMatchObject({ runs: 30, complete: false });
    expect(seen.length).toBe(30);
    expect(explored.steps).toBeGreaterThan(30 * 6);
  });

  test('ends when it is told to, and when its time is over', async () => {
    const forever: SimulatedProgram = (sim) => sim.checkpoint();
    expect(await explore({ seeds: 1000, onRun: ({ runs }) => runs < 5 }, forever)).toMatchObject({ runs: 5 });
    expect((await explore({ seconds: 0.001 }, forever)).runs).toBeGreaterThan(0);
  });

  test('begins with the order of arrival, so that what always fails has an empty schedule', async () => {
    const { schedule, message } = await found({}, () => {
      throw new Error('always');
    });
    expect(schedule).toBe('');
    expect(message).toContain('in the order of arrival');
  });

  test('spends no more time on making it short than it may, and says so', async () => {
    let runs = 0;
    const counting: SimulatedProgram = async (sim) => {
      runs++;
      await lostUpdate(sim);
    };
    const { message } = await found({ seeds: 500, strategy: 'random', shrinkSeconds: 0 }, counting);
    expect(message).toMatch(
      /was made one of (\d+) and \d+, in 0 tries\n {2}then the time .* was over \(`shrinkSeconds`\)/,
    );
    // The one in order before, and the replay that writes the trace.
    expect(runs).toBe(Number(/; run (\d+)\n/.exec(message)?.[1]) + 2);
    expect((await found({ seeds: 500, strategy: 'random' })).message).not.toContain('shrinkSeconds');
  });

  test('refuses to be told by a promise whether to go on', async () => {
    const options: ExploreOptions = { seeds: 10, onRun: () => Promise.reject(new Error('nobody looks')) };
    await expect(explore(options, () => {})).rejects.toMatchObject({
      code: 'TT_INVALID_OPTION',
      message: expect.stringContaining('options.onRun must be a function that answers at once') as string,
    });
  });

  test('stops all roots of a program that an injected failure has ended', async () => {
    class BrittleThread extends TaskThread {
      protected override async enter() {
        await this.addChild(() => new CounterThread());
      }
    }
    await explore({ seeds: 300, faults: { crash: 0.2 } }, async (sim) => {
      await sim.start(() => new CounterThread());
      await sim.start(() => new BrittleThread());
    });
  });

  test('says when what it found cannot be had again', async () => {
    let runs = 0;
    const { message } = await found({ seeds: 10 }, () => {
      if (++runs === 3) throw new Error('once');
    });
    expect(message).toContain('something that a simulation does not control');
  });

  test.each<[string, object, string]>([
    ['no strategy', { strategy: [] }, 'options.strategy'],
    ['an unknown one among several', { strategy: ['random', 'best'] }, 'options.strategy'],
    ['no seed', { seeds: 0 }, 'options.seeds'],
    ['no time', { seconds: 0 }, 'options.seconds'],
    ['time that is no number', { seconds: '1' }, 'options.seconds'],
    ['time without an end', { seconds: Number.POSITIVE_INFINITY }, 'options.seconds'],
    ['a strategy that is nothing', { strategy: null }, 'options.strategy'],
    ['exhaustive search among others', { strategy: ['random', 'exhaustive'] }, 'stands alone, and is for explore'],
    ['faults that are nothing', { faults: null }, 'options.faults'],
    ['less than no time to make it short', { shrinkSeconds: -1 }, 'options.shrinkSeconds'],
    ['a field that is not known', { seed: 3 }, 'seed'],
    ['a bound that is none', { strategy: { kind: 'exhaustive', preemptions: -1 } }, 'options.strategy.preemptions'],
  ])('refuses %s', async (_, options, field) => {
    await expect(explore(options as ExploreOptions, () => {})).rejects.toMatchObject({
      code: 'TT_INVALID_OPTION',
      message: expect.stringContaining(field) as string,
    });
  });
});

describe('exhaustive search', () => {
  test('finds the shortest schedule first', async () => {
    const { schedule, message } = await found({ strategy: 'exhaustive' });
    expect(parseSchedule('schedule', schedule).length).toBe(1);
    expect(message).toContain('exhaustive, 2 preemptions');
  });

  test('is complete when there is no other schedule up to the bound, and says so', async () => {
    const seen = new Set<string>();
    const program: SimulatedProgram = async (sim) => {
      const word = async (name: string): Promise<void> => {
        await sim.checkpoint();
        sim.say(name);
      };
      await Promise.all([word('a'), word('b'), word('c')]);
      seen.add(sim.words.join(''));
    };
    expect(await explore({ strategy: 'exhaustive' }, program)).toMatchObject({ complete: true });
    expect([...seen].toSorted()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
    seen.clear();
    const bounded = await explore({ strategy: { kind: 'exhaustive', preemptions: 1 } }, program);
    expect([...seen].toSorted()).toEqual(['abc', 'acb', 'bac', 'cab']);
    expect(bounded).toMatchObject({ complete: true, runs: 4 });
    expect(await explore({ strategy: 'exhaustive', seeds: 2 }, program)).toMatchObject({ complete: false, runs: 2 });
  });

  test('tries each schedule once', async () => {
    const tried: string[] = [];
    const run = { failure: undefined, widths: [2, 3] } as unknown as SimulatedRun;
    await exhaust(2, (schedule) => {
      tried.push(formatSchedule(schedule));
      return Promise.resolve({ run, goOn: true });
    });
    expect(tried).toEqual(['', '0:1', '1:1', '1:2', '0:1 1:1', '0:1 1:2']);
  });
});

describe('shrinking', () => {
  /** Fails as long as decisions 3 and 40 deviate, the second one by at least 2. */
  const fails = (schedule: Schedule): boolean =>
    schedule.some(({ decision }) => decision === 3) &&
    schedule.some(({ decision, way }) => decision === 40 && way >= 2);
  const runOf = (schedule: Schedule): SimulatedRun => ({ schedule, steps: 50 }) as unknown as SimulatedRun;
  const long = Array.from({ length: 60 }, (_, decision) => ({ decision, way: 5 }));

  test('leaves out all that is not needed, and lowers what is', async () => {
    const attempt = (schedule: Schedule): Promise<SimulatedRun | undefined> =>
      Promise.resolve(fails(schedule) ? runOf(schedule) : undefined);
    const { schedule, tries } = await shrinkSchedule(
      { schedule: long, run: runOf(long), tries: 0 },
      attempt,
      () => true,
    );
    expect(formatSchedule(schedule)).toBe('3:1 40:2');
    expect(tries).toBeLessThan(200);
  });

  test('stops after its tries', async () => {
    let runs = 0;
    const attempt = (): Promise<undefined> => {
      runs++;
      return Promise.resolve(undefined);
    };
    const { schedule } = await shrinkSchedule(
      { schedule: long, run: runOf(long), tries: 0 },
      attempt,
      (tries) => tries < 7,
    );
    expect([runs, schedule]).toEqual([7, long]);
  });
});

test('a schedule in words is the schedule again', () => {
  expect(parseSchedule('x', '14:1 17:2')).toEqual([
    { decision: 14, way: 1 },
    { decision: 17, way: 2 },
  ]);
  expect(formatSchedule(parseSchedule('x', ' 14:1  17:2 '))).toBe('14:1 17:2');
  expect(parseSchedule('x', '14:crash')).toEqual([{ decision: 14, way: 1, fault: 'crash' }]);
  expect(formatSchedule(parseSchedule('x', '3:2 14:crash'))).toBe('3:2 14:crash');
  expect(parseSchedule('x', '')).toEqual([]);
  expect(() => parseSchedule('x', '14')).toThrow('x must be');
});
