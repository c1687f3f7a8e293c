/** Websocket destinations, and the master that passes frames on to them and to a feed, on real servers. */
import { createServer as createPlain, type Server as HTTPServer } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { AddressInfo, Socket as NodeSocket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { start } from '../../src/index.ts';
import { realClock } from '../../src/kernel/clock.ts';
import { LoopScheduler } from '../../src/kernel/scheduler.ts';
import { VirtualClock } from '../../src/testing/index.ts';
import {
  type FrameBatch,
  printableURL,
  type WebSocketMasterOptions,
  WebSocketMasterThread,
  type WebSocketSubOptions,
  WebSocketSubThread,
} from '../../src/threads/index.ts';
import { checkForReal, nursery, until } from './nursery.ts';
import { selfSigned } from './self-signed.ts';

checkForReal();

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

interface Cloud {
  readonly port: number;
  readonly got: string[];
  readonly sockets: Set<NodeSocket>;
  readonly open: ReadonlySet<WebSocket>;
  /** Reads nothing any more, or goes on. */
  pause(isPaused: boolean): void;
}

async function cloud(secure?: { readonly key: string; readonly cert: string }): Promise<Cloud> {
  const http: HTTPServer = secure === undefined ? createPlain() : createSecure(secure);
  const server = new WebSocketServer({ server: http });
  const got: string[] = [];
  const sockets = new Set<NodeSocket>();
  const open = new Set<WebSocket>();
  http.on('connection', (socket: NodeSocket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('connection', (ws) => {
    open.add(ws);
    ws.on('error', () => {});
    ws.on('message', (data: Buffer) => got.push(data.toString()));
  });
  http.listen(0, '127.0.0.1');
  await new Promise((resolve) => http.once('listening', resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    return new Promise((resolve) => http.close(resolve));
  });
  return {
    port: (http.address() as AddressInfo).port,
    got,
    sockets,
    open,
    pause: (isPaused) => {
      for (const ws of open) {
        if (isPaused) ws.pause();
        else ws.resume();
      }
    },
  };
}

/** A port on which nobody listens. */
async function deadPort(): Promise<number> {
  const { port } = await cloud();
  await closers.pop()!();
  return port;
}

function batch(...texts: string[]): FrameBatch {
  const frames = texts.map((text) => Buffer.from(text));
  return { frames, retainedBytes: frames.reduce((sum, frame) => sum + frame.length, 0) };
}

const quick = { minMs: 10, maxMs: 20 };

class Destination extends WebSocketSubThread {
  readonly broke: [why: string, retryMs: number][] = [];
  readonly left: string[] = [];

  constructor(options: WebSocketSubOptions) {
    super({ backoff: quick, ...options });
  }

  protected override broken(why: string, retryMs: number): void {
    this.broke.push([why, retryMs]);
  }

  protected override unconfirmed(batches: readonly FrameBatch[]): void {
    super.unconfirmed(batches);
    this.left.push(...batches.flatMap(({ frames }) => frames.map(String)));
  }
}

class Master extends WebSocketMasterThread {
  readonly subs: Destination[] = [];

  protected override subThread(url: string): WebSocketSubThread {
    const made = new Destination({ url });
    this.subs.push(made);
    return made;
  }
}

const urlOf = ({ port }: Cloud, scheme = 'ws'): string => `${scheme}://127.0.0.1:${port}/`;

describe('a master', () => {
  test('sends each batch to every destination and to the feed', async () => {
    const clouds = [await cloud(), await cloud()];
    const master = new Master({ urls: clouds.map((one) => urlOf(one)), feed: { port: 0 } });
    const handle = await (await nursery()).add(master);
    const subscriber = new WebSocket(`ws://127.0.0.1:${master.feedPort}/`);
    const fed: string[] = [];
    subscriber.on('message', (data: Buffer) => fed.push(data.toString()));
    await new Promise((resolve) => subscriber.once('open', resolve));
    await until(() => handle.snapshot().children[2]?.children.length === 1);
    await handle.send(batch('a', 'b'));
    await handle.send(batch('c'));
    await until(() => [...clouds.map(({ got }) => got), fed].every((got) => got.length === 3));
    const report = await handle.stop();
    expect([...clouds.map(({ got }) => got), fed]).toEqual(Array(3).fill(['a', 'b', 'c']));
    expect([report.verdict, master.subs.map((sub) => sub.delivery().unconfirmed)]).toEqual(['clean', [0, 0]]);
  });

  test('is held back by the slowest destination, and lets go of each share of a budget once', async () => {
    const [fast, slow] = [await cloud(), await cloud()];
    const master = new Master({ urls: [urlOf(fast), urlOf(slow)] });
    const handle = await (await nursery()).add(master);
    await until(() => master.subs.every((sub) => sub.connected));
    slow.pause(true);
    let [accepted, released, retained] = [0, 0, 0];
    const held = { retain: (n = 1) => (retained += n), release: () => ++released };
    const total = 200;
    const sending = (async () => {
      for (; accepted < total; accepted++) await handle.send({ ...batch('x'.repeat(100_000)), held } as never);
    })();
    await until(() => master.subs[1]!.delivery().unconfirmed > 30 && handle.snapshot().running.length > 0);
    for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(accepted).toBeLessThan(total);
    slow.pause(false);
    await sending;
    expect((await handle.stop()).verdict).toBe('clean');
    expect([fast.got.length, slow.got.length, retained, released]).toEqual([total, total, total, 2 * total]);
  });

  test('one that takes nothing of what is repeated is given up, too, and tried again', async () => {
    const stalled = await cloud();
    const destination = new Destination({
      url: urlOf(stalled),
      pongTimeoutMs: 200,
      window: { maxBytes: 32 * 1024 * 1024 },
    });
    const handle = await (await nursery()).add(destination);
    await until(() => destination.connected);
    // Whatever connects from now on is not read, until the second one was given up.
    const stalling = setInterval(() => stalled.pause(destination.broke.length < 2), 2);
    const texts = Array.from({ length: 20 }, (_, i) => String.fromCharCode(0x30 + i).repeat(1_000_000));
    for (const text of texts) await handle.send(batch(text));
    await until(() => destination.broke.length >= 2);
    await until(() => destination.delivery().unconfirmed === 0);
    clearInterval(stalling);
    expect(
      destination.broke
        .map(([why]) => why)
        .slice(0, 2)
        .every((why) => /no pong|nothing taken/.test(why)),
    ).toBe(true);
    expect(stalled.got.slice(-texts.length).map((text) => text[0])).toEqual(texts.map((text) => text[0]));
    expect((await handle.stop()).verdict).toBe('clean');
  });

  test('a pong is waited for from its ping on, and no longer than was said', async () => {
    const clock = new VirtualClock();
    const pass = async (ms: number): Promise<void> => {
      const end = clock.now() + ms;
      while (clock.fireNext(end)) await new Promise((resolve) => setImmediate(resolve));
      clock.moveTo(end);
    };
    const stalled = await cloud();
    const destination = new Destination({
      url: urlOf(stalled),
      pongTimeoutMs: 100,
      backoff: { minMs: 9999, maxMs: 9999 },
    });
    const home = await nursery({ clock, scheduler: new LoopScheduler(realClock) });
    const handle = await home.add(destination);
    await until(() => destination.connected);
    stalled.pause(true);
    await pass(50);
    await handle.send(batch('a'));
    await until(() => destination.delivery().unconfirmed === 1);
    await pass(99);
    expect(destination.broke).toEqual([]);
    await pass(2);
    await until(() => destination.broke.length === 1);
    expect(destination.broke[0]![0]).toBe('no pong for 100 ms');
  });

  test('in a stop it waits between its tries, and tells each', async () => {
    let connections = 0;
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    closers.push(() => new Promise((resolve) => server.close(resolve)));
    await new Promise((resolve) => server.once('listening', resolve));
    server.on('connection', (ws) => {
      connections++;
      ws.on('message', () => ws.close(1009));
    });
    const { port } = server.address() as AddressInfo;
    const destination = new Destination({ url: `ws://127.0.0.1:${port}/` });
    const handle = await (await nursery()).add(destination);
    await handle.send(batch('too large'));
    await until(() => connections >= 2);
    await handle.stop({ drainMs: 200, cancelMs: 100 });
    expect(destination.left).toEqual(['too large']);
    expect(connections - destination.broke.length).toBeLessThanOrEqual(2);
  });

  test('does not write over what the system has not taken yet', async () => {
    const slow = await cloud();
    const destination = new Destination({ url: urlOf(slow), window: { maxBytes: 64 * 1024 * 1024 } });
    const handle = await (await nursery()).add(destination);
    await until(() => destination.connected);
    slow.pause(true);
    // Far more than the sockets of both sides hold.
    const texts = Array.from({ length: 80 }, (_, i) => String.fromCharCode(0x30 + i).repeat(500_000));
    for (const text of texts) await handle.send(batch(text));
    await until(() => destination.delivery().unconfirmed === texts.length);
    slow.pause(false);
    expect((await handle.stop()).verdict).toBe('clean');
    expect(slow.got.map((text) => [text[0], text.length])).toEqual(texts.map((text) => [text[0], text.length]));
    expect(slow.got.every((text, i) => text === texts[i])).toBe(true);
  });

  test('stops within its budget with a destination that is down: what it has is unconfirmed', async () => {
    const [up, down] = [await cloud(), await deadPort()];
    const master = new Master({ urls: [urlOf(up), `ws://127.0.0.1:${down}/`] });
    const handle = await (await nursery()).add(master);
    await until(() => master.subs[1]!.broke.length > 1);
    void handle.send(batch('a'));
    await until(() => up.got.length === 1);
    const report = await handle.stop({ drainMs: 100, cancelMs: 200 });
    expect([report.abandoned, report.tookMs < 2000]).toEqual([[], true]);
    expect(master.subs[1]!.broke[0]![0]).toContain('ECONNREFUSED');
  });

  test('says what was sent and never confirmed when it ends, and lets go of its share of the budget', async () => {
    const slow = await cloud();
    const destination = new Destination({ url: urlOf(slow), window: { maxMessages: 3 } });
    const handle = await (await nursery()).add(destination);
    await until(() => destination.connected);
    slow.pause(true);
    let released = 0;
    const held = { retain: () => {}, release: () => ++released };
    const letters: unknown[] = [];
    handle.events.on('deadLetter', (signal) => letters.push(signal));
    for (const text of ['a', 'b', 'c', 'd']) await handle.send({ ...batch(text), held } as never);
    await until(() => handle.snapshot().running.length > 0);
    const report = await handle.stop({ drainMs: 50, cancelMs: 100 });
    expect([report.verdict, destination.left, released]).toEqual(['cancelled', ['a', 'b', 'c'], 3]);
    // The fourth waited for a place in the window: it is nobody's any more.
    expect(letters).toEqual([expect.objectContaining({ frames: [Buffer.from('d')] })]);
    expect(handle.snapshot().edge.down).toMatchObject({ accepted: 4, handled: 3, deadLettered: 1 });
  });

  test('without destinations takes what comes, and lets go of it', async () => {
    const handle = await (await nursery()).add(new WebSocketMasterThread({ urls: [] }));
    let released = 0;
    await handle.send({ ...batch('a'), held: { retain: () => {}, release: () => ++released } } as never);
    await until(() => released === 1);
    expect((await handle.stop()).verdict).toBe('clean');
  });

  test.each<[object, string]>([
    [{ urls: 'ws://a' }, 'options.urls'],
    [{ urls: ['http://a'] }, 'options.urls'],
    [{ urls: [5] }, 'options.urls'],
    [{ url: 'ws://a', urls: [] }, 'options.url'],
  ])('refuses %j, and names %s', (options, field) => {
    expect(() => new WebSocketMasterThread(options as WebSocketMasterOptions)).toThrow(
      expect.objectContaining({ code: 'TT_INVALID_OPTION', field }),
    );
  });
});

describe('a destination', () => {
  test('draws its pauses from the source of random numbers of its tree', async () => {
    const url = `ws://127.0.0.1:${await deadPort()}/`;
    const pauses: number[][] = [];
    for (const number of [0, 0.5]) {
      const destination = new Destination({ url, backoff: { minMs: 8, maxMs: 16, jitter: 'equal' } });
      const handle = await start(destination as never, { random: () => number });
      await until(() => destination.broke.length === 3);
      pauses.push(destination.broke.map(([, retryMs]) => retryMs).slice(0, 3));
      await (handle as { stop(): Promise<unknown> }).stop();
    }
    expect(pauses).toEqual([
      [4, 8, 8],
      [6, 12, 12],
    ]);
  });

  test('that does not answer a ping is given up, and it is said why', async () => {
    const still = await cloud();
    const destination = new Destination({ url: urlOf(still), pongTimeoutMs: 60 });
    const handle = await (await nursery()).add(destination);
    await until(() => destination.connected && still.sockets.size === 1);
    still.pause(true);
    await handle.send(batch('a'));
    await until(() => destination.broke.length > 0);
    expect(destination.broke[0]![0]).toBe('no pong for 60 ms');
    await handle.stop({ drainMs: 0 });
  });

  test('with a password in its URL is named without it', async () => {
    const url = `ws://user:secret@127.0.0.1:${await deadPort()}/?a=b@c`;
    const destination = new Destination({ url });
    const handle = await (await nursery()).add(destination);
    const sent = handle.send(batch('a'));
    await until(() => destination.broke.length > 0);
    expect(destination.broke[0]![0]).toContain('connect to ws://***@127.0.0.1');
    expect(`${destination.broke.join()} ${destination.describeWait()}`).not.toContain('secret');
    expect(printableURL('ws://127.0.0.1/?mail=a@b')).toBe('ws://127.0.0.1/?mail=a@b');
    expect(printableURL('https://user:secret@a/')).toBe('https://***@a/');
    expect(() => new Destination({ url: 'ws:///user:secret@a/' })).toThrow('"ws://***@a/"');
    await handle.stop({ drainMs: 0 });
    await sent?.catch(() => {});
  });

  test('that says more than 64 KiB is left', async () => {
    const loud = await cloud();
    const destination = new Destination({ url: urlOf(loud) });
    const handle = await (await nursery()).add(destination);
    await until(() => destination.connected && loud.open.size === 1);
    for (const ws of loud.open) ws.send(Buffer.alloc(70_000));
    await until(() => destination.broke.length > 0);
    expect(destination.broke[0]![0]).toContain('Max payload size exceeded');
    await handle.stop();
  });

  test('over wss:// with a certificate of our own is trusted by its ca, and confirmed', async () => {
    const own = selfSigned();
    const secure = await cloud(own);
    const destination = new Destination({ url: urlOf(secure, 'wss'), tls: { ca: own.cert } });
    const handle = await (await nursery()).add(destination);
    await handle.send(batch('secret', 'x'.repeat(300_000)));
    await until(() => destination.delivery().unconfirmed === 0 && secure.got.length === 2);
    // A connection that breaks is made again, by the same rules.
    for (const socket of secure.sockets) socket.destroy();
    await until(() => destination.broke.length === 1);
    await handle.send(batch('again'));
    await until(() => secure.got.length >= 3);
    expect((await handle.stop()).verdict).toBe('clean');
    expect(secure.got.map(({ length }) => length)).toEqual([6, 300_000, 5]);
  });

  test.each<[string, object | undefined, string]>([
    ['without its ca', undefined, 'self-signed certificate'],
    ['with the ca of another', { ca: selfSigned().cert }, 'self-signed certificate'],
    ['under another name', { servername: 'elsewhere.example' }, 'elsewhere.example'],
  ])('over wss:// %s is refused, with the reason, and tried again', async (_what, tls, why) => {
    const own = selfSigned();
    const secure = await cloud(own);
    const more = tls !== undefined && 'servername' in tls ? { ca: own.cert, ...tls } : tls;
    const destination = new Destination({ url: urlOf(secure, 'wss'), tls: more });
    const handle = await (await nursery()).add(destination);
    await until(() => destination.broke.length > 1);
    expect(destination.broke[0]![0]).toContain(why);
    expect(destination.connected).toBe(false);
    await handle.stop();
  });

  test('over wss:// trusts whom it is told to where nothing is verified', async () => {
    const secure = await cloud(selfSigned());
    const master = new WebSocketMasterThread({ urls: [urlOf(secure, 'wss')], tls: { rejectUnauthorized: false } });
    const handle = await (await nursery()).add(master);
    await handle.send(batch('a'));
    await until(() => secure.got.length === 1);
    await handle.stop();
  });

  test.each<[object, string]>([
    [{ url: 'ws://a', tls: {} }, 'options.tls'],
    [{ url: 'wss://a', tls: { CA: 'x' } }, 'options.tls.CA'],
    [{ url: 'wss://a', tls: 5 }, 'options.tls'],
    [{ url: 'ws://a', pongTimeout: 5 }, 'options.pongTimeout'],
  ])('refuses %j, and names %s', (options, field) => {
    expect(() => new WebSocketSubThread(options as WebSocketSubOptions)).toThrow(
      expect.objectContaining({ code: 'TT_INVALID_OPTION', field }),
    );
  });
});
