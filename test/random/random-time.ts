/** Virtual time for random programs: deliveries in the order of arrival, or chosen by the simulated scheduler. */
import { afterTurn, LoopScheduler, type Scheduler } from '../../src/kernel/scheduler.ts';
import { SimulatedScheduler } from '../../src/testing/simulated-scheduler.ts';
import { makeChooser } from '../../src/testing/strategy.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';

export class RandomTime {
  readonly clock: VirtualClock;
  readonly scheduler: Scheduler & { readonly idle: boolean };
  readonly #simulated: SimulatedScheduler | undefined;

  constructor(order: 'arrival' | 'chance', seed: number) {
    if (order === 'arrival') {
      this.clock = new VirtualClock();
      this.scheduler = new LoopScheduler(this.clock);
      return;
    }
    const chooser = makeChooser({ kind: 'random' }, seed);
    this.#simulated = new SimulatedScheduler({ chooser, traced: false, counted: false, onRunnable: () => {} });
    this.clock = this.#simulated.clock;
    this.scheduler = this.#simulated;
  }

  get now(): number {
    return this.clock.now();
  }

  /** Resolves when nothing runs any more. */
  async settle(): Promise<void> {
    const simulated = this.#simulated;
    for (let quiet = 0; quiet < 2; quiet++) {
      if (simulated === undefined) await this.scheduler.nextSlice();
      else if (!simulated.idle) simulated.runStep();
      // Others have waited for the same slice, and go on only now.
      await new Promise<void>(afterTurn);
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
