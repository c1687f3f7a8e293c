// How the pipeline ends: intake first, everything accepted worked off, exit code and totals that tell the truth.
import { connect } from 'node:net';
import type { PipelineRig } from '../../examples/tcp-pipeline/demo/rig.ts';
import { openDatabase, RowCounter, readStored } from '../../examples/tcp-pipeline/demo/stored.ts';
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
const BUDGET_MS = 9_000;

const isRefused = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });

/** A flood that one cloud holds up: something accepted is waiting for it. */
async function startStuckFlood(): Promise<PipelineRig> {
  const rig = await startRig({ destinations: 2 });
  rig.clouds[0]!.signal('SIGSTOP');
  const devices = rig.startDevices('--connections', '2', '--frames', '20000', '--size', '16384', '--no-digest');
  await until(
    'the flood stands still',
    () => {
      const latest = devices.reports.filter(({ event }) => event === 'progress').slice(-5);
      return latest.length === 5 && latest.every(({ frames }) => frames === latest[0]!.frames && Number(frames) > 0);
    },
    20_000,
  );
  return rig;
}

test('stores and forwards all it accepted when it is told to stop in mid-flood', async () => {
  const rig = await startRig({ destinations: 2 });
  const devices = rig.startDevices('--frames', '1000000', '--no-digest');
  await until('the flood is on its way', async () => {
    const { unique } = await rig.clouds[0]!.ask('stats', 'stats', 5000);
    return Number(unique) > 20_000;
  });

  const stopped = await rig.stop(BUDGET_MS);
  expect(stopped.exit).toEqual({ code: 0, signal: null });
  expect(stopped.report).toMatchObject({ verdict: 'clean' });
  const { accepted, stored, forwarded } = totalsOf(stopped);
  expect(accepted).toBeGreaterThan(20_000);
  expect(accepted).toBeLessThan(1_000_000);
  expect(stored).toBe(accepted);
  expect(forwarded).toEqual({ [rig.destination(0)]: accepted, [rig.destination(1)]: accepted });
  const whole = { messages: accepted, unique: accepted, missing: 0, outOfOrder: 0, repeats: 0, corrupt: 0 };
  for (const index of [0, 1]) expect(await rig.stopCloud(index)).toMatchObject(whole);
  expect((await readStored(rig.databaseFile)).counts).toMatchObject(whole);
  expect((await devices.waitExit(10_000)).code).toBe(1); // they could not send everything
}, 40_000);

test('commits what it has when it stops and nothing else is to be done', async () => {
  const rig = await startRig({ destinations: 0 });
  rig.startDevices('--frames', '2000000', '--no-digest');
  const rows = new RowCounter(rig.databaseFile);
  await until('the flood is on its way', async () => (await rows.count()) > 20_000);
  rows.close();
  const stopped = await rig.stop(BUDGET_MS);
  expect(stopped.exit.code).toBe(0);
  const { accepted, stored } = totalsOf(stopped);
  expect(accepted).toBeLessThan(2_000_000);
  expect(stored).toBe(accepted);
  expect((await readStored(rig.databaseFile)).counts).toMatchObject({ messages: accepted, missing: 0, repeats: 0 });
}, 40_000);

beyondReference.each(['SIGTERM', 'SIGINT'] as const)(
  'ends clean and at once on %s when nothing is to be done',
  async (signal) => {
    const rig = await startRig();
    const { exit, report, elapsedMs } = await rig.stop(BUDGET_MS, signal);
    expect(exit).toEqual({ code: 0, signal: null });
    expect(report).toMatchObject({ verdict: 'clean', reason: expect.stringContaining(signal) });
    expect(elapsedMs).toBeLessThan(2_000);
  },
);

beyondReference(
  'closes its intake first and waits for a slow destination within the budget',
  async () => {
    const rig = await startStuckFlood();
    rig.pipeline.signal('SIGTERM');
    await until('new devices are refused', () => isRefused(rig.port));
    expect(rig.pipeline.exit).toBeUndefined();
    rig.clouds[0]!.signal('SIGCONT');
    const { code } = await rig.pipeline.waitExit(BUDGET_MS);
    expect(code).toBe(0);
    const totals = totalsOf({ exit: { code, signal: null }, report: rig.pipeline.latest('stopped'), elapsedMs: 0 });
    expect(totals.unconfirmed).toBe(0);
    for (const index of [0, 1]) {
      expect(await rig.stopCloud(index)).toMatchObject({
        unique: totals.accepted,
        missing: 0,
        outOfOrder: 0,
        corrupt: 0,
      });
    }
    expect((await readStored(rig.databaseFile)).counts.unique).toBe(totals.accepted);
  },
  45_000,
);

