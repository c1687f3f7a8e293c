/**
 * The members of a group, as they end: who is alive, who has ended and was not given to anybody yet (in the order of ending),
 * and who waits. A member that ends is given to who waits for the next one, else to who joins; all of them may see the end.
 * Not here: what a group makes of it (`thread-group`).
 *
 * A wait for the end of all that is said inside a member cannot be for that member too: it is over when nobody else is alive, but
 * for members that wait in the same way.
 */
import type { Wait } from '../intercom/lane.ts';
import { NO_PARTIES, type Party, type WaitDetails } from '../kernel/party.ts';
import { RingBuffer } from '../kernel/ring-buffer.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import { rejected, type Waiter, type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import { executionsIn, holdingUpEndOf } from './executions-below.ts';
import { type BodyOwner, FunctionBody } from './function-body.ts';
import type { ThreadLife } from './thread-life.ts';

/** What a join waits for. */
export interface Join {
  /** All members must end, not only one. */
  readonly ofAll: boolean;
  /** Told of each that has ended; true when that one ends the wait. */
  isOver(body: FunctionBody): boolean;
}

const FEW_FAILURES = 100;

export class GroupMembers implements BodyOwner, WaitOwner {
  readonly #scheduler: Scheduler;
  readonly #alive = new Set<FunctionBody>();
  readonly #done = new RingBuffer<FunctionBody>();
  /** In the order of failing, also those that were given to somebody: kept until it is known whether that was seen. */
  #failed: FunctionBody[] = [];
  #seenFailuresAt = FEW_FAILURES;
  /** Members that have not ended and are waited for. */
  #awaited = 0;
  readonly #takers = new WaitQueue();
  readonly #joiners = new WaitQueue();
  readonly #enders = new WaitQueue();
  /** Who waits for the end of all, inside a member. */
  readonly #insiders = new WaitQueue();
  readonly #maker: ThreadLife;

  constructor(maker: ThreadLife) {
    this.#maker = maker;
    this.#scheduler = maker.host.scheduler;
  }

  get alive(): number {
    return this.#alive.size;
  }

  add(body: FunctionBody): void {
    this.#alive.add(body);
    if (!body.daemon) this.#awaited++;
  }

  bodyEnded(body: FunctionBody): void {
    this.#alive.delete(body);
    if (body.failed) this.#keepFailed(body);
    if (!body.daemon) {
      this.#awaited--;
      this.#pass(body, 'last');
      if (this.#awaited === 0) {
        this.#takers.wakeAll(undefined);
        this.#joiners.wakeAll(undefined);
      }
    }
    // It may have been the last that could end these. (A join of all hung before, or does not now.)
    this.#takers.first?.party?.lookAgain();
    const joiner = this.#joiners.first;
    if (joiner !== undefined && !(joiner.item as Join).ofAll) joiner.party?.lookAgain();
    this.#someEnded();
  }

