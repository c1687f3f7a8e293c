/** An account is looked at, the withdrawal is written to the journal, and then it is booked. (Right: book, then write.) */
import { type Child, TaskThread, type TaskTurn } from '../../../src/index.ts';
import type { Simulation } from '../../../src/testing/index.ts';

class JournalThread extends TaskThread<string> {
  protected override signalHandler() {}
}

class AccountThread extends TaskThread {
  balance = 100;
  #journal!: Child<JournalThread>;

  protected override async enter() {
    this.#journal = await this.addChild(() => new JournalThread());
    this.tasks.reCreate('rent', this.#withdraw(80));
    this.tasks.reCreate('food', this.#withdraw(40));
  }

  #withdraw(amount: number) {
    return async (turn: TaskTurn) => {
      if (this.balance < amount) return;
      await turn.send(this.#journal, `withdraw ${amount}`); // the fault: the look is old by now
      this.balance -= amount;
    };
  }
}

export async function checkThenAct(sim: Simulation): Promise<void> {
  const account = new AccountThread();
  sim.always('the balance is not negative', () => account.balance >= 0);
  await sim.start(account);
  await sim.sleep(1);
}
