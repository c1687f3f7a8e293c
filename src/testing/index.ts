/** For tests of programs on `taskthread`: virtual time and a leak check. */
export type { LiveCounts } from '../kernel/probe.ts';
export { leakCheck, liveCounts } from './leak-check.ts';
export { VirtualClock } from './virtual-clock.ts';
export { VirtualTime, type VirtualTimeOptions } from './virtual-time.ts';
