/**
 * The one loop: calls the user's hooks, one at a time, and takes from the lanes that have something, in turn (law 4). How a
 * thread begins and ends is in `thread-life`, what it owns in `thread-core`.
 *
 *     run ─► begin │ work: childEnded hooks, then one signal of each ready lane in turn ─► stop.advance
 *
 * Shaped by measurement: a handler that returns nothing costs no promise; the loop has one call site for each hook, and each
 * hook is looked up once per thread, because a look-up at a site that sees many classes costs more than the call; and the loop is
 * one function, which V8 compiles as one piece.
 */
import type { Lane } from '../intercom/lane.ts';
import type { LocalEdge } from '../intercom/local-edge.ts';
import type { Runnable } from '../kernel/scheduler.ts';
import { isThenable, whenSettled } from '../kernel/thenable.ts';
import type { AnyChild } from './child.ts';
import type { ChildRuntime } from './child-handle.ts';
import type { ChildSignalHook } from './children.ts';
import { type HandlerOwner, HandlerRun, type HookRun } from './hook-run.ts';
import type { ChildEndedHook, EndedChild, SignalHook } from './hooks.ts';
import { hookNameOf } from './hooks.ts';
import type { Outcome } from './lifecycle.ts';
import type { Patience } from './liveness.ts';
import type { ResolvedChildSpec } from './spec.ts';
import { ThreadView } from './thread-view.ts';
import { Turn } from './turn.ts';

export abstract class Runtime extends ThreadView implements Runnable, HandlerOwner {
  nextRunnable: Runnable | undefined;
  queued = false;
  quota = 1;
  /** Handles nothing any more: it has failed or is cancelled. */
  deaf = false;
  /** A hook is executing its synchronous part: nothing may end under its feet. */
  #executing = false;
  #readyHead: Lane | undefined;
  #readyTail: Lane | undefined;
  #endedChildren: EndedChild[] | undefined;
  #turn: Turn | undefined;
  #signalHook: SignalHook | undefined;
  #handlerRun: HandlerRun | undefined;

  /** The user's thread, whose hooks these are. */
  protected abstract readonly thread: object;
  protected abstract signalHook(): SignalHook;
  protected abstract childSignalHook(): ChildSignalHook;
  protected abstract childEndedHook(): ChildEndedHook | undefined;
  protected abstract begin(): void;
  /** A hook threw: the thread fails, unless it was cancelled. */
  protected abstract hookFailed(what: string, error: unknown): void;
  /** All that an ended child had sent is handled. */
  protected abstract childGone(edge: LocalEdge): void;

  get busy(): boolean {
    return this.#executing || this.running !== undefined;
  }

  get hasWork(): boolean {
    return this.#readyHead !== undefined || this.#endedChildren !== undefined;
  }

  run(): number {
    const { patience } = this;
    return patience === undefined ? this.#step(this.quota) : this.#watchedStep(patience);
  }

