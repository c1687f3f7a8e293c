// The comparison with the reference program, on loads small enough for a test: what it reports, and that it refuses to lie.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ReportingProcess } from '../../examples/tcp-pipeline/demo/child-process.ts';
import { endProcessesAfterEach, pipelineCommand, reference, root, startProcess, until } from './pipeline-process.ts';

endProcessesAfterEach();
const TIMEOUT_MS = 30_000;
const SMALL = ['--rounds', '1', '--small-frames', '2000', '--large-frames', '4', '--timeout-s', '20'];

interface Compared {
  readonly runs: Record<'reference' | 'pipeline', readonly { readonly perSecond: number }[]>;
  readonly ratio: { readonly speed: unknown };
}

const startCompare = (...args: readonly string[]): ReportingProcess =>
  startProcess(args, [process.execPath, join(root, 'bench/pipeline/compare.mjs')]);

test('measures both programs under both loads, and writes the tables down', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'taskthread-compare-'));
  try {
    const markdown = join(folder, 'compare.md');
    const compare = startCompare(...SMALL, '--json', '--markdown', markdown, '--pipeline', pipelineCommand.join(' '));
    expect((await compare.waitExit(TIMEOUT_MS)).code).toBe(0);
    const figures = { median: expect.any(Number), min: expect.any(Number), max: expect.any(Number) };
    const measured = { wallMs: figures, cpuMs: figures, peakMb: figures, perSecond: figures, mbPerSecond: figures };
    const result = {
      reference: expect.objectContaining(measured),
      pipeline: expect.objectContaining(measured),
      ratio: expect.objectContaining({ speed: figures, memory: figures }),
      runs: expect.any(Object),
    };
    expect(compare.reports.at(-1)).toEqual({
      event: 'compared',
      machine: expect.stringContaining(process.version),
      results: [
        { ...result, load: { name: 'small', size: 64, frames: 2000 } },
        { ...result, load: { name: 'large', size: 1 << 20, frames: 4 } },
      ],
    });
    expect(readFileSync(markdown, 'utf8')).toContain('### 4 frames of 1048576 B, 4 connections, 2 destinations');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);

test('ends with 1 when a program does not deliver what was sent', async () => {
  const faults = `${pathToFileURL(join(root, 'test/examples/pipeline-faults.mjs')).href}?fault=corrupt-rows`;
  const lying = `${process.execPath} --import ${faults} ${reference}`;
  const compare = startCompare(...SMALL, '--load', 'small', '--pipeline', lying);
  expect((await compare.waitExit(TIMEOUT_MS)).code).toBe(1);
  expect(compare.lines.join('\n')).toMatch(/database: expected 2000 frames, got .*"corrupt":2/);
}, 60_000);

test.each([
  { limit: ['--min-ratio', '1000'], says: /speed ratio .* is too low/ },
  { limit: ['--max-memory-mb', '1'], says: /peak of \d+ MB/ },
])(
  'ends with 1 when a limit is broken: $limit',
  async ({ limit, says }) => {
    const compare = startCompare(
      ...SMALL,
      '--load',
      'small',
      '--pipeline',
      `${process.execPath} ${reference}`,
      ...limit,
    );
    expect((await compare.waitExit(TIMEOUT_MS)).code).toBe(1);
    expect(compare.lines.join('\n')).toMatch(says);
  },
  60_000,
);

test('takes the ratio of each round, and of these the median', async () => {
  const program = `${process.execPath} ${reference}`;
  const rounds = ['--rounds', '2', '--load', 'small'];
  const compare = startCompare(...SMALL, ...rounds, '--json', '--pipeline', program, '--min-ratio', '1000');
  expect((await compare.waitExit(TIMEOUT_MS)).code).toBe(1);
  const [{ runs, ratio }] = compare.reports.at(-1)!.results as [Compared];
  const speeds = [0, 1].map((round) => runs.pipeline[round]!.perSecond / runs.reference[round]!.perSecond);
  const speed = (speeds[0]! + speeds[1]!) / 2;
  expect(ratio.speed).toEqual({
    median: expect.closeTo(speed, 10),
    min: expect.closeTo(Math.min(...speeds), 10),
    max: expect.closeTo(Math.max(...speeds), 10),
  });
  expect(compare.lines).toContain(`small: speed ratio ${speed.toFixed(2)} is too low`);
}, 60_000);

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'leaves nothing behind at %s, also while it starts',
  async (osSignal) => {
    const folder = mkdtempSync(join(tmpdir(), 'taskthread-compare-'));
    try {
      for (const begun of [/^$/, /small 1 reference/]) {
        const command = [process.execPath, join(root, 'bench/pipeline/compare.mjs')];
        const compare = startProcess([...SMALL, '--rounds', '100', '--load', 'small'], command, {
          ...process.env,
          TMPDIR: folder,
        });
        await until('it has a folder', () => readdirSync(folder).length > 0);
        await until(`it has said ${begun}`, () => begun.test('') || compare.lines.some((line) => begun.test(line)));
        compare.signal(osSignal);
        expect((await compare.waitExit(TIMEOUT_MS)).code).toBe(130);
        expect(readdirSync(folder)).toEqual([]);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  60_000,
);

test.each([
  { args: ['--help'], code: 0, says: '--min-ratio' },
  { args: ['--rounds', 'few'], code: 2, says: '--rounds is "few", expected a whole number of at least 1' },
  { args: ['--rounds', '0'], code: 2, says: '--rounds is "0", expected a whole number of at least 1' },
  { args: ['--min-ratio', 'high'], code: 2, says: '--min-ratio is "high", expected a number from 0 to Infinity' },
  {
    args: ['--timeout-s', 'Infinity'],
    code: 2,
    says: '--timeout-s is "Infinity", expected a number from 0 to 2147483',
  },
  { args: ['--load', 'medium'], code: 2, says: '--load is "medium", expected small, large or both' },
  { args: ['--lod', 'small'], code: 2, says: '--lod' },
])('ends with $code for $args', async ({ args, code, says }) => {
  const compare = startCompare(...args);
  expect((await compare.waitExit(TIMEOUT_MS)).code).toBe(code);
  expect(compare.lines.join('\n')).toContain(says);
});
