/**
 * A thread for exploring the core: does what its program gives it, and watches the laws that hold for every thread meanwhile:
 * hooks never overlap (4), nothing of the user's is called after the end (12), `exit` runs once (11), signals of one lane come in
 * the order sent (4), a parent outlives its children (3), stops them when its own inbox is worked off (10), and is told of each end (4),
 * what was accepted is handled or told as lost, what was refused is neither (6), no end and no restart is untold (15).
 */
import {
  type AnyChild,
  type Child,
  type ChildSpec,
  type Outcome,
  type RestartSpec,
  TaskThread,
  type TaskTurn,
  type ThreadOptions,
  type Turn,
} from '../../src/index.ts';
import type { Reply } from '../../src/intercom/ask.ts';
import type { LifecycleRecord } from '../../src/kernel/probe.ts';
import type { Simulation } from '../../src/testing/index.ts';

export interface Word {
  readonly from: string;
  /** All words of a run are numbered in the order in which they were made, and so sent. */
  readonly n: number;
  readonly reply?: Reply<number>;
}

/** What is wrong, over all threads of a run, and how many words each has sent. */
export class Watch {
  readonly wrong: string[] = [];
  readonly threads: Watched[] = [];
  readonly #sim: Simulation;
  /** Of each word by its number: how often it was heard or told as lost, and what its sender was told. */
  /** The threads of which an end was told, and not yet that they are started again. */
  readonly #ended = new Set<string>();
  readonly #fates: { heard: number; lost: number; sender: 'accepted' | 'refused' | undefined }[] = [];

  constructor(sim: Simulation) {
    this.#sim = sim;
    sim.always('the laws of a thread', () => {
      if (this.wrong.length > 0) throw new Error(this.wrong.join('; '));
    });
  }

