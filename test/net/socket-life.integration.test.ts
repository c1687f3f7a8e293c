import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CancelledError } from '../../src/kernel/errors.ts';
import { live } from '../../src/kernel/probe.ts';
import { Listener } from '../../src/net/listener.ts';
import { Socket } from '../../src/net/socket.ts';
import {
  checkLeaks,
  drain,
  failureOf,
  HandClock,
  HandScheduler,
  HOST,
  loopTurn,
  newScope,
  pair,
  pattern,
  rawPair,
} from './connection.ts';

checkLeaks();

/** A port of this machine on which nobody listens. */
async function freePort(): Promise<number> {
  const listener = await Listener.listen({ port: 0 });
  const { port } = listener;
  listener.close();
  return port!;
}

describe('connect', () => {
  test('gives a socket that knows both addresses, also when it is closed', async () => {
    const { near, far } = await pair();
    expect([near.remoteAddress, near.localAddress]).toEqual([HOST, HOST]);
    expect([near.remotePort, near.localPort]).toEqual([far.localPort, far.remotePort]);
    near.close();
    await near.waitClosed();
    expect([near.remoteAddress, near.remotePort]).toEqual([HOST, far.localPort]);
    expect([near.localAddress, near.localPort]).toEqual([HOST, far.remotePort]);
    expect(String(near)).toBe(`socket ${HOST}:${far.localPort}`);
  });

  test('works by host name and by path', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'taskthread-'));
    const path = join(folder, 'socket');
    for (const [address, target] of [
      [{ path }, () => ({ path })],
      [{ host: 'localhost', port: 0 }, (port: number | undefined) => ({ host: 'localhost', port: port! })],
    ] as const) {
      const listener = await Listener.listen(address);
      await using near = await Socket.connect(target(listener.port));
      await using far = await listener.accept();
      await near.sendAll(Buffer.from('hello'));
      near.end();
      expect(String(await drain(far))).toBe('hello');
      near.reset();
      await listener[Symbol.asyncDispose]();
    }
    rmSync(folder, { recursive: true });
  });

  test('says which address refused, and why', async () => {
    const port = await freePort();
    const failure = await failureOf(Socket.connect({ host: HOST, port }));
    expect(failure).toMatchObject({ code: 'TT_ADDRESS', address: `${HOST}:${port}`, cause: { code: 'ECONNREFUSED' } });
    expect(failure.message).toContain('ECONNREFUSED');
    const byName = await failureOf(Socket.connect({ host: 'localhost', port }));
    expect(byName.message).toContain('ECONNREFUSED');
    const noSuchPath = await failureOf(Socket.connect({ path: '/nowhere/socket' }));
    expect(noSuchPath).toMatchObject({ code: 'TT_ADDRESS', cause: { code: 'ENOENT' } });
    expect(live.sockets).toBe(0);
  });

  test('cancelled, leaves no socket behind when it rejects', async () => {
    const listener = await Listener.listen({ port: 0 });
    const scope = newScope();
    const connecting = failureOf(Socket.connect({ host: HOST, port: listener.port! }, { scope }));
    scope.cancel(new CancelledError('by the test'));
    expect(await connecting).toMatchObject({ code: 'TT_CANCELLED' });
    expect(live.sockets).toBe(0);
    const again = failureOf(Socket.connect({ host: HOST, port: listener.port! }, { scope }));
    expect(await again).toMatchObject({ code: 'TT_CANCELLED' });
    listener.close();
  });

  test('timed out, says after how long, and leaves neither socket nor timer', async () => {
    const listener = await Listener.listen({ port: 0 });
    const clock = new HandClock();
    const scope = newScope({ clock });
    const connecting = failureOf(Socket.connect({ host: HOST, port: listener.port! }, { scope, timeoutMs: 70 }));
    clock.fire();
    expect(await connecting).toMatchObject({ code: 'TT_TIMEOUT', timeoutMs: 70 });
    expect([live.sockets, [...scope.members()]]).toEqual([0, []]);

    const slow = failureOf(Socket.connect({ host: HOST, port: listener.port! }, { scope, timeoutMs: 70 }));
    scope.cancel(new CancelledError('by the test'));
    expect(await slow).toMatchObject({ code: 'TT_CANCELLED' });
    expect(clock.armed).toBe(false);
    listener.close();
  });

  test('in time, the limit is forgotten', async () => {
    const listener = await Listener.listen({ port: 0 });
    const clock = new HandClock();
    const scope = newScope({ clock });
    await using near = await Socket.connect({ host: HOST, port: listener.port! }, { scope, timeoutMs: 70 });
    expect([clock.armed, [...scope.members()], near.closed]).toEqual([false, [], false]);
    await using unscoped = await Socket.connect({ host: HOST, port: listener.port! }, { timeoutMs: 60_000 });
    expect(unscoped.closed).toBe(false);
    await listener[Symbol.asyncDispose]();
  });

  test('cancelled while it waits for the next slice opens nothing', async () => {
    const scheduler = new HandScheduler();
    const scope = newScope({ scheduler });
    const connecting = failureOf(Socket.connect({ host: HOST, port: 1 }, { scope }));
    scope.cancel(new CancelledError('by the test'));
    scheduler.openSlice();
    expect(await connecting).toMatchObject({ code: 'TT_CANCELLED' });
  });

  test('wrong addresses and options are named', async () => {
    const wrong: [unknown, unknown?][] = [
      [{ host: HOST, port: 0 }],
      [{ host: '', port: 1 }],
      [{ path: '' }],
      [{ path: 'x', port: 1 }],
      [{ host: HOST, port: 1 }, { timeoutMs: -1 }],
      [{ host: HOST, port: 1 }, { timeout: 1 }],
    ];
    const fields: unknown[] = [];
    for (const [address, options] of wrong) {
      const failure = await failureOf(Socket.connect(address as never, options as never));
      fields.push((failure as { field?: string }).field);
    }
    expect(fields).toEqual([
      'address.port',
      'address.host',
      'address.path',
      'address.port',
      'options.timeoutMs',
      'options.timeout',
    ]);
  });
});

