/**
 * A root as the main thing of a process: OS signals, the exit code, and the report when something did not end.
 *
 *     SIGINT or SIGTERM   once: stop (drain, then cancel)   twice: cancel now   three times: give up now
 */
import { knownFields } from '../kernel/check.ts';
import type { Outcome } from './lifecycle.ts';
import { formatStopReport, resolveStopOptions, type StopOptions, type StopReport } from './shutdown.ts';
import { launch, type StartOptions } from './start.ts';
import { abandonTree } from './stop.ts';
import type { TaskThread } from './taskthread.ts';
import type { ThreadLife } from './thread-life.ts';

/** How a main program ended. */
export interface MainEnd {
  /** The OS signal that ended it, or `finished` or `failed` when it ended by itself. */
  readonly reason: string;
  readonly outcome: Outcome;
  readonly report: StopReport;
}

/** Options of `runMain`. */
export interface MainOptions extends StartOptions {
  /** How long a stop by an OS signal may take. Default: what the root says. */
  readonly stop?: StopOptions;
  /** Called at the end; what it returns is the exit code. Default: 0 clean, 1 failed or cancelled, 3 abandoned. */
  readonly onEnd?: (end: MainEnd) => number | undefined;
  /** Where the report goes when a stop did not end clean: a line at a time. Default: standard error. */
  readonly print?: (line: string) => void;
}

const OS_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs a root until it ends, by itself or by an OS signal, and sets the exit code. Every `runMain` of a process is stopped by an
 * OS signal. Never rejects: what fails is printed, and in the exit code. Exits the process by force only when a thread had to
 * be abandoned, because what hangs would keep the process alive; what was written is flushed before.
 */
export async function runMain<C extends TaskThread<never, never, never>>(
  make: (() => C) | C,
  options: MainOptions = {},
): Promise<MainEnd> {
  const { stop, onEnd, print = printError, ...startOptions } = options;
  knownFields('options', startOptions, ['clock', 'scheduler', 'onRecord', 'name']);
  const { life, handle, entered } = launch(make, startOptions);
  const budget = resolveStopOptions(stop, life.stopDefaults);
  let times = 0;
  let osSignal: string | undefined;
  const onSignal = (name: string): void => {
    osSignal ??= name;
    times++;
    if (times === 1) life.requestStop(budget, name);
    else if (times === 2) life.requestStop({ ...budget, drainMs: 0 }, `${name} again`);
    else abandonTree(life);
  };
  for (const name of OS_SIGNALS) process.on(name, onSignal);
  entered.catch(() => {});
  const outcome = await handle.join();
  for (const name of OS_SIGNALS) process.off(name, onSignal);
  const end: MainEnd = { reason: osSignal ?? outcome.kind, outcome, report: life.stopReport() };
  if (end.report.verdict !== 'clean' || outcome.kind === 'failed') print(describe(life, end));
  const code = onEnd?.(end) ?? exitCodeOf(end);
  process.exitCode = code;
  if (end.report.verdict === 'abandoned') await exitByForce(code);
  return end;
}

function exitCodeOf({ outcome, report }: MainEnd): number {
  if (report.verdict === 'abandoned') return 3;
  return outcome.kind === 'failed' || report.verdict === 'cancelled' ? 1 : 0;
}

function describe(life: ThreadLife, { outcome, report }: MainEnd): string {
  const text = formatStopReport(life.path, report);
  const { error } = outcome;
  const stack = error instanceof Error ? error.stack : undefined;
  return outcome.kind === 'failed' && stack !== undefined ? `${text}\n${stack}` : text;
}

function printError(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function exitByForce(code: number): Promise<void> {
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))));
  process.exit(code);
}
