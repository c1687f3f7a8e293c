/**
 * What a `ThreadGroup` promises, as plain lists. It is told of each word in the moment in which it is said, and of each end of a
 * member when that is told; from these it knows at once who gets whom, which join is over and with what, and who is cancelled.
 * When a member ends it does not know beforehand, only how it may.
 */

/** How a member ended. `nothing`: it returned neither a value nor an error. */
export type End = 'returned' | 'nothing' | 'failed' | 'cancelled';

export type GroupWait = 'all' | 'any' | 'object' | 'none';

/** Who says words: the block of the group, a function outside of it, or a member. */
export interface Speaker {
  readonly name: string;
  readonly member: ModelMember | undefined;
  /** What each wait of it that begins now is refused with. */
  refusal: string | undefined;
}

export class ModelMember implements Speaker {
  readonly name: string;
  readonly daemon: boolean;
  /** How it ends when it is cancelled. */
  readonly whenCancelled: End;
  refusal: string | undefined;
  /** Ways in which it may end, by what has befallen it. */
  readonly ways = new Set<End>();
  end: End | undefined;
  /** Its failure was told, or looked at. */
  taken = false;

  constructor(name: string, daemon: boolean, whenCancelled: End) {
    this.name = name;
    this.daemon = daemon;
    this.whenCancelled = whenCancelled;
  }

  get member(): ModelMember {
    return this;
  }
}

/** A word that waits, and what the model expects of it. */
export interface Asked {
  readonly by: Speaker;
  readonly word: 'nextDone' | 'nextResult' | 'next' | 'join' | 'cancelRemaining' | 'block';
  /** Cancels the others when it has been given one. */
  readonly clears: boolean;
  expected: string | undefined;
  /** What a join that ends the group will say: `join` for what the members have made of it. */
  outcome?: string;
  /** A join by the end of the block: what others were told it does not tell again. */
  last?: boolean;
  /** It ends the group inside a member, and waits for the others only. */
  inside?: boolean;
  /** Whom it was given, and may have to give back. */
  holds?: ModelMember | undefined;
}

/** By a cancel, or by the end that follows it: which of them, is a matter of microtasks. */
const CUT_SHORT = 'cut short';

/** What came is what the model expects. */
export function isExpected({ expected }: Asked, actual: string | undefined): boolean {
  if (expected !== CUT_SHORT) return actual === expected;
  return actual === 'TT_CANCELLED' || actual === 'TT_THREAD_ENDED';
}

export class GroupModel {
  readonly wait: GroupWait;
  readonly members: ModelMember[] = [];
  closed = false;
  completed: ModelMember | undefined;
  /** Its thread is being cancelled. */
  stopping = false;
  /** It knows already who will be cancelled; the group does it some microtasks later. */
  ahead = false;
  readonly #done: ModelMember[] = [];
  readonly #takers: Asked[] = [];
  readonly #joiners: Asked[] = [];
  /** Whose failure was told by a join. */
  readonly #told: ModelMember[] = [];
  /** Wait for the end of all: those that have closed the group, and those that have only cancelled. */
  readonly #ending: Asked[] = [];
  readonly #clearing: Asked[] = [];
  readonly #ended: ModelMember[] = [];
  /** What those do who have been given something: when all is given that is to give. */
  readonly #later: (() => void)[] = [];

  constructor(wait: GroupWait) {
    this.wait = wait;
  }

  get alive(): readonly ModelMember[] {
    return this.members.filter((member) => member.end === undefined);
  }

