/**
 * The edge between a parent and a child in the same process. It outlives the child's incarnations: while there is none, what
 * the parent sends is kept. Lanes are made when first used: most threads that are idle never need them. Siblings and their order are linked through the edges themselves, so that the reverse order of starting is
 * there for free; the list that they form belongs to `../taskthread/children`.
 */
import { NoParentError } from '../kernel/errors.ts';
import { NO_PARTIES, type Party } from '../kernel/party.ts';
import type { Host } from '../kernel/host.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import { failing, type Waiter, type WaitQueue } from '../kernel/wait-queue.ts';
import { type AskOwner, Asks, type Reply } from './ask.ts';
import type { ChildEnd, Edge, EdgeEnd, EdgeSnapshot, ParentEnd, StopBudget } from './edge.ts';
import { type Direction, Lane, type LaneOwner, type LaneReceiver, type Wait } from './lane.ts';

/** What is known of a child that may be started again. Its parent keeps more there. */
export interface Supervised {
  /** It was asked to end, for good. */
  final: boolean;
  /** An incarnation has ended, and the next one has not begun. */
  down: boolean;
  /** A signal may be delivered so many times again after a crash. */
  readonly redeliver: number;
}

export class LocalEdge implements Edge, LaneOwner, LaneReceiver, AskOwner {
  readonly parent: ParentEnd;
  /** The tree's. Kept here, because to ask the parent for it would go up to the root, at every signal. */
  readonly host: Host;
  /** The incarnation that lives, or lived last. */
  child: ChildEnd;
  /** A number, unique in the tree; the same for all incarnations. */
  id = 0;
  incarnation = 1;
  /** Undefined for a child that has one life. */
  supervised: Supervised | undefined;
  /** The neighbours in the parent's list of children, in the order of starting. */
  previousSibling: LocalEdge | undefined;
  nextSibling: LocalEdge | undefined;
  /** Who waits for the end of the child, for good. */
  enders: WaitQueue | undefined;
  /** Who waits for the child's `enter`; gone once it is over. */
  entering: Waiter | undefined;
  /** What the owners of the edge keep with it: the declared spec, and the handle that users hold. */
  readonly spec: unknown;
  handle: unknown;
  /** The child takes no more signals. */
  downClosed = false;
  ended = false;
  /** What the parent sends is kept for the next incarnation. */
  #held = false;
  /** The parent's stop has asked the child, and waits for its end. */
  awaited = false;
  #down: Lane | undefined;
  #up: Lane | undefined;
  #asks: Asks | undefined;

  constructor(parent: ParentEnd, child: ChildEnd, spec: unknown) {
    this.parent = parent;
    this.host = parent.host;
    this.child = child;
    this.spec = spec;
  }

  get scheduler(): Scheduler {
    return this.host.scheduler;
  }

  get path(): string {
    return this.child.path;
  }

  get down(): Lane | undefined {
    return this.#down;
  }

  get up(): Lane | undefined {
    return this.#up;
  }

  sendDown(signal: unknown, wait: Wait): Promise<void> | undefined {
    const lane = this.#down ?? LocalEdge.#makeDown(this);
    return lane.send(signal, wait);
  }

