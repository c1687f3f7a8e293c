/**
 * Random trees whose threads answer signals with signals, over lanes of one to four places, and two judges that know nothing of
 * the library's walk:
 *
 * - a model over plain bookkeeping: each hook here writes down what it waits for, and after every turn of the event loop the hooks
 *   that can never go on are worked out from that;
 * - the same program once more without detection: whatever was reported must then hang for ever.
 */
import {
  type Child,
  DeadlockError,
  type LifecycleRecord,
  type Reply,
  start,
  type TaskTurn,
  type ThreadSnapshot,
  type Turn,
} from '../../src/index.ts';
import { VirtualTime } from '../../src/testing/index.ts';
import { Dice } from '../../src/testing/dice.ts';
import { detection } from './detection-switch.ts';
import { Toy } from './toys.ts';

interface Step {
  readonly to: 'parent' | 'child' | 'children' | 'ask parent' | 'ask child' | 'pause';
  readonly child: number;
}

interface Reaction {
  /** One after the other; all at once; whichever is first, or a sleep; the last one's promise returned; not waited for. */
  readonly mode: 'sequence' | 'all' | 'race' | 'returned' | 'left';
  readonly steps: readonly Step[];
}

interface Plan {
  readonly name: string;
  readonly inbox: number;
  readonly outbox: number;
  readonly reactions: readonly Reaction[];
  /** A task that sends so many, whatever the hooks do. */
  readonly task: Step | undefined;
  readonly children: readonly Plan[];
}

interface Signal {
  /** How often it is answered yet. */
  readonly lives: number;
  /** Of a request: answered when its handler has reacted. */
  readonly reply?: Reply<number>;
}

/** What a hook waits for: the loop of a thread. Undefined: not known, or it ends by itself. */
type Wait = { readonly on: Node | undefined };

/** One execution of a hook, by its own account. */
interface Execution {
  readonly node: Node;
  readonly waits: Set<Wait>;
}

interface Node {
  readonly plan: Plan;
  readonly toy: Toy;
  readonly kids: Node[];
  parent: Node | undefined;
  handled: number;
  execution: Execution | undefined;
}

export interface Outcome {
  /** The wait of each report, in words. */
  readonly reports: readonly string[];
  /** Hooks that the model knows to be stuck at the end of a turn of the event loop, and that were not reported in it. */
  readonly late: readonly string[];
  /** The waits that there are when nothing can run any more. */
  readonly waits: readonly string[];
  /** Threads with a hook under way, or a lane that is not empty, when nothing can run any more. */
  readonly hanging: readonly string[];
  readonly signals: number;
}

export interface Shape {
  readonly depth: number;
  readonly width: number;
  readonly lives: number;
  readonly tasks: boolean;
  /** Signals go this way only, so that there can be no circle. */
  readonly flow?: 'up' | 'down';
  readonly asks?: boolean;
}

function makePlan(dice: Dice, shape: Shape, depth = 0, name = 't'): Plan {
  const width = depth >= shape.depth ? 0 : dice.int(shape.width + 1);
  const count = depth === 0 ? Math.max(1, width) : width;
  const children = Array.from({ length: count }, (_, i) => makePlan(dice, shape, depth + 1, `${name}${i}`));
  const step = (): Step => {
    const ways: Step['to'][] = [];
    if (depth > 0 && shape.flow !== 'down')
      ways.push('parent', 'parent', ...(shape.asks ? (['ask parent'] as const) : []));
    if (count > 0 && shape.flow !== 'up') {
      ways.push('child', 'child', 'children', ...(shape.asks ? (['ask child'] as const) : []));
    }
    if (dice.chance(0.15)) ways.push('pause');
    return { to: ways.length === 0 ? 'pause' : dice.pick(ways), child: dice.int(Math.max(1, count)) };
  };
  const reaction = (): Reaction => ({
    mode: dice.pick(['sequence', 'sequence', 'all', 'race', 'returned', 'left'] as const),
    steps: Array.from({ length: dice.int(4) }, step),
  });
  return {
    name,
    inbox: 1 + dice.int(4),
    outbox: 1 + dice.int(4),
    reactions: Array.from({ length: 1 + dice.int(3) }, reaction),
    task: shape.tasks && dice.chance(0.2) ? step() : undefined,
    children,
  };
}

