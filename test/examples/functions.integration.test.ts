// The examples of functions as threads, until their own end or Ctrl-C.
import { startExample } from './example-process.ts';
import { endProcessesAfterEach, RawDevice, until, untilSaid } from './pipeline-process.ts';

endProcessesAfterEach();
const START_MS = 60_000;
const END_MS = 5_000;
const CLEAN = { code: 0, signal: null };

test('producer and consumer: all that was put is taken, in order', async () => {
  const example = startExample('functions/producer-and-consumer');
  expect(await example.waitExit(START_MS)).toEqual(CLEAN);
  const got = example.lines.filter((line) => line.startsWith('got'));
  expect(got).toEqual(Array.from({ length: 10 }, (_, i) => `got ${i + 1}`));
  expect(example.lines.at(-1)).toBe('done');
}, 100_000);

/** Each job up to the last that was done by a worker, but for those that nobody had begun. */
function expectNoJobLost(lines: readonly string[]): void {
  const jobs = lines.flatMap((line) => /^worker \d did job (\d+)$/.exec(line)?.[1] ?? []).map(Number);
  expect(jobs.length).toBeGreaterThan(0);
  expect([...jobs].sort((a, b) => a - b)).toEqual(Array.from({ length: jobs.length }, (_, i) => i + 1));
}

test('worker group: when the time is over no job is half done or lost', async () => {
  const example = startExample('functions/worker-group', '300');
  expect(await example.waitExit(START_MS)).toEqual(CLEAN);
  expect(example.lines.at(-1)).toMatch(/^the time is over: \d+ jobs done, \d+ not begun$/);
  expectNoJobLost(example.lines);
}, 100_000);

test('worker group: Ctrl-C ends it in the same order', async () => {
  const example = startExample('functions/worker-group', '60000');
  await until('some jobs are done', () => example.lines.length >= 4, START_MS);
  example.signal('SIGINT');
  expect(await example.waitExit(END_MS)).toEqual(CLEAN);
  expect(example.lines.at(-1)).toMatch(/^interrupted: \d+ jobs done, \d+ not begun$/);
  expectNoJobLost(example.lines);
}, 100_000);

test('dining philosophers: all have eaten', async () => {
  const example = startExample('functions/dining-philosophers');
  expect(await example.waitExit(START_MS)).toEqual(CLEAN);
  expect(example.lines.length).toBe(6);
  expect(example.lines.at(-1)).toBe('25 meals');
}, 100_000);

test('happy eyeballs: the address that answers is found behind those that do not', async () => {
  const example = startExample('functions/happy-eyeballs');
  expect(await example.waitExit(START_MS)).toEqual(CLEAN);
  expect(example.lines.map((line) => line.split(':')[0])).toContain('127.0.0.2');
  expect(example.lines.at(-1)).toBe('connected to 127.0.0.1');
}, 100_000);

test('echo server: sends back, and closes what is open on Ctrl-C', async () => {
  const example = startExample('functions/echo-server', '0');
  await until('it listens', () => example.lines.length > 0, START_MS);
  const port = Number(/^listening on port (\d+)$/.exec(example.lines[0] ?? '')?.[1]);

  const first = await RawDevice.connect(port);
  await first.send('ping');
  await until('the echo is here', () => first.received.toString() === 'ping');
  await first.end();
  await untilSaid(example, 'ended, 4 bytes');

  const second = await RawDevice.connect(port);
  await second.send('open');
  await until('the echo is here', () => second.received.toString() === 'open');
  example.signal('SIGINT');
  expect(await example.waitExit(END_MS)).toEqual(CLEAN);
  await second.closed;
  expect(example.lines.at(-1)).toBe('all connections are closed');
}, 100_000);
