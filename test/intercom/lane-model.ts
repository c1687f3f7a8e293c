import type { OverflowPolicy } from '../../src/intercom/overflow.ts';

/** What the model knows of one send. */
export interface Sent {
  readonly id: number;
  readonly count: number;
  readonly bytes: number;
  readonly key: number;
  /** What became of the call: `waiting` until it is decided. */
  fate: 'waiting' | 'accepted' | 'refused' | 'cancelled' | 'closed';
}

export interface ModelOptions {
  readonly policy: OverflowPolicy;
  readonly capacity: number;
  readonly maxBytes: number;
}

const total = (sends: readonly Sent[], what: 'count' | 'bytes'): number =>
  sends.reduce((sum, send) => sum + send[what], 0);

/** A lane as one would write it with plain arrays and no thought of speed. */
export class LaneModel {
  queue: Sent[] = [];
  senders: Sent[] = [];
  inFlight: Sent | undefined;
  closed = false;
  books = { offered: 0, accepted: 0, refused: 0, cancelled: 0, handled: 0, dropped: 0, deadLettered: 0 };
  #full = false;
  readonly #options: ModelOptions;

  constructor(options: ModelOptions) {
    this.#options = options;
  }

  offer(send: Sent, mayWait: boolean): void {
    this.books.offered += send.count;
    const { policy } = this.#options;
    if (this.closed) {
      this.#refuse(send, 'closed');
      return;
    }
    const place = this.#placeFor(send);
    if (place >= 0 && !this.senders.some(({ key }) => key === send.key)) {
      this.#replace(place, send);
      if (this.#full) this.#recover();
    } else if (this.#fits(send) && this.senders.length === 0) this.#accept(send);
    else if (policy === 'fail') this.#overflow(() => this.#refuse(send, 'refused'));
    else if (policy === 'drop-newest') {
      this.#overflow(() => {
        send.fate = 'accepted';
        this.books.accepted += send.count;
        this.books.dropped += send.count;
      });
    } else if (policy === 'drop-oldest') {
      this.#overflow(() => {
        while (!this.#fits(send)) this.books.dropped += this.queue.shift()!.count;
        this.#accept(send);
      });
    } else if (mayWait) this.#overflow(() => this.senders.push(send));
    else this.#overflow(() => this.#refuse(send, 'refused'));
  }

  take(): Sent {
    this.inFlight = this.queue.shift()!;
    if (this.#full) this.#recover();
    return this.inFlight;
  }

  settle(what: 'handled' | 'deadLettered'): void {
    this.books[what] += this.inFlight!.count;
    this.inFlight = undefined;
  }

  cancel(send: Sent): void {
    if (send.fate !== 'waiting') return;
    send.fate = 'cancelled';
    this.books.cancelled += send.count;
    this.senders = this.senders.filter((other) => other !== send);
    this.#admit();
  }

  close(): void {
    this.closed = true;
    for (const send of this.senders) this.#refuse(send, 'closed');
    this.senders = [];
  }

  discard(): void {
    for (let send = this.queue.shift(); send !== undefined; send = this.queue.shift()) {
      this.books.deadLettered += send.count;
      if (this.#full) this.#recover();
    }
  }

  get snapshot() {
    return {
      ...this.books,
      waiting: total(this.senders, 'count'),
      queued: total(this.queue, 'count'),
      inFlight: this.inFlight?.count ?? 0,
      bytes: total(this.queue, 'bytes') + (this.inFlight?.bytes ?? 0),
    };
  }

  get queuedBytes(): number {
    return total(this.queue, 'bytes');
  }

  #fits(send: Sent, beside: readonly Sent[] = this.queue): boolean {
    const { capacity, maxBytes } = this.#options;
    if (beside.length === 0) return true;
    return total(beside, 'count') + send.count <= capacity && total(beside, 'bytes') + send.bytes <= maxBytes;
  }

  #placeFor(send: Sent): number {
    if (this.#options.policy !== 'latest') return -1;
    const place = this.queue.findIndex(({ key }) => key === send.key);
    return place >= 0 &&
      this.#fits(
        send,
        this.queue.filter((_, index) => index !== place),
      )
      ? place
      : -1;
  }

  #accept(send: Sent): void {
    send.fate = 'accepted';
    this.books.accepted += send.count;
    this.queue.push(send);
  }

  #replace(place: number, send: Sent): void {
    send.fate = 'accepted';
    this.books.accepted += send.count;
    this.books.dropped += this.queue[place]!.count;
    this.queue[place] = send;
  }

  #refuse(send: Sent, fate: 'refused' | 'closed'): void {
    send.fate = fate;
    this.books.refused += send.count;
  }

  #overflow(act: () => void): void {
    this.#full = true;
    act();
  }

  #recover(): void {
    const { capacity, maxBytes } = this.#options;
    if (total(this.queue, 'count') > Math.floor(capacity / 2) || total(this.queue, 'bytes') > maxBytes / 2) return;
    this.#full = false;
    this.#admit();
  }

  #admit(): void {
    while (this.senders.length > 0) {
      const first = this.senders[0]!;
      const place = this.#placeFor(first);
      if (place < 0 && !this.#fits(first)) {
        this.#full = true;
        return;
      }
      this.senders.shift();
      if (place < 0) this.#accept(first);
      else this.#replace(place, first);
    }
  }
}
