// The pipeline's file: appended to over restarts, read and locked by others meanwhile, whole after the end.

import { openDatabase, type Row, rowsOf } from '../../examples/tcp-pipeline/demo/stored.ts';
import {
  beyondReference,
  endProcessesAfterEach,
  prefixed,
  RawDevice,
  startProcess,
  startRig,
  until,
} from './pipeline-process.ts';

endProcessesAfterEach();

async function allRows(file: string): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const row of rowsOf(file)) rows.push(row);
  return rows;
}

beyondReference('appends over restarts under connection names that never come again', async () => {
  const rig = await startRig({ destinations: 0 });
  const send = async (port: number): Promise<void> => {
    const device = await RawDevice.connect(port);
    await device.greeting();
    await device.send(Buffer.concat([prefixed('one'), prefixed('two')]));
    await device.end();
  };
  await send(rig.port);
  await send(rig.port);
  expect((await rig.stop(10_000)).exit.code).toBe(0);
  const again = startProcess(['--port', '0', '--json', '--database', rig.databaseFile]);
  const before = Date.now();
  await send(Number((await again.waitReport('ready', 10_000)).port));
  again.signal('SIGTERM');
  expect((await again.waitExit(10_000)).code).toBe(0);

  const rows = await allRows(rig.databaseFile);
  expect(rows.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(new Set(rows.map(({ connection }) => connection)).size).toBe(3);
  expect(rows.map(({ sequence }) => sequence)).toEqual([1, 2, 1, 2, 1, 2]);
  const db = await openDatabase(rig.databaseFile);
  const columns = db.prepare('SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid').all('frames');
  expect(
    (columns as { name: string; type: string; pk: number }[]).map(({ name, type, pk }) => [name, type, pk]),
  ).toEqual([
    ['id', 'INTEGER', 1],
    ['connection', 'TEXT', 0],
    ['sequence', 'INTEGER', 0],
    ['received_at', 'INTEGER', 0],
    ['payload', 'BLOB', 0],
  ]);
  const { at } = db.prepare('SELECT max(received_at) AS at FROM frames').get() as { at: number };
  expect(at).toBeGreaterThanOrEqual(before);
  expect(at).toBeLessThanOrEqual(Date.now());
  db.close();
});

test('lets others read while it writes, and commits soon although few frames come', async () => {
  const rig = await startRig();
  const device = await RawDevice.connect(rig.port);
  await device.send(prefixed('only one'));
  await until('the frame can be read', async () => (await allRows(rig.databaseFile)).length === 1, 2_000);
  const db = await openDatabase(rig.databaseFile);
  expect(db.prepare('PRAGMA journal_mode').get()).toMatchObject({ journal_mode: 'wal' });
  db.close();
});

beyondReference('waits for another writer that has the file locked, and loses nothing', async () => {
  const rig = await startRig({ expect: 2000 });
  const warm = await RawDevice.connect(rig.port);
  await warm.send(prefixed('the table is there'));
  await until('the table is there', async () => (await allRows(rig.databaseFile)).length === 1);
  const db = await openDatabase(rig.databaseFile);
  db.exec('BEGIN IMMEDIATE');
  const devices = rig.startDevices('--frames', '2000');
  await devices.waitReport('started', 10_000);
  await new Promise((resolve) => setTimeout(resolve, 500)); // the lock is held for a while
  expect((await allRows(rig.databaseFile)).length).toBe(1);
  db.exec('COMMIT');
  db.close();
  await until('all are stored', async () => (await allRows(rig.databaseFile)).length === 2001);
  expect((await rig.stop(10_000)).exit.code).toBe(0);
});

beyondReference('stores nowhere with --database none, and still delivers', async () => {
  const rig = await startRig({ database: false, expect: 100 });
  rig.startDevices('--frames', '100');
  await rig.waitDelivered(10_000);
  const stopped = await rig.stop(10_000);
  expect(stopped.exit.code).toBe(0);
  expect(stopped.report?.totals).toMatchObject({ accepted: 100, stored: 0, forwarded: { [rig.destination(0)]: 100 } });
});
