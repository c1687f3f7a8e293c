/**
 * The only file that touches a SQLite driver: `node:sqlite` where Node has it (22.13 and later), else the optional package
 * `libsql`. Both are synchronous; behind the interface below a caller cannot tell which one it got.
 *
 * Not here: when rows are gathered and written (row-batch.ts) and the thread that does it.
 *
 * Rules that hold: whatever a driver throws travels as the `cause` of a `DatabaseFailedError` that names the operation and
 * the file; a batch of rows is stored whole or not at all; every call blocks the event loop until SQLite is done, and for up
 * to `busyTimeoutMs` while another process holds the write lock.
 *
 * Node 22 prints one `ExperimentalWarning` when `node:sqlite` is loaded. It is left alone: a library does not silence its
 * host. A program that does not want it starts Node with `--disable-warning=ExperimentalWarning`, or asks for `libsql`.
 */
import { types } from 'node:util';
import { knownFields, oneOf, wholeNumber } from '../kernel/check.ts';
import { InvalidOptionError } from '../kernel/errors.ts';
import { DatabaseFailedError, MissingPackageError } from '../kernel/io-errors.ts';

export type SqliteDriver = 'node:sqlite' | 'libsql';

/** What a column can hold. A `Buffer` that is a view is stored as the view's bytes, not the chunk's. */
export type SqliteValue = string | number | bigint | Uint8Array | null;

/** One row that was read: column to value. BLOBs come as `Buffer`. */
export type SqliteRow = Record<string, SqliteValue>;

export interface SqliteOptions {
  /** Insist on one driver. Default: `node:sqlite` if this Node has it, else `libsql`. */
  readonly driver?: SqliteDriver;
  /** How long one call may wait (and block the event loop) for another process's lock. Default 5000. */
  readonly busyTimeoutMs?: number;
}

/** A prepared `INSERT` into fixed columns. */
export interface SqliteInsert {
  /** How many values make a row. */
  readonly columns: number;
  /**
   * Stores rows in one transaction: all of them, or none and a `DatabaseFailedError`. `values` is flat, row after row, so
   * that no object is made per row.
   */
  insertMany(values: readonly SqliteValue[]): void;
}

/** An open database file. Synchronous. */
export interface SqliteDatabase {
  readonly file: string;
  readonly driver: SqliteDriver;
  /** Runs one or more statements and gives nothing back. */
  exec(sql: string): void;
  prepareInsert(table: string, columns: readonly string[]): SqliteInsert;
  /** All rows of a query. Integers beyond 2^53 are the driver's business: `node:sqlite` throws, `libsql` rounds. */
  all(sql: string): SqliteRow[];
  /**
   * Moves the write-ahead log into the file and closes. Idempotent; afterwards every other word throws. The `-wal` and `-shm`
   * files are gone when nobody else has the file open. Never waits for other readers. It throws when the log could not be
   * written back for want of disk: the database is closed then, and the rows are in the log.
   */
  close(): void;
}

/** Why a driver failed, as far as a caller may want to react. */
export type SqliteFailure = 'locked' | 'disk' | 'read-only' | 'cannot-open' | 'not-a-database' | 'other';

/** What both drivers can do, in one shape. */
interface Connection {
  exec(sql: string): void;
  /** Gives a function that binds the array's values and runs the statement. The array may be used again. */
  runner(sql: string): (row: SqliteValue[]) => void;
  all(sql: string): Record<string, unknown>[];
  close(): void;
}

type Connect = (file: string) => Connection;

const DRIVERS: readonly SqliteDriver[] = ['node:sqlite', 'libsql'];

/**
 * Opens a file (made if missing; `:memory:` for none) in WAL mode with synchronous NORMAL, like most servers want it.
 * *Cancel-safe:* it belongs to no scope.
 */
