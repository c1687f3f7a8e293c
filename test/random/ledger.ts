/**
 * What happened in a random program, as its threads, senders and the runtime's records say it: hooks begun and ended, and the
 * fate of every signal. What is wrong at once is noted here; what must hold at rest and at the end is in `checks`.
 */

import type { LifecycleRecord } from '../../src/kernel/probe.ts';
import type { ThreadLife } from '../../src/taskthread/thread-life.ts';
import { type Delivery, LaneLog, type Signal } from './lane-log.ts';
import type { ThreadPlan } from './program.ts';

/** One execution of a hook or of a task's turn. */
export interface Run {
  readonly what: string;
  readonly log: ThreadLog;
  /** How many waits it is in that no cancel reaches. */
  stubborn: number;
  done: boolean;
  /** A task that may have been given up before: off the library's books. */
  givenUp: boolean;
}

export interface Resource {
  closed: number;
}

/** A child over all its incarnations. */
export class EdgeLog {
  readonly plan: ThreadPlan;
  readonly parent: ThreadLog | undefined;
  readonly down: LaneLog;
  readonly up: LaneLog;
  /** Those that were made, also those that were never started. */
  readonly lives: ThreadLog[] = [];
  /** How many calls of its factory there were. */
  made = 0;
  /** A restart was announced, and is still to come. */
  announced = false;
  /** Somebody listens by the handle. */
  handleListens = false;
  toldEndsByHandle = 0;
  /** A stop was asked that leaves no time to cancel: then also what yields may be given up. */
  noTime: boolean;

  constructor(plan: ThreadPlan, parent: ThreadLog | undefined) {
    this.plan = plan;
    this.parent = parent;
    this.noTime = plan.stop?.cancelMs === 0;
    this.down = new LaneLog(`${plan.name} down`, plan.inbox);
    this.up = new LaneLog(`${plan.name} up`, plan.outbox);
  }

  /** The incarnation that lives, or lived last. */
  get current(): ThreadLog | undefined {
    for (let i = this.lives.length - 1; i >= 0; i--) {
      const { life } = this.lives[i]!;
      if (life.started && life.edge.child === life) return this.lives[i];
    }
    return undefined;
  }

  /** It was started, and has not ended for good. */
  get lasts(): boolean {
    const { current } = this;
    return current !== undefined && !current.life.edge.ended;
  }
}

/** One incarnation of a thread. */
export class ThreadLog {
  readonly plan: ThreadPlan;
  readonly life: ThreadLife;
  readonly edge: EdgeLog;
  /** How many of the children there were when a restart of several was decided upon last. */
  plannedAmong = 0;
  /** When restarts of its children were counted. */
  restartTimes: number[] = [];
  /** No child has been made again since the last restart was counted. */
  restartOpen = false;
  /** It was stopped only in order to be restarted with a sibling. */
  planned = false;
  readonly runs = new Set<Run>();
  /** What it was doing last, and the moment in which that was done. */
  readonly lastDone = new Map<string, number>();
  readonly begun = new Map<string, number>();
  readonly childrenEnded = new Map<string, number>();
  entered = false;
  endings = 0;
  /** How often its listener was told that it has ended. */
  toldEnds = 0;
  /** Noted when it ended. */
  abandonedOn: string[] = [];
  /** What was done in the moment in which it ended, or given up before: that may be named, and need not. */
  justDone: string[] = [];
  parentWasStopping = false;

  constructor(edge: EdgeLog, life: ThreadLife) {
    this.plan = edge.plan;
    this.life = life;
    this.edge = edge;
  }

  get parent(): ThreadLog | undefined {
    return this.edge.parent;
  }

  get down(): LaneLog {
    return this.edge.down;
  }

  get up(): LaneLog {
    return this.edge.up;
  }

  get path(): string {
    return this.life.started ? this.life.path : `(${this.plan.name}, never attached)`;
  }

  timesBegun(what: string): number {
    return this.begun.get(what) ?? 0;
  }
}

export interface Violation {
  /** The law in short, to compare failures by. */
  readonly kind: string;
  readonly text: string;
}

export class Ledger {
  readonly threads: ThreadLog[] = [];
  readonly edges: EdgeLog[] = [];
  readonly violations: Violation[] = [];
  readonly trace: string[] | undefined;
  readonly #byPath = new Map<string, EdgeLog>();
  readonly #now: () => number;
  signals = 0;
  /** Counts the moments between which everything comes to rest. */
  moment = 0;

