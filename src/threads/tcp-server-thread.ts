/**
 * A TCP server as a thread: listens, and adds one child for each connection. What a connection does is the subclass's.
 */
import { knownFields, text, wholeNumber } from '../kernel/check.ts';
import { CancelledError, ThreadEndedError, ThreadStoppingError } from '../kernel/errors.ts';
import { Listener } from '../net/listener.ts';
import type { Socket } from '../net/socket.ts';
import type { TlsServerOptions } from '../net/tls.ts';
import type { AnyChild } from '../taskthread/child.ts';
import type { ThreadOptions } from '../taskthread/spec.ts';
import type { TaskAnswer, TaskTurn } from '../taskthread/task-turn.ts';
import { TaskThread } from '../taskthread/taskthread.ts';
import type { Turn } from '../taskthread/turn.ts';

/** Where to listen, and for how many. */
export interface TCPServerOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 takes a free one: read `port` when `enter` is done. */
  readonly port: number;
  /** A connection is closed at once, and `refused` is called, when the thread has so many children. Default 1000. */
  readonly maxClients?: number;
  /** Secures every connection; a child is made when the handshake is done, and at most `maxClients` are under way. */
  readonly tls?: TlsServerOptions | undefined;
  /** A handshake that takes longer is broken off. Default 10 s. */
  readonly handshakeTimeoutMs?: number | undefined;
}

type ResolvedTCPServerOptions = TCPServerOptions & { readonly host: string; readonly maxClients: number };

/** What secures a connection is checked where it is used, by the listener. */
function resolveTCPServerOptions(options: TCPServerOptions): ResolvedTCPServerOptions {
  knownFields('options', options, ['host', 'port', 'maxClients', 'tls', 'handshakeTimeoutMs']);
  return {
    tls: options.tls,
    handshakeTimeoutMs: options.handshakeTimeoutMs,
    host: text('options.host', options.host ?? '127.0.0.1'),
    port: wholeNumber('options.port', options.port, 0, 65_535),
    maxClients: wholeNumber('options.maxClients', options.maxClients ?? 1000, 1),
  };
}

function isStop(error: unknown): boolean {
  return error instanceof ThreadStoppingError || error instanceof CancelledError || error instanceof ThreadEndedError;
}

/** Beyond any burst, so that who is turned away is turned away by `maxClients`, and counted. */
const MAX_PENDING = 65_536;

/**
 * Listens on a port and makes a child thread of each connection. Extend it with `connection`; signals of the connections go up
 * unchanged unless you override `childSignalHandler`.
 *
 * Guarantees: when the thread stops, no connection is taken any more before anything else happens; connections stop together; a
 * connection that fails ends alone. Errors: `TT_ADDRESS` from `enter` when the port cannot be had.
 */
export abstract class TCPServerThread<Up = never> extends TaskThread<never, Up, Up> {
  readonly #options: ResolvedTCPServerOptions;
  #listener: Listener | undefined;
  #refusedClients = 0;

  constructor(options: TCPServerOptions, threadOptions?: ThreadOptions<never, Up>) {
    super(threadOptions);
    this.#options = resolveTCPServerOptions(options);
  }

  /** Makes the thread of a new connection. The socket is closed for you when that thread has ended. */
  protected abstract connection(socket: Socket): TaskThread<never, Up, never>;

  /** A connection over `maxClients` is about to be closed. */
  protected refused(_socket: Socket): void {}

  /** The port that is listened on. */
  get port(): number {
    return this.#listener?.port ?? this.#options.port;
  }

  /** How many connections were turned away because there were too many. */
  get refusedClients(): number {
    return this.#refusedClients + (this.#listener?.snapshot().refused ?? 0);
  }

  protected override async enter(turn: Turn<Up>): Promise<void> {
    const { host, port, maxClients, tls, handshakeTimeoutMs } = this.#options;
    const maxPending = tls === undefined ? MAX_PENDING : maxClients;
    const address = { host, port, maxPending, tls, handshakeTimeoutMs };
    this.#listener = await Listener.listen(address, { scope: turn });
    this.tasks.reCreate('accept', this.#accept, { intake: true });
  }

  protected override exit(_turn: Turn<Up>): void {
    this.#listener?.close();
  }

  protected override childSignalHandler(signal: Up, _child: AnyChild, turn: Turn<Up>): unknown {
    return turn.sendToParent(signal);
  }

  /** One turn for as long as connections are taken: the port closes with the intake, before anything else stops. */
  readonly #accept = async (turn: TaskTurn<Up>): Promise<TaskAnswer> => {
    const listener = this.#listener!;
    try {
      for (;;) this.#take(await listener.accept({ scope: turn }));
    } finally {
      listener.close();
    }
  };

  /** Does not wait for the connection's `enter`: one that takes its time must not hold up those behind it. */
  #take(socket: Socket): void {
    if (this.childCount >= this.#options.maxClients) {
      this.#refusedClients++;
      this.refused(socket);
      socket.close();
      return;
    }
    const spec = { owns: socket, onFailure: 'ignore', peers: 'connections' } as const;
    this.addChild(() => this.connection(socket), spec).catch((error: unknown) => {
      // One bad connection is no reason to stop, and a stop is no failure of a connection.
      if (!isStop(error)) this.#failed(socket, error);
    });
  }

  #failed(socket: Socket, error: unknown): void {
    try {
      this.connectionFailed(socket, error);
    } catch (thrown) {
      // What a hook throws fails the thread, also a hook that nobody awaits.
      this.tasks.reCreate('connectionFailed', () => {
        throw thrown;
      });
    }
  }

  /** The thread of a connection could not be made, or its `enter` threw. The server goes on. */
  protected connectionFailed(_socket: Socket, _error: unknown): void {}
}
