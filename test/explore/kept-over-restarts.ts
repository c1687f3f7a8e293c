/**
 * A program on what an edge keeps over the incarnations of a child (law 16): words and requests to a child that crashes at some of
 * them and is started again. Apart from `watched-thread`, because here a word may well be heard again.
 */
import assert from 'node:assert/strict';
import {
  AskUnansweredError,
  type Child,
  TaskThread,
  type TaskTurn,
  type ThreadOptions,
  type Turn,
} from '../../src/index.ts';
import type { LaneOptions } from '../../src/intercom/lane-options.ts';
import type { Simulation } from '../../src/testing/index.ts';
import { Watch, type Word } from './watched-thread.ts';

/** What became of one word that may be delivered several times. */
interface Fate {
  deliveries: number;
  handled: boolean;
  lost: number;
  /** The stop came between: it may never have been accepted. */
  unsure: boolean;
  /** The incarnation that had it last. */
  takenBy: WorkerThread | undefined;
  request: 'none' | 'open' | 'answered' | 'unanswered';
}

/** The words of a run, in the order sent, each with its fate. */
class Fates {
  readonly watch: Watch;
  readonly redeliver: number;
  /** Words weigh something, or not. */
  readonly inbox: LaneOptions<Word>;
  readonly #fates: Fate[] = [];
  #latest = -1;
  stopping = false;

  constructor(watch: Watch, redeliver: number) {
    this.watch = watch;
    this.redeliver = redeliver;
    const weights = { sizeOf: ({ n }: Word) => n % 3, maxBytes: 3, countOf: ({ n }: Word) => 1 + (n % 2) };
    this.inbox = { capacity: 3, ...watch.pick([{}, weights]) };
  }

  next(reply?: Word['reply']): { readonly word: Word; readonly fate: Fate } {
    const fate: Fate = {
      deliveries: 0,
      handled: false,
      lost: 0,
      unsure: false,
      takenBy: undefined,
      request: reply === undefined ? 'none' : 'open',
    };
    const n = this.#fates.push(fate) - 1;
    return { word: { from: 'root', n, ...(reply && { reply }) }, fate };
  }

  delivered({ n }: Word, count: number, takenBy: WorkerThread): Fate {
    const fate = this.#fates[n]!;
    fate.takenBy = takenBy;
    if (++fate.deliveries !== count)
      this.watch.blame(`delivery ${fate.deliveries} of word ${n} says that it is ${count}`);
    if (count > this.redeliver + 1) this.watch.blame(`word ${n} is delivered ${count} times`);
    const isNext = fate.deliveries === 1 ? n > this.#latest : n === this.#latest;
    if (!isNext) this.watch.blame(`word ${n} comes after ${this.#latest}`);
    this.#latest = n;
    return fate;
  }

  lost({ n }: Word, deliveries: number): void {
    const fate = this.#fates[n]!;
    fate.lost++;
    if (deliveries !== fate.deliveries) {
      this.watch.blame(`word ${n} is lost after ${deliveries} deliveries, and had ${fate.deliveries}`);
    }
    if (!this.stopping && fate.deliveries <= this.redeliver) this.watch.blame(`word ${n} is lost, and may come again`);
  }

  /** A send or a request has failed. */
  refused({ n }: Word, fate: Fate, error: unknown): void {
    if (fate.request !== 'none') fate.request = 'unanswered';
    if (this.stopping) fate.unsure = true;
    else if (!(error instanceof AskUnansweredError)) throw error;
    else if (fate.deliveries === 0) this.watch.blame(`request ${n} is sent away, and nobody had it`);
  }

  /** Nothing is under way any more. Only an incarnation that lives may have a request and not answer it. */
  check(): void {
    for (const [n, { handled, lost, request, unsure, takenBy }] of this.#fates.entries()) {
      const ends = Number(handled) + lost;
      if (ends > 1 || (ends === 0 && !unsure)) {
        this.watch.blame(`word ${n} is ${handled ? '' : 'not '}handled, and lost ${lost} times`);
      }
      if (request === 'open' && takenBy?.exited !== false) this.watch.blame(`request ${n} stays open`);
    }
  }
}

/** Crashes at some of its words, and stops at some; answers requests at once, with a later word, or never. */
class WorkerThread extends TaskThread<Word> {
  readonly #fates: Fates;
  readonly #open: Word[] = [];
  exited = false;

  constructor(fates: Fates) {
    super({ inbox: fates.inbox });
    this.#fates = fates;
  }

  protected override async enter(turn: Turn) {
    if (this.#fates.watch.pick([true, false])) await turn.sleep(0);
  }

  protected override async signalHandler(word: Word, turn: Turn) {
    const { watch } = this.#fates;
    if (this.exited) watch.blame(`word ${word.n} comes after exit`);
    const fate = this.#fates.delivered(word, turn.deliveryCount, this);
    if (watch.pick([true, false])) await turn.sleep(watch.pick([0, 1]));
    if (watch.pick([true, false, false])) throw new Error('a crash');
    this.#open.push(word);
    if (watch.pick([true, true, false])) for (const { n, reply } of this.#open.splice(0)) reply?.with(n);
    fate.handled = true;
    if (watch.pick([true, false, false, false, false])) turn.stop();
  }

  protected override async exit(turn: Turn) {
    this.exited = true;
    await turn.sleep(this.#fates.watch.pick([0, 0, 1]));
  }
}

/** What is queued is for the next incarnation, in order; what was being handled comes again as often as it may; requests settle. */
export async function keptOverRestarts(sim: Simulation): Promise<void> {
  const watch = new Watch(sim);
  const fates = new Fates(watch, watch.pick([0, 1, 2]));
  const backoff = watch.pick([undefined, { minMs: 1, maxMs: 4 }]);
  const supervision = { intensity: 1000, ...(backoff && { backoff }) };
  const root = new RootThread(fates, { supervision });
  const top = await sim.start(root as never);
  if (watch.pick([true, false])) await watch.aWhile(60);
  else {
    await sim.sleep(500);
    fates.check();
  }
  fates.stopping = true;
  const report = await top.stop();
  assert.deepEqual(report.abandoned, []);
  fates.check();
}

/** Sends words and requests to a child that it starts again. */
class RootThread extends TaskThread {
  readonly #fates: Fates;

  constructor(fates: Fates, options: ThreadOptions<never, never>) {
    super(options);
    this.#fates = fates;
  }

  protected override async enter() {
    const fates = this.#fates;
    const make = (): WorkerThread => new WorkerThread(fates);
    const worker = await this.addChild(make, { restart: 'permanent', redeliver: fates.redeliver });
    worker.events.on('deadLetter', (word, _reason, _path, deliveries) => fates.lost(word as Word, deliveries));
    for (const name of ['a', 'b', 'c']) {
      this.tasks.reCreate(name, async (turn: TaskTurn) => {
        for (let left = 4; left > 0; left--) await this.#sendOne(worker, turn);
      });
    }
  }

  async #sendOne(worker: Child<WorkerThread>, turn: TaskTurn) {
    const fates = this.#fates;
    let sent: ReturnType<Fates['next']> | undefined;
    try {
      if (fates.watch.pick([true, false])) {
        sent = fates.next();
        await turn.send(worker, sent.word);
        return;
      }
      await turn.ask(worker, (reply: Word['reply']) => {
        sent = fates.next(reply);
        return sent.word;
      });
      sent!.fate.request = 'answered';
    } catch (error) {
      if (sent !== undefined) fates.refused(sent.word, sent.fate, error);
    }
  }
}
