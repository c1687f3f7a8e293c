/**
 * A TCP server from a function: each connection is a child thread that runs it. The server itself is a `TCPServerThread`.
 */
import { runInScope } from '../kernel/ambient.ts';
import { functionOf, optionalFunction, trueOrFalse } from '../kernel/check.ts';
import { SocketFailedError } from '../kernel/io-errors.ts';
import type { Socket } from '../net/socket.ts';
import type { AnyChild } from '../taskthread/child.ts';
import type { Outcome } from '../taskthread/lifecycle.ts';
import type { TaskTurn } from '../taskthread/task-turn.ts';
import { TaskThread } from '../taskthread/taskthread.ts';
import type { Turn } from '../taskthread/turn.ts';
import { closeInOrder } from './closing-connection.ts';
import { type TCPServerOptions, TCPServerThread } from './tcp-server-thread.ts';

/**
 * Serves one connection. When it returns, what it has written goes out, the connection is ended, and its thread ends.
 *
 * The scope of its thread is around it, as around a spawned function: `sleep(100)`, `spawn(…)`, `socket.recv()`. Where that is left out
 * (`scopeAround: false`) it says its turn: `socket.recv(1000, { scope: turn })`.
 */
export type ConnectionHandler<Up = never> = (socket: Socket, turn: TaskTurn<Up>) => unknown;

/** Makes the thread of one connection, where a function is not enough. The socket is closed when that thread has ended. */
export interface ConnectionFactory<Up = never> {
  readonly thread: (socket: Socket) => TaskThread<never, Up, never>;
}

export interface ServeTCPOptions extends TCPServerOptions {
  /** The port is taken, and connections can be made. */
  readonly onListening?: (port: number) => void;
  /** A connection was turned away because there were `maxClients` others. It is closed next. */
  readonly onRefused?: (socket: Socket) => void;
  /**
   * The scope of its thread is around the handler: true. It makes every await of the process dearer on Node 20 and 22; a handler that
   * says its turn everywhere can do without.
   */
  readonly scopeAround?: boolean;
  /** The thread of a connection has failed: that connection is closed, the others and the server go on. */
  readonly onFailure?: (error: unknown) => void;
}

/**
 * Makes the thread of a server, to be started or added: `runMain(() => serveTCP(async (socket, turn) => { … }, { port: 5003 }))`.
 *
 * Each connection is a child of it, with its own place in the tree and in the snapshot, and runs `handler` once. A peer that goes away, which ends the handler's waits with `TT_SOCKET_FAILED`, is the end of
 * that connection and no failure.
 *
 * A stop is graceful: no connection is taken any more; a handler that waits for its peer gets `IntakeClosedError` and ends by
 * it, one that sends finishes its send; all connections end together. Errors: `TT_INVALID_OPTION`; `TT_ADDRESS` when it is
 * started. Source: thredo's `ThredoMixIn` over Python's `socketserver`.
 */
export function serveTCP<Up = never>(
  handler: ConnectionHandler<Up> | ConnectionFactory<Up>,
  options: ServeTCPOptions,
): TCPServerThread<Up> {
  if (typeof handler === 'object' && handler !== null) {
    return new ServeThread(functionOf('handler.thread', handler.thread), options);
  }
  functionOf('handler', handler);
  const around = trueOrFalse('options.scopeAround', options.scopeAround ?? true);
  return new ServeThread((socket) => new HandlerThread(socket, handler, around), options);
}

class ServeThread<Up> extends TCPServerThread<Up> {
  readonly #make: ConnectionFactory<Up>['thread'];
  readonly #options: ServeTCPOptions;

  constructor(make: ConnectionFactory<Up>['thread'], options: ServeTCPOptions) {
    const { onListening, onRefused, onFailure, scopeAround: _around, ...serverOptions } = options;
    optionalFunction('options.onListening', onListening);
    optionalFunction('options.onRefused', onRefused);
    optionalFunction('options.onFailure', onFailure);
    super(serverOptions, { name: 'TCPServer' });
    this.#make = make;
    this.#options = options;
  }

  protected override async enter(turn: Turn<Up>): Promise<void> {
    await super.enter(turn);
    this.#options.onListening?.(this.port);
  }

  protected override connection(socket: Socket): TaskThread<never, Up, never> {
    return this.#make(socket);
  }

  protected override refused(socket: Socket): void {
    this.#options.onRefused?.(socket);
  }

  protected override connectionFailed(_socket: Socket, error: unknown): void {
    this.#options.onFailure?.(error);
  }

  protected override childEnded(_child: AnyChild, outcome: Outcome): void {
    if (outcome.kind === 'failed') this.#options.onFailure?.(outcome.error);
  }
}

class HandlerThread<Up> extends TaskThread<never, Up> {
  readonly #socket: Socket;
  readonly #handler: ConnectionHandler<Up>;
  readonly #around: boolean;

  constructor(socket: Socket, handler: ConnectionHandler<Up>, around: boolean) {
    super({ name: 'Connection' });
    this.#socket = socket;
    this.#handler = handler;
    this.#around = around;
  }

  protected override enter(): void {
    this.tasks.reCreate('handler', this.#serve, { intake: true });
  }

  protected override exit(turn: Turn<Up>): Promise<void> {
    return closeInOrder(this.#socket, turn);
  }

  readonly #serve = async (turn: TaskTurn<Up>): Promise<void> => {
    const serve = () => this.#handler(this.#socket, turn);
    try {
      await (this.#around ? runInScope(turn, serve) : serve());
    } catch (error) {
      if (!(error instanceof SocketFailedError)) throw error;
    }
    turn.stop();
  };
}
