/**
 * A hand-made condition: the consumer finds the list empty, says so in its log, and only then leaves its bell. Who put
 * something in meanwhile found no bell to ring. (Right: leave the bell in the same step as the look.)
 */
import { type Child, TaskThread, type TaskTurn } from '../../../src/index.ts';
import type { Simulation } from '../../../src/testing/index.ts';

class LogThread extends TaskThread<string> {
  protected override signalHandler() {}
}

class MarketThread extends TaskThread {
  readonly #goods: number[] = [];
  #ring: (() => void) | undefined;
  #log!: Child<LogThread>;
  taken = 0;

  protected override async enter() {
    this.#log = await this.addChild(() => new LogThread());
    this.tasks.reCreate('consume', this.#consume);
    this.tasks.reCreate('produce', this.#produce);
  }

  readonly #consume = async (turn: TaskTurn) => {
    while (this.taken < 2) {
      if (this.#goods.length === 0) {
        await turn.send(this.#log, 'empty'); // the fault: between the look and the bell
        await new Promise<void>((resolve) => {
          this.#ring = resolve;
        });
      }
      this.#goods.shift();
      this.taken++;
    }
  };

  readonly #produce = async (turn: TaskTurn) => {
    for (let i = 0; i < 2; i++) {
      await turn.sleep(0);
      this.#goods.push(i);
      const ring = this.#ring;
      this.#ring = undefined;
      ring?.();
    }
  };
}

export async function lostWakeUp(sim: Simulation): Promise<void> {
  const market = new MarketThread();
  await sim.start(market);
  await sim.sleep(1000);
  if (market.taken < 2) throw new Error(`only ${market.taken} were taken`);
}
