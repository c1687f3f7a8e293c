/**
 * The smallest program: one thread with one task, which greets once a second until Ctrl-C.
 *
 *     npm run example examples/hello-world.ts
 */
import { runMain, TaskThread, type TaskTurn } from 'taskthread';

class HelloThread extends TaskThread {
  #greetings = 0;

  /** Runs first. */
  protected override enter() {
    this.tasks.reCreate('greet', this.#greet);
  }

  /** Runs last, on Ctrl-C too. */
  protected override exit() {
    console.log(`goodbye after ${this.#greetings} greetings`);
  }

  readonly #greet = (turn: TaskTurn) => {
    this.#greetings++;
    console.log('hello world');
    return turn.reSchedule({ afterMs: 1000 });
  };
}

await runMain(() => new HelloThread());
