/**
 * A stream of bytes with the words that a socket lacks: by length, by line, to the end. Stands on anything that receives and
 * sends (`ByteChannel`), so that what is not a socket can have them too.
 *
 * One rule makes every read safe to cancel: bytes stay in the stream's buffer until the read is whole, and then are taken in
 * one step. So a read that was cut short has lost nothing, and the next one begins where it began. A read therefore holds
 * what it has got so far in memory: give a limit where the peer is not trusted.
 */
import { counted } from '../kernel/describe.ts';
import { calm, calmly } from '../kernel/calm.ts';
import { wholeNumber } from '../kernel/check.ts';
import { InvalidOptionError } from '../kernel/errors.ts';
import { BusyError, FrameTooLargeError, IncompleteReadError } from '../kernel/io-errors.ts';
import { ByteQueue, type SearchPosition } from './byte-queue.ts';
import { bytesOrText } from './sendable.ts';
import { NO_OPTIONS, nextSliceIfSpent, refusalOf, type WaitOptions, whose, withProgress } from './waiting.ts';

const RECV_BYTES = 64 * 1024;
const DEFAULT_MAX_LINE_BYTES = 16 * 1024 * 1024;
const LF = 0x0a;

/** What a stream stands on: a socket, or something with the same four words and the same promises, *Cancel-safe:* among them. */
export interface ByteChannel {
  recv(maxBytes?: number, options?: WaitOptions): Promise<Buffer>;
  sendAll(data: Uint8Array | readonly Uint8Array[], options?: WaitOptions): Promise<void>;
  flush(options?: WaitOptions): Promise<void>;
  close(): void;
}

export interface ReadLimit extends WaitOptions {
  /** The most bytes that are read before giving up with `TT_FRAME_TOO_LARGE`. For lines 16 MiB if not set, else no limit. */
  readonly maxBytes?: number | undefined;
}

/** What a stream holds, as plain data. */
export interface ByteStreamSnapshot {
  /** Received and not yet read. */
  readonly bufferedBytes: number;
  readonly reading: boolean;
  /** The peer's end has been received (buffered bytes may still be read). */
  readonly ended: boolean;
}

/**
 * Reads and writes a connection by length, by line or to its end. Made by `socket.asStream()`.
 *
 * What a cancelled read had got by then is in the error's `progress` (`bytesRead`, and `linesRead` for lines) and still in
 * the stream: nothing is lost. One read may wait at a time, another gets `TT_BUSY`. Text is UTF-8. Every read throws what
 * `recv` throws, every write what `sendAll` throws. Source: the streams of curio and thredo.
 */
export class ByteStream {
  readonly #channel: ByteChannel;
  readonly #buffer = new ByteQueue();
  #ended = false;
  #reading = false;

  constructor(channel: ByteChannel) {
    this.#channel = channel;
  }

