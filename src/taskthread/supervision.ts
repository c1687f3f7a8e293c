/**
 * What a parent does about a child that ended. Pure: a declaration and an outcome in, a decision out; `runtime` acts.
 * Restarts and strategies will live here.
 */
import type { Outcome } from './lifecycle.ts';

/** What a child's failure does to its parent: it fails too (`escalate`, the default), or is only told (`ignore`). */
export type FailurePolicy = 'escalate' | 'ignore';

export const failurePolicies: readonly FailurePolicy[] = ['escalate', 'ignore'];

export type SupervisionDecision = 'fail-parent' | 'report';

export function decide(policy: FailurePolicy, outcome: Outcome): SupervisionDecision {
  return outcome.kind === 'failed' && policy === 'escalate' ? 'fail-parent' : 'report';
}
