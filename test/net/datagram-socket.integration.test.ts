import { CancelledError } from '../../src/kernel/errors.ts';
import { live } from '../../src/kernel/probe.ts';
import type { DatagramBinding } from '../../src/net/datagram-options.ts';
import { DatagramSocket } from '../../src/net/datagram-socket.ts';
import { checkLeaks, ENDINGS, failureOf, HandScheduler, HOST, loopTurn, newScope } from './connection.ts';

checkLeaks();

const bind = (binding: Partial<DatagramBinding> = {}) => DatagramSocket.bind({ port: 0, ...binding });
const addressOf = (socket: DatagramSocket) => ({ host: socket.localAddress!, port: socket.localPort! });

async function received(socket: DatagramSocket, count: number): Promise<void> {
  while (socket.snapshot().received < count) await loopTurn();
}

describe('datagrams', () => {
  test('go from one to another, whole and with the address they came from', async () => {
    using near = await bind();
    using far = await bind();
    for (const text of ['one', '', 'x'.repeat(9000)]) {
      await near.send(Buffer.from(text), addressOf(far));
      const { bytes, address, port } = await far.recvFrom();
      expect([String(bytes), address, port]).toEqual([text, HOST, near.localPort]);
    }
    expect([near.snapshot().sent, far.snapshot().received, far.snapshot().delivered]).toEqual([3, 3, 3]);
  });

  test('are sent to a host by its name, and over version 6', async () => {
    using far = await bind();
    using near = await bind();
    await near.send(Buffer.from('by name'), { host: 'localhost', port: far.localPort! });
    expect(String((await far.recvFrom()).bytes)).toBe('by name');
    const sixth = await bind({ host: '::1' }).catch(() => undefined);
    if (sixth === undefined) return; // this machine has no version 6
    await sixth.send(Buffer.from('six'), addressOf(sixth));
    expect(await sixth.recvFrom()).toMatchObject({ address: '::1', port: sixth.localPort });
    sixth.close();
  });

  test('of a connected socket come from its peer only, and need no address', async () => {
    using peer = await bind();
    using near = await DatagramSocket.connect(addressOf(peer));
    await near.send(Buffer.from('ping'));
    const { address, port } = await peer.recvFrom();
    using stranger = await bind();
    await stranger.send(Buffer.from('not me'), addressOf(near));
    await peer.send(Buffer.from('pong'), { host: address, port });
    expect(String((await near.recvFrom()).bytes)).toBe('pong');
    expect(near.snapshot()).toMatchObject({ remote: `${HOST}:${peer.localPort}`, received: 1 });
  });

  test('to a port where nobody listens: the next word is told, and the socket goes on', async () => {
    const gone = await bind();
    const { port } = addressOf(gone);
    gone.close();
    using near = await DatagramSocket.connect({ host: HOST, port });
    const waiting = failureOf(near.recvFrom());
    await near.send(Buffer.from('anybody?'));
    expect(await waiting).toMatchObject({ code: 'TT_SOCKET_FAILED', cause: { code: 'ECONNREFUSED' } });
    using peer = await bind({ port });
    await near.send(Buffer.from('again'));
    expect(String((await peer.recvFrom()).bytes)).toBe('again');
  });

  test('that nobody takes wait in a bounded queue, which counts what it drops', async () => {
    using near = await bind();
    for (const [policy, kept] of [
      ['drop-newest', ['0', '1', '2']],
      ['drop-oldest', ['4', '5', '6']],
    ] as const) {
      using far = await bind({ maxQueued: 3, policy });
      for (let i = 0; i < 7; i++) {
        await near.send(Buffer.from(String(i)), addressOf(far));
        await received(far, i + 1);
      }
      expect(far.snapshot()).toMatchObject({ received: 7, queued: 3, queuedBytes: 3, dropped: 4, delivered: 0 });
      const texts: string[] = [];
      for await (const { bytes } of far) {
        texts.push(String(bytes));
        if (texts.length === 3) break;
      }
      expect(texts).toEqual(kept);
    }
  });

  test('too long for UDP fails the send, and nothing else', async () => {
    using near = await bind();
    using far = await bind();
    expect(await failureOf(near.send(Buffer.alloc(70_000), addressOf(far)))).toMatchObject({
      code: 'TT_SOCKET_FAILED',
      cause: { code: 'EMSGSIZE' },
    });
    await near.send(Buffer.from('short'), addressOf(far));
    expect(String((await far.recvFrom()).bytes)).toBe('short');
  });
});

