/**
 * A random program on the tree, as plain data: which threads there are, how their lanes are bounded, and the little scripts
 * that their hooks and tasks run. The same seed gives the same program; being data it can be printed, and made smaller.
 *
 * Not here: what executes it (`random-thread`, `run`) and what must hold meanwhile (`ledger`, `checks`).
 */
import type { OverflowPolicy } from '../../src/intercom/overflow.ts';
import type { SupervisionOptions } from '../../src/taskthread/supervision.ts';
import { Dice } from '../../src/testing/dice.ts';

export interface Budget {
  readonly drainMs: number;
  readonly cancelMs: number;
}

export interface LanePlan {
  readonly capacity: number;
  readonly policy: OverflowPolicy;
  readonly counted: boolean;
  readonly maxBytes: number | undefined;
}

/** `sync`: nothing is awaited. `return`: what the last step gives is returned. `async`: step by step. */
export type Mode = 'sync' | 'return' | 'async';

export interface Script {
  readonly mode: Mode;
  readonly steps: readonly Step[];
}

export interface TaskPlan {
  readonly name: string;
  readonly intake: boolean;
  readonly afterMs: number;
  readonly script: Script;
}

export interface ThreadPlan {
  readonly name: string;
  readonly inbox: LanePlan | undefined;
  readonly outbox: LanePlan | undefined;
  readonly stop: Budget | undefined;
  readonly onFailure: 'escalate' | 'ignore';
  readonly restart: 'permanent' | 'transient' | undefined;
  readonly redeliver: number;
  /** Where its parent cares, and it is not permanent. */
  readonly significant: boolean;
  /** At which call its factory throws. The first makes the first incarnation. */
  readonly brokenAt: number | undefined;
  /** What a listener by its handle does when it is told of a restart: stops it, or its parent. */
  readonly whenRestarted: 'stop-it' | 'stop-parent' | undefined;
  /** How it restarts its children. */
  readonly supervision: SupervisionOptions | undefined;
  readonly owns: 'nothing' | 'close' | 'close-throws' | 'asyncDispose';
  readonly peers: string | undefined;
  readonly onSignal: boolean;
  /** It has listeners for its life-cycle events. */
  readonly listens: boolean;
  readonly enter: Script;
  readonly exit: Script | undefined;
  readonly handlers: readonly Script[];
  readonly childHandlers: readonly Script[];
  readonly childEnded: Script | undefined;
}

/** What becomes of the promise that a word gives: awaited, watched from aside, or left to itself. */
export type Care = 'await' | 'watch' | 'blind';
export type Answer = 'with' | 'fail' | 'never' | 'late' | 'twice';
export type Speaker = 'turn' | 'thread' | 'handle';

/** `go`: an error of this step does not end the script. */
export type Step = { readonly go: boolean } & (
  | { readonly op: 'send-up'; readonly by: Speaker; readonly care: Care }
  | { readonly op: 'send-down'; readonly child: number; readonly by: Speaker; readonly care: Care }
  | { readonly op: 'broadcast'; readonly by: Speaker; readonly care: Care }
  | { readonly op: 'try-up' }
  | { readonly op: 'try-down'; readonly child: number }
  | { readonly op: 'ask-up'; readonly answer: Answer; readonly timeoutMs: number | undefined; readonly care: Care }
  | {
      readonly op: 'ask-down';
      readonly child: number;
      readonly by: Speaker;
      readonly answer: Answer;
      readonly timeoutMs: number | undefined;
      readonly care: Care;
    }
  | { readonly op: 'answer-late' }
  | {
      readonly op: 'add';
      readonly plan: ThreadPlan;
      readonly scoped: boolean;
      /** The factory throws, or gives a thread that has been started already. */
      readonly broken: 'factory' | 'again' | undefined;
      readonly care: Care;
    }
  | { readonly op: 'stop-child'; readonly child: number; readonly budget: Budget | undefined; readonly care: Care }
  | { readonly op: 'join'; readonly child: number; readonly care: Care }
  | { readonly op: 'stop'; readonly by: Speaker }
  | { readonly op: 'sleep'; readonly ms: number; readonly care: Care }
  | { readonly op: 'shield'; readonly ms: number; readonly steps: readonly Step[] }
  | { readonly op: 'timeout'; readonly ms: number; readonly steps: readonly Step[] }
  | { readonly op: 'task'; readonly task: TaskPlan }
  | { readonly op: 'delete'; readonly name: string; readonly scoped: boolean; readonly care: Care }
  | { readonly op: 'again'; readonly afterMs: number | undefined }
  /** In some of the incarnations, the first being 1. */
  | { readonly op: 'throw'; readonly from: number; readonly to: number }
  | { readonly op: 'hang'; readonly until: 'ever' | 'abort' | number }
  | { readonly op: 'check' }
  | { readonly op: 'snapshot' }
  | { readonly op: 'keep' }
);

