/**
 * What every framing has in common: the shape of a decoder and of an encoder, what the end of a stream may leave, and the
 * one limit all of them share.
 *
 * Rules that hold for every decoder:
 * - Pure: bytes in, frames out. No socket, no timer, no waiting; the stream that feeds it is elsewhere.
 * - Nothing is lost silently. Frames that were whole before an error in the same chunk are returned, the error stands in
 *   `failure`; bytes of a half frame at the end are counted by `end`.
 * - A frame that lies whole in one chunk is a view of that chunk (so the chunk must not be written to afterwards, and stays
 *   in memory as long as one of its frames does). A frame that spans chunks has memory of its own; no chunk is held for it.
 * - The time taken is in proportion to the bytes, however they are cut into chunks.
 *
 * Not here: the framings (a file each) and the choice between them by name (`framing.ts`).
 */
import { knownFields, wholeNumber } from '../kernel/check.ts';
import type { FrameTooLargeError, MalformedFrameError } from '../kernel/io-errors.ts';

/** What can be wrong with the bytes that a peer sends. */
export type FramingError = FrameTooLargeError | MalformedFrameError;

/** What was left when the stream ended. */
export interface EndOfStream {
  /** The last frame, where the framing allows it to end with the stream (a last line without line end). */
  readonly frame: Buffer | undefined;
  /** Bytes of a half frame that can never become whole, header bytes included. 0 when the stream ended between frames. */
  readonly unfinishedBytes: number;
}

/**
 * Cuts a stream of bytes into messages ("frames"). Feed it each chunk in the order of arrival, and call `end` once the peer
 * has sent its last byte. One decoder serves one connection.
 */
export interface FrameDecoder {
  /**
   * Takes the next bytes of the stream and returns the frames that they complete, oldest first (often none).
   *
   * If the bytes break the framing, the frames before the offence are returned and `failure` is set: look at it after
   * each push. From then on the decoder is dead, because it cannot know where the next frame begins.
   *
   * @throws the `failure` of an earlier push: `TT_FRAME_TOO_LARGE` or `TT_MALFORMED_FRAME`.
   */
  push(chunk: Buffer): Buffer[];

  /**
   * Tells what the end of the stream leaves: a last frame, or a number of bytes that never became one. Afterwards the
   * decoder is as new.
   *
   * @throws the `failure` of an earlier push: `TT_FRAME_TOO_LARGE` or `TT_MALFORMED_FRAME`.
   */
  end(): EndOfStream;

  /** Why no more frames can be read, or undefined while all is well. */
  readonly failure: FramingError | undefined;

  /** Bytes received of the frame that is not yet whole, header bytes included. 0 between frames. */
  readonly partialBytes: number;

  /**
   * Bytes of memory held for the frame that is not yet whole. More than has arrived, because of room to grow, but never
   * more than 4 times as much (or 16 KiB), whatever length was announced. No chunk is held.
   */
  readonly retainedBytes: number;
}

/** Turns one message into the bytes that go on the wire. Always copies, so the message may be written to afterwards. */
export type FrameEncoder = (payload: Uint8Array) => Buffer;

/** Options that every framing has. */
export interface FrameLimit {
  /** The longest frame that is accepted, in bytes, without header or line end. From 1 to 4 GiB - 1; 16 MiB if not set. */
  readonly maxFrameBytes?: number;
}

const DEFAULT_MAX_FRAME_BYTES = 16 * 1024 * 1024;
/** The largest number that four bytes can announce. */
export const LARGEST_FRAME_BYTES = 0xffff_ffff;

/** Checks the options that every framing has, and fills in what is not set. */
export function resolveFrameLimit(options: FrameLimit): Required<FrameLimit> {
  knownFields('options', options, ['maxFrameBytes']);
  const { maxFrameBytes = DEFAULT_MAX_FRAME_BYTES } = options;
  return { maxFrameBytes: wholeNumber('options.maxFrameBytes', maxFrameBytes, 1, LARGEST_FRAME_BYTES) };
}
