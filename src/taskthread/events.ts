/**
 * Life-cycle events for users, over eventemitter3. Never on the signal path; made when first asked for. A listener that throws
 * harms nobody: it is reported as a process warning.
 */
import { EventEmitter } from 'eventemitter3';
import type { Overflow } from '../intercom/lane-options.ts';
import type { Outcome } from './lifecycle.ts';

/** What a thread tells its listeners. */
export interface ThreadEvents {
  /** `enter` is done. */
  entered: () => void;
  stopping: (why: string) => void;
  ended: (outcome: Outcome) => void;
  /** Something of this thread threw; `where` is the hook or task. */
  failed: (error: unknown, where: string) => void;
  childEntered: (path: string) => void;
  childEnded: (path: string, outcome: Outcome) => void;
  overflow: (overflow: Overflow) => void;
  /** A signal that was accepted for this thread will not be handled. */
  deadLetter: (signal: unknown, reason: string, path: string) => void;
}

export type ThreadEventEmitter = EventEmitter<ThreadEvents>;

export function makeEvents(): ThreadEventEmitter {
  return new EventEmitter<ThreadEvents>();
}

/** Tells the listeners, if there are any. */
export function emit<Name extends keyof ThreadEvents>(
  events: ThreadEventEmitter | undefined,
  name: Name,
  ...values: Parameters<ThreadEvents[Name]>
): void {
  if (events === undefined) return;
  try {
    (events.emit as (name: Name, ...values: Parameters<ThreadEvents[Name]>) => boolean).call(events, name, ...values);
  } catch (error) {
    process.emitWarning(`a listener of '${name}' threw: ${String(error)}`, 'TaskThreadWarning');
  }
}