/** Runs one program until nothing can run any more. After so many reports, circles are not looked for any more. */
export async function runEchoGraph(
  seed: number,
  shape: Shape,
  mostReports: number = Number.POSITIVE_INFINITY,
): Promise<Outcome> {
  const dice = new Dice(seed);
  const run = new Run(makePlan(dice, shape));
  detection.isOn = () => run.reports.length < mostReports;
  try {
    return await run.toTheEnd(dice, shape);
  } finally {
    detection.isOn = () => true;
  }
}

class Run {
  readonly reports: string[] = [];
  readonly #time = new VirtualTime();
  readonly #nodes: Node[] = [];
  readonly #root: Node;
  readonly #late: string[] = [];
  #signals = 0;
  #over = false;

  constructor(plan: Plan) {
    this.#root = this.#node(plan, undefined);
  }

  async toTheEnd(dice: Dice, shape: Shape): Promise<Outcome> {
    const onRecord = (record: LifecycleRecord): void => {
      if (record.kind === 'deadlock') this.reports.push(`${record.path}: ${record.chain[0]!.waitsFor}`);
    };
    const starting = start(this.#root.toy as never, { ...this.#time.options, onRecord }) as Promise<unknown>;
    const root = (await this.#time.run(starting)) as Child<Toy>;
    const inputs = 1 + dice.int(8);
    for (let i = 0; i < inputs; i++) {
      const node = shape.flow === 'down' ? this.#root : dice.pick(this.#nodes);
      const handle = node.parent === undefined ? root : handleIn(node.parent, node);
      handle.send({ lives: shape.lives })?.catch(() => {});
    }
    await this.#untilNothingRuns();
    const waits: string[] = [];
    const hanging: string[] = [];
    lookInto(root.snapshot(), waits, hanging);
    this.#over = true;
    await this.#time.run(root.stop({ drainMs: 0, cancelMs: 0 }));
    await this.#time.settle();
    return { reports: this.reports, late: this.#late, waits, hanging, signals: this.#signals };
  }

  /** By turns of the event loop, and by timers when nothing else runs. */
  async #untilNothingRuns(): Promise<void> {
    for (let quiet = 0; ; ) {
      await new Promise((resolve) => setImmediate(resolve));
      for (const { node } of this.#stuck()) this.#late.push(node.plan.name);
      quiet = this.#time.scheduler.idle ? quiet + 1 : 0;
      if (quiet < 3) continue;
      if (!this.#time.clock.fireNext(Number.POSITIVE_INFINITY)) return;
      quiet = 0;
    }
  }

  /** The model: strikes out who can go on, until nobody is struck out any more. */
  #stuck(): Set<Execution> {
    const stuck = new Set(this.#nodes.flatMap(({ execution }) => (execution === undefined ? [] : [execution])));
    for (let before = -1; before !== stuck.size; ) {
      before = stuck.size;
      for (const execution of stuck) {
        const keeps = (node: Node): boolean => node.execution !== undefined && stuck.has(node.execution);
        const canGoOn = ({ on }: Wait): boolean => on === undefined || !keeps(on);
        if (execution.waits.size === 0 || [...execution.waits].some(canGoOn)) stuck.delete(execution);
      }
    }
    return stuck;
  }

  #node(plan: Plan, parent: Node | undefined): Node {
    const toy = new Toy(
      {
        enter: async (me) => {
          for (const kid of node.kids) await me.add(kid.toy);
          if (plan.task !== undefined) this.#startTask(node, plan.task);
        },
        signal: (signal, _me, turn) => this.#react(node, signal as Signal, turn),
        childSignal: (signal, _child, _me, turn) => this.#react(node, signal as Signal, turn),
      },
      { name: plan.name, inbox: { capacity: plan.inbox }, outbox: { capacity: plan.outbox } },
    );
    const node: Node = { plan, toy, kids: [], parent, handled: 0, execution: undefined };
    this.#nodes.push(node);
    node.kids.push(...plan.children.map((child) => this.#node(child, node)));
    return node;
  }

  #startTask(node: Node, step: Step): void {
    let turns = 0;
    node.toy.tasks.reCreate('task', async (turn: TaskTurn<unknown>) => {
      await this.#begin(undefined, node, step, { lives: 1 }, turn);
      return ++turns < 6 ? turn.reSchedule({ afterMs: turns % 2 }) : undefined;
    });
  }

  #react(node: Node, signal: Signal, turn: Turn<unknown>): unknown {
    this.#signals++;
    const { reactions } = node.plan;
    const { mode, steps } = reactions[node.handled++ % reactions.length]!;
    if (signal.lives === 0 || steps.length === 0) return signal.reply?.with(0);
    const next = { lives: signal.lives - 1 };
    const execution: Execution = { node, waits: new Set() };
    node.execution = execution;
    const reacted = (): void => {
      signal.reply?.with(1);
      node.execution = undefined;
    };
    const begun = this.#perform(mode, steps, execution, next, turn);
    if (begun === undefined) reacted();
    else begun.then(reacted, reacted);
    return begun;
  }

  #perform(
    mode: Reaction['mode'],
    steps: readonly Step[],
    execution: Execution,
    signal: Signal,
    turn: Turn<unknown>,
  ): Promise<unknown> | undefined {
    const begin = (step: Step): Promise<void> | undefined => this.#begin(execution, execution.node, step, signal, turn);
    switch (mode) {
      case 'sequence':
        return (async () => {
          for (const step of steps) await begin(step);
        })();
      case 'all':
        return Promise.all(steps.map(async (step) => begin(step)));
      case 'race':
        return Promise.race([...steps, { to: 'pause', child: 0 } as const].map(async (step) => begin(step)));
      case 'returned':
        return begin(steps[0]!);
      case 'left':
        for (const step of steps) void begin(step);
        return undefined;
    }
  }

  /** Begins one step, and keeps account of it while it waits. */
  #begin(
    execution: Execution | undefined,
    node: Node,
    step: Step,
    signal: Signal,
    turn: Turn<unknown>,
  ): Promise<void> | undefined {
    const kid = node.kids[step.child % Math.max(1, node.kids.length)];
    switch (step.to) {
      case 'pause':
        return this.#account(execution, undefined, turn.sleep(1));
      case 'parent':
        return this.#account(execution, node.parent, turn.sendToParent(signal));
      case 'child':
        return this.#account(execution, kid, turn.send(handleIn(node, kid!), signal));
      case 'ask parent':
        return this.#account(
          execution,
          undefined,
          turn.askParent<number>((reply) => ({ ...signal, reply })),
        );
      case 'ask child': {
        const make = (reply: Reply<number>): Signal => ({ ...signal, reply });
        return this.#account(execution, undefined, turn.ask<Toy, number>(handleIn(node, kid!), make));
      }
      case 'children': {
        const handles = node.kids.map((each) => handleIn(node, each));
        // The model does not know which of them had room.
        return this.#account(execution, undefined, turn.sendToChildren(handles, signal));
      }
    }
  }

