/**
 * Two tasks use one connection, and the one that finds itself the last gives it back. Both look before either has said that it
 * is done. (Right: count down and look in one step.)
 */
import { type Child, TaskThread, type TaskTurn } from '../../../src/index.ts';
import type { Simulation } from '../../../src/testing/index.ts';

class LogThread extends TaskThread<string> {
  protected override signalHandler() {}
}

class PoolThread extends TaskThread {
  users = 2;
  released = 0;
  #log!: Child<LogThread>;

  protected override async enter() {
    this.#log = await this.addChild(() => new LogThread());
    for (const name of ['reader', 'writer']) this.tasks.reCreate(name, this.#use);
  }

  readonly #use = async (turn: TaskTurn) => {
    this.users--;
    await turn.send(this.#log, 'done'); // the fault is to look only after it
    if (this.users === 0) this.released++;
  };
}

export async function doubleRelease(sim: Simulation): Promise<void> {
  const pool = new PoolThread();
  sim.always('released at most once', () => pool.released <= 1);
  await sim.start(pool);
  await sim.sleep(10);
}
