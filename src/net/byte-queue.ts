/**
 * Bytes that have come and have not been taken, as the chunks that they came in. What lies in one chunk is handed out as a
 * view; only what spans chunks is copied. Knows nothing of limits: who fills it bounds it.
 *
 * Small chunks are gathered, so that a peer that sends byte by byte costs bytes and not objects.
 */
import { RingBuffer } from '../kernel/ring-buffer.ts';

const NO_BYTES: Buffer = Buffer.alloc(0);

const SMALL_BYTES = 1024;
const GATHERED_BYTES = 4096;

/** How far a search has come. Good until something is taken from the queue. */
export interface SearchPosition {
  chunk: number;
  /** Within the chunk. */
  offset: number;
  /** Bytes in the chunks before it. */
  before: number;
}

export class ByteQueue {
  #chunks: RingBuffer<Buffer> | undefined;
  #length = 0;
  /** The memory that the newest chunk is a view of, while it has room for more. */
  #gathering: Buffer | undefined;
  #gathered = 0;

  /** In bytes. */
  get length(): number {
    return this.#length;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks ??= new RingBuffer();
    this.#length += chunk.length;
    if (chunk.length < SMALL_BYTES && this.#gather(this.#chunks, chunk)) return;
    this.#gathering = undefined;
    this.#chunks.push(chunk);
  }

  /** Takes up to `maxBytes` of the oldest chunk; never copies. Of an empty queue, no bytes. */
  takeSome(maxBytes: number): Buffer {
    const first = this.#chunks?.at(0);
    if (this.#chunks === undefined || first === undefined) return NO_BYTES;
    if (first.length <= maxBytes) {
      this.#chunks.shift();
      this.#length -= first.length;
      return first;
    }
    this.#chunks.replace(0, first.subarray(maxBytes));
    this.#length -= maxBytes;
    return first.subarray(0, maxBytes);
  }

  /** Takes exactly so many bytes, at most `length`. */
  take(bytes: number): Buffer {
    const first = this.takeSome(bytes);
    if (first.length === bytes) return first;
    const parts = [first];
    for (let rest = bytes - first.length; rest > 0; ) {
      const part = this.takeSome(rest);
      parts.push(part);
      rest -= part.length;
    }
    return Buffer.concat(parts, bytes);
  }

  /** Moves as many bytes as fit into `target`, and says how many. */
  takeInto(target: Uint8Array): number {
    const bytes = Math.min(target.length, this.#length);
    for (let filled = 0; filled < bytes; ) {
      const part = this.takeSome(bytes - filled);
      target.set(part, filled);
      filled += part.length;
    }
    return bytes;
  }

  /** How many bytes there are up to and with the next such byte after `position`, which moves on; -1 if there is none. */
  find(byte: number, position: SearchPosition): number {
    for (;;) {
      const chunk = this.#chunks?.at(position.chunk);
      if (chunk === undefined) return -1;
      const found = chunk.indexOf(byte, position.offset);
      if (found >= 0) {
        position.offset = found + 1;
        return position.before + found + 1;
      }
      position.offset = chunk.length;
      // The newest chunk may still grow by gathering.
      if (this.#chunks?.at(position.chunk + 1) === undefined) return -1;
      position.before += chunk.length;
      position.chunk++;
      position.offset = 0;
    }
  }

  clear(): void {
    this.#chunks = undefined;
    this.#gathering = undefined;
    this.#length = 0;
  }

  #gather(chunks: RingBuffer<Buffer>, chunk: Buffer): boolean {
    const newest = chunks.at(chunks.length - 1);
    if (newest === undefined || newest.length + chunk.length > GATHERED_BYTES) return false;
    let memory = this.#gathering;
    if (memory === undefined) {
      if (newest.length >= SMALL_BYTES) return false;
      memory = Buffer.allocUnsafeSlow(GATHERED_BYTES);
      memory.set(newest);
      this.#gathered = newest.length;
      this.#gathering = memory;
    }
    if (this.#gathered + chunk.length > memory.length) return false;
    memory.set(chunk, this.#gathered);
    const start = this.#gathered - newest.length;
    this.#gathered += chunk.length;
    chunks.replace(chunks.length - 1, memory.subarray(start, this.#gathered));
    return true;
  }
}
