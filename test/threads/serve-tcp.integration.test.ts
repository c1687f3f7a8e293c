import {
  type AnyChild,
  type Child,
  currentThread,
  Event,
  RLock,
  Semaphore,
  sleep,
  spawn,
  start,
  TaskThread,
  ThreadGroup,
  type Turn,
  timeoutAfter,
} from '../../src/index.ts';
import { Socket } from '../../src/net/index.ts';
import {
  type ConnectionFactory,
  type ConnectionHandler,
  type ServeTCPOptions,
  serveTCP,
  TCPConnectionThread,
  type TCPServerThread,
} from '../../src/threads/index.ts';
import { CERT, KEY } from '../net/certificate.ts';
import { checkLeaks, drain, failureOf, HOST, loopTurn, pattern } from '../net/connection.ts';

checkLeaks();

const LARGE = pattern(12 * 1024 * 1024);

const echo: ConnectionHandler = async (socket, turn) => {
  for (;;) {
    const bytes = await socket.recv(65_536, { scope: turn });
    if (bytes.length === 0) return;
    await socket.sendAll(bytes, { scope: turn });
  }
};

async function serve(
  handler: ConnectionHandler | ConnectionFactory,
  options: Partial<ServeTCPOptions> = {},
): Promise<{ server: TCPServerThread; root: Child<TCPServerThread>; connect: () => Promise<Socket> }> {
  const server = serveTCP(handler, { port: 0, ...options });
  const root = await start(server);
  const tls = options.tls && { ca: CERT };
  return { server, root, connect: () => Socket.connect({ host: HOST, port: server.port, tls }) };
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await loopTurn();
}

async function isOver(socket: Socket): Promise<void> {
  await drain(socket).catch(() => {});
  socket.close();
  await socket.waitClosed();
}

describe.each([
  ['plain', {}],
  ['secured', { tls: { cert: CERT, key: KEY } }],
])('a server of %s connections', (_name, options) => {
  test('runs the handler for each of them as a thread of its own, until the peer ends', async () => {
    const { root, connect } = await serve(echo, options);
    const peers = [await connect(), await connect(), await connect()];
    for (const peer of peers) await peer.sendAll(Buffer.from('hello'));
    for (const peer of peers) expect(String(await peer.recv())).toBe('hello');
    expect(root.snapshot().children.map(({ path }) => path.split('/').at(-1)?.split('-')[0])).toEqual([
      'Connection',
      'Connection',
      'Connection',
    ]);
    for (const peer of peers) {
      peer.end();
      expect(await drain(peer)).toHaveLength(0);
      await peer.waitClosed();
    }
    await until(() => root.snapshot().children.length === 0);
    expect((await root.stop()).verdict).toBe('clean');
  });

  test('what a handler wrote before it returned goes out whole, and then the end', async () => {
    const { root, connect } = await serve((socket, turn) => socket.sendAll(LARGE, { scope: turn }), options);
    const peer = await connect();
    expect((await drain(peer)).equals(LARGE)).toBe(true);
    await isOver(peer);
    expect((await root.stop()).verdict).toBe('clean');
  });

  test('what the system has not yet taken when a handler returns, still goes out', async () => {
    let written = 0;
    const { root, connect } = await serve(async (socket, turn) => {
      while (socket.snapshot().unsentBytes === 0) await socket.send(LARGE, { scope: turn });
      written = socket.bytesWritten;
    }, options);
    const peer = await connect();
    await until(() => written > 0);
    await until(() => root.snapshot().children.every(({ state }) => state === 'stopping'));
    expect((await drain(peer)).length).toBe(written);
    await isOver(peer);
    expect((await root.stop()).verdict).toBe('clean');
  });

  test('turns away what is over maxClients, and counts it', async () => {
    const refused: (number | undefined)[] = [];
    const { server, root, connect } = await serve(echo, {
      ...options,
      maxClients: 2,
      onRefused: (socket) => refused.push(socket.remotePort),
    });
    const served = [await connect(), await connect()];
    await until(() => root.snapshot().children.length === 2);
    const third = await connect();
    const port = third.localPort;
    await isOver(third);
    expect([refused, server.refusedClients]).toEqual([[port], 1]);
    for (const peer of served) {
      await peer.sendAll(Buffer.from('still served'));
      expect(String(await peer.recv())).toBe('still served');
      peer.end();
      await isOver(peer);
    }
    await root.stop();
    expect(server.refusedClients).toBe(1);
  });

  test('stops gracefully: who waits for a peer ends, who sends finishes, all together', async () => {
    const ended: string[] = [];
    let begun = 0;
    const { root, connect } = await serve(async (socket, turn) => {
      const [kind] = await socket.recv(1, { scope: turn });
      begun++;
      try {
        if (kind === 0x73) await socket.sendAll(LARGE, { scope: turn });
        else await socket.recv(1, { scope: turn });
      } finally {
        ended.push(kind === 0x73 ? 'sender' : 'waiter');
      }
    }, options);
    const [sender, waiter] = [await connect(), await connect()];
    await sender.sendAll(Buffer.from('s'));
    await waiter.sendAll(Buffer.from('w'));
    // The one waits for its peer's second byte, the other for room to send.
    const waits = () => root.snapshot().children.flatMap((child) => child.waits.map(({ on }) => on));
    const some = (word: string) => waits().some((on) => on.startsWith(word));
    await until(() => begun === 2 && some('bytes from') && some('room to send'));
    const stopping = root.stop();
    const [sent, rest] = await Promise.all([drain(sender), drain(waiter)]);
    expect([sent.equals(LARGE), rest.length]).toEqual([true, 0]);
    expect((await stopping).verdict).toBe('clean');
    expect(ended.sort()).toEqual(['sender', 'waiter']);
    for (const peer of [sender, waiter]) await isOver(peer);
    expect(await failureOf(connect())).toMatchObject({ code: 'TT_ADDRESS' });
  });
});

