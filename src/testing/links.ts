/**
 * What can happen to a link: the edge between a parent and a child, where a simulation has it behave as if its two ends ran in
 * different places. A signal crosses it in the step in which its receiver would handle it, so that is where it is hit; until then
 * it lies on the sender's side.
 *
 *   drop       the signal never arrives. Neither end knows: it is in the books (`dropped`) and in a record, no listener of the tree hears
 *              of it, and who has asked waits for as long as it may
 *   duplicate  the signal arrives, and once more behind all that is queued: offered and accepted a second time, the same object
 *   cut        the child fails with `LinkCutError`, which its parent learns as its end; what the child has sent and its parent has not
 *              taken is lost, its sends are refused, requests that either has taken are unanswered
 *
 * Control is not hit: an answer arrives whenever the request has, a stop and an end always. When a link is hit, `faults` decides.
 */
import type { Lane } from '../intercom/lane.ts';
import type { LocalEdge } from '../intercom/local-edge.ts';
import { describeValue } from '../kernel/describe.ts';
import type { Runnable } from '../kernel/scheduler.ts';
import { LinkCutError } from '../kernel/simulation-errors.ts';
import { ThreadLife } from '../taskthread/thread-life.ts';

export interface Link {
  readonly edge: LocalEdge;
  /** The thread that handles the next signal, and the lane that has it; undefined where none is about to cross. */
  readonly crossing: { readonly receiver: ThreadLife; readonly lane: Lane } | undefined;
}

/** The link that a step is about: the one that its signal crosses, or else that of its thread to the parent. */
export function linkOf(life: ThreadLife, runnable: Runnable): Link {
  const lane = runnable === life ? life.nextLane : undefined;
  if (lane === undefined) return { edge: life.edge, crossing: undefined };
  return { edge: lane.owner as LocalEdge, crossing: { receiver: life, lane } };
}

/** The child at the lower end lives, and has neither failed nor been cancelled: else it is as good as cut off. */
export function canBeCut({ child }: LocalEdge): boolean {
  return child instanceof ThreadLife && (child.state === 'running' || child.state === 'stopping') && !child.deaf;
}

export function drop({ edge, crossing }: Link): void {
  if (crossing === undefined) return;
  const { receiver, lane } = crossing;
  const { path, host } = edge;
  const { signal, deliveries } = lane.loseOldest();
  const reason = `dropped: the link to ${path} has lost it`;
  if (host.probe.on) {
    host.probe.record({ kind: 'dead-letter', path, direction: lane.direction, reason, signal, deliveries });
  }
  receiver.passOver(lane);
}

export function duplicate({ crossing }: Link): void {
  crossing?.lane.repeatOldest();
}

/** Unless the child has ended meanwhile. */
export function cut({ edge, crossing }: Link): void {
  if (canBeCut(edge)) (edge.child as ThreadLife).linkCut(new LinkCutError(edge.path));
  // Its step was to handle what is gone now; it may have other things to do.
  crossing?.receiver.wake();
}

/** What is about to cross, in words. */
export function crossingInWords({ crossing }: Link): string {
  if (crossing === undefined) return 'nothing';
  return `${describeValue(crossing.lane.oldest)} on its way ${crossing.lane.direction}`;
}
