// Devices that misbehave: each gets a clear line and a number in the totals, and none of them harms another.
import { readdirSync } from 'node:fs';
import type { PipelineRig } from '../../examples/tcp-pipeline/demo/rig.ts';
import { bytesOf, readStored, rowsOf } from '../../examples/tcp-pipeline/demo/stored.ts';
import {
  beyondReference,
  endProcessesAfterEach,
  MEMORY_LIMIT,
  prefixed,
  RawDevice,
  startRig,
  type Totals,
  totalsOf,
  until,
  untilSaid,
} from './pipeline-process.ts';

endProcessesAfterEach();
const MIB = 1 << 20;

/** The payloads in the file, as text, in their order. */
async function storedTexts(rig: PipelineRig): Promise<string[]> {
  const texts: string[] = [];
  for await (const row of rowsOf(rig.databaseFile)) texts.push(bytesOf(row).toString());
  return texts;
}

const openFiles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/**
 * Each reset device sent half a frame last, so it is told of as reset or as cut: where the reset comes together with bytes
 * that were not read yet, libuv gives the bytes and then an ordinary end.
 */
function expectReported(rig: PipelineRig, sent: readonly SentBy[], totals: Partial<Totals>): void {
  if (totals.connections === undefined) return; // the reference program reports nothing
  const { connections, refused, resets = 0, partialFrames = 0 } = totals;
  expect({ connections, refused }).toEqual({ connections: 1001, refused: 0 });
  expect(resets + partialFrames).toBeGreaterThanOrEqual(100);
  expect(Math.max(resets, partialFrames)).toBeLessThanOrEqual(100);
  const said = [...rig.pipeline.lines, ...rig.pipeline.reports.map((report) => JSON.stringify(report))].join('\n');
  const silent = sent.filter(({ ending, localPort }) => ending === 'reset' && !said.includes(`127.0.0.1:${localPort}`));
  expect(silent).toEqual([]);
}

interface SentBy {
  readonly connection: number;
  readonly localPort: number;
  readonly ending: string;
  readonly frames: number;
}

test('survives 1,000 devices at once of which 100 are reset half-way, and lets go of every socket', async () => {
  const rig = await startRig({ destinations: 1 });
  const first = rig.startDevices('--connections', '1', '--frames', '1', '--first', '5000');
  await first.waitExit(10_000); // the file and its WAL are open now
  const baseline = openFiles(rig.pipeline.pid);

  const devices = rig.startDevices('--connections', '1000', '--frames', '20000', '--size', '256', '--reset', '100');
  const finished = await devices.waitReport('finished', 30_000);
  const sent = finished.connections as readonly SentBy[];
  expect(sent.filter(({ ending }) => ending === 'reset')).toHaveLength(100);
  await until('the sockets are closed', () => openFiles(rig.pipeline.pid) <= baseline);

  const stopped = await rig.stop(10_000);
  expect(stopped.exit.code).toBe(0);
  const { accepted, stored, forwarded, ...rest } = totalsOf(stopped);
  const inFile = await readStored(rig.databaseFile);
  expect(inFile.counts).toMatchObject({ messages: accepted, repeats: 0, missing: 0, outOfOrder: 0, corrupt: 0 });
  expect(stored).toBe(accepted);
  expect(forwarded).toEqual({ [rig.destination(0)]: accepted });
  for (const { connection, ending, frames } of sent) {
    const last = inFile.lasts.get(connection) ?? 0;
    if (ending === 'sent') expect([connection, last]).toEqual([connection, frames]);
    else expect(last).toBeLessThanOrEqual(frames);
  }
  expectReported(rig, sent, rest);
  expect(rig.peakMemory).toBeLessThan(MEMORY_LIMIT);
}, 60_000);