/** What somebody outside the tree does, at a moment. */
export type OutsideStep = { readonly atMs: number } & (
  | { readonly op: 'send' | 'try' | 'snapshot' | 'join' | 'answer-late' | 'words-kept' }
  | { readonly op: 'ask'; readonly answer: Answer }
  | { readonly op: 'stop'; readonly budget: Budget }
  | { readonly op: 'stop-any'; readonly which: number; readonly budget: Budget | undefined }
);

export interface Program {
  readonly seed: number;
  readonly root: ThreadPlan;
  readonly outside: readonly OutsideStep[];
  /** When the root is stopped. */
  readonly runMs: number;
  readonly lastStop: Budget;
  /** How many steps may be executed, and how many threads made. */
  readonly fuel: number;
  readonly threadLimit: number;
  /** In the order of arrival, or in an order drawn by chance, with slices that are spent by chance. */
  readonly order: 'arrival' | 'chance';
}

type Place = 'enter' | 'exit' | 'handler' | 'childHandler' | 'childEnded' | 'task' | 'inner';

/** How wild the program is. Most are tame enough to live for a while. */
interface Temper {
  readonly throws: number;
  readonly hangs: number;
  readonly stops: number;
  /** How many of the children are restarted. */
  readonly restarts: number;
}

const TASK_NAMES = ['a', 'b', 'c'];

class Author {
  readonly #dice: Dice;
  readonly #temper: Temper;
  #threads = 0;

