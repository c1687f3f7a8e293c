/**
 * What connects one parent and one child, as each of the two sees it: two data lanes, and the control lane, which is not
 * counted against any capacity and is acted on at once (law 7). An edge does not tell where the other end runs; the
 * in-process one is `local-edge`.
 */
import type { Host } from '../kernel/host.ts';
import type { Party } from '../kernel/party.ts';
import type { Reply } from './ask.ts';
import type { Lane, LaneReceiver, LaneSnapshot, Wait } from './lane.ts';
import type { ResolvedLaneOptions } from './lane-options.ts';

/** How long a stop may take: first to drain, then to cancel. */
export interface StopBudget {
  readonly drainMs: number;
  readonly cancelMs: number;
}

/** What an edge needs of either end. */
export interface EdgeEnd extends LaneReceiver, Wait {
  readonly host: Host;
  readonly path: string;
  /** A signal that this end would have handled, or has sent, is lost. */
  deadLetter(lane: Lane, signal: unknown, reason: string, deliveries: number): void;
  overflowed(lane: Lane): void;
  /** Its handler is at this very request, and as far as can be seen nobody else was given the reply. */
  handlesAlone?(request: unknown, reply: unknown): boolean;
}

/** The control lane downwards, as the child's end carries it out. */
export interface ChildEnd extends EdgeEnd {
  readonly inboxOptions: ResolvedLaneOptions;
  readonly outboxOptions: ResolvedLaneOptions;
  /** Its body is a function, and no `exit` follows that. */
  readonly isFunction: boolean;
  /** Stopped, not waited for, when what has spawned it is over. */
  readonly isDaemon: boolean;
  /** The end of what was asked of `Edge.requestStop`: drain, then cancel, then give up. Asked again, the shorter budget holds. */
  requestStop(budget: StopBudget, why: string): void;
  /** Ends intake tasks; hands on its own child ends, so that no deep tree recurses. */
  closeIntake(error: Error, further: ChildEnd[]): void;
  /** Cancels every wait; hands on its own child ends. */
  cancel(error: Error, further: ChildEnd[]): void;
  /** Hands on its own child ends, in the order of their start. */
  eachChild(further: ChildEnd[]): void;
  /** Gives the thread up, now; its children are given up before. What it hangs on goes into the report. */
  abandon(): void;
  /** The hooks that run and wait: while one of them lasts, the thread cannot end by itself. */
  readonly hookParties: readonly Party[];
}

/** The control lane upwards, as the parent's end carries it out. */
export interface ParentEnd extends EdgeEnd {
  /** True for what stands above a root: it takes no signals. */
  readonly outside: boolean;
  /** Somebody else has emptied a lane that it would have taken from. */
  forgetLane(lane: Lane): void;
  childEntered(edge: Edge): void;
  /** True when another incarnation is to follow the one that has ended: the edge then goes on, with what is queued in it. */
  restarts(edge: Edge): boolean;
  childEnded(edge: Edge): void;
  /** The incarnation that was to come is not wanted any more. */
  giveUpRestart(edge: Edge): void;
}

/** Plain data about one edge. A lane that nothing was ever sent over is absent. */
export interface EdgeSnapshot {
  readonly down: LaneSnapshot | undefined;
  readonly up: LaneSnapshot | undefined;
  readonly asksWaiting: number;
  readonly lateReplies: number;
}

export interface Edge {
  /** Undefined when accepted at once; see `Lane.send`. */
  sendDown(signal: unknown, wait: Wait): Promise<void> | undefined;
  trySendDown(signal: unknown): boolean;
  askDown<Answer>(make: (reply: Reply<Answer>) => unknown, wait: Wait): Promise<Answer>;
  sendUp(signal: unknown, wait: Wait): Promise<void> | undefined;
  trySendUp(signal: unknown): boolean;
  askUp<Answer>(make: (reply: Reply<Answer>) => unknown, wait: Wait): Promise<Answer>;
  /** How often the signal that the child's handler has was given to one, this time included. */
  readonly deliveries: number;
  /** The child takes no more signals; what is queued it still handles. */
  closeDown(): void;
  snapshot(): EdgeSnapshot;
}
