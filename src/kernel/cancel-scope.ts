/**
 * Cancel scopes: what a wait belongs to. Level-triggered (law 17): once a scope is cancelled every wait in it throws, not
 * only the first. Scopes nest; a parent owns a list of its members (child scopes and parked waiters) and unlinks each at
 * its end, so that nothing is left on a long-lived scope (law 19; `AbortSignal.any` would leave it).
 *
 * Three levels, each stronger than the one before:
 *   intake closed   waits on a source throw `IntakeClosedError`, all others go on
 *   cancelled       every wait throws `CancelledError`; a shielded child scope is spared
 *   ended           every wait throws `ThreadEndedError`; nothing is spared
 *
 * Not here: the parking itself (`wait-queue`), and which thread owns which scope (`../taskthread`).
 */

import { setMaxListeners } from 'node:events';
import type { Timer } from './clock.ts';
import { CancelledError } from './errors.ts';
import type { Host } from './host.ts';
import type { Party } from './party.ts';

/** A member of a scope: a child scope or a parked waiter. The scope links members into a list of its own. */
export interface ScopeMember {
  scope: CancelScope | undefined;
  previousMember: ScopeMember | undefined;
  nextMember: ScopeMember | undefined;
  /** The scope that holds this member has reached a level. */
  reached(level: ScopeLevel, error: Error): void;
}

export type ScopeLevel = 'intake-closed' | 'cancelled' | 'ended';

/** Whatever names a scope: a turn, a thread's scope, a scope itself. Every wait of ours takes one as `{ scope }`. */
export interface Scoped {
  readonly cancelScope: CancelScope;
  /** What a wait that begins now in this scope must throw, if anything. */
  readonly refusal: Error | undefined;
  /**
   * Who owns what is acquired in this scope: the execution, compared by identity. The scopes that an execution makes inside
   * itself (for a time limit, for a shield) share it.
   */
  readonly holder: object;
  /** Names it for people: `signalHandler of /Master-1/Database-2`. */
  toString(): string;
  /** Whose waits these are, where that is known: a turn's. */
  readonly party?: Party | undefined;
}

export interface CancelScopeOptions {
  /** Cancels this scope when so much time has passed. */
  readonly timeoutMs?: number | undefined;
  /** Spares this scope when the parent's is cancelled; only the end of the thread reaches it. */
  readonly shielded?: boolean;
}

const NOBODY: readonly ScopeMember[] = [];

export class CancelScope implements ScopeMember, Scoped {
  readonly host: Host;
  scope: CancelScope | undefined;
  previousMember: ScopeMember | undefined;
  nextMember: ScopeMember | undefined;
  #firstMember: ScopeMember | undefined;
  #intakeError: Error | undefined;
  #error: Error | undefined;
  /** Makes the error of the end when somebody asks for it: its trace costs more than all the rest of a short life. */
  #makeError: (() => Error) | undefined;
  #ended = false;
  readonly #shielded: boolean;
  #timer: Timer | undefined;
  #timedOut = false;
  #controller: AbortController | undefined;
  /** The scope around a closed one: what still waits in this one belongs to that. */
  #closedInto: CancelScope | undefined;
  /** When this scope or an ancestor is cancelled by time, in the clock's milliseconds; Infinity for never. */
  readonly deadline: number;
  readonly holder: object;

  constructor(host: Host, parent?: CancelScope, options: CancelScopeOptions = {}) {
    this.host = host;
    this.#shielded = options.shielded ?? false;
    this.holder = parent?.holder ?? this;
    const outer = parent === undefined || this.#shielded ? Infinity : parent.deadline;
    const { timeoutMs } = options;
    this.deadline = timeoutMs === undefined ? outer : Math.min(outer, host.clock.now() + timeoutMs);
    parent?.add(this);
    if (timeoutMs === undefined || this.cancelled) return;
    // One that has passed already holds for the first wait, also for one that need not wait; a timer would come after it.
    if (timeoutMs === 0) this.#expire(timeoutMs);
    else this.#timer = host.clock.setTimer(timeoutMs, () => this.#expire(timeoutMs));
  }

  get cancelScope(): CancelScope {
    return this;
  }

  get cancelled(): boolean {
    return this.#error !== undefined || this.#makeError !== undefined;
  }

