/**
 * TLS: which of Node's options are taken, and what a secured connection tells of itself. Certificates and keys are the
 * user's; everything about trust is Node's to decide. Options have Node's own names, so that its documentation holds.
 */
import type { Socket as NodeSocket } from 'node:net';
import { type ConnectionOptions, type TLSSocket as NodeTlsSocket, type TlsOptions, TLSSocket } from 'node:tls';
import { knownFields } from '../kernel/check.ts';
import { messageOf } from '../kernel/describe.ts';
import { InvalidOptionError } from '../kernel/errors.ts';

type SharedField =
  | 'ALPNProtocols'
  | 'ca'
  | 'cert'
  | 'ciphers'
  | 'key'
  | 'maxVersion'
  | 'minVersion'
  | 'passphrase'
  | 'pfx'
  | 'rejectUnauthorized'
  | 'secureContext';
type ClientField = SharedField | 'checkServerIdentity' | 'servername' | 'session';
type ServerField = SharedField | 'requestCert' | 'SNICallback';

const SHARED_FIELDS: readonly SharedField[] = [
  'ALPNProtocols',
  'ca',
  'cert',
  'ciphers',
  'key',
  'maxVersion',
  'minVersion',
  'passphrase',
  'pfx',
  'rejectUnauthorized',
  'secureContext',
];
const CLIENT_FIELDS: readonly ClientField[] = [...SHARED_FIELDS, 'checkServerIdentity', 'servername', 'session'];
const SERVER_FIELDS: readonly ServerField[] = [...SHARED_FIELDS, 'requestCert', 'SNICallback'];

/**
 * How a connection that we open is secured: Node's options for `tls.connect` that say whom to trust (`ca`), who we are
 * (`cert`, `key`), and what we speak. With none, the peer needs a certificate that Node trusts by itself.
 */
export type TlsClientOptions = Pick<ConnectionOptions, ClientField>;

/** How connections to us are secured: Node's options for `tls.createServer`. `cert` and `key` at least. */
export type TlsServerOptions = Pick<TlsOptions, ServerField>;

/** What a secured connection tells of itself, as plain data. */
export interface TlsSnapshot {
  /** "TLSv1.3". */
  readonly protocol: string | undefined;
  readonly cipher: string | undefined;
  /** What both ends agreed to speak, of the `ALPNProtocols` given. */
  readonly alpnProtocol: string | undefined;
  /** The host name that the client asked for. */
  readonly serverName: string | undefined;
  /** The peer showed a certificate that is trusted. False of a client that was not asked for one. */
  readonly authorized: boolean;
  /** Of the peer's certificate, SHA-256: "AB:CD:…". */
  readonly peerFingerprint: string | undefined;
}

export function checkTlsClient(tls: TlsClientOptions): TlsClientOptions {
  knownFields('address.tls', tls, CLIENT_FIELDS);
  return tls;
}

export function checkTlsServer(tls: TlsServerOptions): TlsServerOptions {
  knownFields('address.tls', tls, SERVER_FIELDS);
  return tls;
}

/** Does what reads certificates and keys. What cannot be read is named without being shown: it may be a key. */
export function readingCertificates<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const expected = `certificates and keys that can be read (${messageOf(error)})`;
    throw new InvalidOptionError('address.tls', '(not shown)', expected);
  }
}

export function isTls(node: NodeSocket): node is NodeTlsSocket {
  return node instanceof TLSSocket;
}

/** The handshake is done. Somebody may hand over one under way, which Node's types do not show. */
export function isAgreed(node: NodeTlsSocket): boolean {
  return (node as { secureConnecting?: boolean }).secureConnecting !== true;
}

export function tlsSnapshot(node: NodeTlsSocket): TlsSnapshot {
  // Of a connection that is gone Node gives null for these, whatever its types say.
  const cipher = node.getCipher() as { name: string } | null | undefined;
  const certificate = node.getPeerCertificate() as { fingerprint256?: string } | null | undefined;
  const name = (node as { servername?: string | false | null }).servername;
  return {
    protocol: node.getProtocol() ?? undefined,
    cipher: cipher?.name,
    alpnProtocol: node.alpnProtocol || undefined,
    serverName: name || undefined,
    authorized: node.authorized,
    peerFingerprint: certificate?.fingerprint256,
  };
}