  trySendDown(signal: unknown): boolean {
    return (this.#down ?? LocalEdge.#makeDown(this)).trySend(signal);
  }

  askDown<Answer>(make: (reply: Reply<Answer>) => unknown, wait: Wait): Promise<Answer> {
    this.#asks ??= new Asks(this);
    return this.#asks.ask(make, 'down', wait);
  }

  sendUp(signal: unknown, wait: Wait): Promise<void> | undefined {
    const lane = this.#up ?? LocalEdge.#makeUp(this);
    if (lane === undefined) return failing(new NoParentError(this.path, signal), this.scheduler);
    return lane.send(signal, wait);
  }

  trySendUp(signal: unknown): boolean {
    const lane = this.#up ?? LocalEdge.#makeUp(this);
    if (lane === undefined) {
      this.scheduler.spend();
      throw new NoParentError(this.path, signal);
    }
    return lane.trySend(signal);
  }

  askUp<Answer>(make: (reply: Reply<Answer>) => unknown, wait: Wait): Promise<Answer> {
    this.#asks ??= new Asks(this);
    return this.#asks.ask(make, 'up', wait);
  }

  sendTo(direction: Direction, signal: unknown, wait: Wait): Promise<void> | undefined {
    return direction === 'down' ? this.sendDown(signal, wait) : this.sendUp(signal, wait);
  }

  askedPath(direction: Direction): string {
    return direction === 'down' ? this.path : this.parent.path;
  }

  answerBlockers(direction: Direction, request: unknown, reply: unknown): readonly Party[] {
    if (direction === 'up') return answerBlockers(request, reply, this.#up, this.parent);
    return this.#held ? NO_PARTIES : answerBlockers(request, reply, this.#down, this.child);
  }

  closeDown(): void {
    this.downClosed = true;
    this.#down?.close();
  }

  /** Asks for the end of the child, for good. */
  requestStop(budget: StopBudget, why: string): void {
    const { supervised } = this;
    if (supervised !== undefined) {
      supervised.final = true;
      if (supervised.down) this.parent.giveUpRestart(this);
    }
    this.child.requestStop(budget, why);
  }

  get held(): boolean {
    return this.#held;
  }

  /** What is queued, and what comes, waits for the next incarnation. */
  hold(): void {
    this.#held = true;
    this.downClosed = false;
    this.#down?.handTo(this);
  }

  /** There will be no other incarnation: this one takes again. */
  unhold(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#down?.handTo(this.child);
  }

  /** Nobody takes what is held. */
  laneReady(): void {}

  /** Of the signal that the child's handler has. */
  get deliveries(): number {
    return this.#down?.deliveries ?? 1;
  }

  /** A handler has failed with a signal: it is a dead letter, or is kept for another try. */
  signalFailed(lane: Lane, signal: unknown, reason: string): void {
    const { supervised } = this;
    const again = lane === this.#down && supervised?.final === false && lane.deliveries <= supervised.redeliver;
    if (again) lane.putBack(signal);
    else lane.lost(signal, reason);
  }

  /** An incarnation has ended, and another will follow. Requests that it had taken are not answered any more. */
  suspend(): void {
    if (!this.#held) this.hold();
    this.endTakenRequests(`${this.path} is restarted`);
  }

  /**
   * The way between the two is broken. What the child has sent and the parent has not taken is lost with it, the child sends nothing
   * more, and of all requests only those go on that are still on the parent's side. What the parent sent is kept or not as at any
   * end of a child.
   */
  cut(reason: string): void {
    const up = this.#up ?? LocalEdge.#makeUp(this);
    up?.close();
    if (up !== undefined) this.parent.forgetLane(up);
    up?.discard(reason);
    this.endTakenRequests(reason);
  }

  /** Who has taken them answers them no more. Those that are on their way down are for who comes next. */
  endTakenRequests(reason: string): void {
    const isOnItsWay = (request: unknown): boolean => this.#down?.holds((signal) => signal === request) === true;
    this.#asks?.endAllBut(isOnItsWay, reason);
  }

  /** The next incarnation takes over. */
  renew(child: ChildEnd): void {
    this.child = child;
    this.incarnation++;
    this.#held = false;
    this.#down?.handTo(child);
    // The one before was cut off.
    if (this.#up?.closed === true) this.#up.handTo(this.parent);
  }

  /** The child has ended: what it sent stays for the parent, all else is over. */
  end(reason: string): void {
    this.ended = true;
    this.downClosed = true;
    this.#down?.close();
    this.#down?.discard(reason);
    this.#up?.close();
    this.#asks?.end(`${this.path} has ended`);
  }

  signalLost(lane: Lane, signal: unknown, reason: string, deliveries: number): void {
    this.#asks?.signalLost(signal, reason);
    const end = lane.direction === 'down' ? this.child : this.parent;
    end.deadLetter(lane, signal, reason, deliveries);
  }

  laneOverflowed(lane: Lane): void {
    if (lane.direction === 'down') this.child.overflowed(lane);
    else this.parent.overflowed(lane);
  }

  snapshot(): EdgeSnapshot {
    return {
      down: this.#down?.snapshot(),
      up: this.#up?.snapshot(),
      asksWaiting: this.#asks?.waiting ?? 0,
      lateReplies: this.#asks?.lateReplies ?? 0,
    };
  }

  // Static, because private methods of an object cost a word in each.
  static #makeDown(edge: LocalEdge): Lane {
    edge.#down = new Lane(edge, 'down', edge.#held ? edge : edge.child, edge.child.inboxOptions);
    if (edge.downClosed) edge.#down.close();
    return edge.#down;
  }

  /** Undefined for a root: nobody is there to take. */
  static #makeUp(edge: LocalEdge): Lane | undefined {
    if (edge.parent.outside) return undefined;
    edge.#up = new Lane(edge, 'up', edge.parent, edge.child.outboxOptions);
    if (edge.ended) edge.#up.close();
    return edge.#up;
  }
}

/**
 * What keeps a request from being answered. One that is queued, or waits for a place, needs the loop of who is asked; one that is
 * in its handler needs that, as long as nobody else there could have been given the reply. Of one that was handled already nothing
 * is known.
 */
function answerBlockers(request: unknown, reply: unknown, lane: Lane | undefined, asked: EdgeEnd): readonly Party[] {
  const party = asked.loopParty;
  if (party === undefined || lane === undefined) return NO_PARTIES;
  const needsLoop = lane.holds((signal) => signal === request) || asked.handlesAlone?.(request, reply) === true;
  return needsLoop ? [party] : NO_PARTIES;
}
