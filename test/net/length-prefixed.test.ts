import * as fc from 'fast-check';
import { InvalidOptionError } from '../../src/kernel/errors.ts';
import { FrameTooLargeError } from '../../src/kernel/io-errors.ts';
import {
  encodeLengthPrefixed,
  LengthPrefixedDecoder,
  type LengthPrefixedOptions,
  lengthPrefix,
} from '../../src/net/length-prefixed.ts';
import {
  anyCuts,
  anyFrames,
  cutAt,
  cutInto,
  describeEnd,
  hex,
  meterBytes,
  ownChunk,
  pushAll,
  pushUntilFailure,
  thrownBy,
  words,
} from './chunking.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Chunks written as text; `\x00\x00\x00\x05` and so on for the header. */
function chunksOf(...texts: string[]): Buffer[] {
  return texts.map((text) => ownChunk(Buffer.from(text, 'latin1')));
}

const HELLO = '\x00\x00\x00\x05hello';
const EMPTY = '\x00\x00\x00\x00';

describe('length-prefixed frames', () => {
  test.each<[string, Buffer[], string[]]>([
    ['a whole frame in one chunk', chunksOf(HELLO), ['hello']],
    ['several frames in one chunk', chunksOf(HELLO + HELLO), ['hello', 'hello']],
    ['an empty frame', chunksOf(EMPTY), ['']],
    ['an empty frame between others', chunksOf(HELLO + EMPTY + HELLO), ['hello', '', 'hello']],
    ['an empty frame as soon as the last header byte comes', chunksOf('\x00\x00\x00', '\x00'), ['']],
    ['a header in four chunks', chunksOf('\x00', '\x00', '\x00', '\x05hello'), ['hello']],
    ['a payload in several chunks', chunksOf('\x00\x00\x00\x05h', 'el', 'lo'), ['hello']],
    ['header and payload in chunks of their own', chunksOf('\x00\x00\x00\x05', 'hello'), ['hello']],
    ['the end of one frame and the next one whole', chunksOf('\x00\x00\x00\x05hel', `lo${HELLO}`), ['hello', 'hello']],
    ['empty chunks in between', chunksOf('', '\x00\x00\x00\x05he', '', 'llo', ''), ['hello']],
    ['a length that needs all four bytes', chunksOf('\x00\x01\x02\x03', 'x'.repeat(0x010203)), ['x'.repeat(0x010203)]],
  ])('reads %s', (_what, chunks, expected) => {
    const decoder = new LengthPrefixedDecoder();
    expect(words(pushAll(decoder, chunks))).toEqual(expected);
    expect(describeEnd(decoder.end())).toBe('nothing');
  });

  test('gives back any frames, however the stream is cut', () => {
    fc.assert(
      fc.property(anyFrames, anyCuts, (frames, cuts) => {
        const decoder = new LengthPrefixedDecoder();
        const stream = Buffer.concat(frames.map(encodeLengthPrefixed));
        expect(hex(pushAll(decoder, cutAt(stream, cuts)))).toEqual(hex(frames));
        expect(describeEnd(decoder.end())).toBe('nothing');
      }),
    );
  });

  test('accounts at every moment for every byte that it was given', () => {
    fc.assert(
      fc.property(anyFrames, anyCuts, (frames, cuts) => {
        const decoder = new LengthPrefixedDecoder();
        let unaccounted = 0;
        for (const chunk of cutAt(Buffer.concat(frames.map(encodeLengthPrefixed)), cuts)) {
          unaccounted += chunk.length;
          for (const frame of decoder.push(chunk)) unaccounted -= 4 + frame.length;
          expect(decoder.partialBytes).toBe(unaccounted);
        }
      }),
    );
  });
});

