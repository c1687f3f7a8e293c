/** What the tests of functions as threads share: a program in the virtual time of the test. */
import { run, type StartOptions } from '../../../src/index.ts';
import { time } from '../toys.ts';

/** Runs a function as the root of a tree, in the time of this test. */
export function program<T>(main: () => T | Promise<T>, options?: StartOptions): Promise<Awaited<T>> {
  return time().run(run({ ...time().options, ...options }, main)) as Promise<Awaited<T>>;
}

/** What a promise was rejected with; a test that expects it fails when it was not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it was fulfilled');
}

/** What a function throws. */
export function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('it did not throw');
}
