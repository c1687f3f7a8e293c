/**
 * Stores frames, a row each. IN: frames.
 */
import type { Turn } from 'taskthread';
import { DatabaseThread as Database, frameLane, type SqliteValue } from 'taskthread/threads';
import { counted } from './reporter.ts';
import type { Frames, PipelineContext } from './signals.ts';

const SCHEMA = `CREATE TABLE IF NOT EXISTS frames (
  id INTEGER PRIMARY KEY, connection TEXT, sequence INTEGER, received_at INTEGER, payload BLOB
)`;

export class DatabaseThread extends Database<Frames> {
  readonly #context: PipelineContext;
  #isOpen = false;

  constructor(context: PipelineContext, file: string) {
    const columns = ['connection', 'sequence', 'received_at', 'payload'];
    super({ file, schema: SCHEMA, table: 'frames', columns }, { inbox: frameLane });
    this.#context = context;
  }

  protected override async enter(turn: Turn) {
    await super.enter(turn);
    this.#isOpen = true;
  }

  protected override rowsOf(signal: Frames, values: SqliteValue[], add: (rowBytes: number) => void) {
    const { connection, receivedAt, frames } = signal;
    let sequence = signal.firstSequence;
    for (const frame of frames) {
      values.push(connection, sequence++, receivedAt, frame);
      add(frame.length);
    }
  }

  protected override stored(signals: readonly Frames[]) {
    for (const signal of signals) {
      this.#context.totals.stored += signal.frames.length;
      signal.held?.release();
    }
  }

  protected override unwritten(signals: readonly Frames[]) {
    let frames = 0;
    for (const signal of signals) {
      frames += signal.frames.length;
      signal.held?.release();
    }
    const { database } = this.#context.options;
    const text = `${database}: ${counted(frames, 'frame')} taken and not written`;
    this.#context.reporter.say({ event: 'unwritten', file: database, frames, text });
  }

  protected override locked(error: unknown) {
    const why = error instanceof Error ? error.message : String(error);
    // At the start no device may connect yet, so there are no rows.
    const text = `${why}; ${this.#isOpen ? 'the rows are kept and ' : ''}it is tried again`;
    this.#context.reporter.say({ event: 'database-locked', why, text });
  }
}
