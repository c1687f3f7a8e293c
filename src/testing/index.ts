/** For tests of programs on `taskthread`: virtual time, simulation with a seed, a leak check. */
export {
  InjectedFaultError,
  LinkCutError,
  SimulationFailedError,
  SimulationOverError,
  SimulationRunningError,
} from '../kernel/simulation-errors.ts';
export type { LiveCounts } from '../kernel/probe.ts';
export { type Exhaustive, type Explored, type ExploreOptions, explore } from './explore.ts';
export type { FaultOptions } from './faults.ts';
export { leakCheck, liveCounts } from './leak-check.ts';
export { matchers, type TaskThreadMatchers } from './matchers.ts';
export { ProbeThread } from './probe-thread.ts';
export { Recorder, recordInWords } from './recorder.ts';
export { type SimulateOptions, type SimulationLimits, type SimulationResult, simulate } from './simulate.ts';
export type { SimulatedProgram, Simulation } from './simulation.ts';
export type { Strategy, StrategyKind } from './strategy.ts';
export { VirtualClock } from './virtual-clock.ts';
export { VirtualTime, type VirtualTimeOptions } from './virtual-time.ts';
