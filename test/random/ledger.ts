/**
 * What happened in a random program, as its threads, senders and the runtime's records say it: hooks begun and ended, and the
 * fate of every signal. What is wrong at once is noted here; what must hold at rest and at the end is in `checks`.
 */

import type { Reply } from '../../src/intercom/ask.ts';
import type { LifecycleRecord } from '../../src/kernel/probe.ts';
import type { ThreadLife } from '../../src/taskthread/thread-life.ts';
import type { Answer, LanePlan, ThreadPlan } from './program.ts';

export interface Signal {
  readonly n: number;
  readonly count: number;
  readonly bytes: number;
  readonly key: number;
  readonly ask: { readonly answer: Answer; readonly reply: Reply<number> } | undefined;
}

/** One signal on its way over one lane. */
export interface Delivery {
  readonly signal: Signal;
  readonly order: number;
  /** What the sender was told. `unknown`: it did not look, or what it was told leaves it open. */
  sender: 'pending' | 'accepted' | 'rejected' | 'unknown';
  begun: number;
  handled: number;
  /** The reasons it was reported lost for. */
  readonly lost: string[];
  /** How often a listener of its receiver was told that it is lost. */
  told: number;
}

/** One direction of one edge. */
export class LaneLog {
  readonly name: string;
  readonly plan: LanePlan | undefined;
  readonly deliveries: Delivery[] = [];
  readonly #bySignal = new Map<Signal, Delivery>();
  /** Orders of the signals begun last: over all, and per key. */
  #lastBegun = -1;
  readonly #lastOfKey = new Map<number, number>();

  constructor(name: string, plan: LanePlan | undefined) {
    this.name = name;
    this.plan = plan;
  }

  offer(signal: Signal): Delivery {
    const order = this.deliveries.length;
    const delivery: Delivery = { signal, order, sender: 'pending', begun: 0, handled: 0, lost: [], told: 0 };
    this.deliveries.push(delivery);
    this.#bySignal.set(signal, delivery);
    return delivery;
  }

  find(signal: unknown): Delivery | undefined {
    return this.#bySignal.get(signal as Signal);
  }

  /** True when it comes in order. `latest` replaces in place, so there only signals of one key keep their order. */
  begin(delivery: Delivery): boolean {
    const { order, signal } = delivery;
    const latest = this.plan?.policy === 'latest';
    const last = latest ? (this.#lastOfKey.get(signal.key) ?? -1) : this.#lastBegun;
    this.#lastBegun = order;
    this.#lastOfKey.set(signal.key, order);
    return order > last;
  }
}

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

export class ThreadLog {
  readonly plan: ThreadPlan;
  readonly life: ThreadLife;
  readonly parent: ThreadLog | undefined;
  readonly down: LaneLog;
  readonly up: LaneLog;
  readonly runs = new Set<Run>();
  /** What it was doing last, and the moment in which that was done. */
  readonly lastDone = new Map<string, number>();
  readonly begun = new Map<string, number>();
  readonly childrenEnded = new Map<string, number>();
  resource: Resource | undefined;
  entered = false;
  endings = 0;
  /** How often its listener was told that it has ended. */
  toldEnds = 0;
  /** Noted when it ended. */
  abandonedOn: string[] = [];
  /** What was done in the moment in which it ended, or given up before: that may be named, and need not. */
  justDone: string[] = [];
  parentWasStopping = false;
  /** A stop was asked that leaves no time to cancel: then also what yields may be given up. */
  noTime: boolean;

