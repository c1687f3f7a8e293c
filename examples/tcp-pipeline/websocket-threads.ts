/**
 * Passes frames on to websockets: a thread for each destination, and the feed. IN: frames.
 */
import {
  WebSocketSubThread as Destination,
  type FrameBatch,
  printableURL,
  WebSocketMasterThread,
} from 'taskthread/threads';
import { counted } from './reporter.ts';
import type { PipelineContext } from './signals.ts';

/** One destination. */
export class WebSocketSubThread extends Destination {
  readonly #context: PipelineContext;

  constructor(context: PipelineContext, url: string) {
    super({ url });
    this.#context = context;
  }

  protected override confirmed(batch: FrameBatch) {
    const { forwarded } = this.#context.totals;
    forwarded[this.url] = forwarded[this.url]! + batch.frames.length;
    super.confirmed(batch);
  }

  protected override opened() {
    const url = printableURL(this.url);
    const { repeats } = this.delivery();
    const again = repeats > 0 ? ` (sent again so far: ${counted(repeats, 'frame')})` : '';
    this.#context.reporter.say({ event: 'destination-open', url, repeats, text: `${url}: connected${again}` });
  }

  protected override broken(why: string, retryMs: number) {
    const url = printableURL(this.url);
    const { unconfirmed } = this.delivery();
    const waitMs = Math.round(retryMs);
    const text = `${url}: ${why}; unconfirmed: ${counted(unconfirmed, 'frame')}, next try in ${waitMs} ms`;
    this.#context.reporter.say({ event: 'destination-broken', url, why, unconfirmed, retryMs: waitMs, text });
  }
}

export class WebsocketMasterThread extends WebSocketMasterThread {
  readonly #context: PipelineContext;

  constructor(context: PipelineContext) {
    const { forward, feedPort, host } = context.options;
    const onDropped = (frames: number) => {
      context.totals.feedDropped += frames;
    };
    super({ urls: forward, feed: feedPort === null ? undefined : { host, port: feedPort, onDropped } });
    this.#context = context;
  }

  protected override subThread(url: string) {
    return new WebSocketSubThread(this.#context, url);
  }
}
