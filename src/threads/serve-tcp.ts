/**
 * A TCP server from a function: each connection is a child thread that runs it. The server itself is a `TCPServerThread`.
 */
import { functionOf, optionalFunction, trueOrFalse } from '../kernel/check.ts';
import { ChildFailedError } from '../kernel/errors.ts';
import { ThreadError, ThreadGroupError } from '../kernel/function-errors.ts';
import { SocketFailedError } from '../kernel/io-errors.ts';
import type { Socket } from '../net/socket.ts';
import type { AnyChild } from '../taskthread/child.ts';
import { FunctionBody } from '../taskthread/function-body.ts';
import type { Outcome } from '../taskthread/lifecycle.ts';
import { lifeOf, TaskThread } from '../taskthread/taskthread.ts';
import type { Turn } from '../taskthread/turn.ts';
import { closeInOrder } from './closing-connection.ts';
import { type TCPServerOptions, TCPServerThread } from './tcp-server-thread.ts';

/**
 * Serves one connection, as the function of a thread. When it has returned, and the functions that it has spawned have ended, what
 * was written goes out, the connection is ended, and its thread ends.
 *
 * The scope of its thread is around it, as around a spawned function: `sleep(100)`, `spawn(…)`, `socket.recv()`. Where that is left out
 * (`scopeAround: false`) it says its turn: `socket.recv(1000, { scope: turn })`.
 */
export type ConnectionHandler<Up = never> = (socket: Socket, turn: Turn<Up>) => unknown;

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
 * Each connection is a child of it, with its own place in the tree and in the snapshot, and runs `handler` once, as the function
 * of its thread: what that spawns is waited for, and whoever joins it owns its failure. A peer that goes away, which ends waits with
 * `TT_SOCKET_FAILED`, is the end of that connection and no failure.
 *
 * A stop is graceful: no connection is taken any more; a handler that waits for its peer, or a function that it has spawned, gets
 * `IntakeClosedError` and ends by it, one that sends finishes its send; all connections end together. Errors: `TT_INVALID_OPTION`; `TT_ADDRESS` when it is
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
  const isFailure = (error: unknown) => !peerIsGone(error);
  return new ServeThread((socket) => new HandlerThread(socket, handler, around), options, isFailure);
}

class ServeThread<Up> extends TCPServerThread<Up> {
  readonly #make: ConnectionFactory<Up>['thread'];
  readonly #options: ServeTCPOptions;
  readonly #isFailure: (error: unknown) => boolean;

  constructor(make: ConnectionFactory<Up>['thread'], options: ServeTCPOptions, isFailure = (_error: unknown) => true) {
    const { onListening, onRefused, onFailure, scopeAround: _around, ...serverOptions } = options;
    optionalFunction('options.onListening', onListening);
    optionalFunction('options.onRefused', onRefused);
    optionalFunction('options.onFailure', onFailure);
    super(serverOptions, { name: 'TCPServer' });
    this.#make = make;
    this.#options = options;
    this.#isFailure = isFailure;
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
    if (outcome.kind === 'failed' && this.#isFailure(outcome.error)) this.#options.onFailure?.(outcome.error);
  }
}

/** The thread of a function, but for how it is run: a stop ends its waits for the peer first, and its scope may be left out. */
class HandlerThread<Up> extends TaskThread<never, Up> {
  readonly #socket: Socket;

  constructor(socket: Socket, handler: ConnectionHandler<Up>, scopeAround: boolean) {
    super({ name: 'Connection' });
    this.#socket = socket;
    const life = lifeOf(this);
    const serve = async () => {
      try {
        await handler(socket, body.running as unknown as Turn<Up>);
      } catch (error) {
        if (!peerIsGone(error)) throw error;
      }
    };
    const body = new FunctionBody(life, serve, [], { scopeAround, intake: true });
    life.body = body;
  }

  protected override exit(turn: Turn<Up>): Promise<void> {
    return closeInOrder(this.#socket, turn);
  }
}

/** True of what ends a handler whose peer has gone away, also where it was functions spawned by it that have met that. */
function peerIsGone(error: unknown): boolean {
  if (error instanceof ThreadGroupError) return error.errors.every(peerIsGone);
  if (error instanceof ThreadError || error instanceof ChildFailedError) return peerIsGone(error.cause);
  return error instanceof SocketFailedError;
}
