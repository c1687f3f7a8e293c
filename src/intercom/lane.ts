/**
 * One direction of an edge: a bounded queue with its books. Decides nothing about policy (`overflow`) and handles nothing
 * (the receiver takes). Here is the sending half; what is in it, and what becomes of that, is in `lane-contents`.
 *
 *     send ──► [ senders wait ] ──► [ ring: oldest … newest ] ──► take ──► done | lost | back to where it was
 *
 * Rules: order is the order sent, over the line of waiting senders too. A lane that was full admits waiting senders when it
 * has fallen to half, in a batch: waking one per signal taken would cost the sender a park for every signal.
 *
 * The user's hooks (`signalLost` and `laneOverflowed` end in them) may call back into the lane: they are called last, when the
 * books are right and the step is done.
 */
import { EdgeClosedError, LaneFullError } from '../kernel/errors.ts';
import type { Party } from '../kernel/party.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import { failing, rejected } from '../kernel/wait-queue.ts';
import type { LaneSnapshot } from './books.ts';
import { LaneContents } from './lane-contents.ts';
import type { ResolvedLaneOptions } from './lane-options.ts';
import { type Admission, admit } from './overflow.ts';
import { type Parcel, parcelOf } from './parcel.ts';
import { SenderLine, type SenderLineOwner } from './sender-line.ts';
import type { Wait } from './wait.ts';

export type { LaneSnapshot } from './books.ts';
export type { Wait } from './wait.ts';

export type Direction = 'down' | 'up';

/** The runtime at the taking end. */
export interface LaneReceiver {
  /** The lane was empty and now holds something. */
  laneReady(lane: Lane): void;
  /** The execution that keeps it from taking, if that waits for something. */
  readonly loopParty?: Party | undefined;
}

/** What a lane belongs to: its edge. */
export interface LaneOwner {
  readonly scheduler: Scheduler;
  /** Names the child of the edge. */
  readonly path: string;
  /** A signal that was accepted will not be handled; it had been given to a handler `deliveries` times. */
  signalLost(lane: Lane, signal: unknown, reason: string, deliveries: number): void;
  laneOverflowed(lane: Lane): void;
}

const NONE: never[] = [];
const DROPPED_OLDEST = 'dropped: the lane was full (drop-oldest)';

export class Lane extends LaneContents implements SenderLineOwner {
  readonly owner: LaneOwner;
  readonly direction: Direction;
  /** For the receiver's list of lanes that hold something. */
  nextReady: Lane | undefined;
  ready = false;
  receiver: LaneReceiver;
  /** The tree's. */
  readonly scheduler: Scheduler;
  #senders: SenderLine | undefined;
  #closed = false;
  #offered = 0;
  #refused = 0;
  #cancelled = 0;
  #highWater = 0;
  #highWaterBytes = 0;

  constructor(owner: LaneOwner, direction: Direction, receiver: LaneReceiver, options: ResolvedLaneOptions) {
    super(options);
    this.owner = owner;
    this.direction = direction;
    this.receiver = receiver;
    this.scheduler = owner.scheduler;
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
    // The short way, for what is by far the most frequent: room, no weights, no key, nobody waiting (who waits has found it full).
    if (this.plain && this.signals.length < this.options.capacity && !this.overflowing && !this.#closed) {
      this.#offered++;
      this.accepted++;
      this.signals.push(signal);
      if (this.signals.length > this.#highWater) this.#highWater = this.signals.length;
      if (!this.ready) this.receiver.laneReady(this);
      return this.scheduler.spend() ? this.scheduler.nextSlice() : undefined;
    }
    return this.#sendSlowly(signal, wait);
  }

  /** False when the signal would have to wait or is refused. Throws only what `sizeOf`, `countOf` or `keyOf` do. */
  trySend(signal: unknown): boolean {
    const parcel = parcelOf(signal, this.options);
    this.scheduler.spend();
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

  override putBack(signal: unknown): void {
    super.putBack(signal);
    if (!this.ready) this.receiver.laneReady(this);
  }

  /** Not while one that was put back holds it over its bound. */
  get canRepeatOldest(): boolean {
    return this.queue.oldestFitsLast;
  }

  /**
   * What brings the signals brings the oldest one again, behind all that is queued: offered and accepted once more. To be followed
   * by `take` at once, because until then the lane may be one over its bound.
   */
  repeatOldest(): void {
    const { oldest } = this.queue;
    this.#offered += oldest.count;
    this.accepted += oldest.count;
    this.queue.push(oldest);
  }

  /** Another one takes from now on; what is queued is ready for it. */
  handTo(receiver: LaneReceiver): void {
    this.receiver = receiver;
    this.#closed = false;
    this.ready = false;
    this.nextReady = undefined;
    if (!this.empty) receiver.laneReady(this);
  }

  /** Accepts nothing more; senders that wait get their signals back. What is queued stays. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#refused += this.#senders?.refuseAll() ?? 0;
  }

  senderLeft({ count }: Parcel, how: 'cancelled' | 'refused'): void {
    if (how === 'cancelled') this.#cancelled += count;
    else this.#refused += count;
    // The one that left may have been too large for the room that those behind it fit in.
    this.admitWaiting();
  }

  fits(parcel: Parcel): boolean {
    return this.queue.fits(parcel);
  }

  /** True if such a signal is queued, or waits for a place. */
  holds(test: (signal: unknown) => boolean): boolean {
    return this.queue.some(test) || this.#senders?.some(test) === true;
  }

  snapshot(): LaneSnapshot {
    return {
      capacity: this.options.capacity,
      bytes: this.bytes,
      highWater: this.#highWater,
      highWaterBytes: this.#highWaterBytes,
      offered: this.#offered,
      accepted: this.accepted,
      refused: this.#refused,
      cancelled: this.#cancelled,
      waiting: this.#senders?.count ?? 0,
      handled: this.handled,
      dropped: this.dropped,
      queued: this.queue.count,
      inFlight: this.inFlight,
      deadLettered: this.deadLettered,
    };
  }

  protected override signalLost(signal: unknown, reason: string, deliveries = 0): void {
    this.owner.signalLost(this, signal, reason, deliveries);
  }

  #sendSlowly(signal: unknown, wait: Wait): Promise<void> | undefined {
    let parcel: Parcel;
    try {
      parcel = parcelOf(signal, this.options);
    } catch (error) {
      return failing(error, this.scheduler);
    }
    this.#offered += parcel.count;
    if (this.#closed) {
      this.#refused += parcel.count;
      return rejected(new EdgeClosedError(this.owner.path, signal), this.scheduler);
    }
    const admission = this.#admission(parcel);
    if (admission === 'refuse') {
      this.#refused += parcel.count;
      this.#noteOverflow();
      return failing(new LaneFullError(this.owner.path, signal), this.scheduler);
    }
    if (admission === 'wait') return this.#waitInLine(parcel, wait);
    const spent = this.scheduler.spend();
    this.#carryOut(admission, parcel);
    return spent ? this.scheduler.nextSlice() : undefined;
  }

  #waitInLine(parcel: Parcel, wait: Wait): Promise<void> {
    const refusal = wait.cancelScope?.refusal;
    if (refusal !== undefined) {
      this.#cancelled += parcel.count;
      return rejected(refusal, this.scheduler);
    }
    this.scheduler.spend();
    this.#senders ??= new SenderLine(this, this.options.policy === 'latest');
    const sent = this.#senders.park(parcel, wait);
    this.#noteOverflow();
    return sent as Promise<void>;
  }

