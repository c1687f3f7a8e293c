/**
 * The senders that wait for a place in one lane, in the order in which they came, and the count of what they wait to send.
 * Knows nothing of room: the lane decides who is let in, and when.
 */
import type { CancelScope } from '../kernel/cancel-scope.ts';
import { EdgeClosedError } from '../kernel/errors.ts';
import { type Waiter, type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import type { Parcel } from './parcel.ts';

export class SenderLine {
  readonly #line = new WaitQueue();
  #count = 0;
  /** How many wait with each key. */
  readonly #keys: Map<unknown, number> | undefined;

  constructor(keyed: boolean) {
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

  park(owner: WaitOwner, item: Parcel, scope: CancelScope | undefined, by: unknown): Promise<unknown> {
    this.#count += item.count;
    this.#keys?.set(item.key, (this.#keys.get(item.key) ?? 0) + 1);
    return this.#line.parkWaiter(owner, { scope, item, by }).promise;
  }

  /** Gives all of them their signals back; says how many these were. */
  refuseAll(path: string): number {
    const refused = this.#count;
    for (let waiter = this.first; waiter !== undefined; waiter = this.first) {
      const parcel = waiter.item as Parcel;
      this.forget(parcel);
      waiter.refuse(new EdgeClosedError(path, parcel.signal));
    }
    return refused;
  }

  /** The signals that are waited with, in their order. */
  *signals(): Generator<unknown> {
    for (let waiter = this.first; waiter !== undefined; waiter = waiter.next) yield (waiter.item as Parcel).signal;
  }

  /** To be called for each that stops waiting, for whatever reason. */
  forget({ count, key }: Parcel): void {
    this.#count -= count;
    const same = this.#keys?.get(key) ?? 0;
    if (same > 1) this.#keys?.set(key, same - 1);
    else this.#keys?.delete(key);
  }
}
