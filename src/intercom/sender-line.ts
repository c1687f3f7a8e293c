/**
 * The senders that wait for a place in one lane, in the order in which they came, and the count of what they wait to send.
 * Says what each waits for. Knows nothing of room: the lane decides who is let in, and when.
 */
import { EdgeClosedError } from '../kernel/errors.ts';
import type { LaneLoad } from '../kernel/wait-errors.ts';
import { NO_PARTIES, type Party, type WaitDetails } from '../kernel/party.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import { type Waiter, type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import type { LaneSnapshot } from './books.ts';
import type { ResolvedLaneOptions } from './lane-options.ts';
import type { Parcel } from './parcel.ts';
import type { Wait } from './wait.ts';

/** What the line needs of its lane. */
export interface SenderLineOwner {
  readonly owner: { readonly path: string; readonly scheduler: Scheduler };
  readonly direction: 'down' | 'up';
  readonly options: ResolvedLaneOptions;
  snapshot(): LaneSnapshot;
  /** While its loop is held up by a hook that waits, it takes nothing. */
  readonly receiver: { readonly loopParty?: Party | undefined };
  /** A sender has left the line without being let in, and gets its signal back. */
  senderLeft(parcel: Parcel, how: 'cancelled' | 'refused'): void;
  /** True where there is room for it, whoever waits before it. */
  fits(parcel: Parcel): boolean;
  /** Lets in who fits; true if anybody does. */
  admitWaiting(): boolean;
}

export class SenderLine implements WaitOwner {
  readonly #owner: SenderLineOwner;
  readonly #line = new WaitQueue();
  #count = 0;
  /** How many wait with each key. */
  readonly #keys: Map<unknown, number> | undefined;

  constructor(owner: SenderLineOwner, keyed: boolean) {
    this.#owner = owner;
    if (keyed) this.#keys = new Map();
  }

  get first(): Waiter | undefined {
    return this.#line.first;
  }

  /** A batch counts its members. */
  get count(): number {
    return this.#count;
  }

  hasKey(key: unknown): boolean {
    return this.#keys?.has(key) === true;
  }

  park(item: Parcel, wait: Wait): Promise<unknown> {
    this.#count += item.count;
    this.#keys?.set(item.key, (this.#keys.get(item.key) ?? 0) + 1);
    const { scheduler } = this.#owner.owner;
    return this.#line.parkWaiter(this, { scope: wait.cancelScope, item, by: wait, scheduler }).promise;
  }

  /** To be called for each that stops waiting and is let in or refused. */
  forget({ count, key }: Parcel): void {
    this.#count -= count;
    const same = this.#keys?.get(key) ?? 0;
    if (same > 1) this.#keys?.set(key, same - 1);
    else this.#keys?.delete(key);
  }

  some(test: (signal: unknown) => boolean): boolean {
    for (let waiter = this.#line.first; waiter !== undefined; waiter = waiter.next) {
      if (test((waiter.item as Parcel).signal)) return true;
    }
    return false;
  }

  /** The lane is closed: all get their signals back. How many, a batch being as many as it counts. */
  refuseAll(): number {
    let refused = 0;
    for (let waiter = this.#line.first; waiter !== undefined; waiter = this.#line.first) {
      const parcel = waiter.item as Parcel;
      this.forget(parcel);
      refused += parcel.count;
      waiter.refuse(new EdgeClosedError(this.#owner.owner.path, parcel.signal));
    }
    return refused;
  }

  describeWait(waiter: Waiter): string {
    const { count } = waiter.item as Parcel;
    const { owner, direction } = this.#owner;
    const place = count === 1 ? 'a place' : `${count} places`;
    return `${place} in the ${direction === 'down' ? 'inbox' : 'outbox'} of ${owner.path}`;
  }

  waitCancelled(waiter: Waiter): void {
    this.#left(waiter, 'cancelled');
  }

  waitDeadlocked(waiter: Waiter): void {
    this.#left(waiter, 'refused');
  }

  blockersOf(waiter: Waiter): readonly Party[] {
    const { loopParty } = this.#owner.receiver;
    return loopParty === undefined || this.#waitsForTime(waiter) ? NO_PARTIES : [loopParty];
  }

  /** It fits, and one in front of it does not, who will give up when its time is over. */
  #waitsForTime(waiter: Waiter): boolean {
    let before = this.#line.first;
    while (before !== undefined && before !== waiter && !before.timed) before = before.next;
    return before !== waiter && this.#owner.fits(waiter.item as Parcel);
  }

  detailsOf(waiter: Waiter): WaitDetails {
    return { word: 'send', signal: (waiter.item as Parcel).signal, lane: this.#load() };
  }

  relieve(): boolean {
    return this.#owner.admitWaiting();
  }

  #load(): LaneLoad {
    const { owner, direction, options } = this.#owner;
    const { queued, capacity, bytes, waiting } = this.#owner.snapshot();
    const maxBytes = options.sizeOf === undefined ? undefined : options.maxBytes;
    return { path: owner.path, direction, queued, capacity, bytes, maxBytes, waiting };
  }

  #left(waiter: Waiter, how: 'cancelled' | 'refused'): void {
    const parcel = waiter.item as Parcel;
    this.forget(parcel);
    this.#owner.senderLeft(parcel, how);
  }
}
