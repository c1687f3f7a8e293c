/**
 * The core's own exploring tests: a short one here; `npm run explore -- --minutes 10` goes on for longer, from other seeds.
 * `SEEDS=1000 npx jest test/explore` runs more of them.
 */
import { explore, leakCheck } from '../../src/testing/index.ts';
import { everyProgram } from './every-program.ts';

const seeds = Number(process.env.SEEDS ?? 80);

test.each(everyProgram)(
  'no schedule of “$name” breaks a law',
  async ({ run, limits = {} }) => {
    const check = leakCheck();
    const explored = await explore({ seeds, ...limits }, run);
    expect(explored.schedules).toBeGreaterThan(seeds / 2);
    check();
  },
  30_000 + seeds * 100,
);
