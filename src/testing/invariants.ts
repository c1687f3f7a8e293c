/**
 * What a simulated program says must always hold. Each check is asked after every step, and answers at once: what comes by a promise
 * would be known only steps later, and a promise is never false.
 */
import { functionOf } from '../kernel/check.ts';
import { messageOf } from '../kernel/describe.ts';
import { isThenable, toPromise } from '../kernel/thenable.ts';

/** The first that does not hold. */
export interface Broken {
  readonly name: string;
  readonly text: string;
  readonly cause?: unknown;
}

export class Invariants {
  readonly #all: { readonly name: string; readonly check: () => unknown }[] = [];

  add(name: string, check: () => unknown): void {
    this.#all.push({ name, check: functionOf('check', check) });
  }

  broken(): Broken | undefined {
    for (const { name, check } of this.#all) {
      try {
        const answer = check();
        if (answer === false) return { name, text: 'it does not hold any more' };
        if (!isThenable(answer)) continue;
        toPromise(answer).catch(() => {});
        return { name, text: 'its check gave a promise, and must answer at once' };
      } catch (error) {
        return { name, text: messageOf(error), cause: error };
      }
    }
    return undefined;
  }
}
