/**
 * How a thread looks from outside at one moment: its snapshot, what it would be given up for, and what is under way in it or has just
 * ended, which `liveness` is shown. Looks only, and changes nothing. What there is to see is in `thread-core`.
 */
import type { ChildRuntime } from './child-handle.ts';
import { type Execution, Liveness } from './liveness.ts';
import type { HungOn, StopReport } from './shutdown.ts';
import { perSecond, type ThreadSnapshot } from './snapshot.ts';
import { NOT_BORN, ThreadCore } from './thread-core.ts';
import type { Turn } from './turn.ts';
import { hungWaits, waitInWords } from './waits.ts';

export abstract class ThreadView extends ThreadCore {
  abstract stopReport(): StopReport;

  executions(): Execution[] {
    const { patience } = this;
    const executions: Execution[] = [];
    for (const hook of patience === undefined ? [] : [this.running, this.exitRun?.running]) {
      if (hook === undefined) continue;
      const { what, since, signal, waitingParty } = hook;
      executions.push({ key: hook, what, since, signal, party: waitingParty, patience: patience! });
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

  /** A hook has ended: it may have held the event loop, so that nobody could tell that it takes too long. */
  protected lookBack(turn: Turn, signal: unknown): void {
    const { patience } = this;
    if (patience === undefined) return;
    const { what, since } = turn;
    this.executionFinished({ key: turn, what, since, signal, party: undefined, patience });
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
    for (const hook of this.hooks()) {
      const { what, since, signal } = hook;
      const waits = hungWaits(waiters, hook.party, now);
      hung.push({ what, forMs: now - since, ...(signal !== undefined && { signal }), ...waits });
    }
    for (const task of this.allTasks()) {
      if (!task.running) continue;
      const forMs = now - task.runningSince;
      hung.push({ what: `task ${task.name}`, forMs, ...hungWaits(waiters, task.party, now) });
    }
    return hung;
  }

  /** What has gone asynchronous and has not ended. */
  protected hooks(): Turn[] {
    return [this.running, this.body?.running, this.exitRun?.running].filter((hook) => hook !== undefined);
  }
}