  /** Why it is cancelled or over. */
  #reason(): Error | undefined {
    if (this.#makeError !== undefined) {
      this.#error = this.#makeError();
      this.#makeError = undefined;
    }
    return this.#error;
  }

  /** True once the thread that it belongs to has ended. */
  get ended(): boolean {
    return this.#ended || this.#closedInto?.ended === true;
  }

  /** True when it was this scope's own time limit that cancelled it. */
  get timedOut(): boolean {
    return this.#timedOut;
  }

  /** An AbortSignal that fires with this scope, for Node's own words. Made when first asked for. */
  get abortSignal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      // Every wait of a thread may listen to it: many listeners are no leak here.
      setMaxListeners(Infinity, this.#controller.signal);
      if (this.cancelled) this.#controller.abort(this.#reason());
    }
    return this.#controller.signal;
  }

  get refusal(): Error | undefined {
    return this.#error ?? (this.#makeError === undefined ? this.#closedInto?.refusal : this.#reason());
  }

  /** The same of a wait on a source, for something to take in. */
  get sourceRefusal(): Error | undefined {
    return this.#reason() ?? this.#intakeError ?? this.#closedInto?.sourceRefusal;
  }

  /** Throws if this scope is cancelled. */
  check(): void {
    const { refusal } = this;
    if (refusal !== undefined) throw refusal;
  }

  toString(): string {
    return 'a cancel scope';
  }

  cancel(error: Error): void {
    if (this.cancelled) return;
    this.#error = error;
    this.#clearTimer();
    this.#tellMembers('cancelled', error);
    this.#controller?.abort(error);
  }

  closeIntake(error: Error): void {
    if (this.#intakeError !== undefined || this.cancelled) return;
    this.#intakeError = error;
    this.#tellMembers('intake-closed', error);
  }

  /** The thread has ended: also what is shielded is over. The error, or what makes it when it is asked for. */
  end(error: Error | (() => Error)): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = undefined;
    this.#makeError = typeof error === 'function' ? error : () => error;
    this.#clearTimer();
    if (this.#firstMember !== undefined) this.#tellMembers('ended', this.#reason()!);
    this.#controller?.abort(this.#reason());
    this.scope?.remove(this);
  }

  reached(level: ScopeLevel, error: Error): void {
    if (level === 'ended') this.end(error);
    else if (this.#shielded) return;
    else if (level === 'cancelled') this.cancel(error);
    else this.closeIntake(error);
  }

  /**
   * Ends the use of this scope without cancelling anything: its timer goes, and its parent forgets it. What was left waiting
   * in it (a send that nobody awaited) is its parent's from now on: the end of the thread must reach it too.
   */
  close(): void {
    this.#clearTimer();
    const outer = this.scope;
    if (outer === undefined) return;
    outer.remove(this);
    this.#closedInto = outer;
    for (const member of this.#oldestFirst()) {
      this.remove(member);
      outer.add(member);
    }
  }

  add(member: ScopeMember): void {
    if (this.#closedInto !== undefined) {
      this.#closedInto.add(member);
      if (this.cancelled) member.reached('cancelled', this.#reason()!);
      return;
    }
    member.scope = this;
    member.previousMember = undefined;
    member.nextMember = this.#firstMember;
    if (this.#firstMember !== undefined) this.#firstMember.previousMember = member;
    this.#firstMember = member;
    if (this.#ended) member.reached('ended', this.#reason()!);
    else if (this.cancelled) member.reached('cancelled', this.#reason()!);
    else if (this.#intakeError !== undefined) member.reached('intake-closed', this.#intakeError);
  }

  remove(member: ScopeMember): void {
    if (member.scope !== this) return;
    if (member.previousMember === undefined) this.#firstMember = member.nextMember;
    else member.previousMember.nextMember = member.nextMember;
    if (member.nextMember !== undefined) member.nextMember.previousMember = member.previousMember;
    member.scope = undefined;
    member.previousMember = undefined;
    member.nextMember = undefined;
  }

  /** Newest first. For snapshots. */
  *members(): Generator<ScopeMember> {
    for (let member = this.#firstMember; member !== undefined; member = member.nextMember) yield member;
  }

  /** Who waited longest is told first. A member may remove itself, and others, while it is told. */
  #tellMembers(level: ScopeLevel, error: Error): void {
    for (const member of this.#oldestFirst()) if (member.scope === this) member.reached(level, error);
  }

  #oldestFirst(): readonly ScopeMember[] {
    if (this.#firstMember === undefined) return NOBODY;
    return [...this.members()].reverse();
  }

  #expire(timeoutMs: number): void {
    this.#timer = undefined;
    if (this.cancelled) return;
    this.#timedOut = true;
    this.cancel(new CancelledError(`a time limit of ${timeoutMs} ms has passed`));
  }

  #clearTimer(): void {
    if (this.#timer === undefined) return;
    this.host.clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}
