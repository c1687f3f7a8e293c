/**
 * Five philosophers, five forks, and each needs two. Whoever takes the lower fork first cannot starve in a circle; whoever
 * gets no second fork in time puts the first one down.
 *
 *     npm run example examples/functions/dining-philosophers.ts
 */
import { currentThread, ignoreAfter, Lock, run, sleep, ThreadGroup } from 'taskthread';

const NAMES = ['Aristotle', 'Hypatia', 'Laozi', 'Simone', 'Zhuangzi'];
const MEALS = 5;
const PATIENCE_MS = 20;

async function philosopher(name: string, left: Lock, right: Lock) {
  const thread = currentThread();
  let meals = 0;
  let gaveUp = 0;
  while (meals < MEALS) {
    await sleep(5 * thread.random()); // thinks
    using _first = await left.acquire();
    // In time or not at all: a cancelled `acquire` holds nothing, and the first fork is put down at the end of this block.
    const { expired } = await ignoreAfter(PATIENCE_MS, async () => {
      using _second = await right.acquire();
      await sleep(5 * thread.random()); // eats
    });
    if (expired) gaveUp++;
    else meals++;
  }
  console.log(`${name} has eaten ${meals} times and put a fork down ${gaveUp} times`);
  return meals;
}

async function main() {
  const forks = NAMES.map(() => new Lock());
  return await ThreadGroup.run(async (table: ThreadGroup<number>) => {
    for (const [i, name] of NAMES.entries()) {
      // The numbers of the forks are an order: the one with the lower number first.
      const [low, high] = [i, (i + 1) % NAMES.length].sort((a, b) => a - b) as [number, number];
      table.spawn({ name }, philosopher, name, forks[low]!, forks[high]!);
    }
    let meals = 0;
    for await (const { result } of table) meals += result ?? 0;
    return meals;
  });
}

console.log(`${await run(main)} meals`);
