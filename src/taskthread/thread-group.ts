/**
 * A group of functions' threads that are waited for, and cancelled, together. What has ended and who waits is kept in
 * `group-members`.
 *
 *     open ──► joining (members may still be spawned) ──► closed: every member has ended
 */
import { ambientScope } from '../kernel/ambient.ts';
import { calm } from '../kernel/calm.ts';
import type { Scoped } from '../kernel/cancel-scope.ts';
import { functionOf, knownFields, oneOf } from '../kernel/check.ts';
import { CancelledError, ThreadEndedError } from '../kernel/errors.ts';
import { GroupClosedError, GroupEmptyError, ThreadGroupError } from '../kernel/function-errors.ts';
import type { WaitOptions } from './child.ts';
import type { AnyFunction, FunctionBody } from './function-body.ts';
import { FUNCTION_OPTIONS } from './function-thread.ts';
import { GroupMembers } from './group-members.ts';
import { lifeIn, type Place, placeOf } from './place.ts';
import { checkOptions, optionsFirst, type SpawnOptions, spawnAt } from './spawn.ts';
import type { Spawned } from './spawned.ts';

/**
 * Whom `join` waits for: `all` of them; `any`, the first that returns; `object`, the first that returns something (neither
 * `null` nor `undefined`); `none`. The rest is cancelled.
 */
export type GroupWait = 'all' | 'any' | 'object' | 'none';

/** Options of a group. */
export interface GroupOptions {
  /** Whom `join` waits for: `all`. */
  readonly wait?: GroupWait;
  /** Whose children the members are: a turn or a thread. Default: the function around. */
  readonly scope?: Scoped;
}

/** Options of a member: those of `spawn` that do not say whose it is. A `daemon` is not waited for. */
export type MemberOptions = Omit<SpawnOptions, 'onFailure' | 'scope'>;

/** Options of the waits for the next one. */
export interface NextOptions extends WaitOptions {
  /** Cancels the others when one has ended: false. */
  readonly cancelRemaining?: boolean;
}

const WAITS: readonly GroupWait[] = ['all', 'any', 'object', 'none'];

/**
 * Threads that belong together. Its members are children of the thread in which the group was made. They are waited for by
 * `join`, or one by one in the order in which they end; when a member fails, `join` cancels the others and throws a
 * `ThreadGroupError` with all failures.
 *
 *     const sum = await ThreadGroup.run(async (group) => { … });      // joins, also knows when the block has thrown
 *     await using group = new ThreadGroup({ wait: 'any' });           // cancels what `join` has not collected
 *
 * A failed member that was given to somebody (`nextDone`, iteration) counts as seen once it is joined or its `exception` is
 * read. Errors of the constructor: `InvalidOptionError`, `NoScopeError`. Source: curio's TaskGroup, thredo's ThreadGroup.
 */
export class ThreadGroup<T = unknown> implements AsyncIterable<Spawned<T>> {
  readonly #place: Place;
  readonly #wait: GroupWait;
  readonly #members: GroupMembers;
  /** Members whose failure was told by a join or a disposal: each further join tells of it again. */
  readonly #told: FunctionBody[] = [];
  #completed: Spawned<T> | undefined;
  #closed = false;

  constructor(options: GroupOptions = {}) {
    knownFields('options', options, ['wait', 'scope']);
    this.#wait = oneOf('options.wait', options.wait ?? 'all', WAITS);
    this.#place = placeOf(options, 'ThreadGroup');
    this.#members = new GroupMembers(this.#place.life);
  }

