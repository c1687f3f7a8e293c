// The pipeline under load, with everything around it as processes of their own: clouds, devices, a temporary folder.
//
// The demo, the comparison with the reference program and the integration tests all build on this one. Which program is the
// pipeline is a parameter: anything that speaks its command line. `close` ends every process by the pid that was started
// here and removes the folder; call it on every path.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Exit, type Report, ReportingProcess } from './child-process.ts';
import { RowCounter } from './stored.ts';

const START_TIMEOUT_MS = 15_000;
const SAMPLE_MS = 100;

export interface RigOptions {
  /** The program and its first arguments, for example `[process.execPath, 'dist/…/main.js']`. */
  readonly pipeline: readonly string[];
  /** The folder with the compiled devices.js and cloud.js. */
  readonly demoFolder: string;
  /** How many clouds to forward to (1). */
  readonly destinations?: number;
  /** The clouds report "complete" at so many frames. */
  readonly expect?: number;
  readonly seed?: number;
  /** Clouds hash what they get. */
  readonly digest?: boolean;
  /** Clouds remember over restarts what they confirmed. */
  readonly journal?: boolean;
  /** Store into a temporary SQLite file (true). */
  readonly database?: boolean;
  /** Further options of the pipeline. */
  readonly options?: readonly string[];
}

export interface Stopped {
  readonly exit: Exit;
  readonly report: Report | undefined;
  readonly elapsedMs: number;
}

export class PipelineRig {
  readonly folder = mkdtempSync(join(tmpdir(), 'taskthread-pipeline-'));
  readonly databaseFile = join(this.folder, 'frames.sqlite');
  readonly clouds: ReportingProcess[] = [];
  readonly memorySamples: number[] = [];
  readonly #options: RigOptions;
  readonly #processes: ReportingProcess[] = [];
  #pipeline: ReportingProcess | undefined;
  #sampler: NodeJS.Timeout | undefined;
  #peakMemory: number | undefined;
  #closed = false;

  constructor(options: RigOptions) {
    this.#options = options;
  }

  /** Makes a rig and starts it; leaves nothing behind if that fails. */
  static async start(options: RigOptions): Promise<PipelineRig> {
    const rig = new PipelineRig(options);
    try {
      await rig.start();
      return rig;
    } catch (error) {
      await rig.close();
      throw error;
    }
  }

