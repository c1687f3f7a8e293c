/**
 * Runs one schedule on a real group and its model, step by step. The group stands in a function of its own, so that it can be
 * cancelled from outside; beside it stands a function that is no member; words are said in the scope of any of them, or of a member.
 *
 * Time limits end between two whole milliseconds and clean-up at one, so that it is always known what came first.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Queue, run, shield, type Spawned, sleep, spawn, ThreadGroup, timeoutAfter } from '../../../src/index.ts';
import { live } from '../../../src/kernel/probe.ts';
import { VirtualTime } from '../../../src/testing/index.ts';
import type { Schedule, Step } from '../../sync/exploration/schedule.ts';
import {
  type Asked,
  type End,
  GroupModel,
  type GroupWait,
  isExpected,
  ModelMember,
  type Speaker,
} from './group-model.ts';

/** What befalls the members and the group, with weights. */
export const fates = { tick: 14, pass: 8, spawn: 10, end: 12, cancelMember: 3, look: 2, block: 1, cancelOwner: 0.3 };

/** What is said to the group, with weights. */
export const groupWords = { nextDone: 8, nextResult: 4, next: 3, join: 2, cancelRemaining: 1 };

const WAITS: readonly GroupWait[] = ['all', 'any', 'object', 'none'];
const KINDS = ['yields', 'yields', 'cleans up', 'fails', 'answers', 'nests'] as const;
type Kind = (typeof KINDS)[number];
const TOLD = ['return', 'return', 'nothing', 'fail'] as const;
type Told = (typeof TOLD)[number];
const HOW_TOLD: Record<Told, End> = { return: 'returned', nothing: 'nothing', fail: 'failed' };
const CLEAN_UP_MS = 3;
/** More are no help. */
const MOST_MEMBERS = 8;

type InScope = <T>(work: () => T) => T;

/** A function that says words when it is told to, and ends as it is told. */
class Speaking implements Speaker {
  readonly name: string;
  readonly member: ModelMember | undefined;
  readonly told = new Queue<Told | 'throw'>();
  inScope: InScope | undefined;
  #refusal: string | undefined;

  constructor(name: string, member?: ModelMember) {
    this.name = name;
    this.member = member;
  }

  get refusal(): string | undefined {
    return this.member?.refusal ?? this.#refusal;
  }

  set refusal(refusal: string | undefined) {
    this.#refusal = refusal;
  }

  /** Its body waits here. */
  async wait(): Promise<Told | 'throw'> {
    this.inScope = AsyncLocalStorage.snapshot() as InScope;
    return await this.told.get();
  }
}

interface Operation extends Asked {
  readonly limitMs: number;
  readonly until: number;
  actual: string | undefined;
}

export class GroupWorld {
  readonly #time = new VirtualTime();
  readonly #model: GroupModel;
  readonly #block = new Speaking('the block');
  readonly #outsider = new Speaking('an outsider');
  readonly #functions: Speaking[] = [this.#block, this.#outsider];
  readonly #handles: Spawned[] = [];
  readonly #operations: Operation[] = [];
  readonly #liveBefore = { ...live };
  #group!: ThreadGroup;
  #owner!: Spawned;
  #blockTold = false;
  /** Who ends in this very turn says nothing more: what comes first then is a matter of microtasks. */
  readonly #ending = new Set<Speaking>();
  #finishing = false;
  #fault: Error | undefined;

  constructor(seed: number) {
    this.#model = new GroupModel(WAITS[seed % WAITS.length]!);
  }