  /**
   * Makes a group, runs a block with it, and joins it; gives what the block gave. Options, if any, come first. An error of the
   * block cancels all members and is thrown when they have ended. Rejects as `join` does. *Cancel-safe:* as `join`.
   */
  static run<T, Result>(block: (group: ThreadGroup<T>) => Result | Promise<Result>): Promise<Result>;
  static run<T, Result>(
    options: GroupOptions,
    block: (group: ThreadGroup<T>) => Result | Promise<Result>,
  ): Promise<Result>;
  static run(first: unknown, second?: unknown): Promise<unknown> {
    return calm(ThreadGroup.#run(first, second));
  }

  static async #run(first: unknown, second: unknown): Promise<unknown> {
    const [options, block] = typeof first === 'function' ? [{}, first] : [first as GroupOptions, second];
    functionOf('block', block);
    const group = new ThreadGroup(options);
    let value: unknown;
    try {
      value = await (block as (group: ThreadGroup) => unknown)(group);
    } catch (error) {
      await group.#end(group.#place.scope);
      for (const body of group.#members.takeFailed()) body.disown();
      throw error;
    }
    await group.#over(group.#waitOf(undefined));
    group.#throwFailed(group.#newlyFailed());
    return value;
  }

  /** Of `any` and `object`: the member whose result has ended the wait; of `all`: the first that has returned. */
  get completed(): Spawned<T> | undefined {
    return this.#completed;
  }

  /** True once no member can be spawned any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** How many members have not ended. */
  get size(): number {
    return this.#members.alive;
  }

  /**
   * Spawns a member, also while the group is being joined. Options, if any, come first. Throws `GroupClosedError` and what
   * `spawn` throws.
   */
  spawn<Args extends unknown[], Result extends T | PromiseLike<T>>(
    run: (...args: Args) => Result,
    ...args: Args
  ): Spawned<Awaited<Result>>;
  spawn<Args extends unknown[], Result extends T | PromiseLike<T>>(
    options: MemberOptions,
    run: (...args: Args) => Result,
    ...args: Args
  ): Spawned<Awaited<Result>>;
  spawn(first: unknown, ...rest: unknown[]): Spawned<never> {
    if (typeof first === 'function') return this.#spawn(undefined, first as AnyFunction, rest);
    const [options, run, args] = optionsFirst<MemberOptions>(first, rest);
    knownFields('options', options, [...FUNCTION_OPTIONS, 'owns', 'daemon']);
    checkOptions(options);
    return this.#spawn(options, run, args);
  }

  /**
   * The next member to end that was not given yet, in the order of ending; waits for it. Undefined when there is none left.
   * *Cancel-safe:* a cancelled wait was given none.
   */
  nextDone(options: NextOptions = {}): Promise<Spawned<T> | undefined> {
    return calm(this.#nextDone(options));
  }

  /**
   * What the next member to end returned. Rejects with its `ThreadError` when it failed or was cancelled, and with
   * `GroupEmptyError` when there is none left. *Cancel-safe:* as `nextDone`.
   */
  nextResult(options: NextOptions = {}): Promise<T> {
    return calm(this.#nextResult(options));
  }

  /** Cancels the members that have not ended, and waits for their end. *Cancel-safe:* the cancels stand. */
  cancelRemaining(options?: WaitOptions): Promise<void> {
    const wait = this.#waitOf(options);
    const cancelling = wait.refusal instanceof ThreadEndedError ? undefined : this.#cancelMembers();
    return calm(this.#afterCancels(cancelling, wait, undefined));
  }

  /** Closes the group, cancels all members and waits for their end. *Cancel-safe:* the group is closed, the cancels stand. */
  cancel(options?: WaitOptions): Promise<void> {
    this.#closed = true;
    return this.cancelRemaining(options);
  }

  /**
   * Waits for the members as the group's `wait` says, cancels the rest, and closes the group: when it resolves, or rejects, every
   * member has ended. May be said again and by several: each is told the same.
   *
   * Rejects with `ThreadGroupError` when a member failed: in `failed` and `errors` are all that did. A member that was
   * cancelled is no failure. *Cancel-safe:* a cancelled join cancels the members, and has waited for them.
   */
  join(options?: WaitOptions): Promise<void> {
    return calm(this.#join(this.#waitOf(options)));
  }

  /** The members in the order of ending, until there is none left. *Cancel-safe:* as `nextDone`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Spawned<T>, void, undefined> {
    for (let member = await this.nextDone(); member !== undefined; member = await this.nextDone()) yield member;
  }

  /**
   * Closes the group: cancels what `join` has not collected, and waits for it. Throws `ThreadGroupError` when members have
   * failed and nobody has seen it: what a join has told is not told here again. *Cancel-safe:* no cancel cuts it short: it waits until the members have ended.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end(ambientScope());
    this.#throwFailed(this.#newlyFailed());
  }

  #spawn(options: MemberOptions | undefined, run: AnyFunction, args: readonly unknown[]): Spawned<never> {
    if (this.#closed) {
      this.#place.life.host.scheduler.spend();
      throw new GroupClosedError();
    }
    return spawnAt(this.#place, options, run, args, this.#members) as Spawned<never>;
  }

  async #nextDone(options: NextOptions): Promise<Spawned<T> | undefined> {
    const body = await this.#next(options);
    return body?.handle as Spawned<T> | undefined;
  }

  /** Has ended when it is given, so its result needs no wait: one would be cut off by a cancel that came after the hand-over. */
  async #nextResult(options: NextOptions): Promise<T> {
    const body = await this.#next(options);
    if (body === undefined) throw new GroupEmptyError();
    return body.claim() as T;
  }

  async #next(options: NextOptions): Promise<FunctionBody | undefined> {
    const body = await this.#members.next(this.#waitOf(options));
    if (options.cancelRemaining !== true) return body;
    try {
      await this.cancelRemaining(options);
    } catch (error) {
      if (body !== undefined) this.#members.takeBack(body);
      throw error;
    }
    return body;
  }

  async #join(wait: Scoped): Promise<void> {
    await this.#over(wait);
    this.#newlyFailed();
    this.#throwFailed(this.#told);
  }

  async #over(wait: Scoped): Promise<void> {
    try {
      if (this.#closed || this.#wait === 'none') wait.cancelScope.check();
      else await this.#waitForMembers(wait);
    } finally {
      await this.#end(wait);
    }
  }

  async #waitForMembers(wait: Scoped): Promise<void> {
    const join = { ofAll: this.#wait === 'all', isOver: (body: FunctionBody) => this.#isOver(body) };
    const last = await this.#members.until(join, wait);
    if (last === undefined || last.failed || last.returned) return;
    // What has ended the member ends who waits for it too.
    throw new CancelledError(`${this.#place.life.path} is stopping`);
  }

  /** True when a join has to wait no longer: for one that failed, or has answered, or was ended by what ends this thread. */
  #isOver(body: FunctionBody): boolean {
    if (body.failed) return true;
    // One that takes nothing in any more is no end for the others, which may still be sending.
    return body.returned ? this.#isAnswer(body) : this.#place.life.state === 'stopping' && !body.intakeClosed;
  }

  /** Notes the first that counts; true when it ends the wait. */
  #isAnswer(body: FunctionBody): boolean {
    if (this.#wait === 'object' && (body.value === undefined || body.value === null)) return false;
    this.#completed ??= body.handle as Spawned<T>;
    return this.#wait !== 'all';
  }

  /**
   * Every member has ended when it resolves: that comes within the time of their cancel, so no cancel cuts it short. But for a
   * member that says so itself: that is cancelled, and ends when it gives way.
   */
  async #end(saidIn: Scoped | undefined): Promise<void> {
    this.#closed = true;
    await this.#afterCancels(this.#cancelMembers(), undefined, saidIn);
  }

