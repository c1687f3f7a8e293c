/** Waits that nobody awaits: a cancel of their scope is no unhandled rejection (the check after each test would see it). */
import type { Scoped } from '../../src/kernel/cancel-scope.ts';
import { CancelledError, IntakeClosedError, ThreadEndedError } from '../../src/kernel/errors.ts';
import { DatagramSocket } from '../../src/net/datagram-socket.ts';
import { Listener } from '../../src/net/listener.ts';
import { Socket } from '../../src/net/socket.ts';
import { checkLeaks, HOST, loopTurn, newScope, pair } from './connection.ts';

checkLeaks();

const LARGE = Buffer.alloc(32 * 1024 * 1024);

type Wait = (near: Socket, scope: Scoped, listener: Listener, datagrams: DatagramSocket) => Promise<unknown>;

const WORDS: Record<string, Wait> = {
  recv: (near, scope) => near.recv(10, { scope }),
  recvInto: (near, scope) => near.recvInto(Buffer.alloc(1), { scope }),
  sendAll: (near, scope) => near.sendAll(LARGE, { scope }),
  flush: (near, scope) => {
    void near.sendAll(LARGE, { scope });
    return near.flush({ scope });
  },
  waitClosed: (near, scope) => near.waitClosed({ scope }),
  read: (near, scope) => near.asStream().read(1, { scope }),
  readAll: (near, scope) => near.asStream().readAll({ scope }),
  readExactly: (near, scope) => near.asStream().readExactly(1, { scope }),
  readInto: (near, scope) => near.asStream().readInto(Buffer.alloc(1), { scope }),
  readLine: (near, scope) => near.asStream().readLine({ scope }),
  readLines: (near, scope) => near.asStream().readLines(1, { scope }),
  write: (near, scope) => near.asStream().write(LARGE, { scope }),
  writeLines: (near, scope) => near.asStream().writeLines([LARGE], { scope }),
  connect: (_near, scope, listener) => Socket.connect({ host: HOST, port: listener.port! }, { scope }),
  listen: (_near, scope) => Listener.listen({ port: 0 }, { scope }),
  accept: (_near, scope, listener) => listener.accept({ scope }),
  bind: (_near, scope) => DatagramSocket.bind({ port: 0 }, { scope }),
  'connect of datagrams': (_near, scope) => DatagramSocket.connect({ host: HOST, port: 9 }, { scope }),
  recvFrom: (_near, scope, _listener, datagrams) => datagrams.recvFrom({ scope }),
  'send of a datagram': (_near, scope, _listener, datagrams) =>
    datagrams.send(LARGE.subarray(0, 10), { host: 'localhost', port: 9 }, { scope }),
};

test.each(Object.entries(WORDS))('%s', async (_name, word) => {
  const { near } = await pair();
  await using listener = await Listener.listen({ port: 0 });
  using datagrams = await DatagramSocket.bind({ port: 0 });
  const waiting = newScope();
  void word(near, waiting, listener, datagrams);
  waiting.closeIntake(new IntakeClosedError('/Root-1'));
  waiting.cancel(new CancelledError('by the test'));
  waiting.end(new ThreadEndedError('/Root-1'));
  await loopTurn();
  void word(near, waiting, listener, datagrams);
  await loopTurn();
  const spent = newScope();
  while (!spent.host.scheduler.spend());
  void word(near, spent, listener, datagrams);
  spent.cancel(new CancelledError('by the test'));
  await loopTurn();
});
