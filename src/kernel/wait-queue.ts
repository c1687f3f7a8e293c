/**
 * The only place that parks. A waiter stands in one line (its queue, in the order of arrival) and in one scope; it leaves
 * both in the same step, by being woken, failed or cancelled, whichever is first. So cancel-safety is argued once, here:
 * a waiter that was woken cannot be cancelled any more (the hand-over stands, law 18), one that was cancelled is not in
 * the line and can be handed nothing.
 *
 * Primitives are a few words over this: what a waiter brings (`item`), when to wake whom, and what to undo in
 * `waitCancelled`.
 */
import { callSite } from './call-site.ts';
import { CancelScope, type ScopeLevel, type ScopeMember } from './cancel-scope.ts';
import type { Timer } from './clock.ts';
import { NO_PARTIES, type Party, type PartyWait, type WaitDetails, type Waiting } from './party.ts';
import { live } from './probe.ts';
import type { BegunWait, Scheduler, Settling } from './scheduler.ts';

/** What is waited on: it can say so, and puts its books right when a waiter gives up. */
export interface WaitOwner {
  /** True where the outside world ends the wait: a socket, another process, a promise of somebody's. */
  readonly endedOutside?: boolean;
  /** In words, for snapshots and reports: "a place in the lane to /Master-1/Database-2". */
  describeWait(waiter: Waiter): string;
  /** The waiter's scope was cancelled (or the intake closed); it has left the line already. */
  waitCancelled(waiter: Waiter): void;
  /** Which executions keep this wait from ending, each alone, as long as it lasts. Absent: it is not known. */
  blockersOf?(waiter: Waiter): readonly Party[];
  /** The same of a wait that several could end, each by itself (see `PartyWait`); then `blockersOf` gives them all. */
  alternativesOf?(waiter: Waiter): Iterable<readonly Party[]> | undefined;
  detailsOf?(waiter: Waiter): WaitDetails;
  /** Lets in who can be let in by now; true if anybody could. */
  relieve?(): boolean;
  /** The wait has failed because it would never have ended; it has left the line already. */
  waitDeadlocked?(waiter: Waiter): void;
}

/** One parked wait. */
export class Waiter implements ScopeMember, PartyWait, BegunWait {
  readonly owner: WaitOwner;
  /** What the waiter brought along: the signal of a sender, say. */
  readonly item: unknown;
  /** Waits on a source of intake, so that closing the intake ends it. */
  readonly source: boolean;
  /** On whose behalf, as given by the word that parked (a turn), if that is known. */
  readonly by: Waiting | undefined;
  readonly party: Party | undefined;
  /** In the clock's milliseconds. */
  readonly since: number;
  /** Where in the user's program it began, if the tree keeps that (`traceWaits`). */
  at: string | undefined;
  readonly promise: Promise<unknown>;
  line: WaitQueue | undefined;
  /** In its line; of the first one it is the last one. */
  previous: Waiter | undefined;
  next: Waiter | undefined;
  scope: CancelScope | undefined;
  previousMember: ScopeMember | undefined;
  nextMember: ScopeMember | undefined;
  previousOfParty: PartyWait | undefined;
  nextOfParty: PartyWait | undefined;
  /** Settles the promise in a step of its own; undefined where that happens at once. */
  settling: Settling | undefined;
  #resolve!: (value: unknown) => void;
  #reject!: (error: unknown) => void;

  constructor(owner: WaitOwner, item: unknown, source: boolean, by: Waiting | undefined, since: number) {
    this.owner = owner;
    this.item = item;
    this.source = source;
    this.by = by;
    this.party = by?.party;
    this.since = since;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    live.waiters++;
  }

  get parked(): boolean {
    return this.line !== undefined;
  }

