import { runInScope } from '../../src/kernel/ambient.ts';
import { CancelledError } from '../../src/kernel/errors.ts';
import { DatagramSocket } from '../../src/net/datagram-socket.ts';
import { Listener } from '../../src/net/listener.ts';
import { Socket } from '../../src/net/socket.ts';
import { checkLeaks, failureOf, HOST, loopTurn, newScope, pair } from './connection.ts';

checkLeaks();

const LARGE = Buffer.alloc(32 * 1024 * 1024);

/** Words that wait, said without a scope. */
const WORDS: Record<string, (near: Socket, listener: Listener, datagrams: DatagramSocket) => Promise<unknown>> = {
  recv: (near) => near.recv(),
  recvInto: (near) => near.recvInto(Buffer.alloc(1)),
  sendAll: (near) => near.sendAll(LARGE),
  flush: (near) => near.sendAll(LARGE).catch(() => near.flush()),
  waitClosed: (near) => near.waitClosed(),
  'readLine of a stream': (near) => near.asStream().readLine(),
  'lines of a stream': (near) => near.asStream().lines().next(),
  'write of a stream': (near) => near.asStream().write(LARGE),
  connect: (_near, listener) => Socket.connect({ host: HOST, port: listener.port! }),
  listen: () => Listener.listen({ port: 0 }),
  accept: (_near, listener) => listener.accept(),
  bind: () => DatagramSocket.bind({ port: 0 }),
  recvFrom: (_near, _listener, datagrams) => datagrams.recvFrom(),
};

test.each(Object.entries(WORDS))(
  '%s without a scope belongs to the one around the running code',
  async (_name, word) => {
    const { near } = await pair();
    await using listener = await Listener.listen({ port: 0 });
    using datagrams = await DatagramSocket.bind({ port: 0 });
    const scope = newScope();
    const waiting = failureOf(
      runInScope(scope, async () => {
        await Promise.resolve();
        return word(near, listener, datagrams);
      }),
    );
    await Promise.resolve();
    scope.cancel(new CancelledError('by the test'));
    expect(await waiting).toMatchObject({ code: 'TT_CANCELLED' });
  },
);

test('a scope that is given is used, and not the one around', async () => {
  const { near, far } = await pair();
  const scope = newScope();
  const receiving = runInScope(scope, () => near.recv(10, { scope: newScope() }));
  scope.cancel(new CancelledError('by the test'));
  await loopTurn();
  await far.sendAll(Buffer.from('here'));
  expect(String(await receiving)).toBe('here');
});
