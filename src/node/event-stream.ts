/**
 * The events of an emitter as something to loop over. An emitter cannot be told to wait, so what nobody has taken stands in a
 * bounded queue, and what has no room is dropped by policy and counted.
 *
 * It listens from the moment it is made and stands in its scope like a wait: whichever comes first, the end of the loop, of
 * the emitter or of the scope, takes the listeners away. An `error` that came while nobody waited stays in the scope until
 * somebody is told; when nobody can be any more, it is on record.
 */
import { scopeOf } from '../kernel/ambient.ts';
import { BoundedQueue } from '../kernel/bounded-queue.ts';
import { calm } from '../kernel/calm.ts';
import type { CancelScope, Scoped, ScopeMember } from '../kernel/cancel-scope.ts';
import { knownFields, oneOf, wholeNumber } from '../kernel/check.ts';
import { BusyError } from '../kernel/io-errors.ts';
import { rejected, type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import { type Emitter, type EventName, listen } from './emitter.ts';
import { type OutsideOptions, recordLate, refusalOf } from './outside-wait.ts';

export interface EventsOptions extends OutsideOptions {
  /** How many events wait to be taken (100). */
  readonly capacity?: number | undefined;
  /** Which one is dropped when that many wait: the oldest (the default) or the newest. */
  readonly policy?: 'drop-oldest' | 'drop-newest' | undefined;
  /** Events that say that no more will come: the loop ends after what had come before. */
  readonly endOn?: readonly EventName[] | undefined;
}

/** What an event stream holds, as plain data. `received = delivered + queued + dropped` while it is open. */
export interface EventStreamSnapshot {
  readonly state: 'open' | 'closed';
  readonly received: number;
  readonly delivered: number;
  readonly queued: number;
  readonly dropped: number;
}

/** Made by `eventsOf`. One loop at a time; each step gives the list of arguments of one event. */
export class EventStream<Args extends unknown[] = unknown[]>
  implements AsyncIterableIterator<Args, undefined, undefined>, WaitOwner, ScopeMember
{
  /** Of its waits: see `WaitOwner`. Not for users. */
  readonly endedOutside = true;
  scope: CancelScope | undefined;
  previousMember: ScopeMember | undefined;
  nextMember: ScopeMember | undefined;
  readonly #scoped: Scoped;
  readonly #name: EventName;
  readonly #queue: BoundedQueue<Args>;
  readonly #line = new WaitQueue();
  #forget: (() => void) | undefined;
  #betweenSlices = false;
  #failure: { readonly error: unknown } | undefined;
  #received = 0;
  #delivered = 0;

  constructor(emitter: Emitter, name: EventName, options: EventsOptions) {
    knownFields('options', options, ['scope', 'capacity', 'policy', 'endOn']);
    this.#scoped = scopeOf(options, 'eventsOf');
    this.#name = name;
    this.#queue = new BoundedQueue({
      maxItems: wholeNumber('options.capacity', options.capacity ?? 100, 1),
      policy: oneOf('options.policy', options.policy ?? 'drop-oldest', ['drop-oldest', 'drop-newest']),
    });
    if (refusalOf(this.#scoped, true) !== undefined) return;
    const ended = () => this.#ended();
    const listeners = new Map<EventName, (...args: never[]) => void>((options.endOn ?? []).map((end) => [end, ended]));
    listeners.set('error', (error) => {
      this.#failure = { error };
      this.#ended();
    });
    listeners.set(name, (...args) => this.#came(args as unknown as Args));
    this.#forget = listen(emitter, listeners);
    this.#scoped.cancelScope.add(this);
  }

  /** How many events had no room. */
  get dropped(): number {
    return this.#queue.dropped;
  }

  /**
   * Takes the next event.
   *
   * @throws what the emitter said with `error`, after what had come before; `TT_BUSY` while another `next` waits.
   * *Cancel-safe:* a cancelled one took nothing. A wait on a source: closing the intake ends it.
   */
  next(): Promise<IteratorResult<Args, undefined>> {
    const { scheduler } = this.#scoped.cancelScope.host;
    const refusal = refusalOf(this.#scoped, true);
    if (refusal !== undefined) return rejected(refusal, scheduler);
    if (this.#betweenSlices || this.#line.length > 0) {
      return Promise.reject(new BusyError(`the stream of ${this.describeWait()}`, 'next'));
    }
    return scheduler.spend() ? calm(this.#afterSlice(scheduler.nextSlice())) : this.#takeOrPark();
  }

  /** Ends the loop, and stops listening. *Cancel-safe:* there is no wait in it. */
  return(): Promise<IteratorResult<Args, undefined>> {
    this.close();
    return Promise.resolve(DONE);
  }

  /**
   * Stops listening and forgets what was not taken (an `error` among it is a `late` record); who waits is told that it is the
   * end. A second time nothing happens.
   */
  close(): void {
    this.#forgetFailure();
    this.#queue.clear();
    this.#ended();
  }

  snapshot(): EventStreamSnapshot {
    return {
      state: this.#forget === undefined ? 'closed' : 'open',
      received: this.#received,
      delivered: this.#delivered,
      queued: this.#queue.length,
      dropped: this.#queue.dropped,
    };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Its scope takes nothing in any more, so nobody could take what comes. The scope itself tells the one who waits. */
  reached(): void {
    this.#forgetFailure();
    this.#queue.clear();
    this.#stopListening();
  }

  describeWait(): string {
    return `event ${String(this.#name)}`;
  }

  waitCancelled(): void {}

  async #afterSlice(slice: Promise<void>): Promise<IteratorResult<Args, undefined>> {
    this.#betweenSlices = true;
    await slice;
    this.#betweenSlices = false;
    return this.#takeOrPark();
  }

  #takeOrPark(): Promise<IteratorResult<Args, undefined>> {
    const refusal = refusalOf(this.#scoped, true);
    if (refusal !== undefined) return rejected(refusal, undefined);
    const args = this.#queue.shift();
    if (args !== undefined) {
      this.#delivered++;
      return Promise.resolve({ done: false, value: args });
    }
    const failure = this.#takeFailure();
    if (failure !== undefined) return Promise.reject(failure.error);
    if (this.#forget === undefined) return Promise.resolve(DONE);
    const { cancelScope } = this.#scoped;
    const options = { scope: cancelScope, source: true, by: this.#scoped };
    return this.#line.park(this, options) as Promise<IteratorResult<Args, undefined>>;
  }

  #came(args: Args): void {
    this.#received++;
    if (this.#line.wakeFirst({ done: false, value: args })) this.#delivered++;
    else this.#queue.push(args);
  }

  #stopListening(): void {
    this.#forget?.();
    this.#forget = undefined;
    if (this.#failure === undefined) this.scope?.remove(this);
  }

  #takeFailure(): { readonly error: unknown } | undefined {
    const failure = this.#failure;
    if (failure !== undefined) this.scope?.remove(this);
    this.#failure = undefined;
    return failure;
  }

  #forgetFailure(): void {
    const failure = this.#takeFailure();
    if (failure !== undefined) recordLate(this.#scoped, this.describeWait(), failure.error);
  }

  #ended(): void {
    this.#stopListening();
    const waiter = this.#line.first;
    if (waiter === undefined) return;
    const failure = this.#takeFailure();
    if (failure === undefined) waiter.wake(DONE);
    else waiter.fail(failure.error);
  }
}

const DONE = { done: true, value: undefined } as const;

/**
 * The events of one name, to loop over: `for await (const [line] of eventsOf(reader, 'line', { scope: turn, endOn: ['close'] }))`.
 * It listens from the call on; the loop's end, the emitter's `error`, an event of `endOn` and the end of the scope each take
 * its listeners away; an `error` that no loop takes, because it is left or never begun, is a `late` record. At most
 * `capacity` events wait; what is over is dropped and counted in `dropped`.
 *
 * Errors: `TT_NO_SCOPE`, `TT_INVALID_OPTION`. Source: Node's `events.on`, whose queue has no bound.
 */
export function eventsOf<Args extends unknown[] = unknown[]>(
  emitter: Emitter,
  name: EventName,
  options: EventsOptions = {},
): EventStream<Args> {
  return new EventStream<Args>(emitter, name, options);
}
