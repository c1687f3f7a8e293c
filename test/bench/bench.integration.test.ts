// The harness of the benchmarks in its short form, without peers: every program of ours and of the floors runs and counts
// right, figures and tables are written, and what does not deliver is not timed.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ReportingProcess } from '../../examples/tcp-pipeline/demo/child-process.ts';
import { endProcessesAfterEach, root, startProcess, untilSaid } from '../examples/pipeline-process.ts';

endProcessesAfterEach();
const TIMEOUT_MS = 100_000;

const startBench = (...args: readonly string[]): ReportingProcess =>
  startProcess(args, [process.execPath, join(root, 'bench/run.mjs')]);

const startProfile = (...args: readonly string[]): ReportingProcess =>
  startProcess(args, [process.execPath, '--expose-gc', join(root, 'bench/profile.mjs')]);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'taskthread-bench-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('every program runs and counts right', async () => {
  const bench = startBench('--check');
  const { code } = await bench.waitExit(TIMEOUT_MS);
  expect(bench.lines.find((line) => line.endsWith('counted right'))).toMatch(/^(\d+) of \1 programs ran/);
  expect(code).toBe(0);
}, 120_000);

test('measures a part, and writes figures and tables', async () => {
  const bench = startBench('tell', '--no-peers', '--quick', '--rounds', '2', '--out', folder);
  expect((await bench.waitExit(TIMEOUT_MS)).code).toBe(0);
  const name = join(folder, `tell-node${process.versions.node.split('.')[0]}`);
  const { machine, results } = JSON.parse(readFileSync(`${name}.json`, 'utf8'));
  expect(machine.node).toBe(process.version);
  const summary = { median: expect.any(Number), min: expect.any(Number), max: expect.any(Number) };
  const labels = ['taskthread', 'taskthread, await', 'taskthread, 20 classes', 'taskthread, await, 20 classes'];
  expect(results[0]).toMatchObject({ part: 'tell', workload: 'tell', size: 100_000, base: 'floor' });
  expect(results[0].contenders.map(({ label }: { label: string }) => label)).toEqual([
    ...labels,
    'floor',
    'sync floor',
  ]);
  for (const contender of results[0].contenders) {
    expect(contender).toMatchObject({ perSecond: summary, ratio: summary, cpuRatio: summary });
    expect(contender.delayP99Ms).toBeGreaterThan(0);
  }
  expect(readFileSync(`${name}.md`, 'utf8')).toContain('### Tell: a parent sends to one child, sync handler');
}, 120_000);

test('says how many timers and requests stand behind a latency', async () => {
  const bench = startBench('latency', '--only', 'idle', '--no-peers', '--quick', '--rounds', '1', '--out', folder);
  expect((await bench.waitExit(TIMEOUT_MS)).code).toBe(0);
  const name = join(folder, `latency-node${process.versions.node.split('.')[0]}.json`);
  const { figures } = JSON.parse(readFileSync(name, 'utf8')).results[0].contenders[0];
  expect(figures['timer n'].median).toBeGreaterThan(1);
  expect(figures['HTTP n'].median).toBeGreaterThan(1);
}, 120_000);

const startWrong = (fault: string, ...args: readonly string[]): ReportingProcess => {
  const hook = pathToFileURL(join(root, 'test/bench/delivery-faults.mjs')).href;
  const env = { ...process.env, NODE_OPTIONS: `--import=${hook}?fault=${fault}` };
  return startProcess(args, [process.execPath, join(root, 'bench/run.mjs')], env);
};

const FLOORS = 'floor,sync floor';

test.each([
  { what: 'a repeated one', fault: 'repeat', parts: ['tell', 'up', 'relay', 'fan'], only: FLOORS, programs: 14 },
  { what: 'a repeated one', fault: 'repeat&item=3', parts: ['scale'], only: '10 loops by hand', programs: 1 },
  { what: 'one behind the next', fault: 'late', parts: ['tell', 'up', 'relay'], only: FLOORS, programs: 10 },
  { what: 'one behind the next', fault: 'late&item=3', parts: ['scale'], only: '10 loops by hand', programs: 1 },
  { what: 'one behind the next', fault: 'late', parts: ['fan'], only: 'floor', programs: 1 },
  { what: 'one behind its sender’s next', fault: 'late&behind=1000', parts: ['fan'], only: 'floor', programs: 2 },
  { what: 'all twice', fault: 'send-twice', parts: ['tell', 'up', 'relay', 'fan'], only: 'taskthread', programs: 28 },
  { what: 'all twice', fault: 'send-twice', parts: ['scale'], only: '10 threads', programs: 1 },
])(
  'does not count as right what delivers $what: $parts',
  async ({ fault, parts, only, programs }) => {
    const bench = startWrong(fault, ...parts, '--only', only, '--check');
    expect((await bench.waitExit(TIMEOUT_MS)).code).toBe(1);
    const wrong = bench.lines.filter((line) => /: .*: /.test(line));
    expect(wrong).toEqual(
      Array(programs).fill(expect.stringMatching(/: delivered \d+ of \d+, \d+ of them out of turn$/)),
    );
  },
  120_000,
);

