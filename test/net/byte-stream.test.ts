import fc from 'fast-check';
import { CancelledError } from '../../src/kernel/errors.ts';
import { SocketClosedError } from '../../src/kernel/io-errors.ts';
import { type WaitOwner, WaitQueue } from '../../src/kernel/wait-queue.ts';
import { type ByteChannel, ByteStream } from '../../src/net/byte-stream.ts';
import type { WaitOptions } from '../../src/net/waiting.ts';
import { checkLeaks, ENDINGS, failureOf, HandScheduler, newScope } from './connection.ts';

/** A channel that gives what the test puts in, and keeps what is sent. */
class ToyChannel implements ByteChannel, WaitOwner {
  readonly sent: Buffer[] = [];
  readonly #coming: Buffer[] = [];
  readonly #line = new WaitQueue();
  #closed = false;
  flushes = 0;

  put(...chunks: (string | Buffer)[]): this {
    for (const chunk of chunks) {
      const bytes = Buffer.from(chunk as string);
      if (!this.#line.wakeFirst(bytes)) this.#coming.push(bytes);
    }
    return this;
  }

  async recv(_maxBytes?: number, options: WaitOptions = {}): Promise<Buffer> {
    if (this.#closed) throw new SocketClosedError('the toy');
    const next = this.#coming.shift();
    if (next !== undefined) return next;
    return (await this.#line.park(this, { scope: options.scope?.cancelScope, source: true })) as Buffer;
  }

  sendAll(data: Uint8Array | readonly Uint8Array[]): Promise<void> {
    if (this.#closed) return Promise.reject(new SocketClosedError('the toy', { progress: { bytesWritten: 0 } }));
    this.sent.push(Buffer.concat(Array.isArray(data) ? data : [data as Uint8Array]));
    return Promise.resolve();
  }

  flush(): Promise<void> {
    if (this.#closed) return Promise.reject(new SocketClosedError('the toy'));
    this.flushes++;
    return Promise.resolve();
  }

  close(): void {
    this.#closed = true;
    this.#line.failAll(new SocketClosedError('the toy'));
  }

  describeWait(): string {
    return 'the toy';
  }

  waitCancelled(): void {}
}

const END = Buffer.alloc(0);
const streamOf = (...chunks: (string | Buffer)[]) => new ByteStream(new ToyChannel().put(...chunks));
const texts = (lines: Buffer[]) => lines.map(String);

/** Every reading word, asking for more than the two and a half lines (15 bytes) that have come. */
const READS: { name: string; read: (stream: ByteStream, options: WaitOptions) => Promise<unknown>; lines?: number }[] =
  [
    { name: 'readAll', read: (stream, options) => stream.readAll(options) },
    { name: 'readExactly', read: (stream, options) => stream.readExactly(100, options) },
    { name: 'readInto', read: (stream, options) => stream.readInto(Buffer.alloc(100), options) },
    { name: 'readLines', read: (stream, options) => stream.readLines(3, options), lines: 2 },
  ];

checkLeaks();

describe('reading', () => {
  test('read gives what is there, at most so much, and no bytes at the end', async () => {
    const stream = streamOf('hello', END);
    expect(String(await stream.read(3))).toBe('hel');
    expect(String(await stream.read())).toBe('lo');
    expect([(await stream.read()).length, (await stream.read()).length]).toEqual([0, 0]);
  });

  test('readExactly gives exactly so many bytes, over chunks and within them', async () => {
    const stream = streamOf('he', 'll', 'o world');
    expect(String(await stream.readExactly(5))).toBe('hello');
    expect(String(await stream.readExactly(0))).toBe('');
    expect(String(await stream.readExactly(6))).toBe(' world');
  });

  test('readExactly at an early end carries what had come', async () => {
    const failure = await failureOf(streamOf('he', 'llo', END).readExactly(9));
    expect(failure).toMatchObject({ code: 'TT_INCOMPLETE_READ', bytes: Buffer.from('hello') });
  });

  test('readAll reads to the end, and refuses more than its limit without losing it', async () => {
    expect(String(await streamOf('a', 'b', 'c', END).readAll())).toBe('abc');
    const stream = streamOf('a', 'b', 'c', END);
    expect(await failureOf(stream.readAll({ maxBytes: 2 }))).toMatchObject({ code: 'TT_FRAME_TOO_LARGE' });
    expect(String(await stream.readAll())).toBe('abc');
  });

  test('readInto fills the memory, and less only at the end', async () => {
    const stream = streamOf('ab', 'cdef', END);
    const memory = Buffer.alloc(4);
    expect([await stream.readInto(memory), String(memory)]).toEqual([4, 'abcd']);
    expect([await stream.readInto(memory), String(memory)]).toEqual([2, 'efcd']);
    expect(await stream.readInto(memory)).toBe(0);
  });

  test('readLine gives lines with their end, the last one also without', async () => {
    const stream = streamOf('one\r\ntw', 'o\n\nlast', END);
    expect(texts([await stream.readLine(), await stream.readLine(), await stream.readLine()])).toEqual([
      'one\r\n',
      'two\n',
      '\n',
    ]);
    expect(texts([await stream.readLine(), await stream.readLine()])).toEqual(['last', '']);
  });

  test('readLine refuses a line over its limit, which stays in the stream', async () => {
    const stream = streamOf('12345', '678\nrest\n', END);
    expect(await failureOf(stream.readLine({ maxBytes: 8 }))).toMatchObject({ code: 'TT_FRAME_TOO_LARGE' });
    expect(String(await stream.readLine({ maxBytes: 9 }))).toBe('12345678\n');
    expect(String(await stream.readLine({ maxBytes: 9 }))).toBe('rest\n');
  });

  test('readLines gives so many lines or all of them', async () => {
    const stream = streamOf('1\n2\n3\n4', END);
    expect(texts(await stream.readLines(2))).toEqual(['1\n', '2\n']);
    expect(texts(await stream.readLines(0))).toEqual([]);
    expect(texts(await stream.readLines())).toEqual(['3\n', '4']);
    expect(texts(await stream.readLines())).toEqual([]);
  });

  test('iteration gives the lines until the end', async () => {
    const lines: string[] = [];
    for await (const line of streamOf('1\n2', '\n3', END)) lines.push(String(line));
    expect(lines).toEqual(['1\n', '2\n', '3']);
  });

  test('any order of reads gives every byte once and in order, however it came in chunks', async () => {
    const read = fc.oneof(
      fc.record({ word: fc.constant('read'), n: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ word: fc.constant('exactly'), n: fc.integer({ min: 0, max: 50 }) }),
      fc.record({ word: fc.constant('line'), n: fc.constant(0) }),
      fc.record({ word: fc.constant('lines'), n: fc.integer({ min: 0, max: 4 }) }),
      fc.record({ word: fc.constant('into'), n: fc.integer({ min: 1, max: 50 }) }),
    );
    const chunk = fc.stringMatching(/^[ab\n]{1,30}$/);
    await fc.assert(
      fc.asyncProperty(fc.array(chunk), fc.array(read), async (chunks, reads) => {
        const stream = streamOf(...chunks, END);
        const got: string[] = [];
        for (const { word, n } of reads) {
          if (word === 'read') got.push(String(await stream.read(n)));
          else if (word === 'exactly') {
            const bytes = await stream.readExactly(n).catch((error) => error.bytes);
            got.push(String(bytes));
          } else if (word === 'line') got.push(String(await stream.readLine()));
          else if (word === 'lines') got.push(...texts(await stream.readLines(n)));
          else {
            const memory = Buffer.alloc(n);
            got.push(String(memory.subarray(0, await stream.readInto(memory))));
          }
        }
        got.push(String(await stream.readAll()));
        expect(got.join('')).toBe(chunks.join(''));
      }),
      { numRuns: 300 },
    );
  });
});

describe('a read that is cut short', () => {
  for (const { name, read, lines } of READS) {
    for (const ending of ENDINGS) {
      test(`${name}, ${ending.name}, says what had come and loses nothing`, async () => {
        const channel = new ToyChannel().put('line1\n', 'line2\n', 'lin');
        const stream = new ByteStream(channel);
        const { scope, end } = ending.begin();
        const reading = failureOf(read(stream, { scope }));
        while (stream.snapshot().bufferedBytes < 15) await Promise.resolve();
        end();
        const progress = lines === undefined ? { bytesRead: 15 } : { bytesRead: 15, linesRead: lines };
        expect(await reading).toMatchObject({ code: ending.code, progress });
        expect(await failureOf(read(stream, { scope }))).toMatchObject({ code: ending.code });
        channel.put('e3\n', END);
        expect(texts(await stream.readLines())).toEqual(['line1\n', 'line2\n', 'line3\n']);
      });
    }
  }

  test('of several waits in one scope each error has its own progress', async () => {
    const scope = newScope();
    const one = streamOf('12345');
    const two = streamOf('123');
    const failures = [one, two].map((stream) => failureOf(stream.readExactly(9, { scope })));
    while (two.snapshot().bufferedBytes < 3) await Promise.resolve();
    const reason = new CancelledError('by the test');
    scope.cancel(reason);
    const [first, second] = await Promise.all(failures);
    expect([first?.progress, second?.progress]).toEqual([{ bytesRead: 5 }, { bytesRead: 3 }]);
    expect(first).toMatchObject({ message: reason.message, cause: reason });
    expect(reason.progress).toBeUndefined();
  });

  test('a second reader is refused while one waits, also for the next slice', async () => {
    const channel = new ToyChannel();
    const stream = new ByteStream(channel);
    const first = stream.readLine();
    expect(await failureOf(stream.read())).toMatchObject({ code: 'TT_BUSY' });
    channel.put('a\nb\n');
    expect(String(await first)).toBe('a\n');

    const scheduler = new HandScheduler();
    const late = stream.readLine({ scope: newScope({ scheduler }) });
    expect(await failureOf(stream.readLine())).toMatchObject({ code: 'TT_BUSY' });
    scheduler.openSlice();
    expect(String(await late)).toBe('b\n');
  });

  test('cancelled between two slices takes nothing', async () => {
    const scheduler = new HandScheduler();
    const scope = newScope({ scheduler });
    const stream = streamOf('a\n');
    const reading = failureOf(stream.readLine({ scope }));
    scope.cancel(new CancelledError('by the test'));
    scheduler.openSlice();
    expect(await reading).toMatchObject({ code: 'TT_CANCELLED', progress: { bytesRead: 0, linesRead: 0 } });
    expect(String(await stream.readLine())).toBe('a\n');
  });
});

describe('writing', () => {
  test('write and writeLines send what they are given, as it is', async () => {
    const channel = new ToyChannel();
    const stream = new ByteStream(channel);
    await stream.write('grün');
    await stream.write(Buffer.from('!'));
    await stream.writeLines(['a\n', Buffer.from('b')]);
    await stream.flush();
    expect([texts(channel.sent), channel.flushes]).toEqual([['grün', '!', 'a\nb'], 1]);
  });

  test('what is neither bytes nor text is refused by name, and nothing of it is sent', async () => {
    const channel = new ToyChannel();
    const stream = new ByteStream(channel);
    const expected = 'a Uint8Array or a text';
    for (const value of [new ArrayBuffer(3), 5, new DataView(new ArrayBuffer(3)), undefined, null]) {
      const why = { code: 'TT_INVALID_OPTION', value, expected };
      expect(await failureOf(stream.write(value as never))).toMatchObject({ ...why, field: 'data' });
      expect(await failureOf(stream.writeLines(['a', value] as never))).toMatchObject({ ...why, field: 'lines[1]' });
      expect(await failureOf(stream.writeLines(value as never))).toMatchObject({ field: 'lines', value });
    }
    expect(channel.sent).toEqual([]);
  });
});

describe('after close', () => {
  test('every word is refused, bytes in the buffer are gone, and a second close does nothing', async () => {
    const stream = streamOf('a\nb\n', END);
    await stream.readLine();
    stream.close();
    stream.close();
    const words = [
      () => stream.read(),
      () => stream.write('x'),
      () => stream.writeLines(['x']),
      () => stream.flush(),
      () => stream.lines().next(),
      () => stream[Symbol.asyncIterator]().next(),
      () => stream.readLine(),
    ];
    for (const word of words) expect(await failureOf(word())).toMatchObject({ code: 'TT_SOCKET_CLOSED' });
    for (const { read } of READS) expect(await failureOf(read(stream, {}))).toMatchObject({ code: 'TT_SOCKET_CLOSED' });
    expect(stream.snapshot()).toEqual({ bufferedBytes: 0, reading: false, ended: false });
  });

  test('a waiting read is woken, and disposal closes', async () => {
    const stream = streamOf('half a li');
    const reading = failureOf(stream.readLine());
    while (stream.snapshot().bufferedBytes === 0) await Promise.resolve();
    stream[Symbol.dispose]();
    expect(await reading).toMatchObject({ code: 'TT_SOCKET_CLOSED' });
  });
});

test('wrong arguments are named', async () => {
  const stream = streamOf('x');
  const wrong = [
    stream.read(0),
    stream.readExactly(-1),
    stream.readLines(0.5),
    stream.readLine({ maxBytes: 0 }),
    stream.readAll({ maxBytes: 0 }),
  ];
  const fields: unknown[] = [];
  for (const word of wrong) fields.push(((await failureOf(word)) as Error & { field?: string }).field);
  expect(fields).toEqual(['maxBytes', 'bytes', 'count', 'options.maxBytes', 'options.maxBytes']);
});