export async function openSqlite(file: string, options: SqliteOptions = {}): Promise<SqliteDatabase> {
  // libsql takes a URL for a remote server; both take an empty name for a nameless temporary file.
  if (typeof file !== 'string' || file === '' || file.includes('://') || file.includes('\0')) {
    throw new InvalidOptionError('file', file, "the path of a file, or ':memory:'");
  }
  knownFields('options', options, ['driver', 'busyTimeoutMs']);
  const wanted = options.driver === undefined ? undefined : oneOf('driver', options.driver, DRIVERS);
  const busyTimeoutMs = wholeNumber('busyTimeoutMs', options.busyTimeoutMs ?? 5000, 0, 2 ** 31 - 1);

  const node = wanted === 'libsql' ? undefined : nodeDriver();
  const driver: SqliteDriver = node !== undefined ? 'node:sqlite' : (wanted ?? 'libsql');
  if (driver === 'node:sqlite' && node === undefined) {
    throw new InvalidOptionError('driver', wanted, `libsql on Node ${process.version}, which has no node:sqlite`);
  }
  const connect = node ?? (await libsqlDriver(file));

  let connection: Connection | undefined;
  try {
    connection = connect(file);
    // The timeout first: the switch to WAL already may have to wait for a lock.
    connection.exec(
      `PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; SELECT count(*) FROM sqlite_schema`,
    );
  } catch (cause) {
    if (connection !== undefined) attempt(() => connection?.close());
    throw new DatabaseFailedError('open', file, cause);
  }
  return new OpenDatabase(file, driver, connection);
}

