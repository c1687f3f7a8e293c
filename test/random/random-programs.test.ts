/**
 * Random programs on the tree. `SEED=123 npx jest test/random` runs one and prints what happened,
 * `FULL=1` runs ten thousand, `FROM=5000 COUNT=20` begins elsewhere and runs fewer, `SURVEY=1` counts all that fail,
 * `KIND='an orphan'` looks for one law only,
 * `SHRINK=0` leaves the program as it is.
 */
import { makeProgram } from './program.ts';
import { runProgram, runSeed } from './run.ts';
import { shrink } from './shrink.ts';

const { SEED, FULL, FROM = '1', COUNT, SURVEY, KIND, SHRINK } = process.env;
const first = Number(SEED ?? FROM);
const count = SEED !== undefined ? 1 : Number(COUNT ?? (FULL === undefined ? 1000 : 10_000));

/** A failing seed in words: what was wrong, the smallest program that shows it, and all that happened in it. */
async function explain(seed: number, kind: string): Promise<string> {
  const small = SHRINK === '0' ? makeProgram(seed) : await shrink(makeProgram(seed), kind);
  const { violations, trace } = await runProgram(small, true);
  const wrong = violations.map((violation) => `  ${violation.kind}: ${violation.text}`);
  return [`SEED=${seed} breaks a law:`, ...wrong, JSON.stringify(small), ...trace].join('\n');
}

test(
  'no random program loses a signal uncounted, leaves an orphan, exits twice, is called after its end or stops for ever',
  async () => {
    const failed = new Map<string, number[]>();
    let threads = 0;
    let signals = 0;
    for (let seed = first; seed < first + count; seed++) {
      const result = await runSeed(seed);
      threads += result.threads;
      signals += result.signals;
      const kinds = new Set(result.violations.map((violation) => violation.kind));
      if (KIND !== undefined && !kinds.has(KIND)) continue;
      for (const kind of kinds) failed.set(kind, [...(failed.get(kind) ?? []), seed]);
      if (kinds.size > 0 && SURVEY === undefined) break;
    }
    const reports: string[] = [];
    for (const [kind, seeds] of failed) {
      reports.push(`${seeds.length} seeds: ${kind} (${seeds.slice(0, 12).join(' ')})`);
      if (SURVEY === undefined) reports.push(await explain(seeds[0]!, KIND ?? kind));
      if (SURVEY === undefined) break;
    }
    if (reports.length > 0) throw new Error(`after ${threads} threads and ${signals} signals\n${reports.join('\n')}`);
    expect(threads).toBeGreaterThan(count);
  },
  30_000 + count * 60,
);
