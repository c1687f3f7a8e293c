/** Two tasks take two hand-made locks, each the other one first. (Right: one order for all.) */
import { type Child, TaskThread, type TaskTurn } from '../../../src/index.ts';
import type { Simulation } from '../../../src/testing/index.ts';

/** A lock whose holder hands it on to whoever waits longest. */
class HandLock {
  #held = false;
  readonly #line: (() => void)[] = [];

  async take(): Promise<void> {
    if (!this.#held) this.#held = true;
    else await new Promise<void>((resolve) => this.#line.push(resolve));
  }

  give(): void {
    const next = this.#line.shift();
    if (next === undefined) this.#held = false;
    else next();
  }
}

class LogThread extends TaskThread<string> {
  protected override signalHandler() {}
}

class BooksThread extends TaskThread {
  done = 0;
  #log!: Child<LogThread>;

  protected override async enter() {
    this.#log = await this.addChild(() => new LogThread());
    const [red, blue] = [new HandLock(), new HandLock()];
    this.tasks.reCreate('red first', this.#move(red, blue));
    this.tasks.reCreate('blue first', this.#move(blue, red)); // the fault
  }

  #move(first: HandLock, second: HandLock) {
    return async (turn: TaskTurn) => {
      await first.take();
      await turn.send(this.#log, 'has the first');
      await second.take();
      this.done++;
      second.give();
      first.give();
    };
  }
}

export async function crossedLocks(sim: Simulation): Promise<void> {
  const books = new BooksThread();
  await sim.start(books);
  await sim.sleep(1000);
  if (books.done < 2) throw new Error('both wait for each other');
}
