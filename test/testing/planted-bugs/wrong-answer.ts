/**
 * A client asks, gives up after a while and asks anew; the answers carry no number. A late answer to the first question is
 * taken for one to the second. (Right: number the questions.)
 */
import assert from 'node:assert/strict';
import { type Child, TaskThread, type TaskTurn, type Turn } from '../../../src/index.ts';
import type { Simulation } from '../../../src/testing/index.ts';

class OracleThread extends TaskThread<string, string> {
  protected override async signalHandler(question: string, turn: Turn<string>) {
    await turn.sleep(5);
    await turn.sendToParent(`answer to ${question}`);
  }
}

class ClientThread extends TaskThread<never, never, string> {
  readonly answers = new Map<string, string>();
  #open: { readonly question: string; readonly answered: (answer: string) => void } | undefined;
  #oracle!: Child<OracleThread>;

  protected override async enter() {
    this.#oracle = await this.addChild(() => new OracleThread());
    this.tasks.reCreate('ask', async (turn: TaskTurn) => {
      for (const question of ['one', 'two']) {
        await turn.send(this.#oracle, question);
        const answer = new Promise<string>((answered) => {
          this.#open = { question, answered };
        });
        const late = turn.sleep(10).then(() => undefined);
        const given = await Promise.race([answer, late]); // the fault: what comes after that is taken for the next
        if (given !== undefined) this.answers.set(question, given);
      }
    });
  }

  protected override childSignalHandler(answer: string) {
    this.#open?.answered(answer);
  }
}

export async function wrongAnswer(sim: Simulation): Promise<void> {
  const client = new ClientThread();
  await sim.start(client);
  await sim.sleep(100);
  for (const [question, answer] of client.answers) assert.equal(answer, `answer to ${question}`);
}
