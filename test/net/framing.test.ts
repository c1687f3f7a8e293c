import * as fc from 'fast-check';
import { InvalidOptionError } from '../../src/kernel/errors.ts';
import { FRAMINGS, type Framing, makeDecoder, makeEncoder } from '../../src/net/framing.ts';
import { LengthPrefixedDecoder } from '../../src/net/length-prefixed.ts';
import { LinesDecoder } from '../../src/net/lines.ts';
import { SyslogDecoder } from '../../src/net/syslog.ts';
import { anyCuts, cutAt, describeEnd, hex, ownChunk, pushAll, thrownBy, words } from './chunking.ts';

/** The messages that every framing carries: not empty, without LF, without CR at the end, not beginning with a digit. */
const plainMessages: fc.Arbitrary<Buffer[]> = fc.array(
  fc.string({ unit: fc.constantFrom('a', 'b', '1', ' ', '\0'), maxLength: 30 }).map((text) => Buffer.from(`<${text}`)),
  { maxLength: 20 },
);

test('the list of framings names each of them once', () => {
  const all: Record<Framing, true> = { 'length-prefixed': true, lines: true, syslog: true };
  expect([...FRAMINGS].sort()).toEqual(Object.keys(all).sort());
});

describe.each([
  ['length-prefixed' as const, LengthPrefixedDecoder, '\x00\x00\x00\x02hi'],
  ['lines' as const, LinesDecoder, 'hi\n'],
  ['syslog' as const, SyslogDecoder, '2 hi'],
])('the framing %s', (framing, decoderClass, wire) => {
  test('has a decoder and an encoder by name', () => {
    expect(makeDecoder(framing)).toBeInstanceOf(decoderClass);
    expect(makeEncoder(framing)(Buffer.from('hi')).toString('latin1')).toBe(wire);
    expect(words(makeDecoder(framing).push(ownChunk(wire)))).toEqual(['hi']);
  });

  test('carries any plain messages through any chunks, and keeps what it delivered when more comes', () => {
    fc.assert(
      fc.property(plainMessages, anyCuts, (messages, cuts) => {
        const decoder = makeDecoder(framing);
        const stream = Buffer.concat(messages.map(makeEncoder(framing)));
        expect(hex(pushAll(decoder, cutAt(stream, cuts)))).toEqual(hex(messages));
        expect([decoder.partialBytes, decoder.retainedBytes, decoder.failure]).toEqual([0, 0, undefined]);
        expect(describeEnd(decoder.end())).toBe('nothing');
      }),
    );
  });

  test('is not lost when the stream breaks off: each byte is delivered or counted', () => {
    fc.assert(
      fc.property(plainMessages, anyCuts, fc.nat({ max: 700 }), (messages, cuts, length) => {
        const decoder = makeDecoder(framing);
        const encoded = messages.map(makeEncoder(framing));
        const stream = Buffer.concat(encoded).subarray(0, length);
        const frames = pushAll(decoder, cutAt(stream, cuts));
        const wholeBytes = encoded.slice(0, frames.length).reduce((sum, bytes) => sum + bytes.length, 0);
        const { frame, unfinishedBytes } = decoder.end();
        expect(wholeBytes + (frame?.length ?? 0) + unfinishedBytes).toBe(stream.length);
      }),
    );
  });

  test('passes its options on', () => {
    const decoder = makeDecoder(framing, { maxFrameBytes: 1 });
    expect(decoder.push(ownChunk(wire))).toEqual([]);
    expect(decoder.failure).toMatchObject({ code: 'TT_FRAME_TOO_LARGE', frameBytes: 2, maxFrameBytes: 1 });
  });

  test('takes at most 16 MiB if nothing else is said', () => {
    const message = Buffer.alloc(16 * 1024 * 1024, 'x');
    const decoder = makeDecoder(framing);
    expect(decoder.push(makeEncoder(framing)(message)).map(({ length }) => length)).toEqual([message.length]);
    decoder.push(makeEncoder(framing)(Buffer.concat([message, Buffer.from('x')])));
    expect(decoder.failure).toMatchObject({ frameBytes: message.length + 1, maxFrameBytes: message.length });
  });
});

test('the options of one framing are unknown to the others', () => {
  expect(makeDecoder('syslog', { trailer: 'nul' }).push(ownChunk('<1>ab\0'))).toHaveLength(1);
  for (const framing of ['lines', 'length-prefixed'] as const) {
    const error = thrownBy(() => makeDecoder(framing, { trailer: 'nul' } as object));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ field: 'options.trailer' });
  }
});

test.each([
  ['makeDecoder', makeDecoder as (framing: Framing) => unknown] as const,
  ['makeEncoder', makeEncoder] as const,
])('%s refuses a name that is no framing', (_name, make) => {
  expect(thrownBy(() => make('json' as Framing))).toMatchObject({
    code: 'TT_INVALID_OPTION',
    field: 'framing',
    value: 'json',
    expected: 'one of length-prefixed, lines, syslog',
  });
});
