/**
 * One budget of bytes over a whole program: all that has been received and not been delivered yet, wherever in the tree it
 * waits. Lanes bound each edge; this bounds their sum, and the partial frames that are on no edge.
 *
 * Two kinds of bytes are counted:
 * - *In motion*: chunks (and frames that were put together) on their way to their destinations. A chunk is counted once, with its
 *   whole length, as long as anyone holds a view of it: `hold(bytes)` gives a `HeldBytes` with a count of holders. It travels with
 *   the batch of frames cut from the chunk, so nothing is done per frame. They go away by themselves, when they are delivered.
 * - *Partial*: the beginnings of frames in the decoders, one `PartialAccount` per connection. They go away only when the rest
 *   of the frame is read. The decoders of `taskthread/net` copy such a beginning, so what they hold is never a chunk's. A decoder
 *   that keeps a view instead accounts for the whole chunk here; while a batch holds that chunk too it counts twice, which
 *   errs to the safe side and passes.
 *
 * So there is one way to be stuck: the budget is spent, nothing is read, and nothing is in motion that could make room. Then the
 * largest partial frame has to go, and only then: as long as something is in motion, waiting helps.
 *
 * Rules that hold: `usedBytes = inMotionBytes + partialBytes`; nothing is refused here (what has been received is there), so a
 * reader asks `isExhausted` before it reads, and the overrun is at most what the readers had asked for when it was spent;
 * giving back more than was taken throws, for books that are wrong in that direction hide a leak.
 *
 * Not here: who waits and who is woken (the callbacks are called at most once per change, synchronously).
 */
import { knownFields, wholeNumber } from '../kernel/check.ts';

export interface ByteBudgetOptions {
  /** Default 64 MiB. */
  readonly maxBytes?: number;
  /** The budget was exhausted and is not any more: wake the readers. */
  readonly onRoom?: () => void;
  /**
   * The budget is exhausted, and only partial frames hold it: refuse this one, the largest. Not called again for the same
   * account before that has let go of its bytes.
   */
  readonly onStuck?: (largest: PartialAccount) => void;
}

/** Bytes in motion with a count of holders. Made by `ByteBudget.hold` with one holder: whoever called it. */
export interface HeldBytes {
  readonly bytes: number;
  /** Counts further holders in (default 1): before handing the bytes to them, while holding them oneself. */
  retain(holders?: number): void;
  /** One holder lets go. The last one gives the bytes back to the budget. */
  release(): void;
}

/** The account of one connection for the frame that is still arriving. */
export interface PartialAccount {
  readonly name: string;
  readonly bytes: number;
  /** What the decoder retains for the unfinished frame now (the memory, not the bytes arrived); 0 when the frame is complete or given up. */
  set(bytes: number): void;
  /** The connection is gone. Idempotent; `set` throws afterwards. */
  close(): void;
}

export interface ByteBudgetSnapshot {
  readonly maxBytes: number;
  readonly usedBytes: number;
  readonly inMotionBytes: number;
  readonly partialBytes: number;
  readonly highWaterBytes: number;
  /** Chunks in motion, and accounts for partial frames: both are 0 when nothing leaks. */
  readonly held: number;
  readonly accounts: number;
}

/** A budget of bytes shared by everything that receives. */
export class ByteBudget {
  readonly maxBytes: number;
  readonly #onRoom: (() => void) | undefined;
  readonly #onStuck: ((largest: PartialAccount) => void) | undefined;
  readonly #accounts = new Set<Account>();
  #inMotion = 0;
  #partial = 0;
  #highWater = 0;
  #held = 0;
  #wasExhausted = false;
  /** Whoever was told to let go and has not yet. */
  #victim: Account | undefined;

  constructor(options: ByteBudgetOptions = {}) {
    knownFields('options', options, ['maxBytes', 'onRoom', 'onStuck']);
    this.maxBytes = wholeNumber('maxBytes', options.maxBytes ?? 64 * 1024 * 1024, 1);
    this.#onRoom = options.onRoom;
    this.#onStuck = options.onStuck;
  }

  get usedBytes(): number {
    return this.#inMotion + this.#partial;
  }

  /** Read no more sockets while this is true. */
  get isExhausted(): boolean {
    return this.#inMotion + this.#partial >= this.maxBytes;
  }