test('a handler that throws ends its own connection; a peer that resets is no failure', async () => {
  const failures: unknown[] = [];
  const handler: ConnectionHandler = async (socket, turn) => {
    if (String(await socket.recv(1, { scope: turn })) === 'x') throw new Error('a bad byte');
    await echo(socket, turn);
  };
  const { root, connect } = await serve(handler, { onFailure: (error) => failures.push(error) });
  const [bad, gone, good] = [await connect(), await connect(), await connect()];
  for (const [peer, text] of [
    [bad, 'x'],
    [gone, 'g'],
    [good, 'g'],
  ] as const)
    await peer.sendAll(Buffer.from(text));
  await isOver(bad);
  gone.reset();
  await gone.waitClosed();
  await until(() => root.snapshot().children.length === 1);
  expect(failures).toMatchObject([{ message: 'a bad byte' }]);
  await good.sendAll(Buffer.from('hello'));
  expect(String(await good.recv())).toBe('hello');
  good.end();
  await isOver(good);
  expect((await root.stop()).verdict).toBe('clean');
});

test('a handler that does not yield to the drain is cancelled within the budget', async () => {
  const thrown: string[] = [];
  let waits = (): void => {};
  const begun = new Promise<void>((resolve) => {
    waits = resolve;
  });
  const { root, connect } = await serve(async (_socket, turn) => {
    // No wait of ours: closing the intake does not end it.
    await new Promise((_resolve, reject) => {
      turn.abortSignal.addEventListener('abort', () => {
        thrown.push('aborted');
        reject(turn.abortSignal.reason as Error);
      });
      waits();
    });
  });
  const peer = await connect();
  await begun;
  const report = await root.stop({ drainMs: 0, cancelMs: 5000 });
  expect([report.verdict, thrown]).toEqual(['cancelled', ['aborted']]);
  await isOver(peer);
});

test('a factory makes threads of any class, and what they send goes up', async () => {
  class Counting extends TCPConnectionThread<never, number, never> {
    protected override received(bytes: Buffer, turn: Turn<number>) {
      return turn.sendToParent(bytes.length);
    }
  }
  const counted: number[] = [];
  class Master extends TaskThread<never, never, number> {
    readonly server = serveTCP<number>({ thread: (socket) => new Counting(socket) }, { port: 0 });
    protected override async enter() {
      await this.addChild(this.server);
    }
    protected override childSignalHandler(bytes: number, _child: AnyChild) {
      counted.push(bytes);
    }
  }
  const master = new Master();
  const root = await start(master);
  const peer = await Socket.connect({ host: HOST, port: master.server.port });
  await peer.sendAll(Buffer.from('12345'));
  peer.end();
  await isOver(peer);
  await until(() => counted.length === 1);
  expect(counted).toEqual([5]);
  expect((await root.stop()).verdict).toBe('clean');
});

