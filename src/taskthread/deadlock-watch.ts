/**
 * When the walk of `deadlock` is made, and what is done about a circle.
 *
 * A party is looked at when it has begun a wait, and when one of several has ended: not at once, but when no microtask has
 * anything left to do, because a hook may begin other waits beside the first (`Promise.race`), and only then are they all there.
 * The event loop has not gone on by then, so a circle is found in the turn of the event loop in which it was closed. Where
 * somebody waits for the next slice, it is looked at once more in that: it may be the same hook.
 *
 * The party that began to wait last is looked at first: it is its wait that has closed the circle. It fails. One that only waits for
 * a circle of others is looked at when those have been: it may go on then. Where a stop is among the links the circle ends with the
 * time of that, so nothing fails (a stop always returns: law 10), and it is told at once.
 */
import type { Party, PartyWait, PartyWatch } from '../kernel/party.ts';
import { afterMicrotasks } from '../kernel/scheduler.ts';
import { DeadlockError } from '../kernel/wait-errors.ts';
import { type Found, findCircles, linkOf } from './deadlock.ts';

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
  const parties = due.reverse();
  due = [];
  const outside: Party[] = [];
  for (const party of parties) {
    party.due = false;
    const circles = circlesAround(party);
    if (circles === undefined) continue;
    if (onlyWaitsFor(circles, party)) outside.push(party);
    else inThisSlice(party, circles);
  }
  for (const party of outside) {
    const circles = circlesAround(party);
    if (circles !== undefined) inThisSlice(party, circles);
  }
}

function circlesAround(party: Party): Found | undefined {
  return party.waits && party.owner.runs(party) ? findCircles(party) : undefined;
}

function onlyWaitsFor({ deadlock }: Found, party: Party): boolean {
  return deadlock?.at(-1)?.blockers().includes(party) === false;
}

/** Unless somebody waits for the next one: then it is looked at once more in that. */
function inThisSlice(party: Party, circles: Found): void {
  const { scheduler } = party.owner.host;
  if (scheduler.sliceAwaited === false) {
    breakCircles(party, circles);
    return;
  }
  void scheduler.nextSlice().then(() =>
    afterMicrotasks(() => {
      const still = circlesAround(party);
      if (still !== undefined) breakCircles(party, still);
    }),
  );
}

function breakCircles(party: Party, { deadlock, heldUp }: Found): void {
  const waits = [deadlock ?? [], ...heldUp].flat();
  // Lanes let senders in by batches: one that still waits may find room by now.
  if (waits.map((wait) => wait.relieve()).includes(true)) {
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
