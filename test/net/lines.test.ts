import * as fc from 'fast-check';
import { InvalidOptionError } from '../../src/kernel/errors.ts';
import { FrameTooLargeError } from '../../src/kernel/io-errors.ts';
import { encodeLine, LinesDecoder, type LinesOptions } from '../../src/net/lines.ts';
import {
  anyCuts,
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

const MIB = 1024 * 1024;

/** Lines of the bytes that matter and a few others, of the kind that a receiver gets back as they are. */
const anyLines: fc.Arbitrary<Buffer[]> = fc.array(
  fc
    .string({ unit: fc.constantFrom('a', 'b', '\r', '\0', '<', '1', ' ', '\xff'), maxLength: 12 })
    .filter((line) => !line.endsWith('\r'))
    .map((line) => Buffer.from(line, 'latin1')),
  { maxLength: 20 },
);

describe('lines', () => {
  test.each<[string, string[], string[], string]>([
    ['a line with LF', ['one\n'], ['one'], 'nothing'],
    ['a line with CR LF', ['one\r\n'], ['one'], 'nothing'],
    ['both kinds mixed', ['one\r\ntwo\nthree\r\n'], ['one', 'two', 'three'], 'nothing'],
    ['empty lines', ['\n\r\n\n'], ['', '', ''], 'nothing'],
    ['CR and LF in different chunks', ['one\r', '\ntwo\n'], ['one', 'two'], 'nothing'],
    ['CR and LF of an empty line in different chunks', ['\r', '\n'], [''], 'nothing'],
    ['a CR, then LF, each alone', ['one', '\r', '\n'], ['one'], 'nothing'],
    ['a line over several chunks', ['o', 'n', 'e\ntw', 'o\n'], ['one', 'two'], 'nothing'],
    ['a line and its LF in different chunks', ['one', '\n'], ['one'], 'nothing'],
    ['empty chunks in between', ['on', '', 'e', '\n', ''], ['one'], 'nothing'],
    ['a CR inside a line', ['o\rne\n'], ['o\rne'], 'nothing'],
    ['a CR at the end of a chunk inside a line', ['o\r', 'ne\n'], ['o\rne'], 'nothing'],
    ['two CRs before the LF, of which one is the line', ['one\r\r\n'], ['one\r'], 'nothing'],
    ['two CRs before the LF, over chunks', ['one\r', '\r\n'], ['one\r'], 'nothing'],
    ['a last line without line end', ['one\ntwo'], ['one'], 'frame "two"'],
    ['a last line with half a line end', ['one\ntwo\r'], ['one'], 'frame "two"'],
    ['a last line that is half a line end', ['one\n\r'], ['one'], 'frame ""'],
    ['no bytes at all', [''], [], 'nothing'],
  ])('reads %s', (_what, texts, expected, end) => {
    const decoder = new LinesDecoder();
    const frames = pushAll(
      decoder,
      texts.map((text) => ownChunk(text)),
    );
    expect(words(frames)).toEqual(expected);
    expect(describeEnd(decoder.end())).toBe(end);
    expect([decoder.partialBytes, decoder.retainedBytes]).toEqual([0, 0]);
  });

  test('gives back any lines, however the stream is cut', () => {
    fc.assert(
      fc.property(anyLines, anyCuts, (lines, cuts) => {
        const decoder = new LinesDecoder();
        const stream = Buffer.concat(lines.map(encodeLine));
        expect(hex(pushAll(decoder, cutAt(stream, cuts)))).toEqual(hex(lines));
        expect(describeEnd(decoder.end())).toBe('nothing');
      }),
    );
  });

  test('finds the same lines with CR LF, and a last line without line end', () => {
    fc.assert(
      fc.property(anyLines, anyCuts, (lines, cuts) => {
        const decoder = new LinesDecoder();
        const stream = Buffer.concat([...lines.flatMap((line) => [line, Buffer.from('\r\n')]), Buffer.from('last')]);
        expect(hex(pushAll(decoder, cutAt(stream, cuts)))).toEqual(hex(lines));
        expect(describeEnd(decoder.end())).toBe('frame "last"');
      }),
    );
  });
});

describe('memory of lines', () => {
  test('a line that lies whole in a chunk is a view of it', () => {
    const memory = ownChunk('...one\r\ntwo\n...');
    const frames = new LinesDecoder().push(memory.subarray(3, 12));
    expect(words(frames)).toEqual(['one', 'two']);
    expect(frames.map((frame) => frame.buffer === memory.buffer)).toEqual([true, true]);
    expect(frames.map((frame) => frame.byteOffset)).toEqual([3, 8]);
  });

  test('a line after one that spans chunks is a view again', () => {
    const [first, second] = [ownChunk('on'), ownChunk('e\ntwo\n')];
    const frames = pushAll(new LinesDecoder(), [first, second]);
    expect(words(frames)).toEqual(['one', 'two']);
    expect(frames.map((frame) => frame.buffer === second.buffer)).toEqual([false, true]);
    expect(frames[1]!.byteOffset).toBe(2);
  });

  test('a line that spans chunks holds none of them', () => {
    const [first, second] = [ownChunk('on'), ownChunk('e\n')];
    const decoder = new LinesDecoder();
    decoder.push(first);
    first.fill('#');
    const frames = decoder.push(second);
    second.fill('#');
    expect(words(frames)).toEqual(['one']);
  });

  test('the small tail of a large chunk is copied and does not hold the chunk', () => {
    const decoder = new LinesDecoder();
    decoder.push(ownChunk(`${'x'.repeat(65_000)}\n${'tail'.repeat(5)}`));
    expect(decoder.partialBytes).toBe(20);
    expect(decoder.retainedBytes).toBeGreaterThanOrEqual(20);
    expect(decoder.retainedBytes).toBeLessThanOrEqual(40);
  });

  test('a line holds at most twice its length', () => {
    const decoder = new LinesDecoder();
    for (let pieces = 1; pieces <= 100; pieces++) {
      decoder.push(ownChunk('x'.repeat(997)));
      expect(decoder.partialBytes).toBe(pieces * 997);
      expect(decoder.retainedBytes).toBeLessThanOrEqual(2 * decoder.partialBytes);
    }
    const [line] = decoder.push(ownChunk('\n'));
    expect(line!.length).toBe(99_700);
    expect(line!.buffer.byteLength).toBeLessThanOrEqual(2 * 99_700);
  });

  test.each([
    ['64 KiB', 8 * MIB, 64 * 1024],
    ['1 byte', MIB / 4, 1],
  ])('copies and searches a line that comes in pieces of %s in linear time', (_pieces, lineBytes, pieceBytes) => {
    const chunks = cutInto(encodeLine(Buffer.alloc(lineBytes, 'x')), pieceBytes);
    const decoder = new LinesDecoder();
    const frames: Buffer[] = [];
    meterBytes(3.1 * lineBytes, () => frames.push(...pushAll(decoder, chunks)));
    expect(frames.map((frame) => frame.length)).toEqual([lineBytes]);
    expect(frames[0]!.equals(Buffer.alloc(lineBytes, 'x'))).toBe(true);
  });

  test('reads 200,000 tiny lines from one chunk, searching each byte once and copying none', () => {
    const chunk = ownChunk('x\n'.repeat(200_000));
    let count = 0;
    const metered = meterBytes(chunk.length, () => {
      count = new LinesDecoder().push(chunk).length;
    });
    expect(count).toBe(200_000);
    expect(metered).toEqual({ copied: 0, searched: chunk.length });
  });
});

describe('lines that are too long', () => {
  test.each([
    ['with LF', ['12345\n']],
    ['with CR LF', ['12345\r\n']],
    ['with CR LF in another chunk', ['12345', '\r\n']],
    ['with CR and LF in two chunks', ['12345\r', '\n']],
  ])('a line of exactly maxFrameBytes %s is accepted', (_how, texts) => {
    const decoder = new LinesDecoder({ maxFrameBytes: 5 });
    const frames = pushAll(
      decoder,
      texts.map((text) => ownChunk(text)),
    );
    expect(words(frames)).toEqual(['12345']);
    expect(decoder.failure).toBeUndefined();
  });

  test.each([
    ['finished in one chunk', ['one\n123456\n'], 6],
    ['finished with CR LF', ['one\n123456\r\n'], 6],
    ['unfinished', ['one\n123456'], 6],
    ['unfinished and far over', ['one\n1234567890'], 10],
    ['unfinished, over several chunks', ['one\n123', '456'], 6],
    ['finished in another chunk', ['one\n1234', '56\n'], 6],
    ['whose last byte before the LF was taken for half a line end', ['one\n12345\r', '6\n'], 7],
    ['whose last two bytes are CR', ['one\n12345\r', '\r'], 6],
  ])('a line over maxFrameBytes, %s, is refused as soon as it is known', (_how, texts, frameBytes) => {
    const decoder = new LinesDecoder({ maxFrameBytes: 5 });
    const frames = pushAll(
      decoder,
      texts.map((text) => ownChunk(text)),
    );
    expect(words(frames)).toEqual(['one']);
    expect(decoder.failure).toBeInstanceOf(FrameTooLargeError);
    expect(decoder.failure).toMatchObject({ code: 'TT_FRAME_TOO_LARGE', frameBytes, maxFrameBytes: 5 });
    expect([decoder.partialBytes, decoder.retainedBytes]).toEqual([0, 0]);
  });

  test('lines before the offending one are delivered, however the stream is cut', () => {
    fc.assert(
      fc.property(anyLines, anyCuts, (lines, cuts) => {
        const decoder = new LinesDecoder({ maxFrameBytes: 12 });
        const stream = Buffer.concat([...lines.map(encodeLine), Buffer.from('1234567890abc\nnever\n')]);
        expect(hex(pushUntilFailure(decoder, cutAt(stream, cuts)))).toEqual(hex(lines));
        expect(decoder.failure).toMatchObject({ code: 'TT_FRAME_TOO_LARGE', maxFrameBytes: 12 });
      }),
    );
  });

  test('a decoder that has failed says so at every further call', () => {
    const decoder = new LinesDecoder({ maxFrameBytes: 5 });
    decoder.push(ownChunk('123456'));
    const { failure } = decoder;
    expect(thrownBy(() => decoder.push(ownChunk('\n')))).toBe(failure);
    expect(thrownBy(() => decoder.end())).toBe(failure);
  });
});

test.each<[string, object, string]>([
  ['a limit of 0', { maxFrameBytes: 0 }, 'options.maxFrameBytes'],
  ['a misspelt name', { maxLineBytes: 5 }, 'options.maxLineBytes'],
])('the lines decoder refuses %s', (_what, options, field) => {
  const error = thrownBy(() => new LinesDecoder(options as LinesOptions));
  expect(error).toBeInstanceOf(InvalidOptionError);
  expect(error).toMatchObject({ field });
});

describe('encoding a line', () => {
  test('puts an LF behind a copy of the message', () => {
    const payload = Buffer.from('one');
    const line = encodeLine(payload);
    payload.fill('#');
    expect(words([line, encodeLine(Buffer.alloc(0))])).toEqual(['one\n', '\n']);
  });

  test.each([
    ['holds an LF', 'one\ntwo', 'malformed lines frame: the message holds an LF at byte 3'],
    ['ends with a CR', 'one\r', 'malformed lines frame: the message ends with a CR'],
  ])('a message that %s would arrive as another one and is refused', (_what, text, message) => {
    expect(thrownBy(() => encodeLine(Buffer.from(text)))).toMatchObject({ code: 'TT_MALFORMED_FRAME', message });
  });
});
