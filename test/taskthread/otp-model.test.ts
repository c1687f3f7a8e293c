/**
 * Supervision against a model of OTP's: random sequences of starts, crashes (also several at once), normal ends, stops and
 * time steps. `FULL=1` runs five thousand, `SEED=17` one, and prints it.
 */
import { type AnyChild, type Child, TaskThread, type Turn } from '../../src/index.ts';
import { Dice } from '../../src/testing/dice.ts';
import { type ModelChild, type ModelOptions, OtpSupervisor } from './otp-model.ts';
import { checkThreads, grow, settle, takeWarnings, Toy, time } from './toys.ts';

checkThreads();

const { SEED, FULL } = process.env;
const first = Number(SEED ?? 1);
const count = SEED !== undefined ? 1 : FULL === undefined ? 1000 : 5000;

type Step =
  | { readonly do: 'add'; readonly child: ModelChild }
  | { readonly do: 'fail-starts'; readonly name: string; readonly times: number }
  | { readonly do: 'end'; readonly ends: readonly { readonly name: string; readonly normal: boolean }[] }
  | { readonly do: 'terminate'; readonly name: string }
  | { readonly do: 'wait'; readonly ms: number };

interface Sequence {
  readonly options: ModelOptions;
  readonly steps: readonly Step[];
}

const NAMES = ['a', 'b', 'c', 'd', 'e'];

function makeSequence(seed: number): Sequence {
  const dice = new Dice(seed);
  const autoShutdown = dice.pick(['never', 'never', 'any', 'all'] as const);
  const options: ModelOptions = {
    strategy: dice.pick(['one-for-one', 'one-for-all', 'rest-for-one'] as const),
    intensity: dice.between(0, 6),
    periodMs: dice.pick([0, 50, 1000]),
    autoShutdown,
  };
  const steps: Step[] = [];
  const added: string[] = [];
  const add = (): void => {
    const name = NAMES[added.length];
    if (name === undefined) return;
    added.push(name);
    const type = dice.pick(['permanent', 'transient', 'temporary'] as const);
    const significant = type !== 'permanent' && autoShutdown !== 'never' && dice.chance(0.5);
    steps.push({ do: 'add', child: { name, type, significant } });
  };
  for (let i = dice.between(1, 4); i > 0; i--) add();
  for (let i = dice.between(2, 12); i > 0; i--) {
    switch (dice.weighted({ add: 1, 'fail-starts': 1, end: 5, terminate: 1, wait: 2 })) {
      case 'add':
        add();
        break;
      case 'fail-starts':
        steps.push({ do: 'fail-starts', name: dice.pick(NAMES), times: dice.between(1, 2) });
        break;
      case 'end': {
        const names = [...new Set(Array.from({ length: dice.pick([1, 1, 1, 2, 3]) }, () => dice.pick(added)))];
        steps.push({ do: 'end', ends: names.map((name) => ({ name, normal: dice.chance(0.3) })) });
        break;
      }
      case 'terminate':
        steps.push({ do: 'terminate', name: dice.pick(added) });
        break;
      case 'wait':
        steps.push({ do: 'wait', ms: dice.pick([10, 51, 1001]) });
    }
  }
  return { options, steps };
}

interface Seen {
  readonly log: readonly string[];
  readonly alive: readonly string[];
  readonly fate: string;
}

function runModel({ options, steps }: Sequence): Seen {
  const model = new OtpSupervisor(options);
  for (const step of steps) {
    if (model.fate !== 'running') break;
    if (step.do === 'add') model.add(step.child);
    else if (step.do === 'fail-starts') model.failNextStarts(step.name, step.times);
    else if (step.do === 'end') model.end(step.ends);
    else if (step.do === 'terminate') model.terminate(step.name);
    else model.now += step.ms;
  }
  return { log: model.log, alive: model.alive, fate: model.fate };
}

/** Says when it is entered and when it exits; a signal ends it. */
class Supervised extends TaskThread<{ readonly normal: boolean }> {
  readonly #log: string[];
  readonly #failingStarts: Map<string, number>;
  readonly #name: string;

  constructor(name: string, log: string[], failingStarts: Map<string, number>) {
    super({ name });
    this.#name = name;
    this.#log = log;
    this.#failingStarts = failingStarts;
  }

  protected override enter(): void {
    this.#log.push(`start ${this.#name}`);
    const failing = this.#failingStarts.get(this.#name) ?? 0;
    if (failing === 0) return;
    this.#failingStarts.set(this.#name, failing - 1);
    throw new Error('no start');
  }

  protected override signalHandler({ normal }: { readonly normal: boolean }, turn: Turn): void {
    if (!normal) throw new Error('crash');
    turn.stop();
  }

  protected override exit(): void {
    this.#log.push(`end ${this.#name}`);
  }
}

async function runOurs({ options, steps }: Sequence): Promise<Seen> {
  const log: string[] = [];
  const failingStarts = new Map<string, number>();
  const children = new Map<string, Child<Supervised>>();
  const boss = new Toy({}, { name: 'Boss', supervision: options });
  const root = await grow(boss);
  const addChild = boss.add.bind(boss) as unknown as (make: () => object, spec: object) => Promise<Child<Supervised>>;
  for (const step of steps) {
    if (root.state !== 'running') break;
    if (step.do === 'add') {
      const { name, type, significant } = step.child;
      const declared = type === 'temporary' ? { onFailure: 'ignore' } : { restart: type };
      const adding = addChild(() => new Supervised(name, log, failingStarts), { ...declared, significant });
      const child = await time().run(adding.catch(() => undefined));
      if (child !== undefined) children.set(name, child);
    } else if (step.do === 'fail-starts') failingStarts.set(step.name, step.times);
    else if (step.do === 'wait') await time().advance(step.ms);
    else if (step.do === 'terminate') void children.get(step.name)?.stop();
    else for (const { name, normal } of step.ends) children.get(name)?.trySend({ normal });
    await settle();
  }
  takeWarnings();
  const alive = boss.children.filter(({ state }) => state === 'running').map(nameOf);
  return { log, alive, fate: root.outcome?.kind ?? 'running' };
}

function nameOf({ path }: AnyChild): string {
  return path.replace(/^.*\//, '').replace(/-\d+$/, '');
}

test(
  'the same children are started, ended and kept, in the same order, and the parent fares as OTP would have it',
  async () => {
    const fates: Record<string, number> = {};
    for (let seed = first; seed < first + count; seed++) {
      const sequence = makeSequence(seed);
      const model = runModel(sequence);
      const ours = await runOurs(sequence);
      fates[model.fate] = (fates[model.fate] ?? 0) + 1;
      const words = `SEED=${seed} ${JSON.stringify(sequence)}`;
      expect({ words, ...ours }).toEqual({ words, ...model });
    }
    // Sequences that never come to anything would prove nothing.
    if (SEED === undefined)
      for (const fate of ['running', 'failed', 'finished']) expect(fates[fate]).toBeGreaterThan(count / 20);
  },
  30_000 + count * 60,
);
