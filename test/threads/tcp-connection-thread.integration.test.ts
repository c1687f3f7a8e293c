/** A TCP connection thread on a real socket. */
import { createServer, type Socket as NodeSocket } from 'node:net';
import type { Child, Turn } from '../../src/index.ts';
import { realClock } from '../../src/kernel/clock.ts';
import { LoopScheduler } from '../../src/kernel/scheduler.ts';
import { Socket } from '../../src/net/index.ts';
import { VirtualClock } from '../../src/testing/index.ts';
import {
  ReadingGate,
  type StreamEnd,
  type TCPConnectionOptions,
  TCPConnectionThread,
} from '../../src/threads/index.ts';
import { Gate } from '../taskthread/toys.ts';
import { checkForReal, ended, type Nursery, nursery, received, until } from './nursery.ts';

checkForReal();

/** Echoes nothing: notes what comes and how it ends. */
class Reader extends TCPConnectionThread<string, string> {
  readonly chunks: string[] = [];
  readonly ends: StreamEnd[] = [];
  hold: ((turn: Turn<string>) => unknown) | undefined;

  protected override received(bytes: Buffer, turn: Turn<string>): unknown {
    this.chunks.push(bytes.toString());
    return this.hold?.(turn);
  }

  protected override streamEnded(end: StreamEnd): void {
    this.ends.push(end);
  }

  protected override signalHandler(text: string): unknown {
    return this.socket.sendAll(Buffer.from(text), { scope: this });
  }

  get unsentBytes(): number {
    return this.socket.snapshot().unsentBytes;
  }

  get text(): string {
    return this.chunks.join('');
  }
}

interface Connected {
  readonly reader: Reader;
  readonly handle: Child<Reader>;
  readonly peer: NodeSocket;
}

async function connected(home: Nursery, options?: TCPConnectionOptions): Promise<Connected> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const accepted = new Promise<NodeSocket>((resolve) => server.once('connection', resolve));
  const socket = await Socket.connect({ host: '127.0.0.1', port: (server.address() as { port: number }).port });
  const peer = await accepted;
  peer.on('error', () => {});
  server.close();
  const reader = new Reader(socket, options);
  return { reader, handle: await home.add(reader, { owns: socket }), peer };
}

test('hands on what comes, sends what it is sent, and stops when the peer ends', async () => {
  const { reader, handle, peer } = await connected(await nursery());
  const text = received(peer);
  peer.write('one');
  await until(() => reader.text === 'one');
  await handle.send('answer');
  peer.end('two');
  expect(await handle.join()).toEqual({ kind: 'finished', verdict: 'clean' });
  expect([reader.text, reader.ends, await text]).toEqual(['onetwo', [{ kind: 'ended' }], 'answer']);
});

test('takes at most recvBytes at once, and reads on only when the last was worked off', async () => {
  const { reader, peer } = await connected(await nursery(), { recvBytes: 4 });
  const gate = new Gate();
  reader.hold = () => gate.passed;
  peer.write('abcdefghij');
  await until(() => reader.chunks.length === 1);
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
  expect(reader.chunks).toEqual(['abcd']);
  gate.open();
  await until(() => reader.chunks.length === 3);
  expect(reader.chunks).toEqual(['abcd', 'efgh', 'ij']);
  peer.end();
});

test('a peer that resets is a broken end, and no failure of the thread', async () => {
  const { reader, handle, peer } = await connected(await nursery());
  peer.resetAndDestroy();
  expect((await handle.join()).kind).toBe('finished');
  expect(reader.ends).toMatchObject([{ kind: 'broken', error: { code: 'TT_SOCKET_FAILED' } }]);
});

test('a peer that says nothing for idleTimeoutMs is an idle end; one that speaks is not', async () => {
  const clock = new VirtualClock();
  const pass = (ms: number): void => {
    const end = clock.now() + ms;
    while (clock.fireNext(end));
    clock.moveTo(end);
  };
  const home = await nursery({ clock, scheduler: new LoopScheduler(realClock) });
  const { reader, handle, peer } = await connected(home, { idleTimeoutMs: 100 });
  const waitsFor = (): string | undefined => handle.snapshot().waits[0]?.on;
  for (let n = 1; n <= 5; n++) {
    peer.write('.');
    await until(() => reader.text.length === n && waitsFor() !== undefined);
    pass(80);
  }
  expect([handle.state, reader.ends]).toEqual(['running', []]);
  pass(20);
  // The socket is looked at once more.
  await until(() => waitsFor() !== undefined && clock.pendingTimers > 0);
  pass(5);
  await until(() => handle.state !== 'running');
  expect((await handle.join()).kind).toBe('finished');
  expect(reader.ends).toMatchObject([{ kind: 'idle', error: { code: 'TT_TIMEOUT' } }]);
  await ended(peer);
});

test('a peer that spoke while something held the event loop was not silent', async () => {
  const home = await nursery();
  const { reader, handle, peer } = await connected(home, { idleTimeoutMs: 60 });
  for (let n = 1; n <= 3; n++) {
    await until(() => reader.text.length === n - 1 && handle.snapshot().waits.length > 0);
    peer.write('.');
    // Longer than the peer may be silent: the timer is due before the socket is looked at.
    for (const end = performance.now() + 100; performance.now() < end; );
    await until(() => reader.text.length === n || reader.ends.length > 0);
    expect(reader.ends).toEqual([]);
  }
  peer.destroy();
  await handle.join();
});

