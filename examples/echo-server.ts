/**
 * An echo server from one function: each connection is a thread that runs it. Line by line, with a limit on how long a
 * client may be silent; Ctrl-C lets what is being sent go out and then ends all connections together.
 *
 *     npm run example examples/echo-server.ts            port 5004; another one: … echo-server.ts -- 7000
 *     npm run example examples/echo-server.ts -- 5004 cert.pem key.pem            the same, secured
 *     node -e "require('node:net').connect(5004).on('data', (b) => console.log(String(b))).write('ping\n')"
 */
import { readFileSync } from 'node:fs';
import { runMain, TimeoutError, type Turn } from 'taskthread';
import type { Socket } from 'taskthread/net';
import { serveTCP } from 'taskthread/threads';

const [port = '5004', certFile, keyFile] = process.argv.slice(2);
const SILENCE_MS = 60_000;
const MAX_LINE_BYTES = 64 * 1024;

async function echo(socket: Socket, turn: Turn) {
  console.log(`port ${socket.remotePort}: connected${socket.tls === undefined ? '' : ` with ${socket.tls.protocol}`}`);
  const stream = socket.asStream();
  try {
    for (;;) {
      // The next line is only read when this one is on its way back: who does not read is not read from.
      const line = await turn.timeoutAfter(SILENCE_MS, (limited) =>
        stream.readLine({ scope: limited, maxBytes: MAX_LINE_BYTES }),
      );
      if (line.length === 0) break;
      await stream.write(line, { scope: turn });
    }
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    await stream.write('goodbye: nothing came for too long\n', { scope: turn });
  } finally {
    console.log(`port ${socket.remotePort}: ${socket.bytesRead} bytes came, ${socket.bytesWritten} went back`);
  }
}

const server = serveTCP(echo, {
  port: Number(port),
  maxClients: 100,
  onListening: (taken) => console.log(`listening on port ${taken}`),
  onRefused: (socket) => console.log(`port ${socket.remotePort}: turned away`),
  onFailure: (error) => console.log(`a connection failed: ${String(error)}`),
  tls: certFile && keyFile ? { cert: readFileSync(certFile), key: readFileSync(keyFile) } : undefined,
});

await runMain(server);
