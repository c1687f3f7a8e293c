/**
 * A schedule: where a run goes another way than in the order of arrival. Every decision of a run has a number, and of its ways
 * 0 is the ordinary one: the step that has waited longest, no yield, no fault. So a schedule is the short list of those
 * that are not 0, and what is left out of it goes the ordinary way. A fault stands there by its name: where decisions are counted
 * otherwise, it is no other step's number. Pure.
 */
import { InvalidOptionError } from '../kernel/errors.ts';
import { type FaultKind, faultKinds } from './faults.ts';

export interface Deviation {
  /** The number of the decision in its run, from 0. */
  readonly decision: number;
  /** Which way was taken, from 1. */
  readonly way: number;
  /** It is this fault; then that counts, and not the number. */
  readonly fault?: FaultKind;
}

export type Schedule = readonly Deviation[];

const EXPECTED = "a schedule such as '14:1 17:crash'";

/** As words that a person can paste: `14:1 17:crash`. */
export function formatSchedule(schedule: Schedule): string {
  return schedule.map(wordOf).join(' ');
}

function wordOf({ decision, way, fault = way }: { decision: number; way: number; fault?: FaultKind | number }): string {
  return `${decision}:${fault}`;
}

export function parseSchedule(field: string, text: string): Schedule {
  if (typeof text !== 'string') throw new InvalidOptionError(field, text, EXPECTED);
  const words = text.split(' ').filter((word) => word !== '');
  return words.map((word) => {
    const [, decision, way] = /^(\d+):([1-9]\d*|[a-z]+)$/.exec(word) ?? [];
    const fault = faultKinds.find((kind) => kind === way);
    if (decision === undefined || (fault === undefined && Number.isNaN(Number(way)))) {
      throw new InvalidOptionError(field, text, EXPECTED);
    }
    return fault === undefined
      ? { decision: Number(decision), way: Number(way) }
      : { decision: Number(decision), way: 1, fault };
  });
}

/** Where a run went another way than it was asked to, in words; undefined where it did all of it. */
export function whyNotFollowed(asked: Schedule, taken: Schedule): string | undefined {
  for (const deviation of asked) {
    const { decision, fault } = deviation;
    const did = taken.find((one) => one.decision === decision);
    if (did === undefined)
      return fault === undefined ? `decision ${decision} never came` : `${fault} could not be at decision ${decision}`;
    if (wordOf(did) !== wordOf(deviation)) return `it went ${wordOf(did)} instead of ${wordOf(deviation)}`;
  }
  return undefined;
}