  async run(schedule: Schedule): Promise<void> {
    const tree = run(this.#time.options, () => this.#main());
    await this.#time.settle();
    for (const step of schedule.steps) {
      if (step.word === 'tick') await this.#tick();
      else if (step.word === 'pass') await this.#pass(1 + (step.n % 3));
      else {
        if (this.#model.ahead || step.word === 'cancelOwner') await this.#tick();
        this.#do(step);
      }
      if (this.#fault !== undefined) break;
    }
    await this.#finish(tree);
  }

  async #main(): Promise<void> {
    this.#owner = spawn(() => this.#owned());
    await this.#owner.wait();
  }

  async #owned(): Promise<void> {
    spawn({ daemon: true }, async () => {
      try {
        await this.#outsider.wait();
      } finally {
        this.#outsider.inScope = undefined;
      }
    });
    const blocks = this.#ask({ word: 'block', by: this.#block, clears: false });
    try {
      await ThreadGroup.run({ wait: this.#model.wait }, (group) => this.#blockOf(group, blocks));
      blocks.actual = 'ok';
    } catch (error) {
      blocks.actual = this.#inWords(error);
    }
    // Those outside are stopped with the function that has spawned them.
    this.#block.inScope = undefined;
    this.#outsider.inScope = undefined;
    this.#guarded(() => this.#model.cancelSpeakers([this.#outsider], this.#operations));
    // Nobody else is to be told of what failed.
    for (const { exception } of this.#handles) void exception;
  }

  async #blockOf(group: ThreadGroup, blocks: Operation): Promise<void> {
    this.#group = group;
    let outcome = 'TT_CANCELLED';
    try {
      if ((await this.#block.wait()) === 'throw') {
        outcome = 'thrown';
        throw new Error('thrown');
      }
      outcome = 'join';
    } finally {
      this.#guarded(() => {
        if (outcome === 'join') this.#model.say(Object.assign(blocks, { word: 'join', last: true }));
        else this.#model.thrown(blocks, outcome);
      });
    }
  }

  #do(step: Step): void {
    const { word, n } = step;
    const handle = this.#handles[n % Math.max(1, this.#handles.length)];
    const model = this.#model.members[n % Math.max(1, this.#handles.length)];
    if (word === 'spawn') this.#spawn(step);
    else if (word === 'cancelOwner') this.#cancelOwner();
    else if (word === 'block') this.#tellBlock(n % 3 === 0 ? 'throw' : 'return');
    else if (word === 'end') this.#end(model, TOLD[step.actor % TOLD.length]!);
    else if (word === 'cancelMember') this.#cancelMember(model);
    else if (word === 'look') {
      if (handle?.exception !== undefined && model !== undefined) model.taken = true;
    } else {
      const able = this.#functions.filter((one) => one.inScope !== undefined && !this.#ending.has(one));
      if (able.length > 0) this.#say(step, able[(step.actor + n) % able.length]!);
    }
  }

  #spawn({ n, actor }: Step): void {
    const { closed, stopping, members } = this.#model;
    if (this.#group === undefined || stopping || members.length >= MOST_MEMBERS) return;
    const kind = KINDS[(n + actor) % KINDS.length]!;
    const daemon = n % 5 === 0;
    const name = `m${members.length}`;
    const ends: Partial<Record<Kind, End>> = { fails: 'failed', answers: 'returned' };
    const member = new ModelMember(name, daemon, ends[kind] ?? 'cancelled');
    const by = new Speaking(name, member);
    const word = (): Spawned => this.#group.spawn({ name, daemon }, () => bodyOf(by, kind));
    // Whoever says it: members are the group's.
    const { inScope } = this.#functions[actor % this.#functions.length]!;
    let handle: Spawned;
    try {
      handle = (inScope ?? this.#block.inScope)?.(word) ?? word();
    } catch (error) {
      if (!closed) throw error;
      return;
    }
    if (closed) throw new Error(`${name} was spawned into a closed group`);
    // One that is cancelled before it begins is never called.
    if (member.whenCancelled !== 'cancelled') member.ways.add('cancelled');
    members.push(member);
    this.#handles.push(handle);
    this.#functions.push(by);
    // One that fails cancels what it has left waiting.
    handle.child.events.on('failed', () => this.#guarded(() => this.#model.cancelSpeakers([member], this.#operations)));
    handle.child.events.on('ended', ({ kind: outcome }) => {
      const returned = handle.result === undefined ? 'nothing' : 'returned';
      const end: End = outcome === 'failed' ? 'failed' : handle.cancelled ? 'cancelled' : returned;
      by.inScope = undefined;
      this.#guarded(() => this.#model.memberEnded(member, end, this.#operations));
    });
  }

  #end(member: ModelMember | undefined, told: Told): void {
    const by = this.#functions.find((one) => one.member === member);
    if (by === undefined || member === undefined || member.end !== undefined || by.told.size > 0) return;
    member.ways.add(HOW_TOLD[told]);
    by.told.tryPut(told);
    this.#ending.add(by);
  }

  #cancelMember(member: ModelMember | undefined): void {
    if (member === undefined || member.end !== undefined) return;
    this.#model.cancelSpeakers([member], this.#operations);
    this.#handles[this.#model.members.indexOf(member)]!.requestCancel();
  }

  #tellBlock(told: 'return' | 'throw'): void {
    if (this.#blockTold) return;
    this.#blockTold = true;
    this.#block.told.tryPut(told);
  }

  #cancelOwner(): void {
    const { members } = this.#model;
    if (this.#model.stopping || this.#owner.ended) return;
    this.#model.stopping = true;
    this.#model.cancelSpeakers([this.#block, this.#outsider, ...members], this.#operations);
    this.#owner.requestCancel();
  }

  #ask(asked: Pick<Asked, 'word' | 'by' | 'clears'>, step?: Step): Operation {
    const limitMs = limitOf(step, asked.clears);
    const operation = { ...asked, limitMs, until: this.#time.now + limitMs, expected: undefined, actual: undefined };
    this.#operations.push(operation);
    return operation;
  }

  #say(step: Step, who: Speaking): void {
    const word = step.word as keyof typeof groupWords;
    // Its join cancels itself, and is told of its own failure or not.
    if (word === 'join' && who.member?.whenCancelled === 'failed') return;
    // A member would cancel itself, and a result be seen or not: who is faster then is a matter of microtasks.
    const clears = who.member === undefined && word === 'nextDone' && step.n % 2 === 0;
    const operation = this.#ask({ word, by: who.member ?? who, clears }, step);
    this.#model.say(operation);
    const wait = (): Promise<unknown> => this.#word(word, clears);
    const limited = operation.limitMs === Infinity ? wait : () => timeoutAfter(operation.limitMs, wait);
    who.inScope!(limited).then(
      (value) => {
        operation.actual = this.#valueInWords(word, value);
        this.#guarded(() => this.#compare(operation));
        const goesOn = who.inScope !== undefined && !this.#finishing && !this.#model.ahead;
        if (step.next !== undefined && goesOn) this.#guarded(() => this.#say(step.next!, who));
      },
      (error: unknown) => {
        operation.actual = this.#inWords(error);
        this.#guarded(() => this.#compare(operation));
      },
    );
  }

