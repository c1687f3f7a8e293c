/**
 * One TCP connection as a thread: reads when its thread has time for more, and tells how the stream ended. What the bytes mean
 * is the subclass's.
 */
import { knownFields, milliseconds, wholeNumber } from '../kernel/check.ts';
import { IntakeClosedError, InvalidOptionError, TimeoutError } from '../kernel/errors.ts';
import { SocketFailedError } from '../kernel/io-errors.ts';
import type { Socket } from '../net/socket.ts';
import type { ThreadOptions } from '../taskthread/spec.ts';
import type { TaskAnswer, TaskTurn } from '../taskthread/task-turn.ts';
import { TaskThread } from '../taskthread/taskthread.ts';
import type { Turn } from '../taskthread/turn.ts';
import { closeInOrder } from './closing-connection.ts';
import { ReadingGate } from './reading-gate.ts';

export interface TCPConnectionOptions {
  /** At most so many bytes are taken at once. Default 64 KiB. */
  readonly recvBytes?: number;
  /** Ends a connection on which nothing has come for so long. Default: never. */
  readonly idleTimeoutMs?: number | undefined;
  /** Nothing is read while this budget is spent. */
  readonly gate?: ReadingGate | undefined;
}

/**
 * When the peer has ended, what it had sent is worked off however long that takes: a destination may be down for hours, and
 * nothing that was taken is to be lost for it. A stop from above has its own, shorter budget.
 */
const PATIENT_MS = 365 * 24 * 3600 * 1000;

/** Enough for the event loop to come round to the socket. */
const LAST_LOOK_MS = 5;

/** How a stream ended: the peer ended it, the connection broke, or nothing came for too long. */
export type StreamEnd =
  | { readonly kind: 'ended' }
  | { readonly kind: 'broken'; readonly error: SocketFailedError }
  | { readonly kind: 'idle'; readonly error: TimeoutError };

/**
 * Reads a socket as an intake task and hands what comes to `received`, one packet after the other: the next one is only read
 * when `received` is done, so that TCP holds the peer back. When the stream ends, `streamEnded` is called once and the thread
 * stops.
 */
export abstract class TCPConnectionThread<in Down = never, out Up = never, in ChildUp = never> extends TaskThread<
  Down,
  Up,
  ChildUp
> {
  protected readonly socket: Socket;
  readonly #recvBytes: number;
  readonly #idleTimeoutMs: number | undefined;
  readonly #gate: ReadingGate | undefined;

  constructor(socket: Socket, options: TCPConnectionOptions = {}, threadOptions?: ThreadOptions<Down, Up>) {
    super({ stop: { drainMs: PATIENT_MS }, ...threadOptions });
    this.socket = socket;
    knownFields('options', options, ['recvBytes', 'idleTimeoutMs', 'gate']);
    const { recvBytes = 65_536, idleTimeoutMs, gate } = options;
    this.#recvBytes = wholeNumber('options.recvBytes', recvBytes, 1);
    this.#idleTimeoutMs =
      idleTimeoutMs === undefined ? undefined : milliseconds('options.idleTimeoutMs', idleTimeoutMs);
    if (gate !== undefined && !(gate instanceof ReadingGate)) {
      throw new InvalidOptionError('options.gate', gate, 'a ReadingGate');
    }
    this.#gate = gate;
  }

  /** Takes what has come. */
  protected abstract received(bytes: Buffer, turn: Turn<Up>): unknown;

  /** Nothing more will come. Not called when it is this side that stops. */
  protected streamEnded(_end: StreamEnd, _turn: Turn<Up>): unknown {
    return undefined;
  }

  protected override enter(_turn: Turn<Up>): void | Promise<void> {
    this.tasks.reCreate('read', this.#read, { intake: true });
  }

  /** What was written still goes out, as far as the peer takes it soon; then the socket is closed. */
  protected override exit(turn: Turn<Up>): Promise<void> {
    return closeInOrder(this.socket, turn);
  }

  readonly #read = (turn: TaskTurn<Up>): Promise<TaskAnswer> => {
    const gate = this.#gate;
    return gate?.budget.isExhausted ? this.#readWhenRoom(gate, turn) : this.#readNext(turn);
  };

  async #readWhenRoom(gate: ReadingGate, turn: TaskTurn<Up>): Promise<TaskAnswer> {
    await gate.room({ scope: turn });
    return this.#readNext(turn);
  }

  /** Awaits only what it must: an async call costs up to a kilobyte, and this is one for each packet. */
  async #readNext(turn: TaskTurn<Up>): Promise<TaskAnswer> {
    let bytes: Buffer;
    try {
      bytes = await this.#recv(turn);
    } catch (error) {
      return this.#end(streamEndOf(error), turn);
    }
    if (bytes.length === 0) return this.#end({ kind: 'ended' }, turn);
    const gate = this.#gate;
    if (gate?.budget.isExhausted) await this.#roomForTaken(gate, turn);
    const taken = this.received(bytes, turn);
    if (taken !== undefined) await (taken as PromiseLike<unknown>);
    return turn.reSchedule();
  }

  async #end(end: StreamEnd, turn: TaskTurn<Up>): Promise<TaskAnswer> {
    await this.streamEnded(end, turn);
    return turn.stop();
  }

  /**
   * While this one waited for its bytes, others may have spent the budget: a thousand devices that all begin at once would each
   * bring a packet more. What is taken is not lost for it: when the intake closes, it goes on without room.
   */
  async #roomForTaken(gate: ReadingGate, turn: Turn<Up>): Promise<void> {
    try {
      await gate.room({ scope: turn });
    } catch (error) {
      if (!(error instanceof IntakeClosedError)) throw error;
    }
  }

  #recv(turn: Turn<Up>): Promise<Buffer> {
    if (this.#idleTimeoutMs === undefined) return this.socket.recv(this.#recvBytes, { scope: turn });
    return this.#recvInTime(this.#idleTimeoutMs, turn);
  }

  /** What held the event loop held what came meanwhile, too: so the socket is looked at once more before its peer was silent. */
  async #recvInTime(idleTimeoutMs: number, turn: Turn<Up>): Promise<Buffer> {
    const recv = (limited: Turn<Up>): Promise<Buffer> => this.socket.recv(this.#recvBytes, { scope: limited });
    try {
      return await turn.timeoutAfter(idleTimeoutMs, recv);
    } catch (silence) {
      if (!(silence instanceof TimeoutError)) throw silence;
      try {
        return await turn.timeoutAfter(LAST_LOOK_MS, recv);
      } catch (error) {
        throw error instanceof TimeoutError ? silence : error;
      }
    }
  }
}

/** Throws what is no end of a stream. */
function streamEndOf(error: unknown): StreamEnd {
  if (error instanceof SocketFailedError) return { kind: 'broken', error };
  if (error instanceof TimeoutError) return { kind: 'idle', error };
  throw error;
}
