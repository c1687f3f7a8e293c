/**
 * Programs on the core whose every schedule must keep the laws. Each takes its own small choices from the seed as well; what a
 * simulation checks after every step (books, orphans, nothing left lying) is checked here too.
 */
import assert from 'node:assert/strict';
import type { Child, Turn } from '../../src/index.ts';
import type { LaneOptions } from '../../src/intercom/lane-options.ts';
import type { OverflowPolicy } from '../../src/intercom/overflow.ts';
import type { Simulation, SimulationLimits } from '../../src/testing/index.ts';
import { Watch, Watched, type Word } from './watched-thread.ts';

export interface CoreProgram {
  readonly name: string;
  readonly run: (sim: Simulation) => Promise<void>;
  readonly limits?: SimulationLimits;
}

/** What a program expects of a word that may come too late. */
function ignore(): void {}

async function isRefused(wait: Promise<unknown>, code?: string): Promise<boolean> {
  try {
    await wait;
    return false;
  } catch (error) {
    return code === undefined || (error as { code?: string }).code === code;
  }
}

/** Several tasks send over one small lane up; the parent is slow, and is stopped at some moment. All accepted is handled. */
async function sendersOverOneLane(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  let accepted = 0;
  const child = new Watched(
    watch,
    {
      enter: (me) => {
        for (const name of ['a', 'b', 'c']) {
          me.task(name, async (turn) => {
            for (let i = 0; i < 4; i++) {
              const word = watch.word(name);
              if (await watch.sent(word, turn.sendToParent(word))) accepted++;
            }
          });
        }
      },
    },
    { outbox: { capacity: 2 } },
  );
  const root = new Watched(watch, {
    enter: (me) => me.add(child),
    childSignal: (_word, turn) => (watch.pick([true, false]) ? turn.sleep(0) : undefined),
  });
  const handle = await watch.start(root);
  await watch.aWhile(40);
  const report = await handle.stop();
  watch.checkFates();
  assert.equal(report.verdict, 'clean');
  assert.ok(root.handled.length >= accepted, `${accepted} accepted, ${root.handled.length} handled`);
}

/** Sends with a time limit into a full lane: what was cancelled was not handled, what was accepted was. */
async function sendsThatAreCancelled(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  const child = new Watched(
    watch,
    { signal: (_word, turn) => turn.sleep(watch.pick([0, 1, 3])) },
    { inbox: { capacity: 1 } },
  );
  const root = new Watched(watch, {
    enter: async (me) => {
      const handle = await me.add(child);
      for (const name of ['a', 'b']) {
        me.task(name, async (turn) => {
          for (let i = 0; i < 5; i++) {
            const limited = turn.timeoutAfter(watch.pick([0, 1, 2]), async (inner) => {
              const word = watch.word(name);
              const accepted = await watch.sent(word, inner.send(handle, word));
              if (accepted || !inner.cancelled) return;
              if (!(await isRefused(inner.sleep(0)))) watch.blame('a cancelled turn sleeps');
              const next = watch.word(name);
              if (await watch.sent(next, inner.send(handle, next))) watch.blame('a cancelled turn sends');
            });
            await limited.catch(ignore);
          }
        });
      }
    },
  });
  const handle = await watch.start(root);
  await sim.sleep(100);
  await handle.stop();
  watch.checkFates();
}

/** Every policy, sends and tries mixed, from tasks and outside; the receiver ends in the middle. */
async function policies(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  const policy = watch.pick<OverflowPolicy>(['block', 'drop-oldest', 'drop-newest', 'latest', 'fail']);
  const keys = policy === 'latest' ? { keyOf: ({ from }: Word) => from } : {};
  await overOneLane(watch, { capacity: watch.pick([1, 2, 3]), policy, ...keys });
}

/** The same with words that count and weigh differently, so that one which fits may be behind one which does not. */
async function weighedWords(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  const policy = watch.pick<OverflowPolicy>(['latest', 'latest', 'block', 'drop-oldest']);
  const weighs = { sizeOf: ({ n }: Word) => (n * 5) % 7, maxBytes: 7 };
  if (policy === 'latest') {
    await overOneLane(watch, { capacity: 8, policy, ...weighs, keyOf: ({ from }) => from });
  } else {
    await overOneLane(watch, { capacity: watch.pick([4, 8]), policy, ...weighs, countOf: ({ n }) => 1 + (n % 2) });
  }
}

