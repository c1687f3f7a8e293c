/** The feed and its subscribers on real websockets. */
import { Server } from 'node:net';
import { WebSocket } from 'ws';
import type { Child } from '../../src/index.ts';
import { FeedSubscriberThread } from '../../src/threads/feed-subscriber-thread.ts';
import { type FrameBatch, type WebSocketFeedOptions, WebSocketFeedThread } from '../../src/threads/index.ts';
import { type WebSocketConnection, WebSocketServerSocket } from '../../src/threads/websocket.ts';
import { checkForReal, client, ended, nursery, until } from './nursery.ts';

checkForReal();

const subscribers: WebSocket[] = [];
afterEach(() => {
  for (const subscriber of subscribers.splice(0)) subscriber.terminate();
  jest.restoreAllMocks();
});

interface Subscriber {
  readonly ws: WebSocket;
  /** Binary messages as they are, texts parsed. */
  readonly messages: unknown[];
  closed: number | undefined;
}

async function subscribe(port: number): Promise<Subscriber> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
  subscribers.push(ws);
  const subscriber: Subscriber = { ws, messages: [], closed: undefined };
  ws.on('message', (data: Buffer, isBinary) => {
    subscriber.messages.push(isBinary ? data.toString() : JSON.parse(data.toString()));
  });
  ws.on('error', () => {});
  ws.on('close', (code) => {
    subscriber.closed = code;
  });
  await new Promise((resolve, reject) => {
    ws.once('open', resolve);
    ws.once('error', reject);
  });
  return subscriber;
}

function batch(...texts: string[]): FrameBatch {
  const frames = texts.map((text) => Buffer.from(text));
  return { frames, retainedBytes: frames.reduce((sum, frame) => sum + frame.length, 0) };
}

class Feed extends WebSocketFeedThread {
  get subscribed(): number {
    return this.childCount;
  }
}

async function feedOf(options: Partial<WebSocketFeedOptions> = {}): Promise<{ feed: Feed; handle: Child<Feed> }> {
  const feed = new Feed({ port: 0, ...options });
  return { feed, handle: await (await nursery()).add(feed) };
}

