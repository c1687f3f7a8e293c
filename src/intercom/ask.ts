/**
 * A request that is answered: the asker makes a signal that carries a `Reply`, and waits; whoever handles the signal, then
 * or later, settles the reply. The answer travels on the control lane: it needs no place and overtakes data.
 */
import { AskUnansweredError, EdgeClosedError } from '../kernel/errors.ts';
import { DeadlockError } from '../kernel/wait-errors.ts';
import { NO_PARTIES, type Party, type WaitDetails } from '../kernel/party.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import { rejected, type Waiter, type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import type { Wait } from './wait.ts';

/** What a request carries, and its handler answers with. Only the first answer counts; one that comes late is counted. */
export class Reply<in Answer> {
  #settle: ((ok: boolean, value: unknown) => void) | undefined;

  constructor(settle: (ok: boolean, value: unknown) => void) {
    this.#settle = settle;
  }

  /** Answers the request. */
  with(answer: Answer): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(true, answer);
  }

  /** Answers the request with an error, which the asker's wait then throws. */
  fail(error: unknown): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(false, error);
  }
}

interface Request {
  signal: unknown;
  reply: unknown;
  /** Names who is asked. */
  readonly asked: () => string;
  /** What keeps the request, as it is now, from being answered. */
  readonly blockers: ((signal: unknown, reply: unknown) => readonly Party[]) | undefined;
}

/** The requests of one edge, both ways, that wait for their answers. */
export class Asks implements WaitOwner {
  readonly #scheduler: Scheduler;
  readonly #line = new WaitQueue();
  lateReplies = 0;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get waiting(): number {
    return this.#line.length;
  }

  /**
   * *Cancel-safe:* a cancelled ask may have happened: its request stays accepted, its late reply is discarded and counted.
   */
  ask<Answer>(
    make: (reply: Reply<Answer>) => unknown,
    send: (signal: unknown) => Promise<void> | undefined,
    wait: Wait,
    asked: () => string,
    blockers?: (signal: unknown, reply: unknown) => readonly Party[],
  ): Promise<Answer> {
    const scope = wait.cancelScope;
    const refusal = scope?.refusal;
    if (refusal !== undefined) return rejected(refusal, this.#scheduler);
    // Parked before `make` is called: that is user code, and may answer at once, or cancel.
    const request: Request = { signal: undefined, reply: undefined, asked, blockers };
    const waiter = this.#line.parkWaiter(this, { scope, item: request, by: wait, scheduler: this.#scheduler });
    let loud = false;
    const reply = new Reply<Answer>((ok, value) => {
      this.#scheduler.spend();
      if (!waiter.parked) this.lateReplies++;
      else if (ok) waiter.wake(value);
      else {
        loud = true;
        waiter.fail(value);
      }
    });
    request.reply = reply;
    try {
      request.signal = make(reply);
      if (waiter.parked) send(request.signal)?.catch((error: unknown) => notSent(waiter, error));
    } catch (error) {
      loud = true;
      waiter.fail(error);
    }
    return (waiter.parked ? waiter.promise : this.#settled(waiter.promise, loud)) as Promise<Answer>;
  }

  /** Over before it could wait: answered, lost or failed by `make` itself. It takes its share of the slice all the same (law 9). */
  #settled(answer: Promise<unknown>, loud: boolean): Promise<unknown> {
    if (!this.#scheduler.spend()) return answer;
    answer.catch(noop);
    const later = this.#scheduler.nextSlice().then(() => answer);
    if (!loud) later.catch(noop);
    return later;
  }

  /** A signal will not be handled; if it was a request, its asker is told. */
  signalLost(signal: unknown, reason: string): void {
    for (let waiter = this.#line.first; waiter !== undefined; waiter = waiter.next) {
      const request = waiter.item as Request;
      if (request.signal !== signal) continue;
      waiter.refuse(new AskUnansweredError(request.asked(), reason));
      return;
    }
  }

  /** Who was to answer is gone, and its successor knows only what is still on its way. */
  endAllBut(isOnItsWay: (signal: unknown) => boolean, reason: string): void {
    for (let waiter = this.#line.first, next = waiter; waiter !== undefined; waiter = next) {
      next = waiter.next;
      const request = waiter.item as Request;
      if (!isOnItsWay(request.signal)) waiter.refuse(new AskUnansweredError(request.asked(), reason));
    }
  }

  /** The edge is over: nobody will answer any more. */
  end(reason: string): void {
    for (let waiter = this.#line.first; waiter !== undefined; waiter = this.#line.first) {
      waiter.refuse(new AskUnansweredError((waiter.item as Request).asked(), reason));
    }
  }

  describeWait(waiter: Waiter): string {
    return `an answer of ${(waiter.item as Request).asked()}`;
  }

  waitCancelled(): void {}

  blockersOf(waiter: Waiter): readonly Party[] {
    const { signal, reply, blockers } = waiter.item as Request;
    return signal === undefined ? NO_PARTIES : (blockers?.(signal, reply) ?? NO_PARTIES);
  }

  detailsOf(): WaitDetails {
    return { word: 'ask' };
  }
}

function notSent(waiter: Waiter, error: unknown): void {
  if (error instanceof EdgeClosedError || error instanceof DeadlockError) waiter.refuse(error);
  else waiter.fail(error);
}

function noop(): void {}
