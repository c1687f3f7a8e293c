/**
 * Runs one schedule on a real primitive and its model, step by step. The model is told of each word in the moment in which it is
 * said, also in the continuation of a wait; so it knows at once who must get what, and every later difference is a fault.
 */
import { CancelScope } from '../../../src/kernel/cancel-scope.ts';
import type { Host } from '../../../src/kernel/host.ts';
import { makeHost } from '../../../src/kernel/host.ts';
import { live } from '../../../src/kernel/probe.ts';
import { VirtualTime } from '../../../src/testing/index.ts';
import { ACTORS, type Schedule, type Step } from './schedule.ts';

const RESOLVED = Promise.resolve();

/** An execution: it says words, and may be cancelled or ended. */
export class Actor {
  readonly scope: CancelScope;
  readonly name: number;
  /** What each wait of it that begins now is refused with. */
  refusal: 'ended' | 'cancelled' | undefined;
  intakeClosed = false;

  constructor(host: Host, name: number) {
    this.scope = new CancelScope(host);
    this.name = name;
  }
}

/** One word that was said, what the model expects of it, and what came. */
export class Operation {
  readonly id: number;
  readonly step: Step;
  readonly actor: Actor;
  readonly scope: CancelScope;
  expected = 'waiting';
  actual = 'waiting';
  /** What it was given, once it was. */
  value: unknown;

  constructor(id: number, step: Step, actor: Actor, scope: CancelScope) {
    this.id = id;
    this.step = step;
    this.actor = actor;
    this.scope = scope;
  }

  get waiting(): boolean {
    return this.expected === 'waiting';
  }
}

/** A primitive beside its model. */
export interface Subject {
  /** Says the word to both. */
  perform(operation: Operation): void;
  /** A waiting operation was cancelled, or its actor has ended, or the intake was closed: what the model makes of it. */
  reached(operation: Operation, level: 'cancelled' | 'ended' | 'intake'): void;
  /** Throws when the two differ. */
  check(): void;
  /** Does one thing that lets waiters go on; false when there is nothing left to do. */
  advance(): boolean;
  /** How many stand in line, by the model. */
  readonly parked: number;
  /** Settles in the order in which it was decided: not the waits that have to get a lock back first. */
  ordered(operation: Operation): boolean;
}

export class World {
  readonly time = new VirtualTime();
  readonly host = makeHost(this.time.options);
  readonly actors = Array.from({ length: ACTORS }, (_, name) => new Actor(this.host, name));
  readonly operations: Operation[] = [];
  readonly #settled: number[] = [];
  readonly #decided: number[] = [];
  readonly #waitersBefore = live.waiters;
  #subject!: Subject;
  #finishing = false;
  /** Every other schedule lets slices be spent, so that what is given comes in the next one: later, and not in order. */
  #spendsSlices = false;
  #fault: Error | undefined;

  /** What an operation begins with is refused: tells the model so. `source`: the word waits for something to take in. */
  refuses(operation: Operation, source = false): boolean {
    const { refusal, intakeClosed } = operation.actor;
    const why = refusal ?? (source && intakeClosed ? 'intake' : undefined);
    if (why !== undefined) this.decide(operation, why);
    return why !== undefined;
  }

  /** The model knows how this operation ends. */
  decide(operation: Operation, outcome: string): void {
    if (!operation.waiting) throw new Error(`the model decides twice over operation ${operation.id}`);
    operation.expected = outcome;
    this.#decided.push(operation.id);
  }

