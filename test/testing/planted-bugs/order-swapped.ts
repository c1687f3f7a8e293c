/**
 * A relay gives each signal to a task of its own, so that a slow one does not hold up the next; what comes out is in the order
 * of the tasks' ends. (Right: number them, or handle one after the other.)
 */
import assert from 'node:assert/strict';
import { TaskThread, type TaskTurn } from '../../../src/index.ts';
import type { Simulation } from '../../../src/testing/index.ts';

class RelayThread extends TaskThread<number> {
  readonly out: number[] = [];

  protected override signalHandler(signal: number) {
    this.tasks.reCreate(`signal ${signal}`, async (turn: TaskTurn) => {
      await turn.sleep(0); // looks something up
      this.out.push(signal); // the fault: whoever is first
    });
  }
}

export async function orderSwapped(sim: Simulation): Promise<void> {
  const relay = new RelayThread();
  const root = await sim.start(relay);
  for (let i = 0; i < 4; i++) await root.send(i);
  await sim.sleep(1);
  assert.deepEqual(relay.out, [0, 1, 2, 3]);
}
