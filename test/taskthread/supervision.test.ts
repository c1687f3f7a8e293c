import { RingBuffer } from '../../src/kernel/ring-buffer.ts';
import { InvalidOptionError } from '../../src/index.ts';
import { resolveChildSpec } from '../../src/taskthread/spec.ts';
import {
  countRestart,
  decide,
  defaultSupervision,
  type RestartPolicy,
  resolveSupervisionOptions,
  restartedWith,
  shutsParentDown,
} from '../../src/taskthread/supervision.ts';

const spec = (restart: RestartPolicy | undefined, onFailure: 'escalate' | 'ignore' = 'escalate') => ({
  onFailure,
  restart,
  significant: false,
});

test.each([
  // restart, onFailure, ended, asked, entered → decision
  [undefined, 'escalate', 'failed', false, true, 'fail-parent'],
  [undefined, 'escalate', 'failed', true, true, 'fail-parent'],
  [undefined, 'ignore', 'failed', false, true, 'gone'],
  [undefined, 'escalate', 'finished', false, true, 'gone'],
  [undefined, 'escalate', 'cancelled', true, true, 'gone'],
  ['permanent', 'escalate', 'failed', false, true, 'restart'],
  ['permanent', 'escalate', 'finished', false, true, 'restart'],
  ['permanent', 'escalate', 'stopped', true, true, 'gone'],
  ['permanent', 'escalate', 'failed', true, true, 'gone'],
  ['transient', 'escalate', 'failed', false, true, 'restart'],
  ['transient', 'escalate', 'finished', false, true, 'gone'],
  ['transient', 'escalate', 'failed', true, true, 'gone'],
  ['transient', 'escalate', 'failed', false, false, 'restart'],
  ['transient', 'escalate', 'cancelled', false, false, 'restart'],
] as const)(
  'a child with restart %s and onFailure %s that %s (asked: %s, entered: %s): %s',
  (restart, onFailure, kind, asked, entered, decision) => {
    const ending = { outcome: { kind, verdict: 'clean' }, asked, entered } as const;
    expect(decide(spec(restart, onFailure), ending)).toBe(decision);
  },
);

test.each([
  ['never', true, 0, false],
  ['any', true, 3, true],
  ['any', false, 0, false],
  ['all', true, 1, false],
  ['all', true, 0, true],
  ['all', false, 0, false],
] as const)(
  'with autoShutdown %s the end of a child (significant: %s) with %d others left: %s',
  (when, is, left, down) => {
    expect(shutsParentDown(when, { ...spec(undefined), significant: is }, left)).toBe(down);
  },
);

/** A ring that counts how often it is looked at or changed. */
class CountedRing extends RingBuffer<number> {
  uses = 0;

  override push(time: number): void {
    this.uses++;
    super.push(time);
  }

  override shift(): number | undefined {
    this.uses++;
    return super.shift();
  }

  override at(index: number): number | undefined {
    this.uses++;
    return super.at(index);
  }
}

describe('restarts', () => {
  const options = { ...defaultSupervision, intensity: 2, periodMs: 100 };

  test.each<[number[], boolean, string]>([
    [[1000, 1050], true, 'as many as the intensity'],
    [[1000, 1050, 1100], false, 'one more, in the last moment of the period'],
    [[1000, 1050, 1101], true, 'one more, when the first is too old'],
    [[1000, 1001, 1002, 1003, 1200], true, 'one, when all are too old'],
  ])('at %j are borne: %s, which are %s', (times, borne) => {
    const counting = new RingBuffer<number>();
    expect(times.map((now) => countRestart(counting, now, options)).at(-1)).toBe(borne);
  });

  test('are not borne at all where the intensity is 0', () => {
    expect(countRestart(new RingBuffer(), 0, { ...options, intensity: 0 })).toBe(false);
  });

  test('cost the same however many are borne', () => {
    const counting = new CountedRing();
    const many = { ...options, intensity: 1_000_000, periodMs: 60_000 };
    let borne = 0;
    for (let n = 0; n < 1_000_000; n++) if (countRestart(counting, n / 10, many)) borne++;
    expect(borne).toBe(1_000_000);
    expect(counting.uses).toBeLessThan(4_000_000);
    expect(counting.length).toBe(600_001);
  });
});

test.each([
  ['one-for-one', 'c'],
  ['one-for-all', 'abcd'],
  ['rest-for-one', 'cd'],
] as const)('with %s those restarted with c are %s', (strategy, names) => {
  expect(restartedWith(strategy, ['a', 'b', 'c', 'd'], 'c').join('')).toBe(names);
});

test.each([
  [{ strategy: 'all-for-one' }, 'supervision.strategy'],
  [{ intensity: -1 }, 'supervision.intensity'],
  [{ intensity: 1.5 }, 'supervision.intensity'],
  [{ periodMs: Number.NaN }, 'supervision.periodMs'],
  [{ autoShutdown: 'some' }, 'supervision.autoShutdown'],
  [{ backoff: { minMs: 0 } }, 'minMs'],
  [{ restarts: 3 }, 'supervision.restarts'],
])('%j is refused by the name of its field', (options, field) => {
  expect(() => resolveSupervisionOptions('supervision', options as never)).toThrow(InvalidOptionError);
  expect(() => resolveSupervisionOptions('supervision', options as never)).toThrow(field);
});

describe('a spec that contradicts itself is refused:', () => {
  const factory = () => {};
  const any = { ...defaultSupervision, autoShutdown: 'any' } as const;

  test.each([
    ['a restart of an instance', { restart: 'permanent' }, undefined, 'spec.restart'],
    [
      'a failure that is ignored and restarted',
      { restart: 'transient', onFailure: 'ignore' },
      factory,
      'spec.onFailure',
    ],
    ['a permanent child that is significant', { restart: 'permanent', significant: true }, factory, 'spec.significant'],
    ['redelivery without a restart', { redeliver: 2 }, factory, 'spec.redeliver'],
    ['a word that is no policy', { restart: 'always' }, factory, 'spec.restart'],
    ['half a redelivery', { restart: 'permanent', redeliver: 0.5 }, factory, 'spec.redeliver'],
  ])('%s', (_what, child, again, field) => {
    expect(() => resolveChildSpec(child as never, any, again)).toThrow(InvalidOptionError);
    expect(() => resolveChildSpec(child as never, any, again)).toThrow(field);
  });

  test('a significant child of a parent that never shuts down', () => {
    expect(() => resolveChildSpec({ significant: true })).toThrow('supervision.autoShutdown');
  });
});
