/**
 * Whose waits these are. A party is one execution of a hook or a task; it owns the list of its waits that have not ended, so
 * that a walk from wait to wait costs no more than the waits it passes. Who begins an execution, and when it is over, its
 * owner knows; what a wait depends on, the owner of the wait; what follows from both is decided in `../taskthread/deadlock`.
 */
import type { Host } from './host.ts';
import type { DeadlockError, DeadlockLink, LaneLoad } from './wait-errors.ts';

/** On whose behalf somebody waits, as far as it is known: a turn names both, a thread or a scope neither. */
export interface Waiting {
  /** In words: `signalHandler`, `task read`. */
  readonly what?: string | undefined;
  readonly party?: Party | undefined;
  /** True of what waits until all of its waits have ended, a broadcast: then one that hangs is enough to hang. */
  readonly together?: boolean;
  /** True of what waits for a stop, which ends in its time whatever hangs. */
  readonly withinStop?: boolean;
}

/** A wait in words and figures, for reports. */
export interface WaitDetails {
  readonly word: 'send' | 'ask' | 'addChild' | 'join' | 'group' | 'acquire';
  /** The signal that waits, if there is one. */
  readonly signal?: unknown;
  /** The lane that it waits at, or in. */
  readonly lane?: LaneLoad | undefined;
}

/** A wait, as its party and the walk see it. */
export interface PartyWait {
  readonly by: Waiting | undefined;
  readonly party: Party | undefined;
  /** Of the first one it is the last one. */
  previousOfParty: PartyWait | undefined;
  nextOfParty: PartyWait | undefined;
  /** Ends at a time that is known: it cannot hang. */
  readonly timed: boolean;
  /** The executions of which each, as long as it lasts, keeps this wait from ending. None where nothing is known. */
  blockers(): readonly Party[];
  /**
   * Of a wait that others may end, each of them by itself: for each of these the executions of which any one keeps it from that, none
   * where it goes on. So the wait hangs only when all of them do. Undefined: it has only `blockers`.
   */
  alternatives(): Iterable<readonly Party[]> | undefined;
  /** Lets what waits go on if it can by now; true if it could. */
  relieve(): boolean;
  describe(): string;
  details(): WaitDetails | undefined;
  /** Fails the wait: it is a link of a circle. */
  deadlocked(error: Error): void;
}

/** The thread whose execution it is. */
export interface PartyOwner {
  readonly path: string;
  readonly host: Host;
  /** The function that it runs, of a thread that has one in the place of hooks and tasks. */
  readonly body?: object | undefined;
  /** The execution is one of a hook, and has not ended. */
  runs(party: Party): boolean;
  /** A wait of it was a link of a circle, and fails with this. */
  deadlocked(party: Party, error: DeadlockError): void;
  /** It has told something to stop, and waits in a circle that only the time of that stop ends. */
  heldUp(party: Party, chain: readonly DeadlockLink[]): void;
}

/** Who is told when a party has begun a wait, or has lost one of several. */
export interface PartyWatch {
  changed(party: Party): void;
}

export class Party {
  readonly owner: PartyOwner;
  /** What is executed, in words. */
  readonly what: string;
  readonly #watch: PartyWatch | undefined;
  /** The last one is found by it, as in a `WaitQueue`. */
  #first: PartyWait | undefined;
  /** For the watch: it has this party on its list. */
  due = false;

  constructor(owner: PartyOwner, what: string, watch: PartyWatch | undefined) {
    this.owner = owner;
    this.what = what;
    this.#watch = watch;
  }

  /** True while any wait of it has not ended. */
  get waits(): boolean {
    return this.#first !== undefined;
  }

  add(wait: PartyWait): void {
    const first = this.#first;
    if (first === undefined) {
      this.#first = wait;
      wait.previousOfParty = wait;
    } else {
      wait.previousOfParty = first.previousOfParty!;
      wait.previousOfParty.nextOfParty = wait;
      first.previousOfParty = wait;
    }
    this.#watch?.changed(this);
  }

  /** Called once for each that was added. */
  remove(wait: PartyWait): void {
    const { previousOfParty: previous, nextOfParty: next } = wait;
    if (wait === this.#first) this.#first = next;
    else previous!.nextOfParty = next;
    const behind = next ?? this.#first;
    if (behind !== undefined) behind.previousOfParty = previous;
    wait.previousOfParty = undefined;
    wait.nextOfParty = undefined;
    if (this.#first !== undefined) this.#watch?.changed(this);
  }

  /** Something that it waits for has changed, and it still waits. */
  lookAgain(): void {
    if (this.#first !== undefined) this.#watch?.changed(this);
  }

  /** The latest first. */
  *latestFirst(): Generator<PartyWait> {
    for (let wait = this.#first?.previousOfParty; wait !== undefined; wait = wait.previousOfParty) {
      yield wait;
      if (wait === this.#first) return;
    }
  }
}

export const NO_PARTIES: readonly Party[] = [];
