/** A function that was abandoned and goes on all the same: every word that it says then throws ThreadEndedError (law 12). */
import {
  checkCancelled,
  currentThread,
  FunctionThread,
  ignoreAfter,
  ignoreAt,
  type Spawned,
  shield,
  sleep,
  spawn,
  ThreadGroup,
  timeoutAfter,
  timeoutAt,
} from '../../../src/index.ts';
import { checkThreads, codeOf, Gate, say, takeWarnings, words } from '../toys.ts';
import { program } from './running.ts';

checkThreads();

interface Props {
  readonly group: ThreadGroup;
  readonly sibling: Spawned;
}

const called = (): void => say('called');

const late: [string, (props: Props) => unknown][] = [
  ['sleep', () => sleep(1)],
  ['sleep(0)', () => sleep(0)],
  ['spawn', () => spawn(called)],
  ['join', ({ sibling }) => sibling.join()],
  ['wait', ({ sibling }) => sibling.wait()],
  ['cancel', ({ sibling }) => sibling.cancel()],
  ['timeoutAfter', () => timeoutAfter(5, called)],
  ['timeoutAt', () => timeoutAt(5, called)],
  ['ignoreAfter', () => ignoreAfter(5, called)],
  ['ignoreAt', () => ignoreAt(null, called)],
  ['shield', () => shield(5, called)],
  ['checkCancelled', () => checkCancelled()],
  ['ThreadGroup.run', () => ThreadGroup.run((group) => group.spawn(called).join())],
  ['group.spawn', ({ group }) => group.spawn(called)],
  ['group.join', ({ group }) => group.join()],
  ['group.nextDone', ({ group }) => group.nextDone()],
  ['group.nextResult', ({ group }) => group.nextResult()],
  ['group.cancelRemaining', ({ group }) => group.cancelRemaining()],
  ['group iteration', ({ group }) => group[Symbol.asyncIterator]().next()],
  ['currentThread().addChild', () => currentThread().addChild(() => new FunctionThread(called))],
  ['currentThread().sleep', () => currentThread().sleep(1)],
];

test.each(late)('%s', async (_word, word) => {
  const gate = new Gate();
  let found: Promise<unknown> | undefined;
  await program(async () => {
    const sibling = spawn(sleep, 1000);
    const abandoned = spawn(async () => {
      const group = new ThreadGroup();
      found = gate.passed
        .then(() => word({ group, sibling }))
        .then(
          () => 'nothing thrown',
          (error: unknown) => codeOf(error),
        );
      await found;
    });
    await sleep(1);
    await abandoned.cancel({ cancelMs: 10 });
    gate.open();
    await found;
    expect(sibling.state).toBe('running');
    await sibling.cancel();
  });
  expect([await found, words]).toEqual(['TT_THREAD_ENDED', []]);
  takeWarnings();
});
