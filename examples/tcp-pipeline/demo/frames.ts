// The frames that simulated devices send, made so that whoever receives one can check it cheaply and alone.
//
//   0..3  number of the device's connection (uint32, big-endian)
//   4..7  sequence within that connection, from 1 (uint32, big-endian)
//   8..   a stretch of one pseudo-random block, beginning where (connection, sequence) say
//
// Making a frame is one copy and checking it one memory compare against the same block, because devices and receivers
// share the machine with the pipeline that they load. `FrameCheck` verifies content and order; `StreamDigest` is the hash
// of a connection's frames in their order, for the ends that compare two accounts without sharing a process.
import { createHash } from 'node:crypto';

const HEADER_BYTES = 8;
export const MIN_FRAME_BYTES = HEADER_BYTES;
export const PREFIX_BYTES = 4;
const BLOCK_BYTES = 128 * 1024;

/** The pseudo-random block and the two ends of it: `fill` writes a frame, `differs` says what is wrong with one. */
export class Pattern {
  readonly #block: Buffer;

  constructor(seed: number) {
    const words = new Uint32Array(BLOCK_BYTES / 4);
    let state = seed >>> 0 || 1;
    for (let i = 0; i < words.length; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      words[i] = state;
    }
    this.#block = Buffer.from(words.buffer);
  }

  /** Writes the frame into `target[at .. at + size)`. */
  fill(target: Buffer, at: number, size: number, connection: number, sequence: number): void {
    target.writeUInt32BE(connection, at);
    target.writeUInt32BE(sequence, at + 4);
    const end = at + size;
    let from = start(connection, sequence);
    for (let to = at + HEADER_BYTES; to < end; from = 0) {
      to += this.#block.copy(target, to, from, Math.min(BLOCK_BYTES, from + end - to));
    }
  }

  /** True if anything behind the frame's header is not what `fill` wrote. */
  differs(frame: Buffer): boolean {
    let from = start(frame.readUInt32BE(0), frame.readUInt32BE(4));
    for (let at = HEADER_BYTES; at < frame.length; from = 0) {
      const length = Math.min(BLOCK_BYTES - from, frame.length - at);
      if (this.#block.compare(frame, at, at + length, from, from + length) !== 0) return true;
      at += length;
    }
    return false;
  }
}

function start(connection: number, sequence: number): number {
  const mixed = Math.imul(connection + 1, 0x9e3779b1) ^ Math.imul(sequence, 0x85ebca6b);
  return ((mixed ^ (mixed >>> 15)) >>> 0) % BLOCK_BYTES;
}

/** What a receiver has found so far. `unique` counts frames, `repeats` what came again; the rest must be 0. */
export interface CheckCounts {
  readonly messages: number;
  readonly bytes: number;
  readonly unique: number;
  readonly repeats: number;
  /** Frames that never came before a later one of their connection did. */
  readonly missing: number;
  /** Frames that did not follow their predecessor within one carrier (one websocket, one table). */
  readonly outOfOrder: number;
  /** Frames that are too short or not what the device sent. */
  readonly corrupt: number;
  readonly connections: number;
}

/** A check in a form that can be written down. */
export interface CheckMemory {
  readonly lasts: readonly (readonly [connection: number, last: number])[];
  readonly missing: number;
  readonly outOfOrder: number;
  readonly corrupt: number;
}

/** Where one receiver is with one connection. */
interface Progress {
  last: number;
  carrier: number;
  previous: number;
  readonly digest: StreamDigest | undefined;
}

/** Verifies a stream of frames: content, and order per connection; across reconnects it tells a repeat from a gap. */
export class FrameCheck {
  readonly #pattern: Pattern;
  readonly #digests: boolean;
  readonly #connections = new Map<number, Progress>();
  #messages = 0;
  #bytes = 0;
  #unique = 0;
  #repeats = 0;
  #missing = 0;
  #outOfOrder = 0;
  #corrupt = 0;

  constructor(pattern: Pattern, { digests = false } = {}) {
    this.#pattern = pattern;
    this.#digests = digests;
  }

