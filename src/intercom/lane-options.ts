/**
 * The settings of one lane and their checks. A lane is bounded in signals and, where signals have a size, in bytes (law 5).
 */
import { knownFields, oneOf, optionalFunction, wholeNumber } from '../kernel/check.ts';
import { InvalidOptionError } from '../kernel/errors.ts';
import type { Books } from './books.ts';
import { type OverflowPolicy, overflowPolicies } from './overflow.ts';

/** What `onOverflow` is told, once when a lane becomes full; again only after it has been half empty. */
export interface Overflow {
  /** The child on whose edge it happened. */
  readonly path: string;
  readonly direction: 'down' | 'up';
  readonly policy: OverflowPolicy;
  readonly books: Books;
}

/** Settings of one direction of an edge. */
export interface LaneOptions<Signal> {
  /** Signals that may be queued: 100. */
  readonly capacity?: number;
  /** Bytes that may be queued, where `sizeOf` is given: 1 MiB. An empty lane admits any one signal. */
  readonly maxBytes?: number;
  /** What happens when it is full: `block`. */
  readonly policy?: OverflowPolicy;
  /** The size of a signal in bytes. */
  readonly sizeOf?: (signal: Signal) => number;
  /** How many signals a batch stands for: it counts as so many, in the capacity and in the books. */
  readonly countOf?: (signal: Signal) => number;
  /** The key of a signal, for the policy `latest`. */
  readonly keyOf?: (signal: Signal) => unknown;
  /** Told once per episode of fullness. */
  readonly onOverflow?: (overflow: Overflow) => void;
}

export interface ResolvedLaneOptions {
  readonly capacity: number;
  readonly maxBytes: number;
  readonly policy: OverflowPolicy;
  readonly sizeOf: ((signal: never) => number) | undefined;
  readonly countOf: ((signal: never) => number) | undefined;
  readonly keyOf: ((signal: never) => unknown) | undefined;
  readonly onOverflow: ((overflow: Overflow) => void) | undefined;
}

const NAMES = ['capacity', 'maxBytes', 'policy', 'sizeOf', 'countOf', 'keyOf', 'onOverflow'];

export const defaultLaneOptions: ResolvedLaneOptions = {
  capacity: 100,
  maxBytes: 1024 * 1024,
  policy: 'block',
  sizeOf: undefined,
  countOf: undefined,
  keyOf: undefined,
  onOverflow: undefined,
};

export function resolveLaneOptions(field: string, options: LaneOptions<never> | undefined): ResolvedLaneOptions {
  if (options === undefined) return defaultLaneOptions;
  knownFields(field, options, NAMES);
  const { capacity = defaultLaneOptions.capacity, maxBytes = defaultLaneOptions.maxBytes } = options;
  const { policy = defaultLaneOptions.policy, sizeOf, countOf, keyOf, onOverflow } = options;
  oneOf(`${field}.policy`, policy, overflowPolicies);
  if (policy === 'latest' && keyOf === undefined) {
    throw new InvalidOptionError(`${field}.keyOf`, keyOf, "a function, because the policy 'latest' needs a key");
  }
  if (sizeOf === undefined && options.maxBytes !== undefined) {
    throw new InvalidOptionError(`${field}.sizeOf`, sizeOf, 'a function, because maxBytes needs the size of a signal');
  }
  return {
    capacity: wholeNumber(`${field}.capacity`, capacity, 1),
    maxBytes: wholeNumber(`${field}.maxBytes`, maxBytes, 1),
    policy,
    sizeOf: optionalFunction(`${field}.sizeOf`, sizeOf),
    countOf: optionalFunction(`${field}.countOf`, countOf),
    keyOf: optionalFunction(`${field}.keyOf`, keyOf),
    onOverflow: optionalFunction(`${field}.onOverflow`, onOverflow),
  };
}
