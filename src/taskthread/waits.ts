/** What the hooks and tasks of one thread wait on, in words: for snapshots, and for the report about one that was abandoned. */
import { CancelScope } from '../kernel/cancel-scope.ts';
import { Waiter } from '../kernel/wait-queue.ts';
import type { HungOn, HungWait } from './shutdown.ts';
import type { WaitSnapshot } from './snapshot.ts';

/** Those that are parked in a scope, and in the scopes inside it. */
export function* waitersOf(scope: CancelScope | undefined): Generator<Waiter> {
  for (const member of scope?.members() ?? []) {
    if (member instanceof CancelScope) yield* waitersOf(member);
    else if (member instanceof Waiter) yield member;
  }
}

export function waitInWords(waiter: Waiter, now: number): WaitSnapshot {
  const { owner, since, at } = waiter;
  const by = (waiter.by as { readonly what?: string } | undefined)?.what;
  const sinceMs = Math.max(0, now - since);
  return { on: owner.describeWait(waiter), by, sinceMs, ...(at !== undefined && { at }) };
}

/** Of these waits those that a hook or task has begun since it runs. */
export function hungWaits(
  waiters: Iterable<Waiter>,
  { what, since }: { readonly what: string; readonly since: number },
  now: number,
): Pick<HungOn, 'waits'> {
  const waits: HungWait[] = [];
  for (const waiter of waiters) {
    const { on, by, sinceMs: forMs, at } = waitInWords(waiter, now);
    if (by !== what || waiter.since < since) continue;
    waits.push({ on, forMs, cancelled: !waiter.parked, ...(at !== undefined && { at }) });
  }
  return waits.length === 0 ? {} : { waits };
}
