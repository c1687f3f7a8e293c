// One process that we started and that reports one JSON object per line: the pipeline, the devices, the cloud.
//
// Waits have a deadline and end early when the process does. Whoever starts one ends it: `kill` on every path, by the pid of
// this very process. What it wrote besides JSON, and its stderr, is kept (the last lines) for the error messages.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const KEPT_LINES = 2000;

/** One line of a process that reports in JSON. */
export interface Report {
  readonly event: string;
  readonly [field: string]: unknown;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface Waiter {
  readonly check: () => boolean;
  readonly settle: () => void;
}

export class ReportingProcess {
  readonly name: string;
  readonly pid: number;
  readonly reports: Report[] = [];
  /** Everything else that it said: stderr, and lines of stdout that are no JSON. */
  readonly lines: string[] = [];
  readonly #process: ChildProcess;
  readonly #waiters = new Set<Waiter>();
  readonly #listeners = new Set<(report: Report) => void>();
  #exit: Exit | undefined;
  #failure: Error | undefined;

  constructor(name: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.name = name;
    this.#process = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env });
    this.pid = this.#process.pid ?? 0;
    this.#process.stdin?.on('error', () => undefined); // it ended before it read: the exit tells
    this.#process.once('error', (error) => {
      this.#failure = error;
      this.#end({ code: null, signal: null });
    });
    this.#process.once('close', (code, signal) => this.#end({ code, signal }));
    createInterface({ input: this.#process.stdout! }).on('line', (line) => this.#takeLine(line));
    createInterface({ input: this.#process.stderr! }).on('line', (line) => this.#keep(line));
  }

  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** The latest report of this kind, if there was one. */
  latest(event: string): Report | undefined {
    return this.reports.findLast((report) => report.event === event);
  }

  onReport(listener: (report: Report) => void): void {
    this.#listeners.add(listener);
  }

  /** Waits for a report of this kind, or of one of these (also one that has come already), until the deadline or the end. */
  async waitReport(
    events: string | readonly string[],
    timeoutMs: number,
    fits: (report: Report) => boolean = () => true,
  ): Promise<Report> {
    const kinds = [events].flat();
    const find = (): Report | undefined => this.reports.find((report) => kinds.includes(report.event) && fits(report));
    const what = `a report of ${kinds.join(' or ')}`;
    await this.#wait(() => find() !== undefined || this.#exit !== undefined, timeoutMs, what);
    const found = find();
    if (found === undefined) throw new Error(this.#describe(`ended before ${what}`));
    return found;
  }

  /** Waits until the process has ended and its output has been read. */
  async waitExit(timeoutMs: number): Promise<Exit> {
    await this.#wait(() => this.#exit !== undefined, timeoutMs, 'the end');
    if (this.#failure !== undefined) throw this.#failure;
    return this.#exit!;
  }

  /** Sends a line to its stdin. */
  tell(line: string): void {
    if (this.#exit === undefined) this.#process.stdin?.write(`${line}\n`);
  }

  /** Asks over stdin and waits for the next report of that kind. */
  async ask(line: string, event: string, timeoutMs: number): Promise<Report> {
    const seen = this.reports.length;
    this.tell(line);
    return await this.waitReport(event, timeoutMs, (report) => this.reports.indexOf(report, seen) >= seen);
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#exit === undefined) this.#process.kill(signal);
  }

  /** Ends it by force, also when it is stopped, and waits until it is gone. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.waitExit(5000).catch(() => undefined);
  }

  /** The peak of its resident memory in bytes, or undefined where the system does not tell (or it has ended). */
  peakMemory(): number | undefined {
    return this.#statusBytes('VmHWM');
  }

  residentMemory(): number | undefined {
    return this.#statusBytes('VmRSS');
  }

  /** CPU time that it has spent, in milliseconds (granularity 10 ms). */
  cpuMs(): number | undefined {
    const stat = this.#read('stat');
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields === undefined ? undefined : (Number(fields[11]) + Number(fields[12])) * 10;
  }

  #statusBytes(field: string): number | undefined {
    const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(this.#read('status') ?? '');
    return found === null ? undefined : Number(found[1]) * 1024;
  }

  #read(file: string): string | undefined {
    if (this.#exit !== undefined) return undefined;
    try {
      return readFileSync(`/proc/${this.pid}/${file}`, 'utf8');
    } catch {
      return undefined; // no /proc here, or it has just ended
    }
  }

  #takeLine(line: string): void {
    const report = parseReport(line);
    if (report === undefined) {
      this.#keep(line);
    } else {
      this.reports.push(report);
      for (const listener of this.#listeners) listener(report);
    }
    this.#settle();
  }

  #keep(line: string): void {
    this.lines.push(line);
    if (this.lines.length > KEPT_LINES) this.lines.shift();
    this.#settle();
  }

  #end(exit: Exit): void {
    this.#exit ??= exit;
    this.#settle();
  }

  #settle(): void {
    for (const waiter of this.#waiters) if (waiter.check()) waiter.settle();
  }

  async #wait(check: () => boolean, timeoutMs: number, what: string): Promise<void> {
    if (check()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(new Error(this.#describe(`waited ${timeoutMs} ms for ${what}`)));
      }, timeoutMs);
      const waiter: Waiter = {
        check,
        settle: () => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          resolve();
        },
      };
      this.#waiters.add(waiter);
    });
  }

  #describe(problem: string): string {
    const exit = this.#exit === undefined ? 'still running' : `exit ${this.#exit.code ?? this.#exit.signal}`;
    const said = [...this.lines.slice(-20), ...this.reports.slice(-3).map((report) => JSON.stringify(report))];
    return [`${this.name} (pid ${this.pid}, ${exit}): ${problem}`, ...said].join('\n  ');
  }
}

function parseReport(line: string): Report | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value = JSON.parse(line) as Report;
    return typeof value.event === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