  constructor(now: () => number, traced: boolean) {
    this.#now = now;
    this.trace = traced ? [] : undefined;
  }

  say(words: () => string): void {
    this.trace?.push(`${this.#now() - 1000} ${words()}`);
  }

  blame(kind: string, text: string): void {
    this.violations.push({ kind, text });
    this.say(() => `!! ${kind}: ${text}`);
  }

  addEdge(plan: ThreadPlan, parent: ThreadLog | undefined): EdgeLog {
    const edge = new EdgeLog(plan, parent);
    this.edges.push(edge);
    return edge;
  }

  addThread(edge: EdgeLog, life: ThreadLife): ThreadLog {
    const log = new ThreadLog(edge, life);
    this.threads.push(log);
    edge.lives.push(log);
    return log;
  }

  /** The incarnation that lives, or lived last. */
  byPath(path: string): ThreadLog | undefined {
    const known = this.#byPath.get(path);
    if (known !== undefined) return known.current;
    for (const edge of this.edges) {
      const { current } = edge;
      if (current !== undefined) this.#byPath.set(current.life.path, edge);
    }
    return this.#byPath.get(path)?.current;
  }

  // ---- hooks and turns ----

  begin(log: ThreadLog, what: string): Run {
    const run: Run = { what, log, stubborn: 0, done: false, givenUp: false };
    const { life } = log;
    const before = log.timesBegun(what);
    log.begun.set(what, before + 1);
    this.say(() => `${log.path} ${what} begins`);
    if (life.ended) this.blame('called after the end', `${what} of ${log.path}`);
    const isTask = what.startsWith('task ');
    if ((what === 'enter' || what === 'exit') && before > 0) this.blame(`a second ${what}`, log.path);
    if (!isTask && what !== 'enter' && log.plan && log.timesBegun('enter') === 0)
      this.blame('before enter', `${what} of ${log.path}`);
    if (what !== 'exit' && log.timesBegun('exit') > 0)
      this.blame('after exit', `${what} of ${log.path} began after its exit`);
    for (const other of log.runs) {
      const overlaps = isTask ? other.what === what : what !== 'exit' && !other.what.startsWith('task ');
      if (overlaps && !other.givenUp)
        this.blame('overlap', `${what} began while ${other.what} of ${log.path} was running`);
      if (what === 'exit' && other.stubborn === 0 && !other.givenUp && !hasNoTime(log)) {
        this.blame(
          'exit overlaps',
          `exit of ${log.path} began while ${other.what}, which yields to a cancel, was running`,
        );
      }
    }
    if (what === 'exit') this.#checkExit(log);
    if (what === 'enter') this.#checkStart(log);
    for (const other of log.edge.lives)
      if (other !== log && other.life.started && !other.life.ended) this.blame('two incarnations at once', log.path);
    log.runs.add(run);
    return run;
  }

  finish(run: Run, how: string): void {
    run.done = true;
    run.log.runs.delete(run);
    run.log.lastDone.set(run.what, this.moment);
    this.say(() => `${run.log.path} ${run.what} ends: ${how}`);
  }

