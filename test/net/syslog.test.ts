import * as fc from 'fast-check';
import { InvalidOptionError } from '../../src/kernel/errors.ts';
import { FrameTooLargeError, MalformedFrameError } from '../../src/kernel/io-errors.ts';
import { encodeLine } from '../../src/net/lines.ts';
import { encodeSyslog, SyslogDecoder, type SyslogOptions } from '../../src/net/syslog.ts';
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

/** What the decoder makes of the texts, each a chunk. */
function read(texts: readonly string[], options?: SyslogOptions): { frames: string[]; end: string } {
  const decoder = new SyslogDecoder(options);
  const frames = pushAll(
    decoder,
    texts.map((text) => ownChunk(Buffer.from(text, 'latin1'))),
  );
  return { frames: words(frames), end: describeEnd(decoder.end()) };
}

/** A message and the framing that carries it. */
interface Sent {
  readonly message: Buffer;
  readonly counted: boolean;
}

const anyCounted: fc.Arbitrary<Sent> = fc
  .uint8Array({ minLength: 1, maxLength: 40 })
  .map((bytes) => ({ message: Buffer.from(bytes), counted: true }));
const anyUncounted: fc.Arbitrary<Sent> = fc
  .string({ unit: fc.constantFrom('<', '>', '1', ' ', '\r', '\0', 'a'), maxLength: 12 })
  .filter((text) => !text.endsWith('\r'))
  .map((text) => ({ message: Buffer.from(`<${text}`), counted: false }));

/** Any messages, each in either framing. */
const anyMessages: fc.Arbitrary<Sent[]> = fc.array(fc.oneof(anyCounted, anyUncounted), { maxLength: 20 });

function onTheWire(sent: readonly Sent[]): Buffer {
  return Buffer.concat(sent.map(({ message, counted }) => (counted ? encodeSyslog(message) : encodeLine(message))));
}

