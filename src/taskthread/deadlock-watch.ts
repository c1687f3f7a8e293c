/**
 * When the walk of `deadlock` is made, and what is done about a circle.
 *
 * A party is looked at when it has begun a wait, and when one of several has ended: not at once, but when no microtask has
 * anything left to do, because a hook may begin other waits beside the first (`Promise.race`), and only then are they all there.
 * The event loop has not gone on by then, so a circle is found in the turn of the event loop in which it was closed. Where
 * somebody waits for the next slice, it is looked at once more in that: it may be the same hook.
 *
 * The party that began to wait last is looked at first: it is its wait that has closed the circle. It fails; but where a stop is
 * among the links the circle ends with the time of that, so nothing fails (a stop always returns: law 10), and it is told at once.
 */
import type { Party, PartyWait, PartyWatch } from '../kernel/party.ts';
import { afterMicrotasks } from '../kernel/scheduler.ts';
import { DeadlockError } from '../kernel/wait-errors.ts';
import { findCircles, linkOf } from './deadlock.ts';

let due: Party[] = [];

/** Waits for stops, each of which is told once however often it is passed. */
const told = new WeakSet<PartyWait>();

export const deadlockWatch: PartyWatch = {
  changed(party: Party): void {
    if (party.due) return;
    party.due = true;
    due.push(party);
    if (due.length === 1) afterMicrotasks(lookAtAll);
  },
};

function lookAtAll(): void {
  const parties = due;
  due = [];
  for (let i = parties.length - 1; i >= 0; i--) {
    const party = parties[i]!;
    party.due = false;
    lookAt(party, false);
  }
}

function lookAt(party: Party, again: boolean): void {
  const { owner } = party;
  if (!party.waits || !owner.runs(party)) return;
  const found = findCircles(party);
  if (found === undefined) return;
  const { scheduler } = owner.host;
  if (!again && scheduler.sliceAwaited !== false) {
    void scheduler.nextSlice().then(() => afterMicrotasks(() => lookAt(party, true)));
    return;
  }
  // Lanes let senders in by batches: one that still waits may find room by now.
  const { deadlock, heldUp } = found;
  const links = [deadlock ?? [], ...heldUp].flat();
  if (links.map((wait) => wait.relieve()).includes(true)) {
    deadlockWatch.changed(party);
    return;
  }
  for (const circle of heldUp) tellHeldUp(circle);
  if (deadlock !== undefined) failFirst(party, deadlock);
}

function tellHeldUp(circle: readonly PartyWait[]): void {
  const [stop] = circle;
  if (stop?.party === undefined || told.has(stop)) return;
  told.add(stop);
  stop.party.owner.heldUp(stop.party, circle.map(linkOf));
}

function failFirst(party: Party, circle: readonly PartyWait[]): void {
  const [first] = circle;
  if (first === undefined) return;
  const error = new DeadlockError(circle.map(linkOf), first.details()?.signal);
  first.deadlocked(error);
  party.owner.deadlocked(party, error);
}
