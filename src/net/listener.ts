/**
 * Listening for connections, pull-based: `accept` takes the next one.
 *
 * Node accepts by itself and cannot be told to wait, so connections that nobody has fetched stand paused (not a byte is
 * read) in a line of at most `maxPending`; one more is closed at once and counted as refused. Closing the port instead would
 * turn away those that only came a moment too early, and might lose the port.
 */
import { createServer, type Socket as NodeSocket, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { calm } from '../kernel/calm.ts';
import type { Scoped } from '../kernel/cancel-scope.ts';
import { knownFields, milliseconds, wholeNumber } from '../kernel/check.ts';
import { AddressError, BusyError, SocketClosedError } from '../kernel/io-errors.ts';
import { live } from '../kernel/probe.ts';
import { RingBuffer } from '../kernel/ring-buffer.ts';
import { rejected, type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import { checkAddress, type Endpoint, inWords } from './address.ts';
import { Handshakes } from './handshakes.ts';
import { Socket } from './socket.ts';
import { checkTlsServer, readingCertificates, type TlsServerOptions } from './tls.ts';
import {
  NO_OPTIONS,
  nextSliceIfSpent,
  refusalOf,
  refused,
  throwIfRefused,
  type WaitOptions,
  whose,
} from './waiting.ts';

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_BACKLOG = 511;
const DEFAULT_MAX_PENDING = 1024;
const DEFAULT_HANDSHAKE_TIMEOUT_MS = 10_000;
const LARGEST_BACKLOG = 2 ** 31 - 1;

interface ListenLimits {
  /** How many connections the system keeps before Node accepts them (511; the system may allow fewer). */
  readonly backlog?: number | undefined;
  /** How many accepted connections wait for `accept` before more are refused (1024). */
  readonly maxPending?: number | undefined;
}

interface ListenPort {
  /** 127.0.0.1 if not set. */
  readonly host?: string | undefined;
  /** 0 takes a free one. */
  readonly port: number;
  /** Secures every connection: `accept` gives those whose handshake is done. */
  readonly tls?: TlsServerOptions | undefined;
  /** A handshake that takes longer is broken off (10 s). */
  readonly handshakeTimeoutMs?: number | undefined;
}

/** Where to listen: a port of a host, or the path of a Unix-domain socket. */
export type ListenAddress = ListenLimits & (ListenPort | { readonly path: string });

/** What a listener is doing, as plain data. */
export interface ListenerSnapshot {
  readonly state: 'listening' | 'closed';
  readonly address: string;
  /** Connections that came to stand: `accepted = delivered + pending + closed unfetched`; others are in the counts below. */
  readonly accepted: number;
  readonly delivered: number;
  readonly pending: number;
  readonly maxPending: number;
  /** Connections closed at once because `maxPending` others were waiting. */
  readonly refused: number;
  /** TLS handshakes under way (they count as pending does), and those that came to nothing. */
  readonly handshaking: number;
  readonly handshakesFailed: number;
  /** What is waited for, and since when: the clock's milliseconds, 0 where no scope was given. */
  readonly waits: readonly { readonly on: string; readonly sinceMs: number }[];
  /** The last error of the system while accepting; listening goes on. */
  readonly lastError: string | undefined;
}

/**
 * Takes connections: `Listener.listen` opens the port, `accept` gives one connection after the other, `close` ends it.
 *
 * Accepted sockets are paused until their first `recv`, and outlive the listener. Source: curio's `accept`.
 */
export class Listener implements WaitOwner {
  /** Of its waits: see `WaitOwner`. Not for users. */
  readonly endedOutside = true;
  readonly #server: Server;
  readonly #where: string;
  readonly #maxPending: number;
  readonly #pending = new RingBuffer<Socket>();
  readonly #line = new WaitQueue();
  readonly #handshakes: Handshakes | undefined;
  #address: Endpoint = { address: undefined, port: undefined };
  #betweenSlices = false;
  #state: 'opening' | 'listening' | 'closed' = 'opening';
  #accepted = 0;
  #delivered = 0;
  #refused = 0;
  #lastError: Error | undefined;

  private constructor(where: string, maxPending: number, secure: SecureOptions | undefined) {
    this.#where = where;
    this.#maxPending = maxPending;
    if (secure === undefined) {
      this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
      this.#server.on('connection', (node) => this.#arrived(node));
    } else {
      // Half-open from the handshake on: before, a peer's end is the end.
      const server = readingCertificates(() => createTlsServer({ ...secure, pauseOnConnect: true, noDelay: true }));
      this.#server = server;
      this.#handshakes = new Handshakes(server);
      server.on('connection', (raw) => this.#handshakeBegins(raw));
      server.on('secureConnection', (node) => this.#secured(node));
    }
    this.#server.on('error', (error) => {
      this.#lastError = error;
      if (this.#state === 'opening') this.#line.failAll(new AddressError('listen on', where, error));
    });
    this.#server.on('listening', () => this.#opened());
  }

  /**
   * Opens a port and resolves when connections can be made.
   *
   * @throws `TT_ADDRESS` when it cannot be opened: in use, not allowed, not an address of this machine (`cause` is Node's
   * error); `TT_INVALID_OPTION`, also of certificates that cannot be read. *Cancel-safe:* a cancelled one leaves nothing open.
   * Source: curio's `tcp_server_socket`.
   */
  static listen(address: ListenAddress, options: WaitOptions = NO_OPTIONS): Promise<Listener> {
    return calm(Listener.#listen(address, options));
  }

  static async #listen(address: ListenAddress, options: WaitOptions): Promise<Listener> {
    const portFields = 'path' in address ? [] : ['tls', 'handshakeTimeoutMs'];
    checkAddress(address, 0, ['backlog', 'maxPending', ...portFields]);
    knownFields('options', options, ['scope']);
    const backlog = wholeNumber('address.backlog', address.backlog ?? DEFAULT_BACKLOG, 1, LARGEST_BACKLOG);
    const maxPending = wholeNumber('address.maxPending', address.maxPending ?? DEFAULT_MAX_PENDING, 1);
    const secure = 'path' in address ? undefined : secureOptions(address);
    const scoped = whose(options);
    const slice = nextSliceIfSpent(scoped);
    if (slice !== undefined) await slice;
    throwIfRefused(scoped);

    const place =
      'path' in address ? { path: address.path } : { host: address.host ?? DEFAULT_HOST, port: address.port };
    const where = place.path ?? inWords(place.host, place.port);
    const listener = new Listener(where, maxPending, secure);
    listener.#server.listen({ ...place, backlog });
    try {
      await listener.#line.park(listener, { scope: scoped?.cancelScope, by: scoped });
      return listener;
    } catch (error) {
      listener.close();
      throw error;
    }
  }

  /** The host, or the path, that is listened on. */
  get address(): string {
    return this.#address.address ?? this.#where;
  }

  /** The port that is listened on; of a Unix-domain socket there is none. */
  get port(): number | undefined {
    return this.#address.port;
  }

  get closed(): boolean {
    return this.#state === 'closed';
  }

  /**
   * Takes the next connection, in the order of arrival. It is yours from then on: close it.
   *
   * @throws `TT_SOCKET_CLOSED` once the listener is closed, `TT_BUSY` while another `accept` waits.
   * *Cancel-safe:* a cancelled one took no connection. A wait on a source: closing the intake ends it.
   * Source: curio's `accept`.
   */
  accept(options: WaitOptions = NO_OPTIONS): Promise<Socket> {
    const scoped = whose(options);
    const refusal = refusalOf(scoped, true);
    if (refusal !== undefined) return refused(refusal, scoped);
    if (this.#betweenSlices || this.#line.length > 0) return Promise.reject(new BusyError(this.toString(), 'accept'));
    const slice = nextSliceIfSpent(scoped);
    return slice === undefined ? this.#takeOrPark(scoped) : calm(this.#afterSlice(slice, scoped));
  }

  /**
   * Stops listening at once: the port is free, who waits in `accept` gets `TT_SOCKET_CLOSED`, and connections that nobody
   * has fetched are closed. Those that were fetched go on. A second time nothing happens.
   */
  close(): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'listening') live.servers--;
    this.#state = 'closed';
    this.#server.close();
    this.#handshakes?.destroyAll();
    for (let socket = this.#pending.shift(); socket !== undefined; socket = this.#pending.shift()) socket.close();
    if (this.#line.length > 0) this.#line.failAll(new SocketClosedError(this.toString()));
  }

  snapshot(): ListenerSnapshot {
    const { first } = this.#line;
    return {
      state: this.closed ? 'closed' : 'listening',
      address: inWords(this.address, this.port),
      accepted: this.#accepted,
      delivered: this.#delivered,
      pending: this.#pending.length,
      maxPending: this.#maxPending,
      refused: this.#refused,
      handshaking: this.#handshakes?.count ?? 0,
      handshakesFailed: this.#handshakes?.failed ?? 0,
      waits: first === undefined ? [] : [{ on: this.describeWait(), sinceMs: first.since }],
      lastError: (this.#lastError ?? this.#handshakes?.lastError)?.message,
    };
  }

  toString(): string {
    return `listener ${inWords(this.address, this.port)}`;
  }

  describeWait(): string {
    return this.#state === 'opening' ? `to listen on ${this.#where}` : `a connection to ${this.toString()}`;
  }

  waitCancelled(): void {}

  [Symbol.dispose](): void {
    this.close();
  }

  /** Closes, and waits until nothing of the unfetched connections is left. *Cancel-safe:* it is closed; only the wait ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    const unfetched: Socket[] = [];
    for (let i = 0; i < this.#pending.length; i++) unfetched.push(this.#pending.at(i)!);
    this.close();
    for (const socket of unfetched) await socket.waitClosed();
  }

  #opened(): void {
    // Closed while a host name was looked up: whether Node then listens all the same depends on its version.
    if (this.#state === 'closed') {
      this.#server.close();
      return;
    }
    this.#state = 'listening';
    live.servers++;
    const bound = this.#server.address();
    if (typeof bound === 'object' && bound !== null) this.#address = { address: bound.address, port: bound.port };
    this.#line.wakeFirst();
  }

  #handshakeBegins(raw: NodeSocket): void {
    const handshakes = this.#handshakes!;
    if (this.#state !== 'closed' && this.#pending.length + handshakes.count < this.#maxPending) handshakes.begin(raw);
    else {
      if (this.#state !== 'closed') this.#refused++;
      raw.destroy();
    }
  }

  #secured(node: NodeSocket): void {
    this.#handshakes?.done(node);
    this.#arrived(node);
  }

  #arrived(node: NodeSocket): void {
    const socket = new Socket(node);
    const acceptor = this.#line.first;
    if (this.#state === 'closed') socket.close();
    else if (acceptor !== undefined) {
      this.#accepted++;
      this.#delivered++;
      acceptor.wake(socket);
    } else if (this.#pending.length < this.#maxPending) {
      this.#accepted++;
      this.#pending.push(socket);
    } else {
      this.#refused++;
      socket.close();
    }
  }

  async #afterSlice(slice: Promise<void>, scoped: Scoped | undefined): Promise<Socket> {
    this.#betweenSlices = true;
    await slice;
    this.#betweenSlices = false;
    return this.#takeOrPark(scoped);
  }

  #takeOrPark(scoped: Scoped | undefined): Promise<Socket> {
    const scope = scoped?.cancelScope;
    const refusal = refusalOf(scoped, true);
    if (refusal !== undefined) return rejected(refusal, undefined);
    if (this.#state === 'closed') return Promise.reject(new SocketClosedError(this.toString()));
    const socket = this.#pending.shift();
    if (socket === undefined) return this.#line.park(this, { scope, source: true, by: scoped }) as Promise<Socket>;
    this.#delivered++;
    return Promise.resolve(socket);
  }
}

type SecureOptions = TlsServerOptions & { readonly handshakeTimeout: number };

function secureOptions({ tls, handshakeTimeoutMs }: ListenPort): SecureOptions | undefined {
  const timeoutMs = milliseconds('address.handshakeTimeoutMs', handshakeTimeoutMs ?? DEFAULT_HANDSHAKE_TIMEOUT_MS);
  return tls === undefined ? undefined : { ...checkTlsServer(tls), handshakeTimeout: timeoutMs };
}
