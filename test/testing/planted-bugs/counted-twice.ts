/**
 * A meter sends its readings up, over a link that may bring one twice. Who adds them up assumes exactly once, and counts it twice.
 * (Right: each reading has a number, and a number that was counted is passed over.)
 */
import assert from 'node:assert/strict';
import { type AnyChild, TaskThread, type TaskTurn } from '../../../src/index.ts';
import type { SimulatedProgram } from '../../../src/testing/index.ts';

interface Reading {
  readonly n: number;
  readonly litres: number;
}

class MeterThread extends TaskThread<never, Reading> {
  #n = 0;

  protected override enter() {
    this.tasks.reCreate('read', async (turn: TaskTurn<Reading>) => {
      await turn.sendToParent({ n: ++this.#n, litres: 5 });
      if (this.#n < 6) turn.reSchedule({ afterMs: 1 });
    });
  }
}

class TotalThread extends TaskThread<never, never, Reading> {
  litres = 0;
  readonly #counted = new Set<number>();
  readonly #mended: boolean;

  constructor(mended: boolean) {
    super();
    this.#mended = mended;
  }

  protected override async enter() {
    await this.addChild(() => new MeterThread());
  }

  protected override childSignalHandler({ n, litres }: Reading, _child: AnyChild) {
    if (this.#mended && this.#counted.has(n)) return;
    this.#counted.add(n);
    this.litres += litres; // the fault
  }
}

export function countedTwice(mended: boolean): SimulatedProgram {
  return async (sim) => {
    const total = new TotalThread(mended);
    await sim.start(total);
    await sim.sleep(100);
    assert.equal(total.litres, 30);
  };
}
