/**
 * A SQLite database as a thread: gathers rows by count, bytes and age, and commits them in one transaction (`row-batch`
 * decides when, `sqlite` writes). The driver is synchronous: while a batch is committed nothing else runs, which is why a
 * batch is bounded by bytes too.
 */
import { knownFields, milliseconds, text, wholeNumber } from '../kernel/check.ts';
import { CancelledError, InvalidOptionError } from '../kernel/errors.ts';
import { RowsUnwrittenError } from '../kernel/io-errors.ts';
import type { ThreadOptions } from '../taskthread/spec.ts';
import type { TaskAnswer, TaskTurn } from '../taskthread/task-turn.ts';
import { TaskThread } from '../taskthread/taskthread.ts';
import type { Turn } from '../taskthread/turn.ts';
import { RowBatch, type RowBatchOptions } from './row-batch.ts';
import { openSqlite, type SqliteDatabase, type SqliteInsert, type SqliteValue, sqliteFailureOf } from './sqlite.ts';

export interface DatabaseOptions {
  /** The file, or `:memory:`. */
  readonly file: string;
  /** Run once, when the file is open: `CREATE TABLE IF NOT EXISTS …`. */
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly string[];
  /** When rows are written: 2000 rows, 4 MiB, 10 ms. */
  readonly batch?: RowBatchOptions;
  /**
   * How long one write waits for a lock that another process holds. The driver is synchronous, so nothing else runs meanwhile:
   * default 250 ms.
   */
  readonly busyTimeoutMs?: number;
  /** Pause between tries while another process holds the lock; everything else goes on. Default 1000 ms. */
  readonly retryMs?: number;
}

type ResolvedDatabaseOptions = Required<Omit<DatabaseOptions, 'batch'>>;

function resolveDatabaseOptions(options: DatabaseOptions): ResolvedDatabaseOptions {
  knownFields('options', options, ['file', 'schema', 'table', 'columns', 'batch', 'busyTimeoutMs', 'retryMs']);
  const { columns } = options;
  if (
    !Array.isArray(columns) ||
    columns.length === 0 ||
    !columns.every((name) => typeof name === 'string' && name !== '')
  )
    throw new InvalidOptionError('options.columns', columns, 'the names of one column or more');
  return {
    file: text('options.file', options.file),
    schema: text('options.schema', options.schema),
    table: text('options.table', options.table),
    columns,
    busyTimeoutMs: wholeNumber('options.busyTimeoutMs', options.busyTimeoutMs ?? 250, 0, 2 ** 31 - 1),
    retryMs: milliseconds('options.retryMs', options.retryMs ?? 1000),
  };
}

/** Where something has gone wrong already, which is what is told. */
function closeQuietly(database: SqliteDatabase | undefined): void {
  try {
    database?.close();
  } catch {
    // What had been written is in the log.
  }
}

/**
 * Writes what its parent sends into one table. Extend it with `rowsOf`.
 *
 * Guarantees: a signal's rows are committed in the order sent. Each signal that the books count as handled is told once: by `stored`
 * when its rows are committed, or by `unwritten` when the thread ends without (the lock held for longer than the stop may take, a
 * full disk); the thread has then failed with `RowsUnwrittenError`, or with what had failed before. All others are dead letters,
 * and have no row. While another process holds the lock it waits and tries again, and so does whoever sends to it.
 * Errors: `TT_DATABASE_FAILED`, `TT_MISSING_PACKAGE` from `enter`; `TT_DATABASE_FAILED`, `TT_ROWS_UNWRITTEN` fail the thread later.
 */
export abstract class DatabaseThread<in Down> extends TaskThread<Down, never, never> {
  readonly #options: ResolvedDatabaseOptions;
  readonly #batch: RowBatch;
  #database: SqliteDatabase | undefined;
  #insert: SqliteInsert | undefined;
  #flushPlanned = false;
  #values: SqliteValue[] = [];
  #signals: unknown[] = [];

  constructor(options: DatabaseOptions, threadOptions?: ThreadOptions<Down, never>) {
    super(threadOptions);
    this.#options = resolveDatabaseOptions(options);
    this.#batch = new RowBatch(options.batch);
  }

  /** Appends the values of the signal's rows to `values`, flat, and gives the bytes of each row to `add`. */
  protected abstract rowsOf(signal: Down, values: SqliteValue[], add: (rowBytes: number) => void): void;

  /** These signals are committed. */
  protected stored(_signals: readonly Down[]): void {}

  /** The thread ends, and these, which it had taken, are not committed. Whoever it fails is told of them too, by the error. */
  protected unwritten(_signals: readonly Down[]): void {}

