/**
 * A sender notes a message as unconfirmed after it has sent it. When the confirmation is faster than the note, the note stays for
 * ever. (Right: note first, then send.)
 */
import assert from 'node:assert/strict';
import { type AnyChild, type Child, TaskThread, type TaskTurn, type Turn } from '../../../src/index.ts';
import type { Simulation } from '../../../src/testing/index.ts';

class ReceiverThread extends TaskThread<number, number> {
  protected override signalHandler(id: number, turn: Turn<number>) {
    return turn.sendToParent(id);
  }
}

class SenderThread extends TaskThread<never, never, number> {
  readonly unconfirmed = new Set<number>();
  #receiver!: Child<ReceiverThread>;

  protected override async enter() {
    this.#receiver = await this.addChild(() => new ReceiverThread());
    this.tasks.reCreate('send', async (turn: TaskTurn) => {
      for (let id = 1; id <= 3; id++) {
        await turn.send(this.#receiver, id);
        this.unconfirmed.add(id); // the fault
      }
    });
  }

  protected override childSignalHandler(id: number, _child: AnyChild) {
    this.unconfirmed.delete(id);
  }
}

export async function lostAcknowledgement(sim: Simulation): Promise<void> {
  const sender = new SenderThread();
  await sim.start(sender);
  await sim.sleep(100);
  assert.deepEqual([...sender.unconfirmed], []);
}
