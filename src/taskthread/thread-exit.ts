/**
 * The last things of a thread: its `exit` hook, which runs once and shielded (law 11), what it owned, and what fails when nobody waits
 * for it any more. When they come is decided in `thread-ending`.
 */
import { runOutside } from '../kernel/ambient-storage.ts';
import { CancelScope } from '../kernel/cancel-scope.ts';
import { messageOf } from '../kernel/describe.ts';
import { ThreadEndedError } from '../kernel/errors.ts';
import { isThenable, whenSettled } from '../kernel/thenable.ts';
import { isCancellation, isStopRefusal } from './cancellation.ts';
import { Runtime } from './runtime.ts';
import type { ExitRun } from './thread-body.ts';
import { closeOwned, type ResolvedChildSpec } from './spec.ts';
import { Turn } from './turn.ts';

const NO_EXIT: ExitRun = { running: undefined, scope: undefined };

export type LifeHook = (this: object, turn: Turn) => unknown;

export abstract class ThreadExit extends Runtime {
  protected abstract exitHook(): LifeHook | undefined;
  protected abstract fail(where: string, error: unknown, deafen: boolean): void;

  protected get exitBegun(): boolean {
    return this.exitRun !== undefined;
  }

  exiting(): boolean {
    if (this.exitRun !== undefined) return this.exitRun.running !== undefined;
    const exit = this.exitHook();
    if (exit === undefined) {
      this.exitRun = NO_EXIT;
      return false;
    }
    const scope = new CancelScope(this.host, this.getScope(), { shielded: true });
    const turn = new Turn(this, 'exit', scope);
    const hook = this.runOf(turn);
    // Set before the call: a stop from inside `exit` must find it running.
    const run: ExitRun = { running: hook, scope };
    this.exitRun = run;
    let result: unknown;
    let waits: boolean;
    try {
      runOutside(() => {
        result = exit.call(this.thread, turn);
      });
      waits = isThenable(result);
    } catch (error) {
      run.running = undefined;
      this.fail('exit', error, false);
      return false;
    }
    if (!waits) {
      run.running = undefined;
      this.lookBack(hook);
      return false;
    }
    this.executionBegan();
    const settled = (): boolean => {
      if (this.ended) return false;
      run.running = undefined;
      this.lookBack(hook);
      this.wake();
      return true;
    };
    whenSettled(result as PromiseLike<unknown>, settled, (error: unknown) => {
      if (!settled()) this.late('exit', error);
      else if (!scope.cancelled || !isCancellation(error)) this.fail('exit', error, false);
    });
    return true;
  }

  cancelExit(error: Error): void {
    this.noteWaits();
    if (this.exitRun?.running !== undefined) this.exitRun.scope?.cancel(error);
  }

  /** What a stop brings about is only recorded; anything else must not be silent, also when nobody listens. */
  override late(what: string, error: unknown): void {
    const probe = this.started ? this.host.probe : undefined;
    if (probe?.on === true) probe.record({ kind: 'late', path: this.path, what, error });
    else if (!isCancellation(error) && !(error instanceof ThreadEndedError) && !isStopRefusal(error, this.path)) {
      process.emitWarning(`${what} of ${this.path} failed late: ${messageOf(error)}`, 'TaskThreadWarning');
    }
  }

  closeOwned(spec: Pick<ResolvedChildSpec, 'owns'>): void {
    if (spec.owns !== undefined) closeOwned(spec.owns, (error) => this.late('closing what it owned', error));
  }
}
