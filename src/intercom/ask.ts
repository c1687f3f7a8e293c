/**
 * A request that is answered: the asker makes a signal that carries a `Reply`, and waits; whoever handles the signal, then
 * or later, settles the reply. The answer travels on the control lane: it needs no place and overtakes data.
 */
import { AskUnansweredError, EdgeClosedError } from '../kernel/errors.ts';
import { rejected, type WaitOwner, WaitQueue, type Waiter } from '../kernel/wait-queue.ts';
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

/** The requests of one edge, both ways, that wait for their answers. */
export class Asks implements WaitOwner {
  readonly #line = new WaitQueue();
  /** Names who is asked. */
  readonly #path: () => string;
  lateReplies = 0;

  constructor(path: () => string) {
    this.#path = path;
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
  ): Promise<Answer> {
    const scope = wait.cancelScope;
    const refusal = scope?.refusal;
    if (refusal !== undefined) return rejected(refusal, scope?.host.scheduler);
    // Parked before `make` is called: that is user code, and may answer at once, or cancel.
    const request: { signal: unknown } = { signal: undefined };
    const waiter = this.#line.parkWaiter(this, { scope, item: request, by: wait });
    const reply = new Reply<Answer>((ok, value) => {
      if (!waiter.parked) this.lateReplies++;
      else if (ok) waiter.wake(value);
      else waiter.fail(value);
    });
    try {
      request.signal = make(reply);
      if (waiter.parked) send(request.signal)?.catch((error: unknown) => notSent(waiter, error));
    } catch (error) {
      waiter.fail(error);
    }
    return waiter.promise as Promise<Answer>;
  }

  /** A signal will not be handled; if it was a request, its asker is told. */
  signalLost(signal: unknown, reason: string): void {
    for (let waiter = this.#line.first; waiter !== undefined; waiter = waiter.next) {
      if ((waiter.item as { signal: unknown }).signal !== signal) continue;
      waiter.refuse(new AskUnansweredError(this.#path(), reason));
      return;
    }
  }

  /** The edge is over: nobody will answer any more. */
  end(reason: string): void {
    this.#line.refuseAll(new AskUnansweredError(this.#path(), reason));
  }

  describeWait(): string {
    return `an answer over the edge of ${this.#path()}`;
  }

  waitCancelled(): void {}
}

function notSent(waiter: Waiter, error: unknown): void {
  if (error instanceof EdgeClosedError) waiter.refuse(error);
  else waiter.fail(error);
}
