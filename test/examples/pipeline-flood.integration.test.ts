// The pipeline's ordinary work under load: everything arrives whole and in order, at two clouds and in the file, in flat memory.
import { readStored } from '../../examples/tcp-pipeline/demo/stored.ts';
import { beyondReference, endProcessesAfterEach, full, MEMORY_LIMIT, startRig, totalsOf } from './pipeline-process.ts';

endProcessesAfterEach();
const TIMEOUT_MS = full ? 60_000 : 25_000;

const loads = [
  { name: 'small frames', small: full ? 200_000 : 20_000, large: 0 },
  { name: 'large frames', small: 0, large: full ? 400 : 40 },
  { name: 'large frames among small ones', small: full ? 100_000 : 10_000, large: full ? 100 : 10 },
];

test.each(loads)(
  'brings $name of four devices to two clouds and the file',
  async ({ small, large }) => {
    const frames = small + large;
    const rig = await startRig({ destinations: 2, expect: frames, digest: true });
    const devices = rig.startDevices('--frames', `${small}`, '--large-frames', `${large}`);
    await rig.waitDelivered(TIMEOUT_MS);
    const sent = await devices.waitReport('finished', TIMEOUT_MS);
    expect(sent.frames).toBe(frames);

    const stopped = await rig.stop(TIMEOUT_MS);
    expect(stopped.exit).toEqual({ code: 0, signal: null });
    expect(stopped.report).toMatchObject({ verdict: 'clean' });
    expect(totalsOf(stopped)).toMatchObject({
      accepted: frames,
      stored: frames,
      forwarded: { [rig.destination(0)]: frames, [rig.destination(1)]: frames },
    });

    const whole = { messages: frames, bytes: sent.bytes, repeats: 0, missing: 0, outOfOrder: 0, corrupt: 0 };
    for (const index of [0, 1]) expect(await rig.stopCloud(index)).toMatchObject({ ...whole, digest: sent.digest });
    const stored = await readStored(rig.databaseFile);
    expect(stored).toMatchObject({ counts: whole, digest: sent.digest, misnumbered: 0, connectionNames: 4 });
    expect(rig.peakMemory).toBeGreaterThan(0);
    expect(rig.peakMemory).toBeLessThan(MEMORY_LIMIT);
  },
  TIMEOUT_MS * 2,
);

beyondReference('counts nothing but clean connections in its last line', async () => {
  const rig = await startRig({ expect: 300 });
  rig.startDevices('--frames', '300', '--connections', '3');
  await rig.waitDelivered(TIMEOUT_MS);
  const stopped = await rig.stop(TIMEOUT_MS);
  expect(rig.pipeline.reports[0]).toEqual({ event: 'ready', port: rig.port, feedPort: null, pid: rig.pipeline.pid });
  expect(rig.pipeline.reports.at(-1)).toEqual({
    event: 'stopped',
    verdict: 'clean',
    reason: expect.stringContaining('SIGTERM'),
    report: expect.anything(),
    totals: {
      connections: 3,
      refused: 0,
      accepted: 300,
      stored: 300,
      forwarded: { [rig.destination(0)]: 300 },
      unconfirmed: 0,
      feedDropped: 0,
      oversized: 0,
      partialFrames: 0,
      resets: 0,
    },
  });
  expect(stopped.exit.code).toBe(0);
});