beyondReference(
  'ends by itself when a destination never goes on, and says what was not delivered',
  async () => {
    const rig = await startStuckFlood();
    const { exit, elapsedMs, report } = await rig.stop(15_000);
    expect([1, 3]).toContain(exit.code);
    expect(elapsedMs).toBeLessThan(12_000);
    const totals = totalsOf({ exit, elapsedMs, report });
    expect(totals.unconfirmed).toBeGreaterThan(0);
    expect(totals.stored).toBe(totals.accepted);
    expect((await readStored(rig.databaseFile)).counts).toMatchObject({ unique: totals.accepted, missing: 0 });
  },
  60_000,
);

beyondReference(
  'skips the draining at the second Ctrl-C, and keeps its books',
  async () => {
    const rig = await startStuckFlood();
    const begin = Date.now();
    rig.pipeline.signal('SIGINT');
    await until('the intake is closed', () => isRefused(rig.port));
    const { exit, report, elapsedMs } = await rig.stop(10_000, 'SIGINT');
    expect([1, 3]).toContain(exit.code);
    expect(Date.now() - begin).toBeLessThan(5_000); // the draining alone would have taken 5 s
    const totals = totalsOf({ exit, report, elapsedMs });
    expect(totals.accepted).toBeGreaterThan(0);
    expect((await readStored(rig.databaseFile)).counts).toMatchObject({
      unique: totals.stored,
      missing: 0,
      corrupt: 0,
    });
  },
  45_000,
);

beyondReference(
  'is gone at once at the third Ctrl-C, with its report written out',
  async () => {
    const rig = await startStuckFlood();
    const begin = Date.now();
    rig.pipeline.signal('SIGINT');
    await until('the intake is closed', () => isRefused(rig.port));
    rig.pipeline.signal('SIGINT');
    const { exit, report } = await rig.stop(5_000, 'SIGINT');
    expect([1, 3]).toContain(exit.code);
    expect(Date.now() - begin).toBeLessThan(4_000);
    expect(report).toMatchObject({ event: 'stopped', totals: expect.anything() });
  },
  45_000,
);

beyondReference('honours Ctrl-C before it is ready', async () => {
  const pipeline = startProcess(['--port', '0', '--json', '--database', 'none']);
  await until('it runs', () => pipeline.pid > 0);
  pipeline.signal('SIGINT');
  const { code, signal } = await pipeline.waitExit(BUDGET_MS);
  // Before our handler is in place the system's default holds, which is as good an end.
  expect(code === 0 || signal === 'SIGINT').toBe(true);
});

beyondReference('without time to drain is cancelled, and says that nothing has failed', async () => {
  const rig = await startRig({ destinations: 0, options: ['--drain-timeout', '0'] });
  const { exit, report } = await rig.stop(10_000);
  expect([exit.code, report]).toMatchObject([
    1,
    { verdict: 'cancelled', report: { outcome: 'cancelled', failed: [] } },
  ]);
});

beyondReference('says how many frames it could not store where another process keeps the file locked', async () => {
  const rig = await startRig({ destinations: 0, options: ['--drain-timeout', '200ms', '--cancel-timeout', '400ms'] });
  const device = await RawDevice.connect(rig.port);
  await device.send(prefixed('stored'));
  const rows = new RowCounter(rig.databaseFile);
  await until('the first one is stored', async () => (await rows.count()) === 1);
  rows.close();
  const db = await openDatabase(rig.databaseFile);
  db.exec('BEGIN IMMEDIATE');
  await device.send(Buffer.concat(['one', 'two', 'three'].map((payload) => prefixed(payload))));
  await untilSaid(rig.pipeline, 'database-locked');
  const { exit, report, elapsedMs } = await rig.stop(10_000);
  db.exec('COMMIT');
  db.close();
  expect(exit.code).toBe(1);
  expect(totalsOf({ exit, report, elapsedMs })).toMatchObject({ accepted: 4, stored: 1 });
  await untilSaid(rig.pipeline, '"event":"unwritten"', '"frames":3');
  const failed = (report as unknown as { report: { failed: { error: object }[] } }).report.failed;
  expect(failed[0]?.error).toMatchObject({
    code: 'TT_ROWS_UNWRITTEN',
    rows: 3,
    message: expect.stringContaining('3 rows'),
  });
  const left = new RowCounter(rig.databaseFile);
  expect(await left.count()).toBe(1);
  left.close();
});