test('delivers what an ancestor streaming client sends: three small frames and fifty of 1 MiB, in packets of 1,500 bytes', async () => {
  const payloads = [22, 68, 1024, ...Array.from({ length: 50 }, () => MIB)].map((size) => Buffer.alloc(size));
  const rig = await startRig();
  const client = await RawDevice.connect(rig.port);
  expect(await client.greeting()).toEqual({ message: 'hello!' });
  for (const payload of payloads) {
    const bytes = prefixed(payload);
    for (let at = 0; at < bytes.length; at += 1500) await client.send(bytes.subarray(at, at + 1500));
  }
  await client.end();
  const sizes = async (): Promise<number[]> => {
    const found: number[] = [];
    for await (const row of rowsOf(rig.databaseFile)) found.push(row.payload.byteLength);
    return found;
  };
  await until('all frames are stored', async () => (await sizes()).length === payloads.length, 20_000);
  expect(await sizes()).toEqual(payloads.map(({ length }) => length));
  for await (const row of rowsOf(rig.databaseFile)) expect(bytesOf(row).every((byte) => byte === 0)).toBe(true);
  expect((await rig.stop(10_000)).exit.code).toBe(0);
  expect(await rig.stopCloud(0)).toMatchObject({ messages: payloads.length, bytes: 50 * MIB + 22 + 68 + 1024 });
}, 60_000);

beyondReference('refuses a device over --max-clients with a line, and serves the others', async () => {
  const rig = await startRig({ options: ['--max-clients', '2'] });
  const served = [await RawDevice.connect(rig.port), await RawDevice.connect(rig.port)];
  for (const device of served) await device.greeting();
  const third = await RawDevice.connect(rig.port);
  const { address } = third;
  await third.closed;
  await untilSaid(rig.pipeline, address, /\b2\b/);
  for (const device of served) await device.send(prefixed('still here'));
  for (const device of served) await device.end();

  // There is room again as soon as the pipeline has seen that the others are gone, which is not before they know it themselves.
  let refused = 1;
  let fourth = await RawDevice.connect(rig.port);
  const isAnswered = (): boolean => fourth.received.length > 0 || fourth.socket.destroyed;
  await until('it is greeted or refused', isAnswered);
  for (; fourth.received.length === 0; refused++) {
    fourth = await RawDevice.connect(rig.port);
    await until('it is greeted or refused', isAnswered);
  }
  await fourth.greeting();
  await fourth.send(prefixed('came later'));
  await fourth.end();
  const stopped = await rig.stop(10_000);
  expect(stopped.exit.code).toBe(0);
  expect(await storedTexts(rig)).toEqual(['still here', 'still here', 'came later']);
  expect(totalsOf(stopped)).toMatchObject({ connections: 3, refused, accepted: 3, stored: 3 });
});

beyondReference('names a device that resets its connection, and keeps the whole frames that it had sent', async () => {
  const rig = await startRig();
  const device = await RawDevice.connect(rig.port);
  const { address } = device;
  await device.greeting();
  await device.send(Buffer.concat([prefixed('whole'), prefixed('cut off').subarray(0, 7)]));
  await until('the whole frame is stored', async () => (await storedTexts(rig)).length === 1);
  device.socket.resetAndDestroy();
  await untilSaid(rig.pipeline, address, /reset/i);
  const stopped = await rig.stop(10_000);
  expect(stopped.exit.code).toBe(0);
  expect(await storedTexts(rig)).toEqual(['whole']);
  expect(totalsOf(stopped)).toMatchObject({ accepted: 1, stored: 1, resets: 1 });
});

beyondReference(
  'refuses a frame that announces 4 GiB at once, and delivers what came before and what others send',
  async () => {
    const rig = await startRig();
    const good = await RawDevice.connect(rig.port);
    const bad = await RawDevice.connect(rig.port);
    const { address } = bad;
    await bad.greeting();
    await bad.send(Buffer.concat([prefixed('before'), Buffer.from([0xff, 0xff, 0xff, 0xff]), Buffer.alloc(1000)]));
    await bad.closed;
    await untilSaid(rig.pipeline, address, '4294967295', String(16 * MIB));
    await good.greeting();
    await good.send(prefixed('good'));
    await good.end();
    const stopped = await rig.stop(10_000);
    expect(stopped.exit.code).toBe(0);
    expect(await storedTexts(rig)).toEqual(['before', 'good']);
    expect(totalsOf(stopped)).toMatchObject({ oversized: 1, accepted: 2, stored: 2 });
    expect(rig.peakMemory).toBeLessThan(MEMORY_LIMIT);
  },
);

