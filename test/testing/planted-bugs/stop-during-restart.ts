/**
 * A keeper starts its worker again when it has ended, and on "off" stops the worker that it knows. If that comes while a new
 * one is being started, the old one is stopped and the new one works on. (Right: look for "off" after the start too.)
 */
import assert from 'node:assert/strict';
import { type AnyChild, type Child, TaskThread, type TaskTurn } from '../../../src/index.ts';
import type { Simulation } from '../../../src/testing/index.ts';

class WorkerThread extends TaskThread<'crash'> {
  protected override signalHandler() {
    throw new Error('the worker crashed');
  }
}

class KeeperThread extends TaskThread<'off' | 'crash'> {
  #worker!: Child<WorkerThread>;
  #off = false;

  get working() {
    return this.childCount;
  }

  protected override async enter() {
    await this.#startWorker();
  }

  async #startWorker() {
    this.#worker = await this.addChild(() => new WorkerThread(), { onFailure: 'ignore' });
  }

  protected override childEnded(_child: AnyChild) {
    if (!this.#off) this.tasks.reCreate('restart', () => this.#startWorker()); // the fault: asked before, not after
  }

  protected override async signalHandler(word: 'off' | 'crash') {
    if (word === 'crash') return this.#worker.send('crash');
    this.#off = true;
    this.tasks.reCreate('off', async (turn: TaskTurn) => void (await this.#worker.stop({ scope: turn })));
  }
}

export async function stopDuringRestart(sim: Simulation): Promise<void> {
  const keeper = new KeeperThread();
  const root = await sim.start(keeper);
  await root.send('crash');
  for (let i = 0; i < 12; i++) await sim.checkpoint();
  await root.send('off');
  await sim.sleep(100);
  assert.equal(keeper.working, 0);
}
