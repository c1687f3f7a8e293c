/** `Lock`, `RLock` and `Condition` beside a model that keeps arrays. */
import { Condition } from '../../../src/sync/condition.ts';
import type { Guard } from '../../../src/sync/guard.ts';
import { Lock, RLock } from '../../../src/sync/lock.ts';
import { type Actor, type Operation, type Subject, same, type World } from './world.ts';

/** One acquire that was not given back. */
interface Held {
  readonly operation: Operation;
  over: boolean;
}

/** In line for the lock: for a first hold, or to have the old ones back and then end with `outcome`. */
interface InLine {
  readonly operation: Operation;
  readonly returns?: { readonly stack: Held[]; readonly outcome: string };
}

export const lockWords = { acquire: 14, tryAcquire: 5, release: 5, releaseGuard: 12 };
export const conditionWords = { ...lockWords, wait: 14, notify: 10, notifyAll: 2 };

export class LockSubject implements Subject {
  readonly #world: World;
  readonly #ownerOnly: boolean;
  readonly #lock: Lock | RLock;
  readonly #condition: Condition;
  /** The holds of the owner, the last one last. */
  #stack: Held[] = [];
  #line: InLine[] = [];
  /** Those who wait for the condition, with what they held. */
  #waiting: { readonly operation: Operation; readonly stack: Held[] }[] = [];
  readonly #held = new Map<Operation, Held>();

  constructor(world: World, ownerOnly: boolean) {
    this.#world = world;
    this.#ownerOnly = ownerOnly;
    this.#lock = ownerOnly ? new RLock() : new Lock();
    this.#condition = new Condition(this.#lock);
  }

  get parked(): number {
    return this.#line.length + this.#waiting.length;
  }

  ordered({ step }: Operation): boolean {
    return step.word !== 'wait';
  }

  perform(operation: Operation): void {
    const { scope, step } = operation;
    const world = this.#world;
    if (step.word === 'acquire') {
      const promise = this.#lock.acquire({ scope });
      if (!world.refuses(operation)) this.#acquire(operation);
      world.watch(operation, promise);
    } else if (step.word === 'tryAcquire') {
      const may = this.#mayTake(operation.actor);
      world.note(operation, 'ok', () => this.#lock.tryAcquire({ scope }));
      if ((operation.value !== undefined) !== may) throw new Error(`tryAcquire gave ${String(operation.value)}`);
      if (may) this.#push(operation);
    } else if (step.word === 'release') {
      const expected = this.#misuse(operation, 'TT_OVER_RELEASED');
      world.note(operation, expected, () => this.#lock.release({ scope }));
      if (expected === 'ok') this.#giveBack(this.#stack.at(-1)!);
    } else if (step.word === 'releaseGuard') {
      const given = [...this.#held.keys()].filter(({ value }) => value !== undefined);
      const chosen = given[step.n % given.length];
      world.note(operation, 'ok', () => (chosen?.value as Guard | undefined)?.release());
      if (chosen !== undefined) this.#giveBack(this.#held.get(chosen)!);
    } else if (step.word === 'wait') this.#wait(operation);
    else this.#notify(operation);
  }

  reached(operation: Operation, level: 'cancelled' | 'ended' | 'intake'): void {
    if (level === 'intake') return;
    const waiter = this.#waiting.find((other) => other.operation === operation);
    const inLine = this.#line.find((other) => other.operation === operation);
    if (waiter !== undefined) {
      this.#waiting = this.#waiting.filter((other) => other !== waiter);
      if (level === 'ended') this.#world.decide(operation, 'ended');
      else this.#comeBack({ operation, returns: { stack: waiter.stack, outcome: 'cancelled' } });
    } else if (inLine !== undefined && (inLine.returns === undefined || level === 'ended')) {
      this.#line = this.#line.filter((other) => other !== inLine);
      this.#world.decide(operation, level);
    }
  }

  check(): void {
    const open = this.#stack.filter(({ over }) => !over);
    same(this.#condition.snapshot(), { waiting: this.#waiting.length });
    same(this.#lock.snapshot(), { locked: open.length > 0, depth: open.length, waiting: this.#line.length });
    if (open.length === 0 && this.#line.length > 0) throw new Error('somebody waits for a free lock');
  }

  advance(): boolean {
    const top = this.#stack.at(-1);
    if (top !== undefined) {
      if (top.operation.value === undefined) throw new Error('the lock is held by who was not given it');
      (top.operation.value as Guard).release();
      this.#giveBack(top);
    } else if (this.#waiting.length > 0) {
      const guard = this.#lock.tryAcquire({ scope: this.#waiting[0]!.operation.actor.scope });
      this.#condition.notify(1, { scope: this.#waiting[0]!.operation.actor.scope });
      const { operation, stack } = this.#waiting.shift()!;
      this.#line.push({ operation, returns: { stack, outcome: 'ok' } });
      guard?.release();
      this.#handOn();
    } else return false;
    return true;
  }

  #mayTake(actor: Actor): boolean {
    return this.#stack.length === 0 || (this.#ownerOnly && this.#stack[0]!.operation.actor === actor);
  }

  #misuse({ actor }: Operation, whenFree: string): string {
    if (this.#stack.length === 0) return whenFree;
    return this.#ownerOnly && !this.#mayTake(actor) ? 'TT_NOT_OWNER' : 'ok';
  }

  #acquire(operation: Operation): void {
    if (!this.#mayTake(operation.actor)) this.#line.push({ operation });
    else {
      this.#push(operation);
      this.#world.decide(operation, 'ok');
    }
  }

  #push(operation: Operation): void {
    const held = { operation, over: false };
    this.#held.set(operation, held);
    this.#stack.push(held);
  }

  #giveBack(held: Held): void {
    held.over = true;
    const before = this.#stack.length;
    this.#prune();
    if (before > 0 && this.#stack.length === 0) this.#handOn();
  }

  #prune(): void {
    while (this.#stack.at(-1)?.over === true) this.#stack.pop();
  }

  #handOn(): void {
    while (this.#stack.length === 0 && this.#line.length > 0) {
      const { operation, returns } = this.#line.shift()!;
      if (returns === undefined) this.#push(operation);
      else this.#stack = returns.stack;
      this.#prune();
      this.#world.decide(operation, returns?.outcome ?? 'ok');
    }
  }

  #comeBack(inLine: InLine & { readonly returns: object }): void {
    this.#line.push(inLine);
    this.#handOn();
  }

  #wait(operation: Operation): void {
    const promise = this.#condition.wait({ scope: operation.scope });
    if (!this.#world.refuses(operation)) {
      const misuse = this.#misuse(operation, 'TT_NOT_OWNER');
      if (misuse !== 'ok') this.#world.decide(operation, misuse);
      else {
        this.#waiting.push({ operation, stack: this.#stack });
        this.#stack = [];
        this.#handOn();
      }
    }
    this.#world.watch(operation, promise);
  }

  #notify(operation: Operation): void {
    const expected = this.#misuse(operation, 'TT_NOT_OWNER');
    const { scope, step } = operation;
    const count = step.word === 'notifyAll' ? this.#waiting.length : step.n % 3;
    this.#world.note(operation, expected, () => {
      if (step.word === 'notifyAll') this.#condition.notifyAll({ scope });
      else this.#condition.notify(count, { scope });
    });
    if (expected !== 'ok') return;
    for (const { operation: waiter, stack } of this.#waiting.splice(0, count)) {
      this.#line.push({ operation: waiter, returns: { stack, outcome: 'ok' } });
    }
  }
}
