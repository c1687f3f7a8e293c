/**
 * The TLS handshakes of a listener that are not yet done. Node makes them by itself; what it does not do is to count them,
 * to end one whose time is over, or to end them with the listener.
 *
 * Node tells the raw connection first and the secured one later, and nothing that joins them but the peer's address: of
 * open connections to one port there are no two with the same.
 */
import type { Socket as NodeSocket } from 'node:net';
import type { Server } from 'node:tls';
import { inWords } from './address.ts';

export class Handshakes {
  readonly #raw = new Map<string, NodeSocket>();
  #failed = 0;
  #lastError: Error | undefined;

  constructor(server: Server) {
    server.on('tlsClientError', (error, node) => {
      this.#lastError = error;
      // Of one that took too long Node only says so.
      node.destroy();
    });
  }

  /** Under way. */
  get count(): number {
    return this.#raw.size;
  }

  /** Ended before they were done: refused by either side, broken off, or too slow. */
  get failed(): number {
    return this.#failed;
  }

  get lastError(): Error | undefined {
    return this.#lastError;
  }

  begin(raw: NodeSocket): void {
    const peer = inWords(raw.remoteAddress, raw.remotePort);
    this.#raw.set(peer, raw);
    raw.once('close', () => {
      if (this.#raw.get(peer) !== raw) return;
      this.#raw.delete(peer);
      this.#failed++;
    });
  }

  /** It is a connection now. */
  done(secured: NodeSocket): void {
    this.#raw.delete(inWords(secured.remoteAddress, secured.remotePort));
  }

  destroyAll(): void {
    for (const raw of this.#raw.values()) raw.destroy();
  }
}
