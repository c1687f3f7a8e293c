/**
 * One websocket destination as a thread: keeps a connection open, sends what its parent sends, and keeps what is unconfirmed,
 * so that a broken connection loses nothing (`delivery-window`: at least once, in order). A pong is the confirmation,
 * because bytes in socket buffers vanish with a connection.
 *
 *     parent ──► signalHandler ──► window ──► socket        one ping is on its way at a time: its pong confirms all before
 *                    waits while disconnected or full       it, and if more was sent meanwhile the next one follows
 */
import { knownFields, milliseconds } from '../kernel/check.ts';
import { counted, messageOf } from '../kernel/describe.ts';
import { CancelledError, TimeoutError } from '../kernel/errors.ts';
import { AddressError } from '../kernel/io-errors.ts';
import { type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import type { ThreadOptions } from '../taskthread/spec.ts';
import type { TaskAnswer, TaskTurn } from '../taskthread/task-turn.ts';
import { TaskThread } from '../taskthread/taskthread.ts';
import type { Turn } from '../taskthread/turn.ts';
import { Backoff, type BackoffOptions } from '../taskthread/backoff.ts';
import { DeliveryWindow, type DeliveryWindowSnapshot } from './delivery-window.ts';
import { type FrameBatch, frameLane } from './frame-batch.ts';
import {
  openWebSocket,
  printableURL,
  resolveTLS,
  type WebSocketConnection,
  type WebSocketTLSOptions,
  websocketURL,
} from './websocket.ts';

export interface WebSocketSubOptions {
  /** `ws://…` or `wss://…`. */
  readonly url: string;
  /**
   * Of a `wss://` destination: whom to trust, and who we are. Default: the authorities that Node trusts, to which
   * `NODE_EXTRA_CA_CERTS` adds for the whole process.
   */
  readonly tls?: WebSocketTLSOptions | undefined;
  /** What may be sent and unconfirmed: 4 MiB of retained memory, 65,536 frames. */
  readonly window?: { readonly maxBytes?: number; readonly maxMessages?: number };
  /** Between tries to connect: 100 ms to 30 s, doubling, with jitter. */
  readonly backoff?: BackoffOptions;
  /** How long a connection may take to open. Default 10 s. */
  readonly connectTimeoutMs?: number;
  /** A connection on which a ping is not answered for so long is given up. Default 30 s. */
  readonly pongTimeoutMs?: number;
}

const OPTION_NAMES = ['url', 'tls', 'window', 'backoff', 'connectTimeoutMs', 'pongTimeoutMs'];

/** Repeats after a reconnect are written as long as fewer bytes wait for the system to take them. */
const REPEAT_BUFFER_BYTES = 1024 * 1024;

/**
 * Sends frames to a websocket server, one binary message each, over as many connections as it takes.
 *
 * Guarantees: frames arrive in order and at least once; what was sent and not confirmed is sent again after a reconnect and
 * counted as repeated; memory is bounded, because a destination that is down or slow makes whoever sends to it wait. When the
 * thread stops, all confirmations and the close handshake are awaited within the budget; what is unconfirmed then is told by
 * `unconfirmed`, once: it may have arrived. So each batch that the books count as handled is told by `confirmed` or by that.
 */
export class WebSocketSubThread extends TaskThread<FrameBatch, never, never> implements WaitOwner {
  readonly url: string;
  readonly #tls: WebSocketTLSOptions | undefined;
  readonly #window: DeliveryWindow<FrameBatch>;
  readonly #backoff: Backoff;
  readonly #connectTimeoutMs: number;
  readonly #pongTimeoutMs: number;
  /** Whoever waits for a change: a connection, a confirmation, a close. */
  readonly #waiting = new WaitQueue();
  #connection: WebSocketConnection | undefined;
  #repeating = false;
  #pingSentAt: number | undefined;
  #why = '';

  constructor(options: WebSocketSubOptions, threadOptions: ThreadOptions<FrameBatch, never> = {}) {
    super({ inbox: frameLane, ...threadOptions });
    knownFields('options', options, OPTION_NAMES);
    this.url = websocketURL('options.url', options.url);
    this.#tls = resolveTLS(this.url, options.tls);
    this.#window = new DeliveryWindow({ ...options.window, onConfirmed: (batch) => this.confirmed(batch) });
    this.#backoff = new Backoff(options.backoff);
    this.#connectTimeoutMs = milliseconds('options.connectTimeoutMs', options.connectTimeoutMs ?? 10_000);
    this.#pongTimeoutMs = milliseconds('options.pongTimeoutMs', options.pongTimeoutMs ?? 30_000);
  }

  /** How much was sent, confirmed, repeated, and is unconfirmed. */
  delivery(): DeliveryWindowSnapshot {
    return this.#window.snapshot();
  }

  get connected(): boolean {
    return this.#connection !== undefined;
  }

  describeWait(): string {
    if (this.#connection === undefined) return `a connection to ${printableURL(this.url)}`;
    return `${printableURL(this.url)} to confirm ${counted(this.#window.unconfirmedMessages, 'frame')}`;
  }

  waitCancelled(): void {}

  /** A batch has arrived. Releases its share of the budget; extend it to do more. */
  protected confirmed(batch: FrameBatch): void {
    batch.held?.release();
  }

  /** The thread ends, and these were sent and never confirmed. Releases their shares of the budget; extend it to do more. */
  protected unconfirmed(batches: readonly FrameBatch[]): void {
    for (const batch of batches) batch.held?.release();
  }

  /** A connection is open, and the repeats are sent. */
  protected opened(): void {}

  /** The destination refused or the connection broke; it is tried again in so many milliseconds. */
  protected broken(_why: string, _retryMs: number): void {}

  protected override enter(_turn: Turn): void {
    this.tasks.reCreate('connection', this.#stayConnected);
  }

  protected override signalHandler(batch: FrameBatch, turn: Turn): unknown {
    const connection = this.#ready;
    return connection === undefined ? this.#sendWhenReady(batch, turn) : this.#send(batch, connection);
  }

  protected override async exit(turn: Turn): Promise<void> {
    try {
      for (let tries = 0; this.#window.unconfirmedMessages > 0; ) {
        if (this.#connection !== undefined) await this.#change(turn);
        else {
          if (tries++ > 0) await this.#waitToRetry(turn);
          await this.#connect(turn);
        }
      }
      this.#connection?.end();
      await this.#connection?.waitClosed({ scope: turn });
    } catch (error) {
      // The budget is over.
      if (!(error instanceof CancelledError)) throw error;
    } finally {
      this.#connection?.close();
      if (this.#window.unconfirmedMessages > 0) this.unconfirmed(this.#window.unconfirmed());
    }
  }

  /** The connection, if a new batch may be sent over it now. */
  get #ready(): WebSocketConnection | undefined {
    return this.#repeating || this.#window.isFull ? undefined : this.#connection;
  }

  #send(batch: FrameBatch, connection: WebSocketConnection): undefined {
    this.#window.sent(batch, batch.frames.length, batch.retainedBytes);
    connection.sendFrames(batch.frames, this.#nextPing());
  }

  async #sendWhenReady(batch: FrameBatch, turn: Turn): Promise<void> {
    let connection = this.#ready;
    for (; connection === undefined; connection = this.#ready) await this.#change(turn);
    this.#send(batch, connection);
  }

  /** One turn is the life of one connection. */
  readonly #stayConnected = async (turn: TaskTurn): Promise<TaskAnswer> => {
    if (await this.#connect(turn)) {
      const openedAt = this.clock.now();
      await this.#watch(this.#connection, turn);
      this.#backoff.ended(this.clock.now() - openedAt);
    }
    const retryMs = this.#retryMs();
    this.broken(this.#why, retryMs);
    return turn.reSchedule({ afterMs: retryMs });
  };

  /** Opens a connection and repeats over it what is unconfirmed. False when it could not be opened. */
  async #connect(turn: Turn): Promise<boolean> {
    let connection: WebSocketConnection;
    try {
      connection = await turn.timeoutAfter(this.#connectTimeoutMs, (limited) =>
        openWebSocket(this.url, { scope: limited, tls: this.#tls }),
      );
    } catch (error) {
      if (!(error instanceof AddressError || error instanceof TimeoutError)) throw error;
      this.#why = messageOf(error);
      return false;
    }
    connection.listener = { pong: (payload) => this.#ponged(payload), closed: (why) => this.#closed(why) };
    this.#connection = connection;
    await this.#repeat(connection, turn);
    if (this.connected) this.opened();
    return true;
  }

  async #repeat(connection: WebSocketConnection, turn: Turn): Promise<void> {
    this.#window.reconnected();
    this.#repeating = true;
    try {
      while (!connection.closed) {
        const batch = this.#window.repeat();
        if (batch === undefined) break;
        connection.sendFrames(batch.frames, this.#nextPing());
        await this.#drained(connection, turn);
      }
    } finally {
      this.#repeating = false;
      this.#waiting.wakeAll();
    }
  }

  /** Gives the connection up when nothing of what is repeated is taken for as long as a pong may take. */
  async #drained(connection: WebSocketConnection, turn: Turn): Promise<void> {
    for (let before = Number.POSITIVE_INFINITY; connection.bufferedBytes < before; ) {
      before = connection.bufferedBytes;
      const limits = { scope: turn, ms: this.#pongTimeoutMs };
      if (await endsInTime(limits, (scope) => connection.drained(REPEAT_BUFFER_BYTES, { scope }))) return;
    }
    await giveUp(connection, `nothing taken for ${this.#pongTimeoutMs} ms`, turn);
  }

  /** Returns when the connection is closed; gives it up itself when it does not answer any more. */
  async #watch(connection: WebSocketConnection | undefined, turn: Turn): Promise<void> {
    while (connection !== undefined && !connection.closed) {
      const sentAt = this.#pingSentAt;
      const leftMs = sentAt === undefined ? this.#pongTimeoutMs : sentAt + this.#pongTimeoutMs - this.clock.now();
      if (leftMs <= 0) await giveUp(connection, `no pong for ${this.#pongTimeoutMs} ms`, turn);
      else if (!(await endsInTime({ scope: turn, ms: leftMs }, (scope) => connection.waitClosed({ scope })))) {
        if (this.#pingSentAt === undefined) this.#ping(connection);
      }
    }
  }

  #ponged(payload: string): void {
    this.#pingSentAt = undefined;
    this.#window.confirm(Number(payload));
    if (this.#window.wantsMark && this.#connection !== undefined) this.#ping(this.#connection);
    this.#waiting.wakeAll();
  }

  #closed(why: string): void {
    this.#why = why;
    this.#connection = undefined;
    this.#pingSentAt = undefined;
    this.#waiting.wakeAll();
  }

  #ping(connection: WebSocketConnection): void {
    const payload = this.#nextPing();
    if (payload !== undefined) connection.ping(payload);
  }

  #nextPing(): string | undefined {
    if (this.#pingSentAt !== undefined) return undefined;
    this.#pingSentAt = this.clock.now();
    return String(this.#window.mark());
  }

  async #waitToRetry(turn: Turn): Promise<void> {
    const retryMs = this.#retryMs();
    this.broken(this.#why, retryMs);
    await turn.sleep(retryMs);
  }

  #retryMs(): number {
    return this.#backoff.next(this.random());
  }

  async #change(turn: Turn): Promise<void> {
    await this.#waiting.park(this, { scope: turn.cancelScope, by: turn });
  }
}

async function giveUp(connection: WebSocketConnection, why: string, turn: Turn): Promise<void> {
  connection.close(why);
  await connection.waitClosed({ scope: turn });
}

/** False when the wait was not over in time; it is cancelled then. */
async function endsInTime(
  { scope, ms }: { readonly scope: Turn; readonly ms: number },
  wait: (limited: Turn) => Promise<void>,
): Promise<boolean> {
  try {
    await scope.timeoutAfter(ms, wait);
    return true;
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    return false;
  }
}