async function overOneLane(watch: Watch, inbox: LaneOptions<Word>): Promise<void> {
  const child = new Watched(watch, { signal: (_word, turn) => turn.sleep(watch.pick([0, 1])) }, { inbox });
  let handle!: Child<Watched>;
  const root = new Watched(watch, {
    enter: async (me) => {
      handle = await me.add(child);
      // Two of them have the same key, so that a later word can find an earlier one waiting.
      for (const [i, from] of ['a', 'b', 'c', 'a'].entries()) {
        me.task(`${from} ${i}`, async (turn) => {
          for (let left = 4; left > 0; left--) {
            const word = watch.word(from);
            if (watch.pick([true, false, false])) handle.trySend(word);
            else await watch.sent(word, turn.send(handle, word));
          }
        });
      }
    },
  });
  const top = await watch.start(root);
  await watch.aWhile(30);
  await handle.stop({ drainMs: watch.pick([0, 5]), cancelMs: 5 });
  await top.stop();
  watch.checkFates();
}

/** Asks up and down, answered at once, later, twice or never; some give up. Every ask settles. */
async function asks(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  let open = 0;
  // Where the child is stopped meanwhile, that must do: whoever asks it waits without a limit.
  const stops = watch.pick([true, false]);
  const answer = async (word: Word, turn: Turn<Word>): Promise<void> => {
    const way = watch.pick(['at once', 'later', 'twice', 'never', 'fails']);
    if (way === 'later') await turn.sleep(watch.pick([0, 2]));
    if (way === 'fails') word.reply?.fail(new Error('no'));
    else if (way !== 'never') word.reply?.with(word.n);
    if (way === 'twice') word.reply?.with(-1);
  };
  const ask = async (
    name: string,
    make: (reply: Word['reply'], word: (reply: Word['reply']) => Word) => Promise<number>,
  ) => {
    open++;
    let asked: Word | undefined;
    const word = (reply: Word['reply']): Word => {
      asked = watch.word(name, reply);
      return asked;
    };
    try {
      const given = await make(undefined, word);
      if (given !== asked?.n) watch.blame(`${name} is answered ${given} for ${asked?.n}`);
    } catch {
      // Refused, unanswered or given up: it has settled.
    } finally {
      open--;
    }
  };
  const child = new Watched(watch, {
    enter: (me) => {
      me.task('asks up', (turn) => ask('up', (_, word) => turn.askParent<number>(word, { timeoutMs: 3 })));
    },
    signal: answer,
  });
  let handle!: Child<Watched>;
  const root = new Watched(watch, {
    enter: async (me) => {
      handle = await me.add(child);
      for (const name of ['a', 'b']) {
        const limit = stops ? {} : { timeoutMs: watch.pick([1, 3]) };
        me.task(name, (turn) => ask(name, (_, word) => turn.ask(handle, word, limit)));
      }
    },
    childSignal: answer,
  });
  const top = await watch.start(root);
  await watch.aWhile(15);
  const stopped = stops ? handle.stop() : undefined;
  await sim.sleep(20);
  await stopped;
  assert.equal(open, 0);
  await top.stop();
  assert.equal(handle.snapshot().edge.asksWaiting, 0);
}

/** Children are added while the parent is stopped; some throw in enter. Each ends once, and nothing is left. */
async function addingWhileStopping(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  const root = new Watched(watch, {
    enter: (me) => {
      for (const name of ['a', 'b']) {
        me.task(name, async (turn) => {
          for (let i = 0; i < 3; i++) {
            const way = watch.pick(['well', 'well', 'throws', 'slow']);
            const child = new Watched(watch, {
              enter: async (_me, inner) => {
                if (way === 'slow') await inner.sleep(1);
                if (way === 'throws') throw new Error('not today');
              },
              exit: (inner) => inner.sleep(0),
            });
            const added = await me.add(child, { onFailure: 'ignore', scope: turn }).catch(ignore);
            if (added !== undefined && watch.pick([true, false])) await added.stop({ scope: turn });
          }
        });
      }
    },
  });
  const handle = await watch.start(root);
  await watch.aWhile(60);
  const report = await handle.stop({ drainMs: watch.pick([0, 10]), cancelMs: 10 });
  assert.deepEqual(report.abandoned, []);
  for (const thread of watch.threads) assert.ok(thread.exits <= 1, `${thread.path} exits ${thread.exits} times`);
}

