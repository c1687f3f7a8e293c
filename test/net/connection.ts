/**
 * Connections for the tests of sockets: real ones on 127.0.0.1, scopes to cancel, and the leak check after every test.
 */
import { connect, createServer, type Socket as NodeSocket } from 'node:net';
import { CancelScope } from '../../src/kernel/cancel-scope.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import { CancelledError, IntakeClosedError } from '../../src/kernel/errors.ts';
import { makeHost } from '../../src/kernel/host.ts';
import { live } from '../../src/kernel/probe.ts';
import type { Scheduler } from '../../src/kernel/scheduler.ts';
import { Listener } from '../../src/net/listener.ts';
import { Socket } from '../../src/net/socket.ts';
import { CERT, KEY } from './certificate.ts';

export const HOST = '127.0.0.1';

const opened: { close(): void; waitClosed(): Promise<void> }[] = [];
const unhandled: unknown[] = [];
const noteUnhandled = (error: unknown) => unhandled.push(error);

/** After every test: nothing alive that was not before, and no rejection that nobody handled. */
export function checkLeaks(): void {
  let before = { ...live };
  beforeEach(() => {
    before = { ...live };
    process.on('unhandledRejection', noteUnhandled);
  });
  afterEach(async () => {
    for (const socket of opened.splice(0)) {
      socket.close();
      await socket.waitClosed();
    }
    await loopTurn();
    process.off('unhandledRejection', noteUnhandled);
    expect(unhandled.splice(0)).toEqual([]);
    expect({ ...live }).toEqual(before);
  });
}

/** Both ends of a connection as sockets of ours. */
export async function pair(): Promise<{ near: Socket; far: Socket }> {
  const listener = await Listener.listen({ port: 0 });
  const near = await Socket.connect({ host: HOST, port: listener.port! });
  const far = await listener.accept();
  listener.close();
  opened.push(near, far);
  return { near, far };
}

/** The same, secured. */
export async function tlsPair(maxVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3'): Promise<{ near: Socket; far: Socket }> {
  const listener = await Listener.listen({ port: 0, tls: { cert: CERT, key: KEY, maxVersion } });
  const accepted = listener.accept();
  const near = await Socket.connect({ host: HOST, port: listener.port!, tls: { ca: CERT } });
  const far = await accepted;
  listener.close();
  opened.push(near, far);
  return { near, far };
}

/** Our socket and the peer as Node's own, paused, with the Node socket below ours. */
export async function rawPair(): Promise<{ near: Socket; nearNode: NodeSocket; far: NodeSocket }> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const { port } = server.address() as { port: number };
  const arrived = new Promise<NodeSocket>((resolve) => server.once('connection', resolve));
  const nearNode = connect({ host: HOST, port });
  await new Promise((resolve) => nearNode.once('connect', resolve));
  const near = new Socket(nearNode);
  const far = await arrived;
  far.on('error', () => {});
  server.close();
  const farClosed = new Promise<void>((resolve) => far.once('close', () => resolve()));
  opened.push(near, { close: () => far.destroy(), waitClosed: () => farClosed });
  return { near, nearNode, far };
}

export function newScope(parts: { clock?: Clock; scheduler?: Scheduler; timeoutMs?: number } = {}): CancelScope {
  const { timeoutMs, ...host } = parts;
  return new CancelScope(makeHost(host), undefined, { timeoutMs });
}

/** The ways in which a wait is ended from outside. `source` are those that only end a wait on a source. */
export const ENDINGS: {
  name: string;
  code: string;
  source: boolean;
  begin: () => { scope: CancelScope; end: () => void };
}[] = [
  {
    name: 'cancelled',
    code: 'TT_CANCELLED',
    source: false,
    begin: () => {
      const scope = newScope();
      return { scope, end: () => scope.cancel(new CancelledError('by the test')) };
    },
  },
  {
    name: 'timed out',
    code: 'TT_CANCELLED',
    source: false,
    begin: () => {
      const clock = new HandClock();
      return { scope: newScope({ clock, timeoutMs: 50 }), end: () => clock.fire() };
    },
  },
  {
    name: 'intake closed',
    code: 'TT_INTAKE_CLOSED',
    source: true,
    begin: () => {
      const scope = newScope();
      return { scope, end: () => scope.closeIntake(new IntakeClosedError('/Root-1')) };
    },
  },
];

/** A clock whose one timer fires when the test says so. */
export class HandClock implements Clock {
  #callback: (() => void) | undefined;
  now(): number {
    return 0;
  }
  epochNow(): number {
    return 0;
  }
  setTimer(_delayMs: number, callback: () => void): object {
    this.#callback = callback;
    return {};
  }
  clearTimer(): void {
    this.#callback = undefined;
  }
  get armed(): boolean {
    return this.#callback !== undefined;
  }
  fire(): void {
    const callback = this.#callback;
    this.#callback = undefined;
    callback?.();
  }
}

/** A scheduler whose slice is always spent, and whose next slice comes when the test says so. */
export class HandScheduler implements Scheduler {
  coarseNow = 0;
  wholeNow = 0;
  spends = 0;
  #open: (() => void) | undefined;
  #next: Promise<void> | undefined;
  enqueue(): void {}
  resume(): void {}
  spend(): boolean {
    this.spends++;
    return true;
  }
  nextSlice(): Promise<void> {
    this.#next ??= new Promise((resolve) => {
      this.#open = resolve;
    });
    return this.#next;
  }
  openSlice(): void {
    this.#next = undefined;
    this.#open?.();
  }
}

/** One turn of the event loop: what is ready to be read or written by now is, and the callbacks have run. */
export function loopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What the promise was rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & { code?: string; progress?: unknown }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not fail');
}

/** Bytes that differ from place to place, so that a lost or doubled one shows. */
export function pattern(bytes: number, seed: number = 1): Buffer {
  const buffer = Buffer.allocUnsafe(bytes);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    buffer[i] = state >>> 24;
  }
  return buffer;
}

/** All that a socket receives until its peer's end. */
export async function drain(socket: Socket, maxBytes: number = 65_536): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = await socket.recv(maxBytes);
    if (chunk.length === 0) return Buffer.concat(chunks);
    chunks.push(chunk);
  }
}

/** Moves so many bytes through another connection: what could have moved meanwhile elsewhere has. A clock of bytes. */
export async function moveElsewhere(bytes: number): Promise<void> {
  const { near, far } = await pair();
  const drained = drain(far);
  const chunk = Buffer.alloc(65_536);
  for (let moved = 0; moved < bytes; moved += chunk.length) await near.sendAll(chunk);
  near.end();
  await drained;
}
