/**
 * Syslog over TCP (RFC 6587). Two framings are in use, and each message tells by its first byte which one it has:
 *
 *     octet counting (3.4.1)     31 <13>Nov 21 22:21:56 vm x: hello       first byte 1-9: <digits> SP <that many bytes>
 *     non-transparent (3.4.2)    <13>Nov 21 22:21:56 vm x: hello LF       any other first byte: up to the trailer
 *
 * Rules that hold:
 * - What was counted is delivered as it is, also an LF or NUL at its end that the sender has counted: octet counting is the
 *   framing that carries any bytes. The count has no leading zero and stops being read once it is over the limit.
 * - A trailer is LF, with a CR before it that is dropped; or NUL, if the option says so. Either, never both.
 * - A trailer directly behind a counted message belongs to it and is no message (some senders append an LF that they do not
 *   count). Any other empty message is delivered.
 * - The end of the stream ends a non-transparent message. It does not end a counted one: that is reported as unfinished.
 *
 * Checked against: util-linux logger 2.38 (`--tcp`: LF; `--tcp --octet-count`: no trailer at all), rsyslog's receiver
 * (detects per message, drops empty messages, keeps an unterminated last one, discards a short counted one), Python's
 * SysLogHandler over TCP (NUL as trailer), a Cisco device in a
 * published packet dump (115 counted bytes and then an LF that is not counted).
 *
 * Not here: what a message says (RFC 5424, RFC 3164).
 */
import { knownFields, oneOf } from '../kernel/check.ts';
import { FrameTooLargeError, MalformedFrameError } from '../kernel/io-errors.ts';
import {
  type EndOfStream,
  type FrameDecoder,
  type FrameLimit,
  type FramingError,
  resolveFrameLimit,
} from './frame-decoder.ts';
import { LF, OpenLine } from './lines.ts';
import { PartialFrame } from './partial-frame.ts';

const NUL = 0x00;
const SP = 0x20;
const DIGIT_0 = 0x30;
const DIGIT_1 = 0x31;
const DIGIT_9 = 0x39;

const TRAILERS = ['lf', 'nul'] as const;

export interface SyslogOptions extends FrameLimit {
  /** What ends a message that is not counted: `lf` (LF or CR LF, the default) or `nul` (a zero byte, as Python sends). */
  readonly trailer?: 'lf' | 'nul';
}

/** Checks the options and fills in what is not set. Throws `TT_INVALID_OPTION`. */
function resolveSyslogOptions(options: SyslogOptions = {}): Required<SyslogOptions> {
  knownFields('options', options, ['maxFrameBytes', 'trailer']);
  const { trailer = 'lf', ...limit } = options;
  return { ...resolveFrameLimit(limit), trailer: oneOf('options.trailer', trailer, TRAILERS) };
}

/** Where in the stream the next byte stands. */
type Place = 'first byte' | 'count' | 'counted message' | 'line';

/**
 * Reads syslog messages from a TCP stream, whichever of the two framings of RFC 6587 the sender uses, and even if it mixes
 * them. Frames come out in the order of arrival, without count and trailer; one that lies whole in a chunk is a view of the
 * chunk, others are copied. `end` delivers a last message without trailer.
 *
 * Fails with `TT_FRAME_TOO_LARGE` when a count is over `maxFrameBytes` (`frameBytes` of the error is the count as far as it
 * was read) or an uncounted message grows over it, and with `TT_MALFORMED_FRAME` when a count is followed by anything but a
 * space. The constructor throws `TT_INVALID_OPTION`.
 */
export class SyslogDecoder implements FrameDecoder {
  readonly #maxFrameBytes: number;
  readonly #trailer: number;
  readonly #line: OpenLine;
  readonly #partial: PartialFrame = new PartialFrame();
  #place: Place = 'first byte';
  #count = 0;
  #headerBytes = 0; // digits and space
  #afterCounted = false; // the message before this one was counted
  #failure: FramingError | undefined;

  constructor(options?: SyslogOptions) {
    const { maxFrameBytes, trailer } = resolveSyslogOptions(options);
    this.#maxFrameBytes = maxFrameBytes;
    this.#trailer = trailer === 'lf' ? LF : NUL;
    this.#line = new OpenLine(maxFrameBytes, trailer === 'lf');
  }