test('does not time what did not deliver right', async () => {
  const bench = startWrong('late', 'tell', '--only', 'floor', '--no-peers', '--quick', '--out', folder);
  expect((await bench.waitExit(TIMEOUT_MS)).code).toBe(1);
  expect(bench.lines.join('\n')).toMatch(/\| not measured: delivered \d+ of \d+, \d+ of them out of turn/);
}, 120_000);

test('says soon how many have arrived when one is lost', async () => {
  const bench = startWrong('lose&item=77', 'tell', '--only', 'floor', '--check');
  const { code } = await bench.waitExit(40_000);
  expect(code).toBe(1);
  expect(bench.lines).toContain(
    'tell: floor: nothing has arrived for 5 s: delivered 499 of 500, 1 of them out of turn',
  );
}, 120_000);

test('profiles a workload: the functions that took most, and what it allocates', async () => {
  const profile = startProfile('ask', '--rounds', '1', '--top', '3', '--out', folder);
  expect((await profile.waitExit(TIMEOUT_MS)).code).toBe(0);
  const text = profile.lines.join('\n');
  expect(text).toMatch(/\| function +\| self time +\| ns each/);
  expect(text).toMatch(/\| allocates +\| bytes each/);
  expect(JSON.parse(readFileSync(join(folder, 'ask-taskthread.cpuprofile'), 'utf8')).nodes.length).toBeGreaterThan(0);
}, 120_000);

test.each([
  { args: ['reschedule'], file: 'reschedule-taskthread' },
  { args: ['tell', '--await', '--20-classes'], file: 'tell-taskthread-await-20-classes' },
  { args: ['scale'], file: 'scale-10-threads' },
])(
  'the profile of $args has a file of its own',
  async ({ args, file }) => {
    const profile = startProfile(...args, '--rounds', '1', '--top', '1', '--out', folder);
    expect((await profile.waitExit(TIMEOUT_MS)).code).toBe(0);
    expect(readdirSync(folder)).toEqual([`${file}.cpuprofile`]);
  },
  120_000,
);

/** The benchmarks, in `folder`. */
function copyOfBench(): string {
  const copy = join(folder, 'bench');
  cpSync(join(root, 'bench'), copy, {
    recursive: true,
    filter: (path) => !/node_modules|results/.test(basename(path)),
  });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  return copy;
}

