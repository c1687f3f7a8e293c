/**
 * The books of one lane (law 6). At every instant
 *
 *     offered  = accepted + refused + cancelled + waiting
 *     accepted = handled + dropped + queued + inFlight + deadLettered
 *
 * All ten are counted where the thing happens, none is derived from the others: so that a loss shows as a difference.
 */
export interface Books {
  readonly offered: number;
  readonly accepted: number;
  readonly refused: number;
  readonly cancelled: number;
  readonly waiting: number;
  readonly handled: number;
  readonly dropped: number;
  readonly queued: number;
  readonly inFlight: number;
  readonly deadLettered: number;
}

/** Plain data about one lane. */
export interface LaneSnapshot extends Books {
  readonly capacity: number;
  readonly bytes: number;
  readonly highWater: number;
  readonly highWaterBytes: number;
}

export const emptyBooks: Books = {
  offered: 0,
  accepted: 0,
  refused: 0,
  cancelled: 0,
  waiting: 0,
  handled: 0,
  dropped: 0,
  queued: 0,
  inFlight: 0,
  deadLettered: 0,
};

/** What does not add up, in words; undefined when the books are right. */
export function imbalance(books: Books): string | undefined {
  const offered = books.accepted + books.refused + books.cancelled + books.waiting;
  if (books.offered !== offered) return `offered is ${books.offered}, but its parts make ${offered}`;
  const accepted = books.handled + books.dropped + books.queued + books.inFlight + books.deadLettered;
  if (books.accepted !== accepted) return `accepted is ${books.accepted}, but its parts make ${accepted}`;
  return undefined;
}
