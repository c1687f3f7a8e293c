/**
 * One direction of an edge: a bounded queue with its books. Decides nothing about policy (`overflow`) and handles nothing
 * (the receiver takes).
 *
 *     send ──► [ senders wait ] ──► [ ring: oldest … newest ] ──► take ──► done | lost
 *
 * Rules: order is the order sent, over the line of waiting senders too. A lane that was full admits waiting senders when it
 * has fallen to half, in a batch: waking one per signal taken would cost the sender a park for every signal.
 */
import { EdgeClosedError, InvalidOptionError, LaneFullError } from '../kernel/errors.ts';
import type { CancelScope } from '../kernel/cancel-scope.ts';
import { RingBuffer } from '../kernel/ring-buffer.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import { rejected, type WaitOwner, type Waiter, WaitQueue } from '../kernel/wait-queue.ts';
import type { Books } from './books.ts';
import type { ResolvedLaneOptions } from './lane-options.ts';
import { admit } from './overflow.ts';

export type Direction = 'down' | 'up';

/**
 * On whose behalf a word waits: a turn, or a thread where no turn is known. Its scope is only asked for when there is a wait,
 * so that an idle thread needs none.
 */
export interface Wait {
  readonly cancelScope: CancelScope | undefined;
  /** What a wait that begins now must throw, if anything. */
  readonly refusal: Error | undefined;
}

/** The runtime at the taking end. */
export interface LaneReceiver {
  /** The lane was empty and now holds something. */
  laneReady(lane: Lane): void;
}

/** What a lane belongs to: its edge. */
export interface LaneOwner {
  readonly scheduler: Scheduler;
  /** Names the child of the edge. */
  readonly path: string;
  /** A signal that was accepted will not be handled. */
  signalLost(lane: Lane, signal: unknown, reason: string): void;
  laneOverflowed(lane: Lane): void;
}

/** Plain data about one lane. */
export interface LaneSnapshot extends Books {
  readonly capacity: number;
  readonly bytes: number;
  readonly highWater: number;
  readonly highWaterBytes: number;
}

interface Parcel {
  readonly signal: unknown;
  readonly count: number;
  readonly bytes: number;
}

export class Lane implements WaitOwner {
  readonly owner: LaneOwner;
  readonly direction: Direction;
  readonly options: ResolvedLaneOptions;
  /** For the receiver's list of lanes that hold something. */
  nextReady: Lane | undefined;
  ready = false;
  readonly #receiver: LaneReceiver;
  readonly #scheduler: Scheduler;
  readonly #ring = new RingBuffer<unknown>();
  /** Count and bytes of each queued signal, where they are not 1 and 0. */
  readonly #weights: RingBuffer<number> | undefined;
  /** Key to position since the beginning, for `latest`. */
  readonly #keys: Map<unknown, number> | undefined;
  #taken = 0;
  #senders: WaitQueue | undefined;
  #closed = false;
  #overflowing = false;
  #bytes = 0;
  #inFlightBytes = 0;
  #offered = 0;
  #accepted = 0;
  #refused = 0;
  #cancelled = 0;
  #waiting = 0;
  #handled = 0;
  #dropped = 0;
  #queued = 0;
  #inFlight = 0;
  #deadLettered = 0;
  #highWater = 0;
  #highWaterBytes = 0;

  constructor(owner: LaneOwner, direction: Direction, receiver: LaneReceiver, options: ResolvedLaneOptions) {
    this.owner = owner;
    this.direction = direction;
    this.options = options;
    this.#receiver = receiver;
    this.#scheduler = owner.scheduler;
    if (options.sizeOf !== undefined || options.countOf !== undefined) this.#weights = new RingBuffer();
    if (options.policy === 'latest') this.#keys = new Map();
  }

  /** True when there is nothing to take. */
  get empty(): boolean {
    return this.#ring.length === 0;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Undefined when the signal was accepted at once; a promise when the sender must wait, for a place or (its signal
   * accepted) for the next slice. Never throws; a refusal rejects and gives the signal back.
   * *Cancel-safe:* a cancelled send was not accepted. *Ordering:* as sent.
   */
  send(signal: unknown, wait: Wait): Promise<void> | undefined {
    // The short way, for what is by far the most frequent: room, no weights, no key, nobody waiting.
    if (
      this.#queued < this.options.capacity &&
      this.#weights === undefined &&
      this.#keys === undefined &&
      this.#waiting === 0 &&
      !this.#closed
    ) {
      this.#offered++;
      this.#push(signal, 1, 0);
      return this.#scheduler.spend() ? this.#scheduler.nextSlice() : undefined;
    }
    return this.#sendSlowly(signal, wait);
  }

  /** False when the signal would have to wait or is refused. Never throws for that. */
  trySend(signal: unknown): boolean {
    const parcel = this.#weigh(signal);
    this.#scheduler.spend();
    this.#offered += parcel.count;
    if (this.#closed) {
      this.#refused += parcel.count;
      return false;
    }
    const admission = this.#admission(parcel);
    if (admission === 'wait' || admission === 'refuse') {
      this.#refused += parcel.count;
      this.#noteOverflow();
      return false;
    }
    this.#carryOut(admission, parcel);
    return true;
  }

