/**
 * Several tasks write into one stream, and each looks whether it is closed before it waits for its data. What was closed in
 * between gets a word after its end. (Right: look after the wait.)
 */
import { TaskThread, type TaskTurn } from '../../../src/index.ts';
import type { Simulation } from '../../../src/testing/index.ts';

class WritersThread extends TaskThread<'close'> {
  readonly stream: string[] = [];
  #closed = false;

  protected override enter() {
    this.tasks.reCreate('write', async (turn: TaskTurn) => {
      for (let i = 0; i < 3; i++) {
        if (this.#closed) return;
        await turn.sleep(0); // reads what is to be written: the fault
        this.stream.push(`word ${i}`);
      }
    });
  }

  protected override signalHandler() {
    this.#closed = true;
    this.stream.push('end');
  }
}

export async function messageAfterEnd(sim: Simulation): Promise<void> {
  const writers = new WritersThread();
  sim.always('the end is the last word', () => !writers.stream.includes('end') || writers.stream.at(-1) === 'end');
  const root = await sim.start(writers);
  for (let i = 0; i < 10; i++) await sim.checkpoint();
  await root.send('close');
}