/** Sorts a `DatabaseFailedError`, or what a driver threw, by SQLite's own result code. */
export function sqliteFailureOf(error: unknown): SqliteFailure {
  const thrown = error instanceof DatabaseFailedError ? error.cause : error;
  if (typeof thrown !== 'object' || thrown === null) return 'other';
  const { errcode, rawCode, message } = thrown as { errcode?: unknown; rawCode?: unknown; message?: unknown };
  let code = typeof errcode === 'number' ? errcode : rawCode;
  // libsql's constructor gives the code in the message only: ConnectionFailed("Unable to open …: 14")
  if (typeof code !== 'number') code = Number(/^ConnectionFailed\(.*: (\d+)"\)$/.exec(String(message))?.[1]);
  switch ((code as number) & 0xff) {
    case 5: // SQLITE_BUSY
    case 6: // SQLITE_LOCKED
      return 'locked';
    case 10: // SQLITE_IOERR
    case 13: // SQLITE_FULL
      return 'disk';
    case 8: // SQLITE_READONLY
      return 'read-only';
    case 14: // SQLITE_CANTOPEN
      return 'cannot-open';
    case 11: // SQLITE_CORRUPT
    case 26: // SQLITE_NOTADB
      return 'not-a-database';
    default:
      return 'other';
  }
}

class OpenDatabase implements SqliteDatabase {
  readonly file: string;
  readonly driver: SqliteDriver;
  readonly #connection: Connection;
  #closed = false;

  constructor(file: string, driver: SqliteDriver, connection: Connection) {
    this.file = file;
    this.driver = driver;
    this.#connection = connection;
  }

  exec(sql: string): void {
    this.#do('execute a statement in', () => this.#connection.exec(sql));
  }

  all(sql: string): SqliteRow[] {
    return this.#do('read from', () => this.#connection.all(sql).map(withBuffers));
  }

  prepareInsert(table: string, columns: readonly string[]): SqliteInsert {
    if (columns.length === 0) throw new InvalidOptionError('columns', columns, 'at least one column name');
    const width = columns.length;
    const sql = `INSERT INTO ${quoted(table)} (${columns.map(quoted).join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
    const run = this.#do('prepare an insert into', () => this.#connection.runner(sql));
    return { columns: width, insertMany: (values) => this.#insertMany(run, width, values) };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // Fails when no transaction is open, as it should be.
    attempt(() => this.#connection.exec('ROLLBACK'));
    // Whoever else reads the file must not hold up a shutdown: what cannot be had at once is left to the next one who opens it.
    let failure = attempt(() => this.#connection.exec('PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)'));
    if (this.driver === 'libsql') {
      // libsql keeps the file open until its statements are garbage, so the last close does not take the log away as SQLite's
      // would. Leaving WAL mode does, and is refused while another connection has the file open; opening returns to it.
      failure ??= attempt(() => this.#connection.exec('PRAGMA journal_mode = DELETE'));
    }
    if (failure !== undefined && sqliteFailureOf(failure.cause) === 'locked') failure = undefined;
    failure = attempt(() => this.#connection.close()) ?? failure;
    if (failure !== undefined) throw new DatabaseFailedError('close', this.file, failure.cause);
  }

  #insertMany(run: (row: SqliteValue[]) => void, width: number, values: readonly SqliteValue[]): void {
    if (values.length % width !== 0) {
      throw new InvalidOptionError('values.length', values.length, `a multiple of ${width}, the number of columns`);
    }
    if (values.length === 0) return;
    this.#do('insert rows into', () => {
      const row = new Array<SqliteValue>(width).fill(null);
      // IMMEDIATE: the write lock is waited for here, before any work has been done.
      this.#connection.exec('BEGIN IMMEDIATE');
      try {
        for (let at = 0; at < values.length; ) {
          for (let column = 0; column < width; column++) {
            const value = values[at++];
            // The drivers disagree: libsql aborts the process for a boolean and takes undefined for null.
            if (value === undefined || typeof value === 'boolean') throw new TypeError(`${value} cannot be stored`);
            row[column] = value;
          }
          run(row);
        }
        this.#connection.exec('COMMIT');
      } catch (error) {
        // SQLite has rolled back by itself after some errors (a full disk); then this one fails.
        attempt(() => this.#connection.exec('ROLLBACK'));
        throw error;
      }
    });
  }

  #do<T>(operation: string, action: () => T): T {
    if (this.#closed) throw new DatabaseFailedError(operation, this.file, new Error('it has been closed'));
    try {
      return action();
    } catch (cause) {
      throw new DatabaseFailedError(operation, this.file, cause);
    }
  }
}

/** The part of `node:sqlite` that is used. Its own types are not in the oldest supported Node's. */
interface NodeSqlite {
  readonly DatabaseSync: new (
    file: string,
  ) => {
    exec(sql: string): void;
    prepare(sql: string): { run(...values: SqliteValue[]): unknown; all(): Record<string, unknown>[] };
    close(): void;
  };
}

function nodeDriver(): Connect | undefined {
  // Not an import: of a module that is missing in some Nodes it would have to be caught, and bundlers would trip over it.
  const sqlite = process.getBuiltinModule('node:sqlite') as NodeSqlite | undefined;
  if (sqlite === undefined) return undefined;
  return (file) => {
    const database = new sqlite.DatabaseSync(file);
    return {
      exec: (sql) => database.exec(sql),
      runner: (sql) => {
        const statement = database.prepare(sql);
        return (row) => {
          statement.run(...row);
        };
      },
      all: (sql) => database.prepare(sql).all(),
      close: () => database.close(),
    };
  };
}

async function libsqlDriver(file: string): Promise<Connect> {
  let Database: typeof import('libsql');
  try {
    Database = (await import('libsql')).default;
  } catch (cause) {
    const code = (cause as { code?: unknown } | null)?.code;
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') {
      throw new MissingPackageError('libsql', `SQLite on Node ${process.version}`, cause);
    }
    throw new DatabaseFailedError('load the driver libsql for', file, cause);
  }
  return (path) => {
    const database = new Database(path);
    return {
      exec: (sql) => {
        database.exec(sql);
      },
      runner: (sql) => {
        const statement = database.prepare(sql);
        // As one array: spread, the values are copied twice, and a single Buffer would be taken for named parameters, which aborts
        // the process.
        return (row) => {
          statement.run(row);
        };
      },
      all: (sql) => database.prepare(sql).all() as Record<string, unknown>[],
      close: () => {
        database.close();
      },
    };
  };
}

/** BLOBs as Buffers over the same memory: `node:sqlite` gives a Uint8Array, `libsql` an ArrayBuffer. */
function withBuffers(row: Record<string, unknown>): SqliteRow {
  for (const column of Object.keys(row)) {
    const value = row[column];
    if (types.isUint8Array(value)) row[column] = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    else if (types.isAnyArrayBuffer(value)) row[column] = Buffer.from(value);
  }
  return row as SqliteRow;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Gives what was thrown instead of throwing it. */
function attempt(action: () => void): { readonly cause: unknown } | undefined {
  try {
    action();
    return undefined;
  } catch (cause) {
    return { cause };
  }
}
