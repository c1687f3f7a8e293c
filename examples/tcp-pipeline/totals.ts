/**
 * What the pipeline has done so far: one plain object that its threads count in, and that the last line reports.
 */

export interface Totals {
  connections: number;
  /** Devices over `--max-clients`. */
  refused: number;
  /** Whole frames taken from devices. */
  accepted: number;
  stored: number;
  /** Frames that each destination has confirmed. */
  readonly forwarded: Record<string, number>;
  /** Over all destinations: frames accepted and not confirmed when the pipeline ended. */
  unconfirmed: number;
  /** Frames that slow subscribers of the feed have lost. */
  feedDropped: number;
  oversized: number;
  /** Half frames at the end of a connection. */
  partialFrames: number;
  /** Connections that broke. */
  resets: number;
}

export function newTotals(destinations: readonly string[]): Totals {
  return {
    connections: 0,
    refused: 0,
    accepted: 0,
    stored: 0,
    forwarded: Object.fromEntries(destinations.map((url) => [url, 0])),
    unconfirmed: 0,
    feedDropped: 0,
    oversized: 0,
    partialFrames: 0,
    resets: 0,
  };
}

/** Frames that were accepted and have not been confirmed, over all destinations. */
export function unconfirmedOf(totals: Totals): number {
  let unconfirmed = 0;
  for (const confirmed of Object.values(totals.forwarded)) unconfirmed += totals.accepted - confirmed;
  return unconfirmed;
}
