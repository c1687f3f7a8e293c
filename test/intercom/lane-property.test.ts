/** Random use of a lane, step by step against a naive model: the books, the order, the bounds, and that nobody is forgotten. */
import fc from 'fast-check';
import { imbalance } from '../../src/intercom/books.ts';
import type { LaneOptions } from '../../src/intercom/lane-options.ts';
import { overflowPolicies } from '../../src/intercom/overflow.ts';
import type { CancelScope } from '../../src/kernel/cancel-scope.ts';
import { leakCheck } from '../../src/testing/index.ts';
import { microtasks } from '../kernel/virtual-host.ts';
import { LaneModel, type Sent } from './lane-model.ts';
import { type Item, LaneWorld } from './lane-world.ts';

type Step =
  | { readonly word: 'send' | 'trySend'; readonly count: number; readonly bytes: number; readonly key: number }
  | { readonly word: 'take' | 'done' | 'lost' | 'close' | 'discard' }
  | { readonly word: 'cancel'; readonly index: number };

const sending = (word: 'send' | 'trySend') =>
  fc.record({ word: fc.constant(word), count: fc.integer({ min: 1, max: 5 }), bytes: fc.nat(12), key: fc.nat(3) });
const plain = (word: 'take' | 'done' | 'lost' | 'close' | 'discard') => fc.record({ word: fc.constant(word) });

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: sending('send') },
  { weight: 3, arbitrary: sending('trySend') },
  { weight: 9, arbitrary: plain('take') },
  { weight: 7, arbitrary: plain('done') },
  { weight: 2, arbitrary: plain('lost') },
  { weight: 3, arbitrary: fc.record({ word: fc.constant('cancel' as const), index: fc.nat(30) }) },
  { weight: 1, arbitrary: plain('discard') },
  { weight: 1, arbitrary: plain('close') },
);

const pathArbitrary = fc.record({
  capacity: fc.integer({ min: 1, max: 6 }),
  maxBytes: fc.integer({ min: 1, max: 30 }),
  counted: fc.boolean(),
  sized: fc.boolean(),
  steps: fc.array(stepArbitrary, { maxLength: 60 }),
});

type Path = typeof pathArbitrary extends fc.Arbitrary<infer T> ? T : never;

/** A lane and its model, walked in step. */
class Walk {
  readonly world: LaneWorld;
  readonly model: LaneModel;
  readonly sends: { sent: Sent; scope: CancelScope; fate: string; error?: unknown }[] = [];
  readonly taken: Sent[] = [];
  readonly #path: Path;
  readonly #isLatest: boolean;

  constructor(policy: (typeof overflowPolicies)[number], path: Path) {
    const { capacity, maxBytes, counted, sized } = path;
    const options: LaneOptions<Item> = {
      policy,
      capacity,
      ...(sized && { maxBytes, sizeOf: ({ bytes }: Item) => bytes ?? 0 }),
      ...(counted && { countOf: ({ count }: Item) => count ?? 1 }),
      ...(policy === 'latest' && { keyOf: ({ key }: Item) => key }),
    };
    this.#path = path;
    this.#isLatest = policy === 'latest';
    this.world = new LaneWorld(options);
    this.model = new LaneModel({ policy, capacity, maxBytes: sized ? maxBytes : Infinity });
  }

  step(step: Step): void {
    const { world, model } = this;
    if (step.word === 'send' || step.word === 'trySend') this.#offer(step);
    else if (step.word === 'take') {
      if (!world.lane.empty && model.inFlight === undefined) this.take();
    } else if (step.word === 'done' || step.word === 'lost') this.#settle(step.word);
    else if (step.word === 'cancel') this.#cancel(step.index);
    else {
      if (step.word === 'close') world.lane.close();
      else world.lane.discard('discarded');
      model[step.word]();
    }
    this.check();
  }

  take(): void {
    const item = this.world.lane.take() as Item;
    const sent = this.model.take();
    expect(item.name).toBe(`${sent.id}`);
    this.taken.push(sent);
  }