describe('the end of a connection', () => {
  test("the peer's end leaves our sending open, and both ends close the socket by themselves", async () => {
    const { near, far } = await pair();
    await far.sendAll(Buffer.from('question'));
    far.end();
    expect(String(await drain(near))).toBe('question');
    await near.sendAll(pattern(300_000));
    expect(near.snapshot()).toMatchObject({ state: 'open', peerEnded: true, sendingEnded: false });
    near.end();
    expect((await drain(far)).equals(pattern(300_000))).toBe(true);
    await near.waitClosed();
    await far.waitClosed();
    expect([near.closed, far.closed]).toEqual([true, true]);
    expect((await near.recv()).length).toBe(0);
    expect(await failureOf(near.sendAll(Buffer.from('x')))).toMatchObject({ code: 'TT_SOCKET_CLOSED' });
  });

  test('what was read ahead is still delivered after both ends have ended', async () => {
    const { near, far } = await pair();
    await far.sendAll(Buffer.from('abc'));
    far.end();
    near.end();
    await near.waitClosed();
    expect([String(await near.recv()), (await near.recv()).length]).toEqual(['abc', 0]);
  });

  test("waiting for the end sees the peer's although nobody receives", async () => {
    const { near, far } = await pair();
    near.end();
    const closed = near.waitClosed();
    await drain(far);
    far.end();
    await closed;
  });

  test('a wait for the end can be cancelled, and refused', async () => {
    const { near } = await pair();
    const scope = newScope();
    const waiting = failureOf(near.waitClosed({ scope }));
    scope.cancel(new CancelledError('by the test'));
    expect(await waiting).toMatchObject({ code: 'TT_CANCELLED' });
    expect(await failureOf(near.waitClosed({ scope }))).toMatchObject({ code: 'TT_CANCELLED' });
    expect(near.closed).toBe(false);
  });

  test('close and reset are idempotent, in any order, and end every wait', async () => {
    const { near, far } = await pair();
    const waits = [near.recv(), near.waitClosed()];
    near.reset();
    near.close();
    near.reset();
    near.end();
    expect(await failureOf(waits[0]!)).toMatchObject({ code: 'TT_SOCKET_CLOSED' });
    await waits[1];
    expect(near.snapshot()).toMatchObject({ state: 'closed', waits: [], unreadBytes: 0, unsentBytes: 0 });
    expect(await failureOf(far.recv())).toMatchObject({ code: 'TT_SOCKET_FAILED', cause: { code: 'ECONNRESET' } });
    await near.waitClosed({ scope: newScope() });
  });

  test('disposal closes, and the asynchronous one waits until nothing is left', async () => {
    const { near, far } = await pair();
    near[Symbol.dispose]();
    expect(near.snapshot().state).toBe('closing');
    await far[Symbol.asyncDispose]();
    expect(far.closed).toBe(true);
    await far[Symbol.asyncDispose]();
  });

  test('a Node socket that somebody else destroys ends every wait', async () => {
    const { near, nearNode } = await rawPair();
    const waiting = failureOf(near.recv());
    nearNode.destroy();
    expect(await waiting).toMatchObject({ code: 'TT_SOCKET_CLOSED' });
    expect(await failureOf(near.sendAll(Buffer.from('x')))).toMatchObject({ code: 'TT_SOCKET_CLOSED' });
  });
});

