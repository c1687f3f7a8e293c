/**
 * The bytes of many binary websocket messages at once, as a client sends them (RFC 6455, section 5: FIN, opcode 2, masked).
 * Pure but for the masks, which are fresh random numbers for each message, as the RFC demands.
 *
 * Ours although `ws` can do it, because a message of 64 bytes costs `ws` a hundred times what its bytes cost, and because it
 * masks byte by byte; everything else of the protocol (handshake, pings, closing, reading) is left to `ws`.
 */
import { randomFillSync } from 'node:crypto';

const FIN_BINARY = 0x82;
const MASKED = 0x80;
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

/** All messages, one after the other, in one buffer. The payloads are copied. */
export function encodeBinaryMessages(payloads: readonly Uint8Array[]): Buffer {
  let bytes = 0;
  for (const payload of payloads) bytes += headerBytesOf(payload.length) + payload.length;
  // Memory of its own: a view of a shared pool would not be aligned to words.
  const out = Buffer.allocUnsafeSlow(bytes);
  const words = new Int32Array(out.buffer, 0, bytes >> 2);
  let at = 0;
  for (const payload of payloads) {
    at = writeHeader(out, at, payload.length);
    if (payload.length < WORDWISE_BYTES) maskByBytes(out, at, payload);
    else maskByWords(out, words, at, payload);
    at += payload.length;
  }
  return out;
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

function maskByBytes(out: Buffer, at: number, payload: Uint8Array): void {
  const a = maskBytes[0]!;
  const b = maskBytes[1]!;
  const c = maskBytes[2]!;
  const d = maskBytes[3]!;
  const { length } = payload;
  const whole = length & ~3;
  let i = 0;
  for (; i < whole; i += 4) {
    out[at + i] = payload[i]! ^ a;
    out[at + i + 1] = payload[i + 1]! ^ b;
    out[at + i + 2] = payload[i + 2]! ^ c;
    out[at + i + 3] = payload[i + 3]! ^ d;
  }
  for (; i < length; i++) out[at + i] = payload[i]! ^ maskBytes[i & 3]!;
}

/** Copies, then masks in place: the bytes up to a word boundary, the words, and the bytes behind them. */
function maskByWords(out: Buffer, words: Int32Array, at: number, payload: Uint8Array): void {
  out.set(payload, at);
  const end = at + payload.length;
  const firstWord = (at + 3) >> 2;
  const lastWord = end >> 2;
  const lead = firstWord * 4 - at;
  for (let i = 0; i < lead; i++) out[at + i]! ^= maskBytes[i & 3]!;
  for (let i = 0; i < 4; i++) rotatedBytes[i] = maskBytes[(lead + i) & 3]!;
  const rotated = rotatedWord[0]!;
  for (let word = firstWord; word < lastWord; word++) words[word]! ^= rotated;
  for (let i = lastWord * 4; i < end; i++) out[i]! ^= maskBytes[(i - at) & 3]!;
}
