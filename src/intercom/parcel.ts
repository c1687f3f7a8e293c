/**
 * A signal on its way into a lane, with what the user's functions say of it. They are asked once, before anything is counted,
 * so that one that throws spoils nothing, and one that changes its mind later is not heard.
 */
import { InvalidOptionError } from '../kernel/errors.ts';
import type { ResolvedLaneOptions } from './lane-options.ts';

export interface Parcel {
  readonly signal: unknown;
  readonly count: number;
  readonly bytes: number;
  readonly key: unknown;
}

/** Throws what the user's functions throw, and an `InvalidOptionError` for a count or size that is none. */
export function parcelOf(signal: unknown, options: ResolvedLaneOptions): Parcel {
  const { countOf, sizeOf, keyOf, policy } = options;
  const count = countOf === undefined ? 1 : countOf(signal as never);
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new InvalidOptionError('countOf(signal)', count, 'a whole number of at least 1');
  }
  const bytes = sizeOf === undefined ? 0 : sizeOf(signal as never);
  if (!Number.isSafeInteger(bytes) || bytes < 0) {
    throw new InvalidOptionError('sizeOf(signal)', bytes, 'a whole number of at least 0');
  }
  return { signal, count, bytes, key: policy === 'latest' ? keyOf?.(signal as never) : undefined };
}
