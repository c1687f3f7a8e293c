/** Links that lose, double and break: what becomes of signals, sends, requests and the child, and the books of it all. */
import {
  type AnyChild,
  type Child,
  type ChildSpec,
  TaskThread,
  type ThreadOptions,
  type Turn,
} from '../../src/index.ts';
import type { Reply } from '../../src/intercom/ask.ts';
import type { LifecycleRecord } from '../../src/kernel/probe.ts';
import {
  explore,
  type FaultOptions,
  leakCheck,
  LinkCutError,
  type Simulation,
  type SimulationResult,
  simulate,
} from '../../src/testing/index.ts';

let checkLeaks: () => void;

beforeEach(() => {
  checkLeaks = leakCheck();
});

afterEach(() => checkLeaks());

interface Word {
  readonly text: string;
  readonly reply?: Reply<string>;
}

interface Hooks {
  readonly signal?: (word: Word, turn: Turn<Word>) => unknown;
  readonly exit?: (turn: Turn<Word>) => unknown;
}

/** Hears, does what its test wants, and says so. */
class ChildThread extends TaskThread<Word, Word> {
  readonly #sim: Simulation;
  readonly #hooks: Hooks;

  constructor(sim: Simulation, hooks: Hooks = {}, options?: ThreadOptions<Word, Word>) {
    super(options);
    this.#sim = sim;
    this.#hooks = hooks;
  }

  protected override signalHandler(word: Word, turn: Turn<Word>) {
    this.#sim.say(`child hears ${word.text}`);
    return this.#hooks.signal?.(word, turn) as Promise<void> | undefined;
  }

  protected override exit(turn: Turn<Word>) {
    return this.#hooks.exit?.(turn) as Promise<void> | undefined;
  }
}

/** The parent of one child; says what it hears and sees of it. */
class ParentThread extends TaskThread<never, never, Word> {
  child!: Child<ChildThread>;
  onChildSignal: (word: Word, turn: Turn) => unknown = () => undefined;
  readonly #sim: Simulation;
  readonly #make: () => ChildThread;
  readonly #spec: ChildSpec;

  constructor(sim: Simulation, make: () => ChildThread, spec: ChildSpec = { onFailure: 'ignore' }) {
    super({ supervision: { intensity: 100 } });
    this.#sim = sim;
    this.#make = make;
    this.#spec = spec;
  }

