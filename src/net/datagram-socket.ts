/**
 * UDP: datagrams that are sent and pulled one by one.
 *
 * Node pushes what comes and cannot be told to wait, and UDP has nobody to hold back. So what nobody has taken stands in a
 * queue that is bounded in datagrams and in bytes; one more is dropped and counted, as the system itself drops what its
 * buffer cannot hold. A datagram comes whole or not at all.
 */
import { counted } from '../kernel/describe.ts';
import { createSocket, type Socket as NodeSocket, type RemoteInfo } from 'node:dgram';
import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import { BoundedQueue } from '../kernel/bounded-queue.ts';
import { calm, calmly } from '../kernel/calm.ts';
import type { Scoped } from '../kernel/cancel-scope.ts';
import { knownFields } from '../kernel/check.ts';
import { InvalidOptionError } from '../kernel/errors.ts';
import { AddressError, BusyError, SocketClosedError, SocketFailedError } from '../kernel/io-errors.ts';
import { live } from '../kernel/probe.ts';
import { rejected, type Waiter, type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import { checkAddress, type Endpoint, inWords } from './address.ts';
import {
  type Datagram,
  type DatagramAddress,
  type DatagramBinding,
  type DatagramLimits,
  type DatagramPeer,
  LIMIT_FIELDS,
  resolveDatagramLimits,
} from './datagram-options.ts';
import { bytesIn } from './sendable.ts';
import {
  NO_OPTIONS,
  nextSliceIfSpent,
  refusalOf,
  refused,
  throwIfRefused,
  type WaitOptions,
  whose,
  withProgress,
} from './waiting.ts';

const DEFAULT_HOST = '127.0.0.1';

/** What a datagram socket is doing, as plain data. `received = delivered + queued + dropped + discarded by close`. */
export interface DatagramSocketSnapshot {
  readonly state: 'open' | 'closed';
  readonly local: string;
  /** The peer of one that is connected. */
  readonly remote: string | undefined;
  readonly received: number;
  readonly delivered: number;
  readonly queued: number;
  readonly queuedBytes: number;
  /** Came while the queue was full. What the system had no room for is in no count. */
  readonly dropped: number;
  readonly sent: number;
  readonly waits: readonly { readonly on: string; readonly sinceMs: number }[];
}

/**
 * A UDP socket: `DatagramSocket.bind` takes a port, `DatagramSocket.connect` speaks with one peer; `send` and `recvFrom`
 * move whole datagrams. One reader may wait at a time, another gets `TT_BUSY`. Source: curio's and thredo's datagrams.
 */
export class DatagramSocket implements WaitOwner {
  /** Of its waits: see `WaitOwner`. Not for users. */
  readonly endedOutside = true;
  readonly #node: NodeSocket;
  readonly #queue: BoundedQueue<Datagram>;
  readonly #target: Target;
  readonly #readers = new WaitQueue();
  readonly #others = new WaitQueue();
  #betweenSlices = false;
  #open = false;
  #closed = false;
  #local: Endpoint = { address: undefined, port: undefined };
  #peer: Endpoint | undefined;
  /** Told to the next word, as the system does: a connected peer's port was unreachable, say. */
  #failure: Error | undefined;
  #received = 0;
  #delivered = 0;
  #sent = 0;

  private constructor(host: string, limits: DatagramLimits, target: Target) {
    this.#target = target;
    this.#queue = new BoundedQueue(resolveDatagramLimits(limits));
    this.#node = createSocket({ type: isIP(host) === 6 ? 'udp6' : 'udp4' });
    this.#node.on('message', (bytes, from) => this.#arrived(bytes, from)).on('error', (error) => this.#failed(error));
  }

  /**
   * Takes a port and resolves when datagrams can come.
   *
   * @throws `TT_ADDRESS` when it cannot be had (`cause` is Node's error), `TT_INVALID_OPTION`.
   * *Cancel-safe:* a cancelled one leaves nothing open.
   */
  static bind(binding: DatagramBinding, options: WaitOptions = NO_OPTIONS): Promise<DatagramSocket> {
    return calmly(() => {
      checkAddress(binding, 0, ['broadcast', ...LIMIT_FIELDS]);
      const { host = DEFAULT_HOST, port, broadcast = false } = binding;
      const target = { operation: 'listen on', where: inWords(host, port) } as const;
      return DatagramSocket.#opening(host, binding, options, target, (socket, opened) => {
        socket.#node.bind({ address: host, port }, () => {
          if (broadcast) socket.#node.setBroadcast(true);
          opened();
        });
      });
    });
  }

  /**
   * Takes a free port to speak with one peer: only its datagrams come, and `send` needs no address. Nothing is sent.
   *
   * @throws `TT_ADDRESS` when the peer's name is not known or its network cannot be reached, `TT_INVALID_OPTION`.
   * *Cancel-safe:* a cancelled one leaves nothing open.
   */
  static connect(peer: DatagramPeer, options: WaitOptions = NO_OPTIONS): Promise<DatagramSocket> {
    return calmly(() => {
      checkAddress(peer, 1, LIMIT_FIELDS);
      const { host, port } = peer;
      const target = { operation: 'connect to', where: inWords(host, port) } as const;
      return DatagramSocket.#opening(host, peer, options, target, (socket, opened) => {
        // A name that is not known is told here, and not as an event.
        socket.#node.connect(port, host, (error?: Error) => {
          if (error) return socket.#failed(error);
          const { address, port: peerPort } = socket.#node.remoteAddress();
          socket.#peer = { address, port: peerPort };
          opened();
        });
      });
    });
  }

  static async #opening(
    host: string,
    limits: DatagramLimits,
    options: WaitOptions,
    target: Target,
    open: (socket: DatagramSocket, opened: () => void) => void,
  ): Promise<DatagramSocket> {
    knownFields('options', options, ['scope']);
    const scoped = whose(options);
    const slice = nextSliceIfSpent(scoped);
    if (slice !== undefined) await slice;
    throwIfRefused(scoped);
    const socket = new DatagramSocket(host, limits, target);
    live.sockets++;
    try {
      const waiter = socket.#park(scoped, `to ${target.operation} ${target.where}`);
      open(socket, () => waiter.wake());
      await waiter.promise;
    } catch (error) {
      socket.close();
      throw error;
    }
    const { address, port } = socket.#node.address();
    socket.#local = { address, port };
    socket.#open = true;
    return socket;
  }

  get localAddress(): string | undefined {
    return this.#local.address;
  }

  get localPort(): number | undefined {
    return this.#local.port;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Sends one datagram and resolves when the system has taken it; whether it arrives nobody knows. `to` is left out of a
   * connected socket, and needed otherwise.
   *
   * @throws `TT_ADDRESS` for a name that is not known, `TT_SOCKET_FAILED` when the system refuses it (too long, no route),
   * `TT_SOCKET_CLOSED`, `TT_INVALID_OPTION`. *Cancel-safe:* `progress.bytesWritten` is 0, or the datagram's length if it had
   * been handed over. *Ordering:* sends to addresses are handed over in the order of the calls; names are looked up first.
   */
  send(bytes: Uint8Array, to?: DatagramAddress, options: WaitOptions = NO_OPTIONS): Promise<void> {
    return calm(this.#send(bytes, to, options));
  }

  async #send(bytes: Uint8Array, to: DatagramAddress | undefined, options: WaitOptions): Promise<void> {
    const scoped = whose(options);
    bytesIn('bytes', bytes);
    this.#checkTarget(to);
    let bytesWritten = 0;
    try {
      const refusal = refusalOf(scoped, false);
      if (refusal !== undefined) await refused(refusal, scoped);
      const slice = nextSliceIfSpent(scoped);
      if (slice !== undefined) await slice;
      const address = to === undefined || isIP(to.host) !== 0 ? to?.host : await this.#addressOf(to.host, scoped);
      throwIfRefused(scoped);
      if (this.#closed) throw new SocketClosedError(this.toString());
      const waiter = this.#park(scoped, `a datagram of ${counted(bytes.length, 'byte')} to be sent`);
      const sent = (error: Error | null) => {
        if (error === null) waiter.wake();
        else waiter.fail(new SocketFailedError(this.toString(), error));
      };
      bytesWritten = bytes.length;
      this.#sent++;
      if (to === undefined) this.#node.send(bytes, sent);
      else this.#node.send(bytes, to.port, address, sent);
      await waiter.promise;
    } catch (error) {
      throw withProgress(error, { bytesWritten });
    }
  }

  /**
   * Takes the next datagram, in the order in which they came.
   *
   * @throws `TT_SOCKET_FAILED` when the system told of a failure (a connected peer's port was unreachable): the socket goes
   * on; `TT_SOCKET_CLOSED`, `TT_BUSY`. *Cancel-safe:* a cancelled one took nothing. A wait on a source: closing the intake
   * ends it. Source: curio's `recvfrom`.
   */
  recvFrom(options: WaitOptions = NO_OPTIONS): Promise<Datagram> {
    const scoped = whose(options);
    const refusal = refusalOf(scoped, true);
    if (refusal !== undefined) return refused(refusal, scoped);
    if (this.#betweenSlices || this.#readers.length > 0)
      return Promise.reject(new BusyError(this.toString(), 'recvFrom'));
    const slice = nextSliceIfSpent(scoped);
    return slice === undefined ? this.#takeOrPark(scoped) : calm(this.#afterSlice(slice, scoped));
  }

  /** The datagrams as they come, until the socket is closed by this side. *Cancel-safe:* as `recvFrom`. */
  async *datagrams(options: WaitOptions = NO_OPTIONS): AsyncGenerator<Datagram, void, undefined> {
    while (!this.#closed) {
      try {
        yield await this.recvFrom(options);
      } catch (error) {
        if (!(error instanceof SocketClosedError)) throw error;
      }
    }
  }

  /** As `datagrams`. *Cancel-safe:* as `recvFrom`. */
  [Symbol.asyncIterator](): AsyncGenerator<Datagram, void, undefined> {
    return this.datagrams();
  }

  /** Gives the port up at once; whoever waits gets `TT_SOCKET_CLOSED`. A second time nothing happens. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    live.sockets--;
    this.#queue.clear();
    this.#node.close();
    const error = new SocketClosedError(this.toString());
    this.#readers.failAll(error);
    this.#others.failAll(error);
  }

  snapshot(): DatagramSocketSnapshot {
    const waiters = [this.#readers.first, this.#others.first].filter((waiter) => waiter !== undefined);
    return {
      state: this.#closed ? 'closed' : 'open',
      local: inWords(this.#local.address, this.#local.port),
      remote: this.#peer && inWords(this.#peer.address, this.#peer.port),
      received: this.#received,
      delivered: this.#delivered,
      queued: this.#queue.length,
      queuedBytes: this.#queue.size,
      dropped: this.#queue.dropped,
      sent: this.#sent,
      waits: waiters.map((waiter) => ({ on: this.describeWait(waiter), sinceMs: waiter.since })),
    };
  }

  toString(): string {
    return `datagram socket ${inWords(this.#local.address, this.#local.port)}`;
  }

  describeWait(waiter: Waiter): string {
    return typeof waiter.item === 'string' ? waiter.item : `a datagram to ${this.toString()}`;
  }

  waitCancelled(): void {}

  [Symbol.dispose](): void {
    this.close();
  }

  #checkTarget(to: DatagramAddress | undefined): void {
    if (to !== undefined) checkAddress(to, 1);
    if ((to === undefined) === (this.#peer !== undefined)) return;
    throw new InvalidOptionError('to', to, this.#peer === undefined ? 'an address' : 'absent: the socket is connected');
  }

  #addressOf(host: string, scoped: Scoped | undefined): Promise<string> {
    const waiter = this.#park(scoped, `the address of ${host}`);
    const family = isIP(this.#local.address ?? '') === 6 ? 6 : 4;
    lookup(host, { family }, (error, address) => {
      if (error === null) waiter.wake(address);
      else waiter.fail(new AddressError('send to', host, error));
    });
    return waiter.promise as Promise<string>;
  }

  #park(scoped: Scoped | undefined, item: string): Waiter {
    return this.#others.parkWaiter(this, { scope: scoped?.cancelScope, item, by: scoped });
  }

  async #afterSlice(slice: Promise<void>, scoped: Scoped | undefined): Promise<Datagram> {
    this.#betweenSlices = true;
    await slice;
    this.#betweenSlices = false;
    return this.#takeOrPark(scoped);
  }

  #takeOrPark(scoped: Scoped | undefined): Promise<Datagram> {
    const refusal = refusalOf(scoped, true);
    if (refusal !== undefined) return rejected(refusal, undefined);
    if (this.#closed) return Promise.reject(new SocketClosedError(this.toString()));
    const datagram = this.#queue.shift();
    if (datagram !== undefined) {
      this.#delivered++;
      return Promise.resolve(datagram);
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) return Promise.reject(new SocketFailedError(this.toString(), failure));
    const scope = scoped?.cancelScope;
    return this.#readers.park(this, { scope, source: true, by: scoped }) as Promise<Datagram>;
  }

  #arrived(bytes: Buffer, from: RemoteInfo): void {
    const datagram = { bytes, address: from.address, port: from.port };
    this.#received++;
    if (this.#readers.wakeFirst(datagram)) this.#delivered++;
    else this.#queue.push(datagram);
  }

  #failed(error: Error): void {
    const { operation, where } = this.#target;
    if (!this.#open) this.#others.first?.fail(new AddressError(operation, where, error));
    else if (this.#readers.first === undefined) this.#failure = error;
    else this.#readers.first.fail(new SocketFailedError(this.toString(), error));
  }
}

/** What was to be opened. */
interface Target {
  readonly operation: 'listen on' | 'connect to';
  readonly where: string;
}
