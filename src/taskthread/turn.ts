/**
 * A turn: one execution of a hook or a task, and at the same time its context (design: explicit, not ambient). Its words wait
 * in its scope and are counted as its waits; the same words on a thread are for callbacks from elsewhere.
 *
 * The object is used again for the next execution as long as executions end synchronously and say no word that waits or holds
 * something, which costs nothing; any other one keeps its turn to itself, so that a word that it says too late is never taken for one
 * of a later execution. What a synchronous execution says by its turn for the first time when it has ended may be.
 */
import type { Reply } from '../intercom/ask.ts';
import type { Edge } from '../intercom/edge.ts';
import { calm } from '../kernel/calm.ts';
import type { CancelScope, Scoped } from '../kernel/cancel-scope.ts';
import { milliseconds } from '../kernel/check.ts';
import { ThreadEndedError } from '../kernel/errors.ts';
import type { Host } from '../kernel/host.ts';
import { Party, type PartyOwner, type PartyWatch } from '../kernel/party.ts';
import { failing, rejected, sleep } from '../kernel/wait-queue.ts';
import type { AnyChild, AskOptions, Child, DownOf, Kind, KindOf } from './child.ts';
import { ChildHandle, type SendTarget } from './child-handle.ts';
import { deadlockWatch } from './deadlock-watch.ts';
import { withinLimit } from './time-limit.ts';

/** What a turn needs of its thread. */
export interface TurnOwner extends SendTarget, PartyOwner {
  readonly path: string;
  readonly host: Host;
  /** The edge to the parent. */
  readonly edge: Edge;
  getScope(): CancelScope;
  stopItself(why: string): void;
  /** The turn of this number has its party from now on. */
  partyMade(party: Party, turn: number): void;
}

/** Counts turns. It begins anew when it is used up: two turns of one number are a billion turns apart. */
const LAST_NUMBER = 2 ** 30 - 1;
let lastNumber = 0;

/** One execution of a handler or hook. `Up` is what may be sent to the parent. */
export class Turn<in Up = never> implements Scoped {
  readonly #owner: TurnOwner;
  #scope: CancelScope | undefined;
  #party: Party | undefined;
  /** What is being executed, in words: `signalHandler`, `task read`. */
  readonly what: string;
  /** Not for users. */
  readonly number: number;

  constructor(owner: TurnOwner, what: string, scope?: CancelScope, party?: Party) {
    this.#owner = owner;
    this.what = what;
    this.#scope = scope;
    this.#party = party;
    lastNumber = (lastNumber + 1) & LAST_NUMBER;
    this.number = lastNumber;
  }

  /** This execution: whose waits these are, and what holds locks. A turn of `timeoutAfter` or `shield` is a part of the one around it. Not for users. */
  get party(): Party {
    if (this.#party === undefined) {
      this.#party = new Party(this.#owner, this.what, this.watch());
      this.#owner.partyMade(this.#party, this.number);
    }
    return this.#party;
  }

  /** The same where it is there already. Not for users. */
  get ownParty(): Party | undefined {
    return this.#party;
  }

  get holder(): object {
    return this.party;
  }

  /** The same while it waits for something. Not for users. */
  get waitingParty(): Party | undefined {
    return this.#party?.waits === true ? this.#party : undefined;
  }

  /** A word by it has waited, or holds something: it stays the turn of this execution. Not for users. */
  get said(): boolean {
    return this.#party !== undefined;
  }

  /** `signalHandler of /Master-1/Database-2` */
  toString(): string {
    return `${this.what} of ${this.#owner.path}`;
  }

  /** The thread whose turn it is. Not for users. */
  static ownerOf(turn: Turn<never>): TurnOwner {
    return turn.#owner;
  }

  /** The scope that the waits of this turn belong to; so a turn can be given wherever `{ scope }` is asked for. */
  get cancelScope(): CancelScope {
    this.#scope ??= this.ownScope();
    return this.#scope;
  }

  /** Where its thread stands in the tree. */
  get path(): string {
    return this.#owner.path;
  }

  /** Fires when this turn is cancelled: for `fetch` and every Node API that takes one. */
  get abortSignal(): AbortSignal {
    return this.cancelScope.abortSignal;
  }

  /** True once this turn is cancelled: every further wait throws. */
  get cancelled(): boolean {
    return this.#owner.ended || this.cancelScope.cancelled;
  }

  /**
   * In `signalHandler`: how often its signal has been given to a handler, this time included: 1, and more when a restart has
   * delivered it again (`redeliver`).
   */
  get deliveryCount(): number {
    return this.#owner.edge.deliveries;
  }

