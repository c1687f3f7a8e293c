/** Programs on what carries signals to many, or over links that a simulation makes lose, double and break. */
import assert from 'node:assert/strict';
import {
  AskUnansweredError,
  type Child,
  EdgeClosedError,
  type RestartSpec,
  TaskThread,
  type TaskTurn,
  type ThreadOptions,
  TimeoutError,
  type Turn,
} from '../../src/index.ts';
import { LinkCutError, type Simulation } from '../../src/testing/index.ts';
import type { CoreProgram } from './programs.ts';
import { Watch, type Word } from './watched-thread.ts';

/** Does what its program gives it. */
class ToyThread extends TaskThread<Word, Word, Word> {
  onEnter: (me: ToyThread) => unknown = () => undefined;
  onSignal: (word: Word, turn: Turn<Word>) => unknown = () => undefined;
  onChildSignal: (word: Word) => void = () => undefined;

  protected override enter() {
    return this.onEnter(this) as Promise<void> | undefined;
  }

  protected override signalHandler(word: Word, turn: Turn<Word>) {
    return this.onSignal(word, turn) as Promise<void> | undefined;
  }

  protected override childSignalHandler(word: Word) {
    this.onChildSignal(word);
  }

  add(make: () => ToyThread, spec?: RestartSpec): Promise<Child<ToyThread>> {
    return spec === undefined ? this.addChild(make) : this.addChild(make, spec);
  }

  task(name: string, body: (turn: TaskTurn<Word>) => unknown) {
    this.tasks.reCreate(name, body);
  }
}

/** Words to all children, which are slow, and of which one is stopped; nobody awaits them. The books tell all, nothing is unhandled. */
async function broadcasts(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  let heard = 0;
  const children: Child<ToyThread>[] = [];
  const root = new ToyThread();
  const make = (): ToyThread => {
    const child = new ToyThread({ inbox: { capacity: watch.pick([1, 2]) } });
    child.onSignal = async (_word, turn) => {
      heard++;
      await turn.sleep(watch.pick([0, 1]));
    };
    return child;
  };
  root.onEnter = async (me) => {
    for (let i = 0; i < 3; i++) children.push(await me.add(make));
    for (const name of ['a', 'b']) {
      me.task(name, async (turn) => {
        for (let i = 0; i < 3; i++) {
          void turn.sendToChildren(children, watch.word(name));
          await turn.sleep(watch.pick([0, 1]));
        }
      });
    }
  };
  const top = await sim.start(root as never);
  await watch.aWhile(30);
  if (watch.pick([true, false])) await watch.pick(children).stop();
  await watch.aWhile(20);
  await top.stop({ drainMs: watch.pick([0, 2]), cancelMs: 5 });
  let handled = 0;
  for (const child of children) {
    const { down } = child.snapshot().edge;
    handled += (down?.handled ?? 0) + (down?.deadLettered ?? 0);
    assert.equal((down?.dropped ?? 0) + (down?.queued ?? 0), 0);
  }
  assert.ok(heard <= handled, `${heard} are heard, ${handled} are in the books`);
}

/** What a link may have done, counted over all incarnations. */
interface Tally {
  sent: number;
  refused: number;
  heard: number;
  lost: number;
}

/**
 * Words both ways, and requests, over links that do all that links can do. What was accepted is heard, or told as lost; the child
 * fails of a cut alone, and is started again; a request is answered, unanswered or given up.
 */
async function linksThatLose(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  const down: Tally = { sent: 0, refused: 0, heard: 0, lost: 0 };
  const up: Tally = { sent: 0, refused: 0, heard: 0, lost: 0 };
  const expected = (error: unknown): void => {
    if (error instanceof EdgeClosedError || error instanceof AskUnansweredError || error instanceof TimeoutError)
      return;
    throw error;
  };
  const send = (tally: Tally, sending: Promise<void> | undefined): Promise<void> | undefined => {
    tally.sent++;
    return sending?.catch((error: unknown) => {
      tally.refused++;
      expected(error);
    });
  };
  const weights = { sizeOf: ({ n }: Word) => n % 3, maxBytes: 4, countOf: ({ n }: Word) => 1 + (n % 2) };
  const lane = { capacity: watch.pick([1, 2, 4]), ...watch.pick([{}, weights]) };
  const options: ThreadOptions<Word, Word> = { inbox: lane, outbox: lane };
  const make = (): ToyThread => {
    const child = new ToyThread(options);
    child.onSignal = async (word, turn) => {
      down.heard++;
      if (watch.pick([true, false])) await turn.sleep(watch.pick([0, 1]));
      word.reply?.with(word.n);
      await send(up, turn.sendToParent({ from: 'child', n: word.n }));
    };
    return child;
  };
  const root = new ToyThread({ supervision: { intensity: 1000 } });
  root.onChildSignal = () => {
    up.heard++;
  };
  let handle!: Child<ToyThread>;
  let open = 0;
  root.onEnter = async (me) => {
    handle = await me.add(make, { restart: 'permanent', redeliver: watch.pick([0, 1]) });
    handle.events.on('restarting', ({ error }) => {
      if (!(error instanceof LinkCutError)) watch.blame(`it fails with ${String(error)}`);
    });
    for (const name of ['a', 'b']) {
      me.task(name, async (turn) => {
        for (let left = 5; left > 0; left--) {
          const word = watch.word(name);
          if (watch.pick([true, true, false])) await send(down, turn.send(handle, word));
          else {
            open++;
            const answer = await turn
              .ask<ToyThread, number>(handle, (reply) => ({ ...word, reply }), { timeoutMs: 20 })
              .catch(expected);
            open--;
            if (answer !== undefined && answer !== word.n) watch.blame(`${word.n} is answered ${answer}`);
          }
        }
      });
    }
  };
  const onRecord = (record: { readonly kind: string; readonly direction?: string }): void => {
    if (record.kind === 'dead-letter') (record.direction === 'down' ? down : up).lost++;
  };
  const top = await sim.start(root as never, { onRecord });
  await sim.sleep(300);
  assert.equal(open, 0);
  await top.stop();
  for (const tally of [down, up]) {
    assert.ok(tally.heard + tally.lost >= tally.sent - tally.refused, JSON.stringify(tally));
  }
}

export const carryingPrograms: readonly CoreProgram[] = [
  { name: 'broadcasts', run: broadcasts },
  {
    name: 'links that lose, double and break',
    run: linksThatLose,
    limits: { faults: { drop: 0.05, duplicate: 0.05, cut: 0.02, late: 0.02, delayMs: 2 } },
  },
];
