// Reads back what the pipeline stored, and checks it as a destination would: content, order per connection, hash.
//
// Works while the pipeline still writes (the file is in WAL mode). Rows are read a page at a time, so that a file of any
// size fits into memory.
import { existsSync } from 'node:fs';
import { type CheckCounts, FrameCheck, Pattern } from './frames.ts';

const PAGE_BYTES = 8 << 20;
const PAGE_ROWS = 2000;

/** The little of node:sqlite and libsql that reading needs. */
export interface ReadDatabase {
  exec(sql: string): void;
  prepare(sql: string): { all(...values: unknown[]): unknown[]; get(...values: unknown[]): unknown };
  close(): void;
}

/** One row of the table `frames`. */
export interface Row {
  readonly id: number;
  readonly connection: string;
  readonly sequence: number;
  /** libsql gives the buffer itself, node:sqlite a view. */
  readonly payload: Uint8Array | ArrayBuffer;
}

/** What the table holds. `counts` is by the frames' own numbers, `misnumbered` counts rows whose column says otherwise. */
export interface Stored {
  readonly counts: CheckCounts;
  readonly digest: string;
  readonly misnumbered: number;
  /** Different values of the column `connection`. */
  readonly connectionNames: number;
  /** The highest sequence per device connection. */
  readonly lasts: ReadonlyMap<number, number>;
}

/** Opens a SQLite file with the driver that is there: node:sqlite, else libsql. */
export async function openDatabase(file: string): Promise<ReadDatabase> {
  const builtin: string = 'node:sqlite'; // not known to the types of the oldest Node that we run on
  const Database = await import(builtin).then(
    (module) => module.DatabaseSync,
    () => import('libsql').then((module) => module.default),
  );
  const db = new Database(file) as ReadDatabase;
  db.exec('PRAGMA busy_timeout = 5000');
  return db;
}

/** How many rows are there by now; 0 as long as there is no table. Cheap enough to poll. */
export class RowCounter {
  readonly #file: string;
  #closed = false;
  #db: ReadDatabase | undefined;
  #statement: ReturnType<ReadDatabase['prepare']> | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /** The highest id, which counts the rows of a table that was empty at first; 0 again after `close`. */
  async count(): Promise<number> {
    if (this.#closed || (this.#statement === undefined && !existsSync(this.#file))) return 0;
    this.#db ??= await openDatabase(this.#file);
    try {
      this.#statement ??= this.#db.prepare('SELECT max(id) AS rows FROM frames');
    } catch {
      return 0; // no table yet
    }
    return (this.#statement.get() as { rows: number | null }).rows ?? 0;
  }

  close(): void {
    this.#closed = true;
    this.#db?.close();
    this.#db = undefined;
    this.#statement = undefined;
  }
}

/** Reads all rows in the order of their ids and checks them against what devices with this seed send. */
export async function readStored(file: string, { seed = 1, digests = true } = {}): Promise<Stored> {
  const check = new FrameCheck(new Pattern(seed), { digests });
  const names = new Set<string>();
  let misnumbered = 0;
  for await (const row of rowsOf(file)) {
    const payload = bytesOf(row);
    names.add(row.connection);
    if (payload.length < 8 || payload.readUInt32BE(4) !== row.sequence) misnumbered++;
    check.add(payload);
  }
  const lasts = check.lasts();
  return { counts: check.counts(), digest: check.digest(), misnumbered, connectionNames: names.size, lasts };
}

/** A row's payload, not copied. */
export function bytesOf({ payload }: Row): Buffer {
  if (!ArrayBuffer.isView(payload)) return Buffer.from(payload);
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}

/** The rows of the table `frames`, a page at a time. */
export async function* rowsOf(file: string): AsyncGenerator<Row> {
  const db = await openDatabase(file);
  try {
    const average = db.prepare('SELECT avg(length(payload)) AS bytes FROM (SELECT payload FROM frames LIMIT 1000)');
    const bytes = (average.get() as { bytes: number | null }).bytes ?? 1;
    const limit = Math.max(1, Math.min(PAGE_ROWS, Math.floor(PAGE_BYTES / Math.max(bytes, 1))));
    const page = db.prepare('SELECT id, connection, sequence, payload FROM frames WHERE id > ? ORDER BY id LIMIT ?');
    for (let last = 0; ; ) {
      const rows = page.all(last, limit) as Row[];
      yield* rows;
      if (rows.length === 0) return;
      last = rows.at(-1)!.id;
    }
  } finally {
    db.close();
  }
}
