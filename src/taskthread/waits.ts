/** What the hooks and tasks of one thread wait on, in words: for snapshots, and for the report about one that was abandoned. */
import type { Party } from '../kernel/party.ts';
import type { Waiter } from '../kernel/wait-queue.ts';
import type { HungOn, HungWait } from './shutdown.ts';
import type { WaitSnapshot } from './snapshot.ts';

export function waitInWords(waiter: Waiter, now: number): WaitSnapshot {
  const { since, at } = waiter;
  const by = waiter.by?.what;
  const sinceMs = Math.max(0, now - since);
  return { on: waiter.describe(), by, sinceMs, ...(at !== undefined && { at }) };
}

/** Of these waits those of one execution: not those that an earlier one of the same hook or task has left. */
export function hungWaits(waiters: Iterable<Waiter>, party: Party | undefined, now: number): Pick<HungOn, 'waits'> {
  const waits: HungWait[] = [];
  for (const waiter of waiters) {
    if (waiter.party === undefined || waiter.party !== party) continue;
    const { on, sinceMs: forMs, at } = waitInWords(waiter, now);
    waits.push({ on, forMs, cancelled: !waiter.parked, ...(at !== undefined && { at }) });
  }
  return waits.length === 0 ? {} : { waits };
}