/** A tree of three levels with work at every level is stopped at some moment, and again with less time. */
async function stopsOfATree(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  const order: string[] = [];
  const leaf = (name: string): Watched =>
    new Watched(
      watch,
      {
        enter: (me) => {
          me.task(
            'read',
            async (turn) => {
              await turn.sleep(watch.pick([0, 1]));
              await turn.sendToParent(watch.word(name));
              return turn.reSchedule();
            },
            { intake: true },
          );
        },
        exit: () => order.push(name),
      },
      { outbox: { capacity: 2 } },
    );
  const middle = (name: string): Watched =>
    new Watched(
      watch,
      {
        enter: async (me) => {
          await me.add(leaf(`${name} 1`));
          await me.add(leaf(`${name} 2`));
        },
        signal: (_word, turn) => turn.sleep(0),
        childSignal: (_word, turn) => turn.sendToParent(watch.word(name)),
        exit: async (turn) => {
          await turn.sleep(0);
          order.push(name);
        },
      },
      { outbox: { capacity: 2 } },
    );
  const middles: Child<Watched>[] = [];
  const root = new Watched(watch, {
    enter: async (me) => {
      for (const name of ['a', 'b']) middles.push(await me.add(middle(name)));
    },
    childSignal: (_word, turn, me) => {
      if (middles.length === 2) me.tell(watch.pick(middles), watch.word('root'));
      return watch.pick([true, false]) ? turn.sleep(0) : undefined;
    },
    exit: () => order.push('root'),
  });
  const handle = await watch.start(root);
  await watch.aWhile(60);
  const first = handle.stop();
  const again = watch.pick([true, false]);
  await watch.aWhile(30);
  const second = again ? handle.stop({ drainMs: 2, cancelMs: 100 }) : undefined;
  const report = await first;
  await second;
  assert.deepEqual(report.abandoned, []);
  assert.deepEqual(order, ['b 2', 'b 1', 'b', 'a 2', 'a 1', 'a', 'root']);
}

/** A task is created again and deleted by others while it runs: its turns never overlap. */
async function tasksComeAndGo(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  const root = new Watched(watch, {
    enter: (me) => {
      const work = async (turn: Turn<Word>): Promise<void> => {
        await turn.sleep(watch.pick([0, 1]));
      };
      me.task('work', work);
      for (const name of ['a', 'b']) {
        me.task(name, async (turn) => {
          for (let i = 0; i < 4; i++) {
            if (watch.pick([true, false])) await me.delete('work', turn);
            else me.task('work', work);
            await turn.sleep(0);
          }
        });
      }
    },
  });
  const handle = await watch.start(root);
  await watch.aWhile(40);
  const report = await handle.stop();
  assert.equal(report.verdict, 'clean');
}

/** Children crash, hang and are late by injected faults; the parent is told once of each, and its stop returns in time. */
async function faultyChildren(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  const child = (name: string): Watched =>
    new Watched(watch, {
      enter: (me) => {
        me.task('work', async (turn) => {
          await turn.sendToParent(watch.word(name));
          return turn.reSchedule({ afterMs: 1 });
        });
      },
      signal: (_word, turn) => turn.sleep(1),
    });
  const handles: Child<Watched>[] = [];
  const root = new Watched(watch, {
    enter: async (me) => {
      for (const name of ['a', 'b', 'c']) handles.push(await me.add(child(name)));
    },
    childSignal: ({ from }, turn, me) => {
      const handle = watch.pick(handles);
      return me.ends.includes(handle.path) ? undefined : turn.send(handle, watch.word(from))?.catch(ignore);
    },
  });
  const top = await watch.start(root);
  await sim.sleep(20);
  const before = sim.now;
  const report = await top.stop({ drainMs: 50, cancelMs: 50 });
  assert.ok(sim.now - before <= 101, `the stop took ${sim.now - before} ms`);
  for (const handle of handles) assert.equal(handle.state, 'stopped');
  const failed = handles.filter(({ outcome }) => outcome?.kind === 'failed').length;
  assert.ok(report.threads <= 4 && failed <= 3);
}