describe('syslog messages', () => {
  test.each<[string, string[], string[]]>([
    ['a counted message', ['5 <1>ab'], ['<1>ab']],
    ['counted messages back to back', ['5 <1>ab6 <1>abc'], ['<1>ab', '<1>abc']],
    ['a count in pieces', ['1', '0', ' ', '<1>abcdefg'], ['<1>abcdefg']],
    ['a counted message in pieces', ['5 <', '1>a', 'b'], ['<1>ab']],
    ['a counted message that holds LF, NUL and CR', ['6 a\nb\0c\r'], ['a\nb\0c\r']],
    ['a counted message whose LF is counted, as it is', ['6 <1>ab\n5 <1>cd'], ['<1>ab\n', '<1>cd']],
    ['a message that ends with LF', ['<1>ab\n'], ['<1>ab']],
    ['a message that ends with CR LF', ['<1>ab\r\n<1>cd\r', '\n'], ['<1>ab', '<1>cd']],
    ['a message in pieces', ['<', '1>', 'ab', '\n'], ['<1>ab']],
    ['a message without priority', ['hello\n'], ['hello']],
    ['a message that begins with 0, which is no count', ['0 hello\n'], ['0 hello']],
    ['digits inside a message, also where a chunk begins with them', ['<1>ab', '5 cd\n'], ['<1>ab5 cd']],
    ['both framings mixed', ['5 <1>ab<1>cd\n5 <1>ef<1>gh\n'], ['<1>ab', '<1>cd', '<1>ef', '<1>gh']],
    ['empty messages', ['\n\r\n<1>ab\n\n'], ['', '', '<1>ab', '']],
  ])('reads %s', (_what, texts, expected) => {
    expect(read(texts)).toEqual({ frames: expected, end: 'nothing' });
  });

  test.each<[string, string[], string[]]>([
    ['LF', ['5 <1>ab\n5 <1>cd\n'], ['<1>ab', '<1>cd']],
    ['LF in the next chunk', ['5 <1>ab', '\n', '5 <1>cd'], ['<1>ab', '<1>cd']],
    ['CR LF', ['5 <1>ab\r\n5 <1>cd'], ['<1>ab', '<1>cd']],
    ['CR LF in two chunks', ['5 <1>ab\r', '\n5 <1>cd'], ['<1>ab', '<1>cd']],
    ['half of a CR LF at the end of the stream', ['5 <1>ab\r'], ['<1>ab']],
    ['two LFs, of which the second is an empty message', ['5 <1>ab\n\n'], ['<1>ab', '']],
    ['LF before an empty message that follows a line', ['5 <1>ab\n<1>cd\n\n'], ['<1>ab', '<1>cd', '']],
  ])('an uncounted trailer behind a counted message is no message: %s', (_what, texts, expected) => {
    expect(read(texts)).toEqual({ frames: expected, end: 'nothing' });
  });

  test.each<[string, string[], string[]]>([
    ['messages that end with NUL', ['<1>ab\0<1>cd', '\0'], ['<1>ab', '<1>cd']],
    ['an LF and a CR inside them', ['<1>a\nb\r\0'], ['<1>a\nb\r']],
    ['counted messages, with a stray NUL or without', ['5 <1>ab\x005 <1>cd5 <1>ef'], ['<1>ab', '<1>cd', '<1>ef']],
  ])('with the trailer nul it reads %s', (_what, texts, expected) => {
    expect(read(texts, { trailer: 'nul' })).toEqual({ frames: expected, end: 'nothing' });
  });

  test('reads what util-linux logger sends, with and without --octet-count', () => {
    const message = '<13>Nov 21 22:21:56 vm x: hello';
    expect(read([`31 ${message}`, `31 ${message}`])).toEqual({ frames: [message, message], end: 'nothing' });
    expect(read([`${message}\n${message}\n`])).toEqual({ frames: [message, message], end: 'nothing' });
  });

  test('gives back any messages in either framing, however the stream is cut', () => {
    fc.assert(
      fc.property(anyMessages, anyCuts, (sent, cuts) => {
        const decoder = new SyslogDecoder();
        expect(hex(pushAll(decoder, cutAt(onTheWire(sent), cuts)))).toEqual(hex(sent.map(({ message }) => message)));
        expect(describeEnd(decoder.end())).toBe('nothing');
      }),
    );
  });

  test('accounts at every moment for every byte that it was given', () => {
    fc.assert(
      fc.property(anyMessages, anyCuts, (sent, cuts) => {
        const decoder = new SyslogDecoder();
        let unaccounted = 0;
        let delivered = 0;
        for (const chunk of cutAt(onTheWire(sent), cuts)) {
          unaccounted += chunk.length;
          for (const _frame of decoder.push(chunk)) unaccounted -= onTheWire([sent[delivered++]!]).length;
          expect(decoder.partialBytes).toBe(unaccounted);
        }
      }),
    );
  });
});

