/**
 * The executions in a thread and below it, as the walk of `deadlock` asks for them. Pure: looks only. Two questions:
 *
 *   who holds up an end?      `holdingUpEndOf`: as long as any of these lasts, the thread does not end by itself
 *   who could do something?   `executionsIn`: as long as any of these goes on, something may still come of it
 *
 * A daemon holds up nobody's end: it is stopped when what it was spawned by is over.
 */
import type { ChildEnd } from '../intercom/edge.ts';
import type { LocalEdge } from '../intercom/local-edge.ts';
import { NO_PARTIES, type Party } from '../kernel/party.ts';
import type { ThreadCore } from './thread-core.ts';

/** As much of a thread as is looked at. */
export type LookedAt = ChildEnd & Pick<ThreadCore, 'state' | 'body' | 'tasksRunning' | 'loopParty' | 'children'>;

const NO_EDGES: readonly LocalEdge[] = [];

/** The hooks and functions, in this thread and below it, that run and wait. */
export function holdingUpEndOf(top: ChildEnd): readonly Party[] {
  const ends: ChildEnd[] = [top];
  const parties: Party[] = [];
  for (let i = 0; i < ends.length; i++) {
    const end = ends[i]!;
    if (i > 0 && end.isDaemon) continue;
    parties.push(...end.hookParties);
    end.eachChild(ends);
  }
  return parties;
}

/**
 * Each execution by itself, depth first, so that one that goes on is met soon: the party of one that waits, none for what waits
 * for nothing, may be given something to do, or comes to its end by time. The one that asks is left out, unless there is no other.
 * Of thousands of children none is looked at before its turn.
 */
export function* executionsIn(top: LookedAt, asking?: Party): Generator<readonly Party[], void, undefined> {
  let others = false;
  for (const thread of threadsFrom(top)) {
    const execution = executionOf(thread);
    if (execution === undefined || (asking !== undefined && execution[0] === asking)) continue;
    others = true;
    yield execution;
  }
  if (!others) yield asking === undefined ? NO_PARTIES : [asking];
}

function* threadsFrom(top: LookedAt): Generator<LookedAt, void, undefined> {
  yield top;
  const open = [edgesBelow(top)];
  for (let edges = open.at(-1); edges !== undefined; edges = open.at(-1)) {
    const { value, done } = edges.next();
    if (done === true) open.pop();
    else {
      const thread = value.child as LookedAt;
      yield thread;
      open.push(edgesBelow(thread));
    }
  }
}

function edgesBelow({ children }: LookedAt): Iterator<LocalEdge> {
  return (children ?? NO_EDGES)[Symbol.iterator]();
}

function executionOf({ state, body, tasksRunning, loopParty }: LookedAt): readonly Party[] | undefined {
  if (state === 'stopped') return undefined;
  if (state === 'stopping') return NO_PARTIES;
  if (body !== undefined && state === 'running') {
    // Over, and waits for the functions that it has spawned: they are asked themselves.
    if (body.running === undefined) return undefined;
    return partyOf(body.running.waitingParty);
  }
  return tasksRunning > 0 ? NO_PARTIES : partyOf(loopParty);
}

function partyOf(party: Party | undefined): readonly Party[] {
  return party === undefined ? NO_PARTIES : [party];
}