  /** Another process holds the lock; it is tried again. */
  protected locked(_error: unknown): void {}

  protected override async enter(turn: Turn): Promise<void> {
    while (this.#database === undefined) {
      try {
        await this.#open();
      } catch (error) {
        if (sqliteFailureOf(error) !== 'locked') throw error;
        this.locked(error);
        await turn.sleep(this.#options.retryMs);
      }
    }
  }

  async #open(): Promise<void> {
    const { file, schema, table, columns, busyTimeoutMs } = this.#options;
    const database = await openSqlite(file, { busyTimeoutMs });
    try {
      database.exec(schema);
      this.#insert = database.prepareInsert(table, columns);
      this.#database = database;
    } finally {
      if (this.#database === undefined) closeQuietly(database);
    }
  }

  protected override signalHandler(signal: Down, turn: Turn): unknown {
    let due = false;
    const nowMs = this.clock.now();
    const before = this.#values.length;
    try {
      this.rowsOf(signal, this.#values, (rowBytes) => {
        if (this.#batch.add(rowBytes, nowMs)) due = true;
      });
    } catch (error) {
      // Half a signal would spoil the rows of those before it, which are written when the thread ends.
      this.#values.length = before;
      throw error;
    }
    this.#signals.push(signal);
    if (due) return this.#flushWith(signal, before, turn);
    if (!this.#flushPlanned) {
      this.#flushPlanned = true;
      this.tasks.reCreate('flush', this.#flushWhenDue, { afterMs: this.#ageLeft(nowMs) });
    }
    return undefined;
  }

  protected override async exit(turn: Turn): Promise<void> {
    try {
      await this.#writeRest(turn);
    } catch (error) {
      closeQuietly(this.#database);
      const signals = this.#signals as Down[];
      const rows = this.#values.length / this.#options.columns.length;
      this.unwritten(signals);
      throw new RowsUnwrittenError(this.#options.file, rows, signals, error);
    }
    this.#database?.close();
  }

  async #writeRest(turn: Turn): Promise<void> {
    try {
      await this.#flush(turn);
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
      // The pause between two tries may have been long, and the lock be free by now; but there is no time to wait for it.
      this.#database?.exec('PRAGMA busy_timeout = 0');
      this.#write();
    }
  }

  readonly #flushWhenDue = async (turn: TaskTurn): Promise<TaskAnswer> => {
    const nowMs = this.clock.now();
    if (this.#batch.isDue(nowMs)) await this.#flush(turn);
    if (this.#batch.rows > 0) return turn.reSchedule({ afterMs: this.#ageLeft(nowMs) });
    // Not `tasks.has`: this turn has yet to end, and a row that comes until then must plan another one.
    this.#flushPlanned = false;
    return undefined;
  };

  #ageLeft(nowMs: number): number {
    return Math.max(1, this.#batch.deadlineMs - nowMs);
  }

  /**
   * Writes in the handler of the signal that was due. That signal is counted as handled if its rows stay here, also when the wait
   * for the lock is cancelled: then `exit` writes them. Where it is to be a dead letter its rows go, or it would be both.
   */
  #flushWith(signal: Down, before: number, turn: Turn): Promise<void> | undefined {
    const failed = (error: unknown): void => {
      if (error instanceof CancelledError) return;
      if (this.#signals.at(-1) === signal) {
        this.#signals.pop();
        this.#values.length = before;
      }
      throw error;
    };
    try {
      return this.#flush(turn)?.catch(failed);
    } catch (error) {
      failed(error);
      return undefined;
    }
  }

  /** Undefined when all is written; a promise while another process holds the lock. */
  #flush(turn: Turn): Promise<void> | undefined {
    if (this.#signals.length === 0) return undefined;
    try {
      this.#write();
      return undefined;
    } catch (error) {
      if (sqliteFailureOf(error) !== 'locked') throw error;
      return this.#flushWhenUnlocked(turn, error);
    }
  }

  async #flushWhenUnlocked(turn: Turn, first: unknown): Promise<void> {
    for (let error: unknown = first; ; ) {
      this.locked(error);
      await turn.sleep(this.#options.retryMs);
      // Another turn may have written it meanwhile.
      if (this.#signals.length === 0) return;
      try {
        this.#write();
        return;
      } catch (again) {
        if (sqliteFailureOf(again) !== 'locked') throw again;
        error = again;
      }
    }
  }

  #write(): void {
    this.#insert?.insertMany(this.#values);
    const signals = this.#signals;
    this.#signals = [];
    this.#values = [];
    this.#batch.clear();
    this.stored(signals as Down[]);
  }
}
