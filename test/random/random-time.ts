/** Virtual time for random programs: the clock of the testing entrance, and deliveries in the order of arrival or of chance. */
import type { Runnable, Scheduler } from '../../src/kernel/scheduler.ts';
import { LoopScheduler } from '../../src/kernel/scheduler.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { Dice } from '../../src/testing/dice.ts';

/** Runs what is ready in an order drawn by chance, and finds a slice spent by chance. */
class ChanceScheduler implements Scheduler {
  readonly #clock: VirtualClock;
  readonly #dice: Dice;
  readonly #queue: Runnable[] = [];
  #armed = false;
  #open = false;
  #spent = false;
  #turn: Promise<void> | undefined;
  #endTurn: (() => void) | undefined;

  constructor(clock: VirtualClock, seed: number) {
    this.#clock = clock;
    this.#dice = new Dice(seed);
  }

  get coarseNow(): number {
    return this.#clock.now();
  }

  get idle(): boolean {
    return this.#queue.length === 0 && !this.#open && !this.#armed;
  }

  enqueue(runnable: Runnable): void {
    if (runnable.queued) return;
    runnable.queued = true;
    this.#queue.push(runnable);
    if (this.#armed) return;
    this.#armed = true;
    if (!this.#spent) void Promise.resolve().then(this.#drain);
  }

  resume(runnable: Runnable): void {
    if (runnable.queued || this.spend()) this.enqueue(runnable);
    else runnable.run();
  }

  spend(): boolean {
    if (!this.#open) this.#openSlice();
    if (this.#dice.chance(0.03)) this.#spent = true;
    return this.#spent;
  }

  nextSlice(): Promise<void> {
    if (!this.#open) this.#openSlice();
    this.#turn ??= new Promise((resolve) => {
      this.#endTurn = resolve;
    });
    return this.#turn;
  }

  readonly #drain = (): void => {
    while (this.#queue.length > 0) {
      if (this.#spent) return;
      const [runnable] = this.#queue.splice(this.#dice.int(this.#queue.length), 1);
      if (runnable === undefined) continue;
      runnable.queued = false;
      runnable.quota = this.#dice.pick([1, 1, 2, 8]);
      this.spend();
      runnable.run();
    }
    this.#armed = false;
  };

  #openSlice(): void {
    this.#open = true;
    setImmediate(() => {
      this.#open = false;
      this.#spent = false;
      const endTurn = this.#endTurn;
      this.#turn = undefined;
      this.#endTurn = undefined;
      endTurn?.();
      if (this.#queue.length > 0) this.#drain();
    });
  }
}

export class RandomTime {
  readonly clock = new VirtualClock();
  readonly scheduler: Scheduler & { readonly idle: boolean };

  constructor(order: 'arrival' | 'chance', seed: number) {
    this.scheduler = order === 'arrival' ? new LoopScheduler(this.clock) : new ChanceScheduler(this.clock, seed);
  }

  get now(): number {
    return this.clock.now();
  }

  /** Resolves when nothing runs any more. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 2; quiet++) {
      await this.scheduler.nextSlice();
      // Others have waited for the same slice, and go on only now.
      await new Promise(setImmediate);
      if (!this.scheduler.idle) quiet = -1;
    }
  }

  /** Lets time pass until a moment, or until `done`; looks after every timer that has fired. */
  async passUntil(moment: number, look: () => void, done: () => boolean = () => false): Promise<void> {
    await this.settle();
    look();
    while (!done() && this.clock.fireNext(moment)) {
      await this.settle();
      look();
    }
    if (done()) return;
    this.clock.moveTo(moment);
    await this.settle();
    look();
  }
}
