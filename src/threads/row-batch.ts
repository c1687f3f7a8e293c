/**
 * When gathered rows should be written: by their number, by their bytes, by the age of the oldest. Holds numbers only; the
 * rows, the timer and the write are the caller's, who also says what time it is.
 *
 * Rules that hold: the row that reaches a limit belongs to the batch it fills, so a batch has at most `maxRows` rows and fewer
 * than `maxBytes` plus one row of bytes; no row waits longer than `maxAgeMs` if the caller flushes at `deadlineMs`.
 */
import { knownFields, milliseconds, wholeNumber } from '../kernel/check.ts';

export interface RowBatchOptions {
  /** Default 2000. */
  readonly maxRows?: number;
  /** Default 4 MiB: about what a commit can write without holding up the event loop for long. */
  readonly maxBytes?: number;
  /** How long the oldest row may wait for company. Default 10. */
  readonly maxAgeMs?: number;
}

export interface ResolvedRowBatchOptions {
  readonly maxRows: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

export function resolveRowBatchOptions(options: RowBatchOptions = {}): ResolvedRowBatchOptions {
  knownFields('options', options, ['maxRows', 'maxBytes', 'maxAgeMs']);
  return {
    maxRows: wholeNumber('maxRows', options.maxRows ?? 2000, 1),
    maxBytes: wholeNumber('maxBytes', options.maxBytes ?? 4 * 1024 * 1024, 1),
    maxAgeMs: milliseconds('maxAgeMs', options.maxAgeMs ?? 10),
  };
}

/** Decides when a batch of rows is to be written. */
export class RowBatch {
  readonly #limits: ResolvedRowBatchOptions;
  #rows = 0;
  #bytes = 0;
  #deadlineMs = Number.POSITIVE_INFINITY;

  constructor(options?: RowBatchOptions) {
    this.#limits = resolveRowBatchOptions(options);
  }

  get rows(): number {
    return this.#rows;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** When the batch is due by its age, in the caller's time; infinity while it is empty. Set by the first row, then fixed. */
  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  /** Counts one row in. True: write the batch now, this row included, then `clear()`. */
  add(rowBytes: number, nowMs: number): boolean {
    if (this.#rows === 0) this.#deadlineMs = nowMs + this.#limits.maxAgeMs;
    this.#rows++;
    this.#bytes += rowBytes;
    return this.#rows >= this.#limits.maxRows || this.#bytes >= this.#limits.maxBytes || nowMs >= this.#deadlineMs;
  }

  /** Whether the batch is due by its age. */
  isDue(nowMs: number): boolean {
    return nowMs >= this.#deadlineMs;
  }

  /** The rows have been written (or given up): the next one starts a new batch. */
  clear(): void {
    this.#rows = 0;
    this.#bytes = 0;
    this.#deadlineMs = Number.POSITIVE_INFINITY;
  }
}
