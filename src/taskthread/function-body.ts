/**
 * The function that a thread runs: what is particular to the thread of a function, beside the life that it has like any other.
 *
 *     begin ──► runs ──┬── returns ──► waits for the threads that it has spawned ──► its thread stops itself
 *                      ├── throws ──► its thread fails
 *                      └── is cancelled ──► its thread, which is stopping, goes on with that
 *
 * To a stop it is the one task of its thread: it goes on while children and queues come to their end, then its waits throw. Where
 * it is there to take something in (the handler of a server), it is an intake task, and so are those that it has spawned, one and
 * all: their waits on a source end at once, and their thread's children are not asked to stop before they have ended.
 *
 * Who owns a failure (law 14): whoever joins the thread, or the group that it is a member of; else the thread that has spawned
 * it, at the latest when that has nothing more to do. Not here: the words (`spawn`, `spawned`, `thread-group`).
 */
import { runInScope } from '../kernel/ambient.ts';
import { CancelledError, IntakeClosedError } from '../kernel/errors.ts';
import { ThreadError } from '../kernel/function-errors.ts';
import { isThenable, whenSettled } from '../kernel/thenable.ts';
import { isCancellation } from './cancellation.ts';
import { FunctionTurn } from './function-turn.ts';
import type { ThreadBody } from './thread-body.ts';
import type { ThreadLife } from './thread-life.ts';

/** Any function, as a thread runs it. */
export type AnyFunction = (...args: never[]) => unknown;

/** Who is told of the end of a thread in the place of the one that has spawned it: a group. */
export interface BodyOwner {
  bodyEnded(body: FunctionBody): void;
}

/** How a thread was spawned. */
export interface SpawnedAs {
  readonly daemon: boolean;
  /** Its failure is kept for who joins it. */
  readonly kept: boolean;
  readonly owner: BodyOwner | undefined;
}

/** How a function is run. */
export interface RunAs {
  /** The scope of its thread is around it. */
  readonly scopeAround: boolean;
  /** It is there to take something in: a stop ends it, and what it has spawned, first. */
  readonly intake: boolean;
}

const AS_SPAWNED: RunAs = { scopeAround: true, intake: false };

/** So many failures that nobody has joined yet are kept one by one. */
const MOST_UNJOINED = 100;

export class FunctionBody implements ThreadBody {
  readonly life: ThreadLife;
  readonly name: string;
  running: FunctionTurn | undefined;
  /** What the function gave; meaningful once `returned`. */
  value: unknown;
  returned = false;
  /** What it threw when it was cancelled. */
  cancelError: unknown;
  /** Its failure has an owner: it was joined, or is a group's. */
  taken = false;
  /** How many wait in `join` just now. */
  joining = 0;
  /** What users hold of it. */
  handle: unknown;
  /** When it has returned, nobody waits for the threads that it has spawned: they are stopped. */
  endsAll = false;
  /** Takes something in, by itself or for the one that has spawned it. */
  #intake: boolean;
  readonly #scopeAround: boolean;
  #function: AnyFunction | undefined;
  #args: readonly unknown[];
  /** It was spawned by this thread, and so what it throws is kept until it is joined. */
  #parent: ThreadLife | undefined;
  #daemon = false;
  #kept = false;
  #owner: BodyOwner | undefined;
  #over = false;
  /** Spawned threads that are waited for at the end, and have not ended. */
  #attended = 0;
  #unjoined: Set<FunctionBody> | undefined;
  /** Of those that are more than are kept: how many, and the last. */
  #more = 0;
  #lastMore: { readonly path: string; readonly error: unknown } | undefined;
  #isOneMore = false;

  constructor(life: ThreadLife, run: AnyFunction, args: readonly unknown[], how: RunAs = AS_SPAWNED) {
    this.life = life;
    this.name = nameOf(run);
    this.#function = run;
    this.#args = args;
    this.#intake = how.intake;
    this.#scopeAround = how.scopeAround;
  }

  /** Spawned by a thread: from now on its end is told there. */
  spawnedBy(parent: ThreadLife, as: SpawnedAs): void {
    this.#parent = parent;
    this.#daemon = as.daemon;
    this.#kept = as.kept;
    this.#owner = as.owner;
    const { body } = parent;
    if (!(body instanceof FunctionBody)) return;
    this.#intake = body.#intake;
    if (!as.daemon) body.#attended++;
  }

  get daemon(): boolean {
    return this.#daemon;
  }

  /** A spawned one is no intake by itself: the thread that waits for it waits, and whoever cancels it need not. */
  get takingIn(): boolean {
    return this.#intake && this.#parent === undefined && (this.running !== undefined || this.#attended > 0);
  }

  /** It has ended because nothing was to be taken in any more. */
  get intakeClosed(): boolean {
    return this.cancelError instanceof IntakeClosedError;
  }

  /** What ended it before it could give a value: what it threw, or a cancel. */
  get exception(): unknown {
    const { outcome } = this.life;
    if (outcome?.kind === 'failed') return outcome.error;
    return this.returned ? undefined : (this.cancelError ?? new CancelledError(`${this.life.path} was stopped`));
  }

  get failed(): boolean {
    return this.life.outcome?.kind === 'failed';
  }

