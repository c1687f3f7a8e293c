/**
 * The faults of the Python ancestor that ours must not have: each row of "Repairs" that concerns connections and frames, by its
 * name, on real sockets. Those that concern threads are in test/taskthread/repairs.test.ts.
 */
import { once } from 'node:events';
import { connect, type Socket as NodeSocket } from 'node:net';
import { type AnyChild, type Child, type Outcome, start, TaskThread, type Turn } from '../../src/index.ts';
import { encodeLengthPrefixed, LengthPrefixedDecoder, lengthPrefix, type Socket } from '../../src/net/index.ts';
import { leakCheck, liveCounts } from '../../src/testing/index.ts';
import { TCPConnectionThread, TCPServerThread } from '../../src/threads/index.ts';
import { meterBytes } from '../net/chunking.ts';

const MIB = 1024 * 1024;

/** How many bytes the decoders have copied in this test. */
let copied = 0;

interface Frames {
  readonly frames: readonly Buffer[];
}

/** Rebuilds frames and sends them up. */
class FrameThread extends TCPConnectionThread<never, Frames> {
  readonly #decoder = new LengthPrefixedDecoder({ maxFrameBytes: 16 * MIB });

  protected override async received(bytes: Buffer, turn: Turn<Frames>): Promise<void> {
    let frames: Buffer[] = [];
    copied += meterBytes(Infinity, () => {
      frames = this.#decoder.push(bytes);
    }).copied;
    if (frames.length > 0) await turn.sendToParent({ frames });
    if (this.#decoder.failure !== undefined) throw this.#decoder.failure;
  }
}

class FrameServer extends TCPServerThread<Frames> {
  turnedAway = 0;
  readonly ends: Outcome[] = [];

  protected override connection(socket: Socket): FrameThread {
    return new FrameThread(socket);
  }

  protected override refused(): void {
    this.turnedAway++;
  }

  protected override childEnded(_child: AnyChild, outcome: Outcome): void {
    this.ends.push(outcome);
  }
}

/** Counts what comes, and says when it is enough. */
class Collector extends TaskThread<never, never, Frames> {
  readonly server: FrameServer;
  readonly frames: Buffer[] = [];
  #enough: { readonly count: number; readonly done: () => void } | undefined;

  constructor(maxClients: number) {
    super();
    this.server = new FrameServer({ port: 0, maxClients });
  }

  protected override async enter(): Promise<void> {
    await this.addChild(this.server);
  }

  protected override childSignalHandler({ frames }: Frames): void {
    for (const frame of frames) this.frames.push(frame);
    if (this.#enough !== undefined && this.frames.length >= this.#enough.count) this.#enough.done();
  }

  collected(count: number): Promise<void> {
    if (this.frames.length >= count) return Promise.resolve();
    return new Promise((done) => {
      this.#enough = { count, done };
    });
  }
}

let checkLeaks: () => void;
let collector: Collector;
let root: Child<Collector>;
const clients: NodeSocket[] = [];

beforeEach(async () => {
  checkLeaks = leakCheck();
  copied = 0;
  collector = new Collector(2);
  root = await start(collector);
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await root.stop();
  // A socket is gone when the other end has heard of it, too.
  while (liveCounts().sockets > 0) await new Promise(setImmediate);
  checkLeaks();
});

/** A client, connected. */
async function client(): Promise<NodeSocket> {
  const socket = connect(collector.server.port, '127.0.0.1');
  clients.push(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Resolves when the server has closed the connection. */
async function closed(socket: NodeSocket): Promise<void> {
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
}

test('a connection over `maxClients` → refused and closed, counted', async () => {
  const taken = [await client(), await client()];
  const over = await client();
  await closed(over);
  expect(collector.server.turnedAway).toBe(1);
  // The others work, and a place that becomes free is given away again.
  taken[0]?.write(encodeLengthPrefixed(Buffer.from('works')));
  await collector.collected(1);
  taken[0]?.end();
  await closed(taken[0]!);
  const next = await client();
  next.write(encodeLengthPrefixed(Buffer.from('again')));
  await collector.collected(2);
  expect([collector.frames.map(String), collector.server.turnedAway]).toEqual([['works', 'again'], 1]);
});

test('a frame that announces 4 GiB → refused by `maxFrameBytes`, the connection closed with an error that says so', async () => {
  const liar = await client();
  liar.write(encodeLengthPrefixed(Buffer.from('an honest one')));
  liar.write(lengthPrefix(2 ** 32 - 1));
  liar.write(Buffer.alloc(1000));
  await closed(liar);
  const [end] = collector.server.ends;
  expect(end).toMatchObject({
    kind: 'failed',
    error: { code: 'TT_FRAME_TOO_LARGE', frameBytes: 2 ** 32 - 1, maxFrameBytes: 16 * MIB },
  });
  expect(collector.frames.map(String)).toEqual(['an honest one']);
  expect((await client()).readable).toBe(true);
});

test('50,000 tiny frames in few packets → no recursion, linear time', async () => {
  const tiny = Buffer.concat(Array.from({ length: 50_000 }, () => Buffer.from([0, 0, 0, 1, 42])));
  (await client()).write(tiny);
  await collector.collected(50_000);
  expect(collector.frames.every((frame) => frame.length === 1 && frame[0] === 42)).toBe(true);
  // None but those that a packet's end cuts through.
  expect([collector.frames.length, copied < 1000]).toEqual([50_000, true]);
});

test('empty frames → delivered', async () => {
  const device = await client();
  for (const text of ['', 'between', '', '']) device.write(encodeLengthPrefixed(Buffer.from(text)));
  await collector.collected(4);
  expect(collector.frames.map(String)).toEqual(['', 'between', '', '']);
});

test('a frame of 8 MiB in 64 KiB packets → linear, not quadratic', async () => {
  const payload = Buffer.alloc(8 * MIB, 7);
  const frame = encodeLengthPrefixed(payload);
  const device = await client();
  for (let at = 0; at < frame.length; at += 65_536) device.write(frame.subarray(at, at + 65_536));
  await collector.collected(1);
  expect(collector.frames[0]?.equals(payload)).toBe(true);
  expect(copied).toBeLessThan(2.4 * payload.length);
});
