/**
 * What a thread does about the ends of its children: it carries out what `supervision` decides, and does for its `supervisor` what
 * only a thread can. How it takes children, and hears of their ends, is in `thread-life`.
 */
import type { LocalEdge } from '../intercom/local-edge.ts';
import { messageOf } from '../kernel/describe.ts';
import { ChildFailedError, RestartLimitError } from '../kernel/errors.ts';
import type { Outcome } from './lifecycle.ts';
import type { ResolvedChildSpec } from './spec.ts';
import { decide, type SupervisionDecision, shutsParentDown } from './supervision.ts';
import type { SupervisedChild, SupervisingThread, Supervisor } from './supervisor.ts';
import { ThreadEnding } from './thread-ending.ts';

export abstract class ThreadSupervising extends ThreadEnding implements SupervisingThread {
  /** Made with the first child that needs one. */
  protected supervisor: Supervisor | undefined;

  /** A child has ended for good. */
  protected abstract childLeft(edge: LocalEdge, outcome: Outcome): void;

  restarts(edge: LocalEdge): boolean {
    const supervised = edge.supervised as SupervisedChild | undefined;
    if (supervised === undefined || this.stopping !== undefined || this.ended) return false;
    if (supervised.planned) return !supervised.final;
    // A first `enter` that fails belongs to who waits for it.
    return edge.entering === undefined && this.decisionOn(edge) === 'restart';
  }

  startAgain(edge: LocalEdge): void {
    const { supervised } = edge;
    const next = (edge.spec as ResolvedChildSpec).again?.() as ThreadSupervising;
    // The factory is user code: it may have stopped this thread, or the child.
    if (supervised?.down !== true) return;
    supervised.down = false;
    next.attach(edge);
    edge.renew(next);
    this.host.scheduler.enqueue(next);
  }

  announceRestart(edge: LocalEdge, afterMs: number): void {
    const child = edge.child as ThreadSupervising;
    const outcome = child.outcome!;
    const { path } = edge;
    if (outcome.kind === 'failed') this.lastError = `${path}: ${messageOf(outcome.error)}`;
    const { probe } = this.host;
    const incarnation = edge.incarnation + 1;
    if (probe.on) probe.record({ kind: 'restarting', path, incarnation, outcome: outcome.kind, afterMs });
    // Whoever is told may stop the child, or this thread: then the next one would be told what is not true any more.
    if (edge.supervised?.down === true) child.tell('restarting', outcome, afterMs);
    if (edge.supervised?.down === true) this.tell('childRestarting', path, outcome, afterMs);
  }

  restartsExceeded(edge: LocalEdge, cause: unknown): void {
    const { intensity, periodMs } = this.options.supervision;
    const failure = new ChildFailedError(edge.path, new RestartLimitError(edge.path, intensity, periodMs, cause));
    this.fail(`child ${edge.path}`, failure, true);
  }

  giveUpRestart(edge: LocalEdge): void {
    const child = edge.child as ThreadSupervising;
    const supervised = edge.supervised!;
    supervised.final = true;
    supervised.down = false;
    child.over();
    this.childLeft(edge, child.outcome!);
    this.supervisor?.gone(edge);
    edge.enders?.wakeAll();
    this.wake();
  }

  protected override restartsGiveWay(): void {
    this.supervisor?.giveWay();
  }

  protected decisionOn(edge: LocalEdge): SupervisionDecision {
    const { outcome, hasEntered: entered } = edge.child as ThreadSupervising;
    const asked = edge.supervised?.final === true;
    return decide(edge.spec as ResolvedChildSpec, { outcome: outcome!, asked, entered });
  }

  protected supervise(edge: LocalEdge, outcome: Outcome): void {
    this.#carryOut(this.decisionOn(edge), edge, outcome);
  }

  /** Nobody has looked at how a first `enter` ended. What was never started is not started again (decision 12). */
  protected superviseFirstEnter(edge: LocalEdge, outcome: Outcome): void {
    const spec = { ...(edge.spec as ResolvedChildSpec), restart: undefined };
    this.#carryOut(decide(spec, { outcome, asked: false, entered: false }), edge, outcome);
  }

  #carryOut(decision: SupervisionDecision, edge: LocalEdge, outcome: Outcome): void {
    if (decision === 'fail-parent') this.failedBelow(edge.path, outcome.error);
    else if (outcome.kind === 'failed') this.lastError = `${edge.path}: ${messageOf(outcome.error)}`;
  }

  /** A child's failure is this thread's, too. */
  failedBelow(path: string, error: unknown): void {
    const failure = error instanceof ChildFailedError ? error : new ChildFailedError(path, error);
    this.fail(`child ${path}`, failure, this.state !== 'stopping');
  }

  endedByItself(edge: LocalEdge): void {
    if (this.state === 'stopping' || this.ended) return;
    let othersLeft = 0;
    for (const { spec, ended } of this.children ?? []) {
      if ((spec as ResolvedChildSpec).significant && !ended) othersLeft++;
    }
    const { autoShutdown } = this.options.supervision;
    if (shutsParentDown(autoShutdown, edge.spec as ResolvedChildSpec, othersLeft)) {
      this.stopItself(`its significant child ${edge.path} has ended`);
    }
  }
}
