/** What is seen of a reply in a signal. */
import { Reply } from '../../src/index.ts';
import { Looks, mayCarry } from '../../src/taskthread/carrying.ts';

const nobody = { answered: () => {}, failed: () => {} };
const reply = new Reply<number>(nobody);

class Hiding {
  readonly #hidden = reply;

  get hides(): boolean {
    return this.#hidden === reply;
  }
}

const endless: { again?: unknown } = {};
endless.again = endless;

test.each<[string, unknown, boolean]>([
  ['as the signal itself', reply, true],
  ['as a property', { reply }, true],
  ['further down', { job: { callback: { reply } } }, true],
  ['in a list', { jobs: [1, [reply]] }, true],
  ['in a map, as a value', new Map([['reply', reply]]), true],
  ['in a map, as a key', new Map([[reply, 1]]), true],
  ['in a set', { open: new Set([{ reply }]) }, true],
  ['perhaps, in a function', { done: (answer: number) => reply.with(answer) }, true],
  [
    'perhaps, in what is too large to be looked through',
    { list: Array.from({ length: 20_000 }, (_, i) => ({ i })) },
    true,
  ],
  [
    'perhaps, in a list that is longer than any call may have arguments',
    { list: Array.from({ length: 1_000_000 }, () => 0) },
    true,
  ],
  [
    'perhaps, where a getter throws',
    {
      get broken(): never {
        throw new Error('not now');
      },
    },
    true,
  ],
  ['not in another one', { reply: new Reply<number>(nobody) }, false],
  ['not in plain data', { kind: 'frames', count: 3, text: 'x', nothing: null, at: undefined }, false],
  ['not in bytes, however many', { bytes: Buffer.alloc(1_000_000) }, false],
  ['not in what holds itself', endless, false],
  ['not in private fields, which nobody sees', new Hiding(), false],
])('%s', (_where, signal, may) => {
  expect(mayCarry(signal, reply)).toBe(may);
});

test('as much as one may look at is shared by all signals that are asked about together', () => {
  const looks = new Looks();
  const list = { list: Array.from({ length: 9000 }, (_, i) => i) };
  expect([mayCarry(list, reply, looks), mayCarry(list, reply, looks)]).toEqual([false, true]);
});
