/** Five tasks with fifty checkpoints each: a program with very many schedules. The same shape as trio's test of determinism. */
import { TaskThread, type TaskTurn } from '../../src/index.ts';
import type { Simulation } from '../../src/testing/index.ts';

class FiveTasksThread extends TaskThread {
  readonly #say: (word: string) => void;

  constructor(say: (word: string) => void) {
    super();
    this.#say = say;
  }

  protected override enter() {
    for (const name of ['a', 'b', 'c', 'd', 'e'])
      this.tasks.reCreate(name, (turn: TaskTurn) => this.#count(name, turn));
  }

  async #count(name: string, turn: TaskTurn) {
    for (let i = 0; i < 50; i++) {
      this.#say(`${name}${i}`);
      await turn.sleep(0);
    }
  }
}

export async function fiveTasks(sim: Simulation): Promise<void> {
  const root = await sim.start(() => new FiveTasksThread((word) => sim.say(word)));
  await sim.sleep(1);
  await root.stop();
}
