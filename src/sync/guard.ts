/**
 * What an `acquire` gives: the right to what was acquired, which gives itself back at the end of a block.
 */

import { calm } from '../kernel/calm.ts';

/**
 * What was acquired. `using guard = await lock.acquire(…)` gives it back at the end of the block, however the block is left.
 * To give it back twice is harmless: a guard never gives back what another acquire has taken.
 */
export interface Guard extends Disposable {
  /** Gives it back now. */
  release(): void;
}

/** Runs work while a guard holds: the callback form, for where there is no `using`. */
export function whileHeld<T>(acquired: Promise<Guard>, work: () => T | Promise<T>): Promise<T> {
  return calm(held(acquired, work));
}

async function held<T>(acquired: Promise<Guard>, work: () => T | Promise<T>): Promise<T> {
  const guard = await acquired;
  try {
    return await work();
  } finally {
    guard.release();
  }
}