  get failure(): FramingError | undefined {
    return this.#failure;
  }

  get partialBytes(): number {
    return this.#headerBytes + this.#partial.length + this.#line.length;
  }

  get retainedBytes(): number {
    return this.#partial.retainedBytes + this.#line.retainedBytes;
  }

  push(chunk: Buffer): Buffer[] {
    if (this.#failure !== undefined) throw this.#failure;
    const frames: Buffer[] = [];
    let at = 0;
    while (at < chunk.length && this.#failure === undefined) {
      if (this.#place === 'first byte') {
        const first = chunk[at]!;
        this.#place = first >= DIGIT_1 && first <= DIGIT_9 ? 'count' : 'line';
      }
      if (this.#place === 'count') at = this.#readCount(chunk, at);
      else if (this.#place === 'counted message') at = this.#readCounted(chunk, at, frames);
      else at = this.#readLine(chunk, at, frames);
    }
    return frames;
  }

  end(): EndOfStream {
    if (this.#failure !== undefined) throw this.#failure;
    const unfinishedBytes = this.#headerBytes + this.#partial.length;
    const last = this.#line.take();
    const isStrayTrailer = this.#afterCounted && last?.length === 0;
    this.#startMessage(false);
    return { frame: isStrayTrailer ? undefined : last, unfinishedBytes };
  }

  #readCount(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (byte === SP) {
        this.#headerBytes++;
        this.#place = 'counted message';
        return at + 1;
      }
      if (byte < DIGIT_0 || byte > DIGIT_9) {
        const found = `0x${byte.toString(16).padStart(2, '0')}`;
        this.#fail(new MalformedFrameError('syslog', `the octet count ${this.#count} is followed by ${found}`));
        break;
      }
      this.#headerBytes++;
      this.#count = this.#count * 10 + byte - DIGIT_0;
      // This also bounds the digits: a count does not begin with 0, so each digit makes it larger.
      if (this.#count > this.#maxFrameBytes) {
        this.#fail(new FrameTooLargeError(this.#count, this.#maxFrameBytes, true));
        break;
      }
    }
    return chunk.length;
  }

  #readCounted(chunk: Buffer, from: number, frames: Buffer[]): number {
    const messageEnd = from + this.#count - this.#partial.length;
    if (messageEnd > chunk.length) {
      this.#partial.append(chunk, from, chunk.length, this.#count);
      return chunk.length;
    }
    if (this.#partial.length === 0) {
      frames.push(chunk.subarray(from, messageEnd));
    } else {
      this.#partial.append(chunk, from, messageEnd, this.#count);
      frames.push(this.#partial.take());
    }
    this.#startMessage(true);
    return messageEnd;
  }

  #readLine(chunk: Buffer, from: number, frames: Buffer[]): number {
    const trailerAt = chunk.indexOf(this.#trailer, from);
    if (trailerAt === -1) {
      this.#failure = this.#line.extend(chunk, from);
      return chunk.length;
    }
    this.#failure = this.#line.close(chunk, from, trailerAt, frames);
    if (this.#afterCounted && frames.at(-1)?.length === 0) frames.pop(); // that was its trailer
    this.#startMessage(false);
    return trailerAt + 1;
  }

  #fail(error: FramingError): void {
    this.#failure = error;
    this.#startMessage(false);
  }

  #startMessage(afterCounted: boolean): void {
    this.#place = 'first byte';
    this.#count = 0;
    this.#headerBytes = 0;
    this.#afterCounted = afterCounted;
    this.#partial.discard();
  }
}

/**
 * One syslog message as bytes for the wire, with its length in front (octet counting, RFC 6587 section 3.4.1), so that it
 * may hold any bytes. For a receiver that knows only LF, use `encodeLine`.
 *
 * Throws `TT_MALFORMED_FRAME` for an empty message: a count of 0 does not exist.
 */
export function encodeSyslog(payload: Uint8Array): Buffer {
  if (payload.length === 0) throw new MalformedFrameError('syslog', 'an empty message cannot be counted');
  const header = `${payload.length} `;
  const frame = Buffer.allocUnsafe(header.length + payload.length);
  frame.write(header, 'latin1');
  frame.set(payload, header.length);
  return frame;
}
