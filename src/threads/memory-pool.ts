/**
 * Memory that is used again and again: what is written to sockets needs it for milliseconds. Fresh memory is dear there, because
 * the system must find and clear each page of it (256 page faults for 1 MiB), and the collector must take it away.
 *
 * Rules that hold: what was taken belongs to its taker until it gives it back; never more than `maxBytes` wait here, and the
 * one given back last is the first to go out again, because its pages are still in the caches. Memory that is never given
 * back costs nothing but its reuse.
 */

/** Sizes are rounded up, so that messages of nearly one size can use each other's memory. */
const GRAIN_BYTES = 16 * 1024;
/** Memory so many times larger than what is asked for stays for those who need it. */
const SPARE_FACTOR = 4;

export class MemoryPool {
  readonly #maxBytes: number;
  readonly #idle: ArrayBuffer[] = [];
  #idleBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that wait to be used again. */
  get idleBytes(): number {
    return this.#idleBytes;
  }

  /** At least so many bytes, with whatever they held before. */
  take(bytes: number): ArrayBuffer {
    const idle = this.#idle;
    for (let i = idle.length - 1; i >= 0; i--) {
      const memory = idle[i]!;
      if (memory.byteLength < bytes || memory.byteLength > SPARE_FACTOR * Math.max(bytes, GRAIN_BYTES)) continue;
      idle.splice(i, 1);
      this.#idleBytes -= memory.byteLength;
      return memory;
    }
    // Not `new ArrayBuffer`, which would clear it; and not the pool of Node, which is never words-aligned.
    return Buffer.allocUnsafeSlow(Math.ceil(Math.max(bytes, 1) / GRAIN_BYTES) * GRAIN_BYTES).buffer as ArrayBuffer;
  }

  /** Nobody else may hold a view of it any more. */
  giveBack(memory: ArrayBuffer): void {
    if (memory.byteLength > this.#maxBytes) return;
    this.#idle.push(memory);
    this.#idleBytes += memory.byteLength;
    while (this.#idleBytes > this.#maxBytes) this.#idleBytes -= this.#idle.shift()!.byteLength;
  }
}