test('what was written goes out before the socket is closed, to the last byte', async () => {
  // The time that the end may take stands still.
  const home = await nursery({ clock: new VirtualClock(), scheduler: new LoopScheduler(realClock) });
  const { reader, handle, peer } = await connected(home);
  peer.pause();
  // Until the system takes no more: what is left waits in the process, and no handler waits for it.
  let bytes = 0;
  for (; reader.unsentBytes === 0; bytes += 16_384) {
    await handle.send('x'.repeat(16_384));
    await until(() => handle.snapshot().edge.down?.handled === bytes / 16_384 + 1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const stopped = handle.stop();
  const text = received(peer);
  peer.resume();
  expect((await stopped).verdict).toBe('clean');
  expect((await text).length).toBe(bytes);
});

test('a stop in mid-work waits for what was received, reads nothing more, flushes and closes', async () => {
  const { reader, handle, peer } = await connected(await nursery());
  const text = received(peer);
  const gate = new Gate();
  reader.hold = async (turn) => {
    await gate.passed;
    await turn.sendToParent(reader.text);
  };
  peer.write('first');
  await until(() => reader.chunks.length === 1);
  await handle.send('x'.repeat(500_000));
  const stopped = handle.stop({ drainMs: 5000 });
  peer.write('second');
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
  expect(handle.state).toBe('stopping');
  gate.open();
  expect((await stopped).verdict).toBe('clean');
  expect([reader.text, reader.ends, (await text).length]).toEqual(['first', [], 500_000]);
});

test('a cancel in mid-work ends the wait for the parent, and closes the socket', async () => {
  const { reader, handle, peer } = await connected(await nursery());
  // Not a source: closing the intake does not end it, the cancel does.
  reader.hold = ({ abortSignal }) =>
    new Promise((_done, failed) => {
      abortSignal.addEventListener('abort', () => failed(abortSignal.reason as Error));
    });
  peer.write('first');
  await until(() => reader.chunks.length === 1);
  const report = await handle.stop({ drainMs: 10, cancelMs: 2000 });
  expect([report.verdict, report.outcome]).toEqual(['cancelled', 'cancelled']);
  await ended(peer);
});

test('a peer that does not read what was written holds up the end for half a second, and no longer', async () => {
  const { handle, peer } = await connected(await nursery());
  peer.pause();
  void handle.send('x'.repeat(30_000_000));
  await until(() => handle.snapshot().running.length > 0);
  const report = await handle.stop({ drainMs: 20, cancelMs: 4000 });
  expect(report.abandoned).toEqual([]);
  expect(report.tookMs).toBeLessThan(3000);
  peer.destroy();
});

test('received throws: the thread fails with it, and the socket is closed', async () => {
  const { reader, handle, peer } = await connected(await nursery());
  reader.hold = () => {
    throw new Error('cannot be read');
  };
  peer.write('x');
  expect(await handle.join()).toMatchObject({ kind: 'failed', error: { message: 'cannot be read' } });
  await ended(peer);
  expect(reader.ends).toEqual([]);
});

test('nothing is read while the budget of the gate is spent', async () => {
  const gate = new ReadingGate({ maxBytes: 100 });
  const held = gate.budget.hold(100);
  const { reader, handle, peer } = await connected(await nursery(), { gate });
  peer.write('x');
  await until(() => handle.snapshot().waits.length > 0);
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
  expect(reader.chunks).toEqual([]);
  held.release();
  await until(() => reader.chunks.length === 1);
});

test.each([
  { end: 'room is made', stops: false },
  { end: 'the intake closes', stops: true },
])('what was taken when others had spent the budget meanwhile waits until $end', async ({ stops }) => {
  const gate = new ReadingGate({ maxBytes: 100 });
  const { reader, handle, peer } = await connected(await nursery(), { gate });
  await until(() => handle.snapshot().waits.some(({ on }) => on.includes('bytes from')));
  const held = gate.budget.hold(100);
  peer.write('x');
  await until(() => handle.snapshot().waits.some(({ on }) => on.includes('room in the budget')));
  expect(reader.chunks).toEqual([]);
  if (stops) void handle.stop();
  else held.release();
  await until(() => reader.chunks.length === 1);
  await handle.stop();
});

test.each<[object, string]>([
  [{ recvBytes: 0 }, 'options.recvBytes'],
  [{ recvBytes: 1.5 }, 'options.recvBytes'],
  [{ idleTimeoutMs: -1 }, 'options.idleTimeoutMs'],
  [{ idleTimeoutMs: null }, 'options.idleTimeoutMs'],
  [{ idleTimeout: 5 }, 'options.idleTimeout'],
  [{ gate: {} }, 'options.gate'],
])('refuses %j, and names %s', async (options, field) => {
  const home = await nursery();
  const { reader, handle } = await connected(home);
  const { socket } = reader as unknown as { socket: Socket };
  expect(() => new Reader(socket, options)).toThrow(expect.objectContaining({ code: 'TT_INVALID_OPTION', field }));
  await handle.stop();
});
