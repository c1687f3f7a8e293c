/**
 * A root as the main thing of a process: OS signals, the exit code, and the report when something did not end.
 *
 *     SIGINT, SIGTERM or SIGHUP   once: stop (drain, then cancel)   twice: cancel now   three times: give up now
 */
import { isNativeError } from 'node:util/types';
import { oneOf, wholeNumber } from '../kernel/check.ts';
import { realClock } from '../kernel/clock.ts';
import { messageOf } from '../kernel/describe.ts';
import { InvalidOptionError } from '../kernel/errors.ts';
import type { Outcome } from './lifecycle.ts';
import { listenToOSSignals, type MainSignal } from './os-signals.ts';
import {
  defaultStopBudget,
  formatStopReport,
  resolveStopOptions,
  type StopOptions,
  type StopReport,
} from './shutdown.ts';
import { type Launched, launch, type StartOptions } from './start.ts';
import { abandonTree } from './stop.ts';
import type { TaskThread } from './taskthread.ts';

/** How a main program ended. */
export interface MainEnd {
  /** The OS signal that ended it, or `finished` or `failed` when it ended by itself. */
  readonly reason: string;
  readonly outcome: Outcome;
  readonly report: StopReport;
}

/** Options of `runMain`. */
export interface MainOptions extends StartOptions {
  /**
   * What stops the root: `SIGINT` (Ctrl-C), `SIGTERM` (a service manager) and `SIGHUP` (the terminal was closed). Leave one out
   * that your program uses for something else, such as `SIGHUP` for reading its configuration again; Node then does with it what
   * your listener does, or ends the process if there is none.
   */
  readonly osSignals?: readonly MainSignal[];
  /** How long a stop by an OS signal may take. Default: what the root says. */
  readonly stop?: StopOptions;
  /**
   * Called at the end; what it returns is the exit code. Default: 0 clean; 1 when the root failed, when a child declared `restart`
   * failed during the stop, or when a thread was cancelled; 3 abandoned.
   */
  readonly onEnd?: (end: MainEnd) => number | undefined;
  /** Where the report goes when the code would be another than 0: a line at a time. Default: standard error. */
  readonly print?: (line: string) => void;
}

const KNOWN_SIGNALS: readonly MainSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGBREAK'];
const DEFAULT_SIGNALS: readonly MainSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** How long what was written may take to leave before the process is ended by force. */
const FLUSH_MS = 1000;

/** Longer than any program runs between two looks: what keeps the process alive while all threads only wait. */
const KEEP_ALIVE_MS = 2 ** 31 - 1;

/** The roots of this process that have not ended. */
let running = 0;
/** A thread was abandoned: what hangs would keep the process alive. */
let mustExit = false;

/**
 * Runs a root until it ends, by itself or by an OS signal, and sets the exit code: of several roots the gravest. Every `runMain`
 * of a process is stopped by an OS signal. A failure is no rejection: it is printed, and in the exit code. Keeps the process
 * alive until the root has ended; exits by force only when a thread had to be abandoned, because what hangs would keep the
 * process alive, after all its roots have ended and what was written is flushed.
 *
 * Rejects before anything has happened, with `InvalidOptionError` or `AlreadyStartedError`. *Cancel-safe:* it belongs to no scope.
 */
export async function runMain<C extends TaskThread<never, never, never>>(
  make: (() => C) | C,
  options: MainOptions = {},
): Promise<MainEnd> {
  const { stop, onEnd, print = printError, osSignals, ...startOptions } = options;
  resolveStopOptions(stop, defaultStopBudget);
  const names = resolveSignals(osSignals);
  const launched = launchMain(make, startOptions);
  if ('error' in launched) return conclude(failedToBegin(launched.error), false, 'the root', onEnd, print);
  const { life, handle, entered } = launched;
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
  const forget = listenToOSSignals(names, onSignal);
  const keepAlive = realClock.setTimer(KEEP_ALIVE_MS, () => {});
  running++;
  entered.catch(() => {});
  const outcome = await handle.join();
  running--;
  realClock.clearTimer(keepAlive);
  forget();
  const end: MainEnd = { reason: osSignal ?? outcome.kind, outcome, report: life.stopReport() };
  return conclude(end, life.tally?.unmended === true, life.path, onEnd, print);
}

function resolveSignals(names: readonly MainSignal[] = DEFAULT_SIGNALS): ReadonlySet<MainSignal> {
  if (!Array.isArray(names)) throw new InvalidOptionError('options.osSignals', names, 'a list of OS signals');
  return new Set(names.map((name) => oneOf('options.osSignals', name, KNOWN_SIGNALS)));
}

/** What the factory throws is the root's failure; a wrong use of `runMain` is not. */
function launchMain<C extends TaskThread<never, never, never>>(
  make: (() => C) | C,
  options: StartOptions,
): Launched<C> | { readonly error: unknown } {
  let thread = make;
  try {
    if (typeof make === 'function') thread = make();
  } catch (error) {
    return { error };
  }
  return launch(thread, options);
}

function failedToBegin(error: unknown): MainEnd {
  const outcome: Outcome = { kind: 'failed', verdict: 'clean', error };
  const report: StopReport = {
    verdict: 'clean',
    outcome: 'failed',
    tookMs: 0,
    threads: 0,
    cancelled: [],
    abandoned: [],
    failed: [{ path: 'the root', verdict: 'clean', outcome: 'failed', error, hungOn: [] }],
  };
  return { reason: 'failed', outcome, report };
}

/** Says what there is to say, and sets the exit code. `unmended`: the stop has kept a failure from its restart. */
async function conclude(
  end: MainEnd,
  unmended: boolean,
  path: string,
  onEnd: MainOptions['onEnd'],
  print: (line: string) => void,
): Promise<MainEnd> {
  let code = exitCodeOf(end, unmended);
  try {
    if (code !== 0) print(describe(path, end));
    code = wholeNumber('the exit code that onEnd gives', onEnd?.(end) ?? code, 0, 255);
  } catch (error) {
    code = Math.max(code, 1);
    printError(`the end of ${path} could not be told: ${messageOf(error)}`);
  }
  process.exitCode = Math.max(code, Number(process.exitCode ?? 0));
  mustExit ||= end.report.verdict === 'abandoned';
  if (mustExit && running === 0) await exitByForce();
  return end;
}

function exitCodeOf({ outcome, report }: MainEnd, unmended: boolean): number {
  if (report.verdict === 'abandoned') return 3;
  return outcome.kind === 'failed' || unmended || report.verdict === 'cancelled' ? 1 : 0;
}

function describe(path: string, { outcome, report }: MainEnd): string {
  const text = formatStopReport(path, report);
  const { error } = outcome;
  const stack = isNativeError(error) ? error.stack : undefined;
  return outcome.kind === 'failed' && stack !== undefined ? `${text}\n${stack}` : text;
}

function printError(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function exitByForce(): Promise<void> {
  const written = [process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done)));
  const tooLong = new Promise((done) => realClock.setTimer(FLUSH_MS, () => done(undefined)));
  await Promise.race([Promise.all(written), tooLong]);
  process.exit();
}
