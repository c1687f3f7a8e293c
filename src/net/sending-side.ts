/**
 * The sending side of a socket: bytes are handed to Node in pieces of at most 64 KiB, each only while less than the mark
 * waits in Node's buffer. Node cannot take back what it has buffered, so what was handed over counts as written; a long
 * send is cancelled between two pieces.
 *
 * The wait is ended by the callback of each write and not by 'drain', which does not come once `end` was called.
 */
import type { Socket as NodeSocket } from 'node:net';
import type { Scoped } from '../kernel/cancel-scope.ts';
import { BusyError, SocketClosedError, SocketFailedError } from '../kernel/io-errors.ts';
import { type Waiter, type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import { bytesIn, piecesIn, type Sendable } from './sendable.ts';
import { nextSliceIfSpent, refusalOf, refused, throwIfRefused, withProgress } from './waiting.ts';

const PIECE_BYTES = 64 * 1024;
const HIGH_WATER_BYTES = 64 * 1024;

export class SendingSide implements WaitOwner {
  readonly endedOutside = true;
  readonly #node: NodeSocket;
  readonly #name: string;
  readonly #line = new WaitQueue();
  readonly #flushers = new WaitQueue();
  #busy = false;
  #ended = false;
  #closed = false;
  #bytesWritten = 0;

  constructor(node: NodeSocket, name: string) {
    this.#node = node;
    this.#name = name;
    node.on('finish', () => this.#flushers.wakeAll());
  }

  /** We have said that nothing more comes. */
  get ended(): boolean {
    return this.#ended;
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  get waiter(): Waiter | undefined {
    return this.#line.first ?? this.#flushers.first;
  }

  async send(bytes: Uint8Array, scoped: Scoped | undefined): Promise<number> {
    bytesIn('bytes', bytes);
    this.#begin('send');
    try {
      await this.#turnToWrite(scoped);
      return this.#handOver([bytes.subarray(0, PIECE_BYTES)]);
    } finally {
      this.#busy = false;
    }
  }

  async sendAll(data: Sendable, scoped: Scoped | undefined): Promise<void> {
    const list = piecesIn('data', data);
    this.#begin('sendAll');
    const before = this.#bytesWritten;
    try {
      const refusal = refusalOf(scoped, false);
      if (refusal !== undefined) await refused(refusal, scoped);
      if (!this.#node.writable) throw this.#refusal();
      for (const piece of pieces(list)) {
        const wait = this.#turnToWrite(scoped);
        if (wait !== undefined) await wait;
        this.#handOver(piece);
      }
      if (this.#full) await this.#room(scoped);
    } catch (error) {
      throw withProgress(error, { bytesWritten: this.#bytesWritten - before });
    } finally {
      this.#busy = false;
    }
  }

  async flush(scoped: Scoped | undefined): Promise<void> {
    const slice = nextSliceIfSpent(scoped);
    if (slice !== undefined) await slice;
    throwIfRefused(scoped);
    if (this.#node.destroyed) throw this.#refusal();
    if (this.#flushed) return;
    await this.#flushers.park(this, { scope: scoped?.cancelScope, by: scoped });
  }

  end(): void {
    this.#ended = true;
    this.#node.end();
  }

  /** We closed, or the connection broke or is over: nobody waits any longer. */
  stop(closedByUs: boolean): void {
    if (closedByUs) this.#closed = true;
    if (this.waiter === undefined) return;
    const error = this.#refusal();
    this.#line.failAll(error);
    this.#flushers.failAll(error);
  }

  describeWait(waiter: Waiter): string {
    return waiter.line === this.#flushers ? `${this.#name} to be flushed` : `room to send to ${this.#name}`;
  }

  waitCancelled(): void {}

  get #full(): boolean {
    return this.#node.writableLength >= HIGH_WATER_BYTES;
  }

  /** After `end` the end itself too: of a secured connection that is a message of its own. */
  get #flushed(): boolean {
    return this.#ended ? this.#node.writableFinished : this.#node.writableLength === 0;
  }

  #begin(operation: string): void {
    if (this.#busy) throw new BusyError(this.#name, operation);
    this.#busy = true;
  }

  /** Before each piece: the scope allows it, the slice has time for it, and Node has room for it. */
  #turnToWrite(scoped: Scoped | undefined): Promise<void> | undefined {
    throwIfRefused(scoped);
    const slice = nextSliceIfSpent(scoped);
    if (slice !== undefined) return this.#afterSlice(slice, scoped);
    return this.#full ? this.#room(scoped) : undefined;
  }

  async #afterSlice(slice: Promise<void>, scoped: Scoped | undefined): Promise<void> {
    await slice;
    throwIfRefused(scoped);
    if (this.#full) await this.#room(scoped);
  }

  async #room(scoped: Scoped | undefined): Promise<void> {
    // Of a destroyed socket no callback comes any more that would end the wait.
    if (this.#node.destroyed) throw this.#refusal();
    await this.#line.park(this, { scope: scoped?.cancelScope, by: scoped });
  }

  #handOver(parts: readonly Uint8Array[]): number {
    const node = this.#node;
    if (!node.writable) throw this.#refusal();
    let bytes = 0;
    if (parts.length > 1) node.cork();
    for (const part of parts) {
      node.write(part, this.#written);
      bytes += part.length;
    }
    if (parts.length > 1) node.uncork();
    // The kernel may have refused the piece on the spot.
    if (node.errored) throw this.#refusal();
    this.#bytesWritten += bytes;
    return bytes;
  }

  /** Of a write that failed the 'error' event tells everybody. */
  readonly #written = (error: Error | null | undefined): void => {
    if (error) return;
    if (!this.#full) this.#line.wakeFirst();
    if (this.#flushed) this.#flushers.wakeAll();
  };

  #refusal(): Error {
    if (this.#closed) return new SocketClosedError(this.#name);
    if (this.#node.errored) return new SocketFailedError(this.#name, this.#node.errored);
    return new SocketClosedError(`the sending side of ${this.#name}`);
  }
}

/** Cuts into pieces, each of one or more parts; small parts share a piece, and so a system call. */
function* pieces(list: readonly Uint8Array[]): Generator<readonly Uint8Array[]> {
  let piece: Uint8Array[] = [];
  let room = PIECE_BYTES;
  for (const bytes of list) {
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(at + room, bytes.length);
      piece.push(end - at === bytes.length ? bytes : bytes.subarray(at, end));
      room -= end - at;
      at = end;
      if (room > 0) continue;
      yield piece;
      piece = [];
      room = PIECE_BYTES;
    }
  }
  if (piece.length > 0) yield piece;
}
