/**
 * A thread whose body is a function. `spawn` and `run` make one; it can be added, started and run as a main program like any
 * other. What the function does to the life of its thread is in `function-body`.
 */
import { functionOf, knownFields } from '../kernel/check.ts';
import { InvalidOptionError } from '../kernel/errors.ts';
import { type AnyFunction, FunctionBody } from './function-body.ts';
import type { ThreadOptions } from './spec.ts';
import { lifeOf, TaskThread } from './taskthread.ts';

/**
 * What a function's thread declares about itself: it takes and sends no signals, so it has no lanes. `progressMs` is how long the
 * function may be under way, and is said by itself, like that of a task: the limit of a thread above is for hooks, and a function
 * may well be a loop that never ends.
 */
export type FunctionThreadOptions = Pick<
  ThreadOptions<never, never>,
  'name' | 'stop' | 'supervision' | 'progressMs' | 'onOverdue'
>;

export const FUNCTION_OPTIONS: readonly (keyof FunctionThreadOptions)[] = [
  'name',
  'stop',
  'supervision',
  'progressMs',
  'onOverdue',
];

/**
 * A thread that runs a function and ends when it has returned. In the function the words `sleep`, `spawn`, `timeoutAfter` and
 * so on know their thread without being told. Its default name is the function's.
 *
 *     await runMain(() => new FunctionThread(main, ['a', 'b']));
 *     const child = await this.addChild(() => new FunctionThread(poll, [url]));
 *
 * Errors: `InvalidOptionError`. Source: thredo's threads.
 */
export class FunctionThread<Args extends unknown[] = []> extends TaskThread {
  constructor(run: (...args: Args) => unknown, args?: Readonly<Args>, options?: FunctionThreadOptions) {
    functionOf('run', run);
    if (args !== undefined && !Array.isArray(args)) throw new InvalidOptionError('args', args, 'an array of arguments');
    if (options !== undefined) knownFields('options', options, FUNCTION_OPTIONS);
    super(options);
    const life = lifeOf(this);
    life.body = new FunctionBody(life, run as AnyFunction, args ?? []);
  }
}

/** The body of a function's thread. Not for users. */
export function bodyOf(thread: FunctionThread<never>): FunctionBody {
  return lifeOf(thread).body as FunctionBody;
}
