// What the integration tests of the pipeline share: the program under test, processes that are always ended, raw devices.
//
// PIPELINE_COMMAND replaces the program under test (split at spaces); with the reference program only the tests of the
// common part of the command line run, the others are skipped. FULL=1 runs the full counts of the requirements.
// Each test file calls `endProcessesAfterEach` once: nothing that was started here outlives its test.
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ReportingProcess } from '../../examples/tcp-pipeline/demo/child-process.ts';
import { PREFIX_BYTES } from '../../examples/tcp-pipeline/demo/frames.ts';
import { PipelineRig, type RigOptions, type Stopped } from '../../examples/tcp-pipeline/demo/rig.ts';

export const root = join(__dirname, '../..');
export const demoFolder = join(root, 'dist/examples/tcp-pipeline/demo');
export const reference = join(root, 'bench/pipeline/plain-node-pipeline.mjs');
const main = join(root, 'dist/examples/tcp-pipeline/main.js');
export const pipelineCommand = process.env.PIPELINE_COMMAND?.split(' ') ?? [process.execPath, main];
export const full = process.env.FULL === '1';
export const MEMORY_LIMIT = 250e6;

/** For what the reference program does not do. */
export const beyondReference = pipelineCommand.some((word) => word.endsWith('plain-node-pipeline.mjs'))
  ? test.skip
  : test;

const rigs: PipelineRig[] = [];
const processes: ReportingProcess[] = [];
const sockets: Socket[] = [];

export function endProcessesAfterEach(): void {
  beforeAll(() => {
    if (!existsSync(join(demoFolder, 'devices.js'))) throw new Error('dist/examples is missing: npm run build');
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await Promise.all(processes.splice(0).map((child) => child.kill()));
    await Promise.all(rigs.splice(0).map((rig) => rig.close()));
  });
}

/** The pipeline with its clouds, ready. */
export async function startRig(options: Partial<RigOptions> = {}): Promise<PipelineRig> {
  const rig = new PipelineRig({ pipeline: pipelineCommand, demoFolder, ...options });
  rigs.push(rig);
  await rig.start();
  return rig;
}

/** Any process; without a command the pipeline with just these options. */
export function startProcess(
  args: readonly string[],
  command: readonly string[] = pipelineCommand,
  env: NodeJS.ProcessEnv = process.env,
): ReportingProcess {
  const [program, ...first] = command;
  const child = new ReportingProcess(`${program} ${first.join(' ')}`, program!, [...first, ...args], env);
  processes.push(child);
  return child;
}

/** Polls until it holds; fails at the deadline with what was waited for. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms until ${what}`);
    await delay(10);
  }
}

/** Waits until the process has said one line (JSON or not) in which all of these are found. */
export async function untilSaid(child: ReportingProcess, ...parts: readonly (string | RegExp)[]): Promise<void> {
  const fits = (line: string): boolean =>
    parts.every((part) => (typeof part === 'string' ? line.includes(part) : part.test(line)));
  const said = (): string[] => [...child.lines, ...child.reports.map((report) => JSON.stringify(report))];
  await until(`a line has ${parts.join(' and ')}`, () => said().some(fits)).catch((error: Error) => {
    throw new Error([error.message, ...said().slice(-30)].join('\n  '));
  });
}

/** The last line of the pipeline as the command line promises it. */
export interface Totals {
  readonly connections: number;
  readonly refused: number;
  readonly accepted: number;
  readonly stored: number;
  readonly forwarded: Readonly<Record<string, number>>;
  readonly unconfirmed: number;
  readonly feedDropped: number;
  readonly oversized: number;
  readonly partialFrames: number;
  readonly resets: number;
}

/** The totals of a stopped pipeline. */
export function totalsOf({ report }: Stopped): Totals {
  if (report === undefined) throw new Error('no "stopped" line');
  return report.totals as Totals;
}

/** A device by hand, for what devices.ts does not do. */
export class RawDevice {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  readonly #chunks: Buffer[] = [];

  private constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port, noDelay: true });
    sockets.push(this.socket);
    this.socket.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
    this.socket.on('error', () => undefined); // how it ended is seen by what was stored
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
  }

  static async connect(port: number): Promise<RawDevice> {
    const device = new RawDevice(port);
    await new Promise<void>((resolve, reject) => {
      device.socket.once('connect', resolve);
      device.socket.once('error', reject);
    });
    return device;
  }

  /** As the pipeline names it. */
  get address(): string {
    return `127.0.0.1:${this.socket.localPort}`;
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Reads the length-prefixed JSON that greets a device. */
  async greeting(): Promise<unknown> {
    const whole = (bytes: Buffer): boolean => bytes.length >= 4 && bytes.length >= PREFIX_BYTES + bytes.readUInt32BE(0);
    await until('the greeting is here', () => whole(this.received));
    const length = this.received.readUInt32BE(0);
    return JSON.parse(this.received.subarray(PREFIX_BYTES, PREFIX_BYTES + length).toString());
  }

  async send(bytes: Buffer | string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  async end(): Promise<void> {
    this.socket.end();
    await this.closed;
  }
}

/** The bytes with their 4-byte big-endian length before them. */
export function prefixed(payload: Buffer | string): Buffer {
  const bytes = Buffer.from(payload);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(bytes.length);
  return Buffer.concat([prefix, bytes]);
}
