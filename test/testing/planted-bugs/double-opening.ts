/** Whoever needs the connection first opens it; two may find that nobody has. (Right: keep the promise of the opening.) */
import { TaskThread, type TaskTurn } from '../../../src/index.ts';
import type { Simulation } from '../../../src/testing/index.ts';

class GatewayThread extends TaskThread<string> {
  opened = 0;
  #connection: object | undefined;

  protected override signalHandler(request: string) {
    this.tasks.reCreate(request, async (turn: TaskTurn) => {
      if (this.#connection !== undefined) return;
      const connection = await this.#open(turn);
      this.#connection = connection; // the fault
    });
  }

  async #open(turn: TaskTurn): Promise<object> {
    await turn.sleep(0);
    this.opened++;
    return {};
  }
}

export async function doubleOpening(sim: Simulation): Promise<void> {
  const gateway = new GatewayThread();
  sim.always('one connection is opened', () => gateway.opened <= 1);
  const root = await sim.start(gateway);
  await root.send('first');
  for (let i = 0; i < 6; i++) await sim.checkpoint();
  await root.send('second');
  await sim.sleep(1);
}
