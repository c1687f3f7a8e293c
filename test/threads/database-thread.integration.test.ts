/** A database thread on real files, with the driver that this Node has. */
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatStopReport, type RowsUnwrittenError, type ThreadOptions } from '../../src/index.ts';
import {
  type DatabaseOptions,
  DatabaseThread,
  openSqlite,
  type RowBatchOptions,
  type SqliteDatabase,
  type SqliteValue,
} from '../../src/threads/index.ts';
import { checkForReal, nursery, until } from './nursery.ts';

checkForReal();

type Numbers = readonly number[];

const SCHEMA = 'CREATE TABLE IF NOT EXISTS numbers (id INTEGER PRIMARY KEY, n INTEGER CHECK (n < 1000))';

/** Stores numbers; 13 cannot be made a row of. */
class Database extends DatabaseThread<Numbers> {
  readonly commits: Numbers[][] = [];
  readonly lost: Numbers[] = [];
  lockedTimes = 0;

  constructor(options: Partial<DatabaseOptions> & { file: string }, threadOptions?: ThreadOptions<Numbers, never>) {
    super({ schema: SCHEMA, table: 'numbers', columns: ['id', 'n'], ...options }, threadOptions);
  }

  protected override rowsOf(signal: Numbers, values: SqliteValue[], add: (rowBytes: number) => void): void {
    for (const n of signal) {
      values.push(null);
      if (n === 13) throw new Error('thirteen');
      values.push(n);
      add(8);
    }
  }

  protected override stored(signals: readonly Numbers[]): void {
    this.commits.push([...signals]);
  }

  protected override unwritten(signals: readonly Numbers[]): void {
    this.lost.push(...signals);
  }

  protected override locked(): void {
    this.lockedTimes++;
  }
}

let folder: string;
let file: string;
const opened: SqliteDatabase[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'taskthread-database-'));
  file = join(folder, 'numbers.db');
});
afterEach(() => {
  for (const database of opened.splice(0)) database.close();
  rmSync(folder, { recursive: true });
});

/** Another one who has the file open. */
async function other(): Promise<SqliteDatabase> {
  const database = await openSqlite(file, { busyTimeoutMs: 0 });
  opened.push(database);
  return database;
}

async function rows(): Promise<unknown[]> {
  return (await other()).all('SELECT n FROM numbers ORDER BY id').map(({ n }) => n);
}

/** Logs of the folder that this process holds open. Not the files: libsql lets go of those when it is collected. */
function heldOpen(): string[] {
  if (!existsSync('/proc/self/fd')) return [];
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(folder) && /-(wal|shm)$/.test(path) ? [path] : [];
    } catch {
      return [];
    }
  });
}

test('writes what it is sent in the order sent, by number of rows and by age', async () => {
  const { add } = await nursery();
  const database = new Database({ file, batch: { maxRows: 3, maxAgeMs: 30 } });
  const handle = await add(database);
  for (const signal of [[1], [2], [3, 4], [5]]) await handle.send(signal);
  await until(() => database.commits.length === 2);
  expect(database.commits).toEqual([[[1], [2], [3, 4]], [[5]]]);
  expect(await rows()).toEqual([1, 2, 3, 4, 5]);
});

test('commits all that it had taken when it is stopped, and closes the file', async () => {
  const { add } = await nursery();
  const database = new Database({ file, batch: { maxAgeMs: 60_000 } });
  const handle = await add(database);
  for (let n = 100; n < 150; n++) await handle.send([n]);
  expect((await handle.stop()).verdict).toBe('clean');
  expect(heldOpen()).toEqual([]);
  expect(readdirSync(folder)).toEqual(['numbers.db']);
  expect(await rows()).toEqual(Array.from({ length: 50 }, (_, n) => n + 100));
});

