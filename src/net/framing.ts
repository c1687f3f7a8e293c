/**
 * The framings by name: which there are, and a decoder or encoder for each. What all of them promise is in
 * `frame-decoder.ts`, each framing in a file of its own.
 */
import { oneOf } from '../kernel/check.ts';
import type { FrameDecoder, FrameEncoder } from './frame-decoder.ts';
import { encodeLengthPrefixed, LengthPrefixedDecoder, type LengthPrefixedOptions } from './length-prefixed.ts';
import { encodeLine, LinesDecoder, type LinesOptions } from './lines.ts';
import { encodeSyslog, SyslogDecoder, type SyslogOptions } from './syslog.ts';

export type { EndOfStream, FrameDecoder, FrameEncoder, FrameLimit, FramingError } from './frame-decoder.ts';

/** The options of each framing. */
export interface FramingOptions {
  'length-prefixed': LengthPrefixedOptions;
  lines: LinesOptions;
  syslog: SyslogOptions;
}

/** How messages are told apart in a stream of bytes. */
export type Framing = keyof FramingOptions;

/** The names of all framings. */
export const FRAMINGS: readonly Framing[] = ['length-prefixed', 'lines', 'syslog'];

/** Makes a decoder for one connection. Throws `TT_INVALID_OPTION` for an unknown framing and for options it does not have. */
export function makeDecoder<F extends Framing>(framing: F, options?: FramingOptions[F]): FrameDecoder {
  switch (oneOf<Framing>('framing', framing, FRAMINGS)) {
    case 'length-prefixed':
      return new LengthPrefixedDecoder(options);
    case 'lines':
      return new LinesDecoder(options);
    case 'syslog':
      return new SyslogDecoder(options);
  }
}

/** The encoder of a framing. It keeps no state, so one serves all connections. Throws `TT_INVALID_OPTION`. */
export function makeEncoder(framing: Framing): FrameEncoder {
  switch (oneOf<Framing>('framing', framing, FRAMINGS)) {
    case 'length-prefixed':
      return encodeLengthPrefixed;
    case 'lines':
      return encodeLine;
    case 'syslog':
      return encodeSyslog;
  }
}
