/**
 * A TCP server that greets everybody who connects and sends back what it is sent, with a thread for each connection.
 *
 *     npm run example examples/simple-tcp-server.ts            port 5003; another one: … simple-tcp-server.ts -- 7000
 *     node -e "require('node:net').connect(5003).on('data', (b) => console.log(String(b))).write('ping')"
 */
import { runMain, type Turn } from 'taskthread';
import type { Socket } from 'taskthread/net';
import { type StreamEnd, TCPConnectionThread, TCPServerThread } from 'taskthread/threads';

class EchoConnectionThread extends TCPConnectionThread<never, never, never> {
  protected override async enter(turn: Turn) {
    await this.socket.sendAll(Buffer.from('hello!\n'), { scope: turn });
    await super.enter(turn);
  }

  /** The next bytes are only read when these are on their way back: a peer that does not read is not read from. */
  protected override received(bytes: Buffer, turn: Turn) {
    return this.socket.sendAll(bytes, { scope: turn });
  }

  protected override async streamEnded(end: StreamEnd, turn: Turn) {
    if (end.kind === 'ended') await this.socket.flush({ scope: turn });
    console.log(`port ${this.socket.remotePort}: ${end.kind}, ${this.socket.bytesRead} bytes`);
  }
}

class EchoServerThread extends TCPServerThread<never> {
  protected override async enter(turn: Turn) {
    await super.enter(turn);
    console.log(`listening on port ${this.port}`);
  }

  protected override connection(socket: Socket) {
    console.log(`port ${socket.remotePort}: connected`);
    return new EchoConnectionThread(socket);
  }

  protected override exit(turn: Turn) {
    super.exit(turn);
    console.log('the port is closed');
  }
}

await runMain(() => new EchoServerThread({ port: Number(process.argv[2] ?? 5003), maxClients: 100 }));