  /** Takes what came over `carrier`: within one carrier sequences go up by one, a new carrier may repeat some. */
  add(frame: Buffer, carrier = 0): void {
    this.#messages++;
    this.#bytes += frame.length;
    if (frame.length < MIN_FRAME_BYTES || this.#pattern.differs(frame)) {
      this.#corrupt++;
      return;
    }
    const sequence = frame.readUInt32BE(4);
    const progress = this.#progressOf(frame.readUInt32BE(0));
    if (progress.carrier === carrier && sequence !== progress.previous + 1) this.#outOfOrder++;
    progress.carrier = carrier;
    progress.previous = sequence;
    if (sequence <= progress.last) {
      this.#repeats++;
      return;
    }
    this.#unique++;
    this.#missing += sequence - progress.last - 1;
    progress.last = sequence;
    progress.digest?.add(frame);
  }

  /** Begins where an earlier receiver left off, with the faults that it had seen. */
  resume(memory: CheckMemory): void {
    for (const [connection, last] of memory.lasts) {
      this.#unique += last;
      this.#progressOf(connection).last = last;
    }
    this.#unique -= memory.missing;
    this.#missing += memory.missing;
    this.#outOfOrder += memory.outOfOrder;
    this.#corrupt += memory.corrupt;
  }

  /** What a later receiver needs in order to go on. */
  memory(): CheckMemory {
    return {
      lasts: [...this.lasts()],
      missing: this.#missing,
      outOfOrder: this.#outOfOrder,
      corrupt: this.#corrupt,
    };
  }

  /** The highest sequence per connection. */
  lasts(): Map<number, number> {
    return new Map([...this.#connections].map(([connection, { last }]) => [connection, last]));
  }

  get messages(): number {
    return this.#messages;
  }

  get unique(): number {
    return this.#unique;
  }

  /** What cannot be right whatever comes later. */
  get faults(): number {
    return this.#missing + this.#outOfOrder + this.#corrupt;
  }

  counts(): CheckCounts {
    return {
      messages: this.#messages,
      bytes: this.#bytes,
      unique: this.#unique,
      repeats: this.#repeats,
      missing: this.#missing,
      outOfOrder: this.#outOfOrder,
      corrupt: this.#corrupt,
      connections: this.#connections.size,
    };
  }

  /** One digest over all connections' digests, in the order of their numbers. Ends the hashing. */
  digest(): string {
    const ended = [...this.#connections].map(([connection, { digest }]) => [connection, digest?.end() ?? ''] as const);
    return combineDigests(new Map(ended));
  }

  #progressOf(connection: number): Progress {
    let progress = this.#connections.get(connection);
    if (progress === undefined) {
      progress = { last: 0, carrier: -1, previous: 0, digest: this.#digests ? new StreamDigest() : undefined };
      this.#connections.set(connection, progress);
    }
    return progress;
  }
}

/** SHA-256 over length-prefixed frames in their order; small frames are gathered, so that few calls reach the hash. */
export class StreamDigest {
  readonly #hash = createHash('sha256');
  readonly #gathered = Buffer.allocUnsafe(16 * 1024);
  #filled = 0;

  add(frame: Buffer): void {
    if (this.#filled + PREFIX_BYTES + frame.length > this.#gathered.length) this.#flush();
    this.#filled = this.#gathered.writeUInt32BE(frame.length, this.#filled);
    if (this.#filled + frame.length <= this.#gathered.length) {
      this.#filled += frame.copy(this.#gathered, this.#filled);
    } else {
      this.#flush();
      this.#hash.update(frame);
    }
  }

  /** Takes bytes that are length-prefixed already. */
  addPrefixed(bytes: Buffer): void {
    this.#flush();
    this.#hash.update(bytes);
  }

  end(): string {
    this.#flush();
    return this.#hash.digest('hex');
  }

  #flush(): void {
    if (this.#filled > 0) this.#hash.update(this.#gathered.subarray(0, this.#filled));
    this.#filled = 0;
  }
}

/** One digest for many connections: equal if and only if each of them is. */
export function combineDigests(digests: ReadonlyMap<number, string>): string {
  const hash = createHash('sha256');
  for (const [connection, digest] of [...digests].sort(([a], [b]) => a - b)) hash.update(`${connection}:${digest}\n`);
  return hash.digest('hex');
}
