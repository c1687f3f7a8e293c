/**
 * A cache asks its source and keeps the answer. If the value changes while the answer is under way, the "changed" finds nothing
 * to throw away, and the old value is kept for ever. (Right: note the change, and do not keep an answer asked before it.)
 */
import assert from 'node:assert/strict';
import { type Child, type Reply, TaskThread, type TaskTurn, type Turn } from '../../../src/index.ts';
import type { Simulation } from '../../../src/testing/index.ts';

type Word = { readonly ask: Reply<number> } | { readonly set: number };

class SourceThread extends TaskThread<Word, 'changed'> {
  #value = 1;

  protected override signalHandler(word: Word, turn: Turn<'changed'>) {
    if ('ask' in word) return word.ask.with(this.#value);
    this.#value = word.set;
    return turn.sendToParent('changed');
  }
}

class CacheThread extends TaskThread<never, never, 'changed'> {
  kept: number | undefined;
  #source!: Child<SourceThread>;

  protected override async enter() {
    this.#source = await this.addChild(() => new SourceThread());
    this.tasks.reCreate('read', async (turn: TaskTurn) => {
      this.kept ??= await turn.ask(this.#source, (ask: Reply<number>) => ({ ask }));
    });
    this.tasks.reCreate('write', (turn: TaskTurn) => turn.send(this.#source, { set: 2 }));
  }

  protected override childSignalHandler() {
    this.kept = undefined; // the fault: nothing is kept yet
  }
}

export async function staleCache(sim: Simulation): Promise<void> {
  const cache = new CacheThread();
  await sim.start(cache);
  await sim.sleep(1);
  assert.notEqual(cache.kept, 1);
}
