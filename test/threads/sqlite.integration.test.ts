import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidOptionError } from '../../src/kernel/errors.ts';
import { DatabaseFailedError, MissingPackageError } from '../../src/kernel/io-errors.ts';
import {
  openSqlite,
  type SqliteDatabase,
  type SqliteDriver,
  type SqliteValue,
  sqliteFailureOf,
} from '../../src/threads/sqlite.ts';

const SCHEMA =
  'CREATE TABLE frames (id INTEGER PRIMARY KEY, connection TEXT, sequence INTEGER, received_at INTEGER, payload BLOB)';
const COLUMNS = ['connection', 'sequence', 'received_at', 'payload'];
const hasNodeSqlite = process.getBuiltinModule('node:sqlite') !== undefined;
const drivers: SqliteDriver[] = hasNodeSqlite ? ['node:sqlite', 'libsql'] : ['libsql'];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'taskthread-sqlite-'));
});
afterEach(() => {
  jest.resetModules();
  jest.dontMock('libsql');
  rmSync(folder, { recursive: true });
});

/** What a call throws, which must be the package's own error. */
function failureOf(action: () => unknown): DatabaseFailedError {
  try {
    action();
  } catch (error) {
    if (error instanceof DatabaseFailedError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

async function rejectionOf(promise: Promise<unknown>): Promise<DatabaseFailedError> {
  const error = await promise.then(
    () => new Error('nothing was thrown'),
    (reason) => reason,
  );
  return failureOf(() => {
    throw error;
  });
}

test('takes node:sqlite where this Node has it, else libsql', async () => {
  const database = await openSqlite(':memory:');
  expect(database.driver).toBe(hasNodeSqlite ? 'node:sqlite' : 'libsql');
  database.close();
});

test('says which package is missing when there is no driver at all', async () => {
  const getBuiltin = jest.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined as never);
  jest.doMock('libsql', () => {
    throw Object.assign(new Error("Cannot find module 'libsql'"), { code: 'MODULE_NOT_FOUND' });
  });
  await expect(openSqlite(':memory:')).rejects.toThrow(MissingPackageError);
  await expect(openSqlite(':memory:')).rejects.toThrow('npm install libsql');
  await expect(openSqlite(':memory:', { driver: 'node:sqlite' })).rejects.toThrow('has no node:sqlite');
  getBuiltin.mockRestore();
});

test('says so when the driver is there but broken', async () => {
  jest.doMock('libsql', () => {
    throw Object.assign(new Error('GLIBC too old'), { code: 'ERR_DLOPEN_FAILED' });
  });
  const error = await rejectionOf(openSqlite(':memory:', { driver: 'libsql' }));
  expect(error.message).toBe('cannot load the driver libsql for database :memory:: GLIBC too old');
});

test.each([
  ['', {}, 'file'],
  ['http://somewhere/', {}, 'file'],
  ['a\0b', {}, 'file'],
  [':memory:', { driver: 'better-sqlite3' as SqliteDriver }, 'driver'],
  [':memory:', { busyTimeoutMs: -1 }, 'busyTimeoutMs'],
  [':memory:', { timeout: 1 } as object, 'options.timeout'],
])('refuses to open %j with %j', async (file, options, field) => {
  await expect(openSqlite(file, options)).rejects.toThrow(InvalidOptionError);
  await expect(openSqlite(file, options)).rejects.toThrow(field);
});

describe.each(drivers)('a database over %s', (driver) => {
  const opened: SqliteDatabase[] = [];
  afterEach(() => {
    for (const database of opened.splice(0)) database.close();
  });

  async function open(name = 'test.db', busyTimeoutMs = 100): Promise<SqliteDatabase> {
    const database = await openSqlite(name === ':memory:' ? name : join(folder, name), { driver, busyTimeoutMs });
    opened.push(database);
    return database;
  }

  test('is in WAL mode with synchronous NORMAL and a busy timeout of five seconds', async () => {
    const database = await openSqlite(join(folder, 'test.db'), { driver });
    opened.push(database);
    const values = ['journal_mode', 'synchronous', 'busy_timeout'].map(
      (pragma) => Object.values(database.all(`PRAGMA ${pragma}`)[0] ?? {})[0],
    );
    expect(values).toEqual(['wal', 1, 5000]);
  });

  test('keeps what a second connection reads back, byte for byte', async () => {
    const database = await open();
    database.exec(SCHEMA);
    const chunk = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 251));
    const pooled = Buffer.from('a small buffer in the shared pool');
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset + 7, 5);
    const payloads = [chunk.subarray(10, 17), chunk, pooled, bytes, Buffer.alloc(0), null];
    const insert = database.prepareInsert('frames', COLUMNS);
    expect(insert.columns).toBe(4);
    insert.insertMany(payloads.flatMap((payload, i) => ['device ü', i + 1, 1_700_000_000_000 + i, payload]));

    const rows = (await open()).all('SELECT * FROM frames ORDER BY id');
    expect(rows.map((row) => [row.id, row.connection, row.sequence, row.received_at])).toEqual(
      payloads.map((_, i) => [i + 1, 'device ü', i + 1, 1_700_000_000_000 + i]),
    );
    expect(rows.map(({ payload }) => (Buffer.isBuffer(payload) ? payload.toString('hex') : payload))).toEqual(
      payloads.map((payload) => (payload === null ? null : Buffer.from(payload).toString('hex'))),
    );
    expect(
      (await open()).all('SELECT DISTINCT typeof(sequence) AS a, typeof(received_at) AS b FROM frames'),
    ).toMatchObject([{ a: 'integer', b: 'integer' }]);
  });

  test('reads more rows than a driver fetches at once, and takes any number of columns', async () => {
    const database = await open(':memory:');
    database.exec('CREATE TABLE "odd ""name" ("a b" BLOB); CREATE TABLE wide (a, b, c, d, e, f)');
    const one = database.prepareInsert('odd "name', ['a b']);
    one.insertMany(Array.from({ length: 300 }, (_, i) => Buffer.from([i % 256])));
    expect(database.all('SELECT * FROM "odd ""name"').map((row) => (row['a b'] as Buffer)[0])).toEqual(
      Array.from({ length: 300 }, (_, i) => i % 256),
    );
    database
      .prepareInsert('wide', ['a', 'b', 'c', 'd', 'e', 'f'])
      .insertMany([1, 2.5, 'x', null, 5n, Buffer.from('z')]);
    expect({ ...database.all('SELECT * FROM wide')[0] }).toEqual({
      a: 1,
      b: 2.5,
      c: 'x',
      d: null,
      e: 5,
      f: Buffer.from('z'),
    });
    expect(database.all('SELECT * FROM wide WHERE 0')).toEqual([]);
  });

  test('makes a batch visible to others only as a whole', async () => {
    const database = await open();
    database.exec('CREATE TABLE t (n INTEGER CHECK (n < 3))');
    const insert = database.prepareInsert('t', ['n']);
    const other = await open();
    const error = failureOf(() => insert.insertMany([1, 2, 3]));
    expect(error).toMatchObject({ code: 'TT_DATABASE_FAILED', file: join(folder, 'test.db') });
    expect(error.message).toMatch(/^cannot insert rows into database .*test\.db: .*CHECK constraint/);
    expect(other.all('SELECT n FROM t')).toEqual([]);
    insert.insertMany([]);
    insert.insertMany([1, 2]);
    expect(other.all('SELECT n FROM t').map((row) => row.n)).toEqual([1, 2]);
  });

  test.each<[unknown]>([[true], [undefined], [{}], [[1]], [() => 1]])(
    'refuses the value %p and stores nothing of the batch',
    async (value) => {
      const database = await open(':memory:');
      database.exec('CREATE TABLE t (a, b)');
      const insert = database.prepareInsert('t', ['a', 'b']);
      failureOf(() => insert.insertMany([1, 2, 3, value as SqliteValue]));
      expect(database.all('SELECT * FROM t')).toEqual([]);
      insert.insertMany([1, 2]);
    },
  );

  test('refuses half a row', async () => {
    const database = await open(':memory:');
    database.exec('CREATE TABLE t (a, b)');
    const insert = database.prepareInsert('t', ['a', 'b']);
    expect(() => insert.insertMany([1, 2, 3])).toThrow('values.length must be a multiple of 2');
    expect(() => database.prepareInsert('t', [])).toThrow(InvalidOptionError);
  });

  test('names the operation and the file of what fails', async () => {
    const database = await open(':memory:');
    expect(failureOf(() => database.exec('CREATE nonsense')).message).toMatch(
      /^cannot execute a statement in database :memory:: near/,
    );
    expect(failureOf(() => database.all('SELECT * FROM nowhere')).message).toMatch(
      /^cannot read from database .*no such table/,
    );
    expect(failureOf(() => database.prepareInsert('nowhere', ['a'])).message).toMatch(
      /^cannot prepare an insert into database .*no such table/,
    );
    expect(sqliteFailureOf(failureOf(() => database.exec('CREATE nonsense')))).toBe('other');
  });

  test('says what is wrong with a file that cannot be opened', async () => {
    writeFileSync(join(folder, 'letter.txt'), 'Dear database, '.repeat(1000));
    const letter = await rejectionOf(open('letter.txt'));
    expect([letter.message, sqliteFailureOf(letter)]).toEqual([
      `cannot open database ${join(folder, 'letter.txt')}: file is not a database`,
      'not-a-database',
    ]);
    const nowhere = await rejectionOf(open('no/such/folder.db'));
    expect([nowhere.file, sqliteFailureOf(nowhere)]).toEqual([join(folder, 'no/such/folder.db'), 'cannot-open']);
    expect(sqliteFailureOf(await rejectionOf(open('.')))).toBe('cannot-open');
  });

  test('says that another holds the lock, and goes on when it has let go', async () => {
    const [database, other] = [await open(), await open()];
    database.exec(SCHEMA);
    const insert = database.prepareInsert('frames', COLUMNS);
    other.exec('BEGIN IMMEDIATE');
    const error = failureOf(() => insert.insertMany(['a', 1, 1, null]));
    expect([error.message, sqliteFailureOf(error)]).toEqual([
      `cannot insert rows into database ${join(folder, 'test.db')}: database is locked`,
      'locked',
    ]);
    other.exec('COMMIT');
    insert.insertMany(['a', 1, 1, null]);
    expect(other.all('SELECT * FROM frames')).toHaveLength(1);
  });

  test('says that the disk is full, and keeps what was stored before', async () => {
    const database = await open();
    database.exec(`${SCHEMA}; PRAGMA max_page_count = 8`);
    const insert = database.prepareInsert('frames', COLUMNS);
    insert.insertMany(['a', 1, 1, Buffer.alloc(100)]);
    const error = failureOf(() => insert.insertMany(['a', 2, 2, Buffer.alloc(10), 'a', 3, 3, Buffer.alloc(100_000)]));
    expect([error.message, sqliteFailureOf(error)]).toEqual([
      `cannot insert rows into database ${join(folder, 'test.db')}: database or disk is full`,
      'disk',
    ]);
    expect((await open()).all('SELECT sequence FROM frames').map((row) => row.sequence)).toEqual([1]);
    insert.insertMany(['a', 2, 2, Buffer.alloc(10)]);
  });

  test('leaves nothing but the file behind when it is closed, also with statements in use', async () => {
    const database = await open();
    database.exec(SCHEMA);
    const insert = database.prepareInsert('frames', COLUMNS);
    insert.insertMany(['a', 1, 1, Buffer.alloc(100)]);
    database.all('SELECT * FROM frames');
    expect(readdirSync(folder).sort()).toEqual(['test.db', 'test.db-shm', 'test.db-wal']);
    database.close();
    database.close();
    expect(readdirSync(folder)).toEqual(['test.db']);
    const again = await open();
    expect(Object.values(again.all('PRAGMA journal_mode')[0] ?? {})).toEqual(['wal']);
    expect(again.all('SELECT * FROM frames')).toHaveLength(1);
  });

  test('closes at once and loses nothing while another is reading', async () => {
    const [database, other] = [await open('test.db', 20_000), await open()];
    database.exec(SCHEMA);
    const insert = database.prepareInsert('frames', COLUMNS);
    other.exec('BEGIN');
    other.all('SELECT * FROM frames');
    insert.insertMany(['a', 1, 1, null]);
    const began = performance.now();
    database.close();
    expect(performance.now() - began).toBeLessThan(5000);
    other.exec('COMMIT');
    expect(other.all('SELECT * FROM frames')).toHaveLength(1);
    expect((await open()).all('SELECT * FROM frames')).toHaveLength(1);
  });

  test('holds no lock when it is closed in the middle of a transaction', async () => {
    const [database, other] = [await open(), await open()];
    database.exec('CREATE TABLE t (n)');
    const insert = database.prepareInsert('t', ['n']);
    database.exec('BEGIN IMMEDIATE; INSERT INTO t VALUES (1)');
    database.close();
    other.prepareInsert('t', ['n']).insertMany([2]);
    expect(other.all('SELECT n FROM t').map((row) => row.n)).toEqual([2]);
    expect(failureOf(() => insert.insertMany([3])).message).toContain('it has been closed');
  });

  test('does nothing any more after it was closed', async () => {
    const database = await open(':memory:');
    database.exec('CREATE TABLE t (n)');
    const insert = database.prepareInsert('t', ['n']);
    database.close();
    for (const use of [
      () => database.exec('SELECT 1'),
      () => database.all('SELECT 1'),
      () => database.prepareInsert('t', ['n']),
      () => insert.insertMany([1]),
    ]) {
      expect(failureOf(use).message).toMatch(/^cannot .* database :memory:: it has been closed$/);
    }
  });
});
