/** Two tasks read a counter, wait, and write it back. (Right: read and write in one step.) */
import assert from 'node:assert/strict';
import { type Child, TaskThread, type TaskTurn } from '../../../src/index.ts';
import type { Simulation } from '../../../src/testing/index.ts';

class MirrorThread extends TaskThread<number> {
  protected override signalHandler() {}
}

class CounterThread extends TaskThread {
  count = 0;
  #mirror!: Child<MirrorThread>;

  protected override async enter() {
    this.#mirror = await this.addChild(() => new MirrorThread());
    for (const name of ['a', 'b', 'c']) this.tasks.reCreate(name, this.#add);
  }

  readonly #add = async (turn: TaskTurn) => {
    const next = this.count + 1;
    await turn.send(this.#mirror, next); // the fault
    this.count = next;
  };
}

export async function lostUpdate(sim: Simulation): Promise<void> {
  const counter = new CounterThread();
  await sim.start(counter);
  await sim.sleep(1);
  assert.equal(counter.count, 3);
}