  #checkExit(log: ThreadLog): void {
    for (const edge of this.edges) {
      if (edge.parent === log && edge.lasts) {
        this.blame('exit before a child has ended', `${log.path}, child ${edge.current?.path}`);
      }
    }
  }

  /** Of several that are started together, one at a time. */
  #checkStart(log: ThreadLog): void {
    const { edge, parent } = log;
    if (log.life.edge.incarnation === 1 || parent === undefined) return;
    if (parent.life.state === 'stopping') this.blame('restarted by one that stops', log.path);
    if (edge.plan.restart === undefined) this.blame('a restart that nobody has declared', log.path);
    if (!together(parent)) return;
    for (const other of this.edges) {
      const { current } = other;
      if (other.parent !== parent || other === edge || current === undefined) continue;
      if (current.life.edge.incarnation > 1 && current.life.state === 'entering')
        this.blame('two are started at once', `${log.path} and ${current.path}`);
    }
  }

  /** A factory is called. */
  making(edge: EdgeLog): number {
    if (edge.made > 0) {
      if (!edge.announced) this.blame('a restart without a word', edge.current?.path ?? edge.plan.name);
      edge.announced = false;
      if (edge.parent?.life.state === 'stopping')
        this.blame('restarted by one that stops', edge.current?.path ?? edge.plan.name);
      if (edge.parent !== undefined) edge.parent.restartOpen = false;
    }
    return ++edge.made;
  }

  /** A restart, which counts unless it is one with a sibling. */
  #restarting(log: ThreadLog): void {
    const { edge, parent } = log;
    if (edge.announced) this.blame('a restart announced twice', log.path);
    edge.announced = true;
    if (!log.life.ended) this.blame('restarted before the end', log.path);
    if (parent === undefined) return;
    if (parent.life.state === 'stopping' || parent.life.ended) this.blame('restarted by one that stops', log.path);
    const withSibling = log.planned || (together(parent) && parent.restartOpen);
    log.planned = false;
    if (withSibling) return;
    parent.restartOpen = true;
    parent.plannedAmong = this.edges.length;
    const { intensity = 1, periodMs = 5000 } = parent.plan.supervision ?? {};
    const now = this.#now();
    parent.restartTimes = parent.restartTimes.filter((time) => now - time <= periodMs);
    parent.restartTimes.push(now);
    if (parent.restartTimes.length > intensity) this.blame('more restarts than are borne', log.path);
  }

  // ---- signals ----

  handlingBegins(lane: LaneLog, signal: Signal): Delivery | undefined {
    const delivery = lane.find(signal);
    if (delivery === undefined) {
      this.blame('a signal from nowhere', `${signal.n} on ${lane.name}`);
      return undefined;
    }
    delivery.begun++;
    if (delivery.ask === 'unanswered') this.blame('delivered although its asker was sent away', `${signal.n}`);
    if (delivery.begun > 1) this.#undoHandled(delivery);
    if (!lane.begin(delivery)) this.blame('out of order', `signal ${signal.n} on ${lane.name}`);
    return delivery;
  }

  /** It was handled in the very moment in which its handler was given up: that counts as not handled. */
  #undoHandled(delivery: Delivery): void {
    if (delivery.handledBy?.life.outcome?.verdict === 'abandoned') delivery.handled = 0;
  }

  childEnded(log: ThreadLog, path: string): void {
    const before = log.childrenEnded.get(path) ?? 0;
    log.childrenEnded.set(path, before + 1);
    const child = this.byPath(path);
    if (before > 0) this.blame('childEnded twice', `${path} to ${log.path}`);
    if (child === undefined) return;
    if (child.edge.lasts) this.blame('childEnded too early', `${path} lives`);
    const up = child.life.edge.snapshot().up;
    if (up !== undefined && up.queued + up.inFlight > 0)
      this.blame('childEnded too early', `signals of ${path} are left`);
  }

  // ---- records ----

  readonly onRecord = (record: LifecycleRecord): void => {
    const log = this.byPath(record.path);
    this.say(
      () =>
        `${record.path} [${record.kind}${'why' in record ? ` ${record.why}` : ''}${'where' in record ? ` ${record.where}: ${String(record.error)}` : ''}${'reason' in record ? ` ${(record.signal as Signal).n} ${record.direction}: ${record.reason}` : ''}${'outcome' in record ? ` ${record.outcome}` : ''}${'hungOn' in record ? ` ${record.hungOn}` : ''}]`,
    );
    if (log === undefined) {
      this.blame('a record of nobody', `${record.kind} of ${record.path}`);
      return;
    }
    switch (record.kind) {
      case 'entered':
        if (log.entered) this.blame('entered twice', log.path);
        log.entered = true;
        break;
      case 'stopping':
        if (record.why === 'its parent is stopping') this.#checkOrder(log);
        if (record.why === 'it is restarted with a sibling') this.#checkPlan(log);
        break;
      case 'ended':
        this.#ended(log);
        break;
      case 'task-ended':
        if (!log.life.ended) this.#giveUp(log, `task ${record.task}`);
        break;
      case 'dead-letter': {
        const lane = record.direction === 'down' ? log.down : log.up;
        const delivery = lane.find(record.signal);
        if (delivery === undefined) this.blame('a signal from nowhere', `dead letter on ${lane.name}`);
        else {
          delivery.lost.push(record.reason);
          if (record.direction === 'down') this.#checkLoss(log, record.reason);
          if (record.deliveries !== delivery.begun)
            this.blame('the wrong count of deliveries', `${record.deliveries} of ${delivery.begun} on ${lane.name}`);
          const receiver = record.direction === 'down' ? log : log.parent;
          if (receiver?.edge.handleListens === true) delivery.toldByHandle.due++;
          this.#undoHandled(delivery);
        }
        break;
      }
      case 'restarting':
        this.#restarting(log);
        break;
      case 'failed':
      case 'abandoned':
      case 'overflow':
      case 'deadlock':
      case 'held-up':
      case 'overdue':
      case 'stall':
      case 'late':
        break;
    }
  };

  /** What is queued is kept, where another incarnation is sure to follow. */
  #checkLoss({ life, parent, path, plan, entered }: ThreadLog, reason: string): void {
    if (plan.restart !== 'permanent' || !entered || !reason.includes('its receiver has failed')) return;
    if (life.edge.supervised?.final === false && parent?.life.state === 'running')
      this.blame('lost although it is started again', `${path}: ${reason}`);
  }

  /** A task of this name is off the books. If a turn runs that does not yield, it may be that one, which was given up. */
  #giveUp(log: ThreadLog, what: string): void {
    for (const run of log.runs) if (run.what === what && (run.stubborn > 0 || hasNoTime(log))) run.givenUp = true;
  }

  /** Of children that are no peers the one started last is asked first, and the next when that one has ended. */
  #checkOrder(log: ThreadLog): void {
    this.#checkWorkedOff(log.parent!);
    if (log.plan.peers !== undefined) return;
    const siblings = this.edges.filter(({ parent }) => parent === log.parent);
    for (const younger of siblings.slice(siblings.indexOf(log.edge) + 1)) {
      if (younger.lasts) this.blame('stopped out of order', `${log.path} before ${younger.current?.path} had ended`);
    }
  }

  /** The same of children that are restarted together; those that were added since it began are left alone. */
  #checkPlan(log: ThreadLog): void {
    log.planned = true;
    const { parent, plan } = log;
    if (!together(parent!)) this.blame('stopped for a sibling', log.path);
    if (plan.peers !== undefined) return;
    for (let i = this.edges.indexOf(log.edge) + 1; i < parent!.plannedAmong; i++) {
      const younger = this.edges[i]!;
      if (younger.parent !== parent || !younger.lasts || younger.current!.life.ended) continue;
      this.blame('stopped out of order', `${log.path} before ${younger.current?.path} had ended`);
    }
  }

  /** While it drains it has handled all that its parent sent and its ended children left, before it asks the next child. */
  #checkWorkedOff(log: ThreadLog): void {
    if (log.life.deaf) return;
    const { down } = log.life.edge.snapshot();
    const queued = down === undefined || log.life.edge.held ? 0 : down.queued;
    if (queued + (down?.inFlight ?? 0) > 0) this.blame('stopped before all was handled', log.path);
    for (const { parent, current } of this.edges) {
      if (parent !== log || current === undefined || !current.life.ended) continue;
      const { up } = current.life.edge.snapshot();
      if (up !== undefined && up.queued + up.inFlight > 0) this.blame('stopped before all was handled', current.path);
    }
  }

  #ended(log: ThreadLog): void {
    log.endings++;
    if (log.endings > 1) this.blame('ended twice', log.path);
    log.parentWasStopping = log.parent?.life.state === 'stopping';
    for (const run of log.runs) {
      if (run.givenUp) log.justDone.push(run.what);
      else log.abandonedOn.push(run.what);
    }
    for (const [what, moment] of log.lastDone) if (moment === this.moment) log.justDone.push(what);
    const running = [...log.runs].filter((run) => !run.givenUp);
    const yields = running.length > 0 && !running.some((run) => run.stubborn > 0);
    if (yields && !hasNoTime(log)) {
      this.blame('abandoned although it yields', `${log.path}, in ${running.map((run) => run.what).join(', ')}`);
    }
    for (const edge of this.edges) {
      if (edge.parent === log && edge.lasts) this.blame('an orphan', `${edge.current?.path} of ${log.path}`);
    }
  }
}

/** True of a thread that restarts its children together. */
function together({ plan }: ThreadLog): boolean {
  return plan.supervision?.strategy !== undefined && plan.supervision.strategy !== 'one-for-one';
}

function hasNoTime(log: ThreadLog | undefined): boolean {
  return log !== undefined && (log.edge.noTime || hasNoTime(log.parent));
}

export function codeOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : undefined;
}