/** Another checkout, in `folder`. */
function copyOfCheckout(): void {
  copyOfBench();
  cpSync(join(root, 'dist/esm'), join(folder, 'dist/esm'), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
}

const startBuilds = (...args: readonly string[]): ReportingProcess =>
  startProcess(args, [process.execPath, join(root, 'bench/builds.mjs')]);

test('compares this build with another one, and both with the floor', async () => {
  copyOfCheckout();
  const builds = startBuilds(folder, 'relay', '--20-classes', '--quick', '--processes', '1', '--rounds', '1');
  expect((await builds.waitExit(TIMEOUT_MS)).code).toBe(0);
  const text = builds.lines.join('\n');
  const figures = String.raw`\d+ +\| \d+\.\d\d \(\d+\.\d\d to \d+\.\d\d\) +\| \d+\.\d\d +\| \d+\.\d\d +\|`;
  expect(text).toMatch(new RegExp(String.raw`\| relay +\| ${figures}`));
  expect(text).toMatch(new RegExp(String.raw`\| relay, async handlers +\| ${figures}`));
}, 120_000);

/** In the copy of the benchmarks: each of these texts is replaced, and must stand there. */
function change(workloads: string, ...changes: readonly (readonly [string, string])[]): void {
  const file = join(folder, 'bench/workloads', workloads);
  let text = readFileSync(file, 'utf8');
  for (const [from, to] of changes) {
    expect(text).toContain(from);
    text = text.replaceAll(from, to);
  }
  writeFileSync(file, text);
}

const TO_HALF = ['sendToChildren(this.listeners, i)', 'sendToChildren(this.listeners.slice(500), i)'] as const;
const ALL_FROM_HALF = 'n < (this.index % 2 === 0 ? 2 * this.work.size : 0); n += CHILDREN';

test.each([
  {
    what: 'all from every second sender',
    changes: [['n < this.work.size; n += CHILDREN', ALL_FROM_HALF] as const],
    wrong: 'fan-in',
  },
  {
    what: 'all to half of the receivers',
    changes: [TO_HALF, ['i < rounds; i++', 'i < 2 * rounds; i++'] as const],
    wrong: 'fan-out',
  },
])(
  'does not count as right what delivers $what',
  async ({ changes, wrong }) => {
    const copy = copyOfBench();
    symlinkSync(join(root, 'dist'), join(folder, 'dist'));
    change('fan.mjs', ...changes);
    const bench = startProcess(['fan', '--check', '--only', 'taskthread'], [process.execPath, join(copy, 'run.mjs')]);
    expect((await bench.waitExit(TIMEOUT_MS)).code).toBe(1);
    expect(bench.lines.filter((line) => line.includes(' of them out of turn'))).toHaveLength(4);
    expect(
      bench.lines.filter((line) => line.startsWith(`${wrong}: `) && line.includes(' of them out of turn')),
    ).toHaveLength(4);
  },
  120_000,
);

test('does not compare builds of which one delivers wrong, and does not wait for what is lost', async () => {
  copyOfCheckout();
  change('up.mjs', ['this.arrivals.take(signal)', 'if (signal !== 77) this.arrivals.take(signal)']);
  const builds = startBuilds(folder, 'up', '--quick', '--processes', '1', '--rounds', '1');
  expect((await builds.waitExit(TIMEOUT_MS)).code).toBe(1);
  expect(builds.lines).toContain('up: nothing has arrived for 5 s: delivered 99999 of 100000, 1 of them out of turn');
}, 120_000);

test.each([
  { args: ['--help'], code: 0, says: '--processes N' },
  { args: [], code: 2, says: 'OTHER is "", expected another checkout of this repository' },
  { args: [tmpdir(), 'tell'], code: 2, says: `OTHER is "${tmpdir()}", expected another checkout` },
  { args: [root, 'tell'], code: 2, says: `OTHER is "${root}", expected another checkout` },
])('the comparison of builds ends with $code for $args', async ({ args, code, says }) => {
  const builds = startBuilds(...args);
  expect((await builds.waitExit(TIMEOUT_MS)).code).toBe(code);
  expect(builds.lines.join('\n')).toContain(says);
});

test('the profile of a peer installs the peers first', async () => {
  const copy = copyOfBench();
  symlinkSync(join(root, 'dist'), join(folder, 'dist'));
  const queue = 'module.exports = (worker) => ({ push: (n) => worker(n, () => {}) });';
  const npm = `#!/bin/sh\nmkdir -p node_modules/fastq && echo '${queue}' > node_modules/fastq/index.js\n`;
  writeFileSync(join(folder, 'npm'), npm, { mode: 0o755 });
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` };
  const command = [process.execPath, '--expose-gc', join(copy, 'profile.mjs')];
  const profile = startProcess(['tell', '--contender', 'fastq', '--rounds', '1', '--out', folder], command, env);
  await profile.waitExit(TIMEOUT_MS);
  expect(profile.lines.at(-1)).toBe(`written: ${join(folder, 'tell-fastq.cpuprofile')}`);
}, 120_000);

test.each(['SIGINT', 'SIGHUP'] as const)(
  'ends its contenders at %s',
  async (osSignal) => {
    const bench = startBench('tell', '--no-peers', '--out', folder);
    await untilSaid(bench, /warming up taskthread, await/);
    bench.signal(osSignal);
    expect((await bench.waitExit(TIMEOUT_MS)).code).toBe(130);
  },
  120_000,
);

test.each([
  { args: ['--help'], code: 0, says: '--no-peers' },
  { args: ['--list'], code: 0, says: '  tell: taskthread | taskthread, await' },
  { args: ['tel'], code: 2, says: 'part is "tel", expected one of ' },
  { args: ['--rounds', 'few'], code: 2, says: '--rounds is "few", expected a whole number of at least 1' },
  { args: ['--only', 'a,,b'], code: 2, says: '--only is "a,,b", expected names of contenders' },
  { args: ['tell', '--check', '--only', 'taskthread, await'], code: 0, says: '2 of 2 programs ran and counted right' },
  { args: ['tell', '--no-peers', '--out', '/dev/null/x'], code: 2, says: '--out is "/dev/null/x", expected a folder' },
  { args: ['--quik'], code: 2, says: "Unknown option '--quik'" },
])('ends with $code for $args', async ({ args, code, says }) => {
  const bench = startBench(...args);
  expect((await bench.waitExit(TIMEOUT_MS)).code).toBe(code);
  expect(bench.lines.join('\n')).toContain(says);
});

test.each([
  { args: ['--help'], code: 0, says: '--contender' },
  { args: ['tel'], code: 2, says: 'workload is "tel", expected one of ' },
  { args: ['pipeline'], code: 2, says: 'workload is "pipeline", expected one of ' },
  { args: ['tell', '--contender', 'x'], code: 2, says: '--contender is "x", expected one of taskthread, floor' },
])('the profile ends with $code for $args', async ({ args, code, says }) => {
  const profile = startProfile(...args);
  expect((await profile.waitExit(TIMEOUT_MS)).code).toBe(code);
  expect(profile.lines.join('\n')).toContain(says);
});
