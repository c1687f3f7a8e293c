// Destinations that stand still or die in mid-flood: the pipeline holds its devices back, keeps its memory flat, loses nothing.
// How it comes back to a destination: pipeline-reconnect.
import { setTimeout as delay } from 'node:timers/promises';
import type { ReportingProcess } from '../../examples/tcp-pipeline/demo/child-process.ts';
import type { PipelineRig } from '../../examples/tcp-pipeline/demo/rig.ts';
import { readStored } from '../../examples/tcp-pipeline/demo/stored.ts';
import {
  beyondReference,
  endProcessesAfterEach,
  full,
  MEMORY_LIMIT,
  prefixed,
  RawDevice,
  startProcess,
  startRig,
  totalsOf,
  until,
} from './pipeline-process.ts';

endProcessesAfterEach();
const TIMEOUT_MS = full ? 120_000 : 45_000;
const STILL_MS = full ? 10_000 : 2_500;
const MAX_GROWTH = 24e6;

const framesSent = (devices: ReportingProcess): number => Number(devices.latest('progress')?.frames ?? 0);
const framesAt = async (rig: PipelineRig, cloud: number): Promise<number> =>
  Number((await rig.clouds[cloud]!.ask('stats', 'stats', 10_000)).unique);

/** Waits until the devices' sends have stood still for as many progress reports as one second has. */
async function untilStill(devices: ReportingProcess): Promise<void> {
  await until(
    'the sends stand still',
    () => {
      const latest = devices.reports.filter(({ event }) => event === 'progress').slice(-10);
      return latest.length === 10 && latest.every(({ frames }) => frames === latest[0]!.frames);
    },
    20_000,
  );
}

test(
  'stands still with a destination that is stopped, in flat memory, and goes on without a loss',
  async () => {
    // More than all socket buffers on the way can take.
    const frames = full ? 40_000 : 16_000;
    const rig = await startRig({ destinations: 2, expect: frames });
    const load = ['--connections', '2', '--frames', `${frames}`, '--size', '16384', '--no-digest'];
    const devices = rig.startDevices(...load);
    await until('the flood is on its way', async () => (await framesAt(rig, 0)) > frames / 20);

    rig.clouds[0]!.signal('SIGSTOP');
    await untilStill(devices);
    const sent = framesSent(devices);
    const memory = rig.memorySamples.length;
    await delay(STILL_MS); // that nothing moves has to be watched for a while
    expect(framesSent(devices)).toBe(sent);
    expect(sent).toBeLessThan(frames);
    const samples = rig.memorySamples.slice(memory);
    expect(samples.length).toBeGreaterThan(5);
    expect(Math.max(...samples) - Math.min(...samples)).toBeLessThan(MAX_GROWTH);

    rig.clouds[0]!.signal('SIGCONT');
    await rig.waitDelivered(TIMEOUT_MS);
    expect((await rig.stop(TIMEOUT_MS)).exit.code).toBe(0);
    const whole = { messages: frames, repeats: 0, missing: 0, outOfOrder: 0, corrupt: 0 };
    for (const index of [0, 1]) expect(await rig.stopCloud(index)).toMatchObject(whole);
    expect((await readStored(rig.databaseFile)).counts).toMatchObject(whole);
    expect(rig.peakMemory).toBeLessThan(MEMORY_LIMIT);
  },
  TIMEOUT_MS * 2,
);

beyondReference(
  'brings every frame to a destination that was killed in mid-flood and started again',
  async () => {
    const frames = full ? 200_000 : 60_000;
    const rig = await startRig({ destinations: 2, expect: frames, journal: true });
    const devices = rig.startDevices('--frames', `${frames}`, '--size', '1024', '--no-digest');
    await until('the flood is on its way', async () => (await framesAt(rig, 0)) > frames / 20);
    await rig.clouds[0]!.kill();
    await untilStill(devices);
    expect(framesSent(devices)).toBeLessThan(frames);

    await rig.startCloud(0);
    await rig.waitDelivered(TIMEOUT_MS);
    const stopped = await rig.stop(TIMEOUT_MS);
    expect(stopped.exit.code).toBe(0);
    expect(totalsOf(stopped)).toMatchObject({ accepted: frames, stored: frames, unconfirmed: 0 });
    const faultless = { unique: frames, missing: 0, outOfOrder: 0, corrupt: 0 };
    expect(await rig.stopCloud(0)).toMatchObject(faultless);
    expect(await rig.stopCloud(1)).toMatchObject({ ...faultless, messages: frames, repeats: 0 });
    expect((await readStored(rig.databaseFile)).counts).toMatchObject({ ...faultless, repeats: 0 });
    expect(rig.peakMemory).toBeLessThan(MEMORY_LIMIT);
  },
  TIMEOUT_MS * 2,
);

beyondReference(
  'keeps what devices had sent that are gone already, however long the destination stands still',
  async () => {
    const devices = 14;
    const each = 100;
    const rig = await startRig({ expect: devices * each, options: ['--max-buffered-bytes', String(16 * 1024 * 1024)] });
    rig.clouds[0]!.signal('SIGSTOP');
    for (let n = 0; n < devices; n++) {
      const device = await RawDevice.connect(rig.port);
      const frames = Array.from({ length: each }, (_, i) => prefixed(Buffer.alloc(10_000, n * each + i)));
      device.socket.end(Buffer.concat(frames));
    }
    // Longer than a stop may take by default: a connection that has ended must not count as one that is to be hurried.
    await delay(6_000);
    rig.clouds[0]!.signal('SIGCONT');
    await until(
      'all are forwarded',
      async () => (await rig.clouds[0]!.ask('stats', 'stats', 5000)).messages === devices * each,
      10_000,
    );
    const stopped = await rig.stop(TIMEOUT_MS);
    expect(stopped.exit.code).toBe(0);
    expect(totalsOf(stopped)).toMatchObject({ accepted: devices * each, stored: devices * each, unconfirmed: 0 });
  },
  60_000,
);

beyondReference(
  'keeps the objects of a hundred devices that flood empty frames within the budget, not only their bytes',
  async () => {
    const options = ['--max-buffered-bytes', '4MiB', '--forward', 'ws://127.0.0.1:1/', '--drain-timeout', '0'];
    const pipeline = startProcess(['--port', '0', '--database', 'none', '--framing', 'lines', '--json', ...options]);
    const { port } = await pipeline.waitReport('ready', TIMEOUT_MS);
    const lines = Buffer.alloc(1024 * 1024, '\n');
    // Never waited for: they are held back in the middle.
    const flood = Array.from({ length: 100 }, async () => (await RawDevice.connect(Number(port))).socket.write(lines));
    await Promise.all(flood);
    let peak = 0;
    let samplesAtPeak = 0;
    await until('the memory stands still', () => {
      const now = pipeline.peakMemory() ?? 0;
      samplesAtPeak = now === peak ? samplesAtPeak + 1 : 0;
      peak = now;
      return samplesAtPeak > 150;
    });
    // What it needs to begin with, and the socket buffers; where a frame weighs its bytes only it is more than twice this.
    expect(peak).toBeLessThan(200e6);
  },
  TIMEOUT_MS,
);