  /** Throws `CancelledError` if this turn is cancelled. For long work without waits. */
  checkCancelled(): void {
    this.#owner.schedulerIfStarted?.spend();
    if (this.#owner.ended) throw new ThreadEndedError(this.#owner.path);
    this.cancelScope.check();
  }

  /**
   * Sends a signal to a child. Undefined when it was accepted at once, a promise when the sender must wait: so `await` it, or
   * return it. Never throws synchronously.
   *
   * Rejects with `EdgeClosedError` (the child takes no more), `LaneFullError` (policy `fail`), `NotAChildError`, `DeadlockError`
   * (the wait would never have ended); each gives the signal back. *Ordering:* as sent. *Cancel-safe:* a cancelled send was not accepted.
   */
  send<C>(child: Child<C>, signal: DownOf<C>): Promise<void> | undefined {
    return ChildHandle.sendFrom(this.#owner, child, signal, this);
  }

  /** Sends to the parent; as `send` otherwise, also *Ordering:* and *Cancel-safe:*. */
  sendToParent(signal: Up): Promise<void> | undefined {
    const owner = this.#owner;
    if (!owner.ended && this.refusal === undefined) return owner.edge.sendUp(signal, this);
    return rejected(owner.ended ? new ThreadEndedError(owner.path, signal) : this.refusal, owner.host.scheduler);
  }

  /**
   * Sends to several children: to those of a list, or to all of a class. A full one holds up none of the others; the promise
   * resolves when the last has accepted. Children come and go: of a class, those that are stopping are passed over; of a
   * list, they refuse. Rejects with the first refusal (also a `DeadlockError`), after all are settled.
   * *Cancel-safe:* a child whose wait was cancelled was sent nothing; others may have been.
   */
  sendToChildren<C>(children: Iterable<Child<C>> | KindOf<C>, signal: DownOf<C>): Promise<void> | undefined {
    return ChildHandle.sendToAll(this.#owner, children as Iterable<AnyChild> | Kind, signal, this);
  }

  /**
   * Sends a child a request and waits for its answer. `make` builds the signal around the `Reply` it is given.
   * Rejects with `AskUnansweredError` when the child ends first, with what `reply.fail` was given, or as `send` does (then also with
   * `DeadlockError`, when the request was accepted and would never have been answered).
   * *Cancel-safe:* a cancelled ask may have happened; its late reply is discarded and counted.
   */
  ask<C, Answer, const Signal extends DownOf<C> = DownOf<C>>(
    child: Child<C>,
    make: (reply: Reply<Answer>) => Signal,
    options?: AskOptions,
  ): Promise<Answer> {
    if (options?.timeoutMs === undefined) return ChildHandle.askFrom(this.#owner, child, make, this);
    return this.#within('the answer', options.timeoutMs, false, (turn) =>
      ChildHandle.askFrom(this.#owner, child, make, turn),
    );
  }

  /** Sends the parent a request and waits for its answer; as `ask` otherwise, also *Cancel-safe:*. */
  askParent<Answer>(make: (reply: Reply<Answer>) => Up, options?: AskOptions): Promise<Answer> {
    const owner = this.#owner;
    if (owner.ended) return rejected(new ThreadEndedError(owner.path), owner.host.scheduler);
    if (options?.timeoutMs === undefined) return owner.edge.askUp(make, this);
    return this.#within('the answer', options.timeoutMs, false, (turn) => owner.edge.askUp(make, turn));
  }

  /** Waits; 0 gives the event loop its turn. Rejects with `InvalidOptionError`. *Cancel-safe:* no timer is left. */
  sleep(ms: number): Promise<void> {
    const { scheduler } = this.#owner.host;
    if (this.#owner.ended) return rejected(new ThreadEndedError(this.#owner.path), scheduler);
    try {
      milliseconds('sleep', ms);
    } catch (error) {
      return failing(error, scheduler);
    }
    return sleep(ms, this.cancelScope, this);
  }

  /**
   * Runs clean-up that a cancel of this turn does not reach, for at most so many milliseconds: then its own waits are
   * cancelled and `shield` rejects with `TimeoutError`. *Cancel-safe:* as what it runs; no timer is left.
   */
  shield<T>(ms: number, work: (turn: Turn<Up>) => T | Promise<T>): Promise<T> {
    return this.#within('shielded work', ms, true, work);
  }

  /**
   * Runs work with a time limit. Its waits are cancelled when the time is over, and `timeoutAfter` rejects with
   * `TimeoutError`. Limits nest: the earliest holds, and an outer one is seen inside as a `CancelledError`.
   * *Cancel-safe:* as what it runs; no timer is left.
   */
  timeoutAfter<T>(ms: number, work: (turn: Turn<Up>) => T | Promise<T>): Promise<T> {
    return this.#within('the work', ms, false, work);
  }

  /**
   * Asks the thread to stop, and returns at once: to stop is never awaited from inside. Of a thread that is stopping already it
   * changes nothing. Errors: `ThreadEndedError`.
   */
  stop(): void {
    this.#owner.stopItself(`${this.what} asked for it`);
  }

  /** What a wait that begins now must throw, if anything: so a cancelled turn's sends throw too, also where there is room. */
  get refusal(): Error | undefined {
    return this.#scope === undefined ? this.ownRefusal() : this.#scope.refusal;
  }

  protected ownRefusal(): Error | undefined {
    return this.#owner.refusal;
  }

  /** The scope of this turn when none was given: the thread's; a task's turn has the task's. */
  protected ownScope(): CancelScope {
    return this.#owner.getScope();
  }

  /** Who looks for circles among the waits of this turn. */
  protected watch(): PartyWatch | undefined {
    return deadlockWatch;
  }

  #within<T>(what: string, ms: number, shielded: boolean, work: (turn: Turn<Up>) => T | Promise<T>): Promise<T> {
    const owner = this.#owner;
    if (owner.ended) return rejected(new ThreadEndedError(owner.path), owner.host.scheduler);
    try {
      milliseconds('ms', ms);
    } catch (error) {
      return failing(error, owner.host.scheduler);
    }
    const limit = { what, timeoutMs: ms, outer: this.cancelScope, shielded };
    return calm(withinLimit(owner.host, limit, (scope) => work(new Turn<Up>(owner, this.what, scope, this.party))));
  }
}
