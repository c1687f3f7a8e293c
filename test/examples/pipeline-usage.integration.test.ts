// The command line from outside: help, wrong options, and what cannot be opened; each with its exit code and one clear line.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  beyondReference,
  endProcessesAfterEach,
  pipelineCommand,
  RawDevice,
  startProcess,
  untilSaid,
} from './pipeline-process.ts';

endProcessesAfterEach();
const TIMEOUT_MS = 15_000;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'taskthread-usage-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

beyondReference('prints every option with --help and does nothing else', async () => {
  const pipeline = startProcess(['--help', '--database', join(folder, 'never.sqlite')]);
  expect((await pipeline.waitExit(TIMEOUT_MS)).code).toBe(0);
  const text = pipeline.lines.join('\n');
  const options = [
    'host',
    'port',
    'framing',
    'greeting',
    'no-greeting',
    'max-clients',
    'max-frame-bytes',
    'idle-timeout',
  ];
  const others = ['max-buffered-bytes', 'forward', 'feed-port', 'database', 'json'];
  for (const option of [...options, ...others]) expect(text).toContain(`--${option}`);
  expect(readdirSync(folder)).toEqual([]);
});

beyondReference.each([
  ['--port', '70000', '65535'],
  ['--port', 'abc', '65535'],
  ['--framing', 'xml', 'length-prefixed'],
  ['--max-clients', '0', '1'],
  ['--max-frame-bytes', '-5', 'bytes'],
  ['--idle-timeout', 'soon', 'ms'],
  ['--max-buffered-bytes', 'many', 'bytes'],
  ['--forward', 'http://127.0.0.1/', 'ws://'],
  ['--feed-port', '-1', '65535'],
])('refuses %s %s: names the option, the value and what was expected', async (option, value, expected) => {
  const pipeline = startProcess(['--database', join(folder, 'never.sqlite'), option, value]);
  expect((await pipeline.waitExit(TIMEOUT_MS)).code).toBe(2);
  const line = pipeline.lines.find((said) => said.includes(option));
  expect(line).toContain(value);
  expect(line).toContain(expected);
  expect(existsSync(join(folder, 'never.sqlite'))).toBe(false);
});

beyondReference.each([
  ['--prot', '--port'],
  ['stray', 'stray'],
])('refuses the unknown word %s', async (word, named) => {
  const pipeline = startProcess([word]);
  expect((await pipeline.waitExit(TIMEOUT_MS)).code).toBe(2);
  expect(pipeline.lines.join('\n')).toContain(word);
  expect(pipeline.lines.join('\n')).toContain(named);
});

beyondReference(
  'says at the start that a frame as large as --max-frame-bytes would not fit in the budget',
  async () => {
    const pipeline = startProcess(['--port', '0', '--json', '--database', 'none', '--max-buffered-bytes', '4MiB']);
    await untilSaid(pipeline, '"event":"doubtful"', '"maxFrameBytes":16777216', '"maxBufferedBytes":4194304');
    pipeline.signal('SIGINT');
    expect((await pipeline.waitExit(TIMEOUT_MS)).code).toBe(0);
  },
);

beyondReference('fails with a line that names the file when the database cannot be opened', async () => {
  const file = join(folder, 'no', 'such', 'folder', 'x.sqlite');
  const pipeline = startProcess(['--port', '0', '--json', '--database', file]);
  expect((await pipeline.waitExit(TIMEOUT_MS)).code).toBe(1);
  await untilSaid(pipeline, file);
  expect(pipeline.latest('ready')).toBeUndefined();
});

beyondReference('fails with a line that names the file when the database is no database', async () => {
  const file = join(folder, 'notes.txt');
  writeFileSync(file, 'not a database, but long enough to look at: '.repeat(50));
  const pipeline = startProcess(['--port', '0', '--json', '--database', file]);
  expect((await pipeline.waitExit(TIMEOUT_MS)).code).toBe(1);
  await untilSaid(pipeline, file, /not a database/);
});

beyondReference.each(['--port', '--feed-port'])(
  'fails with a line that names the port when %s is in use',
  async (option) => {
    const occupied = createServer().listen(0, '127.0.0.1');
    await once(occupied, 'listening');
    try {
      const { port } = occupied.address() as AddressInfo;
      const other = option === '--port' ? [] : ['--port', '0'];
      const pipeline = startProcess([...other, option, `${port}`, '--json', '--database', join(folder, 'x.sqlite')]);
      expect((await pipeline.waitExit(TIMEOUT_MS)).code).toBe(1);
      await untilSaid(pipeline, String(port), /in use|EADDRINUSE/);
      expect(pipeline.latest('ready')).toBeUndefined();
    } finally {
      occupied.close();
    }
  },
);

beyondReference('goes on, and stops in order, when nobody reads its lines any more', async () => {
  const child = spawn(
    pipelineCommand[0]!,
    [...pipelineCommand.slice(1), '--json', '--port', '0', '--database', 'none'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { port } = JSON.parse(line.toString()) as { port: number };
  child.stdout.destroy();
  const device = await RawDevice.connect(port);
  await device.send(Buffer.from([0, 0, 0, 9, 1]));
  await device.end(); // a half frame: the pipeline says so, to nobody
  const next = await RawDevice.connect(port);
  await next.greeting();
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