  /** Starts the root of a tree. What is told of its threads is looked at too. */
  async start(root: Watched): Promise<Child<Watched>> {
    // A root that sends nothing up, as the types want to have it.
    const handle = (await this.#sim.start(root as never, { onRecord: this.#told })) as unknown as Child<Watched>;
    root.handle = handle;
    return handle;
  }

  readonly #told = (record: LifecycleRecord): void => {
    const { kind, path } = record;
    if (kind === 'ended') {
      if (this.#ended.has(path)) this.blame(`the end of ${path} is told again`);
      this.#ended.add(path);
    } else if (kind === 'restarting') {
      if (!this.#ended.delete(path)) this.blame(`${path} is to be started again, and has not ended`);
    } else if (kind === 'entered' && this.#ended.has(path)) {
      this.blame(`${path} is started again, and nobody was told`);
    }
  };

  word(from: string, reply?: Reply<number>): Word {
    const n = this.#fates.length;
    this.#fates.push({ heard: 0, lost: 0, sender: undefined });
    return { from, n, ...(reply && { reply }) };
  }

  /** Notes what becomes of a send, for its sender; one that is refused throws nothing here. */
  async sent({ n }: Word, sending: Promise<void> | undefined): Promise<boolean> {
    try {
      await sending;
      this.#fates[n]!.sender = 'accepted';
      return true;
    } catch {
      this.#fates[n]!.sender = 'refused';
      return false;
    }
  }

  heard({ n }: Word): void {
    if (++this.#fates[n]!.heard > 1) this.blame(`word ${n} is heard again`);
  }

  lost({ n }: Word): void {
    if (++this.#fates[n]!.lost > 1) this.blame(`word ${n} is lost again`);
  }

  /** At the end of a run. */
  checkFates(): void {
    for (const [n, { heard, lost, sender }] of this.#fates.entries()) {
      if (sender === 'accepted' && heard + lost === 0) this.blame(`word ${n} was accepted, and is nowhere`);
      if (sender === 'refused' && heard + lost > 0) this.blame(`word ${n} was refused, and is there`);
    }
  }

  blame(what: string): void {
    this.wrong.push(what);
  }

  /** Some steps pass, by the seed. */
  async aWhile(most: number): Promise<void> {
    for (let left = Math.floor(this.#sim.random() * most); left > 0; left--) await this.#sim.checkpoint();
  }

  pick<T>(things: readonly T[]): T {
    return things[Math.floor(this.#sim.random() * things.length)]!;
  }
}

export interface Hooks {
  readonly enter?: (me: Watched, turn: Turn<Word>) => unknown;
  readonly signal?: (word: Word, turn: Turn<Word>, me: Watched) => unknown;
  readonly childSignal?: (word: Word, turn: Turn<Word>, me: Watched) => unknown;
  readonly childEnded?: (child: AnyChild, turn: Turn, me: Watched) => unknown;
  readonly exit?: (turn: Turn, me: Watched) => unknown;
}

export class Watched extends TaskThread<Word, Word, Word> {
  readonly watch: Watch;
  readonly handled: Word[] = [];
  readonly ends: string[] = [];
  exits = 0;
  entered = false;
  over = false;
  readonly #hooks: Hooks;
  #running: string | undefined;
  /** The tasks whose turn is under way, by name. */
  readonly #turns = new Set<string>();
  readonly #last = new Map<string, number>();
  /** In its inbox a later word takes the place of one with the same key: order holds for each key only. */
  readonly #replaces: boolean;
  /** Those that it has added, and that have begun. */
  readonly living = new Set<Watched>();
  #above: Watched | undefined;
  /** Known once it has entered. */
  handle: Child<Watched> | undefined;

  constructor(watch: Watch, hooks: Hooks = {}, options?: ThreadOptions<Word, Word>) {
    super(options);
    this.#replaces = options?.inbox?.policy === 'latest';
    this.watch = watch;
    this.#hooks = hooks;
    watch.threads.push(this);
  }

  protected override async enter(turn: Turn<Word>) {
    this.#above?.living.add(this);
    // The listeners outlive an incarnation: those of the last one have said what they had to.
    this.events.removeAllListeners();
    this.events.on('deadLetter', (signal) => this.watch.lost(signal as Word));
    this.events.on('stopping', (why) => {
      const left = this.#above?.handle?.snapshot().edge.down?.queued ?? 0;
      if (why !== 'its parent is stopping' || left === 0) return;
      this.watch.blame(`${this.path} is stopped, and ${left} words are left in the inbox of its parent`);
    });
    this.events.once('entered', () => {
      this.entered = true;
    });
    this.events.on('ended', (outcome) => {
      if (this.over) this.watch.blame(`the end of ${this.path} is announced again`);
      this.over = true;
      for (const child of this.living) {
        if (!child.over) this.watch.blame(`${child.path} outlives ${this.path}`);
        const told = this.ends.includes(child.path);
        if (child.entered && !told && outcome.verdict === 'clean' && outcome.kind !== 'failed') {
          this.watch.blame(`${this.path} is not told of the end of ${child.path}`);
        }
      }
    });
    await this.#hook('enter', () => this.#hooks.enter?.(this, turn));
  }

  protected override signalHandler(word: Word, turn: Turn<Word>) {
    this.#hear('from its parent', word);
    return this.#hook('signalHandler', () => this.#hooks.signal?.(word, turn, this));
  }

  protected override childSignalHandler(word: Word, child: AnyChild, turn: Turn<Word>) {
    if (this.ends.includes(child.path)) this.watch.blame(`${this.path} hears ${child.path} after its end`);
    this.#hear(child.path, word);
    return this.#hook('childSignalHandler', () => this.#hooks.childSignal?.(word, turn, this));
  }

  protected override async childEnded(child: AnyChild, _outcome: Outcome, turn: Turn<Word>) {
    if (this.ends.includes(child.path)) this.watch.blame(`${this.path} is told twice of the end of ${child.path}`);
    this.ends.push(child.path);
    await this.#hook('childEnded', () => this.#hooks.childEnded?.(child, turn, this));
  }

  protected override async exit(turn: Turn<Word>) {
    this.exits++;
    if (this.exits > 1) this.watch.blame(`exit of ${this.path} runs again`);
    if (this.over) this.watch.blame(`exit of ${this.path} after its end`);
    await this.#hooks.exit?.(turn, this);
  }

  add(child: Watched, spec: ChildSpec = { onFailure: 'ignore' }): Promise<Child<Watched>> {
    child.#above = this;
    const added = this.addChild(child, spec);
    added.then(
      (handle) => {
        child.handle = handle;
      },
      () => {},
    );
    return added;
  }

  /** A child that is started again. Each incarnation is another thread, and only the last one's end is told. */
  addAgain(make: () => Watched, spec: RestartSpec): Promise<Child<Watched>> {
    return this.addChild(make, spec);
  }

  onStopping(told: (why: string) => void): void {
    this.events.on('stopping', told);
  }

  /** In the name of this thread; nobody waits for it. */
  tell(child: Child<Watched>, word: Word): void {
    void this.watch.sent(word, this.send(child, word));
  }

  task(name: string, body: (turn: TaskTurn<Word>) => unknown, options?: { readonly intake?: boolean }): void {
    const watched = async (turn: TaskTurn<Word>): Promise<void> => {
      if (this.over) this.watch.blame(`a turn of ${name} of ${this.path} after its end`);
      if (this.#turns.has(name)) this.watch.blame(`two turns of ${name} of ${this.path} at once`);
      this.#turns.add(name);
      try {
        await body(turn);
      } finally {
        this.#turns.delete(name);
      }
    };
    this.tasks.reCreate(name, watched, options);
  }

  delete(name: string, turn?: Turn<Word>): Promise<void> {
    return this.tasks.delete(name, turn === undefined ? {} : { scope: turn });
  }

  /** Another hook while one runs, or any after the end, is wrong. */
  #hook(what: string, run: () => unknown): unknown {
    if (this.over) this.watch.blame(`${what} of ${this.path} after its end`);
    if (this.#running !== undefined) this.watch.blame(`${what} of ${this.path} during its ${this.#running}`);
    const result = run();
    if (!(result instanceof Promise)) return result;
    this.#running = what;
    return result.finally(() => {
      this.#running = undefined;
    });
  }

  #hear(lane: string, word: Word): void {
    const key = this.#replaces ? `${lane} ${word.from}` : lane;
    const last = this.#last.get(key) ?? -1;
    if (word.n <= last) this.watch.blame(`${this.path} hears word ${word.n} after ${last}`);
    this.#last.set(key, word.n);
    this.handled.push(word);
    this.watch.heard(word);
  }
}
