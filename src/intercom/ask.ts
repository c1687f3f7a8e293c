/**
 * A request that is answered: the asker makes a signal that carries a `Reply`, and waits; whoever handles the signal, then
 * or later, settles the reply. The answer travels on the control lane: it needs no place and overtakes data.
 */
import { AskUnansweredError, EdgeClosedError } from '../kernel/errors.ts';
import { DeadlockError } from '../kernel/wait-errors.ts';
import { NO_PARTIES, type Party, type WaitDetails } from '../kernel/party.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import { rejected, type Waiter, type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import type { Direction } from './lane.ts';
import type { Wait } from './wait.ts';

/** Whom a reply goes to. */
export interface Asking {
  answered(answer: unknown): void;
  failed(error: unknown): void;
}

/** What a request carries, and its handler answers with. Only the first answer counts; one that comes late is counted. */
export class Reply<in Answer> {
  #asking: Asking | undefined;

  constructor(asking: Asking) {
    this.#asking = asking;
  }

  /** Answers the request. */
  with(answer: Answer): void {
    const asking = this.#asking;
    this.#asking = undefined;
    asking?.answered(answer);
  }

  /** Answers the request with an error, which the asker's wait then throws. */
  fail(error: unknown): void {
    const asking = this.#asking;
    this.#asking = undefined;
    asking?.failed(error);
  }
}

/** One request, from its making to its end. */
class Request implements Asking {
  readonly #asks: Asks;
  /** Which way it goes. */
  readonly direction: Direction;
  signal: unknown;
  reply: unknown;
  waiter: Waiter | undefined;
  /** Its asker's wait has thrown what must not go unheard. */
  loud = false;

  constructor(asks: Asks, direction: Direction) {
    this.#asks = asks;
    this.direction = direction;
  }

  answered(answer: unknown): void {
    if (this.#asks.isInTime(this.waiter)) this.waiter?.wake(answer);
  }

  failed(error: unknown): void {
    if (!this.#asks.isInTime(this.waiter)) return;
    this.loud = true;
    this.waiter?.fail(error);
  }
}

/** What requests need of their edge. */
export interface AskOwner {
  readonly scheduler: Scheduler;
  sendTo(direction: Direction, signal: unknown, wait: Wait): Promise<void> | undefined;
  /** Names who is asked. */
  askedPath(direction: Direction): string;
  /** What keeps a request, as it is now, from being answered. */
  answerBlockers(direction: Direction, signal: unknown, reply: unknown): readonly Party[];
}

/** The requests of one edge, both ways, that wait for their answers. */
export class Asks implements WaitOwner {
  readonly #owner: AskOwner;
  readonly #line = new WaitQueue();
  lateReplies = 0;

  constructor(owner: AskOwner) {
    this.#owner = owner;
  }

  get waiting(): number {
    return this.#line.length;
  }

  /**
   * *Cancel-safe:* a cancelled ask may have happened: its request stays accepted, its late reply is discarded and counted.
   */
  ask<Answer>(make: (reply: Reply<Answer>) => unknown, direction: Direction, wait: Wait): Promise<Answer> {
    const { scheduler } = this.#owner;
    const scope = wait.cancelScope;
    const refusal = scope?.refusal;
    if (refusal !== undefined) return rejected(refusal, scheduler);
    const request = new Request(this, direction);
    // Parked before `make` is called: that is user code, and may answer at once, or cancel.
    const waiter = this.#line.parkWaiter(this, { scope, item: request, by: wait, scheduler });
    request.waiter = waiter;
    const reply = new Reply<Answer>(request);
    request.reply = reply;
    try {
      request.signal = make(reply);
      if (waiter.parked) {
        this.#owner.sendTo(direction, request.signal, wait)?.catch((error: unknown) => notSent(waiter, error));
      }
    } catch (error) {
      request.loud = true;
      waiter.fail(error);
    }
    return (waiter.parked ? waiter.promise : this.#settled(waiter.promise, request.loud)) as Promise<Answer>;
  }

  /** An answer comes, or a failure. False when its asker does not wait any more. */
  isInTime(waiter: Waiter | undefined): boolean {
    this.#owner.scheduler.spend();
    if (waiter?.parked === true) return true;
    this.lateReplies++;
    return false;
  }

  /** Over before it could wait: answered, lost or failed by `make` itself. It takes its share of the slice all the same (law 9). */
  #settled(answer: Promise<unknown>, loud: boolean): Promise<unknown> {
    const { scheduler } = this.#owner;
    if (!scheduler.spend()) return answer;
    answer.catch(noop);
    const later = scheduler.nextSlice().then(() => answer);
    if (!loud) later.catch(noop);
    return later;
  }

  /** A signal will not be handled; if it was a request, its asker is told. */
  signalLost(signal: unknown, reason: string): void {
    for (let waiter = this.#line.first; waiter !== undefined; waiter = waiter.next) {
      const request = waiter.item as Request;
      if (request.signal !== signal) continue;
      waiter.refuse(new AskUnansweredError(this.#askedPath(waiter), reason));
      return;
    }
  }

  /** Who was to answer is gone, and its successor knows only what is still on its way. */
  endAllBut(isOnItsWay: (signal: unknown) => boolean, reason: string): void {
    for (let waiter = this.#line.first, next = waiter; waiter !== undefined; waiter = next) {
      next = waiter.next;
      const request = waiter.item as Request;
      if (!isOnItsWay(request.signal)) waiter.refuse(new AskUnansweredError(this.#askedPath(waiter), reason));
    }
  }

  /** The edge is over: nobody will answer any more. */
  end(reason: string): void {
    for (let waiter = this.#line.first; waiter !== undefined; waiter = this.#line.first) {
      waiter.refuse(new AskUnansweredError(this.#askedPath(waiter), reason));
    }
  }

  describeWait(waiter: Waiter): string {
    return `an answer of ${this.#askedPath(waiter)}`;
  }

  waitCancelled(): void {}

  blockersOf(waiter: Waiter): readonly Party[] {
    const { direction, signal, reply } = waiter.item as Request;
    return signal === undefined ? NO_PARTIES : this.#owner.answerBlockers(direction, signal, reply);
  }

  detailsOf(): WaitDetails {
    return { word: 'ask' };
  }

  #askedPath(waiter: Waiter): string {
    return this.#owner.askedPath((waiter.item as Request).direction);
  }
}

function notSent(waiter: Waiter, error: unknown): void {
  if (error instanceof EdgeClosedError || error instanceof DeadlockError) waiter.refuse(error);
  else waiter.fail(error);
}

function noop(): void {}
