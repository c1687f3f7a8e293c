/**
 * What has been sent to a websocket destination and not been confirmed yet. A pong is the confirmation: it answers a ping that
 * was sent after some messages, over one ordered connection, so those have arrived. What is in the window when a connection
 * breaks is sent again over the next one: at least once, in order.
 *
 *        confirmed │ sent over this connection │ still to be repeated
 *     ─────────────┼───────────────────────────┼──────────────────────┤
 *                 head        ↑ ↑ marks       cursor                  tail
 *
 * Pure: the socket, the pings and their times are the caller's. It counts by batches (one entry each, however many messages),
 * in rings of numbers, and allocates nothing per batch once the rings have grown.
 *
 * Rules that hold: `sent = confirmed + unconfirmed`; a confirmation never reaches beyond what the *current* connection had
 * carried before its mark; nothing new is sent while something is still to be repeated.
 *
 * A view of a received chunk keeps the whole chunk in memory: let `bytes` be what the batch retains, not what it shows.
 */
import { knownFields, wholeNumber } from '../kernel/check.ts';
import { RingBuffer } from '../kernel/ring-buffer.ts';

export interface DeliveryWindowOptions<B> {
  /** The window is full from here on. Default 4 MiB. */
  readonly maxBytes?: number;
  /** The window is full from here on. Default 65,536. */
  readonly maxMessages?: number;
  /** Called for each batch when it leaves the window, in order: let go of its memory. */
  readonly onConfirmed?: (batch: B) => void;
}

export interface DeliveryWindowSnapshot {
  /** Messages sent, each counted once. */
  readonly sent: number;
  readonly confirmed: number;
  readonly unconfirmed: number;
  /** Messages sent again after a reconnect, each counted every time. */
  readonly repeats: number;
  /** Bytes that the window keeps alive. */
  readonly bytes: number;
}

/** The at-least-once window of one destination. `B` is whatever is sent in one go: a message, or a batch of them. */
export class DeliveryWindow<B> {
  readonly #maxBytes: number;
  readonly #maxMessages: number;
  readonly #onConfirmed: ((batch: B) => void) | undefined;

  readonly #batches = new RingBuffer<B>();
  readonly #messages = new RingBuffer<number>();
  readonly #retained = new RingBuffer<number>();
  /** Batches since the beginning: the number of the oldest in the window, and of the next one to be carried. */
  #head = 0;
  #cursor = 0;

  /**
   * Marks of this connection without an answer, oldest first, each beside the cursor where it was set; only those with something
   * new before them. Numbers go on over connections, so an old one is smaller than all of these and confirms nothing.
   */
  readonly #marks = new RingBuffer<number>();
  readonly #markedUpTo = new RingBuffer<number>();
  #lastMark = 0;
  /** Where the newest kept mark stands: a second mark at the same place would say nothing new. */
  #newestMarkedUpTo = 0;

  #sent = 0;
  #confirmed = 0;
  #repeats = 0;
  #bytes = 0;

  constructor(options: DeliveryWindowOptions<B> = {}) {
    knownFields('options', options, ['maxBytes', 'maxMessages', 'onConfirmed']);
    this.#maxBytes = wholeNumber('maxBytes', options.maxBytes ?? 4 * 1024 * 1024, 1);
    this.#maxMessages = wholeNumber('maxMessages', options.maxMessages ?? 65_536, 1);
    this.#onConfirmed = options.onConfirmed;
  }

  /** Ask before sending. An empty window always admits one batch, however large, so the bound is overrun by one at most. */
  get isFull(): boolean {
    return this.#bytes >= this.#maxBytes || this.#sent - this.#confirmed >= this.#maxMessages;
  }

  /** Messages sent and not confirmed. */
  get unconfirmedMessages(): number {
    return this.#sent - this.#confirmed;
  }

  /** Batches that the current connection has yet to carry again. */
  get toRepeat(): number {
    return this.#head + this.#batches.length - this.#cursor;
  }

  /** Whether a mark set now would confirm something that no earlier mark of this connection does. */
  get wantsMark(): boolean {
    return this.#cursor > Math.max(this.#head, this.#newestMarkedUpTo);
  }

  /**
   * Enters a batch that goes out over the current connection for the first time. Call it *before* the bytes are handed to the
   * socket: what breaks half-way must be in the window. Answers the number of its last message, counting from 1.
   */
  sent(batch: B, messages: number, bytes: number): number {
    if (this.toRepeat > 0) throw new Error('something is still to be repeated: a new batch would overtake it');
    this.#batches.push(batch);
    this.#messages.push(messages);
    this.#retained.push(bytes);
    this.#cursor++;
    this.#sent += messages;
    this.#bytes += bytes;
    return this.#sent;
  }

  /** A number to travel in a ping: the pong with it confirms all that the current connection has carried so far. */
  mark(): number {
    this.#lastMark++;
    if (this.wantsMark) {
      this.#marks.push(this.#lastMark);
      this.#markedUpTo.push(this.#cursor);
      this.#newestMarkedUpTo = this.#cursor;
    }
    return this.#lastMark;
  }

  /**
   * A pong came. Releases all that was sent before its mark and answers how many messages that were. A pong that is late, of an
   * earlier connection, or of nobody's ping confirms nothing.
   */
  confirm(mark: number): number {
    if (!(mark <= this.#lastMark)) return 0; // NaN too: what the peer put into its pong may be no number
    let upTo = this.#head;
    // A peer may answer only the newest of several pings, so one pong speaks for the earlier ones too.
    while (this.#marks.length > 0 && (this.#marks.at(0) as number) <= mark) {
      this.#marks.shift();
      upTo = this.#markedUpTo.shift() as number;
    }
    const before = this.#confirmed;
    while (this.#head < upTo) {
      const batch = this.#batches.shift() as B;
      this.#confirmed += this.#messages.shift() as number;
      this.#bytes -= this.#retained.shift() as number;
      this.#head++;
      this.#onConfirmed?.(batch);
    }
    return this.#confirmed - before;
  }

  /** A new connection stands: the marks of the old one are dead, and all that is unconfirmed is to be repeated first. */
  reconnected(): void {
    while (this.#marks.length > 0) {
      this.#marks.shift();
      this.#markedUpTo.shift();
    }
    this.#newestMarkedUpTo = this.#head;
    this.#cursor = this.#head;
  }

  /** The next batch to be sent again, oldest first; undefined when all have been. Hand it to the socket at once. */
  repeat(): B | undefined {
    const index = this.#cursor - this.#head;
    if (index >= this.#batches.length) return undefined;
    this.#cursor++;
    this.#repeats += this.#messages.at(index) as number;
    return this.#batches.at(index);
  }

  /** All batches in the window, oldest first. For the report at the end; re-sending goes by `repeat()`. */
  unconfirmed(): B[] {
    const batches: B[] = [];
    for (let index = 0; index < this.#batches.length; index++) batches.push(this.#batches.at(index) as B);
    return batches;
  }

  snapshot(): DeliveryWindowSnapshot {
    return {
      sent: this.#sent,
      confirmed: this.#confirmed,
      unconfirmed: this.#sent - this.#confirmed,
      repeats: this.#repeats,
      bytes: this.#bytes,
    };
  }
}
