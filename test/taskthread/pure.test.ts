/** The pure rooms: the life cycle, the arithmetic of a stop, supervision, children in their order, specs. */
import fc from 'fast-check';
import type { LocalEdge } from '../../src/intercom/local-edge.ts';
import { isCancellation } from '../../src/taskthread/cancellation.ts';
import { Children } from '../../src/taskthread/children.ts';
import { type LifeEvent, nextState, type ThreadState, worseVerdict } from '../../src/taskthread/lifecycle.ts';
import { childShare, EXIT_SHARE, formatStopReport, resolveStopOptions } from '../../src/taskthread/shutdown.ts';
import { perSecond } from '../../src/taskthread/snapshot.ts';
import { resolveChildSpec, resolveThreadOptions } from '../../src/taskthread/spec.ts';
import { StopTally } from '../../src/taskthread/stop.ts';

describe('the life cycle', () => {
  const states: ThreadState[] = ['created', 'entering', 'running', 'stopping', 'stopped'];
  const events: LifeEvent[] = ['start', 'entered', 'stop', 'end'];
  const transitions: Record<string, ThreadState> = {
    'created start': 'entering',
    'created stop': 'stopped',
    'entering entered': 'running',
    'entering stop': 'stopping',
    'running stop': 'stopping',
    'stopping end': 'stopped',
  };

  test.each(states.flatMap((state) => events.map((event) => [state, event] as const)))('%s, %s', (state, event) => {
    expect(nextState(state, event)).toBe(transitions[`${state} ${event}`]);
  });

  test('never goes back', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events)), (sequence) => {
        let state: ThreadState = 'created';
        for (const event of sequence) {
          const next: ThreadState = nextState(state, event) ?? state;
          expect(states.indexOf(next)).toBeGreaterThanOrEqual(states.indexOf(state));
          state = next;
        }
      }),
    );
  });
});

test.each([
  ['clean', 'cancelled', 'cancelled'],
  ['abandoned', 'cancelled', 'abandoned'],
  ['clean', 'clean', 'clean'],
] as const)('of %s and %s the graver is %s', (a, b, worse) => {
  expect([worseVerdict(a, b), worseVerdict(b, a)]).toEqual([worse, worse]);
});

describe('the share of a child', () => {
  test.each([
    // cancelUntil, now, left → drainMs, cancelMs
    [undefined, 0, 1, 500, 150],
    [undefined, 400, 3, 150, 75],
    [undefined, 2000, 3, 0, 75],
    [1400, 1000, 2, 0, 100],
    [1400, 1350, 2, 0, 0],
  ])(
    'of 1000 and 400, cancelled until %p, at %d with %d left is %d and %d',
    (cancelUntil, now, left, drain, cancel) => {
      const times = { drainUntil: 1000, cancelMs: 400, cancelUntil, exitShare: EXIT_SHARE };
      expect(childShare(times, now, left, false)).toEqual({ drainMs: drain, cancelMs: cancel });
    },
  );

  test.each([
    // exitShare, cancelUntil, now, left → drainMs, cancelMs
    [EXIT_SHARE, undefined, 0, 1, 500, 275],
    [EXIT_SHARE, 1400, 1000, 1, 0, 275],
    [EXIT_SHARE, 1400, 1025, 2, 0, 125],
    [0, undefined, 400, 2, 200, 187.5],
    [0, 1400, 1000, 1, 0, 375],
    [0, 1400, 1390, 1, 0, 0],
  ])(
    'of functions, with %d for exit, cancelled until %p, at %d with %d left is %d and %d',
    (exitShare, cancelUntil, now, left, drain, cancel) => {
      const times = { drainUntil: 1000, cancelMs: 400, cancelUntil, exitShare };
      expect(childShare(times, now, left, true)).toEqual({ drainMs: drain, cancelMs: cancel });
    },
  );

  test('never makes children together take more than there is, whatever they use', () => {
    const use = fc.record({ part: fc.double({ min: 0, max: 1, noNaN: true }), functions: fc.boolean() });
    const uses = fc.array(use, { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(uses, fc.constantFrom(0, EXIT_SHARE), (used, exitShare) => {
        let now = 0;
        let cancelledAt = 1000;
        used.forEach(({ part, functions }, i) => {
          const left = used.length - i;
          const draining = { drainUntil: 1000, cancelMs: 400, cancelUntil: undefined, exitShare };
          now += childShare(draining, now, left, functions).drainMs * part;
          cancelledAt += childShare({ ...draining, cancelUntil: 1400 }, cancelledAt, left, functions).cancelMs * part;
        });
        expect(now).toBeLessThan(1000);
        expect(cancelledAt).toBeLessThan(1400 - 400 * exitShare);
      }),
    );
  });
});

describe('children', () => {
  const edge = (name: string, peers?: string) => ({ name, spec: { peers } }) as unknown as LocalEdge & { name: string };
  const names = (edges: Iterable<LocalEdge>) =>
    [...edges].map((e) => (e as LocalEdge & { name: string }).name).join('');

  test('are kept in order, and stop newest first, peers together', () => {
    const children = new Children();
    const edges = [edge('a'), edge('b', 'p'), edge('c'), edge('d', 'p')];
    for (const e of edges) children.append(e);
    expect([names(children), children.size, children.unitsToStop]).toEqual(['abcd', 4, 3]);
    expect(names(children.nextToStop())).toBe('db');
    for (const e of children.nextToStop()) expect(children.remove(e)).toBe(true);
    expect([names(children), names(children.nextToStop()), children.unitsToStop]).toEqual(['ac', 'c', 2]);
    expect(children.remove(edges[1] as LocalEdge)).toBe(false);
    expect(children.size).toBe(2);
  });

  test('do as a plain list does', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(9), fc.constantFrom(undefined, 'p', 'q')));
    fc.assert(
      fc.property(steps, (list) => {
        const children = new Children();
        const model: LocalEdge[] = [];
        list.forEach(([adds, place, peers], i) => {
          if (adds || model.length === 0) {
            const e = edge(String(i), peers);
            children.append(e);
            model.push(e);
          } else {
            const [e] = model.splice(place % model.length, 1);
            children.remove(e as LocalEdge);
          }
          const units = new Set(model.map((e) => (e.spec as { peers?: string }).peers ?? e)).size;
          expect([[...children], children.size, children.unitsToStop]).toEqual([model, model.length, units]);
        });
      }),
    );
  });
});