test('waits while another holds the lock, whoever sends to it waits too, and nothing is lost', async () => {
  const { add } = await nursery();
  const database = new Database(
    { file, batch: { maxRows: 1 }, busyTimeoutMs: 0, retryMs: 5 },
    { inbox: { capacity: 2 } },
  );
  const handle = await add(database);
  const lock = await other();
  lock.exec('BEGIN IMMEDIATE');
  let accepted = 0;
  const sending = (async () => {
    for (let n = 0; n < 10; n++) {
      await handle.send([n]);
      accepted++;
    }
  })();
  await until(() => database.lockedTimes > 3);
  expect(accepted).toBe(3);
  lock.exec('COMMIT');
  await sending;
  await handle.stop();
  expect(await rows()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

describe('what was taken and not committed', () => {
  /** A database that gathers as told, while another process holds the lock. */
  async function lockedOut(batch: RowBatchOptions, retryMs = 5) {
    const { add } = await nursery();
    const database = new Database({ file, batch, busyTimeoutMs: 0, retryMs });
    const handle = await add(database);
    const lock = await other();
    lock.exec('BEGIN IMMEDIATE');
    return { database, handle, lock };
  }

  test('when a stop ends while the lock is held, is said by the hook, the outcome and the report', async () => {
    const { database, handle, lock } = await lockedOut({ maxAgeMs: 60_000 });
    await handle.send([1, 2]);
    await handle.send([3]);
    const report = await handle.stop({ drainMs: 50, cancelMs: 100 });
    expect(report.tookMs).toBeLessThan(2000);
    expect(report).toMatchObject({ verdict: 'cancelled', outcome: 'failed', failed: [{ path: handle.path }] });
    const error = handle.outcome?.error as RowsUnwrittenError;
    expect(error).toMatchObject({ code: 'TT_ROWS_UNWRITTEN', file, rows: 3, signals: [[1, 2], [3]] });
    expect(error.cause).toMatchObject({ code: 'TT_DATABASE_FAILED' });
    expect(formatStopReport(handle.path, report)).toContain('3 rows');
    expect(database.lost).toEqual([[1, 2], [3]]);
    lock.exec('COMMIT');
    expect([database.commits, await rows()]).toEqual([[], []]);
    expect(JSON.stringify(error)).not.toContain('signals');
  });

  test('is exactly what the books count as handled: a handler that waits for the lock leaves its rows to exit', async () => {
    const { database, handle, lock } = await lockedOut({ maxRows: 2, maxAgeMs: 60_000 });
    for (const n of [1, 2, 3, 4]) await handle.send([n]);
    await until(() => database.lockedTimes > 1);
    const deadLetters: unknown[] = [];
    handle.events.on('deadLetter', (signal) => deadLetters.push(signal));
    await handle.stop({ drainMs: 30, cancelMs: 100 });
    expect(database.lost).toEqual([[1], [2]]);
    expect(deadLetters).toEqual([[3], [4]]);
    expect(handle.snapshot().edge.down).toMatchObject({ accepted: 4, handled: 2, deadLettered: 2 });
    lock.exec('COMMIT');
    expect(await rows()).toEqual([]);
  });

  test('is tried once more when the time is over, however long the pause between tries', async () => {
    const { database, handle, lock } = await lockedOut({ maxAgeMs: 60_000 }, 60_000);
    await handle.send([1]);
    const stopped = handle.stop({ drainMs: 50, cancelMs: 200 });
    await until(() => database.lockedTimes === 1);
    lock.exec('COMMIT');
    await stopped;
    expect([database.commits, database.lost]).toEqual([[[[1]]], []]);
    expect(await rows()).toEqual([1]);
  });

  test('because the last signal has a row that is refused, are the rows of that alone', async () => {
    const { add } = await nursery();
    const database = new Database({ file, batch: { maxRows: 3, maxAgeMs: 60_000 } });
    const handle = await add(database);
    const deadLetters: unknown[] = [];
    handle.events.on('deadLetter', (signal) => deadLetters.push(signal));
    for (const signal of [[1], [2], [1000]]) await handle.send(signal);
    expect(await handle.join()).toMatchObject({ kind: 'failed', error: { code: 'TT_DATABASE_FAILED' } });
    expect(await rows()).toEqual([1, 2]);
    expect([deadLetters, database.lost]).toEqual([[[1000]], []]);
    expect(handle.snapshot().edge.down).toMatchObject({ accepted: 3, handled: 2, deadLettered: 1 });
  });

  test('because exit cannot write it, fails the thread with what the database said', async () => {
    const { add } = await nursery();
    const database = new Database({ file, batch: { maxAgeMs: 60_000 } });
    const handle = await add(database);
    for (const signal of [[1], [1000]]) await handle.send(signal);
    await handle.stop();
    expect(handle.outcome).toMatchObject({
      kind: 'failed',
      verdict: 'clean',
      error: { code: 'TT_ROWS_UNWRITTEN', rows: 2, cause: { code: 'TT_DATABASE_FAILED' } },
    });
    expect(database.lost).toEqual([[1], [1000]]);
    expect(await rows()).toEqual([]);
  });
});

test('a file that is locked while it is opened is waited for, too', async () => {
  const { add } = await nursery();
  const lock = await other();
  lock.exec('CREATE TABLE other (x); BEGIN EXCLUSIVE');
  const database = new Database({ file, busyTimeoutMs: 0, retryMs: 5 });
  const adding = add(database);
  await until(() => database.lockedTimes > 2);
  lock.exec('COMMIT');
  const handle = await adding;
  await handle.send([7]);
  await handle.stop();
  expect(await rows()).toEqual([7]);
});

test('a signal that no row can be made of fails the thread; those before it are stored', async () => {
  const { add } = await nursery();
  const database = new Database({ file, batch: { maxAgeMs: 60_000 } });
  const handle = await add(database);
  await handle.send([1, 2]);
  await handle.send([3, 13]);
  expect(await handle.join()).toMatchObject({ kind: 'failed', verdict: 'clean', error: { message: 'thirteen' } });
  expect(database.commits).toEqual([[[1, 2]]]);
  expect(await rows()).toEqual([1, 2]);
  for (const database_ of opened.splice(0)) database_.close();
  expect(heldOpen()).toEqual([]);
});

test('a row that the database refuses fails the thread, and the file is closed', async () => {
  const { add } = await nursery();
  const handle = await add(new Database({ file, batch: { maxRows: 1 } }));
  await handle.send([1000]);
  expect(await handle.join()).toMatchObject({ kind: 'failed', error: { code: 'TT_DATABASE_FAILED', file } });
  expect(heldOpen()).toEqual([]);
  expect(await rows()).toEqual([]);
});

test('what cannot be opened or made ready fails in enter, and leaves nothing open', async () => {
  const { add, parent } = await nursery();
  const wrong: Database[] = [
    new Database({ file: join(folder, 'no/such.db') }),
    new Database({ file, schema: 'CREATE nonsense' }),
    new Database({ file, table: 'nowhere' }),
  ];
  for (const database of wrong) await expect(add(database)).rejects.toMatchObject({ code: 'TT_DATABASE_FAILED' });
  expect([parent.childCount, heldOpen()]).toEqual([0, []]);
});

test.each<[object, string]>([
  [{ file: '' }, 'options.file'],
  [{ schema: 5 }, 'options.schema'],
  [{ table: '' }, 'options.table'],
  [{ columns: [] }, 'options.columns'],
  [{ columns: ['a', 5] }, 'options.columns'],
  [{ busyTimeoutMs: -1 }, 'options.busyTimeoutMs'],
  [{ retryMs: -1 }, 'options.retryMs'],
  [{ batch: { maxRow: 1 } }, 'options.maxRow'],
  [{ tabel: 'x' }, 'options.tabel'],
])('refuses %j, and names %s', (options, field) => {
  expect(() => new Database({ file, ...options } as never)).toThrow(
    expect.objectContaining({ code: 'TT_INVALID_OPTION', field }),
  );
});
