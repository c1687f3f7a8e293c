/**
 * The bytes of one frame that is arriving in pieces, in memory of its own: a small tail copied here does not keep the large
 * chunk alive that it came in.
 *
 * Rules that hold: memory follows what has arrived, never what was announced (a peer that announces 16 MiB and sends
 * nothing costs nothing); every growth multiplies, so the bytes moved stay in proportion to the bytes received, for pieces
 * of one byte too. Knows nothing of limits and errors: the decoders check before they append.
 *
 * Refused: a list of pieces joined at the end. It is as fast for 64 KiB pieces, but 8 MiB in pieces of one byte is then
 * eight million objects.
 */

const NOTHING = Buffer.alloc(0);

/** A frame whose length is known gets room for this much at once, so that up to here each byte is copied exactly once. */
const FIRST_BYTES = 16 * 1024;

export class PartialFrame {
  #bytes: Buffer = NOTHING;
  #length = 0;

  /** Bytes that have arrived. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of memory that are held. */
  get retainedBytes(): number {
    return this.#bytes.length;
  }

  /** The last byte that has arrived, undefined when none has. */
  get lastByte(): number | undefined {
    return this.#length === 0 ? undefined : this.#bytes[this.#length - 1];
  }

  /** Copies `chunk[from, to)` behind what is here. `finalBytes` is the length of the whole frame, where it is known. */
  append(chunk: Buffer, from: number, to: number, finalBytes?: number): void {
    const needed = this.#length + to - from;
    if (needed > this.#bytes.length) {
      // Doubling bounds what a line retains by twice its length. A known length is never exceeded, so it can grow faster.
      const capacity = finalBytes === undefined ? 2 * needed : Math.min(finalBytes, Math.max(FIRST_BYTES, 4 * needed));
      const larger = Buffer.allocUnsafe(capacity);
      if (this.#length > 0) this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    chunk.copy(this.#bytes, this.#length, from, to);
    this.#length = needed;
  }

  /** Hands over the bytes, which are no longer held here afterwards. */
  take(): Buffer {
    const frame = this.#length === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, this.#length);
    this.discard();
    return frame;
  }

  discard(): void {
    this.#bytes = NOTHING;
    this.#length = 0;
  }
}