  get #awaited(): number {
    return this.alive.filter((member) => !member.daemon).length;
  }

  say(asked: Asked): void {
    if (asked.word === 'join') this.#join(asked);
    else if (asked.word === 'cancelRemaining') this.#clear(asked);
    else if (asked.by.refusal !== undefined) asked.expected = asked.by.refusal;
    else if (this.#done.length > 0) this.#give(asked, this.#done.shift());
    else if (this.#awaited === 0) this.#give(asked, undefined);
    else this.#takers.push(asked);
    this.#settle();
  }

  /** The block has thrown. */
  thrown(asked: Asked, outcome: string): void {
    this.#endGroup(asked, outcome);
    this.#settle();
  }

  /** Their scopes were cancelled, in one step. */
  cancelSpeakers(speakers: readonly Speaker[], asked: readonly Asked[]): void {
    for (const speaker of speakers) {
      speaker.refusal ??= 'TT_CANCELLED';
      speaker.member?.ways.add(speaker.member.whenCancelled);
    }
    const left = asked.filter(({ by }) => speakers.includes(by)).map((one) => this.#leave(one, 'TT_CANCELLED'));
    for (const follow of left) follow();
    this.#settle();
  }

  /** Its time was over. */
  expired(asked: Asked): void {
    this.#reached(asked, 'TT_TIMEOUT');
    this.#settle();
  }

  memberEnded(member: ModelMember, end: End, asked: readonly Asked[]): void {
    if (!member.ways.has(end)) throw new Error(`${member.name} ${end}, and nothing had it end so`);
    member.end = end;
    this.#ended.push(member);
    member.refusal = 'TT_THREAD_ENDED';
    const left = asked.filter(({ by }) => by === member).map((one) => this.#leave(one, 'TT_THREAD_ENDED'));
    if (!member.daemon) {
      this.#pass(member, 'last');
      if (this.#awaited === 0) {
        for (const taker of this.#takers.splice(0)) this.#give(taker, undefined);
        for (const joiner of this.#joiners.splice(0)) this.#endGroup(joiner, 'join');
      }
    }
    for (const follow of left) follow();
    this.#settle();
  }

  /** Cancels the members; who they are is for the world to know too. */
  cancelMembers(): void {
    for (const member of this.alive) {
      if (member.refusal !== undefined) continue;
      member.refusal = 'TT_CANCELLED';
      member.ways.add(member.whenCancelled);
      for (const line of [this.#takers, this.#joiners, this.#clearing]) {
        for (const one of [...line]) if (one.by === member) this.#reached(one, CUT_SHORT);
      }
    }
  }

  #join(asked: Asked): void {
    const { refusal } = asked.by;
    if (refusal !== undefined || this.closed || this.wait === 'none') this.#endGroup(asked, refusal ?? 'join');
    else if (this.#findsAnswer() || this.#awaited === 0) this.#endGroup(asked, 'join');
    else this.#joiners.push(asked);
  }

  /** Takes those that have ended, up to one that ends the wait. */
  #findsAnswer(): boolean {
    while (this.#done.length > 0) if (this.#isOver(this.#done.shift()!)) return true;
    return false;
  }

  #endGroup(asked: Asked, outcome: string): void {
    this.closed = true;
    this.ahead = true;
    asked.outcome = outcome;
    asked.inside = asked.by.member !== undefined && asked.by.member.end === undefined;
    this.#ending.push(asked);
    this.#later.push(() => this.cancelMembers());
  }

  #clear(asked: Asked): void {
    // The word of a thread that has ended does nothing.
    if (asked.by.refusal !== 'TT_THREAD_ENDED') this.cancelMembers();
    const { refusal } = asked.by;
    if (refusal === undefined) this.#clearing.push(asked);
    else {
      this.#giveBack(asked);
      asked.expected = refusal;
    }
  }

  #give(asked: Asked, member: ModelMember | undefined): void {
    asked.holds = member;
    if (asked.clears) {
      this.ahead = true;
      this.#later.push(() => this.#clear(asked));
    } else this.#finish(asked);
  }

  #giveBack(asked: Asked): void {
    const member = asked.holds;
    asked.holds = undefined;
    if (member !== undefined) this.#pass(member, 'first');
  }

  #finish(asked: Asked): void {
    const member = asked.holds;
    if (asked.word === 'cancelRemaining') asked.expected = 'ok';
    else if (asked.word !== 'nextResult') asked.expected = member?.name ?? 'none';
    else if (member === undefined) asked.expected = 'TT_GROUP_EMPTY';
    else {
      member.taken = true;
      const { end, name } = member;
      if (end === 'returned') asked.expected = `value of ${name}`;
      else if (end === 'nothing') asked.expected = 'nothing';
      else asked.expected = end === 'cancelled' && this.stopping ? 'TT_CANCELLED' : 'TT_THREAD_ERROR';
    }
  }

  #pass(member: ModelMember, order: 'first' | 'last'): void {
    const taker = this.#takers.shift();
    if (taker !== undefined) this.#give(taker, member);
    else if (this.#joiners.length > 0) {
      if (this.#isOver(member)) this.#endGroup(this.#joiners.shift()!, 'join');
    } else if (order === 'last') this.#done.push(member);
    else this.#done.unshift(member);
  }

  #isOver(member: ModelMember): boolean {
    if (member.end === 'failed') return true;
    if (member.end === 'cancelled') return this.stopping;
    if (this.wait === 'object' && member.end === 'nothing') return false;
    this.completed ??= member;
    return this.wait !== 'all';
  }

  #reached(asked: Asked, why: string): void {
    this.#leave(asked, why)();
  }

  /** It has left its line, and can be given nothing; what follows from that comes later. */
  #leave(asked: Asked, why: string): () => void {
    if (remove(this.#joiners, asked)) return () => this.#endGroup(asked, why);
    const clearing = remove(this.#clearing, asked);
    if (!clearing && !remove(this.#takers, asked)) return () => {};
    return () => {
      this.#giveBack(asked);
      asked.expected = why;
    };
  }

  /** Who waits for the end of all, and has it: those outside first. */
  #settle(): void {
    for (let next = this.#later.shift(); next !== undefined; next = this.#later.shift()) next();
    const { alive } = this;
    if (alive.length === 0) for (const asked of this.#clearing.splice(0)) this.#finish(asked);
    const inside = new Set(this.#ending.map(({ by }) => by.member).filter((member) => member?.end === undefined));
    const onlyThemselves = alive.every((member) => inside.has(member));
    for (const asked of [...this.#ending].sort((a, b) => Number(a.inside) - Number(b.inside))) {
      if (alive.length > 0 && !(asked.inside === true && onlyThemselves)) continue;
      remove(this.#ending, asked);
      const { outcome } = asked;
      const failed = outcome === 'join' || asked.word === 'block' ? this.#newlyFailed() : [];
      if (outcome === 'join') this.#told.push(...failed);
      // The error of the block goes before those of members.
      if (outcome === 'join') asked.expected = inWords(asked.last === true ? failed : this.#told);
      // What is around the limit goes before it, if that is cancelled by now.
      else asked.expected = outcome === 'TT_TIMEOUT' && asked.by.refusal !== undefined ? CUT_SHORT : outcome;
    }
  }

  #newlyFailed(): ModelMember[] {
    const failed = this.#ended.filter(({ end, taken }) => end === 'failed' && !taken);
    for (const member of failed) member.taken = true;
    return failed;
  }
}

function inWords(failed: readonly ModelMember[]): string {
  return failed.length === 0 ? 'ok' : `failed: ${failed.map(({ name }) => name).join(' ')}`;
}

function remove(line: Asked[], asked: Asked): boolean {
  const index = line.indexOf(asked);
  if (index === -1) return false;
  line.splice(index, 1);
  return true;
}
