/**
 * For the tests of Node's world: scopes, how a wait is ended from outside, and after every test nothing alive and nothing
 * unhandled.
 */
import { EventEmitter } from 'node:events';
import { CancelScope } from '../../src/kernel/cancel-scope.ts';
import { CancelledError, IntakeClosedError } from '../../src/kernel/errors.ts';
import { makeHost } from '../../src/kernel/host.ts';
import type { LifecycleRecord } from '../../src/kernel/probe.ts';
import { leakCheck } from '../../src/testing/index.ts';

export const records: LifecycleRecord[] = [];

export function newScope(): CancelScope {
  return new CancelScope(makeHost({ onRecord: (record) => records.push(record) }));
}

export function cancel(scope: CancelScope): void {
  scope.cancel(new CancelledError('by the test'));
}

/** `source`: it only ends waits on a source. */
export const ENDINGS: { name: string; code: string; source: boolean; end: (scope: CancelScope) => void }[] = [
  { name: 'cancelled', code: 'TT_CANCELLED', source: false, end: cancel },
  {
    name: 'intake closed',
    code: 'TT_INTAKE_CLOSED',
    source: true,
    end: (scope) => scope.closeIntake(new IntakeClosedError('/Root-1')),
  },
];

/** How many listeners an emitter has in all. */
export function listenersOf(emitter: EventEmitter): number {
  return emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);
}

export function loopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What the promise was rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not fail');
}

export function checkOutside(): void {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => void unhandled.push(error);
  let check = leakCheck();
  beforeEach(() => {
    records.length = 0;
    check = leakCheck();
    process.on('unhandledRejection', note);
  });
  afterEach(async () => {
    await loopTurn();
    process.off('unhandledRejection', note);
    check();
    expect(unhandled.splice(0)).toEqual([]);
  });
}

export { EventEmitter };
