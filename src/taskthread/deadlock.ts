/**
 * Looks for circles in who waits for whom (law 8). Pure: it walks from party to party over their waits, and changes nothing.
 * When it is asked, and what is done about a circle, is in `deadlock-watch`.
 *
 * A party *hangs* when it has waits, and all of them hang; a broadcast waits for all of its waits and hangs when any does.
 * A wait hangs when any one of the parties that keep it from ending hangs; where several could end it, each by itself (the next end
 * in a group), when all of these are kept from it. A wait that nothing is known of, or that ends by time, does not; so a party with
 * such a wait does not either, whatever else it waits for. Among all answers that agree with this the one is right in which most
 * hang: parties that hang only because of each other.
 */
import type { Party, PartyWait } from '../kernel/party.ts';
import type { DeadlockLink } from '../kernel/wait-errors.ts';

/** What keeps a party waiting: of each unit any one party is enough. */
type Units = readonly (readonly Party[])[];

const FREE: Units = [];

/** What a party was found to be a part of. */
export interface Found {
  /** The circle that it hangs in, or waits for: it begins with its latest wait, each for the party of the next. */
  readonly deadlock: readonly PartyWait[] | undefined;
  /** Circles that the time of a stop ends. Each begins with the wait for that stop. */
  readonly heldUp: readonly (readonly PartyWait[])[];
}

/** Undefined when `origin` does not hang, also where no stop ended. */
export function findCircles(origin: Party): Found | undefined {
  // As if no stop had a time: one walk for all who wait for nothing of the kind. Whether that matters is asked for the others only.
  const held = hangingFrom(origin, neverEnds);
  if (!held.has(origin)) return undefined;
  const hanging = hangingFrom(origin, endsInTime);
  if (hanging.has(origin)) return { deadlock: circleOf(origin, hanging), heldUp: [] };
  const heldUp: (readonly PartyWait[])[] = [];
  for (const party of held) {
    for (const wait of party.latestFirst()) {
      const circle = endsInTime(wait) ? circleThrough(wait, held) : undefined;
      if (circle !== undefined) heldUp.push(circle);
    }
  }
  return { deadlock: undefined, heldUp };
}

/**
 * Whether a wait is for a stop that says, when its time is over, how it went. Who is inside of what it stops hears nothing of that:
 * the stop cancels it first.
 */
function endsInTime(wait: PartyWait): boolean {
  return wait.by?.withinStop === true && !wait.blockers().includes(wait.party!);
}

function neverEnds(): boolean {
  return false;
}

/** Of all that `origin` depends on, those that hang. */
function hangingFrom(origin: Party, endsAnyway: (wait: PartyWait) => boolean): Set<Party> {
  const graph = new Map<Party, Units>();
  const found: Party[] = [origin];
  for (let i = 0; i < found.length; i++) {
    const party = found[i]!;
    const units = unitsOf(party, endsAnyway);
    graph.set(party, units);
    for (const unit of units) {
      for (const blocker of unit) {
        if (graph.has(blocker)) continue;
        graph.set(blocker, FREE);
        found.push(blocker);
      }
    }
  }
  const hanging = new Set(found);
  // Backwards: what was found last is what the others depend on, so a long chain is settled in one round.
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = found.length - 1; i >= 0; i--) {
      const party = found[i]!;
      if (!hanging.has(party)) continue;
      const units = graph.get(party)!;
      if (units.length > 0 && units.every((unit) => unit.some((blocker) => hanging.has(blocker)))) continue;
      hanging.delete(party);
      changed = true;
    }
  }
  return hanging;
}

/** None where the party has no waits, or one that ends without any other party. */
function unitsOf(party: Party, endsAnyway: (wait: PartyWait) => boolean): Units {
  const units: (readonly Party[])[] = [];
  let groups: Map<unknown, Party[]> | undefined;
  for (const wait of party.latestFirst()) {
    const timed = wait.timed || endsAnyway(wait);
    const alternatives = timed ? undefined : wait.alternatives();
    if (alternatives !== undefined) {
      // There may be thousands, and in a healthy program one of the first goes on.
      for (const unit of alternatives) {
        if (unit.every(goesOn)) return FREE;
        units.push(unit);
      }
      continue;
    }
    const blockers = timed ? FREE : wait.blockers();
    if (wait.by?.together !== true) {
      if (blockers.length === 0) return FREE;
      units.push(blockers as readonly Party[]);
      continue;
    }
    groups ??= new Map();
    const group = groups.get(wait.by) ?? [];
    groups.set(wait.by, group);
    group.push(...(blockers as readonly Party[]));
  }
  for (const group of groups?.values() ?? []) {
    if (group.length === 0) return FREE;
    units.push(group);
  }
  return units.length === 0 ? FREE : units;
}