describe('a feed', () => {
  test('gives every subscriber the frames that come from then on, one message each, in order', async () => {
    const { feed, handle } = await feedOf();
    await handle.send(batch('nobody is there'));
    const first = await subscribe(feed.port);
    await until(() => feed.subscribed === 1);
    await handle.send(batch('a', 'b'));
    const second = await subscribe(feed.port);
    await until(() => feed.subscribed === 2);
    await handle.send(batch('c'));
    await until(() => first.messages.length === 3 && second.messages.length === 1);
    expect([first.messages, second.messages]).toEqual([['a', 'b', 'c'], ['c']]);
  });

  test('forgets subscribers that leave, by a close or by dying, and goes on', async () => {
    const { feed, handle } = await feedOf();
    const [polite, dying, staying] = [
      await subscribe(feed.port),
      await subscribe(feed.port),
      await subscribe(feed.port),
    ];
    await until(() => feed.subscribed === 3);
    polite.ws.close(1000);
    dying.ws.terminate();
    await until(() => feed.subscribed === 1);
    await handle.send(batch('still here'));
    await until(() => staying.messages.length === 1);
    expect([polite.closed, handle.state]).toEqual([1000, 'running']);
  });

  test('a stop closes its subscribers in order, with what was sent delivered, and frees the port', async () => {
    const { feed, handle } = await feedOf();
    const { port } = feed;
    const subscriber = await subscribe(port);
    await until(() => feed.subscribed === 1);
    await handle.send(batch('last'));
    const report = await handle.stop();
    expect(report).toMatchObject({ verdict: 'clean', threads: 2 });
    await until(() => subscriber.closed !== undefined);
    expect([subscriber.messages, subscriber.closed]).toEqual([['last'], 1000]);
    await expect(client(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('a cancel ends it with a subscriber that answers nothing', async () => {
    const { feed, handle } = await feedOf();
    const deaf = await subscribe(feed.port);
    await until(() => feed.subscribed === 1);
    deaf.ws.pause();
    const report = await handle.stop({ drainMs: 0, cancelMs: 2000 });
    expect([report.abandoned, report.tookMs < 1900]).toEqual([[], true]);
  });

  test('over maxSubscribers one is closed at once; the others stay', async () => {
    const { feed } = await feedOf({ maxSubscribers: 1 });
    const first = await subscribe(feed.port);
    await until(() => feed.subscribed === 1);
    const second = await subscribe(feed.port).catch(() => undefined);
    await until(() => second === undefined || second.closed !== undefined);
    expect([feed.subscribed, first.closed]).toEqual([1, undefined]);
  });

  test('who does not speak websocket is told so, or let go with the feed', async () => {
    const { feed, handle } = await feedOf();
    const answer = await fetch(`http://127.0.0.1:${feed.port}/`);
    expect([answer.status, await answer.text()]).toEqual([426, 'websocket only\n']);
    const silent = await client(feed.port);
    expect((await handle.stop()).verdict).toBe('clean');
    await ended(silent);
  });

  test('an error of the listening server, such as no more files to open, does not end the process', async () => {
    const listening = jest.spyOn(Server.prototype, 'listen');
    const { feed, handle } = await feedOf();
    const [server] = listening.mock.contexts;
    // As Node does for each connection that it cannot take.
    for (let i = 0; i < 3; i++) server!.emit('error', new Error('accept EMFILE'));
    await subscribe(feed.port);
    await until(() => feed.subscribed === 1);
    expect(handle.state).toBe('running');
  });

  test('a port that is taken is TT_ADDRESS', async () => {
    const { feed } = await feedOf();
    await expect(feedOf({ port: feed.port })).rejects.toMatchObject({ code: 'TT_ADDRESS' });
  });

  test.each<[object, string]>([
    [{ port: -1 }, 'options.port'],
    [{ port: '80' }, 'options.port'],
    [{ host: '' }, 'options.host'],
    [{ maxSubscribers: 0 }, 'options.maxSubscribers'],
    [{ onDropped: 5 }, 'options.onDropped'],
    [{ maxSubscriber: 5 }, 'options.maxSubscriber'],
  ])('refuses %j, and names %s', (options, field) => {
    expect(() => new Feed({ port: 0, ...options } as never)).toThrow(
      expect.objectContaining({ code: 'TT_INVALID_OPTION', field }),
    );
  });
});

describe('a subscriber', () => {
  /** The server's end of a connection that nobody reads at the other end unless it is asked to. */
  async function connectionOf(): Promise<{
    connection: WebSocketConnection;
    subscriber: Subscriber;
    close: () => void;
  }> {
    const { parent } = await nursery();
    const server = await WebSocketServerSocket.listen({ host: '127.0.0.1', port: 0 }, { scope: parent });
    const subscriber = await subscribe(server.port);
    const connection = await server.accept({ scope: parent });
    return { connection, subscriber, close: () => server.close() };
  }

  test('that is too slow loses the oldest, is told how many in their place, and holds up nobody', async () => {
    const { connection, subscriber, close } = await connectionOf();
    let dropped = 0;
    const thread = new FeedSubscriberThread(connection, { onDropped: (frames) => (dropped += frames) });
    const handle = await (await nursery()).add(thread, { owns: connection });
    subscriber.ws.pause();
    const frames = 400;
    for (let n = 0; n < frames; n++) await handle.send(batch(`${n}:`.padEnd(100_000, '.')));
    expect(dropped).toBeGreaterThan(0);
    subscriber.ws.resume();
    const numbers = (): number[] => {
      return subscriber.messages.flatMap((message) =>
        typeof message === 'string' ? [Number.parseInt(message, 10)] : [],
      );
    };
    await until(() => numbers().at(-1) === frames - 1);
    const said = subscriber.messages.filter((message) => typeof message !== 'string') as { frames: number }[];
    expect(said.reduce((sum, one) => sum + one.frames, 0)).toBe(dropped);
    expect(numbers().length + dropped).toBe(frames);
    expect(numbers()).toEqual(numbers().toSorted((a, b) => a - b));
    await handle.stop();
    close();
  });

  test('that has lost frames when its thread is stopped is told so before the close', async () => {
    const { connection, subscriber, close } = await connectionOf();
    let dropped = 0;
    const thread = new FeedSubscriberThread(connection, { onDropped: (frames) => (dropped += frames) });
    const handle = await (await nursery()).add(thread, { owns: connection });
    for (let n = 0; n < 20; n++) void handle.send(batch(`${n}:`.padEnd(100_000, '.')));
    await handle.stop({ drainMs: 0 });
    await until(() => subscriber.closed !== undefined);
    expect([dropped, subscriber.messages, subscriber.closed]).toEqual([20, [{ event: 'dropped', frames: 20 }], 1000]);
    close();
  });

  test('that has left before its thread began ends at once', async () => {
    const { connection, subscriber, close } = await connectionOf();
    subscriber.ws.terminate();
    await until(() => connection.closed);
    const handle = await (await nursery()).add(new FeedSubscriberThread(connection, { onDropped: () => {} }));
    await until(() => handle.outcome !== undefined);
    expect(handle.outcome).toEqual({ kind: 'finished', verdict: 'clean' });
    close();
  });

  test('that leaves when its thread is given up is no uncaught error', async () => {
    const { connection, subscriber, close } = await connectionOf();
    const handle = await (await nursery()).add(new FeedSubscriberThread(connection, { onDropped: () => {} }), {
      owns: connection,
    });
    subscriber.ws.pause();
    await handle.stop({ drainMs: 0, cancelMs: 0 });
    await until(() => connection.closed);
    close();
  });
});
