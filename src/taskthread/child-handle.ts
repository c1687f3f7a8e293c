/**
 * What a handle (`child`) does: it says every word over the edge, whichever incarnation of the child lives behind that, and checks in
 * whose name a signal is sent (law 1). The turn's words, and those of a thread, are said by it.
 */
import type { Reply } from '../intercom/ask.ts';
import type { ChildEnd, StopBudget } from '../intercom/edge.ts';
import type { Wait } from '../intercom/lane.ts';
import type { LocalEdge } from '../intercom/local-edge.ts';
import { calm } from '../kernel/calm.ts';
import type { CancelScope } from '../kernel/cancel-scope.ts';
import { milliseconds } from '../kernel/check.ts';
import { EdgeClosedError, InvalidOptionError, NotAChildError, ThreadEndedError } from '../kernel/errors.ts';
import type { Party } from '../kernel/party.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import { failing, rejected } from '../kernel/wait-queue.ts';
import type { AnyChild, AskOptions, Child, Kind, WaitOptions } from './child.ts';
import { makeEvents, type ThreadEventEmitter } from './events.ts';
import type { ChildState, Outcome, ThreadState } from './lifecycle.ts';
import { resolveStopOptions, type StopOptions, type StopReport } from './shutdown.ts';
import type { ThreadSnapshot } from './snapshot.ts';
import { withinLimit } from './time-limit.ts';

/** The thread in whose name a signal is sent. */
export interface SendTarget extends Wait {
  /** Its children of a class, in the order of their start. */
  handlesOf(kind: Kind): AnyChild[];
  readonly schedulerIfStarted: Scheduler | undefined;
  readonly ended: boolean;
  readonly path: string;
}

/** What a handle needs of its child. */
export interface ChildRuntime extends ChildEnd {
  readonly state: ThreadState;
  readonly outcome: Outcome | undefined;
  readonly stopDefaults: StopBudget;
  readonly handle: ChildHandle;
  waitEnded(wait: Wait): Promise<unknown>;
  stopReport(): StopReport;
  snapshot(): ThreadSnapshot;
}

export class ChildHandle implements Child<unknown> {
  readonly #edge: LocalEdge;
  #events: ThreadEventEmitter | undefined;

  constructor(edge: LocalEdge) {
    this.#edge = edge;
  }

