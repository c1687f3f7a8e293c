import { connect as connectNode, type Socket as NodeSocket } from 'node:net';
import { CancelledError, IntakeClosedError } from '../../src/kernel/errors.ts';
import { live } from '../../src/kernel/probe.ts';
import { Listener } from '../../src/net/listener.ts';
import { Socket } from '../../src/net/socket.ts';
import {
  checkLeaks,
  ENDINGS,
  failureOf,
  HandScheduler,
  HOST,
  loopTurn,
  moveElsewhere,
  newScope,
} from './connection.ts';

checkLeaks();

const connectTo = (listener: Listener) => Socket.connect({ host: HOST, port: listener.port! });

/** A peer that only connects, and tells when it saw the end. */
async function peerOf(listener: Listener): Promise<{ node: NodeSocket; ended: Promise<void> }> {
  const node = connectNode({ host: HOST, port: listener.port! });
  node.on('error', () => {});
  const ended = new Promise<void>((resolve) => node.once('close', () => resolve()));
  node.resume();
  await new Promise((resolve) => node.once('connect', resolve));
  return { node, ended };
}

/** How many of a kind of Node's own resources are alive. */
const resources = (kind: string) => process.getActiveResourcesInfo().filter((name) => name === kind).length;

/** Until so many connections have arrived at the listener. */
async function arrived(listener: Listener, count: number): Promise<void> {
  for (;;) {
    const { accepted, refused } = listener.snapshot();
    if (accepted + refused >= count) return;
    await loopTurn();
  }
}

describe('listen', () => {
  test('takes a free port for 0 and tells it, on this machine only unless told otherwise', async () => {
    const listener = await Listener.listen({ port: 0 });
    expect(listener.address).toBe(HOST);
    expect(listener.port).toBeGreaterThan(0);
    expect(String(listener)).toBe(`listener ${HOST}:${listener.port}`);
    expect(live.servers).toBe(1);
    listener.close();
    expect(live.servers).toBe(0);
  });

  test('says plainly why an address cannot be listened on', async () => {
    await using listener = await Listener.listen({ port: 0 });
    const inUse = await failureOf(Listener.listen({ port: listener.port! }));
    expect(inUse).toMatchObject({ code: 'TT_ADDRESS', cause: { code: 'EADDRINUSE' } });
    expect(inUse.message).toContain(
      `cannot listen on ${HOST}:${listener.port}: listen EADDRINUSE: address already in use`,
    );
    const notHere = await failureOf(Listener.listen({ host: '192.0.2.1', port: 0 }));
    expect(notHere).toMatchObject({ code: 'TT_ADDRESS', cause: { code: 'EADDRNOTAVAIL' } });
    const noFolder = await failureOf(Listener.listen({ path: '/nowhere/socket' }));
    expect(noFolder).toMatchObject({ code: 'TT_ADDRESS', address: '/nowhere/socket' });
    expect(live.servers).toBe(1);
  });

  test('cancelled, leaves nothing open, also when a host name is being looked up', async () => {
    for (const host of [HOST, 'localhost']) {
      const scope = newScope();
      const opening = failureOf(Listener.listen({ host, port: 0 }, { scope }));
      scope.cancel(new CancelledError('by the test'));
      expect(await opening).toMatchObject({ code: 'TT_CANCELLED' });
      expect(await failureOf(Listener.listen({ host, port: 0 }, { scope }))).toMatchObject({ code: 'TT_CANCELLED' });
    }
    while (resources('GetAddrInfoReqWrap') > 0) await loopTurn();
    await loopTurn();
    expect(resources('TCPServerWrap')).toBe(0);
    expect(live.servers).toBe(0);
  });

  test('wrong addresses are named', async () => {
    const wrong: unknown[] = [
      { port: -1 },
      { port: 0, host: '' },
      { port: 0, backlog: 0 },
      { port: 0, maxPending: 0 },
      { port: 0, max: 1 },
    ];
    const fields: unknown[] = [];
    for (const address of wrong) {
      fields.push(((await failureOf(Listener.listen(address as never))) as { field?: string }).field);
    }
    expect(fields).toEqual(['address.port', 'address.host', 'address.backlog', 'address.maxPending', 'address.max']);
  });
});

