/**
 * What may be sent, and its check. Node would take other things too, or a loop over them would send nothing and say that all
 * went well; so whatever is not of the form is refused before anything of it is sent.
 */
import { isUint8Array } from 'node:util/types';
import { InvalidOptionError } from '../kernel/errors.ts';

/** Bytes to send: one piece of memory, or several that are sent one after the other. */
export type Sendable = Uint8Array | readonly Uint8Array[];

/** Memory whose bytes can be sent. Buffers are such. `at`: its place, where the field is a list. */
export function bytesIn(field: string, value: unknown, at?: number): Uint8Array {
  if (isUint8Array(value)) return value;
  throw new InvalidOptionError(named(field, at), value, 'a Uint8Array');
}

/** One piece of memory or several, as a list. */
export function piecesIn(field: string, value: unknown): readonly Uint8Array[] {
  if (isUint8Array(value)) return [value];
  if (!Array.isArray(value)) throw new InvalidOptionError(field, value, 'a Uint8Array or an array of them');
  for (let at = 0; at < value.length; at++) bytesIn(field, value[at], at);
  return value;
}

/** Memory, or a text as its bytes. `at`: as for `bytesIn`. */
export function bytesOrText(field: string, value: unknown, at?: number): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value);
  if (isUint8Array(value)) return value;
  throw new InvalidOptionError(named(field, at), value, 'a Uint8Array or a text');
}

function named(field: string, at: number | undefined): string {
  return at === undefined ? field : `${field}[${at}]`;
}
