// The small examples as a reader runs them, until Ctrl-C or their own end; the first by the command that is documented.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import type { ReportingProcess } from '../../examples/tcp-pipeline/demo/child-process.ts';
import { CERT, KEY } from '../net/certificate.ts';
import { startExample, startExampleAsDocumented } from './example-process.ts';
import { endProcessesAfterEach, RawDevice, until, untilSaid } from './pipeline-process.ts';

endProcessesAfterEach();
/** The compiler looks at the first one. */
const START_MS = 60_000;
const END_MS = 5_000;
const CLEAN = { code: 0, signal: null };

async function untilLines(example: ReportingProcess, count: number): Promise<void> {
  await until(`there are ${count} lines`, () => example.lines.length >= count || example.exit !== undefined, START_MS);
}

async function interrupt(example: ReportingProcess): Promise<void> {
  example.signal('SIGINT');
  expect(await example.waitExit(END_MS)).toEqual(CLEAN);
}

test('hello world greets until Ctrl-C', async () => {
  const example = startExampleAsDocumented('hello-world');
  await untilLines(example, 2);
  await interrupt(example);
  const greetings = example.lines.slice(0, -1);
  expect(new Set(greetings)).toEqual(new Set(['hello world']));
  expect(example.lines.at(-1)).toBe(`goodbye after ${greetings.length} greetings`);
}, 100_000);

const PARENT_END = 'the parent ends last, with 10 squares';

test('parent and child ends by itself, children first', async () => {
  const example = startExample('parent-and-child');
  expect(await example.waitExit(START_MS)).toEqual(CLEAN);
  const rounds = [1, 2, 3, 4, 5].flatMap((n) => [
    `/ParentThread-1/Anna-2: ${n} * ${n} = ${n * n}`,
    `/ParentThread-1/Bert-3: ${n} * ${n} = ${n * n}`,
  ]);
  const ends = ['/ParentThread-1/Bert-3 has ended: stopped', '/ParentThread-1/Anna-2 has ended: stopped', PARENT_END];
  expect(example.lines).toEqual([...rounds, ...ends]);
}, 100_000);

test('parent and child ends on Ctrl-C in the same order', async () => {
  const example = startExample('parent-and-child');
  await untilLines(example, 2);
  await interrupt(example);
  expect(example.lines.slice(-3)).toEqual([
    '/ParentThread-1/Bert-3 has ended: stopped',
    '/ParentThread-1/Anna-2 has ended: stopped',
    expect.stringMatching(/^the parent ends last, with \d+ squares$/),
  ]);
}, 100_000);

test('the simple TCP server greets, sends back, and closes what is open on Ctrl-C', async () => {
  const example = startExample('simple-tcp-server', '0');
  await untilLines(example, 1);
  const port = Number(/^listening on port (\d+)$/.exec(example.lines[0] ?? '')?.[1]);

  const first = await RawDevice.connect(port);
  await first.send('ping');
  await until('the echo is here', () => first.received.toString() === 'hello!\nping');
  await first.end();
  await untilSaid(example, 'ended, 4 bytes');

  const second = await RawDevice.connect(port);
  await until('the second one is greeted', () => second.received.toString() === 'hello!\n');
  await interrupt(example);
  await second.closed;
  expect(example.lines.at(-1)).toBe('the port is closed');
}, 100_000);

test('the echo server sends lines back, each connection for itself, and ends them all on Ctrl-C', async () => {
  const example = startExample('echo-server', '0');
  await untilLines(example, 1);
  const port = Number(/^listening on port (\d+)$/.exec(example.lines[0] ?? '')?.[1]);
  const [first, second] = [await RawDevice.connect(port), await RawDevice.connect(port)];
  await first.send('one\ntwo');
  await second.send('other\n');
  await until('the whole lines are back', () => first.received.length === 4 && second.received.length === 6);
  await first.end();
  await first.closed;
  expect([first.received.toString(), second.received.toString()]).toEqual(['one\ntwo', 'other\n']);
  await untilSaid(example, '7 bytes came, 7 went back');
  await interrupt(example);
  await second.closed;
  expect(example.lines.at(-1)).toMatch(/: 6 bytes came, 6 went back$/);
}, 100_000);

test('the echo server does the same secured, given a certificate and its key', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'echo-'));
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  writeFileSync(certFile, CERT);
  writeFileSync(keyFile, KEY);
  const example = startExample('echo-server', '0', certFile, keyFile);
  await untilLines(example, 1);
  const port = Number(/^listening on port (\d+)$/.exec(example.lines[0] ?? '')?.[1]);
  const node = connectTls({ host: '127.0.0.1', port, ca: CERT });
  node.write('secret\n');
  const back = await new Promise((resolve) => node.once('data', (bytes: Buffer) => resolve(bytes.toString())));
  expect(back).toBe('secret\n');
  await untilSaid(example, 'connected with TLSv1.3');
  await interrupt(example);
  node.destroy();
  rmSync(folder, { recursive: true });
}, 100_000);
