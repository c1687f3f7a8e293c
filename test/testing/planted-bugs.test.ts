/**
 * Small programs, each with one real fault of concurrency: every strategy finds it within a thousand seeds, its shrunk schedule is
 * short, and replays it as often as one likes. The table of seeds is in docs/testing.md, from `SEEDS=1 npx jest planted-bugs`.
 */
import { explore, leakCheck, SimulationFailedError, simulate } from '../../src/testing/index.ts';
import { plantedBugs } from './planted-bugs/index.ts';

const strategies = ['random', 'priority', 'delay'] as const;
const table = new Map<string, string[]>();

afterAll(() => {
  if (process.env.SEEDS === undefined) return;
  const lines = [...table].map(([name, seeds]) => `| ${name} | ${seeds.join(' | ')} |`);
  process.stdout.write(`${lines.join('\n')}\n`);
});

const mendedOnes = plantedBugs.filter(({ mended }) => mended !== undefined);

test.each(mendedOnes)('$name: no seed finds anything where it is mended', async ({ mended, limits = {} }) => {
  const check = leakCheck();
  await explore({ seeds: 300, ...limits }, mended!);
  check();
});

describe.each(plantedBugs)('$name', ({ name, program, limits = {} }) => {
  test('does not show in the order of arrival', async () => {
    const check = leakCheck();
    await simulate({ strategy: 'in-order', ...limits }, program);
    check();
  });

  test.each(strategies)('is found by the strategy %s, shrunk and replayed', async (strategy) => {
    const check = leakCheck();
    const failure = await explore({ seeds: 1000, strategy, shrinkTries: 400, ...limits }, program).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(SimulationFailedError);
    const { kind, seed, schedule, message } = failure as SimulationFailedError;
    expect(message).toContain('to see it again');
    expect(message.split('\n').length).toBeLessThan(60);
    table.set(name, [...(table.get(name) ?? []), String(seed)]);
    for (let i = 0; i < 100; i++) {
      await expect(simulate({ seed, schedule, ...limits }, program)).rejects.toMatchObject({ kind, schedule });
    }
    check();
  });
});