describe('a wait that is cut short', () => {
  for (const ending of ENDINGS) {
    test(`recvFrom, ${ending.name}, took nothing, and the scope refuses from then on`, async () => {
      using near = await bind();
      using far = await bind();
      const { scope, end } = ending.begin();
      const waiting = failureOf(far.recvFrom({ scope }));
      end();
      expect(await waiting).toMatchObject({ code: ending.code });
      await near.send(Buffer.from('kept'), addressOf(far));
      await received(far, 1);
      expect(await failureOf(far.recvFrom({ scope }))).toMatchObject({ code: ending.code });
      expect(String((await far.recvFrom()).bytes)).toBe('kept');
    });
  }

  test('send says whether it had been handed over, and what it says is what the peer sees', async () => {
    using near = await bind();
    using far = await bind();
    const scope = newScope();
    const early = failureOf(near.send(Buffer.from('handed over'), addressOf(far), { scope }));
    // A name is looked up first, and the cancel comes before that is done.
    const late = failureOf(near.send(Buffer.from('never'), { host: 'localhost', port: far.localPort! }, { scope }));
    scope.cancel(new CancelledError('by the test'));
    expect(await early).toMatchObject({ code: 'TT_CANCELLED', progress: { bytesWritten: 11 } });
    expect(await late).toMatchObject({ code: 'TT_CANCELLED', progress: { bytesWritten: 0 } });
    expect(await failureOf(near.send(Buffer.from('x'), addressOf(far), { scope }))).toMatchObject({
      code: 'TT_CANCELLED',
      progress: { bytesWritten: 0 },
    });
    expect(String((await far.recvFrom()).bytes)).toBe('handed over');
    await near.send(Buffer.from('last'), addressOf(far));
    expect(String((await far.recvFrom()).bytes)).toBe('last');
    expect(near.snapshot().sent).toBe(2);
  });

  test('a second reader is refused while one waits, also for the next slice', async () => {
    using far = await bind();
    const first = failureOf(far.recvFrom());
    expect(await failureOf(far.recvFrom())).toMatchObject({ code: 'TT_BUSY' });
    far.close();
    expect(await first).toMatchObject({ code: 'TT_SOCKET_CLOSED' });

    using other = await bind();
    const scheduler = new HandScheduler();
    const late = failureOf(other.recvFrom({ scope: newScope({ scheduler }) }));
    expect(await failureOf(other.recvFrom())).toMatchObject({ code: 'TT_BUSY' });
    other.close();
    scheduler.openSlice();
    expect(await late).toMatchObject({ code: 'TT_SOCKET_CLOSED' });
  });

  test('cancelled between two slices takes nothing', async () => {
    using socket = await bind();
    await socket.send(Buffer.from('kept'), addressOf(socket));
    await received(socket, 1);
    const scheduler = new HandScheduler();
    const scope = newScope({ scheduler });
    const waiting = failureOf(socket.recvFrom({ scope }));
    scope.cancel(new CancelledError('by the test'));
    scheduler.openSlice();
    expect(await waiting).toMatchObject({ code: 'TT_CANCELLED' });
    expect(String((await socket.recvFrom()).bytes)).toBe('kept');
  });

  test('opening one leaves nothing', async () => {
    for (const open of [
      (scope: ReturnType<typeof newScope>) => DatagramSocket.bind({ port: 0 }, { scope }),
      (scope: ReturnType<typeof newScope>) => DatagramSocket.connect({ host: 'localhost', port: 9 }, { scope }),
    ]) {
      const scope = newScope();
      const opening = failureOf(open(scope));
      scope.cancel(new CancelledError('by the test'));
      expect(await opening).toMatchObject({ code: 'TT_CANCELLED' });
      expect(await failureOf(open(scope))).toMatchObject({ code: 'TT_CANCELLED' });
    }
    await loopTurn();
    expect(live.sockets).toBe(0);
  });
});

describe('close', () => {
  test('wakes who waits, refuses every word, ends an iteration, and is done once', async () => {
    const socket = await bind();
    const texts: string[] = [];
    const iterating = (async () => {
      for await (const { bytes } of socket) texts.push(String(bytes));
    })();
    await socket.send(Buffer.from('to myself'), addressOf(socket));
    await received(socket, 1);
    await loopTurn();
    expect(socket.snapshot()).toMatchObject({
      state: 'open',
      waits: [{ on: expect.stringContaining('a datagram to') }],
    });
    socket.close();
    socket.close();
    await iterating;
    expect(texts).toEqual(['to myself']);
    expect(await failureOf(socket.recvFrom())).toMatchObject({ code: 'TT_SOCKET_CLOSED' });
    expect(await failureOf(socket.send(Buffer.from('x'), { host: HOST, port: 9 }))).toMatchObject({
      code: 'TT_SOCKET_CLOSED',
      progress: { bytesWritten: 0 },
    });
    expect([socket.closed, socket.snapshot().state]).toEqual([true, 'closed']);
  });
});

test('what cannot be opened or is not of the form is named', async () => {
  using taken = await bind();
  expect(await failureOf(bind({ port: taken.localPort! }))).toMatchObject({
    code: 'TT_ADDRESS',
    cause: { code: 'EADDRINUSE' },
  });
  const unknown = { host: 'nobody.invalid', port: 9 };
  expect(await failureOf(DatagramSocket.connect(unknown))).toMatchObject({ code: 'TT_ADDRESS' });
  expect(await failureOf(taken.send(Buffer.from('x'), unknown))).toMatchObject({ code: 'TT_ADDRESS' });
  using connected = await DatagramSocket.connect(addressOf(taken));
  const wrong = [
    bind({ port: -1 }),
    bind({ maxQueued: 0 }),
    bind({ maxQueuedBytes: 0 }),
    bind({ policy: 'block' as never }),
    taken.send(Buffer.from('x')),
    taken.send(Buffer.from('x'), { host: HOST, port: 0 }),
    connected.send(Buffer.from('x'), { host: HOST, port: 9 }),
    connected.send(new ArrayBuffer(1) as never),
    connected.send('x' as never),
    connected.send([Buffer.from('x')] as never),
  ];
  const fields: unknown[] = [];
  for (const word of wrong) fields.push(((await failureOf(word)) as { field?: string }).field);
  expect(fields).toEqual([
    'address.port',
    'address.maxQueued',
    'address.maxQueuedBytes',
    'address.policy',
    'to',
    'address.port',
    'to',
    'bytes',
    'bytes',
    'bytes',
  ]);
  expect(connected.snapshot().sent).toBe(0);
});
