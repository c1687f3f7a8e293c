/**
 * One thing that one execution owns at a time, handed on in the order of arrival. `Lock`, `RLock` and `Condition` are words
 * over this.
 *
 *     acquire ──► free? ──► owned ──► released ──► the first in line owns it, in the same step
 *        └──► in line ──────▲
 *
 * Rules: it is handed over, never put down for whoever comes first, so nobody overtakes, and *free* means that nobody waits;
 * who was cancelled has left the line and can be handed nothing. What is owned is a stack of holds, one for each acquire of
 * the owner (a stack of one where an owner may not acquire again): so a guard that comes late gives back its own hold or
 * nothing.
 *
 * An owner that ends without giving it back leaves it owned, as in Python: what it guards may be half changed, and nobody
 * else can know. The snapshot says so.
 */
import type { CancelScope, Scoped } from '../kernel/cancel-scope.ts';
import { NO_PARTIES, type Party, type WaitDetails } from '../kernel/party.ts';
import { NotOwnerError, OverReleasedError } from '../kernel/sync-errors.ts';
import { type Waiter, type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import { Doorway, type WaitOptions } from './doorway.ts';
import type { Guard } from './guard.ts';

export interface LockSnapshot {
  readonly locked: boolean;
  /** Who has it, in words: `task read of /Master-1/Reader-2`. Undefined where no scope was given, and when it is free. */
  readonly heldBy: string | undefined;
  readonly heldForMs: number | undefined;
  /** The thread that has it has ended: nobody will give it back, unless a guard was handed on. */
  readonly holderEnded: boolean;
  /** How many times its owner has acquired it and not released. */
  readonly depth: number;
  readonly waiting: number;
}

/** One acquire that was not given back. */
export class Hold implements Guard {
  readonly #owned: Ownership;
  /** Unknown when it was acquired without waiting, and without a scope. */
  readonly scope: Scoped | undefined;
  readonly since: number;
  /** The hold that the same owner had before. */
  readonly outer: Hold | undefined;
  over = false;

  constructor(owned: Ownership, scope: Scoped | undefined, outer?: Hold) {
    this.#owned = owned;
    this.scope = scope;
    this.since = scope?.cancelScope.host.scheduler.coarseNow ?? 0;
    this.outer = outer;
  }

  release(): void {
    this.#owned.giveBack(this);
  }

  [Symbol.dispose](): void {
    this.#owned.giveBack(this);
  }
}

/** Who waits for a whole stack of holds to come back to it. */
class Return {
  readonly top: Hold;

  constructor(top: Hold) {
    this.top = top;
  }
}

export interface OwnershipOptions {
  /** `lock`, `rlock`: as in the names of words. */
  readonly name: string;
  /** Its owner may acquire it again, and nobody else may release it. */
  readonly ownerOnly: boolean;
}

export class Ownership implements WaitOwner {
  readonly door: Doorway = new Doorway();
  readonly #line = new WaitQueue();
  readonly #name: string;
  readonly #ownerOnly: boolean;
  /** The last hold of the owner; undefined while it is free. */
  #top: Hold | undefined;

  constructor(options: OwnershipOptions) {
    this.#name = options.name;
    this.#ownerOnly = options.ownerOnly;
  }

  get owned(): boolean {
    return this.#top !== undefined;
  }

  acquire(options: WaitOptions | undefined): Promise<Guard> {
    const scope = this.door.enter(options, `${this.#name}.acquire`);
    if (scope instanceof Promise) return scope;
    const hold = this.#take(scope);
    if (hold !== undefined) return this.door.done(scope, hold);
    return this.door.wait(this.#line, this, scope, { item: scope }) as Promise<Guard>;
  }

  tryAcquire(options: WaitOptions | undefined): Guard | undefined {
    return this.#take(this.door.pass(options));
  }

  /** Throws unless this execution may use what is owned. */
  check(scope: Scoped | undefined, word: string): void {
    const top = this.#top;
    if (top === undefined || (this.#ownerOnly && top.scope?.holder !== scope?.holder)) {
      throw new NotOwnerError(word, top === undefined ? undefined : nameOf(top));
    }
  }

  /** Gives the owner's last hold back. */
  release(scope: Scoped | undefined): void {
    const word = `${this.#name}.release`;
    if (this.#top === undefined) throw new OverReleasedError(word, 'nobody holds the lock');
    this.check(scope, word);
    this.giveBack(this.#top);
  }

  giveBack(hold: Hold): void {
    this.door.pass();
    hold.over = true;
    // It may be no hold of today's owner: given back before, or of one that waits for a condition and looks when it returns.
    if (this.#top === undefined) return;
    this.#top = openHold(this.#top);
    if (this.#top === undefined) this.#handOn();
  }

  /** Gives up all holds of the owner at once; what is returned is for `comeBack`. */
  stepBack(): Hold {
    const top = this.#top!;
    this.#top = undefined;
    this.#handOn();
    return top;
  }

  /** Waits until all those holds are the owner's again. Only the end of a thread should reach the scope. */
  comeBack(top: Hold, scope: CancelScope): Promise<unknown> | undefined {
    // Who has ended is given nothing, also when it is free: nobody would release it.
    if (this.#top !== undefined || scope.refusal !== undefined) {
      return this.#line.park(this, { scope, item: new Return(top), by: top.scope });
    }
    this.#top = openHold(top);
    return undefined;
  }

  snapshot(): LockSnapshot {
    const first = this.#top && firstOf(this.#top);
    const scope = first?.scope?.cancelScope;
    let depth = 0;
    for (let hold = this.#top; hold !== undefined; hold = hold.outer) if (!hold.over) depth++;
    return {
      locked: first !== undefined,
      heldBy: first?.scope && String(first.scope),
      heldForMs: scope && Math.max(0, scope.host.scheduler.coarseNow - first!.since),
      holderEnded: scope?.ended ?? false,
      depth,
      waiting: this.#line.length,
    };
  }

  describeWait(): string {
    return this.#top === undefined ? `a ${this.#name}` : `a ${this.#name} that ${nameOf(this.#top)} holds`;
  }

  waitCancelled(_waiter: Waiter): void {}

  /** Where only the owner can give it back, as long as its hook or function lasts. What else may release a lock, nobody knows. */
  blockersOf(): readonly Party[] {
    const party = this.#ownerOnly ? this.#top?.scope?.party : undefined;
    return party?.owner.runs(party) === true ? [party] : NO_PARTIES;
  }

  detailsOf(): WaitDetails {
    return { word: 'acquire' };
  }

  #take(scope: Scoped | undefined): Hold | undefined {
    const top = this.#top;
    // Asked for although the lock may be free: a turn that somebody has asked this stays that of its execution.
    const holder = this.#ownerOnly ? scope?.holder : undefined;
    if (top !== undefined && !(this.#ownerOnly && top.scope?.holder === holder)) return undefined;
    this.#top = new Hold(this, scope, top);
    return this.#top;
  }

  #handOn(): void {
    for (let next = this.#line.first; next !== undefined && this.#top === undefined; next = this.#line.first) {
      const { item } = next;
      // One that returns and has disposed of its guards meanwhile takes nothing.
      this.#top = item instanceof Return ? openHold(item.top) : new Hold(this, item as Scoped);
      next.wake(this.#top);
    }
  }
}

/** The last hold of a stack that was not given back. */
function openHold(top: Hold | undefined): Hold | undefined {
  let hold = top;
  while (hold?.over === true) hold = hold.outer;
  return hold;
}

function firstOf(top: Hold): Hold {
  let hold = top;
  while (hold.outer !== undefined) hold = hold.outer;
  return hold;
}

function nameOf(hold: Hold): string {
  return hold.scope === undefined ? 'somebody' : String(hold.scope);
}