  /** The incarnation that lives, or lived last. */
  #child(): ChildRuntime {
    return this.#edge.child as ChildRuntime;
  }

  static #is(child: unknown): child is ChildHandle {
    return typeof child === 'object' && child !== null && #edge in child;
  }

  /** Sends in the name of a thread, which must be the parent (law 1). */
  static sendFrom(sender: SendTarget, child: AnyChild, signal: unknown, wait: Wait): Promise<void> | undefined {
    const maySend = ChildHandle.#is(child) && !sender.ended && (child.#edge.parent as unknown) === sender;
    if (maySend && wait.refusal === undefined) return child.#edge.sendDown(signal, wait);
    return ChildHandle.#refused(sender, child, signal, wait);
  }

  /** Why not. */
  static #refused(sender: SendTarget, child: AnyChild, signal: unknown, wait: Wait): Promise<never> {
    if (!ChildHandle.#is(child))
      return failing(new InvalidOptionError('child', child, 'the handle of a child'), sender.schedulerIfStarted);
    const edge = child.#edge;
    if (sender.ended) return rejected(new ThreadEndedError(sender.path, signal), edge.scheduler);
    if ((edge.parent as unknown) !== sender) {
      return failing(new NotAChildError(edge.path, sender.path, signal), edge.scheduler);
    }
    return rejected(wait.refusal, edge.scheduler);
  }

  /**
   * To the children of a list, each of which must take it; or to all of a class: those that are there, so one that stops just
   * now, or while it is waited for, is passed over.
   */
  static sendToAll(
    sender: SendTarget,
    children: Iterable<AnyChild> | Kind,
    signal: unknown,
    wait: Wait,
  ): Promise<void> | undefined {
    const scheduler = sender.schedulerIfStarted;
    if (sender.ended) return rejected(new ThreadEndedError(sender.path, signal), scheduler);
    if (wait.refusal !== undefined) return rejected(wait.refusal, scheduler);
    const toKind = typeof children === 'function';
    if (!toKind && !isIterable(children)) {
      const expected = 'handles of children that can be iterated, or a class of threads';
      return failing(new InvalidOptionError('children', children, expected), scheduler);
    }
    const broadcast = new Broadcast(wait);
    let waits: Promise<void>[] | undefined;
    let asked = 0;
    try {
      for (const child of toKind ? sender.handlesOf(children) : children) {
        if (toKind && ChildHandle.#is(child) && child.#edge.downClosed) continue;
        asked++;
        const sent = ChildHandle.sendFrom(sender, child, signal, broadcast);
        if (sent === undefined) continue;
        waits ??= [];
        waits.push(sent);
      }
    } catch (error) {
      // What the list itself threw, half-way: those before it have been sent to.
      waits ??= [];
      waits.push(failing(error, scheduler));
    }
    if (waits !== undefined) return calm(allTaken(waits, toKind));
    // Nobody was there to spend the slice (law 9).
    return asked === 0 && scheduler?.spend() === true ? scheduler.nextSlice() : undefined;
  }

  static askFrom<Answer>(
    sender: SendTarget,
    child: AnyChild,
    make: (reply: Reply<Answer>) => unknown,
    wait: Wait,
  ): Promise<Answer> {
    const mayAsk = ChildHandle.#is(child) && !sender.ended && (child.#edge.parent as unknown) === sender;
    if (mayAsk) return child.#edge.askDown(make, wait);
    return ChildHandle.#refused(sender, child, undefined, wait);
  }

  get id(): number {
    return this.#edge.id;
  }

  get path(): string {
    return this.#child().path;
  }

  get state(): ChildState {
    return this.#edge.supervised?.down === true ? 'restarting' : this.#child().state;
  }

  get incarnation(): number {
    return this.#edge.incarnation;
  }

  get outcome(): Outcome | undefined {
    return this.#edge.ended ? this.#child().outcome : undefined;
  }

  get events(): ThreadEventEmitter {
    this.#events ??= makeEvents();
    return this.#events;
  }

  /** Undefined while nobody has asked for them. */
  get listened(): ThreadEventEmitter | undefined {
    return this.#events;
  }

  send(signal: never, options?: WaitOptions): Promise<void> | undefined {
    const wait = this.#wait(options);
    const { refusal } = wait;
    if (refusal === undefined) return this.#edge.sendDown(signal, wait);
    const error = refusal instanceof ThreadEndedError ? new ThreadEndedError(refusal.path, signal) : refusal;
    return rejected(error, this.#edge.scheduler);
  }

  trySend(signal: never): boolean {
    return this.#edge.trySendDown(signal);
  }

  ask<Answer>(make: (reply: Reply<Answer>) => never, options?: WaitOptions & AskOptions): Promise<Answer> {
    const edge = this.#edge;
    const wait = this.#wait(options);
    if (options?.timeoutMs === undefined) return edge.askDown(make, wait);
    const { timeoutMs } = options;
    try {
      milliseconds('options.timeoutMs', timeoutMs);
    } catch (error) {
      return failing(error, edge.scheduler);
    }
    const limit = { what: 'the answer', timeoutMs, outer: wait.cancelScope };
    return calm(withinLimit(edge.host, limit, (scope) => edge.askDown(make, inScope(scope, wait))));
  }

  stop(options: StopOptions & WaitOptions = {}): Promise<StopReport> {
    let budget: StopBudget;
    try {
      budget = resolveStopOptions(options, this.#child().stopDefaults, ['scope']);
    } catch (error) {
      return failing(error, this.#edge.scheduler);
    }
    // It is the word of whoever gives the scope, and who has ended says nothing any more (law 12).
    const refusal = options.scope?.refusal;
    if (refusal instanceof ThreadEndedError) return rejected(refusal, this.#edge.scheduler);
    this.#edge.requestStop(budget, 'its handle was told to stop it');
    const wait = this.#wait(options);
    const saysTime = options.drainMs !== undefined || options.cancelMs !== undefined;
    return calm(this.#waitEnded(options, saysTime ? withinStop(wait) : wait).then(() => this.#child().stopReport()));
  }

  join(options?: WaitOptions): Promise<Outcome> {
    return calm(this.#waitEnded(options).then(() => this.#child().outcome!));
  }

  snapshot(): ThreadSnapshot {
    return this.#child().snapshot();
  }

  toString(): string {
    return this.#child().path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #waitEnded(options: WaitOptions | undefined, wait = this.#wait(options)): Promise<void> {
    const { scheduler } = this.#edge;
    if (!this.#edge.ended) {
      await this.#child().waitEnded(wait);
      return;
    }
    // Nobody's word in particular, it answers for ever; a turn's word does what words of that turn do (laws 12, 17).
    const refusal = options?.scope?.refusal;
    // A word that need not wait spends the slice's budget like any other (law 9).
    if (scheduler.spend()) await scheduler.nextSlice();
    if (refusal !== undefined) throw refusal;
  }

  #wait(options: WaitOptions | undefined): Wait {
    return options?.scope ?? this.#edge.parent;
  }
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

/** The same party's wait in a narrower scope. */
function inScope(scope: CancelScope, { what, party }: Wait): Wait {
  return { cancelScope: scope, refusal: scope.refusal, what, party };
}

/** The same wait, which ends in the time that was said for a stop: a time limit (law 8). */
function withinStop({ cancelScope, refusal, what, party }: Wait): Wait {
  return { cancelScope, refusal, what, party, withinStop: true };
}

/** The waits of one broadcast: whoever made it waits for all of them. */
class Broadcast implements Wait {
  readonly #wait: Wait;
  readonly together = true;

  constructor(wait: Wait) {
    this.#wait = wait;
  }

  get cancelScope(): CancelScope | undefined {
    return this.#wait.cancelScope;
  }

  get refusal(): Error | undefined {
    return this.#wait.refusal;
  }

  get what(): string | undefined {
    return this.#wait.what;
  }

  get party(): Party | undefined {
    return this.#wait.party;
  }
}

/** Waits for all, then throws the first failure, so that none is left unhandled. */
async function allTaken(waits: Promise<void>[], passOverStopped: boolean): Promise<void> {
  for (const result of await Promise.allSettled(waits)) {
    if (result.status === 'fulfilled') continue;
    if (!(passOverStopped && result.reason instanceof EdgeClosedError)) throw result.reason;
  }
}
