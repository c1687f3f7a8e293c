/** Sockets and byte streams that can be cancelled, and framing. */
export { ByteStream, type ByteChannel, type ByteStreamSnapshot, type ReadLimit } from './byte-stream.ts';
export {
  type EndOfStream,
  type FrameDecoder,
  type FrameEncoder,
  FRAMINGS,
  type Framing,
  type FramingError,
  type FramingOptions,
  makeDecoder,
  makeEncoder,
} from './framing.ts';
export { encodeLengthPrefixed, LengthPrefixedDecoder, lengthPrefix } from './length-prefixed.ts';
export { encodeLine, LinesDecoder } from './lines.ts';
export { type ListenAddress, Listener, type ListenerSnapshot } from './listener.ts';
export { type ConnectAddress, type ConnectOptions, Socket, type SocketSnapshot } from './socket.ts';
export { encodeSyslog, SyslogDecoder } from './syslog.ts';
export type { WaitOptions } from './waiting.ts';
