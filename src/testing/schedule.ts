/**
 * A schedule: where a run goes another way than in the order of arrival. Every decision of a run has a number, and of its ways
 * 0 is the ordinary one: the step that has waited longest, no yield, no fault. So a schedule is the short list of those
 * that are not 0, and what is left out of it goes the ordinary way. Pure.
 */
import { InvalidOptionError } from '../kernel/errors.ts';

export interface Deviation {
  /** The number of the decision in its run, from 0. */
  readonly decision: number;
  /** Which way was taken, from 1. */
  readonly way: number;
}

export type Schedule = readonly Deviation[];

/** As words that a person can paste: `14:1 17:2`. */
export function formatSchedule(schedule: Schedule): string {
  return schedule.map(({ decision, way }) => `${decision}:${way}`).join(' ');
}

export function parseSchedule(field: string, text: string): Schedule {
  if (typeof text !== 'string') throw new InvalidOptionError(field, text, "a schedule such as '14:1 17:2'");
  const words = text.split(' ').filter((word) => word !== '');
  return words.map((word) => {
    const [, decision, way] = /^(\d+):([1-9]\d*)$/.exec(word) ?? [];
    if (decision === undefined) throw new InvalidOptionError(field, text, "a schedule such as '14:1 17:2'");
    return { decision: Number(decision), way: Number(way) };
  });
}