  /** Starts the clouds, then the pipeline, and resolves when it is ready. */
  async start(): Promise<void> {
    for (let i = 0; i < (this.#options.destinations ?? 1); i++) await this.startCloud(i);
    await this.#startPipeline();
  }

  get pipeline(): ReportingProcess {
    if (this.#pipeline === undefined) throw new Error('the pipeline has not been started');
    return this.#pipeline;
  }

  /** The port that devices connect to. */
  get port(): number {
    return Number(this.pipeline.latest('ready')?.port);
  }

  /** The peak of the pipeline's resident memory in bytes, as last seen (undefined where the system does not tell). */
  get peakMemory(): number | undefined {
    return this.#peakMemory;
  }

  /** The url of a cloud as the pipeline was told. */
  destination(index: number): string {
    return String(this.clouds[index]?.latest('ready')?.url);
  }

  /** Starts a cloud, or starts it again on the port that it had. */
  async startCloud(index: number): Promise<ReportingProcess> {
    const { seed = 1, expect = 0, digest = false, journal = false } = this.#options;
    const port = Number(this.clouds[index]?.latest('ready')?.port ?? 0);
    const args = ['--port', `${port}`, '--seed', `${seed}`, '--expect', `${expect}`, '--with-parent'];
    if (digest) args.push('--digest');
    if (journal) args.push('--journal', join(this.folder, `cloud-${index}.json`));
    const cloud = this.#run(`cloud ${index}`, [process.execPath, join(this.#options.demoFolder, 'cloud.js'), ...args]);
    this.clouds[index] = cloud;
    await cloud.waitReport('ready', START_TIMEOUT_MS);
    return cloud;
  }

  /** Starts devices against the pipeline, with options of devices.js. */
  startDevices(...options: readonly string[]): ReportingProcess {
    const { seed = 1, demoFolder } = this.#options;
    const args = ['--port', `${this.port}`, '--seed', `${seed}`, '--with-parent', ...options];
    return this.#run('devices', [process.execPath, join(demoFolder, 'devices.js'), ...args]);
  }

  /** Waits until every cloud has what it expects and the table has as many rows. Gives the moment at which that was so. */
  async waitDelivered(timeoutMs: number): Promise<number> {
    const deadline = Date.now() + timeoutMs;
    const complete = await Promise.all(this.clouds.map((cloud) => this.#waitComplete(cloud, timeoutMs)));
    const received = Math.max(0, ...complete.map((report) => Number(report.lastAt)));
    return Math.max(received, await this.#waitStored(this.#options.expect ?? 0, deadline));
  }

  /** Asks the pipeline to stop and waits until it has. */
  async stop(timeoutMs: number, signal: NodeJS.Signals = 'SIGTERM'): Promise<Stopped> {
    const begin = Date.now();
    this.#sample();
    this.pipeline.signal(signal);
    const exit = await this.pipeline.waitExit(timeoutMs);
    return { exit, report: this.pipeline.latest('stopped'), elapsedMs: Date.now() - begin };
  }

  /** Stops a cloud and gives its last account. */
  async stopCloud(index: number): Promise<Report> {
    const cloud = this.clouds[index]!;
    cloud.signal('SIGTERM');
    return await cloud.waitReport('stopped', START_TIMEOUT_MS);
  }

  /** Ends whatever still runs and removes the folder. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sampler);
    await Promise.all(this.#processes.map((child) => child.kill()));
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #startPipeline(): Promise<void> {
    const { pipeline, database = true, options = [] } = this.#options;
    const args = ['--port', '0', '--json', '--database', database ? this.databaseFile : 'none', ...options];
    for (let i = 0; i < this.clouds.length; i++) args.push('--forward', this.destination(i));
    this.#pipeline = this.#run('pipeline', [...pipeline, ...args]);
    await this.#pipeline.waitReport('ready', START_TIMEOUT_MS);
    this.#sampler = setInterval(() => this.#sample(), SAMPLE_MS).unref();
  }

  #run(name: string, [command, ...args]: readonly string[]): ReportingProcess {
    if (this.#closed) throw new Error('the rig is closed');
    const child = new ReportingProcess(name, command!, args);
    this.#processes.push(child);
    return child;
  }

  #sample(): void {
    this.#peakMemory = this.pipeline.peakMemory() ?? this.#peakMemory;
    const resident = this.pipeline.residentMemory();
    if (resident !== undefined) this.memorySamples.push(resident);
  }

  /** Waits for a cloud to be complete, but not longer than the pipeline lives and nothing is wrong. */
  async #waitComplete(cloud: ReportingProcess, timeoutMs: number): Promise<Report> {
    const gone = this.pipeline.waitExit(timeoutMs).then(
      ({ code, signal }) => {
        throw new Error([`the pipeline ended (${code ?? signal})`, ...this.pipeline.lines.slice(-20)].join('\n  '));
      },
      () => new Promise<never>(() => undefined),
    );
    const done = cloud.waitReport(['complete', 'fault'], timeoutMs).then((report) => {
      if (report.event === 'complete') return report;
      throw new Error(`${cloud.name} got what cannot be right: ${JSON.stringify(report)}`);
    });
    return await Promise.race([done, gone]);
  }

  async #waitStored(rows: number, deadline: number): Promise<number> {
    if (this.#options.database === false) return 0;
    const counter = new RowCounter(this.databaseFile);
    try {
      if ((await counter.count()) >= rows) return 0; // before the clouds were done
      for (;;) {
        await delay(2);
        const stored = await counter.count();
        if (stored >= rows) return Date.now();
        if (Date.now() > deadline) throw new Error(`${stored} of ${rows} frames were stored in time`);
      }
    } finally {
      counter.close();
    }
  }
}
