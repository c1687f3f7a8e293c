/**
 * A parent and two children: numbers go down, squares come up. The parent ends the program after the fifth round, or Ctrl-C
 * does; either way the children end before it.
 *
 *     npm run example examples/parent-and-child.ts
 */
import { type AnyChild, type Outcome, runMain, TaskThread, type TaskTurn, type Turn } from 'taskthread';

type Work = { n: number };
type Square = { n: number; square: number };

/** IN: numbers, UP: their squares. */
class SquareThread extends TaskThread<Work, Square> {
  protected override signalHandler({ n }: Work, turn: Turn<Square>) {
    return turn.sendToParent({ n, square: n * n });
  }
}

class ParentThread extends TaskThread<never, never, Square> {
  #rounds = 0;
  #squares = 0;

  protected override async enter() {
    await this.addChild(() => new SquareThread({ name: 'Anna' }));
    await this.addChild(() => new SquareThread({ name: 'Bert' }));
    this.tasks.reCreate('work', this.#work);
  }

  protected override childSignalHandler({ n, square }: Square, child: AnyChild) {
    this.#squares++;
    console.log(`${child.path}: ${n} * ${n} = ${square}`);
  }

  protected override childEnded(child: AnyChild, outcome: Outcome) {
    console.log(`${child.path} has ended: ${outcome.kind}`);
  }

  protected override exit() {
    console.log(`the parent ends last, with ${this.#squares} squares`);
  }

  readonly #work = async (turn: TaskTurn) => {
    if (this.#rounds === 5) return turn.stop();
    this.#rounds++;
    await turn.sendToChildren(this.childrenOf(SquareThread), { n: this.#rounds });
    return turn.reSchedule({ afterMs: 500 });
  };
}

await runMain(() => new ParentThread());
