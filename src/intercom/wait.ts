/**
 * Whose wait it is, as every word of an edge that may wait is told.
 */
import type { CancelScope } from '../kernel/cancel-scope.ts';
import type { Waiting } from '../kernel/party.ts';

/**
 * On whose behalf a word waits: a turn, or a thread where no turn is known. Its scope is only asked for when there is a wait,
 * so that an idle thread needs none.
 */
export interface Wait extends Waiting {
  readonly cancelScope: CancelScope | undefined;
  /** What a wait that begins now must throw, if anything. */
  readonly refusal: Error | undefined;
}
