/**
 * For the tests of framing: streams cut at any points, decoders run over them, and a meter for the bytes that are copied
 * and searched. The meter is what guards linear time: it counts instead of timing, and it stops a run that is over its
 * budget (a quadratic one would not end within a day).
 */
import * as fc from 'fast-check';
import type { EndOfStream, FrameDecoder } from '../../src/net/framing.ts';

/** Each chunk gets memory of its own, as chunks from a socket have. */
export function ownChunk(bytes: Uint8Array | string): Buffer {
  const source = Buffer.from(bytes as Uint8Array);
  const chunk = Buffer.from(new ArrayBuffer(source.length));
  source.copy(chunk);
  return chunk;
}

/** Cuts a stream at the given places (in any order, also outside the stream and repeated: then there are empty chunks). */
export function cutAt(stream: Buffer, places: readonly number[]): Buffer[] {
  const sorted = places.map((place) => Math.min(place, stream.length)).sort((a, b) => a - b);
  const chunks: Buffer[] = [];
  let from = 0;
  for (const to of [...sorted, stream.length]) {
    chunks.push(ownChunk(stream.subarray(from, to)));
    from = to;
  }
  return chunks;
}

/** Cuts a stream into pieces of one size; the last may be shorter. */
export function cutInto(stream: Buffer, pieceBytes: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < stream.length; at += pieceBytes) chunks.push(ownChunk(stream.subarray(at, at + pieceBytes)));
  return chunks;
}

/** Frames as hexadecimal text, so that a failed comparison can be read. */
export function hex(frames: readonly Uint8Array[]): string[] {
  return frames.map((frame) => Buffer.from(frame).toString('hex'));
}

/** Frames as Latin-1 text. */
export function words(frames: readonly Buffer[]): string[] {
  return frames.map((frame) => frame.toString('latin1'));
}

/** Pushes all chunks and gathers the frames. */
export function pushAll(decoder: FrameDecoder, chunks: readonly Buffer[]): Buffer[] {
  const frames: Buffer[] = [];
  for (const chunk of chunks) frames.push(...decoder.push(chunk));
  return frames;
}

/** Pushes chunks until all are in or the decoder fails, as a connection would. */
export function pushUntilFailure(decoder: FrameDecoder, chunks: readonly Buffer[]): Buffer[] {
  const frames: Buffer[] = [];
  for (const chunk of chunks) {
    frames.push(...decoder.push(chunk));
    if (decoder.failure !== undefined) break;
  }
  return frames;
}

/** What `end` told, as words: `nothing`, `frame "abc"`, `3 bytes unfinished`. */
export function describeEnd(end: EndOfStream): string {
  if (end.frame !== undefined) return `frame ${JSON.stringify(end.frame.toString('latin1'))}`;
  return end.unfinishedBytes === 0 ? 'nothing' : `${end.unfinishedBytes} bytes unfinished`;
}

/** The error that a call throws; fails if it throws none. */
export function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('expected the call to throw, but it did not');
}

/** Lists of short messages of any bytes, empty ones too. */
export const anyFrames: fc.Arbitrary<Uint8Array[]> = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 });

/** Places to cut a stream at: from one chunk to a chunk per byte. */
export const anyCuts: fc.Arbitrary<number[]> = fc.array(fc.nat({ max: 900 }), { maxLength: 60 });

export interface BytesMetered {
  copied: number;
  searched: number;
}

/** Runs `work` and counts the bytes that Buffer methods copy and search in it. Throws when a count passes `budget`. */
export function meterBytes(budget: number, work: () => void): BytesMetered {
  const metered: BytesMetered = { copied: 0, searched: 0 };
  const add = (what: keyof BytesMetered, bytes: number): void => {
    metered[what] += bytes;
    if (metered[what] > budget) throw new Error(`more than ${budget} bytes ${what}: this is not linear`);
  };
  // oxlint-disable typescript/unbound-method -- put back as they were, and called with `call`
  const { copy, indexOf } = Buffer.prototype;
  const { set, slice } = Uint8Array.prototype;
  const { concat, from } = Buffer;
  // oxlint-enable typescript/unbound-method
  Buffer.prototype.copy = function (this: Buffer, ...given: Parameters<typeof copy>) {
    const bytes = copy.apply(this, given);
    add('copied', bytes);
    return bytes;
  };
  Buffer.prototype.indexOf = function (this: Buffer, value: number, start?: number, encoding?: BufferEncoding) {
    const found = indexOf.call(this, value, start, encoding);
    const stop = found === -1 ? this.length : found + 1;
    add('searched', stop - (start ?? 0));
    return found;
  } as typeof indexOf;
  Uint8Array.prototype.set = function (this: Uint8Array, source, offset) {
    add('copied', source.length);
    set.call(this, source, offset);
  };
  Uint8Array.prototype.slice = function (this: Uint8Array, start, end) {
    const copied = slice.call(this, start, end);
    add('copied', copied.length);
    return copied;
  } as typeof slice;
  Buffer.concat = ((list: readonly Uint8Array[], total?: number) => {
    const joined = concat(list, total);
    add('copied', joined.length);
    return joined;
  }) as typeof concat;
  Buffer.from = ((value: never, ...rest: never[]) => {
    if (ArrayBuffer.isView(value)) add('copied', (value as Uint8Array).length);
    return (from as (...given: never[]) => Buffer)(value, ...rest);
  }) as typeof from;
  try {
    work();
  } finally {
    Object.assign(Buffer.prototype, { copy, indexOf });
    Object.assign(Uint8Array.prototype, { set, slice });
    Object.assign(Buffer, { concat, from });
  }
  return metered;
}
