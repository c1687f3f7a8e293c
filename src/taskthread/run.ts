/**
 * `run`: a function as the root of a tree of its own. Said in a function of another tree, it is a wait of that function: a cancel there
 * cancels the tree, as the end of its thread does, so that none goes on that nobody asks for any more.
 */
import { ambientScope } from '../kernel/ambient.ts';
import type { CancelScope, ScopeLevel, ScopeMember } from '../kernel/cancel-scope.ts';
import { CancelledError } from '../kernel/errors.ts';
import type { AnyFunction } from './function-body.ts';
import { bodyOf, FunctionThread } from './function-thread.ts';
import { formatStopReport } from './shutdown.ts';
import { optionsFirst } from './spawn.ts';
import { launch, type StartOptions } from './start.ts';
import type { ThreadLife } from './thread-life.ts';

/** Of the time for its cancel: the function around needs the rest to end in. */
const SHARE = 0.75;

/**
 * Runs a function as the root of a tree, and gives what it returns when the whole tree has ended. What it has spawned and not
 * joined is stopped when it returns. Options, if any, are given before the function: `run({ onRecord }, main)`.
 *
 * Rejects with what the function threw, as it is; with `ChildFailedError` when a thread that it has spawned failed and nobody
 * has joined that; with `InvalidOptionError`. OS signals are left alone: wait for a `SignalEvent`, or use
 * `runMain(() => new FunctionThread(main))`.
 *
 * *Cancel-safe:* in a function, a cancelled one has cancelled its tree and rejects, with `CancelledError`, when that has ended; in a
 * cancelled scope it begins nothing. Elsewhere it belongs to no scope: a hook's or a task's turn is not around it. Source: thredo's `run`.
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
  const around = ambientScope();
  if (around?.refusal !== undefined) throw around.refusal;
  const thread = new FunctionThread(main as () => unknown, args as []);
  const body = bodyOf(thread);
  body.endsAll = true;
  const { life, handle, entered } = launch(thread, options);
  // One that is cancelled before it begins has never entered: its end tells that.
  entered.catch(() => {});
  const within = new Within(life);
  around?.cancelScope.add(within);
  const outcome = await handle.join();
  within.scope?.remove(within);
  const report = life.stopReport();
  if (report.verdict === 'abandoned' && !life.host.probe.on) {
    process.emitWarning(formatStopReport(life.path, report), 'TaskThreadWarning');
  }
  if (outcome.kind === 'failed') throw outcome.error;
  if (body.returned) return body.value;
  throw body.cancelError ?? new CancelledError(`${life.path} was stopped`);
}

/** The tree, as a member of the scope around its `run`. */
class Within implements ScopeMember {
  readonly #life: ThreadLife;
  scope: CancelScope | undefined;
  previousMember: ScopeMember | undefined;
  nextMember: ScopeMember | undefined;

  constructor(life: ThreadLife) {
    this.#life = life;
  }

  reached(level: ScopeLevel): void {
    if (level === 'intake-closed') return;
    const { cancelMs } = this.#life.stopDefaults;
    this.#life.requestStop({ drainMs: 0, cancelMs: cancelMs * SHARE }, 'the scope around its run was cancelled');
  }
}
