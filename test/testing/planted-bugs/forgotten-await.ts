/** A handler saves and does not wait for it; the thread's end takes the file away. (Right: return the promise.) */
import assert from 'node:assert/strict';
import { TaskThread, type Turn } from '../../../src/index.ts';
import type { Simulation } from '../../../src/testing/index.ts';

class StoreThread extends TaskThread<string> {
  readonly saved: string[] = [];

  protected override signalHandler(word: string, turn: Turn) {
    this.#save(word, turn).catch(() => {}); // the fault
  }

  async #save(word: string, turn: Turn) {
    await turn.sleep(0);
    this.saved.push(word);
  }
}

export async function forgottenAwait(sim: Simulation): Promise<void> {
  const store = new StoreThread();
  const root = await sim.start(store);
  await root.send('a');
  await root.send('b');
  await root.stop();
  assert.deepEqual(store.saved, ['a', 'b']);
}
