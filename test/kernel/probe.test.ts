import { type LifecycleRecord, Probe } from '../../src/kernel/probe.ts';

const entered: LifecycleRecord = { kind: 'entered', path: '/Master-1' };

afterEach(() => jest.restoreAllMocks());

describe('the probe', () => {
  test('is off without a sink, and a record harms nothing', () => {
    const probe = new Probe();
    probe.record(entered);
    expect(probe.on).toBe(false);
  });

  test('hands each record to its sink', () => {
    const seen: LifecycleRecord[] = [];
    const probe = new Probe((record) => seen.push(record));
    probe.record(entered);
    expect([probe.on, ...seen]).toEqual([true, entered]);
  });

  test.each([
    ['an error', new Error('sink broke'), 'sink broke'],
    ['what cannot even be shown', Object.create(null, { message: { get: () => boom() } }), 'switched off'],
  ])('switches a sink off that throws %s, and says so once', (_, thrown, said) => {
    const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    let calls = 0;
    const probe = new Probe(() => {
      calls++;
      throw thrown;
    });
    probe.record(entered);
    probe.record(entered);
    expect([calls, probe.on, warnings.mock.calls.length]).toEqual([1, false, 1]);
    expect(warnings.mock.calls[0]?.[0]).toContain(said);
  });
});

function boom(): never {
  throw new Error('boom');
}
