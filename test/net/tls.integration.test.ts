import { connect as connectNode, createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { CancelledError } from '../../src/kernel/errors.ts';
import { live } from '../../src/kernel/probe.ts';
import { Listener } from '../../src/net/listener.ts';
import { Socket } from '../../src/net/socket.ts';
import { CERT, KEY } from './certificate.ts';
import {
  checkLeaks,
  drain,
  failureOf,
  HandClock,
  HOST,
  loopTurn,
  moveElsewhere,
  newScope,
  pattern,
  tlsPair,
} from './connection.ts';

const SERVER = { cert: CERT, key: KEY };
const LARGE = pattern(8 * 1024 * 1024);

checkLeaks();

const listenTls = (tls = {}) => Listener.listen({ port: 0, tls: { ...SERVER, ...tls } });

async function until(done: () => boolean): Promise<void> {
  while (!done()) await loopTurn();
}

/** A client that speaks no TLS, and tells when its connection is over. */
function plainClient(listener: Listener) {
  const node = connectNode({ host: HOST, port: listener.port! });
  node.on('error', () => {}).resume();
  return { node, closed: new Promise<void>((resolve) => node.once('close', () => resolve())) };
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('a connection over %s', (version) => {
  test('carries bytes both ways, and tells how it is secured', async () => {
    const { near, far } = await tlsPair(version);
    await near.sendAll(Buffer.from('ping'));
    expect(String(await far.recv())).toBe('ping');
    await far.sendAll(Buffer.from('pong'));
    expect(String(await near.recv())).toBe('pong');
    expect(near.tls).toMatchObject({ protocol: version, authorized: true, peerFingerprint: expect.any(String) });
    expect(far.tls).toMatchObject({ protocol: version, authorized: false, peerFingerprint: undefined });
    expect(near.remotePort).toBe(far.localPort);
    const agreed = [near.tls, far.tls];
    near.close();
    await near.waitClosed();
    expect((await far.recv()).length).toBe(0);
    far.close();
    await far.waitClosed();
    expect([near.tls, far.tls]).toEqual(agreed);
  });

  test('is half-open: the end of one side is read, and its other direction goes on', async () => {
    const { near, far } = await tlsPair(version);
    const sendWhole = (socket: Socket) => socket.sendAll(LARGE).then(() => socket.end());
    const [there] = await Promise.all([drain(far), sendWhole(near)]);
    const [back] = await Promise.all([drain(near), sendWhole(far)]);
    expect([there.equals(LARGE), back.equals(LARGE)]).toEqual([true, true]);
    await near.waitClosed();
    await far.waitClosed();
  });

  test('holds back a sender whose peer does not read', async () => {
    const { near, far } = await tlsPair(version);
    const sending = near.sendAll(LARGE);
    await moveElsewhere(4 * LARGE.length);
    expect(near.bytesWritten).toBeLessThan(LARGE.length);
    expect([near.snapshot().waits.length, far.snapshot().unreadBytes]).toEqual([1, 0]);
    const received = drain(far);
    await sending;
    near.end();
    expect((await received).equals(LARGE)).toBe(true);
  });

  test('a send that is cut says exactly what was handed over, and that is what the peer sees', async () => {
    const { near, far } = await tlsPair(version);
    const scope = newScope();
    const sending = failureOf(near.sendAll(LARGE, { scope }));
    await moveElsewhere(LARGE.length);
    scope.cancel(new CancelledError('by the test'));
    expect(await sending).toMatchObject({ code: 'TT_CANCELLED', progress: { bytesWritten: near.bytesWritten } });
    near.end();
    expect((await drain(far)).equals(LARGE.subarray(0, near.bytesWritten))).toBe(true);
  });

  test('flushed after its end and then closed, cuts nothing off', async () => {
    const { near, far } = await tlsPair(version);
    await near.sendAll(Buffer.from('the last words'));
    near.end();
    await near.flush();
    near.close();
    expect(String(await drain(far))).toBe('the last words');
  });

  test('close wakes the reader, and a reset closes', async () => {
    const { near, far } = await tlsPair(version);
    const reading = failureOf(near.recv());
    near.close();
    expect(await reading).toMatchObject({ code: 'TT_SOCKET_CLOSED' });
    far.reset();
    await far.waitClosed();
  });
});

describe('a handshake', () => {
  test('agrees on a protocol and a host name, and knows a client by its certificate', async () => {
    const tls = { ALPNProtocols: ['echo/1'], requestCert: true, ca: CERT };
    await using listener = await listenTls(tls);
    const accepted = listener.accept();
    const asked = { ca: CERT, servername: 'localhost', ALPNProtocols: ['echo/2', 'echo/1'], ...SERVER };
    await using near = await Socket.connect({ host: HOST, port: listener.port!, tls: asked });
    await using far = await accepted;
    const agreed = { alpnProtocol: 'echo/1', serverName: 'localhost', authorized: true };
    expect([near.tls, far.tls]).toMatchObject([agreed, { ...agreed, peerFingerprint: expect.any(String) }]);
  });

  test('fails clearly for a certificate that is not trusted, and leaves nothing', async () => {
    await using listener = await listenTls();
    const failure = await failureOf(Socket.connect({ host: HOST, port: listener.port!, tls: {} }));
    expect(failure).toMatchObject({ code: 'TT_TLS_HANDSHAKE', cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
    // Newer ones of Node add a hint.
    expect(failure.message).toMatch(
      `cannot secure the connection to ${HOST}:${listener.port}: self-signed certificate`,
    );
    await until(() => listener.snapshot().handshakesFailed + listener.snapshot().accepted === 1);
    expect(live.sockets).toBe(listener.snapshot().pending);
  });

  test('fails clearly for a host name that the certificate does not have', async () => {
    await using listener = await listenTls({ maxVersion: 'TLSv1.2' });
    const tls = { ca: CERT, servername: 'elsewhere.example' };
    const failure = await failureOf(Socket.connect({ host: HOST, port: listener.port!, tls }));
    expect(failure).toMatchObject({ code: 'TT_TLS_HANDSHAKE', cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' } });
  });

  test('with a peer that speaks no TLS, or ends at once, fails clearly', async () => {
    const server = createServer((node) => {
      node.on('error', () => {}).resume();
      if (++connections === 1) node.write('220 ready\r\n');
      node.end();
    });
    let connections = 0;
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    const { port } = server.address() as { port: number };
    for (let i = 0; i < 2; i++) {
      expect(await failureOf(Socket.connect({ host: HOST, port, tls: { ca: CERT } }))).toMatchObject({
        code: 'TT_TLS_HANDSHAKE',
      });
    }
    await new Promise((resolve) => server.close(resolve));
    expect(await failureOf(Socket.connect({ host: HOST, port, tls: { ca: CERT } }))).toMatchObject({
      code: 'TT_ADDRESS',
      cause: { code: 'ECONNREFUSED' },
    });
  });

  test('that is cancelled or takes too long leaves no socket', async () => {
    const server = createServer((node) => void node.on('error', () => {}).resume());
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    const { port } = server.address() as { port: number };
    const scope = newScope();
    const arrived = new Promise((resolve) => server.once('connection', resolve));
    const connecting = failureOf(Socket.connect({ host: HOST, port, tls: { ca: CERT } }, { scope }));
    await arrived;
    scope.cancel(new CancelledError('by the test'));
    expect(await connecting).toMatchObject({ code: 'TT_CANCELLED' });

    const clock = new HandClock();
    const again = new Promise((resolve) => server.once('connection', resolve));
    const slow = failureOf(
      Socket.connect({ host: HOST, port, tls: { ca: CERT } }, { scope: newScope({ clock }), timeoutMs: 50 }),
    );
    await again;
    clock.fire();
    expect(await slow).toMatchObject({ code: 'TT_TIMEOUT' });
    expect(live.sockets).toBe(0);
    await new Promise((resolve) => server.close(resolve));
  });

  test('of a client that ends, or talks something else, is counted, and the listener goes on', async () => {
    await using listener = await listenTls();
    const ends = plainClient(listener);
    ends.node.end();
    const talks = plainClient(listener);
    talks.node.write('GET / HTTP/1.0\r\n\r\n');
    await ends.closed;
    await talks.closed;
    await until(() => listener.snapshot().handshakesFailed === 2);
    expect(listener.snapshot()).toMatchObject({ accepted: 0, handshaking: 0, lastError: expect.any(String) });
    const accepted = listener.accept();
    await using near = await Socket.connect({ host: HOST, port: listener.port!, tls: { ca: CERT } });
    await using far = await accepted;
    expect(near.localPort).toBe(far.remotePort);
  });

  test('that a client does not begin is broken off', async () => {
    await using listener = await Listener.listen({ port: 0, tls: SERVER, handshakeTimeoutMs: 30 });
    const silent = plainClient(listener);
    await silent.closed;
    await until(() => listener.snapshot().handshakesFailed === 1);
    expect(listener.snapshot()).toMatchObject({ lastError: expect.stringContaining('timeout') });
  });

  test('counts as a connection that waits, and closing the listener ends it', async () => {
    const listener = await Listener.listen({ port: 0, tls: SERVER, maxPending: 1 });
    const first = plainClient(listener);
    await until(() => listener.snapshot().handshaking === 1);
    const second = plainClient(listener);
    await second.closed;
    expect(listener.snapshot()).toMatchObject({ handshaking: 1, refused: 1, handshakesFailed: 0 });
    listener.close();
    await first.closed;
    await until(() => listener.snapshot().handshaking === 0);
  });
});

test('our client and Node’s server understand each other, and Node’s client and ours', async () => {
  const server = createTlsServer(SERVER, (node) => void node.pipe(node));
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const { port } = server.address() as { port: number };
  const near = await Socket.connect({ host: HOST, port, tls: { ca: CERT } });
  const [received] = await Promise.all([drain(near), near.sendAll(LARGE).then(() => near.end())]);
  expect(received.equals(LARGE)).toBe(true);
  await near.waitClosed();
  await new Promise((resolve) => server.close(resolve));
});

test('wrong options are named, and no key is shown', async () => {
  const failures = [
    await failureOf(Socket.connect({ host: HOST, port: 1, tls: { cer: CERT } as never })),
    await failureOf(Socket.connect({ host: HOST, port: 1, tls: { ca: CERT, cert: CERT, key: 'SECRET' } })),
    await failureOf(Listener.listen({ port: 0, tls: { cert: CERT, key: 'SECRET' } })),
    await failureOf(Listener.listen({ port: 0, tls: { ...SERVER, ccert: 1 } as never })),
    await failureOf(Listener.listen({ port: 0, tls: SERVER, handshakeTimeoutMs: -1 })),
    await failureOf(Listener.listen({ path: '/tmp/x', tls: SERVER } as never)),
  ];
  expect(failures.map((failure) => (failure as { field?: string }).field)).toEqual([
    'address.tls.cer',
    'address.tls',
    'address.tls',
    'address.tls.ccert',
    'address.handshakeTimeoutMs',
    'address.tls',
  ]);
  for (const { message } of failures) expect(message).not.toContain('SECRET');
});