  check(): void {
    const { lane } = this.world;
    const snapshot = lane.snapshot();
    expect(imbalance(snapshot)).toBeUndefined();
    expect(snapshot).toMatchObject(this.model.snapshot);
    this.world.check();
    // Only a signal that is alone may be over the bounds.
    if (this.model.queue.length > 1) {
      expect(snapshot.queued).toBeLessThanOrEqual(lane.options.capacity);
      expect(this.model.queuedBytes).toBeLessThanOrEqual(lane.options.maxBytes);
    }
    expect(lane.empty).toBe(this.model.queue.length === 0);
  }

  /** The consumer keeps taking: in the end nobody waits and nothing is queued. */
  finish(): void {
    if (this.model.inFlight !== undefined) this.#settle('done');
    for (let turns = 0; !this.world.lane.empty && turns < 1000; turns++) {
      this.take();
      this.#settle('done');
      this.check();
    }
    expect(this.world.lane.snapshot()).toMatchObject({ waiting: 0, queued: 0, inFlight: 0, bytes: 0 });
  }

  /** What was taken is in the order sent; with `latest`, of each key. */
  checkOrder(): void {
    for (const key of this.#isLatest ? [0, 1, 2, 3] : [undefined]) {
      const ids = this.taken.filter((sent) => key === undefined || sent.key === key).map(({ id }) => id);
      expect(ids).toEqual([...ids].sort((a, b) => a - b));
    }
  }

  checkFates(): void {
    for (const { sent, fate, error } of this.sends) {
      expect(`${sent.id} ${fate}`).toBe(`${sent.id} ${sent.fate}`);
      if (fate === 'refused' || fate === 'closed') expect(error).toMatchObject({ signal: { name: `${sent.id}` } });
    }
  }

  #offer({ word, count, bytes, key }: Extract<Step, { word: 'send' | 'trySend' }>): void {
    const { world, model } = this;
    const id = model.books.offered * 1000 + this.sends.length;
    const sent: Sent = {
      id,
      count: this.#path.counted ? count : 1,
      bytes: this.#path.sized ? bytes : 0,
      key,
      fate: 'waiting',
    };
    const item = { name: `${id}`, count, bytes, key };
    if (word === 'trySend') {
      model.offer(sent, false);
      expect(world.lane.trySend(item)).toBe(sent.fate === 'accepted');
      return;
    }
    const scope = world.scope();
    const record: (typeof this.sends)[number] = { sent, scope, fate: 'accepted' };
    this.sends.push(record);
    const promise = world.send(item, scope);
    model.offer(sent, true);
    if (promise === undefined) return;
    record.fate = 'waiting';
    promise.then(
      () => (record.fate = 'accepted'),
      (error: { code?: string }) => {
        record.error = error;
        record.fate = { TT_EDGE_CLOSED: 'closed', TT_LANE_FULL: 'refused' }[error.code ?? ''] ?? 'cancelled';
      },
    );
  }

  #settle(word: 'done' | 'lost'): void {
    if (this.model.inFlight === undefined) return;
    if (word === 'done') this.world.lane.done();
    else this.world.lane.lost({ name: `${this.model.inFlight.id}` }, 'lost');
    this.model.settle(word === 'done' ? 'handled' : 'deadLettered');
  }

  #cancel(index: number): void {
    const send = this.sends[index];
    if (send === undefined) return;
    send.scope.cancel(new Error('cancelled'));
    this.model.cancel(send.sent);
  }
}

let leaks: () => void;

beforeEach(() => {
  leaks = leakCheck();
});

afterEach(() => leaks());

test.each(overflowPolicies)('a lane with the policy %s does what its model does', async (policy) => {
  await fc.assert(
    fc.asyncProperty(pathArbitrary, async (path) => {
      const walk = new Walk(policy, path);
      for (const step of path.steps) walk.step(step);
      walk.finish();
      walk.checkOrder();
      await microtasks();
      walk.checkFates();
    }),
    { numRuns: 150 },
  );
});
