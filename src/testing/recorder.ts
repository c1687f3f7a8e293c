/**
 * A recorder: turns a run into one list of words, in the order in which things happened, so that a test compares one list
 * instead of asking many questions. It hears what a tree reports, and what the test says itself.
 *
 *     const recorder = new Recorder();
 *     const root = await time.run(start(() => new Root(), { ...time.options, onRecord: recorder.onRecord }));
 */
import { describeValue, messageOf } from '../kernel/describe.ts';
import type { LifecycleRecord } from '../kernel/probe.ts';

export class Recorder {
  readonly words: string[] = [];

  say(word: string): void {
    this.words.push(word);
  }

  /** For `start`: writes down all that the tree reports. */
  readonly onRecord = (record: LifecycleRecord): void => {
    this.words.push(recordInWords(record));
  };

  /** The words so far, which are then forgotten. */
  take(): string[] {
    return this.words.splice(0);
  }
}

/** One record in one line. */
export function recordInWords(record: LifecycleRecord): string {
  switch (record.kind) {
    case 'entered':
      return `${record.path} entered`;
    case 'stopping':
      return `${record.path} stopping: ${record.why}`;
    case 'ended':
      return `${record.path} ended: ${record.outcome}`;
    case 'failed':
      return `${record.path} failed in ${record.where}: ${messageOf(record.error)}`;
    case 'abandoned':
      return `${record.path} abandoned: ${record.hungOn}`;
    case 'task-ended':
      return `${record.path} task ${record.task} ended`;
    case 'overflow':
      return `${record.path} overflow ${record.direction}: ${record.policy}`;
    case 'dead-letter':
      return `${record.path} dead letter ${record.direction}: ${describeValue(record.signal)} (${record.reason})`;
    case 'late':
      return `${record.path} late: ${record.what}`;
    case 'restarting':
      return `${record.path} restarting after it ${record.outcome}`;
    case 'deadlock':
      return `${record.path} deadlock of ${record.hook}: ${record.chain.map(({ waitsFor }) => waitsFor).join(' and ')}`;
    case 'held-up':
      return `${record.path} held up in ${record.hook}: ${record.chain.map(({ waitsFor }) => waitsFor).join(' and ')}`;
    case 'overdue':
      return `${record.path} overdue: ${record.what}`;
    case 'stall':
      return `${record.path} stall on ${record.on}`;
  }
}