  #step(quota: number): number {
    let things = 1;
    if (this.state === 'created') this.begin();
    else if (this.state === 'running' || this.state === 'stopping') things = this.#work(quota);
    this.stopping?.advance();
    return things;
  }

  /** One signal, and the clock read around it: what holds the event loop is told by nobody else. */
  #watchedStep(patience: Patience): number {
    const lane = this.nextLane;
    if (lane === undefined) return this.#step(1);
    const { oldest: signal } = lane;
    const since = this.host.clock.now();
    const things = this.#step(1);
    const { running } = this;
    if (running !== undefined) running.since = since;
    this.executionFinished({
      key: running?.key ?? {},
      what: hookNameOf(lane),
      since,
      signal,
      party: undefined,
      patience,
    });
    return things;
  }

  get idle(): boolean {
    if (this.state !== 'running') return this.ended || this.state === 'entering';
    return (this.busy || !this.hasWork) && !this.deaf;
  }

  describeStep(): string {
    if (this.state === 'created') return 'enter';
    if (this.busy || !this.hasWork) return 'stops';
    const lane = this.#readyHead;
    return this.#endedChildren !== undefined || lane === undefined ? 'childEnded' : hookNameOf(lane);
  }

  /** The lane whose oldest signal its next step handles. */
  get nextLane(): Lane | undefined {
    const handles = (this.state === 'running' || this.state === 'stopping') && !this.busy && !this.deaf;
    return handles && this.#endedChildren === undefined ? this.#readyHead : undefined;
  }

  /** Somebody else has taken a signal out of `nextLane`. */
  passOver(lane: Lane): void {
    this.#passOn(lane);
    this.#laneSettled(lane);
    this.wake();
  }

  wake(): void {
    if (!this.ended) this.host.scheduler.enqueue(this);
  }

  override laneReady(lane: Lane): void {
    this.#append(lane);
    if ((this.running === undefined || this.deaf) && !this.ended) lane.scheduler.enqueue(this);
  }

  /** The hook is called when its turn comes; nothing is queued if the user has none. */
  protected queueChildEnded(child: AnyChild, outcome: Outcome): void {
    if (this.deaf || this.childEndedHook() === undefined) return;
    this.#endedChildren ??= [];
    this.#endedChildren.push({ child, outcome });
  }

  /** What is queued will not be handled. */
  discardWork(): void {
    this.deaf = true;
    this.#endedChildren = undefined;
    while (this.#readyHead !== undefined) {
      const lane = this.#readyHead;
      this.forgetLane(lane);
      lane.discard('its receiver has failed or was cancelled');
    }
  }

  /** Calls a hook and goes on when it is done. */
  protected callHook(what: string, hook: (turn: Turn) => unknown, done: () => void): void {
    const turn = new Turn(this, what);
    const run = this.runOf(turn);
    let result: unknown;
    let waits: boolean;
    this.#executing = true;
    try {
      result = hook(turn);
      waits = isThenable(result);
    } catch (error) {
      this.#executing = false;
      this.hookFailed(what, error);
      return;
    }
    this.#executing = false;
    // Its turn may have said something by now.
    run.party = turn.ownParty;
    if (waits) this.#awaitHook(run, result as PromiseLike<unknown>, done);
    else {
      this.lookBack(run);
      done();
    }
  }

  #awaitHook(run: HookRun, result: PromiseLike<unknown>, done: () => void): void {
    this.running = run;
    this.executionBegan();
    const settled = (): boolean => {
      if (this.running === run) this.running = undefined;
      return !this.ended;
    };
    whenSettled(
      result,
      () => {
        if (!settled()) return;
        // oxlint-disable-next-line promise/no-callback-in-promise -- what follows the hook, be it asynchronous or not
        done();
        this.lookBack(run);
        this.wake();
      },
      (error: unknown) => {
        if (settled()) this.hookFailed(run.what, error);
        else this.late(run.what, error);
      },
    );
  }

  /**
   * As much as the quota allows. How many things that were; a look that finds nothing is one, too.
   *
   * What happens with each signal stands here in one piece: more than V8 takes into another function (460 bytes of its code), so what
   * is called here has room to be taken into this one, whoever calls it. In smaller pieces it was taken into its callers, and which of
   * the little functions were still called was left to chance, another one in each process (docs/benchmarks.md, *Tell and up*).
   */
  #work(quota: number): number {
    if (this.deaf) this.discardWork();
    let done = 0;
    for (; this.running === undefined && !this.deaf; done++) {
      if (this.#endedChildren !== undefined) {
        this.#tellChildEnded(this.#endedChildren);
        continue;
      }
      const lane = this.#readyHead;
      if (lane === undefined) break;
      if (done >= quota) {
        this.wake();
        break;
      }
      const signal = lane.take();
      this.#passOn(lane);
      const down = lane.direction === 'down';
      const kept = down ? this.#turn : this.children!.turn;
      const turn = kept === undefined || kept.said ? new Turn(this, hookNameOf(lane)) : kept;
      let result: unknown;
      let waits: boolean;
      this.#executing = true;
      try {
        if (down) {
          this.#signalHook ??= this.signalHook();
          result = this.#signalHook.call(this.thread, signal as never, turn as never);
        } else {
          const edge = lane.owner as LocalEdge;
          const child = (edge.handle ?? (edge.child as ChildRuntime).handle) as never;
          const { onSignal } = edge.spec as ResolvedChildSpec;
          const children = this.children!;
          if (onSignal !== undefined) result = onSignal(signal as never, child, turn as never);
          else {
            children.signalHook ??= this.childSignalHook();
            result = children.signalHook.call(this.thread, signal as never, child, turn as never);
          }
        }
        waits = result !== undefined && isThenable(result);
      } catch (error) {
        this.#executing = false;
        this.#handlerThrew(lane, signal, error);
        continue;
      }
      this.#executing = false;
      if (waits) {
        // This execution has its turn to itself from now on.
        if (turn === kept) this.#keepTurn(down, undefined);
        this.#handlerRun ??= new HandlerRun(this, this.host.scheduler);
        const run = this.#handlerRun;
        run.took(lane, signal);
        this.running = run.began(turn, run.scheduler.wholeNow);
        if (this.liveness !== undefined) {
          run.key = turn;
          this.executionBegan();
        }
        whenSettled(result as PromiseLike<unknown>, run.settled, run.failed);
      } else {
        // Where some executions are asynchronous, none has the turn of another: which it will be is not known before.
        if (turn !== kept && this.#handlerRun === undefined) this.#keepTurn(down, turn);
        lane.done();
        this.#laneSettled(lane);
      }
    }
    return done === 0 ? 1 : done;
  }

  #handlerThrew(lane: Lane, signal: unknown, error: unknown): void {
    this.edge.signalFailed(lane, signal, 'its handler failed');
    this.#laneSettled(lane);
    this.hookFailed(hookNameOf(lane), error);
  }

  /** For the next execution. Not written where it stays so: to write a new object into an old one costs as much as to make it. */
  #keepTurn(down: boolean, turn: Turn | undefined): void {
    if (down) this.#turn = turn;
    else this.children!.turn = turn;
  }

  handlerDone(): void {
    if (this.ended) return;
    const run = this.#handlerRun!;
    const lane = run.lane!;
    this.running = undefined;
    lane.done();
    this.#laneSettled(lane);
    if (this.liveness !== undefined) this.lookBack(run);
    run.over();
    run.scheduler.resume(this);
  }

  handlerFailed(error: unknown): void {
    if (this.ended) {
      this.late('a handler', error);
      return;
    }
    const { lane, signal, what } = this.#handlerRun!;
    this.running = undefined;
    this.#handlerRun!.over();
    this.edge.signalFailed(lane!, signal, 'its handler failed or was cancelled');
    this.#laneSettled(lane!);
    this.hookFailed(what, error);
  }

  #tellChildEnded(ended: EndedChild[]): void {
    const next = ended.shift();
    if (ended.length === 0) this.#endedChildren = undefined;
    const hook = this.childEndedHook();
    if (next === undefined || hook === undefined) return;
    const call = (turn: Turn): unknown => hook.call(this.thread, next.child, next.outcome, turn);
    this.callHook('childEnded', call, () => {});
  }

  #laneSettled(lane: Lane): void {
    if (lane.direction === 'down' || !lane.empty) return;
    const edge = lane.owner as LocalEdge;
    if (edge.ended) this.childGone(edge);
  }

  /** Takes a lane out of the line that somebody else has emptied. */
  forgetLane(lane: Lane): void {
    if (!lane.ready) return;
    let before: Lane | undefined;
    for (let other = this.#readyHead; other !== lane && other !== undefined; other = other.nextReady) before = other;
    if (before === undefined) this.#readyHead = lane.nextReady;
    else before.nextReady = lane.nextReady;
    if (this.#readyTail === lane) this.#readyTail = before;
    lane.nextReady = undefined;
    lane.ready = false;
  }

  #append(lane: Lane): void {
    lane.ready = true;
    lane.nextReady = undefined;
    if (this.#readyTail === undefined) this.#readyHead = lane;
    else this.#readyTail.nextReady = lane;
    this.#readyTail = lane;
  }

  /** The lane at the head goes to the end of the line, or out of it when it is empty. */
  #passOn(lane: Lane): void {
    const { empty } = lane;
    if (!empty && lane === this.#readyTail) return;
    this.#readyHead = lane.nextReady;
    if (this.#readyHead === undefined) this.#readyTail = undefined;
    lane.nextReady = undefined;
    lane.ready = false;
    if (!empty) this.#append(lane);
  }
}
