// Whether another implementation reads what we write: the receiver of `ws`, as a server has it.
import fc from 'fast-check';
import WebSocket from 'ws';
import { MemoryPool } from '../../src/threads/memory-pool.ts';
import { encodeBinaryMessages as encodeInto } from '../../src/threads/websocket-frames.ts';

interface ReceiverLike {
  on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  write(bytes: Buffer, done: () => void): boolean;
}
const { Receiver } = WebSocket as unknown as { Receiver: new (options: { isServer: boolean }) => ReceiverLike };

const pool = new MemoryPool(16 * 1024 * 1024);

/** In memory that is given back at once, so that the next message is written over what this one has left. */
function encodeBinaryMessages(payloads: readonly Uint8Array[]): Buffer {
  const encoded = encodeInto(payloads, pool);
  pool.giveBack(encoded.buffer);
  return Buffer.from(encoded);
}

/** What a server makes of these bytes. */
async function received(bytes: Buffer): Promise<Buffer[]> {
  const receiver = new Receiver({ isServer: true });
  const messages: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    receiver.on('message', (data, isBinary) => {
      if (!isBinary) reject(new Error('not binary'));
      messages.push(Buffer.from(data));
    });
    receiver.on('error', reject);
    receiver.write(bytes, () => setImmediate(resolve));
  });
  return messages;
}

/** `toEqual` goes through a buffer byte by byte. */
function expectSame(messages: readonly Buffer[], payloads: readonly Buffer[]): void {
  expect(messages.map((message) => message.length)).toEqual(payloads.map((bytes) => bytes.length));
  expect(messages.every((message, i) => message.equals(payloads[i]!))).toBe(true);
}

const payload = fc
  .record({
    length: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 65_530, max: 65_540 })),
    shift: fc.nat(7),
  })
  .map(({ length, shift }) => {
    // A view at any alignment of a larger chunk, as frames are.
    const chunk = Buffer.alloc(length + shift);
    for (let i = 0; i < chunk.length; i++) chunk[i] = (i * 31 + length) & 0xff;
    return chunk.subarray(shift);
  });

test('a server reads any messages back, in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(payload, { maxLength: 12 }), async (payloads) => {
      expectSame(await received(encodeBinaryMessages(payloads)), payloads);
    }),
    { numRuns: 200 },
  );
});

test.each([0, 1, 2, 3, 4, 95, 96, 97, 125, 126, 127, 65_535, 65_536, 1_048_576])(
  'a message of %d bytes arrives',
  async (length) => {
    const bytes = Buffer.alloc(length, 7);
    const between = [Buffer.from('before'), bytes, Buffer.from('after')];
    expectSame(await received(encodeBinaryMessages(between)), between);
  },
);

test('each message has a mask of its own, and the payload is not left in clear', () => {
  const clear = Buffer.alloc(64, 0x41);
  const masks = new Set<string>();
  for (let i = 0; i < 5000; i++) {
    const bytes = encodeBinaryMessages([clear]);
    masks.add(bytes.toString('hex', 2, 6));
    expect(bytes.subarray(6).equals(clear)).toBe(bytes.readUInt32BE(2) === 0);
  }
  expect(masks.size).toBeGreaterThan(4990);
});

test.each([0, 1, 2, 3])('a payload that begins %d bytes off a word arrives, alone and as the second', async (shift) => {
  const payload = Buffer.from(Uint8Array.from({ length: 70_000 + shift }, (_, i) => i * 7)).subarray(shift);
  expectSame(await received(encodeBinaryMessages([payload])), [payload]);
  const pair = [Buffer.from('odd'), payload];
  expectSame(await received(encodeBinaryMessages(pair)), pair);
});

test('the messages are all that is in the view, wherever it lies in its memory', () => {
  expect(encodeInto([], pool).length).toBe(0);
  expect(encodeInto([Buffer.alloc(10), Buffer.alloc(200)], pool).length).toBe(6 + 10 + 8 + 200);
});

test('the payloads are left as they are', () => {
  const one = Buffer.from('one'.repeat(100));
  encodeBinaryMessages([one]);
  expect(one.toString()).toBe('one'.repeat(100));
});
