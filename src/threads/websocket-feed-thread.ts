/**
 * A live feed: a websocket server whose subscribers get every frame that they can take. A slow subscriber holds back nothing:
 * it loses the oldest frames and is told how many.
 */
import { functionOf, knownFields, text, wholeNumber } from '../kernel/check.ts';
import { ThreadStoppingError } from '../kernel/errors.ts';
import type { ThreadOptions } from '../taskthread/spec.ts';
import type { TaskAnswer, TaskTurn } from '../taskthread/task-turn.ts';
import { TaskThread } from '../taskthread/taskthread.ts';
import type { Turn } from '../taskthread/turn.ts';
import { FeedSubscriberThread } from './feed-subscriber-thread.ts';
import { type FrameBatch, frameLane } from './frame-batch.ts';
import { type WebSocketConnection, WebSocketServerSocket } from './websocket.ts';

export interface WebSocketFeedOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 takes a free one: read `port` when `enter` is done. */
  readonly port: number;
  /** A subscriber over this number is closed at once. Default 100: each may use 2 MiB. */
  readonly maxSubscribers?: number;
  /** Told when frames were dropped for a subscriber. */
  readonly onDropped?: (frames: number) => void;
}

function resolveFeedOptions(options: WebSocketFeedOptions): Required<WebSocketFeedOptions> {
  knownFields('options', options, ['host', 'port', 'maxSubscribers', 'onDropped']);
  return {
    host: text('options.host', options.host ?? '127.0.0.1'),
    port: wholeNumber('options.port', options.port, 0, 65_535),
    maxSubscribers: wholeNumber('options.maxSubscribers', options.maxSubscribers ?? 100, 1),
    onDropped: functionOf('options.onDropped', options.onDropped ?? (() => {})),
  };
}

/** Listens, adds a thread for each subscriber, and sends them what its parent sends. No subscriber can make its parent wait. */
export class WebSocketFeedThread extends TaskThread<FrameBatch, never, never> {
  readonly #options: Required<WebSocketFeedOptions>;
  #server: WebSocketServerSocket | undefined;

  constructor(options: WebSocketFeedOptions, threadOptions: ThreadOptions<FrameBatch, never> = {}) {
    super({ inbox: frameLane, ...threadOptions });
    this.#options = resolveFeedOptions(options);
  }

  get port(): number {
    return this.#server?.port ?? this.#options.port;
  }

  protected override async enter(turn: Turn): Promise<void> {
    const { host, port } = this.#options;
    this.#server = await WebSocketServerSocket.listen({ host, port }, { scope: turn });
    this.tasks.reCreate('accept', this.#accept, { intake: true });
  }

  protected override exit(_turn: Turn): void {
    this.#server?.close();
  }

  protected override signalHandler(batch: FrameBatch, turn: Turn): unknown {
    return this.childCount === 0 ? undefined : turn.sendToChildren(FeedSubscriberThread, batch);
  }

  /** One turn for as long as subscribers are taken: the port closes with the intake. */
  readonly #accept = async (turn: TaskTurn): Promise<TaskAnswer> => {
    const server = this.#server!;
    try {
      for (;;) await this.#take(await server.accept({ scope: turn }));
    } finally {
      server.close();
    }
  };

  async #take(connection: WebSocketConnection): Promise<void> {
    const { maxSubscribers, onDropped } = this.#options;
    if (this.childCount >= maxSubscribers) {
      connection.close();
      return;
    }
    const make = () => new FeedSubscriberThread(connection, { onDropped });
    try {
      await this.addChild(make, { owns: connection, onFailure: 'ignore', peers: 'subscribers' });
    } catch (error) {
      if (!(error instanceof ThreadStoppingError)) throw error;
    }
  }
}
