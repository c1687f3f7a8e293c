// The thread that the parts "up" and "relay" begin with: sends numbers to its parent, in either style.
import { TaskThread } from '../taskthread.mjs';

export class Source extends TaskThread {
  constructor(work) {
    super();
    this.work = work;
  }

  enter() {
    this.tasks.reCreate('send', (turn) => (this.work.awaitsAll ? this.awaitAll(turn) : this.send(turn)));
  }

  async send(turn) {
    const { work } = this;
    work.begin();
    for (let i = 0; i < work.size; i++) {
      const waits = turn.sendToParent(i);
      if (waits !== undefined) await waits;
    }
  }

  async awaitAll(turn) {
    const { work } = this;
    work.begin();
    for (let i = 0; i < work.size; i++) await turn.sendToParent(i);
  }
}