test('there is one stream of a socket, so that what one read has read ahead is there for the next', async () => {
  const { near, far } = await pair();
  await near.sendAll(Buffer.from('alice\nsecret\n'));
  near.end();
  expect(String(await far.asStream().readLine())).toBe('alice\n');
  expect(String(await far.asStream().readLine())).toBe('secret\n');
  expect(far.asStream()).toBe(far.asStream());
  expect(far.asStream()).not.toBe(near.asStream());
});

test('no word leaves a listener on the Node socket', async () => {
  const { near, nearNode, far } = await rawPair();
  const listeners = () => nearNode.eventNames().map((name) => [name, nearNode.listenerCount(name)]);
  const before = listeners();
  far.resume();
  for (let i = 0; i < 50; i++) {
    const scope = newScope();
    far.write('x');
    await near.recv(10, { scope });
    await near.sendAll(pattern(200_000), { scope });
    await near.flush({ scope });
    const cut = [near.recv(10, { scope }), near.waitClosed({ scope })].map(failureOf);
    scope.cancel(new CancelledError('by the test'));
    await Promise.all(cut);
    expect([...scope.members()]).toEqual([]);
  }
  expect(listeners()).toEqual(before);
});

test('a snapshot is plain data, with what is waited for and since when', async () => {
  const { near, far } = await pair();
  const scheduler = new HandScheduler();
  scheduler.spend = () => false;
  scheduler.coarseNow = 1234;
  await far.sendAll(Buffer.from('abc'));
  await near.recv(1);
  const scope = newScope({ scheduler });
  const waits = [near.waitClosed({ scope }).catch(() => {}), near.recv(2), near.recv(1, { scope }).catch(() => {})];
  await waits[1];
  const snapshot = near.snapshot();
  expect(JSON.parse(JSON.stringify(snapshot))).toMatchObject({
    state: 'open',
    remote: `${HOST}:${near.remotePort}`,
    bytesRead: 3,
    unreadBytes: 0,
    waits: [
      { on: `bytes from socket ${HOST}:${near.remotePort}`, sinceMs: 1234 },
      { on: `the end of socket ${HOST}:${near.remotePort}`, sinceMs: 1234 },
    ],
  });
  near.setNoDelay(false);
  near.close();
  await Promise.all(waits);
  await loopTurn();
});