  begin(): void {
    const { life } = this;
    const run = this.#function;
    // A listener of `entered` may have stopped the thread.
    if (run === undefined || life.state !== 'running') return;
    const args = this.#args as never[];
    this.#function = undefined;
    this.#args = [];
    const what = `function ${this.name}`;
    const turn = new FunctionTurn(life, what);
    this.running = turn.began();
    // The tree may have closed its intake before this was spawned.
    if (life.intakeError !== undefined) this.closeIntake(life.intakeError);
    let result: unknown;
    try {
      result = this.#scopeAround ? runInScope(turn, () => run(...args)) : run(...args);
      if (isThenable(result)) {
        life.executionBegan();
        whenSettled(
          result,
          (value) => this.#returned(value),
          (error: unknown) => this.#threw(error),
        );
        return;
      }
    } catch (error) {
      this.#threw(error);
      return;
    }
    this.#returned(result);
  }

  closeIntake(error: Error): void {
    if (this.#intake && this.running !== undefined) this.life.getScope().closeIntake(error);
  }

  cancel(error: Error): void {
    if (this.running !== undefined) this.life.getScope().cancel(error);
  }

  ended(): void {
    const parent = this.#parent;
    if (parent === undefined) return;
    if (this.failed && this.#kept && this.joining === 0) this.#awaitJoin(parent);
    this.#owner?.bodyEnded(this);
    if (!this.#daemon && parent.body instanceof FunctionBody) parent.body.#childGone();
  }

  /** Nobody will join it any more: its failure is that of the thread which has spawned it. */
  disown(): void {
    const parent = this.#parent;
    if (this.taken || parent === undefined || parent.body instanceof FunctionBody) return;
    this.taken = true;
    if (!parent.ended) parent.failedBelow(this.life.path, this.exception);
  }

  /** Somebody has been told. */
  take(): void {
    if (this.taken) return;
    this.taken = true;
    const body = this.#parent?.body;
    if (body instanceof FunctionBody) body.#forget(this);
  }

  /** What it gave, once it has ended; throws what `join` does when there is nothing. Whoever asks owns the failure. */
  claim(): unknown {
    this.take();
    if (this.returned && !this.failed) return this.value;
    // What ended this thread ends who waits for it too: that is no failure of either.
    const { parent } = this.life.edge;
    if (!this.failed && this.intakeClosed) throw new IntakeClosedError(parent.path);
    const stopping = !this.failed && 'state' in parent && parent.state === 'stopping';
    throw stopping ? new CancelledError(`${parent.path} is stopping`) : new ThreadError(this.life.path, this.exception);
  }

  /** The function that has spawned it keeps its failure, unless it is over. A TaskThread has no end of that kind. */
  #awaitJoin(parent: ThreadLife): void {
    const body = parent.body instanceof FunctionBody ? parent.body : undefined;
    if (parent.ended || (body === undefined && this.#owner !== undefined)) return;
    if (body === undefined || body.#over) parent.failedBelow(this.life.path, this.exception);
    else body.#keep(this);
  }

  #returned(value: unknown): void {
    this.running = undefined;
    if (this.life.ended) return;
    this.returned = true;
    this.value = value;
    this.#isOver();
  }

  #threw(error: unknown): void {
    const { life } = this;
    const what = this.running?.what ?? this.name;
    this.running = undefined;
    if (life.ended) {
      life.late(what, error);
      return;
    }
    const asked = life.state === 'stopping' || life.getScope().cancelled;
    const closed = this.#intake && life.intakeError !== undefined && error instanceof IntakeClosedError;
    if (closed || (asked && isCancellation(error))) this.cancelError = error;
    else life.bodyFailed(what, error);
    this.#isOver();
  }

  #isOver(): void {
    const { life } = this;
    this.#over = true;
    for (const body of this.#unjoined ?? []) life.failedBelow(body.life.path, body.exception);
    if (this.#more > 0 && this.#lastMore !== undefined) life.failedBelow(this.#lastMore.path, this.#lastMore.error);
    this.#unjoined = undefined;
    if (life.state === 'stopping') life.wake();
    else if (this.#attended === 0 || this.endsAll) life.stopItself('its function has returned');
  }

  #childGone(): void {
    this.#attended--;
    if (this.#attended === 0 && this.#over && this.life.state === 'running') {
      this.life.stopItself('its function and the threads that it has spawned have ended');
    }
  }

  /** A function that spawns and forgets for months must not grow with each failure: beyond a number they are only counted. */
  #keep(body: FunctionBody): void {
    this.#unjoined ??= new Set();
    if (this.#unjoined.size < MOST_UNJOINED) this.#unjoined.add(body);
    else {
      this.#more++;
      this.#lastMore = { path: body.life.path, error: body.exception };
      body.#isOneMore = true;
    }
  }

  #forget(body: FunctionBody): void {
    if (body.#isOneMore) this.#more--;
    else this.#unjoined?.delete(body);
  }
}

/** What is said in the path of a function's thread. */
function nameOf(run: AnyFunction): string {
  const { name } = run;
  if (typeof name !== 'string' || name === '') return 'function';
  return name.replaceAll('/', '|');
}
