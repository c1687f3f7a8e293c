/**
 * A parent for one ready-made thread on real sockets and files: it ignores failures and notes what comes up. After every test
 * of a file that says `checkForReal` nothing is alive that was not before.
 */
import { connect, type Socket as NodeSocket } from 'node:net';
import type { AnyChild, Child } from '../../src/index.ts';
import { type StartOptions, start } from '../../src/index.ts';
import { leakCheck } from '../../src/testing/index.ts';
import { Toy, type ToySpec } from '../taskthread/toys.ts';

const LONGEST_MS = 10_000;
const roots: AnyChild[] = [];
const peers: NodeSocket[] = [];
const unhandled: unknown[] = [];

/** At the top of a file. */
export function checkForReal(): void {
  const onUnhandled = (error: unknown): number => unhandled.push(error);
  let check = leakCheck();
  beforeEach(() => {
    check = leakCheck();
    process.on('unhandledRejection', onUnhandled);
    process.on('uncaughtException', onUnhandled);
  });
  afterEach(async () => {
    for (const root of roots.splice(0)) await root.stop({ drainMs: 100, cancelMs: 500 });
    for (const peer of peers.splice(0)) peer.destroy();
    // Closing is told a turn or two of the event loop later.
    await until(() => isClean(check)).catch(() => {});
    process.off('unhandledRejection', onUnhandled);
    process.off('uncaughtException', onUnhandled);
    check();
    expect(unhandled.splice(0)).toEqual([]);
  });
}

function isClean(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

/** Gives the event loop its turns until something is so. */
export async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + LONGEST_MS;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`still not so after ${LONGEST_MS} ms: ${String(isSo)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export interface Nursery {
  readonly parent: Toy;
  /** What children have sent up. */
  readonly came: unknown[];
  /** Adds a thread of any kind; its failure is ignored unless the spec says otherwise. */
  readonly add: <T>(thread: T, spec?: ToySpec) => Promise<Child<T>>;
}

export async function nursery(options?: StartOptions): Promise<Nursery> {
  const came: unknown[] = [];
  const parent = new Toy({ childSignal: (signal) => void came.push(signal) });
  roots.push((await start(parent as never, options)) as AnyChild);
  return {
    parent,
    came,
    add: <T>(thread: T, spec?: ToySpec) => {
      return parent.add(thread as never, { onFailure: 'ignore', ...spec }) as Promise<unknown> as Promise<Child<T>>;
    },
  };
}

/** A client as Node has it, open; destroyed after the test. */
export async function client(port: number, host = '127.0.0.1'): Promise<NodeSocket> {
  const socket = connect({ port, host });
  peers.push(socket);
  socket.on('error', () => {});
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return socket;
}

/** All that a client is sent, until the end. */
export function received(socket: NodeSocket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve) => socket.once('close', () => resolve(Buffer.concat(chunks).toString())));
}

export function ended(socket: NodeSocket): Promise<unknown> {
  socket.resume();
  return new Promise((resolve) => (socket.closed ? resolve(undefined) : socket.once('close', resolve)));
}
