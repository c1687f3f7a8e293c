/**
 * Law 9, word by word: each spends the slice's budget, also when it need not wait or is refused. Here it is counted, for those
 * that give nothing to await too; that a loop of those that can be awaited lets timers have their turn is in
 * every-word.integration.test.ts.
 */
import type { AnyChild, Child, Turn } from '../../src/index.ts';
import { LoopScheduler } from '../../src/kernel/scheduler.ts';
import { checkThreads, grow, settle, Toy, time } from './toys.ts';
import { awaited, type Idle } from './idle-words.ts';

checkThreads();

/** Counts what words take of its slices. */
class CountingScheduler extends LoopScheduler {
  spends = 0;

  override spend(): boolean {
    this.spends++;
    return super.spend();
  }
}

async function spendsOf(word: (idle: Idle) => unknown): Promise<number> {
  const scheduler = new CountingScheduler(time().clock);
  let spends = 0;
  const parent = new Toy({ childSignal: () => {} });
  await grow(parent, { scheduler });
  const child = new Toy({ signal: () => {} });
  const handle = (await time().run(parent.add(child))) as Child<Toy>;
  const gone = (await time().run(parent.add(new Toy()))) as AnyChild;
  await time().run(gone.stop());
  child.tasks.reCreate('t', async (turn) => {
    const before = scheduler.spends;
    try {
      const result = word({ me: child, turn: turn as Turn<unknown>, parent, handle, gone: gone as Child<Toy> });
      await result;
    } catch {
      // A refusal spends too.
    }
    spends = scheduler.spends - before;
  });
  await settle();
  await time().advance(5);
  await settle();
  return spends;
}

const notAwaited: [string, (idle: Idle) => unknown][] = [
  ['turn.stop', ({ turn }) => turn.stop()],
  ['this.stop', ({ me }) => me.stop()],
  ['turn.checkCancelled', ({ turn }) => turn.checkCancelled()],
  ['tasks.reCreate', ({ me }) => me.tasks.reCreate('other', () => {})],
  ['tasks.reCreate with a wrong name', ({ me }) => me.tasks.reCreate('', () => {})],
  ['trySend', ({ handle }) => handle.trySend(1)],
  ['trySend to a child that has ended', ({ gone }) => gone.trySend(1)],
  ['trySendToParent', ({ me }) => me.trySendToParent(1)],
  ['trySendToParent of a root', ({ parent }) => parent.trySendToParent(1)],
];

test.each([...notAwaited, ...awaited])('%s spends the budget of the slice', async (_name, word) => {
  expect(await spendsOf(word)).toBeGreaterThan(0);
});

test('the counter sees what spends nothing', async () => {
  expect(await spendsOf(({ turn }) => turn.cancelled)).toBe(0);
});
