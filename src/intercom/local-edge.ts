/**
 * The edge between a parent and a child in the same process. Lanes are made when first used: most threads that are idle
 * never need them. Siblings and their order are linked through the edges themselves, so that the reverse order of starting is
 * there for free; the list that they form belongs to `../taskthread/children`.
 */
import { NoParentError } from '../kernel/errors.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import { failing, type Waiter } from '../kernel/wait-queue.ts';
import { Asks, type Reply } from './ask.ts';
import type { ChildEnd, Edge, EdgeSnapshot, ParentEnd } from './edge.ts';
import { Lane, type LaneOwner, type Wait } from './lane.ts';

export class LocalEdge implements Edge, LaneOwner {
  readonly parent: ParentEnd;
  readonly child: ChildEnd;
  /** The neighbours in the parent's list of children, in the order of starting. */
  previousSibling: LocalEdge | undefined;
  nextSibling: LocalEdge | undefined;
  /** Who waits for the child's `enter`; gone once it is over. */
  entering: Waiter | undefined;
  /** What the owners of the edge keep with it: the declared spec, and the handle that users hold. */
  readonly spec: unknown;
  handle: unknown;
  /** The child takes no more signals. */
  downClosed = false;
  ended = false;
  /** The parent's stop has asked the child, and waits for its end. */
  awaited = false;
  #down: Lane | undefined;
  #up: Lane | undefined;
  #asks: Asks | undefined;

  constructor(parent: ParentEnd, child: ChildEnd, spec: unknown) {
    this.parent = parent;
    this.child = child;
    this.spec = spec;
  }

  get scheduler(): Scheduler {
    return this.parent.host.scheduler;
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
    const lane = this.#down ?? this.#makeDown();
    return lane.send(signal, wait);
  }

  trySendDown(signal: unknown): boolean {
    return (this.#down ?? this.#makeDown()).trySend(signal);
  }

  askDown<Answer>(make: (reply: Reply<Answer>) => unknown, wait: Wait): Promise<Answer> {
    this.#asks ??= new Asks(this.scheduler);
    return this.#asks.ask(
      make,
      (signal) => this.sendDown(signal, wait),
      wait,
      () => this.path,
    );
  }

  sendUp(signal: unknown, wait: Wait): Promise<void> | undefined {
    const lane = this.#up ?? this.#makeUp();
    if (lane === undefined) return failing(new NoParentError(this.path, signal), this.scheduler);
    return lane.send(signal, wait);
  }

  trySendUp(signal: unknown): boolean {
    const lane = this.#up ?? this.#makeUp();
    if (lane === undefined) throw new NoParentError(this.path, signal);
    return lane.trySend(signal);
  }

  askUp<Answer>(make: (reply: Reply<Answer>) => unknown, wait: Wait): Promise<Answer> {
    this.#asks ??= new Asks(this.scheduler);
    return this.#asks.ask(
      make,
      (signal) => this.sendUp(signal, wait),
      wait,
      () => this.parent.path,
    );
  }

  closeDown(): void {
    this.downClosed = true;
    this.#down?.close();
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

  signalLost(lane: Lane, signal: unknown, reason: string): void {
    this.#asks?.signalLost(signal, reason);
    if (lane.direction === 'down') this.child.deadLetter(lane, signal, reason);
    else this.parent.deadLetter(lane, signal, reason);
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

  #makeDown(): Lane {
    this.#down = new Lane(this, 'down', this.child, this.child.inboxOptions);
    if (this.downClosed) this.#down.close();
    return this.#down;
  }

  /** Undefined for a root: nobody is there to take. */
  #makeUp(): Lane | undefined {
    if (this.parent.outside) return undefined;
    this.#up = new Lane(this, 'up', this.parent, this.child.outboxOptions);
    if (this.ended) this.#up.close();
    return this.#up;
  }
}
