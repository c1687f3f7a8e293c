// A destination thread by itself: what it does when nobody answers. (With the whole pipeline: test/examples.)

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { start } from '../../src/index.ts';
import { leakCheck } from '../../src/testing/index.ts';
import { WebSocketSubThread } from '../../src/threads/index.ts';

/** Notes each time that the destination could not be had. */
class Watched extends WebSocketSubThread {
  readonly refusals: string[] = [];
  readonly #onBroken: () => void;

  constructor(url: string, onBroken: () => void) {
    super({ url, connectTimeoutMs: 50, backoff: { minMs: 1, maxMs: 2 } });
    this.#onBroken = onBroken;
  }

  protected override broken(why: string): void {
    this.refusals.push(why);
    this.#onBroken();
  }
}

test('a server that takes the connection and never answers is given up after connectTimeoutMs, and tried again', async () => {
  const check = leakCheck();
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  let tries = 0;
  let twice = (): void => {};
  const triedTwice = new Promise<void>((resolve) => {
    twice = resolve;
  });
  const thread = new Watched(`ws://127.0.0.1:${(silent.address() as AddressInfo).port}/`, () => {
    if (++tries === 2) twice();
  });
  const root = await start(thread as never);
  await triedTwice;
  expect(thread.refusals[0]).toContain('50 ms');
  await (root as { stop(): Promise<unknown> }).stop();
  for (const socket of sockets) socket.destroy();
  silent.close();
  await once(silent, 'close');
  check();
});

test('a wrong URL and a wrong limit say so', () => {
  expect(() => new WebSocketSubThread({ url: 'http://a' })).toThrow('options.url must be a ws:// or wss:// URL');
  expect(() => new WebSocketSubThread({ url: 'ws://a', connectTimeoutMs: -1 })).toThrow('options.connectTimeoutMs');
});
