/**
 * Opening a connection: what happens between `Socket.connect` and a connection that stands, and what a cut leaves behind.
 *
 *     connect ──► Node tries the addresses in turn ──► connected ──► (TLS: the handshake) ──► stands
 *                                  │                                        │
 *                                  └── TT_ADDRESS                           └── TT_TLS_HANDSHAKE
 */
import { connect as connectPlain, type Socket as NodeSocket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { CancelScope } from '../kernel/cancel-scope.ts';
import { knownFields, milliseconds } from '../kernel/check.ts';
import { TimeoutError } from '../kernel/errors.ts';
import { makeHost } from '../kernel/host.ts';
import { AddressError, TlsHandshakeError } from '../kernel/io-errors.ts';
import { type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import { checkAddress, inWords, withMessage } from './address.ts';
import { checkTlsClient, readingCertificates, type TlsClientOptions } from './tls.ts';
import { NO_OPTIONS, nextSliceIfSpent, throwIfRefused, type WaitOptions, whose } from './waiting.ts';

/** Where to connect to: a TCP port, secured if `tls` is given, or the path of a Unix-domain socket. */
export type ConnectAddress =
  | { readonly host: string; readonly port: number; readonly tls?: TlsClientOptions | undefined }
  | { readonly path: string };

export interface ConnectOptions extends WaitOptions {
  /** Gives up after so long, with a `TimeoutError`. Not set: as long as the system tries. */
  readonly timeoutMs?: number | undefined;
}

/** What takes Node's socket over, before anything has happened on it. */
interface Taker {
  close(): void;
  waitClosed(): Promise<void>;
}

/** Opens a connection, and resolves with what `take` has made of it when it stands. */
export async function openConnection<T extends Taker>(
  address: ConnectAddress,
  options: ConnectOptions = NO_OPTIONS,
  take: (node: NodeSocket, where: string) => T,
): Promise<T> {
  checkAddress(address, 1, 'path' in address ? [] : ['tls']);
  knownFields('options', options, ['scope', 'timeoutMs']);
  const { timeoutMs } = options;
  const tls = 'tls' in address && address.tls !== undefined ? checkTlsClient(address.tls) : undefined;
  if (timeoutMs !== undefined) milliseconds('options.timeoutMs', timeoutMs);
  const scoped = whose(options);
  const outer = scoped?.cancelScope;
  const slice = nextSliceIfSpent(scoped);
  if (slice !== undefined) await slice;
  throwIfRefused(scoped);

  const where = 'path' in address ? address.path : inWords(address.host, address.port);
  // Before the handshake is done a peer's end is the end: half-open, its wait would have none.
  const node =
    tls === undefined
      ? connectPlain({ ...address, allowHalfOpen: true, noDelay: true })
      : readingCertificates(() => connectTls({ ...tls, ...place(address) })).setNoDelay();
  const limit =
    timeoutMs === undefined ? undefined : new CancelScope(outer?.host ?? makeHost({}), outer, { timeoutMs });
  const taken = take(node, where);
  const opening = new Opening(node, where, tls !== undefined);
  try {
    await opening.line.park(opening, { scope: limit ?? outer, by: scoped });
    return taken;
  } catch (error) {
    taken.close();
    // It comes with the next turn of the loop; before that something would be left (law 12).
    await taken.waitClosed();
    throw limit?.timedOut ? new TimeoutError(`connecting to ${where}`, timeoutMs!, { cause: error }) : error;
  } finally {
    limit?.close();
    opening.forget();
  }
}

function place(address: ConnectAddress): { host: string; port: number } {
  const { host, port } = address as { host: string; port: number };
  return { host, port };
}

class Opening implements WaitOwner {
  readonly endedOutside = true;
  readonly line = new WaitQueue();
  readonly #node: NodeSocket;
  readonly #where: string;
  readonly #secured: boolean;
  #connected = false;

  constructor(node: NodeSocket, where: string, secured: boolean) {
    this.#node = node;
    this.#where = where;
    this.#secured = secured;
    node.on('connect', this.#onConnect).on('secureConnect', this.#onSecure).on('error', this.#onError);
  }

  forget(): void {
    this.#node.off('connect', this.#onConnect).off('secureConnect', this.#onSecure).off('error', this.#onError);
  }

  describeWait(): string {
    return this.#connected ? `the TLS handshake with ${this.#where}` : `a connection to ${this.#where}`;
  }

  waitCancelled(): void {}

  readonly #onConnect = (): void => {
    this.#connected = true;
    if (!this.#secured) this.line.wakeFirst();
  };

  readonly #onSecure = (): void => {
    this.line.wakeFirst();
  };

  readonly #onError = (error: Error): void => {
    this.line.failAll(
      this.#connected
        ? new TlsHandshakeError(this.#where, error)
        : new AddressError('connect to', this.#where, withMessage(error)),
    );
  };
}
