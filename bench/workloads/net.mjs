// Net: echoes of 64 bytes over TCP on this machine, one after the other, on one connection and on a hundred at a time. Both
// ends are in this process, so a round trip is two sends and two receives. (thredo's echo: 4 to 10 thousand a second.)
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { pathToFileURL } from 'node:url';

const root = createRequire(new URL('../../package.json', import.meta.url));
const ofPackage = (name) => import(pathToFileURL(root.resolve(name)).href);
const { start } = await ofPackage('taskthread');
const { Socket } = await ofPackage('taskthread/net');
const { serveTCP } = await ofPackage('taskthread/threads');

const HOST = '127.0.0.1';
const MESSAGE = Buffer.alloc(64, 'x');

/** Handlers that are threads, and clients on our sockets. */
function ours(connections) {
  return async (work) => {
    const server = serveTCP(
      async (socket, turn) => {
        for (;;) {
          const bytes = await socket.recv(65_536, { scope: turn });
          if (bytes.length === 0) return;
          await socket.sendAll(bytes, { scope: turn });
        }
      },
      { port: 0, maxClients: connections, scopeAround: false },
    );
    const handle = await start(server);
    const sockets = [];
    for (let i = 0; i < connections; i++) sockets.push(await Socket.connect({ host: HOST, port: server.port }));
    let echoed = 0;
    const client = async (socket) => {
      const stream = socket.asStream();
      for (let i = 0; i < work.size / connections; i++) {
        await socket.sendAll(MESSAGE);
        const back = await stream.readExactly(MESSAGE.length);
        if (back.length === MESSAGE.length) echoed++;
      }
    };
    work.begin();
    await Promise.all(sockets.map(client));
    work.end();
    for (const socket of sockets) socket.close();
    await handle.stop();
    return echoed;
  };
}

/** The same by hand: 'data' listeners on both ends, no promise, no backpressure. */
function byHand(connections) {
  return async (work) => {
    const server = createServer({ noDelay: true }, (socket) => socket.on('data', (bytes) => socket.write(bytes)));
    await new Promise((resolve) => server.listen(0, HOST, resolve));
    const { port } = server.address();
    const sockets = [];
    for (let i = 0; i < connections; i++) {
      const socket = connect({ host: HOST, port, noDelay: true });
      await new Promise((resolve) => socket.once('connect', resolve));
      sockets.push(socket);
    }
    let echoed = 0;
    const client = (socket) =>
      new Promise((resolve) => {
        let missing = MESSAGE.length;
        let left = work.size / connections;
        socket.on('data', (bytes) => {
          missing -= bytes.length;
          if (missing > 0) return;
          missing = MESSAGE.length;
          echoed++;
          if (--left <= 0) resolve();
          else socket.write(MESSAGE);
        });
        socket.write(MESSAGE);
      });
    work.begin();
    await Promise.all(sockets.map(client));
    work.end();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    return echoed;
  };
}

export const workloads = [1, 100].map((connections) => ({
  name: connections === 1 ? 'echo' : `echo on ${connections}`,
  title: `Echo of 64 bytes, ${connections === 1 ? 'one connection' : `${connections} connections at a time`}`,
  unit: 'round trips',
  size: 20_000,
  contenders: { taskthread: ours(connections), floor: byHand(connections) },
  peers: [],
}));
