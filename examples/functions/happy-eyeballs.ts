/**
 * Happy eyeballs (RFC 6555): a host has many addresses, and some do not answer. Each gets a head start of 250 ms; the first
 * connection that stands wins, and the others are cancelled. (Node's own `connect` does this too; here it is a program.)
 *
 *     npm run example examples/functions/happy-eyeballs.ts                       to a server of its own, on this machine
 *     npm run example examples/functions/happy-eyeballs.ts -- www.example.org 80
 */
import { lookup } from 'node:dns/promises';
import { CancelledError, currentThread, ignoreAfter, run, spawn, ThreadGroup } from 'taskthread';
import { Listener, Socket } from 'taskthread/net';

const HEAD_START_MS = 250;

async function openTcpStream(hosts: readonly string[], port: number): Promise<Socket> {
  const errors: unknown[] = [];
  const open: Socket[] = [];

  /** A connection, or null when this address does not answer. */
  async function tryConnect(host: string) {
    try {
      const socket = await Socket.connect({ host, port }, { scope: currentThread() });
      open.push(socket);
      return socket;
    } catch (error) {
      if (error instanceof CancelledError) throw error; // another one was first
      console.log(`${host}: ${(error as Error).message}`);
      errors.push(error);
      return null;
    }
  }

  // Of `object` the first result that is something ends the group: nulls are passed over.
  const winner = await ThreadGroup.run({ wait: 'object' }, async (group: ThreadGroup<Socket | null>) => {
    group.spawn({ name: 'connector' }, async () => {
      for (const host of hosts) {
        const attempt = group.spawn({ name: `connect ${host}` }, tryConnect, host);
        await ignoreAfter(HEAD_START_MS, () => attempt.wait());
      }
      return null;
    });
    await group.join();
    return group.completed?.result;
  });

  // Two may have connected in the same moment.
  for (const socket of open) if (socket !== winner) socket.close();
  if (!winner) throw new AggregateError(errors, `none of ${hosts.join(', ')} answers on port ${port}`);
  return winner;
}

/** The addresses of a host, those of the two families in turns. */
async function addressesOf(host: string): Promise<string[]> {
  const all = await lookup(host, { all: true });
  const [six, four] = [6, 4].map((family) => all.filter((entry) => entry.family === family));
  return all.flatMap((_, i) => [six?.[i], four?.[i]]).flatMap((entry) => (entry ? [entry.address] : []));
}

/** One that answers, behind two addresses of this machine that do not. */
async function demonstrate() {
  using listener = await Listener.listen({ host: '127.0.0.1', port: 0 }, { scope: currentThread() });
  // Left in the reverse order: the server is cancelled before its listener is closed.
  await using _server = spawn(async function server() {
    for (;;) (await listener.accept({ scope: currentThread() })).close();
  });
  const socket = await openTcpStream(['::1', '127.0.0.2', '127.0.0.1'], listener.port!);
  console.log(`connected to ${socket.remoteAddress}`);
  socket.close();
}

async function main(host: string | undefined, port: number) {
  if (host === undefined) return await demonstrate();
  const socket = await openTcpStream(await addressesOf(host), port);
  console.log(`connected to ${socket.remoteAddress}`);
  socket.close();
}

await run(main, process.argv[2], Number(process.argv[3] ?? 80));
