/** A TCP server thread on real sockets. */
import { createServer } from 'node:net';
import type { ThreadOptions, Turn } from '../../src/index.ts';
import { TaskThread } from '../../src/index.ts';
import type { Socket } from '../../src/net/index.ts';
import { type TCPServerOptions, TCPServerThread } from '../../src/threads/index.ts';
import { Gate } from '../taskthread/toys.ts';
import { checkForReal, client, ended, nursery, received, until } from './nursery.ts';

checkForReal();

/** Says hello, tells its parent, and stays until it is stopped. */
class Greeter extends TaskThread<never, string> {
  /** What its exit waits for. */
  leaves: Promise<unknown> | undefined;
  readonly #socket: Socket;
  readonly #enter: (turn: Turn<string>) => unknown;

  constructor(socket: Socket, enter: (turn: Turn<string>) => unknown = () => {}) {
    super();
    this.#socket = socket;
    this.#enter = enter;
  }

  protected override async enter(turn: Turn<string>): Promise<void> {
    await this.#enter(turn);
    await this.#socket.sendAll(Buffer.from('hello'), { scope: turn });
    await turn.sendToParent('connected');
  }

  protected override async exit(turn: Turn<string>): Promise<void> {
    await this.leaves;
    await turn.sendToParent('gone');
  }

  whenStopping(listener: () => void): void {
    this.events.on('stopping', listener);
  }

  fail(): void {
    this.tasks.reCreate('fail', () => {
      throw new Error('this one only');
    });
  }
}

class Server extends TCPServerThread<string> {
  readonly greeters: Greeter[] = [];
  readonly turnedAway: string[] = [];
  readonly failed: string[] = [];
  make = (socket: Socket): Greeter => new Greeter(socket);

  constructor(options: Partial<TCPServerOptions> = {}, threadOptions?: ThreadOptions<never, string>) {
    super({ port: 0, ...options }, threadOptions);
  }

  get connections(): number {
    return this.childCount;
  }

  protected override connection(socket: Socket): Greeter {
    const greeter = this.make(socket);
    this.greeters.push(greeter);
    return greeter;
  }

  protected override refused(socket: Socket): void {
    this.turnedAway.push(socket.snapshot().state);
  }

  protected override connectionFailed(_socket: Socket, error: unknown): void {
    this.failed.push((error as Error).message);
  }
}

test('makes a thread of each connection, whose signals go up, and whose socket is closed when it ends', async () => {
  const { add, came } = await nursery();
  const server = new Server();
  const handle = await add(server);
  const clients = [await client(server.port), await client(server.port)];
  const texts = clients.map(received);
  await until(() => came.length === 2);
  expect([came, server.connections]).toEqual([['connected', 'connected'], 2]);
  const report = await handle.stop();
  expect(report).toMatchObject({ verdict: 'clean', threads: 3 });
  expect(await Promise.all(texts)).toEqual(['hello', 'hello']);
  expect(came).toEqual(['connected', 'connected', 'gone', 'gone']);
});

test('a connection that fails ends alone, and so does one whose thread cannot be made or does not enter', async () => {
  const { add, came } = await nursery();
  const server = new Server();
  const handle = await add(server);
  await client(server.port);
  await until(() => came.length === 1);
  server.make = () => {
    throw new Error('no thread');
  };
  await ended(await client(server.port));
  server.make = (socket) => new Greeter(socket, () => Promise.reject(new Error('no enter')));
  await ended(await client(server.port));
  expect(server.failed).toEqual(['no thread', 'no enter']);
  server.make = (socket) => new Greeter(socket);
  const failing = await client(server.port);
  const connected = (): number => came.filter((word) => word === 'connected').length;
  await until(() => connected() === 2);
  server.greeters.at(-1)?.fail();
  await ended(failing);
  await until(() => server.connections === 1);
  // The one that failed in enter has said so too: what it sent in exit came while its parent listened.
  expect([handle.state, came]).toEqual(['running', ['connected', 'gone', 'connected', 'gone']]);
});

