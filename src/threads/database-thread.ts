/**
 * A SQLite database as a thread: gathers rows by count, bytes and age, and commits them in one transaction (`row-batch`
 * decides when, `sqlite` writes). The driver is synchronous: while a batch is committed nothing else runs, which is why a
 * batch is bounded by bytes too.
 */
import { wholeNumber } from '../kernel/check.ts';
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

/**
 * Writes what its parent sends into one table. Extend it with `rowsOf`.
 *
 * Guarantees: a signal's rows are committed in the order sent; when the thread has ended without failing, all rows of all signals
 * that it had taken are committed. While another process holds the lock it waits and tries again, and so does whoever sends to
 * it. Errors: `TT_DATABASE_FAILED`, `TT_MISSING_PACKAGE` from `enter`; `TT_DATABASE_FAILED` fails the thread later.
 */
export abstract class DatabaseThread<in Down> extends TaskThread<Down, never, never> {
  readonly #options: DatabaseOptions;
  readonly #batch: RowBatch;
  readonly #busyTimeoutMs: number;
  #database: SqliteDatabase | undefined;
  #insert: SqliteInsert | undefined;
  #flushPlanned = false;
  #values: SqliteValue[] = [];
  #signals: unknown[] = [];

  constructor(options: DatabaseOptions, threadOptions?: ThreadOptions<Down, never>) {
    super(threadOptions);
    this.#options = options;
    this.#batch = new RowBatch(options.batch);
    this.#busyTimeoutMs = wholeNumber('options.busyTimeoutMs', options.busyTimeoutMs ?? 250, 0, 2 ** 31 - 1);
  }

  /** Appends the values of the signal's rows to `values`, flat, and gives the bytes of each row to `add`. */
  protected abstract rowsOf(signal: Down, values: SqliteValue[], add: (rowBytes: number) => void): void;

  /** These signals are committed. */
  protected stored(_signals: readonly Down[]): void {}

  /** Another process holds the lock; it is tried again. */
  protected locked(_error: unknown): void {}

  protected override async enter(_turn: Turn): Promise<void> {
    const { file, schema, table, columns } = this.#options;
    this.#database = await openSqlite(file);
    this.#database.exec(schema);
    this.#database.exec(`PRAGMA busy_timeout = ${this.#busyTimeoutMs}`);
    this.#insert = this.#database.prepareInsert(table, columns);
  }

  protected override signalHandler(signal: Down, turn: Turn): unknown {
    let due = false;
    const nowMs = this.clock.now();
    this.rowsOf(signal, this.#values, (rowBytes) => {
      if (this.#batch.add(rowBytes, nowMs)) due = true;
    });
    this.#signals.push(signal);
    if (due) return this.#flush(turn);
    if (!this.#flushPlanned) {
      this.#flushPlanned = true;
      this.tasks.reCreate('flush', this.#flushWhenDue, { afterMs: this.#ageLeft(nowMs) });
    }
    return undefined;
  }

  protected override async exit(turn: Turn): Promise<void> {
    await this.#flush(turn);
    this.#database?.close();
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
      await turn.sleep(this.#options.retryMs ?? 1000);
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