  /**
   * Reads what there is, up to `maxBytes`, as soon as there is anything; no bytes at the end of the stream.
   * *Cancel-safe:* a cancelled one took nothing. Source: curio's `read`.
   */
  read(maxBytes: number = RECV_BYTES, options: WaitOptions = NO_OPTIONS): Promise<Buffer> {
    return calmly(() => {
      wholeNumber('maxBytes', maxBytes, 1);
      return this.#read(options, () => {
        if (this.#buffer.length > 0 || this.#ended) return this.#buffer.takeSome(maxBytes);
      });
    });
  }

  /**
   * Reads all that comes until the peer ends the stream.
   *
   * @throws `TT_FRAME_TOO_LARGE` when more than `maxBytes` came; they stay in the stream.
   * *Cancel-safe:* what had come stays in the stream. Source: curio's `readall`.
   */
  readAll(options: ReadLimit = NO_OPTIONS): Promise<Buffer> {
    return calmly(() => {
      const maxBytes = limitOf(options, Infinity);
      return this.#read(options, () => {
        if (this.#buffer.length > maxBytes) throw new FrameTooLargeError(this.#buffer.length, maxBytes);
        if (this.#ended) return this.#buffer.take(this.#buffer.length);
      });
    });
  }

  /**
   * Reads exactly so many bytes, in one piece (a view where they came in one).
   *
   * @throws `TT_INCOMPLETE_READ` when the stream ended before; its `bytes` are what had come.
   * *Cancel-safe:* what had come stays in the stream. Source: curio's `read_exactly`.
   */
  readExactly(bytes: number, options: WaitOptions = NO_OPTIONS): Promise<Buffer> {
    return calmly(() => {
      wholeNumber('bytes', bytes, 0);
      return this.#read(options, () => {
        if (this.#buffer.length >= bytes) return this.#buffer.take(bytes);
        if (this.#ended) throw new IncompleteReadError(this.#buffer.take(this.#buffer.length), counted(bytes, 'byte'));
      });
    });
  }

  /**
   * Fills memory of yours, and says how many bytes it got: fewer than there is room for only at the end of the stream.
   * *Cancel-safe:* what had come stays in the stream, `memory` is untouched. Source: curio's `readinto`.
   */
  readInto(memory: Uint8Array, options: WaitOptions = NO_OPTIONS): Promise<number> {
    const reading = this.#read(options, () => {
      if (this.#buffer.length >= memory.length || this.#ended) return this.#buffer.takeInto(memory);
    });
    return calm(reading);
  }

  /**
   * Reads the next line, with its LF. The last line may lack it; after it come no bytes, which is the end.
   *
   * @throws `TT_FRAME_TOO_LARGE` for a line longer than `maxBytes`; it stays in the stream.
   * *Cancel-safe:* what had come stays in the stream. Source: curio's `readline`.
   */
  readLine(options: ReadLimit = NO_OPTIONS): Promise<Buffer> {
    return calm(this.#lines(1, options).then(([line]) => line ?? this.#buffer.takeSome(0)));
  }

  /**
   * Reads so many lines, or all until the end of the stream; fewer only at the end. `maxBytes` is the limit of each line.
   * *Cancel-safe:* what had come stays in the stream, also the lines that were whole. Source: curio's `readlines`.
   */
  readLines(count: number = Infinity, options: ReadLimit = NO_OPTIONS): Promise<Buffer[]> {
    return calmly(() => {
      if (count !== Infinity) wholeNumber('count', count, 0);
      return this.#lines(count, options);
    });
  }

  /** The lines of the stream until its end, each as `readLine` gives it. *Cancel-safe:* as `readLine`. */
  async *lines(options: ReadLimit = NO_OPTIONS): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const line = await this.readLine(options);
      if (line.length === 0) return;
      yield line;
    }
  }

  /** As `lines`. *Cancel-safe:* as `readLine`. */
  [Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    return this.lines();
  }

  /** Writes everything; waits while the peer is behind. *Cancel-safe:* as `Socket.sendAll`. Source: curio's `write`. */
  write(data: Uint8Array | string, options: WaitOptions = NO_OPTIONS): Promise<void> {
    return calmly(() => this.#channel.sendAll(bytesOrText('data', data), options));
  }

  /**
   * Writes one after the other, as they are: a line end is yours to give. *Cancel-safe:* as `Socket.sendAll`.
   * Source: curio's `writelines`.
   */
  writeLines(lines: Iterable<Uint8Array | string>, options: WaitOptions = NO_OPTIONS): Promise<void> {
    return calmly(() => {
      if (!isIterable(lines)) throw new InvalidOptionError('lines', lines, 'something to iterate over');
      const bytes = Array.from(lines, (line, index) => bytesOrText('lines', line, index));
      return this.#channel.sendAll(bytes, options);
    });
  }

  /** Waits until the system has taken all that was written. *Cancel-safe:* nothing is taken back. Source: curio's `flush`. */
  flush(options: WaitOptions = NO_OPTIONS): Promise<void> {
    return calmly(() => this.#channel.flush(options));
  }

  /** Closes what the stream stands on at once, and forgets what was not read. A second time nothing happens. */
  close(): void {
    this.#ended = false;
    this.#buffer.clear();
    this.#channel.close();
  }

  snapshot(): ByteStreamSnapshot {
    return { bufferedBytes: this.#buffer.length, reading: this.#reading, ended: this.#ended };
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #lines(count: number, options: ReadLimit): Promise<Buffer[]> {
    const maxBytes = limitOf(options, DEFAULT_MAX_LINE_BYTES);
    const position: SearchPosition = { chunk: 0, offset: 0, before: 0 };
    const lengths: number[] = [];
    let found = 0;
    const attempt = (): Buffer[] | undefined => {
      while (lengths.length < count) {
        const end = this.#buffer.find(LF, position);
        const length = (end < 0 ? this.#buffer.length : end) - found;
        if (length > maxBytes) throw new FrameTooLargeError(length, maxBytes);
        if (end < 0) {
          if (!this.#ended) return undefined;
          if (length === 0) break;
        }
        lengths.push(length);
        found += length;
      }
      return lengths.map((length) => this.#buffer.take(length));
    };
    return this.#read(options, attempt, () => lengths.length);
  }

  /** The one loop of all reads: `attempt` takes what was asked for in one step, or leaves everything and is asked again. */
  async #read<T>(options: WaitOptions, attempt: () => T | undefined, linesRead?: () => number): Promise<T> {
    const scope = whose(options);
    const refusal = refusalOf(scope, true);
    if (refusal !== undefined) throw this.#cut(refusal, linesRead);
    if (this.#reading) throw new BusyError('the stream', 'read');
    this.#reading = true;
    try {
      const slice = nextSliceIfSpent(scope);
      if (slice !== undefined) {
        await slice;
        const late = refusalOf(scope, true);
        if (late !== undefined) throw late;
      }
      for (;;) {
        const got = attempt();
        if (got !== undefined) return got;
        const chunk = await this.#channel.recv(RECV_BYTES, options);
        if (chunk.length === 0) this.#ended = true;
        else this.#buffer.push(chunk);
      }
    } catch (error) {
      throw this.#cut(error, linesRead);
    } finally {
      this.#reading = false;
    }
  }

  #cut(error: unknown, linesRead: (() => number) | undefined): unknown {
    const bytesRead = this.#buffer.length;
    return withProgress(error, linesRead === undefined ? { bytesRead } : { bytesRead, linesRead: linesRead() });
  }
}

function limitOf(options: ReadLimit, unset: number): number {
  return options.maxBytes === undefined ? unset : wholeNumber('options.maxBytes', options.maxBytes, 1);
}

function isIterable(lines: unknown): boolean {
  return typeof (lines as Iterable<unknown> | null | undefined)?.[Symbol.iterator] === 'function';
}