describe('options', () => {
  test.each([
    [() => resolveChildSpec({ onFailure: 'explode' as never }), 'onFailure'],
    [() => resolveChildSpec({ name: '' }), 'name'],
    [() => resolveChildSpec({ name: 'a/b' }), 'name'],
    [() => resolveChildSpec({ owns: {} as never }), 'owns'],
    [() => resolveChildSpec({ peers: '' }), 'peers'],
    [() => resolveChildSpec({ scope: {} as never }), 'scope'],
    [() => resolveChildSpec({ onSignal: 5 as never }), 'onSignal'],
    [() => resolveChildSpec({ restart: 'permanent' } as never), 'restart'],
    [() => resolveThreadOptions({ nam: 'x' } as never), 'nam'],
    [() => resolveThreadOptions({ inbox: { capacity: 0 } }), 'capacity'],
    [() => resolveThreadOptions({ stop: { drainMs: Number.NaN } }), 'drainMs'],
    [() => resolveStopOptions({ cancelMs: -5 }, { drainMs: 1, cancelMs: 1 }), 'cancelMs'],
  ])('%#: a wrong one is named', (resolve, field) => {
    expect(resolve).toThrow(
      expect.objectContaining({ code: 'TT_INVALID_OPTION', message: expect.stringContaining(field) }),
    );
  });

  test('defaults', () => {
    expect(resolveStopOptions(undefined, { drainMs: 5, cancelMs: 2 })).toEqual({ drainMs: 5, cancelMs: 2 });
    expect(resolveStopOptions({ drainMs: 0 }, { drainMs: 5, cancelMs: 2 })).toEqual({ drainMs: 0, cancelMs: 2 });
    expect(resolveChildSpec({})).toMatchObject({ onFailure: 'escalate', owns: undefined });
  });
});

test('a report in words', () => {
  const tally = new StopTally();
  tally.threads = 3;
  tally.tookMs = 99.6;
  const error = new RangeError('out of it');
  tally.add({ path: '/A-1', verdict: 'clean', outcome: 'failed', error, hungOn: [] });
  tally.add({ path: '/A-1/B-2', verdict: 'cancelled', outcome: 'cancelled', hungOn: [] });
  tally.add({ path: '/A-1/C-3', verdict: 'abandoned', outcome: 'cancelled', hungOn: [{ what: 'exit', forMs: 12.3 }] });
  expect(formatStopReport('/A-1', tally.report('failed')).split('\n')).toEqual([
    '/A-1 failed, verdict abandoned: 3 threads ended in 100 ms',
    '  failed     /A-1: RangeError: out of it',
    '  cancelled  /A-1/B-2',
    '  abandoned  /A-1/C-3: hung on exit for 12 ms',
  ]);
});

test('a rate over no time is 0', () => {
  expect([perSecond(5, 0), perSecond(5, 1000)]).toEqual([0, 5]);
});

test('only a cancel is a cancel', () => {
  expect(
    [new Error('x'), 'AbortError', null, undefined, new DOMException('x', 'AbortError')].map(isCancellation),
  ).toEqual([false, false, false, false, true]);
});
