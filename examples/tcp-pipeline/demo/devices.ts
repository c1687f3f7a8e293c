// Simulated devices: many TCP connections that send length-prefixed frames (see frames.ts) as fast as they are taken.
//
// Every connection reads the JSON greeting first, and no frame leaves before all are connected. Many frames leave in one
// write, and the next write waits until the kernel took the last one, so a receiver that does not read holds us back. The
// first connections can be made to misbehave: reset half-way, end inside a frame, announce a frame of 4 GiB.
//
// One JSON line per report: "connected", "started", "progress", "finished" (with one entry per connection). With --hold the
// connections stay open until the line "end" on stdin. When stdin closes, the parent is gone and we end too.
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { combineDigests, MIN_FRAME_BYTES, Pattern, PREFIX_BYTES, StreamDigest } from './frames.ts';

const HELP = `usage: node devices.js --port P [options]
  --host H              where the pipeline listens (127.0.0.1)
  --connections C       TCP connections (4)
  --frames N            frames over all connections (100000)
  --size B              bytes of a frame, at least ${MIN_FRAME_BYTES} (64)
  --large-frames N      larger frames, spread evenly among the others (0)
  --large-size B        their size (1048576)
  --first N             number of the first connection, so that two processes do not collide (0)
  --seed S              of the frames' content (1)
  --write-bytes B       frames are gathered up to this size before a write (65536)
  --no-greeting         do not wait for the greeting
  --no-digest           do not hash what is sent
  --reset N             so many connections are reset after half of their frames and half a frame more
  --half-frame N        so many end in the middle of a frame
  --oversized N         so many announce a frame of 4 GiB after their frames
  --hold                keep connections open until the line "end" comes on stdin
  --with-parent         end when stdin closes
  --timeout-ms MS       give up after (120000)`;

type Ending = 'sent' | 'reset' | 'half-frame' | 'oversized';

/** How one connection went. `frames` counts whole frames that the kernel took. */
interface ConnectionReport {
  readonly connection: number;
  readonly localPort: number;
  readonly ending: Ending;
  readonly frames: number;
  readonly bytes: number;
  readonly digest: string | null;
  /** Why it ended before it had sent everything, else null. */
  readonly error: string | null;
}

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string' },
    connections: { type: 'string', default: '4' },
    frames: { type: 'string', default: '100000' },
    size: { type: 'string', default: '64' },
    'large-frames': { type: 'string', default: '0' },
    'large-size': { type: 'string', default: String(1 << 20) },
    first: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    'write-bytes': { type: 'string', default: '65536' },
    'no-greeting': { type: 'boolean', default: false },
    'no-digest': { type: 'boolean', default: false },
    reset: { type: 'string', default: '0' },
    'half-frame': { type: 'string', default: '0' },
    oversized: { type: 'string', default: '0' },
    hold: { type: 'boolean', default: false },
    'with-parent': { type: 'boolean', default: false },
    'timeout-ms': { type: 'string', default: '120000' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help || values.port === undefined) {
  console.log(HELP);
  process.exit(values.help ? 0 : 2);
}

const connections = Number(values.connections);
const frames = Number(values.frames);
const largeFrames = Number(values['large-frames']);
const size = Math.max(Number(values.size), MIN_FRAME_BYTES);
const largeSize = Math.max(Number(values['large-size']), MIN_FRAME_BYTES);
const writeBytes = Number(values['write-bytes']);
const pattern = new Pattern(Number(values.seed));
const say = (event: string, fields: object): void => {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
};

let release: () => void = () => undefined;
const released = new Promise<void>((resolve) => {
  release = resolve;
});
if (values['with-parent'] || values.hold) {
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => line === 'end' && release());
  lines.on('close', () => values['with-parent'] && process.exit(1));
}
setTimeout(() => {
  say('timeout', { connections: devices.map((device) => device.report()) });
  process.exit(1);
}, Number(values['timeout-ms'])).unref();

class Device {
  readonly #connection: number;
  readonly #ending: Ending;
  readonly #plan: Generator<number, void>;
  readonly #digest = values['no-digest'] ? undefined : new StreamDigest();
  readonly #total: number;
  #socket!: Socket;
  #closed!: Promise<void>;
  #localPort = 0;
  #error: string | null = null;
  #digestEnded: string | null = null;
  frames = 0;
  bytes = 0;

  constructor(index: number) {
    const share = (total: number): number => Math.floor(total / connections) + (index < total % connections ? 1 : 0);
    const reset = Number(values.reset);
    const halfFrame = reset + Number(values['half-frame']);
    const oversized = halfFrame + Number(values.oversized);
    this.#connection = Number(values.first) + index;
    this.#ending =
      index < reset ? 'reset' : index < halfFrame ? 'half-frame' : index < oversized ? 'oversized' : 'sent';
    const part = this.#ending === 'reset' ? 0.5 : 1;
    this.#total = Math.floor((share(frames) + share(largeFrames)) * part);
    this.#plan = sizes(share(frames), share(largeFrames), this.#total);
  }

