/**
 * How a thread looks from outside at one moment: its snapshot, what it would be given up for, and what is under way in it or has just
 * ended, which `liveness` is shown. Changes nothing but the records of that (`hook-run`). What there is to see is in `thread-core`.
 */
import type { Party } from '../kernel/party.ts';
import type { ChildRuntime } from './child-handle.ts';
import { HookRun } from './hook-run.ts';
import { type Execution, Liveness } from './liveness.ts';
import type { HungOn, StopReport } from './shutdown.ts';
import { perSecond, type ThreadSnapshot } from './snapshot.ts';
import { NOT_BORN, ThreadCore } from './thread-core.ts';
import type { Turn } from './turn.ts';
import { hungWaits, waitInWords } from './waits.ts';

/** A hook, or the function of a thread that has one. */
type RunningHook = Pick<HookRun, 'what' | 'since' | 'party'> & { readonly signal?: unknown };

export abstract class ThreadView extends ThreadCore {
  abstract stopReport(): StopReport;

  executions(): Execution[] {
    const { patience } = this;
    const executions: Execution[] = [];
    for (const hook of patience === undefined ? [] : [this.running, this.exitRun?.running]) {
      if (hook === undefined) continue;
      const { key, what, since, signal, waitingParty } = hook;
      executions.push({ key, what, since, signal, party: waitingParty, patience: patience! });
    }
    const run = this.body?.running;
    // A function says for itself how long it may take: it may be a loop for as long as the program runs.
    if (run !== undefined && this.options.liveness.progressMs !== undefined && patience !== undefined) {
      const { what, since, waitingParty } = run;
      executions.push({ key: run, what, since, signal: undefined, party: waitingParty, patience });
    }
    for (const task of this.allTasks()) {
      const execution = task.execution();
      if (execution !== undefined) executions.push(execution);
    }
    return executions;
  }

  /** That of a hook that is about to be called. Where it matters how long it takes, the clock is read for it. */
  protected runOf(turn: Turn): HookRun {
    const { clock, scheduler } = this.host;
    return new HookRun(turn.what).began(turn, this.patience === undefined ? scheduler.coarseNow : clock.now());
  }

  /** A hook has ended: it may have held the event loop, so that nobody could tell that it takes too long. */
  protected lookBack(hook: HookRun): void {
    const { patience } = this;
    if (patience === undefined) return;
    const { key, what, since, signal } = hook;
    this.executionFinished({ key, what, since, signal, party: undefined, patience });
  }

  partyMade(party: Party, turn: number): void {
    this.running?.partyMade(party, turn);
    this.exitRun?.running?.partyMade(party, turn);
  }

  executionFinished(execution: Execution): void {
    if (this.ended) return;
    this.liveness ??= new Liveness(this, undefined);
    this.liveness.finished(execution);
  }

  snapshot(): ThreadSnapshot {
    const { clock } = this.host;
    const now = clock.now();
    const ageMs = this.bornAt === NOT_BORN ? 0 : now - this.bornAt;
    const { id, incarnation, supervised } = this.edge;
    const edge = this.edge.snapshot();
    const children: ThreadSnapshot[] = [];
    for (const child of this.children ?? []) children.push((child.child as ChildRuntime).snapshot());
    return {
      id,
      path: this.path,
      type: this.type,
      state: supervised?.down === true ? 'restarting' : this.state,
      ageMs,
      incarnation,
      restarts: incarnation - 1,
      running: this.hooks().map(({ what, since }) => ({ what, sinceMs: now - since })),
      tasks: [...this.allTasks()].map((task) => task.snapshot(now)),
      waits: this.waiters().map((waiter) => waitInWords(waiter, now)),
      edge,
      downPerSecond: perSecond(edge.down?.handled ?? 0, ageMs),
      upPerSecond: perSecond(edge.up?.handled ?? 0, ageMs),
      lastError: this.lastError,
      children,
    };
  }

  /** What it would be abandoned for if it were given up now. */
  protected hungOn(): HungOn[] {
    const now = this.host.clock.now();
    const hung: HungOn[] = [];
    const waiters = this.waitersNoted();
    for (const { what, since, signal, party } of this.hooks()) {
      const waits = hungWaits(waiters, party, now);
      hung.push({ what, forMs: now - since, ...(signal !== undefined && { signal }), ...waits });
    }
    for (const task of this.allTasks()) {
      if (!task.running) continue;
      const forMs = now - task.runningSince;
      hung.push({ what: task.what, forMs, ...hungWaits(waiters, task.party, now) });
    }
    return hung;
  }

  /** What has gone asynchronous and has not ended. */
  protected hooks(): RunningHook[] {
    return [this.running, this.body?.running, this.exitRun?.running].filter((hook) => hook !== undefined);
  }
}