  /** The next one that has ended; undefined when there is none left to wait for. */
  async next(wait: Wait): Promise<FunctionBody | undefined> {
    const { refusal } = wait;
    if (refusal !== undefined) return rejected(refusal, this.#scheduler);
    // A word that need not wait spends the slice's budget like any other (law 9).
    if ((this.#done.length > 0 || this.#awaited === 0) && this.#scheduler.spend()) await this.#scheduler.nextSlice();
    const body = this.#done.shift();
    if (body !== undefined) return body;
    if (this.#awaited === 0) return undefined;
    return (await this.#takers.park(this, { scope: wait.cancelScope, by: wait })) as FunctionBody | undefined;
  }

  /**
   * Takes those that end, until one of them is enough: that one, or undefined when there was none left to wait for. It stands in
   * line once, however many end: among thousands a wait that began anew with each would be looked at as often (law 8).
   */
  async until(join: Join, wait: Wait): Promise<FunctionBody | undefined> {
    const { refusal } = wait;
    if (refusal !== undefined) return rejected(refusal, this.#scheduler);
    if ((this.#done.length > 0 || this.#awaited === 0) && this.#scheduler.spend()) await this.#scheduler.nextSlice();
    for (let body = this.#done.shift(); body !== undefined; body = this.#done.shift()) {
      if (join.isOver(body)) return body;
    }
    if (this.#awaited === 0) return undefined;
    const parking = { scope: wait.cancelScope, by: wait, item: join };
    return (await this.#joiners.park(this, parking)) as FunctionBody | undefined;
  }

  /** Whoever was given this one was cut off before it could use it: then it was given to nobody, and is the next again. */
  takeBack(body: FunctionBody): void {
    this.#pass(body, 'first');
  }

  /** The member that a thread is, or stands below. */
  memberAround(life: ThreadLife | undefined): FunctionBody | undefined {
    for (let inner = life; inner !== undefined; ) {
      const { body } = inner;
      if (body instanceof FunctionBody && this.#alive.has(body)) return body;
      const { parent } = inner.edge;
      inner = parent.outside ? undefined : (parent as ThreadLife);
    }
    return undefined;
  }

  /** Resolves when none is alive, but for the member that this is said in. Without a wait it cannot be cancelled. */
  async allEnded(wait: Wait | undefined, saidIn: FunctionBody | undefined): Promise<void> {
    const refusal = wait?.refusal;
    if (refusal !== undefined) return rejected(refusal, this.#scheduler);
    if (this.#alive.size === 0) {
      if (this.#scheduler.spend()) await this.#scheduler.nextSlice();
      return undefined;
    }
    const line = saidIn === undefined ? this.#enders : this.#insiders;
    const ended = line.park(this, { scope: wait?.cancelScope, by: wait, item: saidIn, scheduler: this.#scheduler });
    if (saidIn !== undefined) this.#someEnded();
    await ended;
    return undefined;
  }

  *[Symbol.iterator](): Generator<FunctionBody> {
    yield* this.#alive;
  }

  /** Takes all that have failed and that nobody has looked at, in the order of failing. */
  takeFailed(): FunctionBody[] {
    return this.#failed.splice(0).filter((body) => !body.taken);
  }

  describeWait(waiter: Waiter): string {
    const { line } = waiter;
    return `${line === this.#takers ? 'the next end' : 'the end'} of the group of ${this.#maker.path}`;
  }

  waitCancelled(): void {}

  /** A wait for the end of all is over by the time that a cancel may take: it hangs for nobody. */
  blockersOf(waiter: Waiter): readonly Party[] {
    const alternatives = this.alternativesOf(waiter);
    if (alternatives !== undefined) return [...alternatives].flat();
    if (waiter.line !== this.#joiners) return NO_PARTIES;
    const parties: Party[] = [];
    for (const { daemon, life } of this.#alive) if (!daemon) parties.push(...holdingUpEndOf(life));
    return parties;
  }

  /** Any member may end, and anybody who could be given the group may spawn another one: so all must hang there. */
  alternativesOf({ line, item, party }: Waiter): Iterable<readonly Party[]> | undefined {
    const ofOne = line === this.#takers || (line === this.#joiners && !(item as Join).ofAll);
    return ofOne ? executionsIn(this.#maker, party) : undefined;
  }

  detailsOf(): WaitDetails {
    return { word: 'group' };
  }

  /** To who waits for the next one, else to who joins; else it is kept, in the order of ending. */
  #pass(body: FunctionBody, order: 'first' | 'last'): void {
    const joiner = this.#joiners.first;
    if (this.#takers.length > 0) this.#takers.wakeFirst(body);
    else if (joiner !== undefined) {
      if ((joiner.item as Join).isOver(body)) joiner.wake(body);
    } else if (order === 'last') this.#done.push(body);
    else this.#done.unshift(body);
  }

  /** A group may go on for months: failures that somebody has seen are forgotten, a crowd at a time. */
  #keepFailed(body: FunctionBody): void {
    if (this.#failed.length >= this.#seenFailuresAt) {
      this.#failed = this.#failed.filter(({ taken }) => !taken);
      this.#seenFailuresAt = Math.max(FEW_FAILURES, 2 * this.#failed.length);
    }
    this.#failed.push(body);
  }

  #someEnded(): void {
    if (this.#alive.size === 0) this.#enders.wakeAll();
    if (this.#insiders.length === 0) return;
    const inside = new Set<FunctionBody>();
    for (let waiter = this.#insiders.first; waiter !== undefined; waiter = waiter.next) {
      const body = waiter.item as FunctionBody;
      if (this.#alive.has(body)) inside.add(body);
    }
    if (inside.size === this.#alive.size) this.#insiders.wakeAll();
  }
}
