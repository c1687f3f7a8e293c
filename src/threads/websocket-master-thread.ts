/**
 * Passes frames on to websocket threads: one for each destination, and the feed, if there is one.
 */
import { knownFields } from '../kernel/check.ts';
import { InvalidOptionError } from '../kernel/errors.ts';
import type { Child } from '../taskthread/child.ts';
import type { ThreadOptions } from '../taskthread/spec.ts';
import { TaskThread } from '../taskthread/taskthread.ts';
import type { Turn } from '../taskthread/turn.ts';
import { type FrameBatch, frameLane } from './frame-batch.ts';
import { type WebSocketFeedOptions, WebSocketFeedThread } from './websocket-feed-thread.ts';
import { WebSocketSubThread } from './websocket-sub-thread.ts';
import { type WebSocketTLSOptions, websocketURL } from './websocket.ts';

export interface WebSocketMasterOptions {
  /** A destination each. */
  readonly urls: readonly string[];
  /** For all `wss://` destinations: whom to trust. Default: the authorities that Node trusts. */
  readonly tls?: WebSocketTLSOptions | undefined;
  /** Offers the same frames to everybody who connects. Default: no feed. */
  readonly feed?: WebSocketFeedOptions | undefined;
}

function resolveMasterOptions(options: WebSocketMasterOptions): WebSocketMasterOptions {
  knownFields('options', options, ['urls', 'tls', 'feed']);
  const { urls } = options;
  if (!Array.isArray(urls)) throw new InvalidOptionError('options.urls', urls, 'a list of ws:// or wss:// URLs');
  for (const url of urls) websocketURL('options.urls', url);
  return options;
}

/**
 * Sends each batch to every destination; the slowest one holds back whoever sends to this thread. The feed holds back nobody.
 * Extend it with `subThread` or `feedThread` to make threads of your own.
 */
export class WebSocketMasterThread extends TaskThread<FrameBatch, never, never> {
  readonly #options: WebSocketMasterOptions;
  readonly #subs: Child<WebSocketSubThread>[] = [];
  #feed: Child<WebSocketFeedThread> | undefined;
  #feedPort: number | undefined;

  constructor(options: WebSocketMasterOptions, threadOptions: ThreadOptions<FrameBatch, never> = {}) {
    super({ inbox: frameLane, ...threadOptions });
    this.#options = resolveMasterOptions(options);
  }

  /** The port of the feed, once `enter` is done. */
  get feedPort(): number | undefined {
    return this.#feedPort;
  }

  protected subThread(url: string): WebSocketSubThread {
    const { tls } = this.#options;
    return new WebSocketSubThread({ url, ...(url.startsWith('wss:') && { tls }) });
  }

  protected feedThread(options: WebSocketFeedOptions): WebSocketFeedThread {
    return new WebSocketFeedThread(options);
  }

  protected override async enter(_turn: Turn): Promise<void> {
    const { urls, feed } = this.#options;
    // Peers, so that one destination that is down does not use up the time that another needs to stop in order.
    for (const url of urls) this.#subs.push(await this.addChild(() => this.subThread(url), { peers: 'destinations' }));
    if (feed === undefined) return;
    const thread = this.feedThread(feed);
    this.#feed = await this.addChild(thread);
    this.#feedPort = thread.port;
  }

  protected override signalHandler(batch: FrameBatch, turn: Turn): unknown {
    if (this.#subs.length === 0) batch.held?.release();
    else if (this.#subs.length > 1) batch.held?.retain(this.#subs.length - 1);
    const forwarded = turn.sendToChildren(this.#subs, batch);
    const fed = this.#feed && turn.send(this.#feed, batch);
    return forwarded && fed ? Promise.all([forwarded, fed]) : (forwarded ?? fed);
  }
}
