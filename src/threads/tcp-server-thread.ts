/**
 * A TCP server as a thread: listens, and adds one child for each connection. What a connection does is the subclass's.
 */
import { wholeNumber } from '../kernel/check.ts';
import { ThreadStoppingError } from '../kernel/errors.ts';
import { Listener } from '../net/listener.ts';
import type { Socket } from '../net/socket.ts';
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
  readonly #options: Required<TCPServerOptions>;
  #listener: Listener | undefined;

  constructor(options: TCPServerOptions, threadOptions?: ThreadOptions<never, Up>) {
    super(threadOptions);
    this.#options = {
      host: options.host ?? '127.0.0.1',
      port: wholeNumber('options.port', options.port, 0, 65_535),
      maxClients: wholeNumber('options.maxClients', options.maxClients ?? 1000, 1),
    };
  }

  /** Makes the thread of a new connection. The socket is closed for you when that thread has ended. */
  protected abstract connection(socket: Socket): TaskThread<never, Up, never>;

  /** A connection over `maxClients` is about to be closed. */
  protected refused(_socket: Socket): void {}

  /** The port that is listened on. */
  get port(): number {
    return this.#listener?.port ?? this.#options.port;
  }

  protected override async enter(turn: Turn<Up>): Promise<void> {
    const { host, port } = this.#options;
    this.#listener = await Listener.listen({ host, port, maxPending: MAX_PENDING }, { scope: turn });
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
      for (;;) await this.#take(await listener.accept({ scope: turn }));
    } finally {
      listener.close();
    }
  };

  async #take(socket: Socket): Promise<void> {
    if (this.childCount >= this.#options.maxClients) {
      this.refused(socket);
      socket.close();
      return;
    }
    try {
      const spec = { owns: socket, onFailure: 'ignore', peers: 'connections' } as const;
      await this.addChild(() => this.connection(socket), spec);
    } catch (error) {
      // One bad connection is no reason to stop.
      if (!(error instanceof ThreadStoppingError)) this.connectionFailed(socket, error);
    }
  }

  /** The thread of a connection could not be made, or its `enter` threw. The server goes on. */
  protected connectionFailed(_socket: Socket, _error: unknown): void {}
}