describe('memory of length-prefixed frames', () => {
  test('a frame that lies whole in a chunk is a view of it', () => {
    const chunk = ownChunk(Buffer.from(HELLO + HELLO, 'latin1'));
    const frames = new LengthPrefixedDecoder().push(chunk);
    expect(frames.map((frame) => frame.buffer === chunk.buffer)).toEqual([true, true]);
    expect(frames.map((frame) => frame.byteOffset)).toEqual([4, 13]);
  });

  test('a view is right in a chunk that is itself a view', () => {
    const memory = ownChunk(Buffer.from(`...${HELLO}${HELLO}...`, 'latin1'));
    const frames = new LengthPrefixedDecoder().push(memory.subarray(3, 21));
    expect(words(frames)).toEqual(['hello', 'hello']);
    expect(frames.map((frame) => frame.byteOffset)).toEqual([7, 16]);
  });

  test('a payload whose header came in an earlier chunk is a view too', () => {
    const [header, payload] = chunksOf('\x00\x00\x00\x05', 'hello!');
    const decoder = new LengthPrefixedDecoder();
    decoder.push(header!);
    const [frame] = decoder.push(payload!);
    expect(frame!.buffer === payload!.buffer).toBe(true);
    expect(frame!.byteOffset).toBe(0);
  });

  test('a frame that spans chunks holds none of them', () => {
    const chunks = chunksOf('\x00\x00\x00\x05hel', 'lo');
    const decoder = new LengthPrefixedDecoder();
    expect(decoder.push(chunks[0]!)).toEqual([]);
    chunks[0]!.fill('#');
    const [frame] = decoder.push(chunks[1]!);
    chunks[1]!.fill('#');
    expect(words([frame!])).toEqual(['hello']);
  });

  test('what the decoder does next leaves a delivered frame alone', () => {
    const decoder = new LengthPrefixedDecoder();
    const [first] = pushAll(decoder, chunksOf('\x00\x00\x00\x05hel', 'lo'));
    pushAll(decoder, chunksOf('\x00\x00\x00\x05HEL', 'LO'));
    expect(words([first!])).toEqual(['hello']);
  });

  test('an announced length reserves nothing', () => {
    const decoder = new LengthPrefixedDecoder();
    decoder.push(lengthPrefix(16 * MIB));
    expect(decoder.retainedBytes).toBe(0);
    decoder.push(ownChunk('x'));
    expect(decoder.retainedBytes).toBeLessThanOrEqual(16 * KIB);
    expect(decoder.partialBytes).toBe(5);
  });

  test('memory stays within four times of what has arrived, and ends at the length of the frame', () => {
    const decoder = new LengthPrefixedDecoder();
    const piece = Buffer.alloc(10_000, 1);
    decoder.push(lengthPrefix(200 * 10_000));
    for (let pieces = 1; pieces < 200; pieces++) {
      decoder.push(piece);
      expect(decoder.retainedBytes).toBeGreaterThanOrEqual(pieces * 10_000);
      expect(decoder.retainedBytes).toBeLessThanOrEqual(4 * pieces * 10_000);
    }
    const [frame] = decoder.push(piece);
    expect(frame!.buffer.byteLength).toBe(200 * 10_000);
    expect(decoder.retainedBytes).toBe(0);
  });

  test('a frame of up to 16 KiB is copied exactly once', () => {
    const chunks = cutInto(encodeLengthPrefixed(Buffer.alloc(16 * KIB)), 1000);
    const decoder = new LengthPrefixedDecoder();
    expect(meterBytes(MIB, () => pushAll(decoder, chunks))).toEqual({ copied: 16 * KIB, searched: 0 });
  });

  test.each([
    ['64 KiB', 8 * MIB, 64 * KIB],
    ['1 byte', MIB / 4, 1],
  ])('copies a frame that comes in pieces of %s in linear time', (_pieces, frameBytes, pieceBytes) => {
    const chunks = cutInto(encodeLengthPrefixed(Buffer.alloc(frameBytes, 7)), pieceBytes);
    const decoder = new LengthPrefixedDecoder();
    const frames: Buffer[] = [];
    meterBytes(2.4 * frameBytes, () => frames.push(...pushAll(decoder, chunks)));
    expect(frames.map((frame) => frame.length)).toEqual([frameBytes]);
    expect(frames[0]!.equals(Buffer.alloc(frameBytes, 7))).toBe(true);
  });

  test('reads 200,000 tiny frames from one chunk without copying a byte', () => {
    const chunk = Buffer.concat(Array.from({ length: 200_000 }, () => Buffer.from([0, 0, 0, 1, 42])));
    const decoder = new LengthPrefixedDecoder();
    let count = 0;
    const metered = meterBytes(0, () => {
      count = decoder.push(chunk).length;
    });
    expect(count).toBe(200_000);
    expect(metered).toEqual({ copied: 0, searched: 0 });
  });
});

describe('length-prefixed frames that are too large', () => {
  test('a frame of exactly maxFrameBytes is accepted', () => {
    const decoder = new LengthPrefixedDecoder({ maxFrameBytes: 5 });
    expect(words(pushAll(decoder, chunksOf(HELLO, '\x00\x00\x00', '\x05hel', 'lo')))).toEqual(['hello', 'hello']);
    expect(decoder.failure).toBeUndefined();
  });

  test.each([
    ['in one chunk', ['\x00\x00\x00\x06']],
    ['in pieces', ['\x00', '\x00\x00', '\x06']],
    ['together with its payload', ['\x00\x00\x00\x06hello!']],
  ])('a header that comes %s is refused as soon as it is whole', (_how, texts) => {
    const decoder = new LengthPrefixedDecoder({ maxFrameBytes: 5 });
    expect(pushAll(decoder, chunksOf(...texts))).toEqual([]);
    expect(decoder.failure).toBeInstanceOf(FrameTooLargeError);
    expect(decoder.failure).toMatchObject({ code: 'TT_FRAME_TOO_LARGE', frameBytes: 6, maxFrameBytes: 5 });
  });

  test.each([
    [0x7fff_ffff, '\x7f\xff\xff\xff'],
    [0x8000_0000, '\x80\x00\x00\x00'],
    [0xffff_ffff, '\xff\xff\xff\xff'],
  ])('the length %d is read as it is, not as a negative number', (frameBytes, header) => {
    for (const chunks of [chunksOf(header), chunksOf(header.slice(0, 2), header.slice(2))]) {
      const decoder = new LengthPrefixedDecoder();
      pushAll(decoder, chunks);
      expect(decoder.failure).toMatchObject({ frameBytes, maxFrameBytes: 16 * MIB });
    }
  });

  test('frames before the offending one are delivered, however the stream is cut', () => {
    fc.assert(
      fc.property(anyFrames, anyCuts, (frames, cuts) => {
        const decoder = new LengthPrefixedDecoder({ maxFrameBytes: 40 });
        const stream = Buffer.concat([...frames.map(encodeLengthPrefixed), lengthPrefix(41), Buffer.alloc(50)]);
        expect(hex(pushUntilFailure(decoder, cutAt(stream, cuts)))).toEqual(hex(frames));
        expect(decoder.failure).toMatchObject({ frameBytes: 41, maxFrameBytes: 40 });
      }),
    );
  });

  test('a decoder that has failed says so at every further call and holds nothing', () => {
    const decoder = new LengthPrefixedDecoder({ maxFrameBytes: 5 });
    expect(words(decoder.push(chunksOf(`${HELLO}\x00\x00\x00\x06${HELLO}`)[0]!))).toEqual(['hello']);
    const { failure } = decoder;
    expect(thrownBy(() => decoder.push(chunksOf(HELLO)[0]!))).toBe(failure);
    expect(thrownBy(() => decoder.end())).toBe(failure);
    expect(decoder.failure).toBe(failure);
    expect([decoder.partialBytes, decoder.retainedBytes]).toEqual([0, 0]);
  });
});

