/**
 * A leak check for any test runner: compares what is alive now with what was alive when it was made.
 */
import { counted } from '../kernel/describe.ts';
import { type LiveCounts, live } from '../kernel/probe.ts';

/** Takes the count now; the function that it gives throws if more, or less, is alive when it is called. */
export function leakCheck(): () => void {
  const before = { ...live };
  return () => {
    const left = leftSince(before);
    if (left !== '') throw new Error(`left alive: ${left}`);
  };
}

/** What is alive more, or less, than then, in words; empty where nothing is. */
export function leftSince(before: LiveCounts): string {
  const left: string[] = [];
  for (const kind of Object.keys(before) as (keyof LiveCounts)[]) {
    const more = live[kind] - before[kind];
    if (more !== 0) left.push(counted(more, kind.slice(0, -1)));
  }
  return left.join(', ');
}

/** How many threads, tasks, timers, waiters, sockets and servers are alive in this process. */
export function liveCounts(): LiveCounts {
  return { ...live };
}
