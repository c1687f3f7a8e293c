/**
 * Addresses of sockets: checked, and in words. An address is a TCP host and port, or the path of a Unix-domain socket.
 */
import { knownFields, text, wholeNumber } from '../kernel/check.ts';
import { messageOf } from '../kernel/describe.ts';

const LARGEST_PORT = 65_535;

/** One end of a connection. Of a Unix-domain socket there is no port. */
export interface Endpoint {
  readonly address: string | undefined;
  readonly port: number | undefined;
}

export interface Address {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly path?: string | undefined;
}

/** "10.0.0.5:4711", "[::1]:80", "/run/x.sock", "(unnamed)". */
export function inWords(address: string | undefined, port: number | undefined): string {
  if (address === undefined || address === '') return '(unnamed)';
  if (port === undefined) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Checks host and port, or path; `extraFields` are names that the caller knows besides. */
export function checkAddress(address: Address, smallestPort: number, extraFields: readonly string[] = []): void {
  const { host, port, path } = address;
  if (path !== undefined) {
    knownFields('address', address, ['path', ...extraFields]);
    text('address.path', path);
    return;
  }
  knownFields('address', address, ['host', 'port', ...extraFields]);
  if (host !== undefined) text('address.host', host);
  wholeNumber('address.port', port, smallestPort, LARGEST_PORT);
}

/** Node's error when every address of a host name failed has no message of its own: it gets those of its parts. */
export function withMessage(error: Error): Error {
  if (error.message === '' && 'errors' in error && Array.isArray(error.errors)) {
    error.message = error.errors.map(messageOf).join('; ');
  }
  return error;
}
