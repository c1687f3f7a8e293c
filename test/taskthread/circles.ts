/** What the tests of circles share (law 8): toys with lanes of one place, which do what their signals say, and ways to close a circle. */
import { type Child, DeadlockError, type LifecycleRecord, type Turn } from '../../src/index.ts';
import { codeOf, Gate, grow, say, settle, Toy, time, words } from './toys.ts';

/** A signal of these tests: what its handler does. */
export type Work = (turn: Turn<unknown>, child: Child<Toy>) => unknown;
export const nothing: Work = () => {};

/** A thread that does what its signals say, with lanes of one place; what its hooks are given may be added to. */
export function worker(name: string, script: Partial<ConstructorParameters<typeof Toy>[0]> = {}): Toy {
  return new Toy(
    {
      signal: (work, _me, turn) => (work as Work)(turn, undefined as never),
      childSignal: (work, child, _me, turn) => (work as Work)(turn, child as Child<Toy>),
      ...script,
    },
    { name, inbox: { capacity: 1 }, outbox: { capacity: 1 } },
  );
}

/** A root and a child of it. */
export async function pair(): Promise<{ top: Toy; root: Child<Toy>; child: Child<Toy>; records: LifecycleRecord[] }> {
  const records: LifecycleRecord[] = [];
  const top = worker('top');
  const root = await grow(top, { onRecord: (record) => records.push(record) });
  return { top, root, child: await top.add(worker('low')), records };
}

/** Of the waits that were tried, in order. */
export const errors: DeadlockError[] = [];
beforeEach(() => errors.splice(0));

/** Waits, and says how that went. */
export async function tried(name: string, wait: Promise<unknown> | undefined): Promise<void> {
  try {
    await wait;
    say(`${name} done`);
  } catch (error) {
    if (error instanceof DeadlockError) errors.push(error);
    say(`${name} ${String(codeOf(error))}`);
  }
}

/** More than the parent has room for while it is busy. */
export async function floodUp(turn: Turn<unknown>, name = 'up'): Promise<void> {
  await turn.sendToParent(nothing);
  await tried(name, turn.sendToParent(nothing));
}

/** More than a busy child has room for. */
export async function floodDown(turn: Turn<unknown>, child: Child<Toy>, name = 'down'): Promise<void> {
  await turn.send(child, nothing);
  await tried(name, turn.send(child, nothing));
}

/** Makes the parent busy, lets the child begin, and then lets the parent's handler begin what it is busy with. */
export async function thenAbove(root: Child<Toy>, below: () => void, work: Work): Promise<void> {
  const gate = new Gate();
  void root.send(async (turn: Turn<unknown>) => {
    await gate.passed;
    await work(turn, undefined as never);
  });
  await settle();
  below();
  await settle();
  expect(words).toEqual([]);
  gate.open();
  await settleAtOnce();
}

/** The links of the only error so far: who waits for what. */
export function chain(): string[] {
  expect(errors.length).toBe(1);
  return errors[0]!.chain.map(({ path, hook, waitsFor }) => `${path} ${hook}: ${waitsFor}`);
}

/** Settles; no time has passed. */
export async function settleAtOnce(): Promise<void> {
  const before = time().now;
  await settle();
  expect(time().now).toBe(before);
}
