/**
 * One subscriber of a feed. Its inbox drops the oldest batches when the subscriber does not keep up; what was dropped is said to
 * it, in the place where it would have come, or before the close: a text message `{"event":"dropped","frames":n}`.
 */
import { TimeoutError } from '../kernel/errors.ts';
import { TaskThread } from '../taskthread/taskthread.ts';
import type { Turn } from '../taskthread/turn.ts';
import { type FrameBatch, frameLane } from './frame-batch.ts';
import type { WebSocketConnection } from './websocket.ts';

/** What may wait in the socket's own buffer, besides the inbox. */
const BUFFER_BYTES = 1024 * 1024;
/** What may wait in its inbox: who reads in bursts loses nothing as long as it keeps up on the whole. */
const QUEUE_BYTES = 1024 * 1024;
/** How long a subscriber may take for its part of the close handshake. */
const CLOSE_MS = 500;

export interface FeedSubscriberOptions {
  readonly onDropped: (frames: number) => void;
}

export class FeedSubscriberThread extends TaskThread<FrameBatch, never, never> {
  readonly #connection: WebSocketConnection;
  readonly #onDropped: (frames: number) => void;
  /** Dropped, and not yet said to the subscriber. */
  #unsaid = 0;
  #stopping = false;

  constructor(connection: WebSocketConnection, options: FeedSubscriberOptions) {
    super({ inbox: { ...frameLane, maxBytes: QUEUE_BYTES, policy: 'drop-oldest' } });
    this.#connection = connection;
    this.#onDropped = options.onDropped;
  }

  protected override enter(_turn: Turn): void {
    this.events.on('deadLetter', (signal) => this.#dropped(signal as FrameBatch));
    this.events.on('stopping', () => {
      this.#stopping = true;
      // Who does not keep up must not hold up the stop either.
      if (this.#connection.bufferedBytes > BUFFER_BYTES) this.#connection.close();
    });
    this.#connection.listener = {
      closed: () => {
        // It may be told when this thread is cancelled or has ended, and who has ended cannot be stopped.
        if (this.refusal === undefined) this.stop();
      },
    };
    // It may have left while it was waiting to be taken: then nothing more is told.
    if (this.#connection.closed) this.stop();
  }

  protected override signalHandler(batch: FrameBatch, turn: Turn): unknown {
    if (this.#connection.closed || (this.#stopping && this.#connection.bufferedBytes > BUFFER_BYTES)) {
      this.#dropped(batch);
      return undefined;
    }
    this.#sayDropped();
    this.#connection.sendFrames(batch.frames);
    if (this.#connection.bufferedBytes <= BUFFER_BYTES) return undefined;
    return this.#connection.drained(BUFFER_BYTES / 2, { scope: turn });
  }

  protected override async exit(turn: Turn): Promise<void> {
    if (!this.#connection.closed) this.#sayDropped();
    this.#connection.end();
    try {
      await turn.timeoutAfter(CLOSE_MS, (limited) => this.#connection.waitClosed({ scope: limited }));
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    } finally {
      this.#connection.close();
    }
  }

  #sayDropped(): void {
    if (this.#unsaid === 0) return;
    this.#connection.sendText(JSON.stringify({ event: 'dropped', frames: this.#unsaid }));
    this.#unsaid = 0;
  }

  #dropped(batch: FrameBatch): void {
    this.#unsaid += batch.frames.length;
    this.#onDropped(batch.frames.length);
  }
}
