// How the pipeline comes back to a destination that refused, was not there yet, or was lost: at least once, in order.
//
// The destination is a websocket server in this process, so that a test decides which pings are answered.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ReportingProcess } from '../../examples/tcp-pipeline/demo/child-process.ts';
import {
  beyondReference,
  endProcessesAfterEach,
  prefixed,
  RawDevice,
  startProcess,
  until,
  untilSaid,
} from './pipeline-process.ts';

endProcessesAfterEach();

interface Session {
  readonly socket: WebSocket;
  readonly frames: string[];
  /** How many of them a ping has confirmed. */
  confirmed: number;
}

const servers: { close: () => void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A destination with one list of frames per session. */
async function startDestination({ confirms = true, port = 0 } = {}): Promise<{ url: string; sessions: Session[] }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port, autoPong: false });
  const sessions: Session[] = [];
  servers.push({
    close: () => {
      for (const { socket } of sessions) socket.terminate();
      server.close();
    },
  });
  server.on('connection', (socket) => {
    const session: Session = { socket, frames: [], confirmed: 0 };
    sessions.push(session);
    socket.on('error', () => undefined); // the test terminates it on purpose
    socket.on('message', (data: Buffer) => session.frames.push(data.toString()));
    socket.on('ping', (data: Buffer) => {
      if (!confirms) return;
      session.confirmed = session.frames.length;
      socket.pong(data);
    });
  });
  await once(server, 'listening');
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, sessions };
}

/** The pipeline with this one destination, and a device. */
async function startWith(url: string): Promise<{ pipeline: ReportingProcess; device: RawDevice }> {
  const pipeline = startProcess(['--port', '0', '--json', '--database', 'none', '--forward', url]);
  const ready = await pipeline.waitReport('ready', 10_000);
  const device = await RawDevice.connect(Number(ready.port));
  await device.greeting();
  return { pipeline, device };
}

const words = Array.from({ length: 50 }, (_, i) => `frame ${i + 1}`);

beyondReference.each([
  { confirms: false, again: words, what: 'everything again to a destination that never answered a ping' },
  { confirms: true, again: [], what: 'nothing again of what an answered ping has confirmed' },
])(
  'after a lost connection sends $what',
  async ({ confirms, again }) => {
    const { url, sessions } = await startDestination({ confirms });
    const { pipeline, device } = await startWith(url);
    await device.send(Buffer.concat(words.map(prefixed)));
    await until('the frames are there', () => sessions[0]?.frames.length === 50);
    if (confirms) await until('a ping has confirmed them', () => sessions[0]!.confirmed === 50, 40_000);

    servers.pop()!.close();
    const port = Number(new URL(url).port);
    await untilSaid(pipeline, String(port), /ECONNREFUSED|refused/); // it knows that the connection is lost
    await device.send(prefixed('frame 51'));
    const back = await startDestination({ confirms, port });
    const latest = (): string[] => back.sessions.at(-1)?.frames ?? [];
    await until('the next frame is there', () => latest().includes('frame 51'), 20_000);
    expect(sessions[0]!.frames).toEqual(words);
    expect(latest()).toEqual([...again, 'frame 51']);
  },
  80_000,
);

beyondReference(
  'is ready without its destination and delivers when that comes up',
  async () => {
    const { url } = await startDestination();
    servers.pop()!.close(); // the port is free again
    const port = Number(new URL(url).port);
    const { pipeline, device } = await startWith(url);
    await untilSaid(pipeline, String(port), /ECONNREFUSED|refused/);
    await device.send(Buffer.concat(words.map(prefixed)));

    const { sessions } = await startDestination({ port });
    await until('the frames are there', () => sessions.at(-1)?.frames.length === 50, 20_000);
    expect(sessions.at(-1)!.frames).toEqual(words);
    pipeline.signal('SIGTERM');
    expect((await pipeline.waitExit(15_000)).code).toBe(0);
    expect(pipeline.latest('stopped')?.totals).toMatchObject({ forwarded: { [url]: 50 }, unconfirmed: 0 });
  },
  60_000,
);

beyondReference(
  'keeps retrying a destination that refuses, and says what was not delivered',
  async () => {
    let attempts = 0;
    const refusing = createServer();
    servers.push(refusing);
    refusing.on('upgrade', (_request, socket) => {
      attempts++;
      socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n');
    });
    refusing.listen(0, '127.0.0.1');
    await once(refusing, 'listening');
    const { port } = refusing.address() as AddressInfo;
    const url = `ws://127.0.0.1:${port}/`;

    const { pipeline, device } = await startWith(url);
    await device.send(Buffer.concat(['a', 'b', 'c'].map(prefixed)));
    await until('it has tried three times', () => attempts >= 3, 15_000);
    await untilSaid(pipeline, String(port), '503');
    await device.end();
    pipeline.signal('SIGTERM');
    expect((await pipeline.waitExit(15_000)).code).toBe(1);
    const totals = pipeline.latest('stopped')?.totals;
    expect(totals).toMatchObject({ accepted: 3, forwarded: { [url]: 0 }, unconfirmed: 3 });
  },
  45_000,
);