/** As far as can be seen at once, without following its waits. */
function goesOn(party: Party): boolean {
  if (!party.waits) return true;
  for (const wait of party.latestFirst()) {
    if (wait.by?.together === true) continue;
    if (wait.timed || (wait.alternatives() === undefined && wait.blockers().length === 0)) return true;
  }
  return false;
}

interface Step {
  readonly wait: PartyWait;
  readonly before: Step | undefined;
}

/** The shortest way from the origin back to it, or, where it only waits for a circle of others, into that. */
function circleOf(origin: Party, hanging: ReadonlySet<Party>): readonly PartyWait[] {
  const [first] = stepsFrom(origin, hanging, undefined);
  return wayTo(first && lastStep(first, hanging));
}

/**
 * The shortest way from a wait back to its party. There may be none: where it waits for a circle of others. That is told of those, or
 * it is a deadlock, and who waits for it goes on when one of its waits has failed.
 */
function circleThrough(wait: PartyWait, hanging: ReadonlySet<Party>): readonly PartyWait[] | undefined {
  const last = lastStep({ wait, before: undefined }, hanging);
  return last.wait.blockers().includes(wait.party!) ? wayTo(last) : undefined;
}

/** From the first step, the one whose wait is for the party that took it; where there is none, the last that leads on. */
function lastStep(first: Step, hanging: ReadonlySet<Party>): Step {
  const reached = new Set<Party>();
  const steps = [first];
  for (const step of steps) {
    for (const blocker of step.wait.blockers()) {
      if (blocker === first.wait.party) return step;
      if (!hanging.has(blocker) || reached.has(blocker)) continue;
      reached.add(blocker);
      steps.push(...stepsFrom(blocker, hanging, step));
    }
  }
  return steps.at(-1)!;
}

function stepsFrom(party: Party, hanging: ReadonlySet<Party>, before: Step | undefined): Step[] {
  const steps: Step[] = [];
  for (const wait of party.latestFirst()) {
    if (!wait.timed && wait.blockers().some((blocker) => hanging.has(blocker))) steps.push({ wait, before });
  }
  return steps;
}

function wayTo(last: Step | undefined): readonly PartyWait[] {
  const waits: PartyWait[] = [];
  for (let step = last; step !== undefined; step = step.before) waits.push(step.wait);
  return waits.reverse();
}

/** A wait of a circle, for the error. */
export function linkOf(wait: PartyWait): DeadlockLink {
  const details = wait.details();
  const ways = wait.party?.owner.body === undefined ? WAYS_OUT : WAYS_OUT_OF_A_FUNCTION;
  return {
    path: wait.party?.owner.path ?? '',
    hook: wait.party?.what ?? '',
    waitsFor: wait.describe(),
    lane: details?.lane,
    wayOut: details === undefined ? '' : ways[details.word],
  };
}

const ONE_ORDER = 'acquiring in the same order everywhere, or a time limit';

const WAYS_OUT = {
  send: 'a larger capacity, an overflow policy that does not wait, a time limit, or sending it from a task',
  ask: 'asking from a task, a time limit, or answering in a signal of its own',
  addChild: 'letting the child send from a task instead of from enter, or adding it from a task',
  join: 'waiting for the end from a task, or in childEnded',
  group: 'waiting for the group in a task, or a time limit',
  acquire: ONE_ORDER,
};

/** It has no tasks and no `childEnded`, but time limits around any wait. */
const WAYS_OUT_OF_A_FUNCTION = {
  send: 'a larger capacity, an overflow policy that does not wait, or a time limit',
  ask: 'a time limit, or an answer in a signal of its own',
  addChild: 'a time limit, or letting the child send from a task instead of from enter',
  join: 'a time limit, or joining in another function, one that nothing in the circle waits for',
  group: 'a time limit, or waiting for the group in a function that is no member of it and that no member waits for',
  acquire: ONE_ORDER,
};
