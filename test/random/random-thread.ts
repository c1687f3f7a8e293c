/** A thread that does what its plan says, and tells the ledger. */
import type { AnyChild, Child } from '../../src/taskthread/child.ts';
import type { Outcome } from '../../src/taskthread/lifecycle.ts';
import type { Closable } from '../../src/taskthread/spec.ts';
import type { TaskTurn } from '../../src/taskthread/task-turn.ts';
import { lifeOf, TaskThread } from '../../src/taskthread/taskthread.ts';
import type { Turn } from '../../src/taskthread/turn.ts';
import { type Delivery, type LaneLog, laneOf, type Signal } from './lane-log.ts';
import { codeOf, type EdgeLog, type Resource, type Run, type ThreadLog } from './ledger.ts';
import type { Care, Script, Step, TaskPlan, ThreadPlan } from './program.ts';
import { ScriptError, type World } from './world.ts';

type Kid = Child<RandomThread>;
type Work = Promise<unknown> | undefined;

function isPromise(value: unknown): value is Promise<unknown> {
  return value instanceof Promise;
}

export class RandomThread extends TaskThread<Signal, Signal, Signal> {
  readonly log: ThreadLog;
  readonly #world: World;
  readonly #plan: ThreadPlan;
  readonly #handles: Kid[] = [];
  #handled = 0;

  constructor(world: World, edge: EdgeLog) {
    const { plan } = edge;
    super({
      name: plan.name,
      inbox: laneOf(plan.inbox),
      outbox: laneOf(plan.outbox),
      ...(plan.stop !== undefined && { stop: plan.stop }),
      ...(plan.supervision !== undefined && { supervision: plan.supervision }),
    });
    this.#world = world;
    this.#plan = plan;
    this.log = world.ledger.addThread(edge, lifeOf(this));
    if (plan.listens) this.#listen();
    // A hook that is not overridden is not called: so it must not be there.
    if (plan.exit === undefined) this.exit = TaskThread.prototype['exit'];
    if (plan.childEnded === undefined) this.childEnded = TaskThread.prototype['childEnded'];
  }

