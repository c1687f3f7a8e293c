/**
 * What happens to a signal that finds its lane full: five policies, as pure decisions over plain data. The lane acts on
 * them and keeps the books.
 */

/**
 * - `block`: the sender waits for a place.
 * - `drop-oldest`: the oldest queued signals make room.
 * - `drop-newest`: the new signal is dropped.
 * - `latest`: a queued signal with the same key is replaced in place, full or not; a new key on a full lane waits.
 * - `fail`: the send is refused with `LaneFullError`.
 */
export type OverflowPolicy = 'block' | 'drop-oldest' | 'drop-newest' | 'latest' | 'fail';

export const overflowPolicies: readonly OverflowPolicy[] = ['block', 'drop-oldest', 'drop-newest', 'latest', 'fail'];

export type Admission = 'accept' | 'replace' | 'wait' | 'drop-oldest' | 'drop-newest' | 'refuse';

export interface LaneState {
  /** The signal fits within the bounds. */
  readonly fits: boolean;
  /** Senders wait in line already: who comes now must not overtake them. */
  readonly senderWaits: boolean;
  /** A signal with the same key is queued, and the new one fits in its place. */
  readonly keyQueued: boolean;
}

/** The decision for one signal. */
export function admit(policy: OverflowPolicy, lane: LaneState): Admission {
  if (policy === 'latest' && lane.keyQueued) return 'replace';
  if (lane.fits && !lane.senderWaits) return 'accept';
  switch (policy) {
    case 'block':
    case 'latest':
      return 'wait';
    case 'drop-oldest':
      return 'drop-oldest';
    case 'drop-newest':
      return 'drop-newest';
    case 'fail':
      return 'refuse';
  }
}
