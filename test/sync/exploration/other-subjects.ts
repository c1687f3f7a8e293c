/** `Event`, `Semaphore`, `BoundedSemaphore` and `Queue`, each beside a model that keeps arrays. */
import { Event } from '../../../src/sync/event.ts';
import type { Guard } from '../../../src/sync/guard.ts';
import { Queue } from '../../../src/sync/queue.ts';
import { BoundedSemaphore, Semaphore } from '../../../src/sync/semaphore.ts';
import { type Operation, type Subject, same, type World } from './world.ts';

type Level = 'cancelled' | 'ended' | 'intake';

export const eventWords = { wait: 14, set: 8, clear: 6 };

export class EventSubject implements Subject {
  readonly #world: World;
  readonly #event = new Event();
  #isSet = false;
  #line: Operation[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  get parked(): number {
    return this.#line.length;
  }

  ordered(): boolean {
    return true;
  }

  perform(operation: Operation): void {
    const { scope, step } = operation;
    if (step.word === 'set') {
      this.#world.note(operation, 'ok', () => this.#event.set());
      this.#set();
    } else if (step.word === 'clear') {
      this.#world.note(operation, 'ok', () => this.#event.clear());
      this.#isSet = false;
    } else {
      const promise = this.#event.wait({ scope });
      if (!this.#world.refuses(operation, true)) {
        if (this.#isSet) this.#world.decide(operation, 'ok');
        else this.#line.push(operation);
      }
      this.#world.watch(operation, promise);
    }
  }

  reached(operation: Operation, level: Level): void {
    this.#line = this.#line.filter((other) => other !== operation);
    this.#world.decide(operation, level);
  }

  check(): void {
    same(this.#event.snapshot(), { isSet: this.#isSet, waiting: this.#line.length });
  }

  advance(): boolean {
    if (this.#line.length === 0) return false;
    this.#event.set();
    this.#set();
    return true;
  }

  #set(): void {
    this.#isSet = true;
    for (const operation of this.#line.splice(0)) this.#world.decide(operation, 'ok');
  }
}

export const semaphoreWords = { acquire: 16, tryAcquire: 4, release: 3, releaseGuard: 12 };

export class SemaphoreSubject implements Subject {
  readonly #world: World;
  readonly #semaphore: Semaphore;
  readonly #most: number;
  #value: number;
  #line: Operation[] = [];
  readonly #given = new Set<Operation>();

  constructor(world: World, value: number, bounded: boolean) {
    this.#world = world;
    this.#value = value;
    this.#most = bounded ? value : Infinity;
    this.#semaphore = bounded ? new BoundedSemaphore(value) : new Semaphore(value);
  }

  get parked(): number {
    return this.#line.length;
  }

  ordered(): boolean {
    return true;
  }

  perform(operation: Operation): void {
    const { scope, step } = operation;
    const world = this.#world;
    if (step.word === 'acquire') {
      const promise = this.#semaphore.acquire({ scope });
      if (!world.refuses(operation)) {
        if (this.#value === 0) this.#line.push(operation);
        else this.#take(operation);
      }
      world.watch(operation, promise);
    } else if (step.word === 'tryAcquire') {
      const may = this.#value > 0;
      world.note(operation, 'ok', () => this.#semaphore.tryAcquire());
      if ((operation.value !== undefined) !== may) throw new Error(`tryAcquire gave ${String(operation.value)}`);
      if (!may) return;
      this.#value--;
      this.#given.add(operation);
    } else if (step.word === 'release') {
      const expected = this.#value >= this.#most ? 'TT_OVER_RELEASED' : 'ok';
      world.note(operation, expected, () => this.#semaphore.release());
      if (expected === 'ok') this.#release();
    } else {
      const given = world.operations.filter(({ value }) => value !== undefined);
      const chosen = given[step.n % given.length];
      const first = chosen !== undefined && this.#given.delete(chosen);
      const expected = first && this.#value >= this.#most ? 'TT_OVER_RELEASED' : 'ok';
      world.note(operation, expected, () => (chosen?.value as Guard | undefined)?.release());
      if (first && expected === 'ok') this.#release();
    }
  }

  reached(operation: Operation, level: Level): void {
    if (level === 'intake') return;
    this.#line = this.#line.filter((other) => other !== operation);
    this.#world.decide(operation, level);
  }

  check(): void {
    same(this.#semaphore.snapshot(), { value: this.#value, waiting: this.#line.length });
    if (this.#value > 0 && this.#line.length > 0) throw new Error('somebody waits while there is a permit');
  }

  advance(): boolean {
    if (this.#line.length === 0) return false;
    this.#semaphore.release();
    this.#release();
    return true;
  }

  #take(operation: Operation): void {
    this.#value--;
    this.#given.add(operation);
    this.#world.decide(operation, 'ok');
  }

  #release(): void {
    this.#value++;
    const next = this.#line.shift();
    if (next !== undefined) this.#take(next);
  }
}

export const queueWords = { put: 14, get: 10, next: 5, tryPut: 3, tryGet: 3, taskDone: 5, join: 3, close: 1 };

export class QueueSubject implements Subject {
  readonly #world: World;
  readonly #queue: Queue<number>;
  #items: number[] = [];
  #getters: Operation[] = [];
  #putters: Operation[] = [];
  #joiners: Operation[] = [];
  #unfinished = 0;
  #closed = false;

  constructor(world: World, maxSize: number) {
    this.#world = world;
    this.#queue = new Queue(maxSize);
  }

  get parked(): number {
    return this.#getters.length + this.#putters.length + this.#joiners.length;
  }

  ordered(): boolean {
    return true;
  }

  get #full(): boolean {
    return this.#queue.maxSize > 0 && this.#items.length >= this.#queue.maxSize;
  }

  perform(operation: Operation): void {
    const { id, scope, step } = operation;
    const [world, queue] = [this.#world, this.#queue];
    const options = { scope };
    if (step.word === 'put') {
      const promise = queue.put(id, options);
      if (!world.refuses(operation)) this.#put(operation);
      world.watch(operation, promise);
    } else if (step.word === 'get') {
      const promise = queue.get(options);
      if (!world.refuses(operation, true)) this.#get(operation, 'TT_QUEUE_CLOSED');
      world.watch(operation, promise, (item) => `${item}`);
    } else if (step.word === 'next') {
      const promise = queue.items(options).next();
      if (!world.refuses(operation, true)) this.#get(operation, 'end');
      world.watch(operation, promise, ({ done, value }) => (done === true ? 'end' : `${value}`));
    } else if (step.word === 'join') {
      const promise = queue.join(options);
      if (!world.refuses(operation)) {
        if (this.#unfinished === 0) world.decide(operation, 'ok');
        else this.#joiners.push(operation);
      }
      world.watch(operation, promise);
    } else if (step.word === 'tryPut') {
      const may = !this.#closed && !this.#full;
      world.note(operation, 'ok', () => queue.tryPut(id));
      if (operation.value !== may) throw new Error(`tryPut gave ${String(operation.value)} instead of ${may}`);
      if (may) this.#accept(id);
    } else if (step.word === 'tryGet') {
      const item = this.#items[0];
      world.note(operation, 'ok', () => queue.tryGet());
      if (operation.value !== item) throw new Error(`tryGet gave ${String(operation.value)} instead of ${item}`);
      if (item !== undefined) this.#take();
    } else if (step.word === 'taskDone') {
      world.note(operation, this.#unfinished === 0 ? 'TT_OVER_RELEASED' : 'ok', () => queue.taskDone());
      this.#taskDone();
    } else {
      world.note(operation, 'ok', () => queue.close());
      this.#close();
    }
  }

  reached(operation: Operation, level: Level): void {
    if (level === 'intake' && !this.#getters.includes(operation)) return;
    const without = (line: Operation[]) => line.filter((other) => other !== operation);
    this.#getters = without(this.#getters);
    this.#putters = without(this.#putters);
    this.#joiners = without(this.#joiners);
    this.#world.decide(operation, level);
  }

  check(): void {
    same(this.#queue.snapshot(), {
      size: this.#items.length,
      unfinished: this.#unfinished,
      getting: this.#getters.length,
      putting: this.#putters.length,
      joining: this.#joiners.length,
      closed: this.#closed,
    });
    same(this.#queue, { size: this.#items.length, full: this.#full, empty: this.#items.length === 0 });
    if (this.#items.length > 0 && this.#getters.length > 0) throw new Error('somebody waits for an item that is there');
    if (!this.#full && this.#putters.length > 0) throw new Error('somebody waits for room that is there');
  }

  advance(): boolean {
    if (!this.#closed) {
      this.#queue.close();
      this.#close();
    } else if (this.#items.length > 0) {
      const item = this.#queue.tryGet();
      if (item !== this.#items[0]) throw new Error(`tryGet gave ${item} instead of ${this.#items[0]}`);
      this.#take();
    } else if (this.#unfinished > 0) {
      this.#queue.taskDone();
      this.#taskDone();
    } else return false;
    return true;
  }

  #put(operation: Operation): void {
    if (this.#closed) this.#world.decide(operation, 'TT_QUEUE_CLOSED');
    else if (this.#full) this.#putters.push(operation);
    else {
      this.#accept(operation.id);
      this.#world.decide(operation, 'ok');
    }
  }

  #accept(item: number): void {
    this.#unfinished++;
    const getter = this.#getters.shift();
    if (getter === undefined) this.#items.push(item);
    else this.#world.decide(getter, `${item}`);
  }

  #get(operation: Operation, whenClosed: string): void {
    if (this.#items.length > 0) this.#world.decide(operation, `${this.#take(operation)}`);
    else if (this.#closed) this.#world.decide(operation, whenClosed);
    else this.#getters.push(operation);
  }

  /** A putter that is let in is told before the one who made the room. */
  #take(_by?: Operation): number {
    const item = this.#items.shift()!;
    const putter = this.#putters.shift();
    if (putter !== undefined) {
      this.#accept(putter.id);
      this.#world.decide(putter, 'ok');
    }
    return item;
  }

  #taskDone(): void {
    if (this.#unfinished === 0) return;
    if (--this.#unfinished === 0) for (const joiner of this.#joiners.splice(0)) this.#world.decide(joiner, 'ok');
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const putter of this.#putters.splice(0)) this.#world.decide(putter, 'TT_QUEUE_CLOSED');
    for (const getter of this.#getters.splice(0)) {
      this.#world.decide(getter, getter.step.word === 'next' ? 'end' : 'TT_QUEUE_CLOSED');
    }
  }
}
