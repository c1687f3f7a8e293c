// A stand-in for the cloud: a real websocket server that takes binary messages and checks every one (see frames.ts).
//
// It reports in JSON lines: "ready" (url, pid), "complete" as soon as --expect frames have come, "fault" at the first one that
// cannot be right, "stats" on the line "stats" on stdin or on SIGUSR2, "stopped" at SIGTERM or SIGINT. With --journal it writes down what it has before it
// answers a ping, and begins there when it is started again: what it confirmed survives a SIGKILL, the rest has to come again.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { type WebSocket, WebSocketServer } from 'ws';
import { FrameCheck, Pattern } from './frames.ts';

const HELP = `usage: node cloud.js [options]
  --host H           where to listen (127.0.0.1)
  --port P           0 takes a free one (0)
  --seed S           of the frames' content, as given to the devices (1)
  --expect N         report "complete" when so many different frames have come (off)
  --journal FILE     remember over restarts what was confirmed
  --digest           hash what comes, per connection
  --with-parent      end when stdin closes`;

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    expect: { type: 'string', default: '0' },
    journal: { type: 'string' },
    digest: { type: 'boolean', default: false },
    'with-parent': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}

const check = new FrameCheck(new Pattern(Number(values.seed)), { digests: values.digest });
const expected = Number(values.expect);
const say = (event: string, fields: object): void => {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
};
let carriers = 0;
let pings = 0;
let texts = 0;
let firstAt: number | undefined;
let lastAt: number | undefined;
let completed = expected === 0;
let faulty = false;

const stats = (): object => ({
  ...check.counts(),
  carriers,
  pings,
  texts,
  firstAt: firstAt ?? null,
  lastAt: lastAt ?? null,
});

function writeJournal(file: string): void {
  writeFileSync(`${file}.new`, JSON.stringify(check.memory()));
  renameSync(`${file}.new`, file); // a kill in between leaves the last whole one
}

function serve(socket: WebSocket): void {
  const carrier = ++carriers;
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (!isBinary) {
      texts++;
      return;
    }
    firstAt ??= Date.now();
    check.add(data, carrier);
    if (check.faults > 0 && !faulty) {
      faulty = true;
      say('fault', stats());
    }
    if (!completed && check.unique >= expected) {
      completed = true;
      lastAt = Date.now();
      say('complete', stats());
    }
  });
  socket.on('ping', (data: Buffer) => {
    pings++;
    if (values.journal !== undefined) writeJournal(values.journal);
    socket.pong(data);
  });
  socket.on('error', (error) => say('socket-error', { message: error.message }));
}

if (values.journal !== undefined && existsSync(values.journal)) {
  check.resume(JSON.parse(readFileSync(values.journal, 'utf8')));
}
const server = new WebSocketServer({
  host: values.host,
  port: Number(values.port),
  perMessageDeflate: false,
  maxPayload: 1 << 30,
  autoPong: false,
});
server.on('connection', serve);
server.on('error', (error) => {
  say('failed', { message: error.message });
  process.exit(1);
});
server.on('listening', () => {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  say('ready', { port, url: `ws://${values.host}:${port}/`, pid: process.pid });
});

const stop = (): void => {
  say('stopped', { ...stats(), digest: values.digest ? check.digest() : null });
  process.exit(0);
};
process.on('SIGUSR2', () => say('stats', stats()));
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => line === 'stats' && say('stats', stats()));
lines.on('close', () => values['with-parent'] && process.exit(1));
