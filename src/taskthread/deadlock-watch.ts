/**
 * When the walk of `deadlock` is made, and what is done about a circle.
 *
 * A party is looked at when it has begun a wait, and when one of several has ended: not at once, but when no microtask has
 * anything left to do, because a hook may begin other waits beside the first (`Promise.race`), and only then are they all there.
 * The event loop has not gone on by then, so a circle is found in the turn of the event loop in which it was closed. Where
 * somebody waits for the next slice, it is looked at once more in that: it may be the same hook.
 *
 * The party that began to wait last is looked at first: it is its wait that has closed the circle. One that only waits for a circle
 * of others is looked at when those have been: it may go on then.
 */
import { DeadlockError } from '../kernel/wait-errors.ts';
import type { Party, PartyWait, PartyWatch } from '../kernel/party.ts';
import { afterMicrotasks } from '../kernel/scheduler.ts';
import { findCircle, linkOf } from './deadlock.ts';

let due: Party[] = [];

export const deadlockWatch: PartyWatch = {
  changed(party: Party): void {
    if (party.due) return;
    party.due = true;
    due.push(party);
    if (due.length === 1) afterMicrotasks(lookAtAll);
  },
};

function lookAtAll(): void {
  const parties = due.reverse();
  due = [];
  const outside: Party[] = [];
  for (const party of parties) {
    party.due = false;
    const circle = circleAround(party);
    if (circle === undefined) continue;
    if (closes(circle, party)) found(party, circle);
    else outside.push(party);
  }
  for (const party of outside) {
    const circle = circleAround(party);
    if (circle !== undefined) found(party, circle);
  }
}

function circleAround(party: Party): readonly PartyWait[] | undefined {
  return party.waits && party.owner.runs(party) ? findCircle(party) : undefined;
}

function closes(circle: readonly PartyWait[], origin: Party): boolean {
  return circle.at(-1)?.blockers().includes(origin) === true;
}

function found(party: Party, seen: readonly PartyWait[]): void {
  const { owner } = party;
  const { scheduler } = owner.host;
  if (scheduler.sliceAwaited === false) {
    breakCircle(party, seen);
    return;
  }
  void scheduler.nextSlice().then(() =>
    afterMicrotasks(() => {
      const circle = circleAround(party);
      if (circle !== undefined) breakCircle(party, circle);
    }),
  );
}

function breakCircle(party: Party, circle: readonly PartyWait[]): void {
  const first = circle[0];
  if (first === undefined) return;
  // Lanes let senders in by batches: one that still waits may find room by now.
  if (circle.map((wait) => wait.relieve()).includes(true)) {
    deadlockWatch.changed(party);
    return;
  }
  const error = new DeadlockError(circle.map(linkOf), first.details()?.signal);
  first.deadlocked(error);
  party.owner.deadlocked(party, error);
}
