/**
 * What the threads of one random program share: its ledger, its time, the fuel that is left, and what was kept for later
 * (replies, turns, promises that hang).
 */
import type { Reply } from '../../src/intercom/ask.ts';
import type { AnyChild } from '../../src/taskthread/child.ts';
import type { StopReport } from '../../src/taskthread/shutdown.ts';
import { defaultStopBudget } from '../../src/taskthread/shutdown.ts';
import type { Turn } from '../../src/taskthread/turn.ts';
import { checkReport } from './checks.ts';
import type { Delivery, LaneLog, Signal } from './lane-log.ts';
import { codeOf, Ledger, type Resource, type Run, type ThreadLog } from './ledger.ts';
import type { Answer, Budget, Program } from './program.ts';
import { RandomTime } from './random-time.ts';

/** What a script throws on purpose. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError';
}

interface Hang {
  readonly release: (throwing: boolean) => void;
}

export interface PendingStop {
  readonly log: ThreadLog;
  readonly since: number;
  readonly limitMs: number;
}

export class World {
  readonly program: Program;
  readonly time: RandomTime;
  readonly ledger: Ledger;
  /** Answers that are given later. */
  readonly replies: (() => void)[] = [];
  readonly turns: { readonly turn: Turn<Signal>; readonly log: ThreadLog }[] = [];
  readonly handles: AnyChild[] = [];
  readonly resources: Resource[] = [];
  readonly pendingStops = new Set<PendingStop>();
  readonly #hangs = new Set<Hang>();
  /** How many timers are set for what hangs for a while. */
  hangTimers = 0;
  #fuel: number;
  #over = false;

  constructor(program: Program, traced: boolean) {
    this.program = program;
    this.time = new RandomTime(program.order, program.seed ^ 0x5bd1e995);
    this.ledger = new Ledger(() => this.time.now, traced);
    this.#fuel = program.fuel;
  }

  /** True while steps may still be executed. */
  burn(): boolean {
    return this.#fuel-- > 0;
  }

  get mayMakeThread(): boolean {
    return this.ledger.edges.length < this.program.threadLimit;
  }

  signal(ask?: Signal['ask']): Signal {
    const n = this.ledger.signals++;
    return { n, count: 1 + (n % 3), bytes: n % 5, key: n % 3, ask };
  }

  /** Sends a signal and notes what its sender is told. */
  send(lane: LaneLog, word: (signal: Signal) => Promise<void> | undefined, blind: boolean): Promise<void> | undefined {
    const signal = this.signal();
    const delivery = lane.offer(signal);
    this.ledger.say(() => `  signal ${signal.n} on ${lane.name}`);
    const sent = this.#call('send', () => word(signal));
    if (sent === undefined) {
      delivery.sender = 'accepted';
      return undefined;
    }
    if (blind) {
      delivery.sender = 'unknown';
      return undefined;
    }
    return sent.then(
      () => {
        delivery.sender = 'accepted';
      },
      (error: unknown) => {
        delivery.sender = 'rejected';
        this.#checkRefusal(error, signal);
        throw error;
      },
    );
  }

  trySend(lane: LaneLog, word: (signal: Signal) => boolean): void {
    const signal = this.signal();
    const delivery = lane.offer(signal);
    this.ledger.say(() => `  signal ${signal.n} tried on ${lane.name}`);
    delivery.sender = 'rejected';
    if (word(signal)) delivery.sender = 'accepted';
  }

  broadcast(
    lanes: readonly LaneLog[],
    word: (signal: Signal) => Promise<void> | undefined,
    blind: boolean,
    toClass: boolean,
  ): Promise<void> | undefined {
    const signal = this.signal();
    const deliveries = lanes.map((lane) => lane.offer(signal));
    const tell = (sender: Delivery['sender']): void => {
      for (const delivery of deliveries) delivery.sender = sender;
    };
    const sent = this.#call('broadcast', () => word(signal));
    if (sent === undefined) tell('accepted');
    if (sent !== undefined && blind) tell('unknown');
    if (sent === undefined || blind) return undefined;
    return sent.then(
      // To a class it passes over who stops while it is waited for: only the books then say who had refused.
      () => tell(toClass ? 'unknown' : 'accepted'),
      (error: unknown) => {
        tell('unknown');
        throw error;
      },
    );
  }

  ask(
    lane: LaneLog,
    answer: Answer,
    word: (make: (reply: Reply<number>) => Signal) => Promise<number>,
    blind: boolean,
  ): Promise<void> | undefined {
    let delivery: Delivery | undefined;
    const asked = this.#call('ask', () =>
      word((reply) => {
        const signal = this.signal({ answer, reply });
        delivery = lane.offer(signal);
        this.ledger.say(() => `  signal ${signal.n} asks (${answer}) on ${lane.name}`);
        return signal;
      }),
    );
    if (asked === undefined) return undefined;
    if (blind) {
      if (delivery !== undefined) delivery.sender = 'unknown';
      return undefined;
    }
    return asked.then(
      (value) => {
        if (delivery !== undefined) delivery.ask = 'over';
        if (delivery === undefined) return this.ledger.blame('answered without a request', `${value}`);
        delivery.sender = 'accepted';
        if (value !== delivery.signal.n) this.ledger.blame('the wrong answer', `${value} to ${delivery.signal.n}`);
        if (delivery.begun === 0) this.ledger.blame('answered but not handled', `${delivery.signal.n}`);
      },
      (error: unknown) => {
        if (delivery !== undefined) {
          const code = codeOf(error);
          delivery.ask = code === 'TT_ASK_UNANSWERED' ? 'unanswered' : 'over';
          const refused = code === 'TT_EDGE_CLOSED' || code === 'TT_LANE_FULL';
          delivery.sender = refused ? 'rejected' : 'unknown';
          if (refused) this.#checkRefusal(error, delivery.signal);
        }
        throw error;
      },
    );
  }

  /** Stops a thread, and notes it if that takes longer than the budget allows. */
  async stop(log: ThreadLog, handle: AnyChild, budget: Budget | undefined): Promise<StopReport> {
    const { drainMs, cancelMs } = budget ?? log.plan.stop ?? defaultStopBudget;
    const pending = { log, since: this.time.now, limitMs: drainMs + cancelMs + 1 };
    this.ledger.say(() => `stop ${log.path} (${drainMs} + ${cancelMs} ms) is asked`);
    this.pendingStops.add(pending);
    if (cancelMs === 0) log.edge.noTime = true;
    try {
      const report = await handle.stop(budget);
      const took = this.time.now - pending.since;
      this.ledger.say(() => `stop ${log.path} returns: ${report.verdict}`);
      if (took > pending.limitMs)
        this.ledger.blame('a stop over its budget', `${log.path} took ${took} ms of ${pending.limitMs}`);
      if (log.edge.lasts) this.ledger.blame('a stop that returned too early', log.path);
      checkReport(this.ledger, log.edge.current!, report);
      return report;
    } finally {
      this.pendingStops.delete(pending);
    }
  }

  // ---- hanging ----

  /** A promise that no cancel reaches. It ends by time, or when the program is over. */
  async hang(run: Run | undefined, ms: number | undefined): Promise<void> {
    if (this.#over) return;
    if (run !== undefined) run.stubborn++;
    const { clock } = this.time;
    try {
      await new Promise<void>((resolve, reject) => {
        const timer = ms === undefined ? undefined : clock.setTimer(ms, () => hang.release(false));
        if (timer !== undefined) this.hangTimers++;
        const hang: Hang = {
          release: (throwing) => {
            if (timer !== undefined) {
              clock.clearTimer(timer);
              this.hangTimers--;
            }
            this.#hangs.delete(hang);
            if (throwing) reject(new ScriptError('hung'));
            else resolve();
          },
        };
        this.#hangs.add(hang);
      });
    } finally {
      if (run !== undefined) run.stubborn--;
    }
  }

  /** Lets everything go on that hangs; from now on nothing hangs any more. */
  releaseAll(): void {
    this.#over = true;
    let count = 0;
    for (const hang of [...this.#hangs]) hang.release(count++ % 3 === 2);
  }

  #call<T>(what: string, word: () => T): T | undefined {
    try {
      return word();
    } catch (error) {
      this.ledger.blame('threw synchronously', `${what}: ${String(error)}`);
      return undefined;
    }
  }

  #checkRefusal(error: unknown, signal: Signal): void {
    const code = codeOf(error);
    if (code !== 'TT_EDGE_CLOSED' && code !== 'TT_LANE_FULL' && code !== 'TT_NO_PARENT') return;
    if ((error as { signal: unknown }).signal !== signal)
      this.ledger.blame('the signal is not given back', `${signal.n}`);
  }
}