  async #afterCancels(
    cancelling: Promise<void> | undefined,
    wait: Scoped | undefined,
    saidIn: Scoped | undefined,
  ): Promise<void> {
    const ended = this.#members.allEnded(wait, this.#members.memberAround(lifeIn(saidIn)));
    await Promise.all([cancelling, ended]);
  }

  /** A slice at a time: thousands of cancels must not hold up the event loop. Nothing cuts it short. */
  async #cancelMembers(): Promise<void> {
    const { scheduler } = this.#place.life.host;
    for (const body of [...this.#members]) {
      if (body.life.ended) continue;
      (body.handle as Spawned).requestCancel();
      if (scheduler.spend()) await scheduler.nextSlice();
    }
  }

  /** Those that nobody was told of; from now on somebody is. */
  #newlyFailed(): readonly FunctionBody[] {
    const failed = this.#members.takeFailed();
    for (const body of failed) body.take();
    this.#told.push(...failed);
    return failed;
  }

  #throwFailed(failed: readonly FunctionBody[]): void {
    if (failed.length === 0) return;
    const errors = failed.map((body) => body.exception);
    throw new ThreadGroupError<Spawned<T>>(
      failed.map((body) => body.handle as Spawned<T>),
      errors,
    );
  }

  #waitOf(options: WaitOptions | undefined): Scoped {
    return options?.scope ?? ambientScope() ?? this.#place.scope;
  }
}
