/**
 * An echo server of plain functions: one accepts, one for each connection sends back what it is sent, until Ctrl-C. A
 * connection that fails is told and ends; the others go on.
 *
 *     npm run example examples/functions/echo-server.ts            port 5004; another one: … echo-server.ts -- 7000
 *     node -e "require('node:net').connect(5004).on('data', (b) => console.log(String(b))).write('ping')"
 */
import { currentThread, run, SignalEvent, spawn } from 'taskthread';
import { Listener, type Socket } from 'taskthread/net';

async function connection(socket: Socket) {
  const thread = currentThread();
  let bytes = 0;
  for (;;) {
    const chunk = await socket.recv(65_536, { scope: thread });
    if (chunk.length === 0) break;
    await socket.sendAll(chunk, { scope: thread }); // not read from while it does not read
    bytes += chunk.length;
  }
  await socket.flush({ scope: thread });
  console.log(`port ${socket.remotePort}: ended, ${bytes} bytes`);
}

async function server(listener: Listener) {
  const thread = currentThread();
  for (;;) {
    const socket = await listener.accept({ scope: thread });
    // `owns`: the socket is closed with its thread, whatever ends it. `ignore`: its failure is nobody else's.
    spawn({ name: `port ${socket.remotePort}`, owns: socket, onFailure: 'ignore' }, connection, socket);
  }
}

async function main(port: number) {
  using interrupt = new SignalEvent('SIGINT', 'SIGTERM');
  using listener = await Listener.listen({ host: '127.0.0.1', port }, { scope: currentThread() });
  console.log(`listening on port ${listener.port}`);
  const serving = spawn(server, listener);
  await interrupt.wait();
  await serving.cancel();
  console.log('all connections are closed');
}

await run(main, Number(process.argv[2] ?? 5004));
