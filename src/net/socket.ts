/**
 * TCP (also secured) and Unix-domain sockets that are pulled from and can be cancelled: the words and the life of a connection.
 *
 * Half-open on purpose: the peer's end does not end our sending. A socket closes itself when both directions have ended
 * (the peer's end has been read, and we called `end`); otherwise it stays open until `close`, `reset` or a failure.
 *
 * Not here: the two directions (`receiving-side`, `sending-side`), reading by line or by length (`byte-stream`), accepting
 * (`listener`), how a connection comes to stand (`connecting`).
 */
import type { Socket as NodeSocket } from 'node:net';
import { calm } from '../kernel/calm.ts';
import { wholeNumber } from '../kernel/check.ts';
import { InvalidOptionError } from '../kernel/errors.ts';
import { live } from '../kernel/probe.ts';
import { type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import { type Endpoint, inWords } from './address.ts';
import { ByteStream } from './byte-stream.ts';
import { type ConnectAddress, type ConnectOptions, openConnection } from './connecting.ts';
import { ReceivingSide } from './receiving-side.ts';
import type { Sendable } from './sendable.ts';
import { SendingSide } from './sending-side.ts';
import { isAgreed, isTls, type TlsSnapshot, tlsSnapshot } from './tls.ts';
import { NO_OPTIONS, nextSliceIfSpent, refusalOf, refused, type WaitOptions, whose } from './waiting.ts';

const DEFAULT_RECV_BYTES = 64 * 1024;

/** What a socket is doing, as plain data. */
export interface SocketSnapshot {
  readonly state: 'open' | 'closing' | 'closed';
  readonly local: string;
  readonly remote: string;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Read ahead and not yet taken by `recv`. */
  readonly unreadBytes: number;
  /** Handed over and not yet taken by the system. */
  readonly unsentBytes: number;
  readonly peerEnded: boolean;
  readonly sendingEnded: boolean;
  /** What is waited for, and since when: the clock's milliseconds, 0 where no scope was given. */
  readonly waits: readonly { readonly on: string; readonly sinceMs: number }[];
  readonly failure: string | undefined;
}

/**
 * One end of a connection: `recv` takes what has come, `sendAll` sends, and each waits as long as it must.
 *
 * Nothing is read before the first `recv`; then at most 256 KiB are read ahead, and TCP stops a sender that is faster than
 * its reader. One reader and one writer may wait at a time, another gets `TT_BUSY`. Sizes are in bytes.
 * Source: the `Socket` of curio and thredo.
 */
export class Socket implements WaitOwner {
  /** Of its waits: see `WaitOwner`. Not for users. */
  readonly endedOutside = true;
  readonly #node: NodeSocket;
  readonly #name: string;
  readonly #receiving: ReceivingSide;
  readonly #sending: SendingSide;
  readonly #closeLine = new WaitQueue();
  // Node's own `closed` is true long before its handle is gone.
  #closed = false;
  // Asked for once, as what was agreed in TLS: of a connection that is gone Node does not know them any more.
  #local: Endpoint = NOWHERE;
  #remote: Endpoint = NOWHERE;
  #tls: TlsSnapshot | undefined;
  #stream: ByteStream | undefined;

  /** Takes a socket of Node's over; from then on use it through this one only. */
  constructor(node: NodeSocket, name: string = `socket ${inWords(node.remoteAddress, node.remotePort)}`) {
    this.#node = node;
    this.#name = name;
    if (node.connecting) node.once(isTls(node) ? 'secureConnect' : 'connect', () => this.#stands());
    else this.#stands();
    this.#receiving = new ReceivingSide(node, name);
    this.#sending = new SendingSide(node, name);
    live.sockets++;
    node.on('error', (error) => {
      this.#receiving.fail(error);
      this.#sending.stop(false);
    });
    node.on('close', () => {
      this.#closed = true;
      live.sockets--;
      this.#receiving.connectionClosed();
      this.#sending.stop(false);
      this.#closeLine.wakeAll();
    });
  }

  /**
   * Opens a connection and resolves when it stands. Node tries the addresses of a host name in turn ("happy eyeballs").
   *
   * With `tls` it stands when the handshake is done and the peer's certificate is trusted.
   *
   * @throws `TT_ADDRESS` when it cannot be opened, `TT_TLS_HANDSHAKE` when it cannot be secured (`cause` is Node's error),
   * `TT_TIMEOUT`, `TT_INVALID_OPTION`. *Cancel-safe:* a cancelled or timed-out one leaves no socket behind.
   * Source: curio's `open_connection`.
   */
  static connect(address: ConnectAddress, options: ConnectOptions = NO_OPTIONS): Promise<Socket> {
    return calm(openConnection(address, options, (node, where) => new Socket(node, `socket ${where}`)));
  }

  get localAddress(): string | undefined {
    return this.#local.address;
  }

  get localPort(): number | undefined {
    return this.#local.port;
  }

  get remoteAddress(): string | undefined {
    return this.#remote.address;
  }

  get remotePort(): number | undefined {
    return this.#remote.port;
  }

  /** How the connection is, or was, secured; undefined of one that is not. */
  get tls(): TlsSnapshot | undefined {
    return this.#tls ?? (isTls(this.#node) ? tlsSnapshot(this.#node) : undefined);
  }

  /** Bytes that have come from the peer, taken by `recv` or not. */
  get bytesRead(): number {
    return this.#node.bytesRead;
  }

  /** Bytes that `send` and `sendAll` have handed over. */
  get bytesWritten(): number {
    return this.#sending.bytesWritten;
  }

  /** True once nothing of the connection is left. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Takes what the peer has sent: up to `maxBytes`, as soon as there is anything; no bytes when the peer has ended.
   * The buffer is the chunk that came or a view of it: nothing is copied.
   *
   * @throws `TT_SOCKET_FAILED` when Node tells that the connection broke (after what had come before), `TT_SOCKET_CLOSED`, `TT_BUSY`.
   * *Cancel-safe:* a cancelled one took nothing. A wait on a source: closing the intake ends it.
   *
   * No bytes do not prove that all has come: a reset that arrives together with the last bytes is to Node an ordinary end. A length
   * or a mark at the end does. Source: curio's `recv`.
   */
  recv(maxBytes: number = DEFAULT_RECV_BYTES, options: WaitOptions = NO_OPTIONS): Promise<Buffer> {
    try {
      wholeNumber('maxBytes', maxBytes, 1);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#receiving.receive(maxBytes, whose(options)) as Promise<Buffer>;
  }

  /**
   * Like `recv`, but copies into memory of yours and says how many bytes; 0 when the peer has ended.
   *
   * @throws as `recv`; `TT_INVALID_OPTION` for memory without room.
   * *Cancel-safe:* a cancelled one took nothing and has not touched `memory`.
   * Source: curio's `recv_into`.
   */
  recvInto(memory: Uint8Array, options: WaitOptions = NO_OPTIONS): Promise<number> {
    if (memory.length === 0) return Promise.reject(new InvalidOptionError('memory', memory, 'at least 1 byte long'));
    return this.#receiving.receive(memory, whose(options)) as Promise<number>;
  }

  /**
   * Sends as much as goes at once, at most 64 KiB, and says how much: waits only until there is room at all.
   * The bytes are not copied: leave them alone until `flush` has resolved.
   *
   * @throws as `sendAll`. *Cancel-safe:* a cancelled one sent nothing.
   * Source: curio's `send`.
   */
  send(bytes: Uint8Array, options: WaitOptions = NO_OPTIONS): Promise<number> {
    return calm(this.#sending.send(bytes, whose(options)));
  }

  /**
   * Sends everything. Resolves when less than 64 KiB wait for the system to take them, so that a fast sender is held back by
   * a slow peer. Small buffers of a list share a system call. The bytes are not copied: leave them alone until `flush` has
   * resolved.
   *
   * @throws `TT_SOCKET_FAILED` when the connection broke, `TT_SOCKET_CLOSED` after `close` or `end`, `TT_BUSY`;
   * `TT_INVALID_OPTION` for what is no `Uint8Array` or array of them: then nothing was sent.
   * *Cancel-safe:* cancelled between pieces of at most 64 KiB. `progress.bytesWritten` of the error is exactly what was
   * handed over, and what the peer sees if the connection is then ended in order.
   * Source: curio's `sendall`.
   */
  sendAll(data: Sendable, options: WaitOptions = NO_OPTIONS): Promise<void> {
    return calm(this.#sending.sendAll(data, whose(options)));
  }

  /**
   * Waits until the system has taken all that was handed over; after `end` the end too, so that `close` cuts nothing off.
   *
   * @throws `TT_SOCKET_FAILED`, `TT_SOCKET_CLOSED`. *Cancel-safe:* nothing is taken back.
   */
  flush(options: WaitOptions = NO_OPTIONS): Promise<void> {
    return calm(this.#sending.flush(whose(options)));
  }

  /** Tells the peer that nothing more comes, after what was written. Receiving goes on. A second time nothing happens. */
  end(): void {
    this.#sending.end();
  }

  /**
   * Gives the connection up at once. Whoever waits gets `TT_SOCKET_CLOSED`; what the system has not yet taken is not sent
   * (await `flush` first if it must be). A second time nothing happens.
   */
  close(): void {
    this.#receiving.close();
    this.#node.destroy();
    this.#sending.stop(true);
  }

  /** Like `close`, but the peer sees a broken connection (ECONNRESET) and not an end. One that is secured, or a Unix-domain socket, is closed. */
  reset(): void {
    const node = this.#node;
    if (!node.destroyed && this.#remote.port !== undefined && !isTls(node)) node.resetAndDestroy();
    this.close();
  }

  /**
   * Waits until nothing of the connection is left, however it ended; reads ahead meanwhile, so that the peer's end is seen
   * (if more comes than is read ahead, somebody has to `recv`).
   *
   * @throws nothing but the scope's refusal. *Cancel-safe:* changes nothing.
   */
  waitClosed(options: WaitOptions = NO_OPTIONS): Promise<void> {
    const scope = whose(options);
    const refusal = refusalOf(scope, false);
    if (refusal !== undefined) return refused(refusal, scope);
    if (this.closed) return nextSliceIfSpent(scope) ?? Promise.resolve();
    this.#receiving.flow();
    return this.#closeLine.park(this, { scope: scope?.cancelScope, by: scope }) as Promise<void>;
  }

  /** Sends small pieces at once instead of gathering them (Nagle's algorithm off). On from the start. */
  setNoDelay(noDelay: boolean = true): void {
    this.#node.setNoDelay(noDelay);
  }

  /**
   * This connection as a stream of bytes with lines and exact lengths: the same one each time, because it reads ahead. For that
   * reason too read only from the socket or from its stream.
   */
  asStream(): ByteStream {
    this.#stream ??= new ByteStream(this);
    return this.#stream;
  }

  snapshot(): SocketSnapshot {
    const waiters = [this.#receiving.waiter, this.#sending.waiter, this.#closeLine.first];
    return {
      state: this.closed ? 'closed' : this.#node.destroyed ? 'closing' : 'open',
      local: inWords(this.#local.address, this.#local.port),
      remote: inWords(this.#remote.address, this.#remote.port),
      bytesRead: this.bytesRead,
      bytesWritten: this.bytesWritten,
      unreadBytes: this.#receiving.unreadBytes,
      unsentBytes: this.#node.writableLength,
      peerEnded: this.#receiving.ended,
      sendingEnded: this.#sending.ended,
      waits: waiters
        .filter((waiter) => waiter !== undefined)
        .map((waiter) => ({ on: waiter.owner.describeWait(waiter), sinceMs: waiter.since })),
      failure: this.#node.errored?.message,
    };
  }

  toString(): string {
    return this.#name;
  }

  describeWait(): string {
    return `the end of ${this.#name}`;
  }

  waitCancelled(): void {}

  [Symbol.dispose](): void {
    this.close();
  }

  /** Closes, and waits until it is closed. *Cancel-safe:* it is closed; only the wait ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.waitClosed();
  }

  #stands(): void {
    const node = this.#node;
    node.allowHalfOpen = true;
    if (isTls(node) && isAgreed(node)) this.#tls = tlsSnapshot(node);
    this.#local = { address: node.localAddress, port: node.localPort };
    this.#remote = { address: node.remoteAddress, port: node.remotePort };
  }
}

const NOWHERE: Endpoint = { address: undefined, port: undefined };
