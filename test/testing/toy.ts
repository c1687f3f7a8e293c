/** A thread for the tests of simulations. */
import { type AnyChild, type Child, TaskThread, type TaskTurn, type Turn } from '../../src/index.ts';

/** Does what its test wants. */
export class Toy extends TaskThread<string, string, string> {
  readonly heard: string[] = [];
  onSignal: (word: string, turn: Turn<string>) => unknown = () => undefined;
  onEnter: (me: Toy, turn: Turn<string>) => unknown = () => undefined;

  protected override enter(turn: Turn<string>) {
    return this.onEnter(this, turn) as Promise<void>;
  }

  protected override signalHandler(word: string, turn: Turn<string>) {
    this.heard.push(word);
    return this.onSignal(word, turn);
  }

  protected override childSignalHandler(word: string, _child: AnyChild) {
    this.heard.push(word);
  }

  task(name: string, body: (turn: TaskTurn<string>) => unknown) {
    this.tasks.reCreate(name, body);
  }

  add(toy: Toy): Promise<Child<Toy>> {
    return this.addChild(toy, { onFailure: 'ignore' });
  }

  tell(child: Child<Toy>, word: string) {
    return this.send(child, word);
  }
}

/** A root that sends nothing up, as its type must say. */
export const asRoot = (toy: Toy): never => toy as never;