  constructor(dice: Dice) {
    this.#dice = dice;
    const restarts = dice.pick([0, 0.5, 1]);
    this.#temper = {
      restarts,
      throws: restarts > 0 ? dice.pick([0.1, 0.5, 1.5]) : dice.pick([0, 0, 0.3, 1.5]),
      hangs: dice.pick([0, 0.3, 1, 2]),
      stops: dice.pick([0, 0.5, 1.5]),
    };
  }

  thread(depth: number): ThreadPlan {
    const dice = this.#dice;
    const number = this.#threads++;
    const children: Step[] = [];
    const fanOut = depth === 0 ? 0 : dice.int(number === 0 ? 5 : 4);
    for (let i = 0; i < fanOut && this.#threads < 24; i++) children.push(this.#add(depth));
    const enter = this.#script('enter', dice.int(3), depth);
    const restart = dice.chance(this.#temper.restarts) ? dice.pick(['permanent', 'transient'] as const) : undefined;
    const crash = restart !== undefined && dice.chance(0.8) ? this.#crash() : undefined;
    return {
      name: `T${number}`,
      inbox: this.#lane(),
      outbox: this.#lane(),
      stop: dice.chance(0.7) ? this.budget() : undefined,
      onFailure: dice.chance(this.#temper.restarts > 0 ? 0.8 : 0.5) ? 'ignore' : 'escalate',
      restart,
      redeliver: dice.pick([0, 1, 3]),
      significant: dice.chance(0.3),
      brokenAt: dice.chance(0.08) ? dice.between(2, 3) : undefined,
      whenRestarted: dice.chance(0.2) ? dice.pick(['stop-it', 'stop-parent'] as const) : undefined,
      supervision: dice.chance(0.8) ? this.#supervision() : undefined,
      owns: dice.pick([
        'nothing',
        'nothing',
        'nothing',
        'close',
        'close',
        'asyncDispose',
        'asyncDispose',
        'close-throws',
      ]),
      peers: dice.chance(0.3) ? dice.pick(['p', 'q']) : undefined,
      onSignal: dice.chance(0.3),
      listens: dice.chance(0.3),
      enter: {
        mode: enter.mode,
        steps: [...this.#tasksOf(depth), ...children, ...enter.steps, ...(crash?.enter ?? [])],
      },
      exit: dice.chance(0.75) ? this.#script('exit', dice.int(4), 0) : undefined,
      handlers: [...(crash?.handlers ?? []), ...this.#scripts('handler', depth)],
      childHandlers: this.#scripts('childHandler', depth),
      childEnded: dice.chance(0.6) ? this.#script('childEnded', dice.int(3), depth) : undefined,
    };
  }

  budget(): Budget {
    const dice = this.#dice;
    return { drainMs: dice.pick([0, 1, 10, 40, 100]), cancelMs: dice.pick([0, 1, 8, 20, 60]) };
  }

  answer(): Answer {
    return this.#dice.pick(['with', 'with', 'with', 'fail', 'never', 'late', 'twice']);
  }

  /** How one that is to be restarted fails, or ends by itself: in a handler, a task, or when it begins again. */
  #crash(): { readonly enter?: readonly Step[]; readonly handlers?: readonly Script[] } {
    const dice = this.#dice;
    const to = dice.pick([1, 1, 2, 3, 99]);
    const fail: Step = { op: 'throw', from: 1, to, go: false };
    const mode = dice.pick(['sync', 'async', 'async'] as const);
    const before: Step[] = dice.chance(0.5) ? [this.#step('inner', 0)] : [];
    switch (dice.weighted({ handler: 4, task: 3, stop: 1, enter: 1 })) {
      case 'handler':
        return { handlers: [{ mode, steps: [...before, fail] }] };
      case 'task':
      case 'stop': {
        const last: Step = dice.chance(0.7) ? fail : { op: 'stop', by: 'turn', go: true };
        const afterMs = dice.int(30);
        const task: TaskPlan = { name: 'd', intake: false, afterMs, script: { mode, steps: [...before, last] } };
        return { enter: [{ op: 'task', task, go: true }] };
      }
      case 'enter':
        return {
          handlers: [{ mode, steps: [fail] }],
          enter: [{ op: 'throw', from: 2, to: dice.pick([2, 3]), go: false }],
        };
    }
  }

  #supervision(): SupervisionOptions {
    const dice = this.#dice;
    const minMs = dice.between(1, 8);
    return {
      strategy: dice.pick(['one-for-one', 'one-for-all', 'rest-for-one'] as const),
      intensity: dice.pick([0, 1, 3, 8, 8]),
      periodMs: dice.pick([0, 20, 100]),
      ...(dice.chance(0.5) && {
        backoff: { minMs, maxMs: minMs * 4, jitter: dice.pick(['none', 'full'] as const), healthyAfterMs: 10 },
      }),
      autoShutdown: dice.pick(['never', 'never', 'any', 'all'] as const),
    };
  }

  #lane(): LanePlan | undefined {
    const dice = this.#dice;
    if (dice.chance(0.2)) return undefined;
    return {
      capacity: dice.between(1, 8),
      policy: dice.chance(0.5) ? 'block' : dice.pick(['drop-oldest', 'drop-newest', 'latest', 'fail']),
      counted: dice.chance(0.2),
      maxBytes: dice.chance(0.3) ? dice.between(1, 12) : undefined,
    };
  }

  #tasksOf(depth: number): Step[] {
    const tasks: Step[] = [];
    while (this.#dice.chance(0.45)) tasks.push({ op: 'task', task: this.#task(depth), go: true });
    return tasks;
  }

  #task(depth: number): TaskPlan {
    const dice = this.#dice;
    const script = this.#script('task', dice.between(1, 4), depth);
    return {
      name: dice.pick(TASK_NAMES),
      intake: dice.chance(0.4),
      afterMs: dice.chance(0.3) ? dice.int(20) : 0,
      script: { mode: script.mode, steps: dice.chance(0.75) ? [...script.steps, this.#again()] : script.steps },
    };
  }

  #again(): Step {
    const dice = this.#dice;
    return { op: 'again', afterMs: dice.chance(0.6) ? dice.between(1, 15) : undefined, go: true };
  }

  #add(depth: number): Step {
    const dice = this.#dice;
    const broken = dice.chance(0.06) ? dice.pick(['factory', 'again'] as const) : undefined;
    const plan = this.thread(depth - 1);
    return { op: 'add', plan, scoped: dice.chance(0.3), broken, care: this.#care(), go: dice.chance(0.7) };
  }

  #scripts(place: Place, depth: number): Script[] {
    const scripts: Script[] = [];
    do scripts.push(this.#script(place, this.#dice.int(4), depth));
    while (this.#dice.chance(0.5));
    return scripts;
  }

  #script(place: Place, length: number, depth: number): Script {
    const steps: Step[] = [];
    for (let i = 0; i < length; i++) steps.push(this.#step(place, depth));
    return { mode: this.#dice.pick(['sync', 'return', 'async', 'async']), steps };
  }

  #care(): Care {
    return this.#dice.weighted({ await: 6, watch: 1.5, blind: 1 });
  }

  #timeout(): number | undefined {
    return this.#dice.chance(0.4) ? this.#dice.int(20) : undefined;
  }

  #step(place: Place, depth: number): Step {
    const dice = this.#dice;
    const { throws, hangs, stops } = this.#temper;
    const go = dice.chance(0.75);
    const child = dice.int(6);
    const by = dice.pick(['turn', 'turn', 'thread', 'handle'] as const);
    const care = this.#care();
    const rare = place === 'exit' ? 0.3 : 1;
    const op = dice.weighted({
      'send-up': 4,
      'send-down': place === 'exit' ? 0.5 : 5,
      broadcast: 1.5,
      'try-up': 1,
      'try-down': 1,
      'ask-up': 0.8,
      'ask-down': 1.2,
      'answer-late': 0.5,
      add: depth > 0 && this.#threads < 24 ? 0.6 : 0,
      'stop-child': 0.5 * stops,
      join: 0.15 * stops,
      stop: 0.2 * stops,
      sleep: 2,
      shield: 0.5,
      timeout: 0.6,
      task: 0.6,
      delete: 0.4,
      again: place === 'task' ? 1 : 0,
      throw: 0.4 * throws * rare,
      hang: 0.4 * hangs,
      check: 0.3,
      snapshot: 0.2,
      keep: 0.4,
    });
    switch (op) {
      case 'send-up':
      case 'broadcast':
        return { op, by, care, go };
      case 'send-down':
        return { op, child, by, care, go };
      case 'try-down':
        return { op, child, go };
      case 'ask-up':
        return { op, answer: this.answer(), timeoutMs: this.#timeout(), care, go };
      case 'ask-down':
        return { op, child, by, answer: this.answer(), timeoutMs: this.#timeout(), care, go };
      case 'add':
        return this.#add(depth);
      case 'stop-child':
        return { op, child, budget: dice.chance(0.7) ? this.budget() : undefined, care, go };
      case 'join':
        return { op, child, care, go };
      case 'stop':
        return { op, by, go };
      case 'sleep':
        return { op, ms: dice.pick([0, 1, 2, 5, 20]), care: place === 'exit' ? 'await' : care, go };
      case 'shield':
      case 'timeout': {
        const steps: Step[] = [];
        if (place !== 'inner') for (let i = dice.between(1, 3); i > 0; i--) steps.push(this.#step('inner', 0));
        return { op, ms: dice.pick([0, 2, 10, 50]), steps, go };
      }
      case 'task':
        return { op, task: place === 'task' || place === 'inner' ? this.#plainTask() : this.#task(depth), go };
      case 'delete':
        return { op, name: dice.pick(TASK_NAMES), scoped: dice.chance(0.6), care, go };
      case 'again':
        return this.#again();
      case 'hang':
        return { op, until: dice.pick(['ever', 'abort', 3, 30]), go };
      case 'throw':
        return { op, from: 1, to: dice.pick([1, 1, 2, 99]), go };
      case 'try-up':
      case 'answer-late':
      case 'check':
      case 'snapshot':
      case 'keep':
        return { op, go };
    }
  }

  /** A task made by a task: short, or scripts would nest without end. */
  #plainTask(): TaskPlan {
    const dice = this.#dice;
    const script: Script = { mode: dice.pick(['sync', 'async']), steps: [this.#step('inner', 0)] };
    return { name: dice.pick(TASK_NAMES), intake: dice.chance(0.4), afterMs: dice.int(5), script };
  }
}

function outsideStep(dice: Dice, author: Author, runMs: number): OutsideStep {
  const atMs = dice.int(runMs + 1);
  const op = dice.weighted({
    send: 8,
    try: 2,
    ask: 2,
    snapshot: 1,
    join: 0.5,
    'answer-late': 1,
    'words-kept': 2,
    'stop-any': 0.7,
    stop: 0.15,
  });
  switch (op) {
    case 'ask':
      return { atMs, op, answer: author.answer() };
    case 'stop':
      return { atMs, op, budget: author.budget() };
    case 'stop-any':
      return { atMs, op, which: dice.int(20), budget: dice.chance(0.7) ? author.budget() : undefined };
    case 'send':
    case 'try':
    case 'snapshot':
    case 'join':
    case 'answer-late':
    case 'words-kept':
      return { atMs, op };
  }
}

/** The program of a seed. */
export function makeProgram(seed: number): Program {
  const dice = new Dice(seed);
  const author = new Author(dice);
  const runMs = dice.pick([0, 5, 30, 100, 200]);
  const outside: OutsideStep[] = [];
  for (let i = dice.int(30); i > 0; i--) outside.push(outsideStep(dice, author, runMs));
  // Once the last stop is under way it may be asked again, or meet a stop of a part of the tree.
  for (let i = dice.int(3); i > 0; i--) {
    const atMs = runMs + dice.int(60);
    outside.push(
      dice.chance(0.5)
        ? { atMs, op: 'stop', budget: author.budget() }
        : { atMs, op: 'stop-any', which: dice.int(20), budget: author.budget() },
    );
  }
  outside.sort((a, b) => a.atMs - b.atMs);
  return {
    seed,
    root: author.thread(dice.between(1, 4)),
    outside,
    runMs,
    lastStop: author.budget(),
    fuel: dice.pick([60, 200, 500]),
    threadLimit: 40,
    order: dice.chance(0.5) ? 'arrival' : 'chance',
  };
}