  /** Watches the promise of an operation. `words`: what was given, as the model writes it. */
  watch<T>(operation: Operation, promise: Promise<T>, words: (value: T) => string = () => 'ok'): void {
    const settle = (actual: string): void => {
      operation.actual = actual;
      this.#settled.push(operation.id);
      operation.scope.close();
      this.#guarded(() => this.check());
    };
    promise.then(
      (value) => {
        operation.value = value;
        settle(words(value));
        const { next } = operation.step;
        if (next !== undefined && !this.#finishing)
          this.#guarded(() => this.say({ ...next, actor: operation.actor.name }));
      },
      (error: { code?: string; message: string }) => {
        const [level] = /^(cancelled|ended|intake)\b/.exec(error.message) ?? [];
        settle(level ?? error.code ?? error.message);
      },
    );
  }

  /** For a word that does not wait. */
  note(operation: Operation, expected: string, word: () => unknown): void {
    operation.expected = expected;
    operation.scope.close();
    try {
      operation.value = word();
      operation.actual = 'ok';
    } catch (error) {
      operation.actual = (error as { code?: string }).code ?? String(error);
    }
    if (operation.actual !== operation.expected) {
      throw new Error(`${operation.step.word} gave ${operation.actual} instead of ${operation.expected}`);
    }
  }

  async run(schedule: Schedule, makeSubject: (world: World) => Subject): Promise<void> {
    this.#subject = makeSubject(this);
    this.#spendsSlices = schedule.seed % 2 === 0;
    for (const step of schedule.steps) {
      if (step.word === 'tick') await this.tick();
      else if (step.word === 'pass') await this.#pass(step.n % 4);
      else this.say(step);
      this.check();
      if (this.#fault !== undefined) throw this.#fault;
    }
    await this.#finish();
  }

  /** All continuations run. */
  async tick(): Promise<void> {
    for (let i = 0; i < 12; i++) await RESOLVED;
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** Also what was kept for the next slice has come. */
  async #rest(): Promise<void> {
    await this.host.scheduler.nextSlice();
    await this.tick();
  }

  say(step: Step): void {
    const actor = this.actors[step.actor]!;
    const chosen = this.operations.length === 0 ? undefined : this.operations[step.n % this.operations.length];
    switch (step.word) {
      case 'cancel':
        chosen?.scope.cancel(new Error('cancelled'));
        this.#tellModel();
        return;
      case 'cancelActor':
        actor.scope.cancel(new Error('cancelled'));
        actor.refusal ??= 'cancelled';
        this.#tellModel();
        return;
      case 'endActor':
        actor.scope.end(new Error('ended'));
        actor.refusal = 'ended';
        this.#tellModel();
        return;
      case 'closeIntake':
        if (actor.refusal === undefined) actor.intakeClosed = true;
        actor.scope.closeIntake(new Error('intake'));
        this.#tellModel();
        return;
      default:
        this.#perform(step, actor);
    }
  }

  check(): void {
    this.#subject.check();
    const waiters = live.waiters - this.#waitersBefore;
    if (waiters !== this.#subject.parked) throw new Error(`${waiters} are parked instead of ${this.#subject.parked}`);
  }

  #perform(step: Step, actor: Actor): void {
    const timeoutMs = step.timeoutMs === 0 ? undefined : step.timeoutMs;
    const scope = new CancelScope(this.host, actor.scope, { timeoutMs });
    const operation = new Operation(this.operations.length, step, actor, scope);
    this.operations.push(operation);
    this.#subject.perform(operation);
  }

  /** Where no slice is to be spent, the event loop has its turn after each millisecond. */
  async #pass(ms: number): Promise<void> {
    if (this.#spendsSlices) return this.#move(ms);
    for (let left = ms; left > 0; left--) {
      this.#move(1);
      await this.host.scheduler.nextSlice();
    }
  }

  #move(ms: number): void {
    const until = this.time.now + ms;
    while (this.time.clock.fireNext(until)) this.#tellModel();
    this.time.clock.moveTo(until);
  }

  /** Those that a cancel has reached, in the order in which they began. */
  #tellModel(): void {
    for (const operation of this.operations) {
      const { actor, scope } = operation;
      if (!operation.waiting) continue;
      if (actor.refusal === 'ended') this.#subject.reached(operation, 'ended');
      else if (scope.cancelled) this.#subject.reached(operation, 'cancelled');
      else if (actor.intakeClosed) this.#subject.reached(operation, 'intake');
    }
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fault ??= error as Error;
    }
  }

  /** Lets all who wait go on, and looks at what came of everything. */
  async #finish(): Promise<void> {
    this.#finishing = true;
    await this.#rest();
    for (let left = 200; this.#subject.advance(); left--) {
      if (left === 0) throw new Error('it does not come to an end');
      this.check();
      await (this.#spendsSlices ? this.#rest() : this.tick());
    }
    await this.#rest();
    for (const { id, step, expected, actual } of this.operations) {
      if (expected === 'waiting') throw new Error(`operation ${id} (${step.word}) is never woken, by the model`);
      if (actual !== expected) throw new Error(`operation ${id} (${step.word}) gave ${actual} instead of ${expected}`);
    }
    if (!this.#spendsSlices) this.#checkOrder();
    for (const actor of this.actors) {
      if ([...actor.scope.members()].length > 0) throw new Error(`something is left in the scope of ${actor.name}`);
    }
    if (this.time.clock.pendingTimers > 0) throw new Error(`${this.time.clock.pendingTimers} timers are left`);
  }

  #checkOrder(): void {
    const ordered = (ids: readonly number[]): string => {
      return ids.filter((id) => this.#subject.ordered(this.operations[id]!)).join(' ');
    };
    const [settled, decided] = [ordered(this.#settled), ordered(this.#decided)];
    if (settled !== decided) throw new Error(`settled in the order ${settled} instead of ${decided}`);
  }
}

/** Throws when a snapshot is not what the model says. */
export function same(actual: object, expected: object): void {
  for (const [name, value] of Object.entries(expected)) {
    const found = (actual as Record<string, unknown>)[name];
    if (found !== value) throw new Error(`${name} is ${String(found)} instead of ${String(value)}`);
  }
}