  constructor(plan: ThreadPlan, life: ThreadLife, parent: ThreadLog | undefined) {
    this.plan = plan;
    this.life = life;
    this.parent = parent;
    this.noTime = plan.stop?.cancelMs === 0;
    this.down = new LaneLog(`${plan.name} down`, plan.inbox);
    this.up = new LaneLog(`${plan.name} up`, plan.outbox);
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
  readonly violations: Violation[] = [];
  readonly trace: string[] | undefined;
  readonly #byPath = new Map<string, ThreadLog>();
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

  addThread(plan: ThreadPlan, life: ThreadLife, parent: ThreadLog | undefined): ThreadLog {
    const log = new ThreadLog(plan, life, parent);
    this.threads.push(log);
    return log;
  }

  byPath(path: string): ThreadLog | undefined {
    const known = this.#byPath.get(path);
    if (known !== undefined) return known;
    for (const log of this.threads) if (log.life.started) this.#byPath.set(log.life.path, log);
    return this.#byPath.get(path);
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
    for (const child of this.threads) {
      if (child.parent === log && child.life.started && !child.life.ended) {
        this.blame('exit before a child has ended', `${log.path}, child ${child.path}`);
      }
    }
  }

  // ---- signals ----

  handlingBegins(lane: LaneLog, signal: Signal): Delivery | undefined {
    const delivery = lane.find(signal);
    if (delivery === undefined) {
      this.blame('a signal from nowhere', `${signal.n} on ${lane.name}`);
      return undefined;
    }
    delivery.begun++;
    if (!lane.begin(delivery)) this.blame('out of order', `signal ${signal.n} on ${lane.name}`);
    return delivery;
  }

  childEnded(log: ThreadLog, path: string): void {
    const before = log.childrenEnded.get(path) ?? 0;
    log.childrenEnded.set(path, before + 1);
    const child = this.byPath(path);
    if (before > 0) this.blame('childEnded twice', `${path} to ${log.path}`);
    if (child === undefined) return;
    if (!child.life.ended) this.blame('childEnded too early', `${path} lives`);
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
          const receiver = record.direction === 'down' ? log : log.parent;
          // It was handled in the very moment in which its handler was given up: that counts as lost.
          if (record.reason.includes('abandoned') && receiver?.life.ended) delivery.handled = 0;
        }
        break;
      }
      case 'failed':
      case 'abandoned':
      case 'restarting':
      case 'overflow':
      case 'deadlock':
      case 'overdue':
      case 'stall':
      case 'late':
        break;
    }
  };

  /** A task of this name is off the books. If a turn runs that does not yield, it may be that one, which was given up. */
  #giveUp(log: ThreadLog, what: string): void {
    for (const run of log.runs) if (run.what === what && (run.stubborn > 0 || hasNoTime(log))) run.givenUp = true;
  }

  /** Of children that are no peers the one started last is asked first, and the next when that one has ended. */
  #checkOrder(log: ThreadLog): void {
    this.#checkWorkedOff(log.parent!);
    if (log.plan.peers !== undefined) return;
    const siblings = this.threads.filter(({ parent, life }) => parent === log.parent && life.started);
    for (const younger of siblings.slice(siblings.indexOf(log) + 1)) {
      if (!younger.life.ended) this.blame('stopped out of order', `${log.path} before ${younger.path} had ended`);
    }
  }

  /** While it drains it has handled all that its parent sent and its ended children left, before it asks the next child. */
  #checkWorkedOff(log: ThreadLog): void {
    if (log.life.deaf) return;
    const { down } = log.life.edge.snapshot();
    if (down !== undefined && down.queued + down.inFlight > 0) this.blame('stopped before all was handled', log.path);
    for (const child of this.threads) {
      if (child.parent !== log || !child.life.started || !child.life.ended) continue;
      const { up } = child.life.edge.snapshot();
      if (up !== undefined && up.queued + up.inFlight > 0) this.blame('stopped before all was handled', child.path);
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
    for (const child of this.threads) {
      if (child.parent === log && child.life.started && !child.life.ended)
        this.blame('an orphan', `${child.path} of ${log.path}`);
    }
  }
}

function hasNoTime(log: ThreadLog | undefined): boolean {
  return log !== undefined && (log.noTime || hasNoTime(log.parent));
}

export function codeOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : undefined;
}