describe('the scope around a handler', () => {
  test('a handler that takes only the socket is in it, with all that it calls, as a spawned function is', async () => {
    const failures: unknown[] = [];
    const lock = new RLock();
    const upper = (line: Buffer) => String(line).toUpperCase();
    const { root, connect } = await serve(
      async (socket) => {
        const stream = socket.asStream();
        using _held = await lock.acquire();
        await lock.holding(() => lock.release(), { scope: currentThread() }); // the same owner
        for await (const line of stream) {
          const answer = await timeoutAfter(10_000, () => spawn(upper, line).join());
          await stream.write(answer);
          await stream.write(`${currentThread().path}\n`);
        }
      },
      { onFailure: (error) => failures.push(error) },
    );
    const peer = await connect();
    const stream = peer.asStream();
    await stream.write('hello\n');
    expect((await stream.readLines(2)).map(String)).toEqual(['HELLO\n', '/TCPServer-1/Connection-2\n']);
    const report = await root.stop();
    expect([report.verdict, failures, lock.locked]).toEqual(['clean', [], false]);
    await isOver(peer);
  });

  test('a stop ends its waits for the peer at once, and lets its sends finish', async () => {
    const seen: unknown[] = [];
    const { root, connect } = await serve(async (socket) => {
      try {
        await socket.recv();
        await socket.recv();
      } catch (error) {
        seen.push((error as { code?: string }).code);
        await socket.sendAll(LARGE);
      }
    });
    const peer = await connect();
    await peer.sendAll(Buffer.from('x'));
    await until(() => root.snapshot().children[0]?.waits.some(({ on }) => on.startsWith('bytes from')) === true);
    const stopping = root.stop();
    expect((await drain(peer)).equals(LARGE)).toBe(true);
    expect([(await stopping).verdict, seen]).toEqual(['clean', ['TT_INTAKE_CLOSED']]);
    await isOver(peer);
  });

  test.each<[string, ConnectionHandler]>([
    ['takes its turn', (_socket, _turn) => sleep(0)],
    ['takes the rest', (...both) => sleep(0 * both.length)],
    ['takes an optional one', (_socket, _turn?: unknown) => sleep(0)],
    ['is bound', sleep.bind(undefined, 0) as ConnectionHandler],
  ])('is there however it is written: one that %s', async (_how, handler) => {
    const failures: unknown[] = [];
    const { root, connect } = await serve(handler, { onFailure: (error) => failures.push(error) });
    await isOver(await connect());
    await root.stop();
    expect(failures).toEqual([]);
  });

  test('is left out where that is said, and so costs nothing', async () => {
    const failures: unknown[] = [];
    const options = { scopeAround: false, onFailure: (error: unknown) => failures.push(error) };
    const { root, connect } = await serve(() => sleep(0), options);
    await isOver(await connect());
    await until(() => failures.length === 1);
    expect(failures).toMatchObject([{ code: 'TT_NO_SCOPE' }]);
    await root.stop();
  });
});

