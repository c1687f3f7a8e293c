/**
 * The members of a group, as they end: who is alive, who has ended and was not given to anybody yet (in the order of ending),
 * and who waits for the next one. Not here: what a group makes of it (`thread-group`).
 */
import type { Wait } from '../intercom/lane.ts';
import { RingBuffer } from '../kernel/ring-buffer.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import { rejected, type Waiter, type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import type { BodyOwner, FunctionBody } from './function-body.ts';

export class GroupMembers implements BodyOwner, WaitOwner {
  readonly #scheduler: Scheduler;
  readonly #alive = new Set<FunctionBody>();
  readonly #done = new RingBuffer<FunctionBody>();
  /** Given to somebody, and failed: kept until it is known whether that was seen. */
  readonly #givenFailed: FunctionBody[] = [];
  /** Members that have not ended and are waited for. */
  #awaited = 0;
  readonly #takers = new WaitQueue();
  readonly #enders = new WaitQueue();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get alive(): number {
    return this.#alive.size;
  }

  get done(): number {
    return this.#done.length;
  }

  add(body: FunctionBody): void {
    this.#alive.add(body);
    if (!body.daemon) this.#awaited++;
  }

  bodyEnded(body: FunctionBody): void {
    this.#alive.delete(body);
    if (body.daemon) {
      if (body.failed) this.#givenFailed.push(body);
    } else {
      this.#awaited--;
      if (this.#takers.length > 0) this.#takers.wakeFirst(this.#give(body));
      else this.#done.push(body);
      if (this.#awaited === 0) this.#takers.wakeAll(undefined);
    }
    if (this.#alive.size === 0) this.#enders.wakeAll();
  }

  /** The next one that has ended; undefined when there is none left to wait for. */
  async next(wait: Wait): Promise<FunctionBody | undefined> {
    const { refusal } = wait;
    if (refusal !== undefined) return rejected(refusal, this.#scheduler);
    // A word that need not wait spends the slice's budget like any other (law 9).
    if ((this.#done.length > 0 || this.#awaited === 0) && this.#scheduler.spend()) await this.#scheduler.nextSlice();
    const body = this.#done.shift();
    if (body !== undefined) return this.#give(body);
    if (this.#awaited === 0) return undefined;
    return (await this.#takers.park(this, { scope: wait.cancelScope, by: wait })) as FunctionBody | undefined;
  }

  /** Whoever was given this one was cut off before it could use it: then it was given to nobody, and is the next again. */
  takeBack(body: FunctionBody): void {
    const given = this.#givenFailed.lastIndexOf(body);
    if (given !== -1) this.#givenFailed.splice(given, 1);
    if (this.#takers.length > 0) this.#takers.wakeFirst(this.#give(body));
    else this.#done.unshift(body);
  }

  /** Resolves when none is alive. Without a wait it cannot be cancelled. */
  async allEnded(wait?: Wait): Promise<void> {
    const refusal = wait?.refusal;
    if (refusal !== undefined) return rejected(refusal, this.#scheduler);
    if (this.#alive.size > 0) await this.#enders.park(this, { scope: wait?.cancelScope, by: wait });
    else if (this.#scheduler.spend()) await this.#scheduler.nextSlice();
    return undefined;
  }

  *[Symbol.iterator](): Generator<FunctionBody> {
    yield* this.#alive;
  }

  /** Takes all that have failed and that nobody has looked at, in the order of failing. */
  takeFailed(): FunctionBody[] {
    const failed = this.#givenFailed.splice(0).filter((body) => !body.taken);
    for (let body = this.#done.shift(); body !== undefined; body = this.#done.shift()) {
      if (body.failed && !body.taken) failed.push(body);
    }
    return failed;
  }

  describeWait(waiter: Waiter): string {
    return waiter.line === this.#enders ? 'the end of a group' : 'the next end in a group';
  }

  waitCancelled(): void {}

  #give(body: FunctionBody): FunctionBody {
    if (body.failed) this.#givenFailed.push(body);
    return body;
  }
}