  /** Exhausted, and nothing is in motion that could make room. */
  get isStuck(): boolean {
    return this.#inMotion === 0 && this.isExhausted;
  }

  /** Counts bytes in that are no chunk with views (they have one holder). */
  take(bytes: number): void {
    this.#inMotion += bytes;
    this.#changed();
  }

  /** Counts out what `take` has counted in. */
  give(bytes: number): void {
    if (bytes > this.#inMotion) throw new Error(`${bytes} bytes given back, but only ${this.#inMotion} are in motion`);
    this.#inMotion -= bytes;
    this.#changed();
  }

  /** Counts in what one read has brought (its chunk, and frames put together from it), for the caller as the first holder. */
  hold(bytes: number): HeldBytes {
    const held = new Held(bytes, this.#letGo);
    this.#held++;
    this.take(bytes);
    return held;
  }

  /** Opens the account of a connection's decoder; `name` is for the line that says whose frame was refused. */
  partialAccount(name: string): PartialAccount {
    const account: Account = new Account(name, this.#accountChanged);
    this.#accounts.add(account);
    return account;
  }

  /** Who holds most for an unfinished frame; undefined when nobody holds anything. The first one opened wins a tie. */
  largestPartial(): PartialAccount | undefined {
    return this.#largest();
  }

  snapshot(): ByteBudgetSnapshot {
    return {
      maxBytes: this.maxBytes,
      usedBytes: this.usedBytes,
      inMotionBytes: this.#inMotion,
      partialBytes: this.#partial,
      highWaterBytes: this.#highWater,
      held: this.#held,
      accounts: this.#accounts.size,
    };
  }

  readonly #letGo = (bytes: number): void => {
    this.#held--;
    this.give(bytes);
  };

  readonly #accountChanged = (account: Account, delta: number, closed: boolean): void => {
    this.#partial += delta;
    if (closed) this.#accounts.delete(account);
    if (account === this.#victim && account.bytes === 0) this.#victim = undefined;
    this.#changed();
  };

  /** A walk over all connections, but only when the budget is spent and nothing moves. */
  #largest(): Account | undefined {
    let largest: Account | undefined;
    for (const account of this.#accounts) if (account.bytes > (largest?.bytes ?? 0)) largest = account;
    return largest;
  }

  #changed(): void {
    const used = this.#inMotion + this.#partial;
    if (used > this.#highWater) this.#highWater = used;
    if (used < this.maxBytes) {
      if (!this.#wasExhausted) return;
      this.#wasExhausted = false;
      this.#onRoom?.();
      return;
    }
    this.#wasExhausted = true;
    if (this.#inMotion > 0 || this.#victim !== undefined || this.#onStuck === undefined) return;
    this.#victim = this.#largest();
    if (this.#victim !== undefined) this.#onStuck(this.#victim);
  }
}

class Held implements HeldBytes {
  readonly bytes: number;
  readonly #letGo: (bytes: number) => void;
  #holders = 1;

  constructor(bytes: number, letGo: (bytes: number) => void) {
    this.bytes = bytes;
    this.#letGo = letGo;
  }

  retain(holders: number = 1): void {
    if (this.#holders === 0)
      throw new Error('retained after the last holder had let go: the bytes are not counted any more');
    this.#holders += holders;
  }

  release(): void {
    if (this.#holders === 0) throw new Error('released more often than retained');
    if (--this.#holders === 0) this.#letGo(this.bytes);
  }
}

class Account implements PartialAccount {
  readonly name: string;
  readonly #changed: (account: Account, delta: number, closed: boolean) => void;
  #bytes = 0;
  #closed = false;

  constructor(name: string, changed: (account: Account, delta: number, closed: boolean) => void) {
    this.name = name;
    this.#changed = changed;
  }

  get bytes(): number {
    return this.#bytes;
  }

  set(bytes: number): void {
    if (this.#closed) throw new Error(`the account of ${this.name} is closed`);
    const delta = bytes - this.#bytes;
    if (delta === 0) return;
    this.#bytes = bytes;
    this.#changed(this, delta, false);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const delta = -this.#bytes;
    this.#bytes = 0;
    this.#changed(this, delta, true);
  }
}