beyondReference('takes frames up to --max-frame-bytes and empty ones, and refuses one byte more', async () => {
  const rig = await startRig({ options: ['--max-frame-bytes', '10'] });
  const device = await RawDevice.connect(rig.port);
  const { address } = device;
  await device.greeting();
  await device.send(Buffer.concat([prefixed('0123456789'), prefixed(''), prefixed('0123456789+')]));
  await device.closed;
  await untilSaid(rig.pipeline, address, /\b11\b/, /\b10\b/);
  const stopped = await rig.stop(10_000);
  expect(await storedTexts(rig)).toEqual(['0123456789', '']);
  expect(totalsOf(stopped)).toMatchObject({ oversized: 1, accepted: 2 });
});

beyondReference(
  'says how much came of a half frame at the end of a connection, and that a stalled device harms nobody',
  async () => {
    const rig = await startRig();
    const stalled = await RawDevice.connect(rig.port);
    await stalled.greeting();
    await stalled.send(prefixed('never whole').subarray(0, 6));
    const half = await RawDevice.connect(rig.port);
    const { address } = half;
    await half.greeting();
    await half.send(Buffer.concat([prefixed('whole'), prefixed('0123456789').subarray(0, 9)]));
    await half.end();
    await untilSaid(rig.pipeline, address, /half|partial/, /\b9\b/); // its prefix included
    const other = await RawDevice.connect(rig.port);
    await other.greeting();
    await other.send(prefixed('other'));
    await other.end();
    await until('both frames are stored', async () => (await storedTexts(rig)).length === 2);

    const stopped = await rig.stop(10_000);
    expect(stopped.exit.code).toBe(0);
    expect(await storedTexts(rig)).toEqual(['whole', 'other']);
    const { partialFrames, accepted, resets } = totalsOf(stopped);
    expect({ accepted, resets }).toEqual({ accepted: 2, resets: 0 });
    expect([1, 2]).toContain(partialFrames); // the stalled one is cut by the stop itself
  },
);

beyondReference(
  'refuses the largest partial frame when --max-buffered-bytes is spent, and goes on serving',
  async () => {
    const rig = await startRig({ options: ['--max-buffered-bytes', String(4 * MIB)] });
    const hoarders: RawDevice[] = [];
    let closed = 0;
    for (let i = 0; i < 8; i++) {
      const device = await RawDevice.connect(rig.port);
      void device.closed.then(() => closed++);
      await device.greeting();
      device.socket.write(prefixed(Buffer.alloc(2 * MIB)).subarray(0, MIB + MIB / 2));
      hoarders.push(device);
    }
    await until('one of them is refused', () => closed > 0, 20_000);
    await untilSaid(rig.pipeline, '127.0.0.1:', String(4 * MIB));
    const small = await RawDevice.connect(rig.port);
    await small.greeting();
    await small.send(prefixed('small'));
    await small.end();
    await until('the small frame is stored', async () => (await storedTexts(rig)).includes('small'), 20_000);
    expect(closed).toBeLessThan(8);
    expect(rig.peakMemory).toBeLessThan(MEMORY_LIMIT);
    expect((await rig.stop(10_000)).exit.code).toBe(0);
  },
  60_000,
);

beyondReference('closes a device that says nothing for --idle-timeout, and not one that talks', async () => {
  const rig = await startRig({ options: ['--idle-timeout', '500'] });
  const quiet = await RawDevice.connect(rig.port);
  const talking = await RawDevice.connect(rig.port);
  const { address } = quiet;
  await talking.greeting();
  const talk = setInterval(() => talking.socket.write(prefixed('tick')), 100);
  try {
    await quiet.closed;
    await untilSaid(rig.pipeline, address, /idle|500/);
    expect(talking.socket.destroyed).toBe(false);
  } finally {
    clearInterval(talk);
  }
});