  async connect(): Promise<void> {
    this.#socket = connect({ host: values.host, port: Number(values.port), noDelay: true });
    this.#closed = new Promise((resolve) => this.#socket.once('close', () => resolve()));
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#error ??= error.code ?? error.message;
    });
    await new Promise<void>((resolve) => {
      this.#socket.once('close', resolve);
      this.#socket.once('connect', () => {
        this.#localPort = this.#socket.localPort ?? 0;
        if (values['no-greeting']) resolve();
      });
      let greeting = Buffer.alloc(0);
      this.#socket.on('data', (chunk: Buffer) => {
        if (greeting.length > 1024) return;
        greeting = Buffer.concat([greeting, chunk]);
        if (greeting.length >= PREFIX_BYTES && greeting.length >= PREFIX_BYTES + greeting.readUInt32BE(0)) resolve();
      });
    });
  }

  /** Sends everything, then ends as planned. Resolves when the socket is closed. */
  async run(): Promise<void> {
    while (this.frames < this.#total && !this.#socket.destroyed) {
      const lengths: number[] = [];
      let bytes = 0;
      while (bytes < writeBytes) {
        const next = this.#plan.next();
        if (next.done) break;
        lengths.push(next.value);
        bytes += PREFIX_BYTES + next.value;
      }
      const chunk = this.#framesOf(lengths, bytes);
      if (!(await this.#write(chunk))) break;
      this.frames += lengths.length;
      this.bytes += bytes - lengths.length * PREFIX_BYTES;
      this.#digest?.addPrefixed(chunk);
    }
    if (this.frames < this.#total) this.#error ??= 'closed by the other side';
    await this.#finish();
    this.#digestEnded = this.#digest?.end() ?? null;
  }

  report(): ConnectionReport {
    return {
      connection: this.#connection,
      localPort: this.#localPort,
      ending: this.#ending,
      frames: this.frames,
      bytes: this.bytes,
      digest: this.#digestEnded,
      error: this.#error,
    };
  }

  async #finish(): Promise<void> {
    const half = this.#framesOf([size], PREFIX_BYTES + size).subarray(0, PREFIX_BYTES + (size >> 1));
    if (this.#ending === 'reset') {
      await this.#write(half);
      this.#socket.resetAndDestroy();
    } else if (this.#ending === 'half-frame') {
      await this.#write(half);
    } else if (this.#ending === 'oversized') {
      await this.#write(Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0xff]), Buffer.alloc(1024)]));
      await this.#closed; // the other side has to close it
    }
    if (values.hold && this.#ending === 'sent') await released;
    this.#socket.end();
    await this.#closed;
  }

  /** The next frames with their prefixes, one after the other. */
  #framesOf(lengths: readonly number[], bytes: number): Buffer {
    const chunk = Buffer.allocUnsafe(bytes);
    let at = 0;
    let sequence = this.frames;
    for (const length of lengths) {
      at = chunk.writeUInt32BE(length, at);
      pattern.fill(chunk, at, length, this.#connection, ++sequence);
      at += length;
    }
    return chunk;
  }

  /** True when the kernel took it all; false when the socket is gone. */
  async #write(chunk: Buffer): Promise<boolean> {
    if (this.#socket.destroyed || this.#socket.writableEnded) return false;
    return await new Promise((resolve) => this.#socket.write(chunk, (error) => resolve(error == null)));
  }
}

/** The sizes of one connection's frames: the large ones spread evenly, at most `limit` in all. */
function* sizes(small: number, large: number, limit: number): Generator<number, void> {
  const total = small + large;
  for (let i = 0; i < Math.min(total, limit); i++) {
    const isLarge = Math.floor(((i + 1) * large) / total) > Math.floor((i * large) / total);
    yield isLarge ? largeSize : size;
  }
}

const devices = Array.from({ length: connections }, (_, index) => new Device(index));
const sum = (field: 'frames' | 'bytes'): number => devices.reduce((total, device) => total + device[field], 0);

for (let i = 0; i < devices.length; i += 100) {
  await Promise.all(devices.slice(i, i + 100).map((device) => device.connect()));
}
say('connected', { connections });
const startedAt = Date.now();
say('started', { at: startedAt });
const progress = setInterval(() => say('progress', { frames: sum('frames'), bytes: sum('bytes') }), 100);
await Promise.all(devices.map((device) => device.run()));
clearInterval(progress);
const reports = devices.map((device) => device.report());
const digests = new Map(reports.filter(({ frames }) => frames > 0).map((r) => [r.connection, r.digest ?? '']));
say('finished', {
  frames: sum('frames'),
  bytes: sum('bytes'),
  elapsedMs: Date.now() - startedAt,
  digest: values['no-digest'] ? null : combineDigests(digests),
  connections: reports,
});
// The last report is long, and an exit does not wait for what a pipe has not taken yet.
await new Promise<void>((written) => {
  process.stdout.write('', () => written());
});
process.exit(reports.every(({ error, ending }) => error === null || ending !== 'sent') ? 0 : 1);