  protected override async enter() {
    this.child = await this.addChild(this.#make, this.#spec as never);
    this.child.events.on('deadLetter', (word, reason) => this.#sim.say(`lost ${(word as Word).text}: ${reason}`));
  }

  more(make: () => ChildThread): Promise<Child<ChildThread>> {
    return this.addChild(make);
  }

  protected override childSignalHandler(word: Word, _child: AnyChild, turn: Turn) {
    this.#sim.say(`parent hears ${word.text}`);
    return this.onChildSignal(word, turn) as Promise<void> | undefined;
  }

  protected override childEnded(_child: AnyChild, { kind, error }: { kind: string; error?: unknown }) {
    this.#sim.say(`child ${kind}${error instanceof Error ? `: ${error.message}` : ''}`);
  }
}

const CHILD = '/ParentThread-1/ChildThread-2';

/** A run whose links behave as `faults` says from the moment that `begin` is called. */
async function withFaults(
  faults: FaultOptions,
  program: (sim: Simulation, begin: (now?: boolean) => void) => Promise<void>,
): Promise<SimulationResult> {
  let on = false;
  const links = (path: string): boolean => on && path === CHILD;
  return await simulate({ strategy: 'in-order', faults: { ...faults, links } }, (sim) =>
    program(sim, (now = true) => {
      on = now;
    }),
  );
}

function booksOf({ child }: ParentThread, direction: 'down' | 'up') {
  const { offered, accepted, handled, dropped, deadLettered, refused } = child.snapshot().edge[direction]!;
  return { offered, accepted, handled, dropped, deadLettered, refused };
}

describe('a link that drops', () => {
  test('down: the send is accepted, no handler gets it, the books and a record have it, and no listener hears of it', async () => {
    const records: LifecycleRecord[] = [];
    const { words, trace } = await withFaults({ drop: 1 }, async (sim, begin) => {
      const parent = new ParentThread(sim, () => new ChildThread(sim));
      await sim.start(parent, { onRecord: (record) => records.push(record) });
      begin();
      await parent.child.send({ text: 'a' });
      await sim.sleep(1);
      begin(false);
      await parent.child.send({ text: 'b' });
      await sim.sleep(1);
      sim.say(JSON.stringify(booksOf(parent, 'down')));
    });
    const books = { offered: 2, accepted: 2, handled: 1, dropped: 1, deadLettered: 0, refused: 0 };
    expect(words).toEqual(['child hears b', JSON.stringify(books), 'child stopped']);
    expect(trace).toContain(`fault: the link to ${CHILD} loses {"text":"a"} on its way down`);
    expect(records.filter(({ kind }) => kind === 'dead-letter')).toEqual([
      {
        kind: 'dead-letter',
        path: CHILD,
        direction: 'down',
        reason: `dropped: the link to ${CHILD} has lost it`,
        signal: { text: 'a' },
        deliveries: 0,
      },
    ]);
  });

  test('up: also what an ended child has left, whose end is told after that', async () => {
    const { words } = await withFaults({ drop: 1 }, async (sim, begin) => {
      const exit = (turn: Turn<Word>) => turn.sendToParent({ text: 'bye' });
      const parent = new ParentThread(sim, () => new ChildThread(sim, { exit }));
      await sim.start(parent);
      begin();
      await parent.child.stop();
      await sim.sleep(1);
      sim.say(JSON.stringify(booksOf(parent, 'up')));
    });
    const books = { offered: 1, accepted: 1, handled: 0, dropped: 1, deadLettered: 0, refused: 0 };
    expect(words).toEqual(['child stopped', JSON.stringify(books)]);
  });

  test('makes room: who waits for a place is let in', async () => {
    const { words } = await withFaults({ drop: 1 }, async (sim, begin) => {
      const parent = new ParentThread(sim, () => new ChildThread(sim, {}, { inbox: { capacity: 1 } }));
      await sim.start(parent);
      begin();
      for (const text of ['a', 'b', 'c']) await parent.child.send({ text });
      await sim.sleep(1);
      sim.say(JSON.stringify(booksOf(parent, 'down')));
    });
    expect(words[0]).toContain('"handled":0,"dropped":3');
  });

  test('a request: nobody tells the asker, who waits for as long as he may; an answer always arrives', async () => {
    const { words } = await withFaults({ drop: 1 }, async (sim, begin) => {
      const signal = async ({ reply, text }: Word, turn: Turn<Word>): Promise<void> => {
        await turn.sleep(1);
        reply?.with(`re: ${text}`);
      };
      const parent = new ParentThread(sim, () => new ChildThread(sim, { signal }));
      await sim.start(parent);
      const ask = (text: string): Promise<string> =>
        parent.child.ask<string>((reply) => ({ text, reply }), { timeoutMs: 50 });
      const answered = ask('first');
      await sim.sleep(0);
      begin();
      sim.say(await answered);
      const began = sim.now;
      await ask('second').catch(({ code }: { code: string }) => sim.say(`${code} after ${sim.now - began} ms`));
    });
    expect(words).toEqual(['child hears first', 're: first', 'TT_TIMEOUT after 50 ms', 'child stopped']);
  });
});

describe('a link that doubles', () => {
  test('brings the signal again, behind what is queued: offered, accepted and handled twice', async () => {
    const { words, trace } = await withFaults({ duplicate: 1 }, async (sim, begin) => {
      const parent = new ParentThread(sim, () => new ChildThread(sim, {}, { inbox: { capacity: 2 } }));
      await sim.start(parent);
      void parent.child.send({ text: 'a' });
      void parent.child.send({ text: 'b' });
      begin();
      await sim.checkpoint();
      begin(false);
      await sim.sleep(1);
      sim.say(JSON.stringify(booksOf(parent, 'down')));
    });
    const books = { offered: 3, accepted: 3, handled: 3, dropped: 0, deadLettered: 0, refused: 0 };
    expect(words.slice(0, 4)).toEqual(['child hears a', 'child hears b', 'child hears a', JSON.stringify(books)]);
    expect(trace).toContain(`fault: the link to ${CHILD} doubles {"text":"a"} on its way down`);
  });

  test.each<[string, ThreadOptions<Word, Word>['inbox']]>([
    ['a batch, with all its members', { countOf: ({ text }) => text.length, capacity: 4 }],
    ['what has a size', { sizeOf: ({ text }) => text.length, maxBytes: 4 }],
    ['what has a key', { policy: 'latest', keyOf: ({ text }) => text, capacity: 2 }],
  ])('%s', async (_what, inbox) => {
    const { words } = await withFaults({ duplicate: 1 }, async (sim, begin) => {
      const parent = new ParentThread(sim, () => new ChildThread(sim, {}, { inbox: inbox! }));
      await sim.start(parent);
      void parent.child.send({ text: 'aa' });
      void parent.child.send({ text: 'bb' });
      begin();
      await sim.checkpoint();
      begin(false);
      await sim.sleep(1);
      const { bytes, queued } = parent.child.snapshot().edge.down!;
      sim.say(JSON.stringify({ bytes, queued }));
    });
    expect(words.slice(0, 4)).toEqual([
      'child hears aa',
      'child hears bb',
      'child hears aa',
      JSON.stringify({ bytes: 0, queued: 0 }),
    ]);
  });
});

describe('a link that is cut', () => {
  test('the child fails with LinkCutError, and the parent is told', async () => {
    const { words, trace } = await withFaults({ cut: 1 }, async (sim, begin) => {
      const parent = new ParentThread(sim, () => new ChildThread(sim));
      await sim.start(parent);
      begin();
      await parent.child.send({ text: 'a' });
      await sim.sleep(1);
      const { error } = parent.child.outcome!;
      sim.say(`${error instanceof LinkCutError && error.path}`);
    });
    const reason = 'its receiver has failed or was cancelled';
    expect(words).toEqual([`lost a: ${reason}`, `child failed: the link to ${CHILD} was cut`, CHILD]);
    expect(trace).toContain(`fault: the link to ${CHILD} is cut before ${CHILD} signalHandler`);
  });

  test('what it has sent and nobody has taken is lost by name; a send that waits, and one of its exit, give the signal back', async () => {
    const { words } = await withFaults({ cut: 1 }, async (sim, begin) => {
      const refused = ({ code, signal }: { code: string; signal: Word }): void => sim.say(`${code} ${signal.text}`);
      const hooks: Hooks = {
        signal: async (_word, turn) => {
          await turn.sendToParent({ text: '1' });
          await turn.sendToParent({ text: '2' });
          await turn.sendToParent({ text: '3' });
          await turn.sendToParent({ text: '4' })?.catch(refused);
        },
        exit: (turn) => turn.sendToParent({ text: 'bye' })?.catch(refused),
      };
      const parent = new ParentThread(sim, () => new ChildThread(sim, hooks, { outbox: { capacity: 2 } }));
      parent.onChildSignal = (_word, turn) => turn.sleep(5);
      await sim.start(parent);
      await parent.child.send({ text: 'go' });
      await sim.sleep(1);
      // The parent is at 1; 2 and 3 are queued, 4 waits.
      begin();
      await sim.sleep(20);
      sim.say(JSON.stringify(booksOf(parent, 'up')));
    });
    const reason = `the link to ${CHILD} was cut`;
    const books = { offered: 5, accepted: 3, handled: 1, dropped: 0, deadLettered: 2, refused: 2 };
    expect(words).toEqual([
      'child hears go',
      'parent hears 1',
      'TT_EDGE_CLOSED 4',
      'TT_EDGE_CLOSED bye',
      `child failed: ${reason}`,
      JSON.stringify(books),
    ]);
  });

  test('requests under way, of either side, are unanswered, and say why', async () => {
    const { words } = await withFaults({ cut: 1 }, async (sim, begin) => {
      const signal = async ({ reply }: Word, turn: Turn<Word>): Promise<void> => {
        if (reply !== undefined) return;
        const told = ({ code, message }: Error & { code: string }): void => sim.say(`up: ${code} ${message}`);
        void turn.askParent<string>((up) => ({ text: 'up', reply: up })).catch(told);
        await turn.sleep(10);
      };
      const parent = new ParentThread(sim, () => new ChildThread(sim, { signal }));
      await sim.start(parent);
      const told = ({ code, message }: Error & { code: string }): void => sim.say(`down: ${code} ${message}`);
      const asked = parent.child.ask<string>((reply) => ({ text: 'down', reply })).catch(told);
      void parent.child.send({ text: 'ask me' });
      await sim.sleep(1);
      begin();
      await asked;
    });
    const reasons = words.filter((word) => /^(up|down): TT_ASK_UNANSWERED .*the link to \S+ was cut/.test(word));
    expect(new Set(reasons.map((word) => word.split(':')[0]))).toEqual(new Set(['down', 'up']));
  });

  test('the parent goes on with what others have sent, while the child is still at its end', async () => {
    const { words } = await withFaults({ cut: 1 }, async (sim, begin) => {
      const hooks: Hooks = {
        signal: ({ text }, turn) => turn.sendToParent({ text: `re ${text}` }),
        exit: (turn) => turn.sleep(10),
      };
      const parent = new ParentThread(sim, () => new ChildThread(sim, hooks));
      await sim.start(parent);
      const signal = ({ text }: Word, turn: Turn<Word>): unknown => {
        begin();
        return turn.sendToParent({ text });
      };
      const other = await parent.more(() => new ChildThread(sim, { signal }));
      await parent.child.send({ text: 'a' });
      await other.send({ text: 'b' });
      await sim.sleep(20);
    });
    const reason = `the link to ${CHILD} was cut`;
    expect(words.slice(0, 4)).toEqual(['child hears a', 'child hears b', 'parent hears b', `child failed: ${reason}`]);
  });

  test('escalated, it is the failure of the parent, and no failure of the run', async () => {
    const run = await withFaults({ cut: 1 }, async (sim, begin) => {
      const parent = new ParentThread(sim, () => new ChildThread(sim), { onFailure: 'escalate' });
      const root = await sim.start(parent);
      begin();
      void parent.child.send({ text: 'a' });
      const { error } = await root.join();
      sim.say((error as Error).message);
      sim.say(`${(error as Error).cause instanceof LinkCutError}`);
    });
    expect(run.words.slice(-2)).toEqual([expect.stringContaining(`the link to ${CHILD} was cut`), 'true']);
  });

  test('restarted, the next incarnation gets what was held for it, and is heard again', async () => {
    const { words } = await withFaults({ cut: 1 }, async (sim, begin) => {
      const signal = ({ text }: Word, turn: Turn<Word>) => turn.sendToParent({ text: `re ${text}` });
      const make = (): ChildThread => {
        // Only the first one is cut off.
        begin(false);
        return new ChildThread(sim, { signal });
      };
      const parent = new ParentThread(sim, make, { restart: 'permanent' } as never);
      await sim.start(parent);
      begin();
      for (const text of ['a', 'b']) await parent.child.send({ text });
      await sim.sleep(1);
      sim.say(`incarnation ${parent.child.incarnation}`);
    });
    expect(words).toEqual([
      'child hears a',
      'parent hears re a',
      'child hears b',
      'parent hears re b',
      'incarnation 2',
      'child stopped',
    ]);
  });
});

/** A little of everything that can cross a link. */
async function aLittleOfEverything(sim: Simulation): Promise<void> {
  const signal = async ({ text, reply }: Word, turn: Turn<Word>): Promise<void> => {
    await turn.sleep(0);
    if (reply !== undefined) reply.with(text);
    else await turn.sendToParent({ text });
  };
  const options: ThreadOptions<Word, Word> = { inbox: { capacity: 2 }, outbox: { capacity: 1 } };
  const spec = { restart: 'permanent', redeliver: 1 } as never;
  const parent = new ParentThread(sim, () => new ChildThread(sim, { signal }, options), spec);
  const root = await sim.start(parent);
  for (let i = 0; i < 6; i++) {
    if (i % 3 === 2)
      await parent.child.ask((reply: Reply<string>) => ({ text: `${i}`, reply }), { timeoutMs: 5 }).catch(() => {});
    else await parent.child.send({ text: `${i}` })?.catch(() => {});
  }
  await sim.sleep(20);
  await root.stop();
}

const all = { drop: 0.1, duplicate: 0.1, cut: 0.05 };

test('the books add up at every step, whatever the links do', async () => {
  const { runs } = await explore({ seeds: 400, faults: all }, aLittleOfEverything);
  expect(runs).toBe(400);
});

test('what the links do is in the schedule, and replayed', async () => {
  const kinds = new Set<string>();
  for (let seed = 0; seed < 40; seed++) {
    const run = await simulate({ seed, faults: all }, aLittleOfEverything);
    const { trace } = await simulate({ seed, faults: { ...all }, schedule: run.schedule }, aLittleOfEverything);
    expect(trace).toEqual(run.trace);
    for (const line of trace) kinds.add(/the link to \S+ (loses|doubles|is cut)/.exec(line)?.[1] ?? '');
  }
  expect([...kinds].toSorted()).toEqual(['', 'doubles', 'is cut', 'loses']);
});

test('links are hit only where that was asked for, and those to roots not unless they are named', async () => {
  const faultsOf = async (faults: FaultOptions): Promise<Set<string>> => {
    const { trace } = await simulate({ faults }, aLittleOfEverything);
    return new Set(trace.flatMap((line) => /fault: the link to (\S+)/.exec(line)?.[1] ?? []));
  };
  expect(await faultsOf({ crash: 0.01 })).toEqual(new Set());
  expect(await faultsOf({ drop: 1 })).toEqual(new Set([CHILD]));
  expect(await faultsOf({ drop: 1, links: (path) => path === '/Other' })).toEqual(new Set());
});

test('which links may be hit must be a function', async () => {
  const faults = { drop: 0.1, links: CHILD as never };
  await expect(simulate({ faults }, () => {})).rejects.toMatchObject({ field: 'options.faults.links' });
});

test.each(['drop', 'duplicate', 'cut'] as const)('%s must be a chance', async (fault) => {
  for (const rate of [2, -0.1, Number.NaN, '1']) {
    await expect(simulate({ faults: { [fault]: rate as number } }, () => {})).rejects.toMatchObject({
      code: 'TT_INVALID_OPTION',
      message: expect.stringContaining(`options.faults.${fault} must be a chance`) as string,
    });
  }
});