describe('accept', () => {
  test('gives the connections in the order of their arrival, fetched before or after they came', async () => {
    await using listener = await Listener.listen({ port: 0 });
    const first = listener.accept();
    const peers = [await connectTo(listener), await connectTo(listener), await connectTo(listener)];
    const sockets = [await first, await listener.accept(), await listener.accept()];
    expect(sockets.map((socket) => socket.remotePort)).toEqual(peers.map((peer) => peer.localPort));
    expect(listener.snapshot()).toMatchObject({ accepted: 3, delivered: 3, pending: 0, refused: 0 });
    for (const socket of [...peers, ...sockets]) await socket[Symbol.asyncDispose]();
  });

  test('a second acceptor is refused while the first one waits', async () => {
    await using listener = await Listener.listen({ port: 0 });
    const first = listener.accept();
    expect(await failureOf(listener.accept())).toMatchObject({ code: 'TT_BUSY' });
    await using peer = await connectTo(listener);
    await using socket = await first;
    expect(socket.remotePort).toBe(peer.localPort);
  });

  for (const ending of ENDINGS) {
    test(`${ending.name}, took no connection, and the scope refuses from then on`, async () => {
      await using listener = await Listener.listen({ port: 0 });
      const { scope, end } = ending.begin();
      const waiting = failureOf(listener.accept({ scope }));
      end();
      expect(await waiting).toMatchObject({ code: ending.code });
      await using peer = await connectTo(listener);
      await arrived(listener, 1);
      expect(await failureOf(listener.accept({ scope }))).toMatchObject({ code: ending.code });
      await using socket = await listener.accept();
      expect(socket.remotePort).toBe(peer.localPort);
    });
  }

  test('spends the budget of the slice, holds its place meanwhile, and takes nothing when cancelled', async () => {
    await using listener = await Listener.listen({ port: 0 });
    await using peer = await connectTo(listener);
    await arrived(listener, 1);
    const scheduler = new HandScheduler();
    const scope = newScope({ scheduler });
    const waiting = failureOf(listener.accept({ scope }));
    expect(await failureOf(listener.accept())).toMatchObject({ code: 'TT_BUSY' });
    scope.closeIntake(new IntakeClosedError('/Root-1'));
    scheduler.openSlice();
    expect(await waiting).toMatchObject({ code: 'TT_INTAKE_CLOSED' });
    expect(listener.snapshot()).toMatchObject({ pending: 1, delivered: 0 });
    await using socket = await listener.accept();
    expect(socket.remotePort).toBe(peer.localPort);
  });

  test('of a connection that nobody has fetched not a byte is read', async () => {
    await using listener = await Listener.listen({ port: 0 });
    await using peer = await connectTo(listener);
    await peer.sendAll(Buffer.alloc(10_000));
    await moveElsewhere(1_000_000);
    await using socket = await listener.accept();
    expect(socket.bytesRead).toBe(0);
    expect((await socket.recv()).length).toBeGreaterThan(0);
  });

  test('refuses and counts what is over the bound, and harms none of the others', async () => {
    const listener = await Listener.listen({ port: 0, maxPending: 2 });
    const peers: Awaited<ReturnType<typeof peerOf>>[] = [];
    for (let i = 0; i < 5; i++) {
      peers.push(await peerOf(listener));
      await arrived(listener, i + 1);
    }
    for (const { ended, node } of peers.slice(2)) {
      node.end();
      await ended;
    }
    expect(listener.snapshot()).toMatchObject({ accepted: 2, pending: 2, refused: 3, maxPending: 2 });
    const sockets = [await listener.accept(), await listener.accept()];
    expect(sockets.map((socket) => socket.remotePort)).toEqual(peers.slice(0, 2).map(({ node }) => node.localPort));
    const late = await peerOf(listener);
    await using socket = await listener.accept();
    expect(socket.remotePort).toBe(late.node.localPort);
    listener.close();
    for (const open of [...sockets, socket]) await open[Symbol.asyncDispose]();
    for (const { node, ended } of [...peers, late]) {
      node.destroy();
      await ended;
    }
  });
});

describe('close', () => {
  test('wakes the acceptor, closes what nobody fetched, spares what was fetched, and frees the port', async () => {
    const listener = await Listener.listen({ port: 0 });
    const { port } = listener;
    await using fetchedPeer = await connectTo(listener);
    await using fetched = await listener.accept();
    const unfetched = await peerOf(listener);
    await arrived(listener, 2);
    listener.close();
    listener.close();
    unfetched.node.end();
    await unfetched.ended;
    await fetchedPeer.sendAll(Buffer.from('still here'));
    expect(String(await fetched.recv())).toBe('still here');
    expect(await failureOf(listener.accept())).toMatchObject({ code: 'TT_SOCKET_CLOSED' });
    expect(await failureOf(Socket.connect({ host: HOST, port: port! }))).toMatchObject({ code: 'TT_ADDRESS' });
    expect(listener.snapshot()).toMatchObject({ state: 'closed', pending: 0, accepted: 2, delivered: 1 });

    const again = await Listener.listen({ port: port! });
    const waiting = failureOf(again.accept());
    again[Symbol.dispose]();
    expect(await waiting).toMatchObject({ code: 'TT_SOCKET_CLOSED' });
  });

  test('asynchronous disposal waits until nothing of the unfetched connections is left', async () => {
    const listener = await Listener.listen({ port: 0 });
    const peer = await peerOf(listener);
    await arrived(listener, 1);
    expect(live.sockets).toBe(1);
    await listener[Symbol.asyncDispose]();
    expect([live.sockets, live.servers, listener.closed]).toEqual([0, 0, true]);
    peer.node.destroy();
    await peer.ended;
  });

  test('wakes the acceptor that waits for the next slice', async () => {
    const listener = await Listener.listen({ port: 0 });
    const scheduler = new HandScheduler();
    const waiting = failureOf(listener.accept({ scope: newScope({ scheduler }) }));
    listener.close();
    scheduler.openSlice();
    expect(await waiting).toMatchObject({ code: 'TT_SOCKET_CLOSED' });
  });
});

test('a snapshot tells what is waited for', async () => {
  await using listener = await Listener.listen({ port: 0 });
  const waiting = failureOf(listener.accept());
  expect(listener.snapshot()).toEqual({
    state: 'listening',
    address: `${HOST}:${listener.port}`,
    accepted: 0,
    delivered: 0,
    pending: 0,
    maxPending: 1024,
    refused: 0,
    handshaking: 0,
    handshakesFailed: 0,
    waits: [{ on: `a connection to listener ${HOST}:${listener.port}`, sinceMs: 0 }],
    lastError: undefined,
  });
  listener.close();
  await waiting;
});
