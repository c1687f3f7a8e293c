/** Sockets and byte streams that can be cancelled, and framing. */
export { type ByteChannel, ByteStream, type ByteStreamSnapshot, type ReadLimit } from './byte-stream.ts';
export {
  type EndOfStream,
  FRAMINGS,
  type FrameDecoder,
  type FrameEncoder,
  type FrameLimit,
  type Framing,
  type FramingError,
  type FramingOptions,
  makeDecoder,
  makeEncoder,
} from './framing.ts';
export { encodeLengthPrefixed, LengthPrefixedDecoder, lengthPrefix } from './length-prefixed.ts';
export { encodeLine, LinesDecoder } from './lines.ts';
export type { Datagram, DatagramAddress, DatagramBinding, DatagramPeer } from './datagram-options.ts';
export { DatagramSocket, type DatagramSocketSnapshot } from './datagram-socket.ts';
export type { ConnectAddress, ConnectOptions } from './connecting.ts';
export { type ListenAddress, Listener, type ListenerSnapshot } from './listener.ts';
export { Socket, type SocketSnapshot } from './socket.ts';
export { encodeSyslog, SyslogDecoder } from './syslog.ts';
export type { TlsClientOptions, TlsServerOptions, TlsSnapshot } from './tls.ts';
export type { WaitOptions } from './waiting.ts';
