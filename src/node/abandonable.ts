/**
 * Waits for promises that know nothing of cancelling: the wait can end, the work cannot.
 *
 * Each promise is asked once, however many wait for it and give up: a race for each wait would leave a reaction on a
 * promise that lives long, for as long as it lives (law 19).
 */
import { scopeOf } from '../kernel/ambient.ts';
import { calm } from '../kernel/calm.ts';
import type { Scoped } from '../kernel/cancel-scope.ts';
import { rejected, type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import { type OutsideOptions, recordLate } from './outside-wait.ts';

const watched = new WeakMap<object, Watched>();

class Watched implements WaitOwner {
  readonly endedOutside = true;
  readonly line = new WaitQueue();
  /** Who is told of a failure that nobody waits for. */
  latest: Scoped;

  constructor(promise: PromiseLike<unknown>, scoped: Scoped) {
    this.latest = scoped;
    watched.set(promise, this);
    const settled = (tell: () => void): void => {
      watched.delete(promise);
      tell();
    };
    promise.then(
      (value) => settled(() => this.line.wakeAll(value)),
      (error: unknown) =>
        settled(() => {
          if (this.line.length > 0) this.line.failAll(error);
          else recordLate(this.latest, 'an abandoned promise', error);
        }),
    );
  }

  describeWait(): string {
    return 'a promise from outside';
  }

  waitCancelled(): void {}
}

/**
 * Waits for a promise of somebody who knows nothing of cancelling. When the scope is cancelled the wait ends, and what the
 * promise stands for goes on by itself: give the work an `abortSignal` where it takes one.
 *
 * @throws what the promise is rejected with; `TT_NO_SCOPE`. If it is rejected after the wait was given up, that is a `late`
 * record and no unhandled rejection. *Cancel-safe:* nothing is left on the promise, however often it is waited for.
 */
export function abandonable<T>(promise: PromiseLike<T>, options: OutsideOptions = {}): Promise<T> {
  return calm(waitFor(promise, options));
}

async function waitFor<T>(promise: PromiseLike<T>, options: OutsideOptions): Promise<T> {
  const scoped = scopeOf(options, 'abandonable');
  const { cancelScope } = scoped;
  const { scheduler } = cancelScope.host;
  const promised = watched.get(promise) ?? new Watched(promise, scoped);
  promised.latest = scoped;
  const { refusal } = scoped;
  if (refusal !== undefined) return rejected(refusal, scheduler);
  const slice = scheduler.spend() ? scheduler.nextSlice() : undefined;
  const ended = promised.line.park(promised, { scope: cancelScope, by: scoped }) as Promise<T>;
  if (slice === undefined) return ended;
  ended.catch(() => {});
  await slice;
  return ended;
}
