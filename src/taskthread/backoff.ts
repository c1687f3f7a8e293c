/**
 * How long to wait before the next try: exponential, with jitter, so that a thousand clients of a server that comes back do not
 * come all at once. Pure: the random number and the healthy time are passed in, the waiting is done elsewhere.
 *
 * The jitters are those of Marc Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
 */
import { knownFields, milliseconds, oneOf } from '../kernel/check.ts';
import { InvalidOptionError } from '../kernel/errors.ts';

/** `full`: anything up to the step. `equal`: at least half of the step. `none`: the step itself. */
export type Jitter = 'full' | 'equal' | 'none';

export interface BackoffOptions {
  /** The first step, before jitter. More than 0. Default 100. */
  readonly minMs?: number;
  /** No step is longer. Default 30,000. */
  readonly maxMs?: number;
  /** Each step is this many times the one before, at least 1. Default 2. */
  readonly factor?: number;
  /** Default `equal`: a server that refuses is never asked again at once. */
  readonly jitter?: Jitter;
  /** What has worked for this long starts over at `minMs` when it breaks. Default: `maxMs`. */
  readonly healthyAfterMs?: number;
}

export type ResolvedBackoffOptions = Required<BackoffOptions>;

export function resolveBackoffOptions(options: BackoffOptions = {}, field = 'options'): ResolvedBackoffOptions {
  knownFields(field, options, ['minMs', 'maxMs', 'factor', 'jitter', 'healthyAfterMs']);
  const minMs = milliseconds('minMs', options.minMs ?? 100);
  if (minMs === 0) throw new InvalidOptionError('minMs', minMs, 'more than 0: nothing grows from 0');
  const maxMs = milliseconds('maxMs', options.maxMs ?? Math.max(30_000, minMs));
  if (maxMs < minMs) throw new InvalidOptionError('maxMs', maxMs, `at least minMs (${minMs})`);
  const factor = options.factor ?? 2;
  if (typeof factor !== 'number' || !Number.isFinite(factor) || factor < 1) {
    throw new InvalidOptionError('factor', factor, 'a number of at least 1');
  }
  const jitter = oneOf<Jitter>('jitter', options.jitter ?? 'equal', ['full', 'equal', 'none']);
  return {
    minMs,
    maxMs,
    factor,
    jitter,
    healthyAfterMs: milliseconds('healthyAfterMs', options.healthyAfterMs ?? maxMs),
  };
}

/** The wait before try number `attempt` is repeated (0 is the first failure). `random` is from 0 up to but not including 1. */
export function backoffMs(options: ResolvedBackoffOptions, attempt: number, random: number): number {
  // A power that overflows is infinity, and the minimum takes it away.
  const step = Math.min(options.maxMs, options.minMs * options.factor ** attempt);
  if (options.jitter === 'full') return step * random;
  if (options.jitter === 'equal') return step / 2 + (step / 2) * random;
  return step;
}

/** Counts the failures in a row. */
export class Backoff {
  readonly #options: ResolvedBackoffOptions;
  #attempt = 0;

  constructor(options?: BackoffOptions) {
    this.#options = resolveBackoffOptions(options);
  }

  /** Failures since the start or since it was last healthy. */
  get attempt(): number {
    return this.#attempt;
  }

  /** It failed (again): how long to wait before the next try. */
  next(random: number): number {
    return backoffMs(this.#options, this.#attempt++, random);
  }

  /** What was tried had worked for `healthyMs`, and has ended now. Only a long enough time starts over. */
  ended(healthyMs: number): void {
    if (healthyMs >= this.#options.healthyAfterMs) this.#attempt = 0;
  }
}
