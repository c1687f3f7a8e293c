/**
 * Life-cycle events for users, over eventemitter3. Never on the signal path; made when first asked for. A listener that throws
 * harms nobody: it is reported as a process warning.
 */
import { EventEmitter } from 'eventemitter3';
import type { Overflow } from '../intercom/lane-options.ts';
import { messageOf } from '../kernel/describe.ts';
import { isThenable, toPromise } from '../kernel/thenable.ts';
import type { DeadlockError, DeadlockLink } from '../kernel/wait-errors.ts';
import type { Outcome } from './lifecycle.ts';
import type { Overdue } from './liveness.ts';

/** What a thread tells its listeners. */
export interface ThreadEvents {
  /** `enter` is done. */
  entered: () => void;
  stopping: (why: string) => void;
  /** For good: after a restart nothing of the kind is told. */
  ended: (outcome: Outcome) => void;
  /** An incarnation has ended, and the next one will be started after so many milliseconds. Told by the handle alone. */
  restarting: (outcome: Outcome, afterMs: number) => void;
  /** Something of this thread threw; `where` is the hook or task. */
  failed: (error: unknown, where: string) => void;
  childEntered: (path: string) => void;
  childEnded: (path: string, outcome: Outcome) => void;
  childRestarting: (path: string, outcome: Outcome, afterMs: number) => void;
  overflow: (overflow: Overflow) => void;
  /** A wait of this hook was a link of a circle, and has failed: told also where nobody awaits it. */
  deadlock: (error: DeadlockError, hook: string) => void;
  /** A hook waits for a stop that only its time will end: what is stopped waits, over these links, for that hook. */
  heldUp: (chain: readonly DeadlockLink[], hook: string) => void;
  /** A hook or a task takes longer than the thread has said (`progressMs`). */
  overdue: (overdue: Overdue) => void;
  /** A signal that was accepted for this thread will not be handled; `deliveries`: how often a handler had got it. */
  deadLetter: (signal: unknown, reason: string, path: string, deliveries: number) => void;
}

export type ThreadEventEmitter = EventEmitter<ThreadEvents>;

type Listener = (...values: unknown[]) => unknown;

/** An emitter whose listeners cannot harm one another, nor the thread. */
class GuardedEmitter extends EventEmitter<ThreadEvents> {
  /** The guard of each listener, and the listener of each guard. */
  readonly #guards = new WeakMap<Listener, Listener>();
  readonly #guarded = new WeakMap<Listener, Listener>();

  override on(name: never, listener: never, context?: unknown): this {
    return super.on(name, this.#guard(name, listener) as never, context);
  }

  override addListener(name: never, listener: never, context?: unknown): this {
    return this.on(name, listener, context);
  }

  override once(name: never, listener: never, context?: unknown): this {
    return super.once(name, this.#guard(name, listener) as never, context);
  }

  override removeListener(name: never, listener?: never, context?: unknown, once?: boolean): this {
    const known = listener === undefined ? undefined : (this.#guards.get(listener) ?? listener);
    return super.removeListener(name, known as never, context, once);
  }

  override off(name: never, listener?: never, context?: unknown, once?: boolean): this {
    return this.removeListener(name, listener, context, once);
  }

  override listeners(name: never): never[] {
    return (super.listeners(name) as Listener[]).map((guard) => this.#guarded.get(guard) ?? guard) as never[];
  }

  #guard(name: string, listener: Listener): Listener {
    if (typeof listener !== 'function') return listener;
    const known = this.#guards.get(listener);
    if (known !== undefined) return known;
    const warn = (error: unknown): void => {
      process.emitWarning(`a listener of '${name}' threw: ${messageOf(error)}`, 'TaskThreadWarning');
    };
    const guard = function (this: unknown, ...values: unknown[]): void {
      try {
        const result = listener.apply(this, values);
        if (isThenable(result)) toPromise(result).catch(warn);
      } catch (error) {
        warn(error);
      }
    };
    this.#guards.set(listener, guard);
    this.#guarded.set(guard, listener);
    return guard;
  }
}

export function makeEvents(): ThreadEventEmitter {
  return new GuardedEmitter();
}

/** Tells the listeners, if there are any. */
export function emit<Name extends keyof ThreadEvents>(
  events: ThreadEventEmitter | undefined,
  name: Name,
  ...values: Parameters<ThreadEvents[Name]>
): void {
  if (events === undefined) return;
  (events.emit as (name: Name, ...values: Parameters<ThreadEvents[Name]>) => boolean).call(events, name, ...values);
}