describe('memory of syslog messages', () => {
  test('a message that lies whole in a chunk is a view of it', () => {
    const memory = ownChunk('..5 <1>ab<1>cd\n5 <1>ef..');
    const frames = new SyslogDecoder().push(memory.subarray(2, 22));
    expect(words(frames)).toEqual(['<1>ab', '<1>cd', '<1>ef']);
    expect(frames.map((frame) => frame.buffer === memory.buffer)).toEqual([true, true, true]);
    expect(frames.map((frame) => frame.byteOffset)).toEqual([4, 9, 17]);
  });

  test.each([
    ['counted', ['5 <1', '>ab']],
    ['ended by LF', ['<1', '>ab\n']],
  ])('a message that spans chunks holds none of them: %s', (_how, texts) => {
    const decoder = new SyslogDecoder();
    const frames: Buffer[] = [];
    for (const text of texts) {
      const chunk = ownChunk(text);
      frames.push(...decoder.push(chunk));
      chunk.fill('#');
    }
    expect(words(frames)).toEqual(['<1>ab']);
  });

  test('an announced length reserves nothing', () => {
    const decoder = new SyslogDecoder();
    decoder.push(ownChunk('16000000 '));
    expect([decoder.partialBytes, decoder.retainedBytes]).toEqual([9, 0]);
    decoder.push(ownChunk('x'));
    expect(decoder.retainedBytes).toBeLessThanOrEqual(16 * 1024);
  });

  test.each([
    ['counted, in pieces of 64 KiB', encodeSyslog, 8 * MIB, 64 * 1024],
    ['counted, in pieces of 1 byte', encodeSyslog, MIB / 4, 1],
    ['ended by LF, in pieces of 64 KiB', encodeLine, 8 * MIB, 64 * 1024],
    ['ended by LF, in pieces of 1 byte', encodeLine, MIB / 4, 1],
  ])('copies and searches a large message in linear time: %s', (_how, encode, messageBytes, pieceBytes) => {
    const chunks = cutInto(encode(Buffer.alloc(messageBytes, 'x')), pieceBytes);
    const frames: Buffer[] = [];
    meterBytes(3.1 * messageBytes, () => frames.push(...pushAll(new SyslogDecoder(), chunks)));
    expect(frames.map((frame) => frame.length)).toEqual([messageBytes]);
    expect(frames[0]!.equals(Buffer.alloc(messageBytes, 'x'))).toBe(true);
  });

  test.each([
    ['counted', '1 x', 0],
    ['ended by LF', 'x\n', 400_000],
  ])('reads 200,000 tiny messages from one chunk without copying a byte: %s', (_how, wire, searched) => {
    const chunk = ownChunk(wire.repeat(200_000));
    let count = 0;
    const metered = meterBytes(chunk.length, () => {
      count = new SyslogDecoder().push(chunk).length;
    });
    expect(count).toBe(200_000);
    expect(metered).toEqual({ copied: 0, searched });
  });
});

describe('syslog messages that cannot be read', () => {
  test.each([
    ['a letter', ['5x'], 'the octet count 5 is followed by 0x78'],
    ['a line end', ['12\n'], 'the octet count 12 is followed by 0x0a'],
    ['a dash, as in a date without priority', ['2026', '-11-21 hello\n'], 'the octet count 2026 is followed by 0x2d'],
  ])('a count that is followed by %s is malformed', (_what, texts, what) => {
    const decoder = new SyslogDecoder();
    const chunks = texts.map((text) => ownChunk(text));
    expect(words(pushAll(decoder, [ownChunk('<1>ab\n5 <1>cd'), ...chunks]))).toEqual(['<1>ab', '<1>cd']);
    expect(decoder.failure).toBeInstanceOf(MalformedFrameError);
    expect(decoder.failure).toMatchObject({ code: 'TT_MALFORMED_FRAME', message: `malformed syslog frame: ${what}` });
  });

  test.each<[string, string[], number]>([
    ['a count over it', ['101 '], 101],
    ['a count over it, before its end is there', ['99', '9'], 999],
    ['a count of endless digits', ['1'.repeat(1000)], 111],
    ['an unfinished line over it', ['<'.repeat(101)], 101],
    ['a finished line over it, with more behind it', [`${'<'.repeat(101)}\n<1>never\n`], 101],
    ['a finished line over it', [`${'<'.repeat(60)}`, `${'<'.repeat(60)}\r\n`], 120],
  ])('%s of maxFrameBytes is too large', (_what, texts, frameBytes) => {
    const decoder = new SyslogDecoder({ maxFrameBytes: 100 });
    const chunks = texts.map((text) => ownChunk(text));
    expect(words(pushAll(decoder, [ownChunk('<1>ab\n5 <1>cd'), ...chunks]))).toEqual(['<1>ab', '<1>cd']);
    expect(decoder.failure).toBeInstanceOf(FrameTooLargeError);
    if (/^[1-9]/.test(texts[0]!)) expect(decoder.failure?.message).toContain(`at least ${frameBytes} bytes`);
    expect(decoder.failure).toMatchObject({ code: 'TT_FRAME_TOO_LARGE', frameBytes, maxFrameBytes: 100 });
    expect([decoder.partialBytes, decoder.retainedBytes]).toEqual([0, 0]);
  });

  test('messages of exactly maxFrameBytes are accepted', () => {
    const message = '<'.repeat(100);
    expect(read([`100 ${message}${message}\r\n`], { maxFrameBytes: 100 }).frames).toEqual([message, message]);
  });

  test.each([
    ['too large', '41 ', 'TT_FRAME_TOO_LARGE'],
    ['malformed', '4x', 'TT_MALFORMED_FRAME'],
  ])('messages before one that is %s are delivered, however the stream is cut', (_what, offence, code) => {
    fc.assert(
      fc.property(anyMessages, anyCuts, (sent, cuts) => {
        const decoder = new SyslogDecoder({ maxFrameBytes: 40 });
        const stream = Buffer.concat([onTheWire(sent), Buffer.from(offence), Buffer.alloc(50, 'x')]);
        const frames = pushUntilFailure(decoder, cutAt(stream, cuts));
        expect(hex(frames)).toEqual(hex(sent.map(({ message }) => message)));
        expect(decoder.failure).toMatchObject({ code });
      }),
    );
  });

  test('a decoder that has failed says so at every further call', () => {
    const decoder = new SyslogDecoder();
    decoder.push(ownChunk('5x'));
    const { failure } = decoder;
    expect(failure).toBeDefined();
    expect(thrownBy(() => decoder.push(ownChunk('5 <1>ab')))).toBe(failure);
    expect(thrownBy(() => decoder.end())).toBe(failure);
  });
});

