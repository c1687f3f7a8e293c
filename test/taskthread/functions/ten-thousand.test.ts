/** Ten thousand function threads in one group. */
import { currentThread, Event, sleep, ThreadGroup } from '../../../src/index.ts';
import { liveCounts } from '../../../src/testing/index.ts';
import { checkThreads } from '../toys.ts';
import { program } from './running.ts';

checkThreads();

const MANY = 10_000;

test('cancelled at once: all have ended, none is left', async () => {
  const before = liveCounts();
  let cleaned = 0;
  const got = await program(async () => {
    const gate = new Event();
    const group = new ThreadGroup();
    const members = Array.from({ length: MANY }, (_value, i) =>
      group.spawn(async () => {
        try {
          await (i % 2 === 0 ? sleep(60_000) : gate.wait());
        } finally {
          cleaned++;
        }
      }),
    );
    await sleep(1);
    const during = liveCounts();
    await group.cancel();
    return {
      threads: during.threads - before.threads,
      cancelled: members.filter((member) => member.cancelled).length,
      left: group.size + currentThread().children.length + gate.snapshot().waiting,
      inScope: [...currentThread().cancelScope.members()].length,
    };
  });
  expect(got).toEqual({ threads: MANY + 1, cancelled: MANY, left: 0, inScope: 0 });
  expect([cleaned, liveCounts()]).toEqual([MANY, before]);
});

test('the first that returns ends all the others', async () => {
  const got = await program(() =>
    ThreadGroup.run({ wait: 'any' }, async (group: ThreadGroup<number>) => {
      for (let i = 0; i < MANY; i++) group.spawn(async () => sleep(i === 77 ? 10 : 60_000).then(() => i));
      await group.join();
      return [group.completed?.result, group.size];
    }),
  );
  expect(got).toEqual([77, 0]);
});

test('all at once: every result is there', async () => {
  const sum = await program(async () => {
    const gate = new Event();
    await using group = new ThreadGroup<number>();
    for (let i = 0; i < MANY; i++) group.spawn(() => gate.wait().then(() => i));
    await sleep(1);
    gate.set();
    let total = 0;
    for await (const { result } of group) total += result ?? 0;
    return total;
  });
  expect(sum).toBe((MANY * (MANY - 1)) / 2);
});