  #listen(): void {
    const { events, log } = this;
    events.on('deadLetter', (signal, _reason, path) => {
      const delivery = this.#lost(signal, path);
      if (delivery !== undefined) delivery.told++;
    });
    events.on('ended', () => log.toldEnds++);
  }

  #lost(signal: unknown, path: string): Delivery | undefined {
    const lost = this.#world.ledger.byPath(path)?.edge;
    const delivery = (lost === this.log.edge ? lost.down : lost?.up)?.find(signal);
    if (delivery === undefined) this.#world.ledger.blame('a dead letter of nobody', path);
    return delivery;
  }

  /** Listens by a child's handle. */
  #listenTo(kid: Kid, edge: EdgeLog): void {
    if (kid.outcome !== undefined) return;
    edge.handleListens = true;
    const { ledger } = this.#world;
    kid.events.on('ended', () => edge.toldEndsByHandle++);
    kid.events.on('restarting', () => {
      const { whenRestarted } = edge.plan;
      if (whenRestarted === 'stop-it') this.#world.stop(edge.current!, kid, undefined).catch(() => {});
      if (whenRestarted === 'stop-parent') this.stop();
    });
    kid.events.on('deadLetter', (signal, _reason, path) => {
      const lost = ledger.byPath(path)?.edge;
      const delivery = (lost === edge ? edge.down : lost?.up)?.find(signal);
      if (delivery === undefined) ledger.blame('a dead letter of nobody', path);
      else delivery.toldByHandle.done++;
    });
  }

  // ---- hooks ----

  protected override enter(turn: Turn<Signal>): void | Promise<void> {
    return this.#hook('enter', this.#plan.enter, turn) as Promise<void> | undefined;
  }

  protected override exit(turn: Turn<Signal>): void | Promise<void> {
    return this.#hook('exit', this.#plan.exit!, turn) as Promise<void> | undefined;
  }

  protected override signalHandler(signal: Signal, turn: Turn<Signal>): unknown {
    return this.#handle('signalHandler', this.log, signal, this.#plan.handlers, turn);
  }

  protected override childSignalHandler(signal: Signal, child: AnyChild, turn: Turn<Signal>): unknown {
    return this.#handle(
      'childSignalHandler',
      this.#world.ledger.byPath(child.path),
      signal,
      this.#plan.childHandlers,
      turn,
    );
  }

  protected override childEnded(child: AnyChild, outcome: Outcome, turn: Turn): void | Promise<void> {
    this.#world.ledger.childEnded(this.log, child.path);
    if (outcome !== child.outcome) this.#world.ledger.blame('the wrong outcome', child.path);
    return this.#hook('childEnded', this.#plan.childEnded!, turn as unknown as Turn<Signal>) as
      | Promise<void>
      | undefined;
  }

  #hook(what: string, script: Script, turn: Turn<Signal>): Work {
    const run = this.#world.ledger.begin(this.log, what);
    if (what === 'exit' && turn.cancelled) this.#world.ledger.blame('exit is not shielded', this.path);
    return this.#settle(run, () => this.#execute(script, turn, run));
  }

  #handle(
    what: string,
    from: ThreadLog | undefined,
    signal: Signal,
    scripts: readonly Script[],
    turn: Turn<Signal>,
  ): Work {
    const { ledger } = this.#world;
    const lane = what === 'signalHandler' ? from?.down : from?.up;
    const run = ledger.begin(this.log, what);
    ledger.say(() => `  it handles ${signal.n}`);
    const delivery = lane && ledger.handlingBegins(lane, signal);
    if (what === 'signalHandler' && delivery !== undefined && turn.deliveryCount !== delivery.begun)
      ledger.blame('the wrong count of deliveries', `${turn.deliveryCount} of ${delivery.begun} in ${this.path}`);
    const script = scripts[this.#handled++ % Math.max(1, scripts.length)] ?? { mode: 'sync' as const, steps: [] };
    return this.#settle(
      run,
      () => {
        const work = this.#execute(script, turn, run);
        if (!isPromise(work)) return this.#answer(signal);
        return work.then(() => this.#answer(signal));
      },
      () => {
        // What an abandoned handler still brings about does not count.
        if (delivery === undefined || this.log.life.ended) return;
        delivery.handled++;
        delivery.handledBy = this.log;
      },
    );
  }

  #settle(run: Run, work: () => unknown, note: () => void = () => {}): Work {
    const { ledger } = this.#world;
    let result: unknown;
    try {
      result = work();
    } catch (error) {
      ledger.finish(run, String(error));
      throw error;
    }
    if (!isPromise(result)) {
      note();
      ledger.finish(run, 'done');
      return undefined;
    }
    return result.then(
      () => {
        note();
        ledger.finish(run, 'done');
      },
      (error: unknown) => {
        ledger.finish(run, String(error));
        throw error;
      },
    );
  }

  #answer(signal: Signal): undefined {
    if (signal.ask === undefined) return;
    const { answer, reply } = signal.ask;
    if (answer === 'with' || answer === 'twice') reply.with(signal.n);
    if (answer === 'twice') reply.with(-1);
    if (answer === 'fail') reply.fail(new ScriptError('asked too much'));
    if (answer === 'late') this.#world.replies.push(() => reply.with(signal.n));
  }

  // ---- scripts ----

  #execute(script: Script, turn: Turn<Signal>, run: Run): Work {
    const { steps, mode } = script;
    if (mode === 'async') return this.#stepByStep(steps, turn, run);
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i]!;
      if (step.op === 'hang') continue;
      if (step.op === 'throw') {
        if (this.#throws(step)) throw new ScriptError('on purpose');
        continue;
      }
      const last = mode === 'return' && i === steps.length - 1;
      const work = this.#tolerate(step, last ? run : undefined, turn);
      if (last) return work;
      // Nobody waits for it, but what it ends with has an owner: this script.
      work?.catch(() => {});
    }
    return undefined;
  }

  async #stepByStep(steps: readonly Step[], turn: Turn<Signal>, run: Run | undefined): Promise<void> {
    for (const step of steps) await this.#tolerate(step, run, turn);
  }

  /** A step, whose error ends the script unless it is one to go on after. */
  #tolerate(step: Step, run: Run | undefined, turn: Turn<Signal>): Work {
    if (!this.#world.burn()) return undefined;
    this.#world.ledger.say(() => `  ${this.path} ${run?.what ?? 'aside'}: ${step.op}`);
    // Asked only now and then: to ask makes a scope, and most turns have none.
    const cancelled = step.go && turn.cancelled;
    const ended = this.log.life.ended;
    const word = this.#perform(step, run, turn);
    const work = isPromise(word) && this.#waitsAside(step, run) ? this.#stubborn(run, word) : word;
    if (!isPromise(work)) return undefined;
    return work.then(
      () => this.#checkCarriedOut(step, cancelled, ended),
      (error: unknown) => {
        this.#checkError(step, error, ended);
        if (!step.go || step.op === 'throw') throw error;
      },
    );
  }

  /** Words of the turn must not succeed in a cancelled scope, and none that waits after the end. */
  #checkCarriedOut(step: Step, cancelled: boolean, ended: boolean): void {
    const { op } = step;
    const waits = op === 'sleep' || op === 'send-up' || op === 'send-down' || op === 'ask-up' || op === 'ask-down';
    if (!waits) return;
    const byTurn = !('by' in step) || step.by === 'turn';
    if (ended || (cancelled && byTurn)) this.#world.ledger.blame('a word after the cancel', `${op} of ${this.path}`);
  }

  #checkError(step: Step, error: unknown, ended: boolean): void {
    const code = codeOf(error);
    const ours = code?.startsWith('TT_') === true;
    if (!ours && !(error instanceof ScriptError)) {
      this.#world.ledger.blame(
        'a strange error',
        `${step.op}: ${error instanceof Error ? (error.stack ?? '') : String(error)}`,
      );
    }
    const foreign = step.op === 'throw' || step.op === 'hang' || step.op === 'check' || step.op === 'delete';
    if (ended && code !== 'TT_THREAD_ENDED' && !foreign) {
      this.#world.ledger.blame('not ThreadEndedError after the end', `${step.op} of ${this.path}: ${String(error)}`);
    }
  }

  #throws({ from, to }: Step & { readonly op: 'throw' }): boolean {
    const { incarnation } = this.log.life.edge;
    return from <= incarnation && incarnation <= to;
  }

  #perform(step: Step, run: Run | undefined, turn: Turn<Signal>): Work {
    try {
      return this.#word(step, run, turn);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #word(step: Step, run: Run | undefined, turn: Turn<Signal>): Work {
    const world = this.#world;
    switch (step.op) {
      case 'send-up': {
        const word = (signal: Signal): Promise<void> | undefined =>
          step.by === 'turn' ? turn.sendToParent(signal) : this.sendToParent(signal);
        return cared(step.care, world.send(this.log.up, word, this.#blind(step.care, this.log.up)));
      }
      case 'send-down': {
        const kid = this.#kid(step.child);
        if (kid === undefined) return undefined;
        const word = (signal: Signal): Promise<void> | undefined => {
          if (step.by === 'turn') return turn.send(kid, signal);
          return step.by === 'thread' ? this.send(kid, signal) : kid.send(signal);
        };
        const { down } = this.#logOf(kid);
        return cared(step.care, world.send(down, word, this.#blind(step.care, down)));
      }
      case 'broadcast': {
        const kids = step.by === 'thread' ? this.#takers() : this.#kids();
        if (kids.length === 0) return undefined;
        const word = (signal: Signal): Promise<void> | undefined => {
          if (step.by === 'turn') return turn.sendToChildren(kids, signal);
          return this.sendToChildren(step.by === 'thread' ? RandomThread : kids, signal);
        };
        const lanes = kids.map((kid) => this.#logOf(kid).down);
        return cared(step.care, world.broadcast(lanes, word, this.#blind(step.care, ...lanes), step.by === 'thread'));
      }
      case 'try-up':
        if (this.log.parent !== undefined) world.trySend(this.log.up, (signal) => this.trySendToParent(signal));
        return undefined;
      case 'try-down': {
        const kid = this.#kid(step.child);
        if (kid !== undefined) world.trySend(this.#logOf(kid).down, (signal) => kid.trySend(signal));
        return undefined;
      }
      case 'ask-up': {
        const options = step.timeoutMs === undefined ? undefined : { timeoutMs: step.timeoutMs };
        const asked = world.ask(this.log.up, step.answer, (make) => turn.askParent(make, options), false);
        return cared(step.care, asked);
      }
      case 'ask-down': {
        const kid = this.#kid(step.child);
        if (kid === undefined) return undefined;
        const options = step.timeoutMs === undefined ? undefined : { timeoutMs: step.timeoutMs };
        const asked = world.ask(
          this.#logOf(kid).down,
          step.answer,
          (make) => {
            if (step.by === 'turn') return turn.ask(kid, make, options);
            return step.by === 'thread' ? this.ask(kid, make) : kid.ask(make);
          },
          false,
        );
        return cared(step.care, asked);
      }
      case 'answer-late':
        world.replies.shift()?.();
        return undefined;
      case 'add':
        return cared(step.care, this.#add(step, step.scoped ? turn : undefined));
      case 'stop-child': {
        const kid = this.#kid(step.child);
        return kid && cared(step.care, world.stop(this.#logOf(kid), kid, step.budget));
      }
      case 'join': {
        const kid = this.#kid(step.child);
        return kid && cared(step.care, kid.join({ scope: turn }));
      }
      case 'stop':
        if (step.by === 'turn') turn.stop();
        else this.stop();
        return undefined;
      case 'sleep':
        return cared(step.care, turn.sleep(step.ms));
      case 'shield':
        return this.#stubborn(
          run,
          turn.shield(step.ms, (inner) => this.#stepByStep(step.steps, inner, run)),
        );
      case 'timeout':
        return turn.timeoutAfter(step.ms, (inner) => this.#stepByStep(step.steps, inner, run));
      case 'task':
        this.#task(step.task);
        return undefined;
      case 'delete':
        return cared(step.care, this.tasks.delete(step.name, { scope: step.scoped ? turn : undefined }));
      case 'again':
        if (!('reSchedule' in turn)) return undefined;
        (turn as TaskTurn<Signal>).reSchedule(step.afterMs === undefined ? undefined : { afterMs: step.afterMs });
        return undefined;
      case 'throw':
        return this.#throws(step) ? Promise.reject(new ScriptError('on purpose')) : undefined;
      case 'hang':
        return step.until === 'abort'
          ? untilAborted(turn)
          : world.hang(run, step.until === 'ever' ? undefined : step.until);
      case 'check':
        return Promise.resolve().then(() => turn.checkCancelled());
      case 'snapshot':
        this.snapshot();
        return undefined;
      case 'keep':
        world.turns.push({ turn, log: this.log });
        return undefined;
    }
  }

  /** Nobody looks at such a promise. A root without a parent and a lane that is full refuse loudly, so there one must look. */
  #blind(care: Care, ...lanes: LaneLog[]): boolean {
    const loud = lanes.some((lane) => lane === this.log.up && this.log.parent === undefined);
    return care === 'blind' && !loud && !lanes.some((lane) => lane.plan?.policy === 'fail');
  }

  /** A wait that belongs to the thread: a cancel of this task, or of this exit, does not reach it. */
  #waitsAside(step: Step, run: Run | undefined): run is Run {
    if (run === undefined || !('care' in step) || step.care !== 'await') return false;
    if (run.what !== 'exit' && !run.what.startsWith('task ')) return false;
    if (step.op === 'add' || step.op === 'delete') return !step.scoped;
    return step.op === 'stop-child' || ('by' in step && step.by !== 'turn');
  }

  async #stubborn(run: Run | undefined, work: Work): Promise<unknown> {
    if (run !== undefined) run.stubborn++;
    try {
      return await work;
    } finally {
      if (run !== undefined) run.stubborn--;
    }
  }

  async #add(step: Step & { readonly op: 'add' }, scope: Turn<Signal> | undefined): Promise<void> {
    const world = this.#world;
    const { plan, broken } = step;
    if (!world.mayMakeThread) return;
    const resource: Resource | undefined = plan.owns === 'nothing' ? undefined : { closed: 0 };
    if (resource !== undefined) world.resources.push(resource);
    const edge = world.ledger.addEdge(plan, this.log);
    const make = (): RandomThread => {
      const call = world.ledger.making(edge);
      if (this.log.life.ended) world.ledger.blame('called after the end', `the factory of ${plan.name}`);
      if (broken === 'factory' || call === plan.brokenAt) throw new ScriptError('the factory');
      if (broken === 'again') return this;
      return new RandomThread(world, edge);
    };
    const close = (): void => {
      resource!.closed++;
      if (edge.lasts) world.ledger.blame('closed too early', `what ${edge.current?.path} owns`);
      if (plan.owns === 'close-throws') throw new ScriptError('while it was closed');
    };
    const onSignal = (signal: Signal, child: AnyChild, turn: Turn<Signal>): unknown => {
      return this.childSignalHandler(signal, child, turn);
    };
    const owns: Closable =
      plan.owns !== 'asyncDispose' ? { close } : { [Symbol.asyncDispose]: () => Promise.resolve().then(close) };
    const kid = await this.addChild(make, {
      ...(plan.restart === undefined
        ? { onFailure: plan.onFailure }
        : { restart: plan.restart, redeliver: plan.redeliver }),
      ...(this.#isSignificant(plan) && { significant: true }),
      ...(resource !== undefined && { owns }),
      ...(plan.peers !== undefined && { peers: plan.peers }),
      ...(scope !== undefined && { scope }),
      ...(plan.onSignal && { onSignal }),
    } as { onSignal: typeof onSignal });
    this.#handles.push(kid);
    world.handles.push(kid);
    if (plan.listens) this.#listenTo(kid, edge);
  }

  #isSignificant({ significant, restart }: ThreadPlan): boolean {
    const { autoShutdown = 'never' } = this.#plan.supervision ?? {};
    return significant && restart !== 'permanent' && autoShutdown !== 'never';
  }

  #task(plan: TaskPlan): void {
    const what = `task ${plan.name}`;
    const body = (turn: TaskTurn<Signal>): Work => {
      const run = this.#world.ledger.begin(this.log, what);
      return this.#settle(run, () => this.#execute(plan.script, turn, run));
    };
    this.tasks.reCreate(plan.name, body, { intake: plan.intake, afterMs: plan.afterMs });
  }

  /** Those that have entered, also when they have ended; then those that are entering. */
  #kids(): Kid[] {
    const kids = [...this.#handles];
    for (const kid of this.childrenOf(RandomThread)) if (!kids.includes(kid)) kids.push(kid);
    return kids;
  }

  /** To whom a broadcast to a class goes. */
  #takers(): Kid[] {
    return this.childrenOf(RandomThread).filter((kid) => !this.#logOf(kid).life.edge.downClosed);
  }

  #kid(which: number): Kid | undefined {
    const kids = this.#kids();
    return kids[which % Math.max(1, kids.length)];
  }

  #logOf(kid: AnyChild): ThreadLog {
    return this.#world.ledger.byPath(kid.path)!;
  }
}

function cared(care: Care, work: Promise<unknown> | undefined): Work {
  if (care === 'await' || work === undefined) return work;
  work.catch(() => {});
  return undefined;
}

function untilAborted(turn: Turn<Signal>): Promise<never> {
  return new Promise((_resolve, reject) => {
    const { abortSignal } = turn;
    if (abortSignal.aborted) reject(abortSignal.reason);
    else abortSignal.addEventListener('abort', () => reject(abortSignal.reason), { once: true });
  });
}
