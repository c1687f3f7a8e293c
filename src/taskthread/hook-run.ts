/**
 * What a thread is at while a hook of it has gone asynchronous, as reports, snapshots and the walks for circles see it. Of handlers
 * a thread has one, which is filled in anew for each signal: what is young and written into what is old costs the collector
 * more than the write, and so the turn is known by its number, and its party when there is one.
 */
import type { Lane } from '../intercom/lane.ts';
import type { Party } from '../kernel/party.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import { hookNameOf } from './hooks.ts';
import type { Turn } from './turn.ts';

export class HookRun {
  readonly #what: string;
  /** In the clock's milliseconds. */
  since = 0;
  /** Of a handler: the signal that it handles, and the lane that this came from. */
  signal: unknown;
  lane: Lane | undefined;
  /** Whose its waits are, and what it holds: there when its turn has said a word that waits or holds something. */
  party: Party | undefined;
  /** Where it is looked at how long it takes: the same object for the whole execution, and for no other. */
  key: object = this;
  #turn = 0;

  constructor(what: string) {
    this.#what = what;
  }

  /** `signalHandler`, `enter`, … */
  get what(): string {
    return this.lane === undefined ? this.#what : hookNameOf(this.lane);
  }

  began(turn: Turn<never>, since: number): this {
    this.#turn = turn.number;
    this.party = turn.ownParty;
    this.since = since;
    return this;
  }

  /** A turn has its party from now on. */
  partyMade(party: Party, turn: number): void {
    if (turn === this.#turn) this.party = party;
  }

  /** It is over. A signal may be large, a lane leads to a child: whoever keeps the thread must not keep them. */
  over(): void {
    this.signal = undefined;
    this.lane = undefined;
    this.party = undefined;
    this.key = this;
  }

  /** Its party, while that waits for something. */
  get waitingParty(): Party | undefined {
    return this.party?.waits === true ? this.party : undefined;
  }
}

/** What is told of the end of an asynchronous handler. */
export interface HandlerOwner {
  handlerDone(): void;
  handlerFailed(error: unknown): void;
}

/** That of all asynchronous handlers of a thread. Made with the first: most threads never have one. */
export class HandlerRun extends HookRun {
  /** The tree's: it is asked for with each signal, and the way to it by the thread is long. */
  readonly scheduler: Scheduler;
  readonly settled: () => void;
  readonly failed: (error: unknown) => void;

  constructor(owner: HandlerOwner, scheduler: Scheduler) {
    super('a handler');
    this.scheduler = scheduler;
    this.settled = () => owner.handlerDone();
    this.failed = (error) => owner.handlerFailed(error);
  }

  took(lane: Lane, signal: unknown): void {
    this.lane = lane;
    this.signal = signal;
  }
}
