/**
 * A promise whose failure has an owner: whoever looks at it, and where nobody does, the thread that it was made for (law 14).
 * Nobody has looked when neither `await` nor `then` has reached it by the time the event loop has had its turn: later than Node
 * calls a rejection unhandled, so that what is awaited in the same turn, directly or through `Promise.all`, always counts.
 */
import type { Scheduler } from '../kernel/scheduler.ts';

class LookedAt<T> extends Promise<T> {
  /** What `then` gives is a plain promise: it belongs to who has looked. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  #seen = false;

  get seen(): boolean {
    return this.#seen;
  }

  // biome-ignore lint/suspicious/noThenProperty: it is a promise; this is how it learns that somebody looks
  override then<A = T, B = never>(
    onDone?: ((value: T) => A | PromiseLike<A>) | null,
    onFailed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#seen = true;
    return super.then(onDone, onFailed);
  }

  /** No unhandled rejection; and that is no look. */
  calm(): void {
    super.then(undefined, noop);
  }
}

/** The same outcome. `unseen` is told of a failure that nobody has looked at. */
export function lookedAt<T>(outcome: Promise<T>, scheduler: Scheduler, unseen: (error: unknown) => void): Promise<T> {
  const promise: LookedAt<T> = new LookedAt((resolve, reject) => {
    outcome.then(resolve, (error: unknown) => {
      reject(error);
      if (promise.seen) return;
      promise.calm();
      void scheduler.nextSlice().then(() => promise.seen || unseen(error));
    });
  });
  return promise;
}

function noop(): void {}