/** Handlers and exits hang whatever one does; below them others end well. The report has those that hang, and every thread exits once. */
async function whatHangs(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  const hanging = new Set<string>();
  let closed = 0;
  const releases: (() => void)[] = [];
  let resumed = 0;
  const tidied = new Set<string>();
  const tidy = (): Watched =>
    new Watched(watch, {
      exit: async (turn, me) => {
        await turn.sleep(1);
        tidied.add(me.path);
      },
    });
  const hang = async (turn: Turn, me: Watched): Promise<void> => {
    hanging.add(me.path);
    await new Promise<void>((release) => releases.push(release));
    if (!(await isRefused(turn.sleep(1), 'TT_THREAD_ENDED'))) watch.blame(`${me.path} waits after its end`);
    resumed++;
  };
  const child = (): Watched => {
    const place = watch.pick(['signal', 'shield', 'exit']);
    return new Watched(watch, {
      enter: (me) => me.add(tidy()),
      signal: async (_word, turn, me) => {
        if (watch.pick([true, false])) return;
        if (place === 'signal') await hang(turn, me);
        if (place !== 'shield') return;
        hanging.add(me.path);
        const shielded = turn.shield(100_000, (inner) => inner.sleep(100_000));
        if (!(await isRefused(shielded, 'TT_THREAD_ENDED'))) watch.blame(`a shield in ${me.path} outlives it`);
      },
      exit: (turn, me) => (place === 'exit' ? hang(turn, me) : undefined),
    });
  };
  const handles: Child<Watched>[] = [];
  const root = new Watched(watch, {
    enter: async (me) => {
      for (const name of ['a', 'b']) {
        const handle = await me.add(child(), { name, onFailure: 'ignore', owns: { close: () => closed++ } });
        handles.push(handle);
        for (let i = 0; i < 3; i++) me.tell(handle, watch.word(name));
      }
    },
  });
  const top = await watch.start(root);
  await watch.aWhile(20);
  const report = await top.stop({ drainMs: watch.pick([0, 10]), cancelMs: 200 });
  const abandoned = report.abandoned.map(({ path }) => path);
  assert.deepEqual(abandoned.toSorted(), [...hanging].toSorted());
  assert.deepEqual([closed, report.threads, tidied.size], [2, 5, 2]);
  for (const release of releases) release();
  await sim.sleep(10);
  assert.equal(resumed, releases.length);
  for (const thread of watch.threads) assert.equal(thread.exits, 1, `exits of ${thread.path}`);
  watch.checkFates();
}

/** Something throws, in this hook or that; the thread above fails with it, and its other children end in order. */
async function failures(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  const where = watch.pick(['signal', 'task', 'childSignal', 'exit']);
  const fail = (): never => {
    throw new Error(where);
  };
  const leaf = new Watched(watch, {
    enter: (me, turn) => {
      if (where === 'task') me.task('fails', fail);
      return turn.sendToParent(watch.word('leaf'));
    },
    ...(where === 'signal' && { signal: fail }),
    ...(where === 'exit' && { exit: fail }),
  });
  const order: string[] = [];
  const other = new Watched(watch, { exit: () => order.push('other') });
  let handle!: Child<Watched>;
  const middle = new Watched(watch, {
    enter: async (me) => {
      await me.add(other);
      handle = await me.add(leaf, { onFailure: 'escalate' });
      me.tell(handle, watch.word('middle'));
    },
    ...(where === 'childSignal' && { childSignal: fail }),
    exit: () => order.push('middle'),
  });
  let above: Child<Watched> | undefined;
  const root = new Watched(watch, {
    enter: async (me) => {
      // What fails before all have entered is the failure of who waits for that.
      await me.add(middle).then((entered) => {
        above = entered;
      }, ignore);
    },
  });
  const top = await watch.start(root);
  await sim.sleep(10);
  if (where === 'exit') await handle?.stop().catch(ignore);
  await sim.sleep(10);
  assert.equal(middle.over, true);
  assert.deepEqual(order, ['other', 'middle']);
  if (above !== undefined) {
    assert.equal(above.outcome?.kind, 'failed');
    assert.equal(
      (above.outcome.error as { code?: string }).code,
      where === 'childSignal' ? undefined : 'TT_CHILD_FAILED',
    );
  }
  await top.stop();
}

export const corePrograms: readonly CoreProgram[] = [
  { name: 'senders over one lane', run: sendersOverOneLane },
  { name: 'sends that are cancelled', run: sendsThatAreCancelled },
  { name: 'policies', run: policies },
  { name: 'weighed words', run: weighedWords },
  { name: 'asks', run: asks },
  { name: 'adding while stopping', run: addingWhileStopping },
  { name: 'stops of a tree', run: stopsOfATree },
  { name: 'tasks come and go', run: tasksComeAndGo },
  { name: 'what hangs', run: whatHangs },
  { name: 'failures', run: failures },
  {
    name: 'faulty children',
    run: faultyChildren,
    limits: { faults: { crash: 0.01, hang: 0.01, late: 0.05, delay: 0.05, delayMs: 3 } },
  },
];