  #account(
    execution: Execution | undefined,
    on: Node | undefined,
    sent: Promise<unknown> | undefined,
  ): Promise<void> | undefined {
    if (sent === undefined) return undefined;
    const wait = { on };
    execution?.waits.add(wait);
    return this.#accounted(execution, wait, sent);
  }

  async #accounted(execution: Execution | undefined, wait: Wait, sent: Promise<unknown>): Promise<void> {
    try {
      await sent;
    } catch (error) {
      // What hangs to the last is cancelled with the tree; a task is never told of a circle.
      const isExpected = execution === undefined ? this.#over : this.#over || error instanceof DeadlockError;
      if (!isExpected) throw error;
    } finally {
      execution?.waits.delete(wait);
    }
  }
}

function lookInto(thread: ThreadSnapshot, waits: string[], hanging: string[]): void {
  for (const wait of thread.waits) waits.push(`${thread.path}: ${wait.on}`);
  const { down, up } = thread.edge;
  const isHolding = [down, up].some((lane) => lane !== undefined && lane.queued + lane.waiting + lane.inFlight > 0);
  if (isHolding || thread.running.length > 0) hanging.push(thread.path);
  for (const child of thread.children) lookInto(child, waits, hanging);
}

function handleIn(parent: Node, kid: Node): Child<Toy> {
  return parent.toy.children.find(({ path }) => path === kid.toy.path) as Child<Toy>;
}
