/**
 * Frames with their length in front: four bytes, big-endian, that count the payload and not themselves.
 *
 *     | 00 00 00 05 | h e l l o | 00 00 00 00 | 00 00 00 02 | h i |
 *
 * Rules that hold: a length of 0 is a frame; a length over the limit is an error as soon as its fourth byte is there; an
 * announced length reserves no memory (see `partial-frame.ts`). Every length is well formed, so nothing is ever malformed.
 */
import { FrameTooLargeError } from '../kernel/io-errors.ts';
import {
  type EndOfStream,
  type FrameDecoder,
  type FrameLimit,
  type FramingError,
  LARGEST_FRAME_BYTES,
  resolveFrameLimit,
} from './frame-decoder.ts';
import { PartialFrame } from './partial-frame.ts';

const HEADER_BYTES = 4;

export interface LengthPrefixedOptions extends FrameLimit {}

/** Checks the options and fills in what is not set. Throws `TT_INVALID_OPTION`. */
function resolveLengthPrefixedOptions(options: LengthPrefixedOptions = {}): Required<LengthPrefixedOptions> {
  return resolveFrameLimit(options);
}

/**
 * Reads messages that come with their length in front (4 bytes, big-endian), a framing that carries any bytes. Frames come
 * out in the order of arrival; one that lies whole in a chunk is a view of the chunk, others are copied.
 *
 * Fails with `TT_FRAME_TOO_LARGE` when a frame announces more than `maxFrameBytes`; `frameBytes` of the error is the
 * announced length. The constructor throws `TT_INVALID_OPTION`.
 */
export class LengthPrefixedDecoder implements FrameDecoder {
  readonly #maxFrameBytes: number;
  readonly #partial: PartialFrame = new PartialFrame();
  #headerBytes = 0; // how much of the header has come: 4 means that `#announced` is whole and the payload is awaited
  #announced = 0;
  #failure: FramingError | undefined;

  constructor(options?: LengthPrefixedOptions) {
    this.#maxFrameBytes = resolveLengthPrefixedOptions(options).maxFrameBytes;
  }

  get failure(): FramingError | undefined {
    return this.#failure;
  }

  get partialBytes(): number {
    return this.#headerBytes + this.#partial.length;
  }

  get retainedBytes(): number {
    return this.#partial.retainedBytes;
  }

  push(chunk: Buffer): Buffer[] {
    if (this.#failure !== undefined) throw this.#failure;
    const frames: Buffer[] = [];
    const end = chunk.length;
    let at = this.#headerBytes === 0 ? 0 : this.#readPiece(chunk, 0, frames);
    // The fast path, for frames that lie whole in the chunk. Byte arithmetic and Buffer.from over the memory are each a
    // tenth faster than readUInt32BE and subarray, which check their arguments anew.
    const memory = chunk.buffer;
    const origin = chunk.byteOffset;
    const max = this.#maxFrameBytes;
    while (end - at >= HEADER_BYTES) {
      // The first byte is multiplied, because shifting it would make lengths of 2 GiB and more negative.
      const size = chunk[at]! * 0x100_0000 + ((chunk[at + 1]! << 16) | (chunk[at + 2]! << 8) | chunk[at + 3]!);
      const payloadAt = at + HEADER_BYTES;
      if (size > max || size > end - payloadAt) break;
      frames.push(Buffer.from(memory, origin + payloadAt, size));
      at = payloadAt + size;
    }
    if (at < end) this.#readPiece(chunk, at, frames);
    return frames;
  }

  end(): EndOfStream {
    if (this.#failure !== undefined) throw this.#failure;
    const unfinishedBytes = this.partialBytes;
    this.#startFrame();
    return { frame: undefined, unfinishedBytes };
  }

  /** Reads on in one frame, from whatever point it has reached, as far as the chunk goes. Returns where it stopped. */
  #readPiece(chunk: Buffer, from: number, frames: Buffer[]): number {
    const end = chunk.length;
    let at = from;
    if (this.#headerBytes < HEADER_BYTES) {
      while (this.#headerBytes < HEADER_BYTES && at < end) {
        this.#announced = this.#announced * 256 + chunk[at++]!;
        this.#headerBytes++;
      }
      if (this.#headerBytes < HEADER_BYTES) return end;
      if (this.#announced > this.#maxFrameBytes) {
        this.#failure = new FrameTooLargeError(this.#announced, this.#maxFrameBytes);
        this.#startFrame();
        return end;
      }
    }
    const payloadEnd = at + this.#announced - this.#partial.length;
    if (payloadEnd > end) {
      if (at < end) this.#partial.append(chunk, at, end, this.#announced);
      return end;
    }
    if (this.#partial.length === 0) {
      frames.push(chunk.subarray(at, payloadEnd));
    } else {
      this.#partial.append(chunk, at, payloadEnd, this.#announced);
      frames.push(this.#partial.take());
    }
    this.#startFrame();
    return payloadEnd;
  }

  #startFrame(): void {
    this.#headerBytes = 0;
    this.#announced = 0;
    if (this.#partial.length > 0) this.#partial.discard();
  }
}

/** The four bytes that go in front of a payload of that length. Throws `TT_FRAME_TOO_LARGE` from 4 GiB on. */
export function lengthPrefix(payloadBytes: number): Buffer {
  if (payloadBytes > LARGEST_FRAME_BYTES) throw new FrameTooLargeError(payloadBytes, LARGEST_FRAME_BYTES);
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt32BE(payloadBytes);
  return header;
}

/**
 * One message as bytes for the wire: its length in 4 bytes, big-endian, and then the message, in one buffer. To send a
 * large message without copying it, write `lengthPrefix(message.length)` and the message one after the other.
 *
 * Throws `TT_FRAME_TOO_LARGE` for a message of 4 GiB or more.
 */
export function encodeLengthPrefixed(payload: Uint8Array): Buffer {
  const payloadBytes = payload.length;
  if (payloadBytes > LARGEST_FRAME_BYTES) throw new FrameTooLargeError(payloadBytes, LARGEST_FRAME_BYTES);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payloadBytes);
  frame.writeUInt32BE(payloadBytes);
  frame.set(payload, HEADER_BYTES);
  return frame;
}
