/**
 * The only file that touches `ws`: one connection as client or as a server's peer, and a listener. Threads see what is here and
 * nothing of the package.
 *
 * A connection never throws from its words: what is written to one that is going down is lost with it, which is why a
 * destination keeps what is unconfirmed (`delivery-window`).
 */
import type { Server as HTTPServer } from 'node:http';
import type { AddressInfo, Socket as NodeSocket } from 'node:net';
import type { ConnectionOptions as TLSClientOptions } from 'node:tls';
import type { WebSocket as WS } from 'ws';
import type { CancelScope, Scoped } from '../kernel/cancel-scope.ts';
import { knownFields } from '../kernel/check.ts';
import { counted, messageOf } from '../kernel/describe.ts';
import { InvalidOptionError } from '../kernel/errors.ts';
import { AddressError, MissingPackageError } from '../kernel/io-errors.ts';
import { live } from '../kernel/probe.ts';
import { rejected, type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import { MemoryPool } from './memory-pool.ts';
import { encodeBinaryMessages } from './websocket-frames.ts';

const BINARY = { binary: true, compress: false };
const TEXT = { binary: false, compress: false };
const NORMAL_CLOSURE = 1000;
/** Nothing that a peer says is used: it must not make us hold much of it. */
const MAX_PAYLOAD_BYTES = 65_536;
const CLIENT = { perMessageDeflate: false, skipUTF8Validation: true, maxPayload: MAX_PAYLOAD_BYTES };

/** For the messages of all connections on their way to the system: as much as one window of a destination. */
const encoding = new MemoryPool(4 * 1024 * 1024);

/** Told what happens on a connection. */
export interface WebSocketListener {
  /** A pong came: the payload of the ping that it answers. */
  pong?(payload: string): void;
  /** Nothing more will come or go; `why` in words. */
  closed?(why: string): void;
}

/** One open websocket. */
export class WebSocketConnection implements WaitOwner {
  readonly endedOutside = true;
  readonly #ws: WS;
  readonly #tcp: NodeSocket;
  readonly #name: string;
  /** A client masks what it sends. */
  readonly #isClient: boolean;
  readonly #waiters = new WaitQueue();
  #closed = false;
  #error: unknown;
  /** Why this side gave it up, in words. */
  #givenUp: string | undefined;
  listener: WebSocketListener = {};

  /** @internal Else the declarations would ask for the types of an optional package. */
  constructor(ws: WS, tcp: NodeSocket, role: 'client' | 'server', name: string) {
    this.#ws = ws;
    this.#isClient = role === 'client';
    this.#tcp = tcp;
    this.#name = name;
    live.sockets++;
    tcp.setNoDelay(true);
    ws.on('error', (error) => {
      this.#error = error;
    });
    ws.on('pong', (payload) => this.listener.pong?.(payload.toString('latin1')));
    ws.on('close', (code, reason) => {
      this.#closed = true;
      live.sockets--;
      const coded = `closed with ${code} ${reason.toString()}`.trimEnd();
      const why = this.#givenUp ?? (this.#error === undefined ? coded : messageOf(this.#error));
      this.#waiters.wakeAll();
      this.listener.closed?.(why);
    });
    tcp.on('drain', () => this.#waiters.wakeAll());
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes that the system has not taken yet. */
  get bufferedBytes(): number {
    return this.#tcp.writableLength;
  }

  /** One binary message each, all of them in one write. */
  sendFrames(frames: readonly Buffer[], pingPayload?: string): void {
    this.#tcp.cork();
    if (!this.#isClient) for (const frame of frames) this.#ws.send(frame, BINARY);
    else if (this.#open) this.#writeEncoded(frames);
    if (pingPayload !== undefined) this.ping(pingPayload);
    this.#tcp.uncork();
  }

  sendText(text: string): void {
    this.#ws.send(text, TEXT);
  }

  ping(payload: string): void {
    if (this.#open) this.#ws.ping(payload);
  }

  /** Waits until at most so many bytes are buffered, or the connection is closed. *Cancel-safe.* */
  async drained(limitBytes: number, options: { readonly scope: Scoped }): Promise<void> {
    while (!this.#closed && this.bufferedBytes > limitBytes) await this.#wait(options.scope);
  }

  /** Waits for the close, by whomever. *Cancel-safe.* */
  async waitClosed(options: { readonly scope: Scoped }): Promise<void> {
    while (!this.#closed) await this.#wait(options.scope);
  }

  /** Begins the close handshake, after what was sent. Await `waitClosed` for the peer's part. */
  end(): void {
    this.#ws.close(NORMAL_CLOSURE);
  }

  /** Gives the connection up at once; `why` is told to the listener. */
  close(why?: string): void {
    this.#givenUp ??= why;
    this.#ws.terminate();
  }

  describeWait(): string {
    return `${this.#name} (on their way: ${counted(this.bufferedBytes, 'byte')})`;
  }

  waitCancelled(): void {}

  /** False while the connection goes down: nothing may be written then, and ws would throw. */
  get #open(): boolean {
    return this.#ws.readyState === this.#ws.OPEN;
  }

  #writeEncoded(frames: readonly Buffer[]): void {
    const encoded = encodeBinaryMessages(frames, encoding);
    // Of a broken connection nobody says when the system has let go of its memory.
    this.#tcp.write(encoded, (error) => {
      if (error == null) encoding.giveBack(encoded.buffer);
    });
  }

  #wait(scope: Scoped): Promise<unknown> {
    return this.#waiters.park(this, { scope: scope.cancelScope, by: scope });
  }
}

/** Whom a `wss://` connection trusts, and who it says it is: as in Node's `tls.connect`, PEM texts. */
export interface WebSocketTLSOptions {
  /** Certificates to trust instead of the well-known authorities: your own authority's, or a self-signed one. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
  /** The name that the certificate must be for. Default: the host of the URL. */
  readonly servername?: string;
  /** For servers that ask who is calling: a certificate, and its key. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** False takes any certificate, and so any server that comes between: for tests only. Default true. */
  readonly rejectUnauthorized?: boolean;
}

/**
 * As it may be printed: `ws://***@host/` where it has a user or a password, whatever its scheme. What is no URL, by a slip of the pen,
 * is printed without all that stands before its last @.
 */
export function printableURL(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || parsed.host === '') return url.replace(/^(\s*[a-z][a-z\d+.-]*:[\\/]*)?.*@/is, '$1***@');
  if (parsed.username === '' && parsed.password === '') return url;
  parsed.username = '***';
  parsed.password = '';
  return parsed.href;
}

const TLS_NAMES = ['ca', 'servername', 'cert', 'key', 'rejectUnauthorized'];

const WEBSOCKET_URL = 'a ws:// or wss:// URL without a fragment';

export function websocketURL(field: string, url: unknown): string {
  if (typeof url !== 'string') throw new InvalidOptionError(field, url, WEBSOCKET_URL);
  if (/^wss?:\/\/[^/\\]/.test(url) && URL.canParse(url) && !url.includes('#')) return url;
  throw new InvalidOptionError(field, printableURL(url), WEBSOCKET_URL);
}

export function resolveTLS(url: string, tls: WebSocketTLSOptions | undefined): WebSocketTLSOptions | undefined {
  if (tls === undefined) return undefined;
  if (!url.startsWith('wss:'))
    throw new InvalidOptionError('options.tls', tls, `absent, because ${printableURL(url)} is not wss://`);
  knownFields('options.tls', tls, TLS_NAMES);
  return tls;
}

/** Opens a connection. Rejects with `TT_ADDRESS`. *Cancel-safe:* a cancelled one is given up. */
export async function openWebSocket(
  url: string,
  options: { readonly scope: Scoped; readonly tls?: WebSocketTLSOptions | undefined },
): Promise<WebSocketConnection> {
  const { WebSocket } = await loadPackage();
  const { cancelScope } = options.scope;
  if (cancelScope.refusal !== undefined) return rejected(cancelScope.refusal, cancelScope.host.scheduler);
  const shown = printableURL(url);
  const opening = new Opening(shown);
  const tls = options.tls as TLSClientOptions | undefined;
  const ws = new WebSocket(url, { ...tls, ...CLIENT });
  let tcp: NodeSocket | undefined;
  ws.once('upgrade', (response) => {
    tcp = response.socket;
  });
  ws.once('open', () => opening.line.wakeFirst());
  // Also the error that giving up causes itself: it must find a listener.
  ws.on('error', (error) => opening.line.failAll(new AddressError('connect to', shown, error)));
  try {
    await opening.line.park(opening, { scope: cancelScope, by: options.scope });
  } catch (error) {
    ws.terminate();
    throw error;
  }
  return new WebSocketConnection(ws, tcp!, 'client', shown);
}

class Opening implements WaitOwner {
  readonly endedOutside = true;
  readonly line: WaitQueue = new WaitQueue();
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  describeWait(): string {
    return `the connection to ${this.#url}`;
  }

  waitCancelled(): void {}
}

/** A listening websocket server. */
export class WebSocketServerSocket implements WaitOwner {
  readonly endedOutside = true;
  readonly #server: { close(): void };
  readonly #http: HTTPServer;
  readonly #pending: WebSocketConnection[] = [];
  readonly #acceptors = new WaitQueue();
  readonly port: number;

  private constructor(server: { close(): void }, http: HTTPServer) {
    this.#server = server;
    this.#http = http;
    this.port = (http.address() as AddressInfo).port;
    live.servers++;
    http.once('close', () => live.servers--);
  }

  /** Rejects with `TT_ADDRESS`, `TT_MISSING_PACKAGE`. */
  static async listen(
    address: { readonly host: string; readonly port: number },
    options: { readonly scope: Scoped },
  ): Promise<WebSocketServerSocket> {
    const { WebSocketServer } = await loadPackage();
    const { createServer } = await import('node:http');
    const http = createServer((_request, response) => {
      response.writeHead(426, { 'content-type': 'text/plain' }).end('websocket only\n');
    });
    await listening(http, address, options.scope.cancelScope);
    const server = new WebSocketServer({ server: http, perMessageDeflate: false, maxPayload: MAX_PAYLOAD_BYTES });
    // What `listening` has not seen: a connection that could not be taken, say for want of files. The port stays open.
    server.on('error', () => {});
    const socket = new WebSocketServerSocket(server, http);
    server.on('connection', (ws, request) => {
      const peer = new WebSocketConnection(ws, request.socket, 'server', `subscriber ${request.socket.remotePort}`);
      socket.#pending.push(peer);
      socket.#acceptors.wakeFirst();
    });
    return socket;
  }

  /** Gives the next connection. A wait on a source. *Cancel-safe:* a cancelled one took none. */
  async accept(options: { readonly scope: Scoped }): Promise<WebSocketConnection> {
    for (;;) {
      const next = this.#pending.shift();
      if (next !== undefined) return next;
      await this.#acceptors.park(this, { scope: options.scope.cancelScope, source: true, by: options.scope });
    }
  }

  /** Takes no more connections; those that were taken stay. */
  close(): void {
    this.#server.close();
    this.#http.close();
    // Also those that have connected and said nothing: they would keep the port, and the process, alive.
    this.#http.closeAllConnections();
    for (const peer of this.#pending.splice(0)) peer.close();
  }

  describeWait(): string {
    return `a subscriber on port ${this.port}`;
  }

  waitCancelled(): void {}
}

async function listening(http: HTTPServer, address: { host: string; port: number }, scope: CancelScope): Promise<void> {
  const where = `${address.host}:${address.port}`;
  const opening = new Opening(where);
  http.on('error', (error) => opening.line.failAll(new AddressError('listen on', where, error)));
  http.once('listening', () => opening.line.wakeFirst());
  if (scope.refusal !== undefined) return rejected(scope.refusal, scope.host.scheduler);
  http.listen(address.port, address.host);
  try {
    await opening.line.park(opening, { scope });
  } catch (error) {
    http.close();
    throw error;
  }
}

async function loadPackage(): Promise<Pick<typeof import('ws'), 'WebSocket' | 'WebSocketServer'>> {
  try {
    const { WebSocket, WebSocketServer } = await import('ws');
    return { WebSocket, WebSocketServer };
  } catch (cause) {
    throw new MissingPackageError('ws', 'a websocket thread', cause);
  }
}
