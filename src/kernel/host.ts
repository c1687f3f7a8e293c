/**
 * What a root holds and its whole tree inherits: one clock, one scheduler, one probe, one source of random numbers (law 20).
 * Replace it at `start` to run a program in virtual time, and the same way again.
 */
import { type Clock, realClock } from './clock.ts';
import { type LifecycleRecord, Probe } from './probe.ts';
import { LoopScheduler, type Scheduler } from './scheduler.ts';

export interface Host {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly probe: Probe;
  /** A number from 0 up to but not including 1. */
  readonly random: () => number;
  /** Each wait keeps where it began. */
  readonly tracesWaits: boolean;
  /** The next thread's number, unique in the tree. */
  nextId: number;
}

export interface HostOptions {
  readonly clock?: Clock | undefined;
  readonly scheduler?: Scheduler | undefined;
  readonly random?: (() => number) | undefined;
  readonly traceWaits?: boolean | undefined;
  readonly onRecord?: ((record: LifecycleRecord) => void) | undefined;
}

export function makeHost(options: HostOptions): Host {
  const clock = options.clock ?? realClock;
  return {
    clock,
    scheduler: options.scheduler ?? new LoopScheduler(clock),
    probe: new Probe(options.onRecord),
    random: options.random ?? Math.random,
    tracesWaits: options.traceWaits ?? false,
    nextId: 1,
  };
}