  /** Takes the oldest signal; ask `empty` first. It is in flight until `done` or `lost`. */
  take(): unknown {
    const signal = this.#ring.shift();
    if (this.#weights === undefined) {
      this.#queued--;
      this.#inFlight = 1;
    } else {
      const count = this.#weights.shift() ?? 1;
      const bytes = this.#weights.shift() ?? 0;
      this.#queued -= count;
      this.#bytes -= bytes;
      this.#inFlight = count;
      this.#inFlightBytes = bytes;
    }
    if (this.#keys !== undefined) this.#forgetKey(signal);
    this.#taken++;
    if (this.#overflowing && this.#halfEmpty()) this.#recover();
    return signal;
  }

  /** The signal in flight was handled. */
  done(): void {
    this.#handled += this.#inFlight;
    this.#inFlight = 0;
    this.#inFlightBytes = 0;
  }

  /** The signal in flight was not handled. */
  lost(signal: unknown, reason: string): void {
    this.#deadLettered += this.#inFlight;
    this.#inFlight = 0;
    this.#inFlightBytes = 0;
    this.owner.signalLost(this, signal, reason);
  }

  /** Accepts nothing more; senders that wait get their signals back. What is queued stays. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const senders = this.#senders;
    for (let waiter = senders?.first; waiter !== undefined; waiter = senders?.first) {
      const { signal, count } = waiter.item as Parcel;
      this.#waiting -= count;
      this.#refused += count;
      waiter.fail(new EdgeClosedError(this.owner.path, signal));
    }
  }

  /** What is queued will not be handled: each signal is a dead letter. */
  discard(reason: string): void {
    while (this.#ring.length > 0) {
      const signal = this.take();
      this.lost(signal, reason);
    }
  }

  describeWait(waiter: Waiter): string {
    const { count } = waiter.item as Parcel;
    const place = count === 1 ? 'a place' : `${count} places`;
    return this.direction === 'down'
      ? `${place} in the inbox of ${this.owner.path}`
      : `${place} in the outbox of ${this.owner.path}`;
  }

  waitCancelled(waiter: Waiter): void {
    const { count } = waiter.item as Parcel;
    this.#waiting -= count;
    this.#cancelled += count;
    // The one that left may have been too large for the room that those behind it fit in.
    this.#admitWaiting();
  }

  snapshot(): LaneSnapshot {
    return {
      capacity: this.options.capacity,
      bytes: this.#bytes + this.#inFlightBytes,
      highWater: this.#highWater,
      highWaterBytes: this.#highWaterBytes,
      offered: this.#offered,
      accepted: this.#accepted,
      refused: this.#refused,
      cancelled: this.#cancelled,
      waiting: this.#waiting,
      handled: this.#handled,
      dropped: this.#dropped,
      queued: this.#queued,
      inFlight: this.#inFlight,
      deadLettered: this.#deadLettered,
    };
  }

  #sendSlowly(signal: unknown, wait: Wait): Promise<void> | undefined {
    let parcel: Parcel;
    try {
      parcel = this.#weigh(signal);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#offered += parcel.count;
    if (this.#closed) {
      this.#refused += parcel.count;
      return rejected(new EdgeClosedError(this.owner.path, signal));
    }
    const spent = this.#scheduler.spend();
    const admission = this.#admission(parcel);
    if (admission === 'refuse') {
      this.#refused += parcel.count;
      this.#noteOverflow();
      return Promise.reject(new LaneFullError(this.owner.path, signal));
    }
    if (admission !== 'wait') {
      this.#carryOut(admission, parcel);
      return spent ? this.#scheduler.nextSlice() : undefined;
    }
    const scope = wait.cancelScope;
    const refusal = scope?.refusal;
    if (refusal !== undefined) {
      this.#cancelled += parcel.count;
      return rejected(refusal);
    }
    this.#noteOverflow();
    this.#waiting += parcel.count;
    this.#senders ??= new WaitQueue();
    return this.#senders.park(this, { scope, item: parcel, by: wait }) as Promise<void>;
  }

  #weigh(signal: unknown): Parcel {
    const { countOf, sizeOf } = this.options;
    const count = countOf === undefined ? 1 : countOf(signal as never);
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new InvalidOptionError('countOf(signal)', count, 'a whole number of at least 1');
    }
    const bytes = sizeOf === undefined ? 0 : sizeOf(signal as never);
    if (!Number.isSafeInteger(bytes) || bytes < 0) {
      throw new InvalidOptionError('sizeOf(signal)', bytes, 'a whole number of at least 0');
    }
    return { signal, count, bytes };
  }