  #word(word: keyof typeof groupWords, cancelRemaining: boolean): Promise<unknown> {
    switch (word) {
      case 'nextDone':
        return this.#group.nextDone({ cancelRemaining });
      case 'nextResult':
        return this.#group.nextResult();
      case 'next':
        return this.#group[Symbol.asyncIterator]()
          .next()
          .then(({ value }) => value as unknown);
      case 'join':
        return this.#group.join();
      case 'cancelRemaining':
        return this.#group.cancelRemaining();
    }
  }

  #valueInWords(word: string, value: unknown): string {
    if (word === 'join' || word === 'cancelRemaining') return 'ok';
    if (word === 'nextResult') return value === undefined ? 'nothing' : (value as string);
    return value === undefined ? 'none' : this.#nameOf(value);
  }

  #nameOf(handle: unknown): string {
    return `m${this.#handles.indexOf(handle as Spawned)}`;
  }

  #inWords(error: unknown): string {
    const { code, failed, message } = error as { code?: string; failed?: readonly unknown[]; message: string };
    if (code === 'TT_THREAD_GROUP') return `failed: ${failed!.map((handle) => this.#nameOf(handle)).join(' ')}`;
    return code ?? message;
  }

  #compare(operation: Operation): void {
    const { by, word, expected, actual } = operation;
    if (isExpected(operation, actual)) return;
    const was = actual === undefined ? 'waits' : `gave ${actual}`;
    throw new Error(`${word} of ${by.name} ${was} instead of ${expected ?? 'waiting'}`);
  }

  /** All that can run does; then both are compared. */
  async #tick(): Promise<void> {
    await this.#time.settle();
    this.#model.ahead = false;
    this.#ending.clear();
    this.#guarded(() => this.#check());
  }

  #check(): void {
    const { alive, closed, completed } = this.#model;
    for (const operation of this.#operations) this.#compare(operation);
    const real = { size: this.#group.size, closed: this.#group.closed, completed: this.#group.completed };
    if (real.size !== alive.length) throw new Error(`${real.size} members are alive instead of ${alive.length}`);
    if (real.closed !== closed) throw new Error(`the group is ${real.closed ? 'closed' : 'open'}, and should not be`);
    const name = real.completed === undefined ? undefined : this.#nameOf(real.completed);
    if (name !== completed?.name) throw new Error(`${name} is completed instead of ${completed?.name}`);
  }

  async #pass(ms: number): Promise<void> {
    await this.#tick();
    const { clock, now } = this.#time;
    for (let due = clock.nextDue; due !== undefined && due <= now + ms; due = clock.nextDue) {
      for (const operation of this.#operations) {
        if (operation.until <= due && operation.expected === undefined) this.#model.expired(operation);
      }
      while (clock.nextDue === due) clock.fireNext(due);
      await this.#tick();
    }
    clock.moveTo(now + ms);
    await this.#tick();
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fault ??= error as Error;
    }
  }

  /** Lets everything end, and looks at what is left. */
  async #finish(tree: Promise<void>): Promise<void> {
    this.#finishing = true;
    if (this.#fault === undefined) {
      await this.#tick();
      for (const member of this.#model.members) {
        this.#end(member, 'return');
        await this.#pass(CLEAN_UP_MS + 1);
        this.#cancelMember(member);
      }
      await this.#pass(CLEAN_UP_MS + 1);
      // Who is left in the group, and in which order.
      for (let n = 0; n < 2 && this.#outsider.inScope !== undefined; n++) {
        this.#say({ word: 'next', actor: 1, n, timeoutMs: 0 }, this.#outsider);
      }
      this.#tellBlock('return');
      await this.#pass(CLEAN_UP_MS + 1);
    }
    if (this.#fault !== undefined) {
      this.#owner.requestCancel();
      await this.#time.run(tree.catch(() => {}));
      throw this.#fault;
    }
    if (!this.#owner.ended) throw new Error('the function of the group does not end');
    for (const { by, word, expected } of this.#operations) {
      if (expected === undefined) throw new Error(`${word} of ${by.name} is never over, by the model`);
    }
    await this.#time.run(tree);
    for (const kind of Object.keys(live) as (keyof typeof live)[]) {
      if (live[kind] !== this.#liveBefore[kind])
        throw new Error(`${live[kind] - this.#liveBefore[kind]} ${kind} are left`);
    }
  }
}