  wake(value?: unknown): void {
    if (!this.#leave()) return;
    if (this.settling === undefined) this.#resolve(value);
    else this.settling(() => this.#resolve(value));
  }

  fail(error: unknown): void {
    if (!this.#leave()) return;
    if (this.settling === undefined) this.#reject(error);
    else this.settling(() => this.#reject(error));
  }

  /** Fails the wait because what it waits for is over. Nobody may be awaiting it, and that it is over is no failure. */
  refuse(error: unknown): void {
    if (!this.parked) return;
    this.promise.catch(noop);
    this.fail(error);
  }

  reached(level: ScopeLevel, error: Error): void {
    if ((level === 'intake-closed' && !this.source) || !this.parked) return;
    this.refuse(error);
    this.owner.waitCancelled(this);
  }

  get timed(): boolean {
    return this.scope !== undefined && this.scope.deadline < Infinity;
  }

  blockers(): readonly Party[] {
    return this.owner.blockersOf?.(this) ?? NO_PARTIES;
  }

  alternatives(): Iterable<readonly Party[]> | undefined {
    return this.owner.alternativesOf?.(this);
  }

  relieve(): boolean {
    return this.owner.relieve?.() ?? false;
  }

  describe(): string {
    return this.owner.describeWait(this);
  }

  details(): WaitDetails | undefined {
    return this.owner.detailsOf?.(this);
  }

  deadlocked(error: Error): void {
    if (!this.parked) return;
    // Quiet, because its hook may have gone on without it; its thread tells it in any case.
    this.refuse(error);
    this.owner.waitDeadlocked?.(this);
  }

  #leave(): boolean {
    if (this.line === undefined) return false;
    this.line.remove(this);
    this.scope?.remove(this);
    this.party?.remove(this);
    live.waiters--;
    return true;
  }
}

/** A fair line of parked waiters. */
export class WaitQueue {
  /** The last one is found by it: to write a new waiter into a queue that is old costs more than all other links. */
  #first: Waiter | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get first(): Waiter | undefined {
    return this.#first;
  }

  /**
   * Parks at the end of the line. In a scope that refuses, nothing is parked and the promise is rejected.
   * *Cancel-safe:* a cancelled waiter has left the line before its promise rejects.
   */
  park(owner: WaitOwner, options: ParkOptions = {}): Promise<unknown> {
    const refusal = options.source === true ? options.scope?.sourceRefusal : options.scope?.refusal;
    if (refusal !== undefined) return rejected(refusal, options.scope?.host.scheduler);
    return this.parkWaiter(owner, options).promise;
  }

  /** The same for who needs the waiter itself, and has asked the scope's `refusal` before. */
  parkWaiter(owner: WaitOwner, options: ParkOptions): Waiter {
    const { scope } = options;
    const source = options.source ?? false;
    const scheduler = scope?.host.scheduler ?? options.scheduler;
    const since = scheduler?.coarseNow ?? 0;
    const waiter = new Waiter(owner, options.item, source, options.by, since);
    if (scope?.host.tracesWaits === true) waiter.at = callSite();
    waiter.line = this;
    const first = this.#first;
    if (first === undefined) {
      this.#first = waiter;
      waiter.previous = waiter;
    } else {
      waiter.previous = first.previous!;
      waiter.previous.next = waiter;
      first.previous = waiter;
    }
    this.#length++;
    waiter.settling = scheduler?.beginWait?.(waiter);
    waiter.party?.add(waiter);
    scope?.add(waiter);
    return waiter;
  }

  /** Wakes the one that has waited longest. False when nobody waits. */
  wakeFirst(value?: unknown): boolean {
    if (this.#first === undefined) return false;
    this.#first.wake(value);
    return true;
  }

  wakeAll(value?: unknown): void {
    while (this.#first !== undefined) this.#first.wake(value);
  }

  failAll(error: unknown): void {
    while (this.#first !== undefined) this.#first.fail(error);
  }

  refuseAll(error: unknown): void {
    while (this.#first !== undefined) this.#first.refuse(error);
  }

  remove(waiter: Waiter): void {
    if (waiter.line !== this) return;
    const { previous, next } = waiter;
    if (waiter === this.#first) this.#first = next;
    else previous!.next = next;
    // Of the last one the place is the first one's to know; where that was the only one, nobody's.
    const behind = next ?? this.#first;
    if (behind !== undefined) behind.previous = previous;
    waiter.line = undefined;
    waiter.previous = undefined;
    waiter.next = undefined;
    this.#length--;
  }
}

export interface ParkOptions {
  readonly scope?: CancelScope | undefined;
  readonly item?: unknown;
  readonly source?: boolean | undefined;
  readonly by?: Waiting | undefined;
  /** For a wait without a scope: the scheduler of its tree. */
  readonly scheduler?: Scheduler | undefined;
}

/** All that waits in a scope and in those within it, newest first. */
export function* waitersIn(scope: CancelScope | undefined): Generator<Waiter> {
  for (const member of scope?.members() ?? []) {
    if (member instanceof CancelScope) yield* waitersIn(member);
    else if (member instanceof Waiter) yield member;
  }
}

/**
 * Waits for so many milliseconds; 0 gives the event loop its turn. A sleep is a source: closing the intake ends it.
 * *Cancel-safe:* no timer is left.
 */
export function sleep(ms: number, scope: CancelScope, by?: Waiting): Promise<void> {
  const refusal = scope.sourceRefusal;
  const { scheduler } = scope.host;
  if (refusal !== undefined) return rejected(refusal, scheduler);
  scheduler.spend();
  if (ms === 0) return scheduler.nextSlice();
  return new Sleep(ms, scope, by).promise;
}

class Sleep implements WaitOwner {
  readonly #line = new WaitQueue();
  readonly #timer: Timer;
  readonly #scope: CancelScope;
  readonly #ms: number;
  readonly promise: Promise<void>;

  constructor(ms: number, scope: CancelScope, by: Waiting | undefined) {
    this.#ms = ms;
    this.#scope = scope;
    this.promise = this.#line.park(this, { scope, source: true, by }) as Promise<void>;
    this.#timer = scope.host.clock.setTimer(ms, () => this.#line.wakeFirst());
  }

  describeWait(): string {
    return `sleep of ${this.#ms} ms`;
  }

  waitCancelled(): void {
    this.#scope.host.clock.clearTimer(this.#timer);
  }
}

/** A rejected promise that is no unhandled rejection when nobody looks: for refusals that say "it is over". */
export function rejected(error: unknown, scheduler: Scheduler | undefined): Promise<never> {
  const promise = failing(error, scheduler);
  promise.catch(noop);
  return promise;
}

/**
 * A rejected promise that somebody must look at. With a scheduler it spends the slice's budget as every word does: a loop that
 * catches the refusal and tries again would else keep the event loop, and so its own stop, from ever getting a turn (law 9).
 */
export function failing(error: unknown, scheduler?: Scheduler): Promise<never> {
  if (scheduler?.spend() !== true) return Promise.reject(error);
  return scheduler.nextSlice().then(() => {
    throw error;
  });
}

function noop(): void {}