  #fits(parcel: Parcel): boolean {
    if (this.#queued === 0) return true;
    return this.#queued + parcel.count <= this.options.capacity && this.#bytes + parcel.bytes <= this.options.maxBytes;
  }

  #admission(parcel: Parcel): ReturnType<typeof admit> {
    return admit(this.options.policy, {
      fits: this.#fits(parcel),
      senderWaits: this.#waiting > 0,
      keyQueued: this.#keys !== undefined && this.#fitsInPlace(parcel),
    });
  }

  #carryOut(admission: 'accept' | 'replace' | 'drop-oldest' | 'drop-newest', parcel: Parcel): void {
    if (admission === 'replace') this.#replace(parcel);
    else if (admission === 'drop-newest') {
      this.#noteOverflow();
      this.#accepted += parcel.count;
      this.#dropped += parcel.count;
      this.owner.signalLost(this, parcel.signal, 'dropped: the lane was full (drop-newest)');
    } else {
      while (!this.#fits(parcel)) {
        this.#noteOverflow();
        this.#dropOldest();
      }
      this.#push(parcel.signal, parcel.count, parcel.bytes);
    }
  }

  #push(signal: unknown, count: number, bytes: number): void {
    this.#accepted += count;
    if (this.#keys !== undefined)
      this.#keys.set(this.options.keyOf?.(signal as never), this.#taken + this.#ring.length);
    this.#ring.push(signal);
    this.#queued += count;
    if (this.#weights !== undefined) {
      this.#weights.push(count);
      this.#weights.push(bytes);
      this.#bytes += bytes;
      if (this.#bytes > this.#highWaterBytes) this.#highWaterBytes = this.#bytes;
    }
    if (this.#queued > this.#highWater) this.#highWater = this.#queued;
    if (!this.ready) this.#receiver.laneReady(this);
  }

  #dropOldest(): void {
    const inFlight = this.#inFlight;
    const inFlightBytes = this.#inFlightBytes;
    const signal = this.take();
    this.#dropped += this.#inFlight;
    this.#inFlight = inFlight;
    this.#inFlightBytes = inFlightBytes;
    this.owner.signalLost(this, signal, 'dropped: the lane was full (drop-oldest)');
  }

  /** Where a queued signal with this key stands, counted from the oldest. */
  #placeOf(signal: unknown): number {
    const position = this.#keys?.get(this.options.keyOf?.(signal as never));
    return position === undefined ? -1 : position - this.#taken;
  }

  #fitsInPlace(parcel: Parcel): boolean {
    const place = this.#placeOf(parcel.signal);
    if (place < 0) return false;
    if (this.#weights === undefined || this.#ring.length === 1) return true;
    const count = this.#weights.at(place * 2) ?? 1;
    const bytes = this.#weights.at(place * 2 + 1) ?? 0;
    const { capacity, maxBytes } = this.options;
    return this.#queued - count + parcel.count <= capacity && this.#bytes - bytes + parcel.bytes <= maxBytes;
  }

  #replace(parcel: Parcel): void {
    const place = this.#placeOf(parcel.signal);
    const old = this.#ring.at(place);
    const count = this.#weights?.at(place * 2) ?? 1;
    const bytes = this.#weights?.at(place * 2 + 1) ?? 0;
    this.#ring.replace(place, parcel.signal);
    this.#weights?.replace(place * 2, parcel.count);
    this.#weights?.replace(place * 2 + 1, parcel.bytes);
    this.#accepted += parcel.count;
    this.#dropped += count;
    this.#queued += parcel.count - count;
    this.#bytes += parcel.bytes - bytes;
    if (this.#queued > this.#highWater) this.#highWater = this.#queued;
    if (this.#bytes > this.#highWaterBytes) this.#highWaterBytes = this.#bytes;
    this.owner.signalLost(this, old, 'dropped: a later signal with the same key took its place (latest)');
  }

  #forgetKey(signal: unknown): void {
    const key = this.options.keyOf?.(signal as never);
    if (this.#keys?.get(key) === this.#taken) this.#keys.delete(key);
  }

  #halfEmpty(): boolean {
    return this.#queued <= this.options.capacity >> 1 && this.#bytes <= this.options.maxBytes / 2;
  }

  #noteOverflow(): void {
    if (this.#overflowing) return;
    this.#overflowing = true;
    this.owner.laneOverflowed(this);
  }

  #recover(): void {
    this.#overflowing = false;
    this.#admitWaiting();
  }

  #admitWaiting(): void {
    const senders = this.#senders;
    for (let waiter = senders?.first; waiter !== undefined; waiter = senders?.first) {
      const parcel = waiter.item as Parcel;
      const inPlace = this.#keys !== undefined && this.#fitsInPlace(parcel);
      if (!inPlace && !this.#fits(parcel)) {
        this.#overflowing = true;
        return;
      }
      this.#waiting -= parcel.count;
      if (inPlace) this.#replace(parcel);
      else this.#push(parcel.signal, parcel.count, parcel.bytes);
      waiter.wake();
    }
  }
}