/** Many of those that cancel the others are cut short while these clean up. */
function limitOf(step: Step | undefined, clears: boolean): number {
  const ms = step === undefined ? 0 : clears && step.timeoutMs === 0 ? step.n % 4 : step.timeoutMs;
  return ms === 0 ? Infinity : ms + 0.5;
}

async function bodyOf(by: Speaking, kind: Kind): Promise<string | undefined> {
  if (kind !== 'nests') return await bodyAlone(by, kind);
  let inner: ThreadGroup | undefined;
  try {
    return await ThreadGroup.run({ wait: 'none' }, async (group) => {
      inner = group;
      for (let i = 0; i < 2; i++) group.spawn(sleep, 60_000);
      return await bodyAlone(by, kind);
    });
  } finally {
    if (inner?.size !== 0) await shield(1, () => by.told.join()).catch(() => {});
  }
}

async function bodyAlone(by: Speaking, kind: Kind): Promise<string | undefined> {
  let told: Told | 'throw' | undefined;
  try {
    told = await by.wait();
    if (told === 'fail') throw new Error(`told to: ${by.name}`);
    return told === 'return' ? `value of ${by.name}` : undefined;
  } catch (error) {
    if (told === undefined && kind === 'fails') throw new Error(`too late: ${by.name}`);
    if (told === undefined && kind === 'answers') return `value of ${by.name}`;
    throw error;
  } finally {
    if (kind === 'cleans up') await shield(100, sleep, CLEAN_UP_MS);
  }
}
