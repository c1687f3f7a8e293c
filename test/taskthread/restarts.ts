/** What the tests of restarts share: a worker that can be told to crash, and a boss that starts it again. */
import type { Child } from '../../src/index.ts';
import { grow, say, Toy, type ToySpec, time } from './toys.ts';

/** A worker that says what it does, and fails when it is told `crash`. */
export function worker(name = 'Worker'): Toy {
  return new Toy(
    {
      enter: () => say('enter'),
      signal: (signal) => {
        if (signal === 'crash') throw new Error('boom');
        if (signal === 'finish') return undefined;
        say(String(signal));
        return undefined;
      },
      exit: () => say('exit'),
    },
    { name, inbox: { capacity: 3 } },
  );
}

export interface World {
  readonly root: Child<Toy>;
  readonly boss: Toy;
  readonly child: Child<Toy>;
}

export async function world(make: () => Toy, spec: ToySpec, supervision: object = { intensity: 5 }): Promise<World> {
  const boss = new Toy(
    {
      childEnded: (child, outcome) => say(`${child.path} ended: ${outcome.kind}`),
      childSignal: (s) => say(`up ${String(s)}`),
    },
    { name: 'Boss', supervision } as never,
  );
  const root = await grow(boss);
  const child = await time().run(boss.add(make, spec));
  return { root, boss, child };
}
