/** A failed run in words: what was wrong, its steps as a list that a person can read, and the line that replays it. */
import type { FaultOptions } from './faults.ts';
import { formatSchedule } from './schedule.ts';
import type { Failure, SimulatedRun } from './simulated-run.ts';

export interface Reported {
  readonly seed: number;
  /** Traced. */
  readonly run: SimulatedRun;
  readonly limits: {
    readonly faults?: FaultOptions;
    readonly maxSteps?: number;
    readonly settleSteps?: number;
  };
  /** What else is to be said, a line each. */
  readonly notes?: readonly string[];
}

/** A list up to this length is shown whole; of a longer one, what is around the marks and at the end. */
const WHOLE = 80;
const AROUND = 3;
const AT_END = 12;

export function reportOf(failure: Failure, { seed, run, limits, notes = [] }: Reported): string {
  return [
    `${failure.kind}: ${failure.text}`,
    ...notes.map((note) => `  ${note}`),
    '  the steps; ► marks where it goes another way than in the order of arrival:',
    ...stepsOf(run),
    `  to see it again: ${replayLine(seed, run, limits)}`,
  ].join('\n');
}

function stepsOf({ trace, marks }: SimulatedRun): string[] {
  const marked = new Set(marks);
  const shown = (line: number): boolean =>
    trace.length <= WHOLE || line >= trace.length - AT_END || near(marked, line) || line < AROUND;
  const lines: string[] = [];
  let left = 0;
  for (const [line, words] of trace.entries()) {
    if (!shown(line)) {
      left++;
      continue;
    }
    if (left > 0) lines.push(`         … ${left} more`);
    left = 0;
    lines.push(`  ${marked.has(line) ? '►' : ' '} ${String(line + 1).padStart(4)}  ${words}`);
  }
  return lines;
}

function near(marked: ReadonlySet<number>, line: number): boolean {
  for (let at = line - AROUND; at <= line + AROUND; at++) if (marked.has(at)) return true;
  return false;
}

function replayLine(seed: number, run: SimulatedRun, limits: Reported['limits']): string {
  const fields = [`seed: ${seed}`, `schedule: '${formatSchedule(run.schedule)}'`];
  for (const name of ['maxSteps', 'settleSteps'] as const) {
    if (limits[name] !== undefined) fields.push(`${name}: ${limits[name]}`);
  }
  // The schedule has the faults that were injected; that there are some must be said, or decisions would be counted otherwise.
  if (limits.faults !== undefined) fields.push('faults');
  return `await simulate({ ${fields.join(', ')} }, program)`;
}
