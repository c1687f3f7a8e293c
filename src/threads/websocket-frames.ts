/**
 * The bytes of many binary websocket messages at once, as a client sends them (RFC 6455, section 5: FIN, opcode 2, masked).
 * Pure but for the masks, which are fresh random numbers for each message, as the RFC demands.
 *
 * Ours although `ws` can do it, because a message of 64 bytes costs `ws` a hundred times what its bytes cost, and because it
 * masks byte by byte; everything else of the protocol (handshake, pings, closing, reading) is left to `ws`.
 */
import { randomFillSync } from 'node:crypto';
import type { MemoryPool } from './memory-pool.ts';

const FIN_BINARY = 0x82;
const MASKED = 0x80;
const WORD_BYTES = 4;
/** From here on a copy and a pass over words is quicker than a pass over bytes. */
const WORDWISE_BYTES = 96;
const MASKS_PER_FILL = 2048;

const masks = new Int32Array(MASKS_PER_FILL);
let nextMask = MASKS_PER_FILL;
/** One mask as bytes and as a word, in the order of this machine. */
const maskWord = new Int32Array(1);
const maskBytes = new Uint8Array(maskWord.buffer);
const rotatedWord = new Int32Array(1);
const rotatedBytes = new Uint8Array(rotatedWord.buffer);

/** All messages, one after the other, in memory of the pool: give its `buffer` back when they are written. Copies the payloads. */
export function encodeBinaryMessages(payloads: readonly Uint8Array[], pool: MemoryPool): Buffer<ArrayBuffer> {
  let bytes = 0;
  for (const payload of payloads) bytes += headerBytesOf(payload.length) + payload.length;
  const memory = pool.take(bytes + WORD_BYTES);
  // So that the words of the first payload lie as they do where it comes from: a large one travels alone.
  const first = payloads[0];
  const shift = first === undefined ? 0 : (first.byteOffset - headerBytesOf(first.length)) & (WORD_BYTES - 1);
  const out = Buffer.from(memory, 0, shift + bytes);
  let words: Int32Array | undefined;
  let at = shift;
  for (const payload of payloads) {
    at = writeHeader(out, at, payload.length);
    if (payload.length < WORDWISE_BYTES) maskByBytes(out, at, payload, 0, payload.length);
    else {
      words ??= new Int32Array(memory);
      maskByWords(out, words, at, payload);
    }
    at += payload.length;
  }
  return out.subarray(shift) as Buffer<ArrayBuffer>;
}

function headerBytesOf(length: number): number {
  return length < 126 ? 6 : length < 65_536 ? 8 : 14;
}

/** Writes the header with a fresh mask; answers where the payload begins. */
function writeHeader(out: Buffer, start: number, length: number): number {
  let at = start;
  out[at++] = FIN_BINARY;
  if (length < 126) out[at++] = MASKED | length;
  else if (length < 65_536) {
    out[at++] = MASKED | 126;
    out[at++] = length >>> 8;
    out[at++] = length;
  } else {
    out[at++] = MASKED | 127;
    at = out.writeBigUInt64BE(BigInt(length), at);
  }
  if (nextMask === MASKS_PER_FILL) {
    randomFillSync(masks);
    nextMask = 0;
  }
  maskWord[0] = masks[nextMask++]!;
  out[at++] = maskBytes[0]!;
  out[at++] = maskBytes[1]!;
  out[at++] = maskBytes[2]!;
  out[at++] = maskBytes[3]!;
  return at;
}

/** Payload bytes `[from, to)` go masked to where the payload begins in `out`, and on. */
function maskByBytes(out: Buffer, at: number, payload: Uint8Array, from: number, to: number): void {
  const a = maskBytes[from & 3]!;
  const b = maskBytes[(from + 1) & 3]!;
  const c = maskBytes[(from + 2) & 3]!;
  const d = maskBytes[(from + 3) & 3]!;
  const whole = from + ((to - from) & ~3);
  let i = from;
  for (; i < whole; i += 4) {
    out[at + i] = payload[i]! ^ a;
    out[at + i + 1] = payload[i + 1]! ^ b;
    out[at + i + 2] = payload[i + 2]! ^ c;
    out[at + i + 3] = payload[i + 3]! ^ d;
  }
  for (; i < to; i++) out[at + i] = payload[i]! ^ maskBytes[i & 3]!;
}

/** The bytes up to a word boundary of `out`, the words, and the bytes behind them. */
function maskByWords(out: Buffer, words: Int32Array, at: number, payload: Uint8Array): void {
  const firstWord = (at + 3) >> 2;
  const count = ((at + payload.length) >> 2) - firstWord;
  const lead = firstWord * WORD_BYTES - at;
  for (let i = 0; i < WORD_BYTES; i++) rotatedBytes[i] = maskBytes[(lead + i) & 3]!;
  const rotated = rotatedWord[0]!;
  const source = payload.byteOffset + lead;
  maskByBytes(out, at, payload, 0, lead);
  if ((source & (WORD_BYTES - 1)) === 0) {
    const from = new Int32Array(payload.buffer, source, count);
    for (let i = 0; i < count; i++) words[firstWord + i] = from[i]! ^ rotated;
  } else {
    // The words of the two lie across each other.
    out.set(payload.subarray(lead, lead + count * WORD_BYTES), firstWord * WORD_BYTES);
    for (let i = firstWord; i < firstWord + count; i++) words[i]! ^= rotated;
  }
  maskByBytes(out, at, payload, lead + count * WORD_BYTES, payload.length);
}