describe('a handler is the function of its thread', () => {
  const failing = async () => {
    await sleep(1);
    throw new TypeError('broken');
  };

  test('what it has spawned is waited for when it has returned, with the connection open', async () => {
    const failures: unknown[] = [];
    const later = async (socket: Socket) => {
      await sleep(20);
      await socket.sendAll(Buffer.from('reply'));
    };
    const { root, connect } = await serve((socket) => void spawn(later, socket), {
      onFailure: (error) => failures.push(error),
    });
    const peer = await connect();
    expect(String(await drain(peer))).toBe('reply');
    await isOver(peer);
    await until(() => root.snapshot().children.length === 0);
    expect([(await root.stop()).verdict, failures]).toEqual(['clean', []]);
  });

  test('a daemon is not, and is stopped at once', async () => {
    const ended: string[] = [];
    const never = new Semaphore(0);
    const daemon = async () => {
      await never.acquire().finally(() => ended.push('daemon'));
    };
    const { root, connect } = await serve(async () => {
      spawn({ daemon: true }, daemon);
      await sleep(1);
    });
    const peer = await connect();
    const begun = performance.now();
    await isOver(peer);
    await until(() => root.snapshot().children.length === 0);
    expect(ended).toEqual(['daemon']);
    expect(performance.now() - begun).toBeLessThan(1500); // a drain that waited for it would take 2500
    await root.stop();
  });

  test('a failure belongs to who joins it, long after too; unjoined it is told when the handler is over', async () => {
    const failures: unknown[] = [];
    const { root, connect } = await serve(
      async (socket) => {
        const [kind] = await socket.recv(1);
        const thread = spawn(failing);
        await sleep(10);
        if (kind === 0x6a) await thread.join().catch(({ cause }) => socket.sendAll(Buffer.from(String(cause))));
        else await socket.sendAll(Buffer.from('nobody asks'));
      },
      { onFailure: (error) => failures.push(error) },
    );
    const joining = await connect();
    await joining.sendAll(Buffer.from('j'));
    expect(String(await drain(joining))).toBe('TypeError: broken');
    await isOver(joining);
    expect(failures).toEqual([]);
    const forgetting = await connect();
    await forgetting.sendAll(Buffer.from('f'));
    expect(String(await drain(forgetting))).toBe('nobody asks');
    await isOver(forgetting);
    await until(() => failures.length === 1);
    expect(failures).toMatchObject([{ code: 'TT_CHILD_FAILED', cause: { message: 'broken' } }]);
    expect((await root.stop()).verdict).toBe('clean');
  });

  test('a peer that resets is no failure where spawned functions meet it', async () => {
    const failures: unknown[] = [];
    let served = 0;
    const { root, connect } = await serve(
      async (socket) => {
        const reader = async () => {
          served++;
          for (;;) await socket.recv();
        };
        if (served === 0) await ThreadGroup.run((group: ThreadGroup<void>) => void group.spawn(reader));
        else if (served === 1) await spawn(reader).join();
        else spawn(reader);
      },
      { onFailure: (error) => failures.push(error) },
    );
    for (let i = 1; i <= 3; i++) {
      const peer = await connect();
      await until(() => served === i);
      peer.reset();
      await peer.waitClosed();
      await until(() => root.snapshot().children.length === 0);
    }
    await root.stop();
    expect(failures).toEqual([]);
  });

  const reader = async (socket: Socket) => {
    for await (const _line of socket.asStream());
  };
  const idle = async () => {
    await new Event().wait();
  };

  test.each<[string, ConnectionHandler]>([
    [
      'a group joins',
      (socket) =>
        ThreadGroup.run((group: ThreadGroup<void>) => {
          group.spawn(reader, socket);
          group.spawn(idle);
        }),
    ],
    ['it joins', (socket) => spawn(reader, socket).join()],
    ['nobody joins, when it has returned', (socket) => void spawn(reader, socket)],
    [
      'one has spawned that was spawned itself',
      (socket) => {
        const middle = () => spawn(reader, socket).join();
        spawn(middle);
      },
    ],
    [
      'come when the intake is closed already',
      async (socket) => {
        await socket.recv().catch(() => {});
        await spawn(reader, socket).join();
      },
    ],
  ])('a stop ends the waits of functions that %s', async (_who, handler) => {
    const failures: unknown[] = [];
    const { root, connect } = await serve(handler, { onFailure: (error) => failures.push(error) });
    const peer = await connect();
    const waits = (of: ReturnType<typeof root.snapshot>): boolean =>
      of.waits.some(({ on }) => on.startsWith('bytes from')) || of.children.some(waits);
    await until(() => root.snapshot().children.some(waits));
    const { verdict, tookMs, failed } = await root.stop();
    expect([verdict, failed, failures]).toEqual(['clean', [], []]);
    expect(tookMs).toBeLessThan(1000);
    await isOver(peer);
  });

  test.each<[string, ConnectionHandler]>([
    [
      'a group has',
      (socket) =>
        ThreadGroup.run((group: ThreadGroup<void>) => {
          group.spawn(reader, socket);
          group.spawn(() => socket.sendAll(LARGE));
        }),
    ],
    [
      'are left when it has returned',
      (socket) => {
        spawn(reader, socket);
        spawn(() => socket.sendAll(LARGE));
      },
    ],
  ])('a stop lets the sends of functions finish that %s', async (_who, handler) => {
    const { root, connect } = await serve(handler);
    const peer = await connect();
    const sends = () =>
      root.snapshot().children[0]?.children.some(({ waits }) => waits.some(({ on }) => on.startsWith('room to send')));
    await until(() => sends() === true);
    const stopping = root.stop();
    expect((await drain(peer)).equals(LARGE)).toBe(true);
    expect((await stopping).verdict).toBe('clean');
    await isOver(peer);
  });

  test('a stop that it asks for itself ends its waits for the peer too', async () => {
    const seen: unknown[] = [];
    const { root, connect } = await serve(async (socket, turn) => {
      turn.stop();
      await socket.recv().catch(({ code }) => seen.push(code));
    });
    await isOver(await connect());
    await until(() => root.snapshot().children.length === 0);
    expect([(await root.stop()).verdict, seen]).toEqual(['clean', ['TT_INTAKE_CLOSED']]);
  });
});

test('wrong options are named', () => {
  const make = (handler: unknown, options: object) => () => serveTCP(handler as ConnectionHandler, options as never);
  expect(make(undefined, { port: 0 })).toThrow(expect.objectContaining({ field: 'handler' }));
  expect(make({}, { port: 0 })).toThrow(expect.objectContaining({ field: 'handler.thread' }));
  expect(make(echo, { port: 0, max: 1 })).toThrow(expect.objectContaining({ field: 'options.max' }));
  expect(make(echo, { port: 0, maxClients: 0 })).toThrow(expect.objectContaining({ field: 'options.maxClients' }));
  expect(make(echo, { port: -1 })).toThrow(expect.objectContaining({ field: 'options.port' }));
  expect(make(echo, { port: 0, scopeAround: 1 })).toThrow(expect.objectContaining({ field: 'options.scopeAround' }));
  expect(make(echo, { port: 0, onRefused: 1 })).toThrow(expect.objectContaining({ field: 'options.onRefused' }));
});
