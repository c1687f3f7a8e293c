/** Law 20 on random numbers: a tree has one source of them, which a test can replace. */
import { start, TaskThread } from '../../src/index.ts';
import { leakCheck, VirtualTime } from '../../src/testing/index.ts';
import { codeOf } from './toys.ts';

/** Tells the numbers that it and its child draw. */
class Gambler extends TaskThread {
  readonly drawn: number[];

  constructor(drawn: number[] = []) {
    super();
    this.drawn = drawn;
  }

  protected override async enter(): Promise<void> {
    this.drawn.push(this.random());
    if (this.drawn.length < 3) await this.addChild(() => new Gambler(this.drawn));
    this.drawn.push(this.random());
  }

  draw(): number {
    return this.random();
  }
}

let check = leakCheck();
beforeEach(() => {
  check = leakCheck();
});
afterEach(() => check());

test('a whole tree draws from the source that its root was started with, in the order of drawing', async () => {
  const time = new VirtualTime();
  let n = 0;
  const root = new Gambler();
  const handle = await time.run(start(root, { ...time.options, random: () => ++n / 100 }));
  expect(root.drawn).toEqual([0.01, 0.02, 0.03, 0.04, 0.05, 0.06]);
  await time.run(handle.stop());
});

test('without one the numbers are from 0 up to but not including 1, and differ', async () => {
  const root = new Gambler();
  const handle = await start(root);
  const numbers = Array.from({ length: 1000 }, () => root.draw());
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
  expect(new Set(numbers).size).toBeGreaterThan(990);
  await handle.stop();
});

test('before the start there is no source yet', () => {
  let found: unknown;
  try {
    new Gambler().draw();
  } catch (error) {
    found = codeOf(error);
  }
  expect(found).toBe('TT_NOT_STARTED');
});

test.each([5, null, 'random'])('a source or a listener that is no function (%p) is refused', async (random) => {
  for (const field of ['random', 'onRecord']) {
    const refused = start(new Gambler(), { [field]: random as never });
    await expect(refused).rejects.toMatchObject({ code: 'TT_INVALID_OPTION', field: `options.${field}` });
  }
});
