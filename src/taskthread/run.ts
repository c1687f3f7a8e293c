/**
 * `run`: a function as the root of a tree of its own.
 */
import { CancelledError } from '../kernel/errors.ts';
import type { AnyFunction } from './function-body.ts';
import { bodyOf, FunctionThread } from './function-thread.ts';
import { formatStopReport } from './shutdown.ts';
import { optionsFirst } from './spawn.ts';
import { launch, type StartOptions } from './start.ts';

/**
 * Runs a function as the root of a tree, and gives what it returns when the whole tree has ended. What it has spawned and not
 * joined is stopped when it returns. Options, if any, are given before the function: `run({ onRecord }, main)`.
 *
 * Rejects with what the function threw, as it is; with `ChildFailedError` when a thread that it has spawned failed and nobody
 * has joined that; with `InvalidOptionError`. OS signals are left alone: wait for a `SignalEvent`, or use
 * `runMain(() => new FunctionThread(main))`. *Cancel-safe:* it belongs to no scope. Source: thredo's `run`.
 */
export function run<Args extends unknown[], Result>(
  main: (...args: Args) => Result,
  ...args: Args
): Promise<Awaited<Result>>;
export function run<Args extends unknown[], Result>(
  options: StartOptions,
  main: (...args: Args) => Result,
  ...args: Args
): Promise<Awaited<Result>>;
export async function run(first: unknown, ...rest: unknown[]): Promise<unknown> {
  const [options, main, args] =
    typeof first === 'function' ? [{}, first as AnyFunction, rest] : optionsFirst<StartOptions>(first, rest);
  const thread = new FunctionThread(main as () => unknown, args as []);
  const body = bodyOf(thread);
  body.endsAll = true;
  const { life, handle } = launch(thread, options);
  const outcome = await handle.join();
  const report = life.stopReport();
  if (report.verdict === 'abandoned' && !life.host.probe.on) {
    process.emitWarning(formatStopReport(life.path, report), 'TaskThreadWarning');
  }
  if (outcome.kind === 'failed') throw outcome.error;
  if (body.returned) return body.value;
  throw body.cancelError ?? new CancelledError(`${life.path} was stopped`);
}
