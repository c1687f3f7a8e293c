/** Law 8 over random trees that answer signals with signals. What runs and judges them is in `echo-graph`. */
import { leakCheck } from '../../src/testing/index.ts';
import { type Outcome, runEchoGraph, type Shape } from './echo-graph.ts';

// Everything is as it is, senders that fit are let in, too; only that the wait does not fail where the switch is off.
jest.mock('../../src/taskthread/deadlock.ts', () => {
  const walk = jest.requireActual<typeof import('../../src/taskthread/deadlock.ts')>(
    '../../src/taskthread/deadlock.ts',
  );
  const { detection: now } = jest.requireActual<typeof import('./detection-switch.ts')>('./detection-switch.ts');
  const findCircles: typeof walk.findCircles = (party) => {
    const found = walk.findCircles(party);
    if (found === undefined || now.isOn()) return found;
    const deadlock = found.deadlock?.map((wait) => {
      // Its owner is asked about the wait itself: it knows it by identity.
      const blockers = () => wait.blockers();
      return Object.create(wait, { deadlocked: { value: () => {} }, blockers: { value: blockers } }) as typeof wait;
    });
    return { ...found, deadlock };
  };
  return { ...walk, findCircles };
});

const shapes: Shape[] = [
  { depth: 1, width: 1, lives: 4, tasks: false },
  { depth: 1, width: 3, lives: 3, tasks: true },
  { depth: 2, width: 2, lives: 4, tasks: true },
  { depth: 3, width: 2, lives: 3, tasks: false },
];
/** All of them, and each of their reports judged by a run of its own, with `FULL=1`; a part of them otherwise. */
const isFull = process.env['FULL'] === '1';
const GRAPHS = isFull ? 10_000 : 1000;

test('in random echo graphs every circle is reported in the turn in which it closes, nothing else is, and nothing hangs', async () => {
  const wrong: string[] = [];
  const counts = { graphs: 0, withReports: 0, reports: 0, signals: 0 };
  for (let seed = 1; seed <= GRAPHS && wrong.length < 5; seed++) {
    const shape = shapes[seed % shapes.length]!;
    const leaks = leakCheck();
    const outcome = await runEchoGraph(seed, shape);
    leaks();
    for (const fault of faultsOf(outcome)) wrong.push(`seed ${seed}: ${fault}`);
    const { reports } = outcome;
    wrong.push(...(await falseReports(seed, shape, outcome)));
    counts.graphs++;
    counts.reports += reports.length;
    counts.signals += outcome.signals;
    if (reports.length > 0) counts.withReports++;
  }
  if (isFull) process.stdout.write(`${JSON.stringify(counts)}\n`);
  expect(wrong).toEqual([]);
  // A third of the graphs has circles: it is no test of graphs without any.
  expect(counts.withReports).toBeGreaterThan(GRAPHS / 5);
}, 600_000);

test('in trees where everything flows one way, over full lanes, with requests, tasks and slow waits, there is never an alarm', async () => {
  const wrong: string[] = [];
  for (let seed = 1; seed <= GRAPHS / 2 && wrong.length < 5; seed++) {
    const flow = seed % 2 === 0 ? 'up' : 'down';
    const shape = { depth: 1 + (seed % 4), width: 3, lives: 5, tasks: true, flow, asks: true } as const;
    const outcome = await runEchoGraph(seed, shape);
    for (const fault of [...outcome.reports, ...faultsOf(outcome)]) wrong.push(`seed ${seed}: ${fault}`);
  }
  expect(wrong).toEqual([]);
}, 600_000);

test('with requests in both directions nothing is reported that would not have hung, and nothing hangs but where a task could answer', async () => {
  const wrong: string[] = [];
  for (let seed = 1; seed <= GRAPHS / 2 && wrong.length < 5; seed++) {
    const shape = { ...shapes[seed % shapes.length]!, asks: true, tasks: seed % 3 === 0 };
    const outcome = await runEchoGraph(seed, shape);
    if (!shape.tasks) for (const fault of faultsOf(outcome)) wrong.push(`seed ${seed}: ${fault}`);
    wrong.push(...(await falseReports(seed, shape, outcome)));
  }
  expect(wrong).toEqual([]);
}, 600_000);

/** The same program once more for each report, with the wait not failing: it must then be there for ever. */
async function falseReports(seed: number, shape: Shape, { reports }: Outcome): Promise<string[]> {
  const wrong: string[] = [];
  for (const i of toJudge(reports.length)) {
    const unwatched = await runEchoGraph(seed, shape, i);
    if (unwatched.reports[i] !== reports[i]) wrong.push(`seed ${seed}: report ${i} is another`);
    else if (!unwatched.waits.includes(reports[i]!)) wrong.push(`seed ${seed}: false report of ${reports[i]!}`);
  }
  return wrong;
}

function toJudge(reports: number): number[] {
  const all = Array.from({ length: reports }, (_, i) => i);
  return isFull ? all : all.filter((i) => i === 0 || i === reports - 1);
}

function faultsOf({ late, hanging }: Outcome): string[] {
  return [...late.map((name) => `late: ${name}`), ...hanging.map((path) => `hangs: ${path}`)];
}