  #senderWaits(): boolean {
    return this.#senders !== undefined && this.#senders.count > 0;
  }

  #admission(parcel: Parcel): Admission {
    // What waits with the same key was sent before: replacing past it would let it overwrite the newer one later.
    const mayReplace = this.options.policy === 'latest' && this.#senders?.hasKey(parcel.key) !== true;
    return admit(this.options.policy, {
      fits: this.queue.fits(parcel),
      senderWaits: this.#senderWaits(),
      keyQueued: mayReplace && this.queue.placeFor(parcel) !== undefined,
    });
  }

  /** The parcel is offered already. */
  #carryOut(admission: 'accept' | 'replace' | 'drop-oldest' | 'drop-newest', parcel: Parcel): void {
    if (admission === 'accept') this.#accept(parcel);
    else if (admission === 'drop-oldest') this.#makeRoom(parcel);
    else if (admission === 'drop-newest') {
      this.accepted += parcel.count;
      this.dropped += parcel.count;
      this.#noteOverflow();
      this.signalLost(parcel.signal, 'dropped: the lane was full (drop-newest)');
    } else {
      this.#replace(parcel, this.queue.placeFor(parcel) ?? 0);
      // It may be smaller than the one that it replaced.
      if (this.overflowing) this.recover();
    }
  }

  #accept(parcel: Parcel): void {
    this.accepted += parcel.count;
    this.queue.push(parcel);
    this.#noteHighWater();
    if (!this.ready) this.receiver.laneReady(this);
  }

  #makeRoom(parcel: Parcel): void {
    const deliveries = this.forgetOldest();
    const oldest = this.dropOldest();
    const more: unknown[] = this.queue.fits(parcel) ? NONE : [];
    while (!this.queue.fits(parcel)) more.push(this.dropOldest());
    this.#accept(parcel);
    this.#noteOverflow();
    this.signalLost(oldest, DROPPED_OLDEST, deliveries);
    for (const signal of more) this.signalLost(signal, DROPPED_OLDEST);
  }

  #replace(parcel: Parcel, place: number): void {
    const deliveries = place === 0 ? this.forgetOldest() : 0;
    this.accepted += parcel.count;
    this.dropped += this.queue.countAt(place);
    const old = this.queue.replace(place, parcel);
    this.#noteHighWater();
    this.signalLost(old, 'dropped: a later signal with the same key took its place (latest)', deliveries);
  }

  #noteHighWater(): void {
    if (this.queue.count > this.#highWater) this.#highWater = this.queue.count;
    if (this.queue.bytes > this.#highWaterBytes) this.#highWaterBytes = this.queue.bytes;
  }

  #noteOverflow(): void {
    if (this.overflowing) return;
    this.overflowing = true;
    this.owner.laneOverflowed(this);
  }

  /** An episode of fullness is over when the lane is half empty. */
  protected override recover(): void {
    if (!this.queue.halfEmpty) return;
    this.overflowing = false;
    this.admitWaiting();
  }

  /** Lets in who fits, in the order of the line; true if anybody does. */
  admitWaiting(): boolean {
    let admitted = false;
    for (let waiter = this.#senders?.first; waiter !== undefined; waiter = this.#senders?.first) {
      const parcel = waiter.item as Parcel;
      const place = this.queue.placeFor(parcel);
      if (place === undefined && !this.queue.fits(parcel)) {
        this.overflowing = true;
        return admitted;
      }
      admitted = true;
      this.#senders?.forget(parcel);
      waiter.wake();
      if (place === undefined) this.#accept(parcel);
      else this.#replace(parcel, place);
    }
    return admitted;
  }
}