describe('the end of a syslog stream', () => {
  test.each([
    ['a whole message', ['5 <1>ab'], ['<1>ab'], 'nothing'],
    ['a message without trailer', ['<1>ab'], [], 'frame "<1>ab"'],
    ['a message without trailer behind a counted one', ['5 <1>ab<1>cd'], ['<1>ab'], 'frame "<1>cd"'],
    ['a count', ['5 <1>ab12'], ['<1>ab'], '2 bytes unfinished'],
    ['a count and its space', ['12 '], [], '3 bytes unfinished'],
    ['a part of a counted message', ['12 <1>ab'], [], '8 bytes unfinished'],
  ])('after %s it tells what is left', (_what, texts, expected, end) => {
    expect(read(texts)).toEqual({ frames: expected, end });
  });

  test('afterwards the decoder is as new', () => {
    const decoder = new SyslogDecoder();
    for (const rest of ['1', '12 <1>ab', '<1>ab', '5 <1>ab']) {
      decoder.push(ownChunk(rest));
      decoder.end();
      expect([decoder.partialBytes, decoder.retainedBytes]).toEqual([0, 0]);
      expect(words(decoder.push(ownChunk('\n5 <1>ab<1>cd\n')))).toEqual(['', '<1>ab', '<1>cd']);
    }
  });
});

test.each<[string, object, string]>([
  ['a limit of 0', { maxFrameBytes: 0 }, 'options.maxFrameBytes'],
  ['an unknown trailer', { trailer: 'crlf' }, 'options.trailer'],
  ['a misspelt name', { trailers: 'lf' }, 'options.trailers'],
])('the syslog decoder refuses %s', (_what, options, field) => {
  const error = thrownBy(() => new SyslogDecoder(options as SyslogOptions));
  expect(error).toBeInstanceOf(InvalidOptionError);
  expect(error).toMatchObject({ field });
});

describe('encoding a syslog message', () => {
  test('puts the number of bytes and a space in front of a copy of the message', () => {
    const payload = Buffer.from('<1>Grüße');
    const frame = encodeSyslog(payload);
    payload.fill('#');
    expect(frame.toString()).toBe('10 <1>Grüße');
  });

  test('an empty message is refused, because no count can tell it', () => {
    expect(thrownBy(() => encodeSyslog(Buffer.alloc(0)))).toMatchObject({
      code: 'TT_MALFORMED_FRAME',
      message: 'malformed syslog frame: an empty message cannot be counted',
    });
  });
});