test('what the hook for failed connections throws fails the server', async () => {
  const { add } = await nursery();
  const server = new Server();
  const handle = await add(server);
  server.make = () => {
    throw new Error('no thread');
  };
  server.failed.push = () => {
    throw new Error('a bad hook');
  };
  await ended(await client(server.port));
  expect(await handle.join()).toMatchObject({ kind: 'failed', error: { message: 'a bad hook' } });
});

test('a connection that takes its time to enter holds up nobody else', async () => {
  const { add, came } = await nursery();
  const gate = new Gate();
  const server = new Server();
  const handle = await add(server);
  server.make = (socket) => new Greeter(socket, () => gate.passed);
  await client(server.port);
  await until(() => server.connections === 1);
  server.make = (socket) => new Greeter(socket);
  await client(server.port);
  await until(() => came.length === 1);
  gate.open();
  await until(() => came.length === 2);
  expect(handle.state).toBe('running');
});

test('a stop while connections enter is no failure of theirs, and closes them', async () => {
  const { add } = await nursery();
  const server = new Server();
  const handle = await add(server);
  server.make = (socket) => new Greeter(socket, (turn) => turn.sleep(60_000));
  const clients = [await client(server.port), await client(server.port)];
  await until(() => server.connections === 2);
  const report = await handle.stop({ drainMs: 2000, cancelMs: 2000 });
  await Promise.all(clients.map(ended));
  expect([report.verdict, report.abandoned, server.failed]).toEqual(['cancelled', [], []]);
  expect(report.tookMs).toBeLessThan(1500);
});

test('over maxClients a connection is turned away while it is open, closed and not counted', async () => {
  const { add, came } = await nursery();
  const server = new Server({ maxClients: 1 });
  await add(server);
  const first = await client(server.port);
  await until(() => came.length === 1);
  expect(await received(await client(server.port))).toBe('');
  expect([server.turnedAway, server.connections]).toEqual([['open'], 1]);
  // A place is free again when the first one has gone.
  server.greeters[0]?.fail();
  await ended(first);
  await until(() => server.connections === 0);
  await client(server.port);
  await until(() => server.connections === 1);
});

test('its port is free as soon as a stop begins, and refuses', async () => {
  const { add, came } = await nursery();
  const [gate, leave] = [new Gate(), new Gate()];
  const server = new Server();
  const handle = await add(server);
  const { port } = server;
  server.make = (socket) => {
    const greeter = new Greeter(socket);
    greeter.whenStopping(() => gate.open());
    greeter.leaves = leave.passed;
    return greeter;
  };
  await client(port);
  await until(() => came.length === 1);
  const stopped = handle.stop();
  await gate.passed;
  await expect(client(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(server.connections).toBe(1);
  leave.open();
  await stopped;
  expect(handle.outcome?.kind).toBe('stopped');
  const next = new Server({ port });
  await add(next);
  await client(next.port);
  await until(() => next.connections === 1);
});

test("a port that is taken is TT_ADDRESS, with Node's reason", async () => {
  const { add, parent } = await nursery();
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  await expect(add(new Server({ port }))).rejects.toMatchObject({ code: 'TT_ADDRESS', cause: { code: 'EADDRINUSE' } });
  expect(parent.childCount).toBe(0);
  await new Promise((resolve) => taken.close(resolve));
});

test.each<[object, string]>([
  [{ port: -1 }, 'options.port'],
  [{ port: 65_536 }, 'options.port'],
  [{ port: 0, maxClients: 0 }, 'options.maxClients'],
  [{ port: 0, host: '' }, 'options.host'],
  [{ port: 0, host: 5 }, 'options.host'],
  [{ port: 0, maxClient: 5 }, 'options.maxClient'],
])('refuses %j, and names %s', (options, field) => {
  expect(() => new Server(options)).toThrow(expect.objectContaining({ code: 'TT_INVALID_OPTION', field }));
});
