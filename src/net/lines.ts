/**
 * Lines: each frame ends with LF, or with CR LF, and the frame is what stands before the line end.
 *
 * Rules that hold: an empty line is an empty frame; a CR that is not right before an LF belongs to the line; the last line
 * may lack its line end, or the LF of it, and is a frame all the same, so nothing is ever left over at the end. CR and LF
 * may come in different chunks. The limit counts the line without its line end. No character set is assumed: frames are
 * bytes.
 *
 * `OpenLine` is the part that the syslog framing shares.
 */
import { FrameTooLargeError, MalformedFrameError } from '../kernel/io-errors.ts';
import {
  type EndOfStream,
  type FrameDecoder,
  type FrameLimit,
  type FramingError,
  resolveFrameLimit,
} from './frame-decoder.ts';
import { PartialFrame } from './partial-frame.ts';

export const LF = 0x0a;
const CR = 0x0d;

/** The line that is being received, between two terminators. For the decoders of this folder. */
export class OpenLine {
  readonly #maxFrameBytes: number;
  readonly #dropsCr: boolean;
  readonly #partial: PartialFrame = new PartialFrame();

  /** `dropsCr`: a CR right before the terminator is part of the terminator. */
  constructor(maxFrameBytes: number, dropsCr: boolean) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#dropsCr = dropsCr;
  }

  get length(): number {
    return this.#partial.length;
  }

  get retainedBytes(): number {
    return this.#partial.retainedBytes;
  }

  /** The terminator stands at `to`: adds the line to `frames`, or returns what is wrong with it. */
  close(chunk: Buffer, from: number, to: number, frames: Buffer[]): FrameTooLargeError | undefined {
    const before = this.#partial.length;
    let end = to;
    let frameBytes = before + to - from;
    if (this.#dropsCr && (to > from ? chunk[to - 1] : this.#partial.lastByte) === CR) {
      frameBytes--;
      end--;
    }
    if (frameBytes > this.#maxFrameBytes) return this.#refuse(frameBytes);
    if (before === 0) {
      frames.push(chunk.subarray(from, end));
      return undefined;
    }
    if (end > from) this.#partial.append(chunk, from, end, frameBytes);
    const line = this.#partial.take();
    frames.push(line.length === frameBytes ? line : line.subarray(0, frameBytes)); // without a CR that was already held
    return undefined;
  }

  /** The line goes on to the end of the chunk and beyond: keeps it, or returns what is wrong with it. */
  extend(chunk: Buffer, from: number): FrameTooLargeError | undefined {
    const held = this.#partial.length + chunk.length - from;
    const mayEndInCr = this.#dropsCr && chunk[chunk.length - 1] === CR;
    const frameBytes = mayEndInCr ? held - 1 : held;
    if (frameBytes > this.#maxFrameBytes) return this.#refuse(frameBytes);
    this.#partial.append(chunk, from, chunk.length);
    return undefined;
  }

  /** The stream has ended: hands over the line, without a CR at its end (half a line end); undefined if none was begun. */
  take(): Buffer | undefined {
    if (this.#partial.length === 0) return undefined;
    const dropped = this.#dropsCr && this.#partial.lastByte === CR ? 1 : 0;
    const line = this.#partial.take();
    return line.subarray(0, line.length - dropped);
  }

  #refuse(frameBytes: number): FrameTooLargeError {
    this.#partial.discard();
    return new FrameTooLargeError(frameBytes, this.#maxFrameBytes);
  }
}

export interface LinesOptions extends FrameLimit {}

/** Checks the options and fills in what is not set. Throws `TT_INVALID_OPTION`. */
function resolveLinesOptions(options: LinesOptions = {}): Required<LinesOptions> {
  return resolveFrameLimit(options);
}

/**
 * Reads text line by line; a line ends with LF or CR LF and is delivered without it. Frames come out in the order of
 * arrival; a line that lies whole in a chunk is a view of the chunk, others are copied. `end` delivers a last line without
 * line end.
 *
 * Fails with `TT_FRAME_TOO_LARGE` as soon as a line, finished or not, passes `maxFrameBytes`; `frameBytes` of the error is
 * the length that was reached. The constructor throws `TT_INVALID_OPTION`.
 */
export class LinesDecoder implements FrameDecoder {
  readonly #maxFrameBytes: number;
  readonly #line: OpenLine;
  #failure: FramingError | undefined;

  constructor(options?: LinesOptions) {
    this.#maxFrameBytes = resolveLinesOptions(options).maxFrameBytes;
    this.#line = new OpenLine(this.#maxFrameBytes, true);
  }

  get failure(): FramingError | undefined {
    return this.#failure;
  }

  get partialBytes(): number {
    return this.#line.length;
  }

  get retainedBytes(): number {
    return this.#line.retainedBytes;
  }

  push(chunk: Buffer): Buffer[] {
    if (this.#failure !== undefined) throw this.#failure;
    const frames: Buffer[] = [];
    const end = chunk.length;
    let at = this.#line.length === 0 ? 0 : this.#readPiece(chunk, 0, frames);
    // The fast path, for lines that lie whole in the chunk. Buffer.from over the memory is faster than subarray.
    const memory = chunk.buffer;
    const origin = chunk.byteOffset;
    while (at < end) {
      const lineEnd = chunk.indexOf(LF, at);
      if (lineEnd === -1) break;
      const frameBytes = lineEnd - at - (lineEnd > at && chunk[lineEnd - 1] === CR ? 1 : 0);
      if (frameBytes > this.#maxFrameBytes) break;
      frames.push(Buffer.from(memory, origin + at, frameBytes));
      at = lineEnd + 1;
    }
    if (at < end) this.#readPiece(chunk, at, frames);
    return frames;
  }

  end(): EndOfStream {
    if (this.#failure !== undefined) throw this.#failure;
    return { frame: this.#line.take(), unfinishedBytes: 0 };
  }

  /** Reads on in one line, from whatever point it has reached, as far as the chunk goes. Returns where it stopped. */
  #readPiece(chunk: Buffer, from: number, frames: Buffer[]): number {
    const lineEnd = chunk.indexOf(LF, from);
    if (lineEnd === -1) this.#failure = this.#line.extend(chunk, from);
    else this.#failure = this.#line.close(chunk, from, lineEnd, frames);
    return lineEnd === -1 || this.#failure !== undefined ? chunk.length : lineEnd + 1;
  }
}

/**
 * One line as bytes for the wire: the message and an LF.
 *
 * Throws `TT_MALFORMED_FRAME` for a message that would not arrive as it is: one that holds an LF (two lines would arrive)
 * or that ends with a CR (it would be taken for part of the line end).
 */
export function encodeLine(payload: Uint8Array): Buffer {
  const lineFeedAt = payload.indexOf(LF);
  if (lineFeedAt !== -1) throw new MalformedFrameError('lines', `the message holds an LF at byte ${lineFeedAt}`);
  if (payload[payload.length - 1] === CR) throw new MalformedFrameError('lines', 'the message ends with a CR');
  const frame = Buffer.allocUnsafe(payload.length + 1);
  frame.set(payload, 0);
  frame[payload.length] = LF;
  return frame;
}
