// The sample pipeline written by hand in plain Node, with no framework: the yardstick for speed and memory.
//
//   TCP devices (4-byte big-endian length prefix, JSON greeting)
//     -> one binary websocket message per frame to every --forward URL, and one SQLite row per frame
//
// It does what the pipeline's measured path does and nothing else (no reconnecting, no feed, no budget, no reports), as well
// as it can be done by hand: a frame is a view of the received chunk where it lies in one piece; the messages of one chunk
// leave in one write (cork); rows are committed in batches by count, bytes and time; while a destination holds more than
// HIGH_WATER_BYTES, no device is read. Driver, schema, pragmas and batching are those of the pipeline, so that a comparison
// (compare.mjs) is about the framework; whoever changes them there changes them here.
//
//   node bench/pipeline/plain-node-pipeline.mjs --port 0 --forward ws://127.0.0.1:9001/ --database FILE --json
//
// Needs `ws`, and `libsql` where node:sqlite is missing. SIGTERM: stops reading, writes out what it has, prints the totals.
import { randomUUID } from 'node:crypto';
import net from 'node:net';
import { parseArgs } from 'node:util';
import WebSocket from 'ws';

const HIGH_WATER_BYTES = 1 << 20;
const MAX_FRAME_BYTES = 16 << 20;
const BATCH_ROWS = 2000;
const BATCH_BYTES = 4 << 20;
const FLUSH_MS = 10;
const COLUMNS = 4;

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '5002' },
    forward: { type: 'string', multiple: true, default: [] },
    database: { type: 'string', default: 'none' },
    json: { type: 'boolean', default: false },
  },
});
const say = (event, fields) => {
  if (options.json) console.log(JSON.stringify({ event, ...fields }));
  else console.log(event, fields);
};

async function openDatabase(file) {
  const Database = await import('node:sqlite').then(
    (module) => module.DatabaseSync,
    () => import('libsql').then((module) => module.default),
  );
  const db = new Database(file);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 250;');
  db.exec(
    'CREATE TABLE IF NOT EXISTS frames (id INTEGER PRIMARY KEY, connection TEXT, sequence INTEGER, received_at INTEGER, payload BLOB)',
  );
  return db;
}

class Store {
  constructor(db) {
    this.db = db;
    this.insert = db?.prepare('INSERT INTO frames (connection, sequence, received_at, payload) VALUES (?, ?, ?, ?)');
    this.values = []; // COLUMNS values a row, flat: no object per frame
    this.bytes = 0;
    this.stored = 0;
    this.timer = undefined;
  }

  add(connection, sequence, receivedAt, payload) {
    this.values.push(connection, sequence, receivedAt, payload);
    this.bytes += payload.length;
    if (this.values.length >= BATCH_ROWS * COLUMNS || this.bytes >= BATCH_BYTES) this.flush();
    else if (this.timer === undefined) this.timer = setTimeout(() => this.flush(), FLUSH_MS);
  }

  flush() {
    clearTimeout(this.timer);
    this.timer = undefined;
    const values = this.values;
    if (values.length === 0) return;
    this.values = [];
    this.bytes = 0;
    if (this.db) {
      this.db.exec('BEGIN');
      for (let i = 0; i < values.length; i += COLUMNS)
        this.insert.run(values[i], values[i + 1], values[i + 2], values[i + 3]);
      this.db.exec('COMMIT');
    }
    this.stored += values.length / COLUMNS;
  }
}

const devices = new Set();
let destinationsOver = 0; // above the high-water mark; no device is read while it is not 0

class Destination {
  constructor(url) {
    this.url = url;
    this.over = false;
    this.sent = 0;
    this.socket = new WebSocket(url, { perMessageDeflate: false });
    this.opened = new Promise((resolve, reject) => {
      this.socket.once('open', () => {
        this.tcp = this.socket._socket;
        this.tcp.setNoDelay(true);
        this.tcp.on('drain', () => this.check());
        resolve();
      });
      this.socket.once('error', reject);
    });
  }

  check() {
    const over = this.tcp.writableLength >= HIGH_WATER_BYTES;
    if (over === this.over) return;
    this.over = over;
    destinationsOver += over ? 1 : -1;
    if (over && destinationsOver === 1) for (const device of devices) device.pause();
    if (!over && destinationsOver === 0) for (const device of devices) device.resume();
  }

  async close() {
    const closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.close();
    await closed;
  }
}

const store = new Store(options.database === 'none' ? undefined : await openDatabase(options.database));
const destinations = options.forward.map((url) => new Destination(url));
await Promise.all(destinations.map((destination) => destination.opened));

const MESSAGE = { binary: true, compress: false };
const hello = Buffer.from(JSON.stringify({ message: 'hello!' }));
const greeting = Buffer.concat([Buffer.from([0, 0, 0, hello.length]), hello]);
let accepted = 0;

const server = net.createServer((device) => {
  const connection = randomUUID();
  let sequence = 0;
  let frame; // one that spans chunks, and how much of it has come
  let filled = 0;
  let header = 0;
  let headerBytes = 0;

  devices.add(device);
  device.write(greeting);
  if (destinationsOver > 0) device.pause();
  device.on('error', () => {});
  device.on('close', () => devices.delete(device));
  device.on('data', (chunk) => {
    const now = Date.now();
    const emit = (payload) => {
      for (const destination of destinations) {
        destination.socket.send(payload, MESSAGE);
        destination.sent++;
      }
      store.add(connection, ++sequence, now, payload);
      accepted++;
    };
    for (const destination of destinations) destination.tcp.cork();
    let at = 0;
    for (;;) {
      if (frame !== undefined) {
        const n = Math.min(frame.length - filled, chunk.length - at);
        chunk.copy(frame, filled, at, at + n);
        filled += n;
        at += n;
        if (filled < frame.length) break;
        const whole = frame;
        frame = undefined;
        emit(whole);
      }
      while (headerBytes < 4 && at < chunk.length) {
        header = header * 256 + chunk[at++];
        headerBytes++;
      }
      if (headerBytes < 4) break;
      const size = header;
      header = headerBytes = 0;
      if (size > MAX_FRAME_BYTES) {
        device.destroy();
        break;
      }
      if (chunk.length - at >= size) {
        emit(chunk.subarray(at, at + size));
        at += size;
      } else {
        frame = Buffer.allocUnsafe(size);
        filled = 0;
      }
    }
    for (const destination of destinations) {
      destination.tcp.uncork();
      destination.check();
    }
  });
});

async function stop() {
  server.close();
  for (const device of devices) device.destroy();
  store.flush();
  for (const destination of destinations) await destination.close();
  const forwarded = Object.fromEntries(destinations.map(({ url, sent }) => [url, sent]));
  say('stopped', { verdict: 'clean', reason: 'SIGTERM', totals: { accepted, stored: store.stored, forwarded } });
  process.exit(0);
}
process.on('SIGTERM', () => void stop());

server.listen(Number(options.port), '127.0.0.1', () => {
  say('ready', { port: server.address().port, pid: process.pid });
});
