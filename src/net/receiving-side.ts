/**
 * The receiving side of a socket: what Node pushes is turned into what is pulled.
 *
 *     TCP ──► Node's buffer ──► chunks (up to READ_AHEAD_BYTES) ──► recv
 *                  ▲
 *                  └─ paused when the chunks reach the mark, until a reader finds none: Node stops reading, and so TCP
 *                     stops the sender
 *
 * The stream flows and a small queue stands behind it, because pausing and resuming for each pull, and 'readable' too, cost
 * 10 to 20 % more CPU per chunk while the reader keeps up, and because the end or the failure of the connection is then seen although nobody pulls.
 * Nothing is read before the first pull.
 *
 * Bound: less than one chunk of Node's (64 KiB) over the mark here, and less than two in Node's buffer: under 256 KiB in all.
 */
import type { Socket as NodeSocket } from 'node:net';
import { calm } from '../kernel/calm.ts';
import type { Scoped } from '../kernel/cancel-scope.ts';
import { BusyError, SocketClosedError, SocketFailedError } from '../kernel/io-errors.ts';
import { rejected, type Waiter, type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import { ByteQueue } from './byte-queue.ts';
import { nextSliceIfSpent, refusalOf, refused } from './waiting.ts';

const READ_AHEAD_BYTES = 64 * 1024;

/** What a reader wants: at most so many bytes, or this memory filled as far as it goes. */
type Want = number | Uint8Array;

export class ReceivingSide implements WaitOwner {
  readonly endedOutside = true;
  readonly #node: NodeSocket;
  readonly #name: string;
  readonly #line = new WaitQueue();
  readonly #chunks = new ByteQueue();
  /** A reader waits for the next slice. */
  #betweenSlices = false;
  #flowing = false;
  #ended = false;
  #closed = false;
  #failure: Error | undefined;

  constructor(node: NodeSocket, name: string) {
    this.#node = node;
    this.#name = name;
    node.pause();
    node.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#serve();
      if (this.#chunks.length < READ_AHEAD_BYTES) return;
      this.#flowing = false;
      node.pause();
    });
    node.on('end', () => {
      this.#ended = true;
      this.#serve();
    });
  }

  /** The peer has sent its last byte (it may still wait to be taken). */
  get ended(): boolean {
    return this.#ended;
  }

  get unreadBytes(): number {
    return this.#chunks.length;
  }

  get waiter(): Waiter | undefined {
    return this.#line.first;
  }

  receive(want: Want, scoped: Scoped | undefined): Promise<Buffer | number> {
    const refusal = refusalOf(scoped, true);
    if (refusal !== undefined) return refused(refusal, scoped);
    if (this.#betweenSlices || this.#line.length > 0) return Promise.reject(new BusyError(this.#name, 'recv'));
    const slice = nextSliceIfSpent(scoped);
    return slice === undefined ? this.#takeOrPark(want, scoped) : calm(this.#afterSlice(slice, want, scoped));
  }

  /** Lets Node read, unless enough is here already. */
  flow(): void {
    if (this.#flowing || this.#ended || this.#closed || this.#chunks.length >= READ_AHEAD_BYTES) return;
    this.#flowing = true;
    this.#node.resume();
  }

  /** The connection broke. What Node had buffered by then is still delivered. */
  fail(error: Error): void {
    if (this.#closed) return;
    this.#failure = error;
    for (let chunk = this.#node.read(); chunk !== null; chunk = this.#node.read()) this.#chunks.push(chunk);
    this.#serve();
  }

  /** The connection is over, and not by us. What is here is still delivered, unless it was cut off without a word. */
  connectionClosed(): void {
    if (!this.#ended && this.#failure === undefined) this.close();
  }

  /** We closed: nothing more is delivered. */
  close(): void {
    this.#closed = true;
    this.#chunks.clear();
    if (this.#line.length > 0) this.#line.failAll(new SocketClosedError(this.#name));
  }

  describeWait(): string {
    return `bytes from ${this.#name}`;
  }

  waitCancelled(): void {}

  async #afterSlice(slice: Promise<void>, want: Want, scoped: Scoped | undefined): Promise<Buffer | number> {
    this.#betweenSlices = true;
    await slice;
    this.#betweenSlices = false;
    return this.#takeOrPark(want, scoped);
  }

  #takeOrPark(want: Want, scoped: Scoped | undefined): Promise<Buffer | number> {
    const scope = scoped?.cancelScope;
    const refusal = refusalOf(scoped, true);
    if (refusal !== undefined) return rejected(refusal, undefined);
    if (this.#closed) return Promise.reject(new SocketClosedError(this.#name));
    if (this.#chunks.length === 0 && !this.#ended) {
      if (this.#failure !== undefined) return Promise.reject(new SocketFailedError(this.#name, this.#failure));
      this.flow();
      return this.#line.park(this, { scope, item: want, source: true, by: scoped }) as Promise<Buffer | number>;
    }
    return Promise.resolve(this.#take(want));
  }

  #take(want: Want): Buffer | number {
    return typeof want === 'number' ? this.#chunks.takeSome(want) : this.#chunks.takeInto(want);
  }

  /** Gives the parked reader, if there is one, what there is for it: bytes, the end, or the failure. */
  #serve(): void {
    const reader = this.#line.first;
    if (reader === undefined) return;
    if (this.#chunks.length > 0 || this.#ended) reader.wake(this.#take(reader.item as Want));
    else if (this.#failure !== undefined) reader.fail(new SocketFailedError(this.#name, this.#failure));
  }
}