describe('the end of a length-prefixed stream', () => {
  test.each([
    ['nothing', [''], 'nothing'],
    ['whole frames', [HELLO, HELLO], 'nothing'],
    ['half a header', [HELLO, '\x00\x00'], '2 bytes unfinished'],
    ['a header without payload', ['\x00\x00\x00\x05'], '4 bytes unfinished'],
    ['a header and a part of the payload', [HELLO, '\x00\x00\x00\x05hel'], '7 bytes unfinished'],
  ])('after %s it tells what is left', (_what, texts, expected) => {
    const decoder = new LengthPrefixedDecoder();
    pushAll(decoder, chunksOf(...texts));
    expect(describeEnd(decoder.end())).toBe(expected);
    expect([decoder.partialBytes, decoder.retainedBytes]).toEqual([0, 0]);
    expect(words(decoder.push(chunksOf(HELLO)[0]!))).toEqual(['hello']);
  });
});

describe('the options of the length-prefixed decoder', () => {
  test.each<[string, object, string]>([
    ['a limit of 0', { maxFrameBytes: 0 }, 'options.maxFrameBytes'],
    ['a limit that four bytes cannot announce', { maxFrameBytes: 2 ** 32 }, 'options.maxFrameBytes'],
    ['a fraction', { maxFrameBytes: 1.5 }, 'options.maxFrameBytes'],
    ['a limit as text', { maxFrameBytes: '5' }, 'options.maxFrameBytes'],
    ['null', { maxFrameBytes: null }, 'options.maxFrameBytes'],
    ['a misspelt name', { maxFrameByte: 5 }, 'options.maxFrameByte'],
  ])('%s is refused', (_what, options, field) => {
    const error = thrownBy(() => new LengthPrefixedDecoder(options as LengthPrefixedOptions));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ code: 'TT_INVALID_OPTION', field });
  });

  test('without options the limit is 16 MiB', () => {
    const decoder = new LengthPrefixedDecoder();
    decoder.push(lengthPrefix(16 * MIB));
    expect(decoder.failure).toBeUndefined();
    const other = new LengthPrefixedDecoder({});
    other.push(lengthPrefix(16 * MIB + 1));
    expect(other.failure).toMatchObject({ frameBytes: 16 * MIB + 1, maxFrameBytes: 16 * MIB });
  });
});

describe('encoding with a length prefix', () => {
  test('puts four bytes, big-endian, in front of a copy of the payload', () => {
    const payload = Buffer.alloc(0x0102, 'x');
    const frame = encodeLengthPrefixed(payload);
    payload.fill('#');
    expect(frame.toString('latin1')).toBe(`\x00\x00\x01\x02${'x'.repeat(0x0102)}`);
  });

  test('lengthPrefix gives the four bytes alone', () => {
    expect(hex([lengthPrefix(0), lengthPrefix(0x0102_0304), lengthPrefix(0xffff_ffff)])).toEqual([
      '00000000',
      '01020304',
      'ffffffff',
    ]);
  });

  test('a length that four bytes cannot tell is refused', () => {
    const expected = { code: 'TT_FRAME_TOO_LARGE', frameBytes: 2 ** 32, maxFrameBytes: 2 ** 32 - 1 };
    expect(thrownBy(() => lengthPrefix(2 ** 32))).toMatchObject(expected);
    const impossiblyLong = { length: 2 ** 32 } as Uint8Array; // no Node 20 can allocate one
    expect(thrownBy(() => encodeLengthPrefixed(impossiblyLong))).toMatchObject(expected);
  });
});
