/** The user's hooks as the loop (`runtime`) calls them, and their names in reports. */
import type { Lane } from '../intercom/lane.ts';
import type { AnyChild } from './child.ts';
import type { Outcome } from './lifecycle.ts';
import type { Turn } from './turn.ts';

export type SignalHook = (this: object, signal: never, turn: never) => unknown;
export type ChildEndedHook = (this: object, child: AnyChild, outcome: Outcome, turn: Turn) => unknown;

/** A child whose end the `childEnded` hook is still to be told. */
export interface EndedChild {
  readonly child: AnyChild;
  readonly outcome: Outcome;
}

/** The hook that handles what comes over a lane. */
export function hookNameOf(lane: Lane): string {
  return lane.direction === 'down' ? 'signalHandler' : 'childSignalHandler';
}
