// The three framings on real sockets, with the greeting of each, and real syslog senders where they are installed.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PipelineRig } from '../../examples/tcp-pipeline/demo/rig.ts';
import { bytesOf, rowsOf } from '../../examples/tcp-pipeline/demo/stored.ts';
import {
  beyondReference,
  endProcessesAfterEach,
  prefixed,
  RawDevice,
  startProcess,
  startRig,
  totalsOf,
  until,
  untilSaid,
} from './pipeline-process.ts';

endProcessesAfterEach();

async function storedTexts(rig: PipelineRig): Promise<string[]> {
  const texts: string[] = [];
  for await (const row of rowsOf(rig.databaseFile)) texts.push(bytesOf(row).toString());
  return texts;
}

const isInstalled = (program: string, word: string): boolean => {
  const { stdout, stderr } = spawnSync(program, ['--help', '-h'], { encoding: 'utf8' });
  return `${stdout}${stderr}`.includes(word);
};
const withLogger = isInstalled('logger', '--octet-count') ? beyondReference : test.skip;
const withRsyslog = spawnSync('rsyslogd', ['-v']).status === 0 ? beyondReference : test.skip;

beyondReference('cuts lines at LF and CRLF and delivers a last line without LF, counted', async () => {
  const rig = await startRig({ options: ['--framing', 'lines'] });
  const device = await RawDevice.connect(rig.port);
  await device.send('first\nsecond\r\n\nthi');
  await device.send('rd\nlast');
  await device.end();
  const stopped = await rig.stop(10_000);
  expect(stopped.exit.code).toBe(0);
  expect(await storedTexts(rig)).toEqual(['first', 'second', '', 'third', 'last']);
  expect(totalsOf(stopped)).toMatchObject({ accepted: 5, stored: 5, partialFrames: 0 });
  expect(device.received).toHaveLength(0); // no greeting here
});

beyondReference.each([
  { framing: 'lines', how: 'a stop', options: [] },
  { framing: 'syslog', how: 'a stop', options: [] },
  { framing: 'lines', how: 'a reset', options: [] },
  { framing: 'syslog', how: 'a reset', options: [] },
  { framing: 'lines', how: 'the idle limit', options: ['--idle-timeout', '200ms'] },
])('tells of a line of $framing that $how has cut, and does not store it', async ({ framing, how, options }) => {
  const rig = await startRig({ options: ['--framing', framing, ...options] });
  const device = await RawDevice.connect(rig.port);
  const { address } = device;
  await device.send('whole\nhalf');
  await until('the frame is stored', async () => (await storedTexts(rig)).length === 1);
  if (how === 'a reset') device.socket.resetAndDestroy();
  if (how === 'the idle limit') await device.closed;
  if (how !== 'a stop') await untilSaid(rig.pipeline, 'partial-frame', address);
  const stopped = await rig.stop(10_000);
  expect(stopped.exit.code).toBe(0);
  await untilSaid(rig.pipeline, 'partial-frame', address, '4 bytes');
  expect(await storedTexts(rig)).toEqual(['whole']);
  expect(totalsOf(stopped)).toMatchObject({ accepted: 1, stored: 1, partialFrames: 1 });
});

beyondReference('tells the two framings of syslog apart per message', async () => {
  const rig = await startRig({ options: ['--framing', 'syslog'] });
  const device = await RawDevice.connect(rig.port);
  const counted = '<13>counted\nwith a line break';
  await device.send(`${counted.length} ${counted}<14>by line\n${counted.length} ${counted}`);
  await device.end();
  const stopped = await rig.stop(10_000);
  expect(stopped.exit.code).toBe(0);
  expect(await storedTexts(rig)).toEqual([counted, '<14>by line', counted]);
  expect(totalsOf(stopped)).toMatchObject({ accepted: 3, partialFrames: 0, oversized: 0 });
});

withLogger.each([
  { how: 'octet-counted', options: ['--octet-count'] },
  { how: 'LF-framed', options: [] },
])('takes $how messages of util-linux logger', async ({ options }) => {
  const rig = await startRig({ options: ['--framing', 'syslog'] });
  const words = ['a first message', 'a second one', `a long one ${'x'.repeat(700)}`];
  for (const word of words) {
    const target = ['--tcp', '--server', '127.0.0.1', '--port', `${rig.port}`, '--size', '2048'];
    const logger = startProcess([...target, ...options, '--tag', 'demo', '--', word], ['logger']);
    expect((await logger.waitExit(10_000)).code).toBe(0);
  }
  await until('the messages are stored', async () => (await storedTexts(rig)).length === words.length);
  const texts = await storedTexts(rig);
  for (const [index, text] of texts.entries()) {
    expect(text).toMatch(/^<13>1 /); // user.notice, RFC 5424
    expect(text.endsWith(words[index]!)).toBe(true);
  }
  expect((await rig.stop(10_000)).exit.code).toBe(0);
});

withRsyslog(
  'takes octet-counted messages of rsyslog, line breaks included',
  async () => {
    const rig = await startRig({ options: ['--framing', 'syslog'] });
    const input = join(rig.folder, 'input.log');
    writeFileSync(input, Array.from({ length: 200 }, (_, i) => `message ${i + 1}\n`).join(''));
    const config = join(rig.folder, 'rsyslog.conf');
    writeFileSync(
      config,
      `global(workDirectory="${rig.folder}")
module(load="imfile" mode="polling" pollingInterval="1")
input(type="imfile" file="${input}" tag="demo")
template(name="plain" type="string" string="<%PRI%>1 %MSG%\\nsecond line")
action(type="omfwd" target="127.0.0.1" port="${rig.port}" protocol="tcp" tcp_framing="octet-counted" template="plain")
`,
    );
    startProcess(['-n', '-f', config, '-i', join(rig.folder, 'rsyslog.pid')], ['rsyslogd']);
    await until('the messages are stored', async () => (await storedTexts(rig)).length >= 200, 20_000);
    const texts = await storedTexts(rig);
    expect(texts).toHaveLength(200);
    expect(texts[0]).toMatch(/^<\d+>1 .*message 1\nsecond line$/s);
    expect(texts[199]).toMatch(/^<\d+>1 .*message 200\nsecond line$/s);
    expect((await rig.stop(10_000)).exit.code).toBe(0);
  },
  45_000,
);

beyondReference.each([
  { framing: 'length-prefixed', options: [], greets: true },
  { framing: 'length-prefixed', options: ['--no-greeting'], greets: false },
  { framing: 'lines', options: [], greets: false },
  { framing: 'syslog', options: [], greets: false },
  { framing: 'lines', options: ['--greeting'], greets: true },
])('greets with $framing $options: $greets', async ({ framing, options, greets }) => {
  const rig = await startRig({ destinations: 0, options: ['--framing', framing, ...options] });
  const device = await RawDevice.connect(rig.port);
  if (greets) expect(await device.greeting()).toEqual({ message: 'hello!' });
  await device.send(framing === 'length-prefixed' ? prefixed('hi') : '<13>hi\n');
  await until('the frame is stored', async () => (await storedTexts(rig)).length === 1);
  await device.end();
  if (!greets) expect(device.received).toHaveLength(0);
});

beyondReference('delivers frames however the bytes are cut', async () => {
  const rig = await startRig();
  const device = await RawDevice.connect(rig.port);
  const payloads = ['', 'a', 'four', 'x'.repeat(300)];
  for (const byte of Buffer.concat(payloads.map(prefixed))) await device.send(Buffer.from([byte]));
  await device.end();
  expect((await rig.stop(10_000)).exit.code).toBe(0);
  expect(await storedTexts(rig)).toEqual(payloads);
});
