/** What must hold: whenever nothing runs (`checkAtRest`), for each report of a stop, and when the program is over. */
import { imbalance } from '../../src/intercom/books.ts';
import type { LaneSnapshot } from '../../src/intercom/lane.ts';
import { defaultLaneOptions } from '../../src/intercom/lane-options.ts';
import type { LiveCounts } from '../../src/kernel/probe.ts';
import type { StopReport } from '../../src/taskthread/shutdown.ts';
import type { ThreadLife } from '../../src/taskthread/thread-life.ts';
import type { LaneLog } from './lane-log.ts';
import type { EdgeLog, Ledger, ThreadLog } from './ledger.ts';
import type { World } from './world.ts';

/** Nothing runs: what is queued waits for a receiver that is busy, who waits for a place finds none. */
export function checkAtRest(world: World): void {
  const { ledger } = world;
  ledger.moment++;
  for (const log of ledger.edges) {
    const life = log.current?.life;
    if (life === undefined) continue;
    const { down, up } = life.edge.snapshot();
    if (down !== undefined) checkLane(ledger, log.down, down, life.edge.held ? undefined : life);
    if (up !== undefined) checkLane(ledger, log.up, up, log.parent?.life);
  }
  for (const { down } of ledger.edges) {
    for (const { ask, signal, handledBy } of down.deliveries) {
      if (ask === 'waiting' && handledBy?.life.ended === true)
        ledger.blame('an ask that nobody will answer', `${signal.n} on ${down.name}`);
    }
  }
  for (const stop of world.pendingStops) {
    if (world.time.now > stop.since + stop.limitMs) {
      ledger.blame('a stop that does not return', stop.log.path);
      world.pendingStops.delete(stop);
    }
  }
}

function checkLane(ledger: Ledger, log: LaneLog, lane: LaneSnapshot, receiver: ThreadLife | undefined): void {
  const wrong = imbalance(lane);
  if (wrong !== undefined) ledger.blame('the books do not add up', `${log.name}: ${wrong}`);
  const capacity = log.plan?.capacity ?? defaultLaneOptions.capacity;
  const largest = log.plan?.counted === true ? 3 : 1;
  if (lane.highWater > Math.max(capacity, largest)) ledger.blame('over its capacity', `${log.name}: ${lane.highWater}`);
  const maxBytes = log.plan?.maxBytes;
  if (maxBytes !== undefined && lane.highWaterBytes > Math.max(maxBytes, 4))
    ledger.blame('over its bound in bytes', `${log.name}: ${lane.highWaterBytes}`);
  const weighed = log.plan?.counted === true || log.plan?.maxBytes !== undefined;
  if (lane.waiting > 0 && lane.queued <= (weighed ? 0 : capacity >> 1)) {
    ledger.blame('a sender waits although there is room', `${log.name}: ${lane.queued} of ${capacity} queued`);
  }
  const listens = receiver !== undefined && (receiver.state === 'running' || receiver.state === 'stopping');
  if (lane.queued > 0 && listens && !receiver.busy && !receiver.deaf) {
    ledger.blame('left lying', `${log.name}: ${lane.queued} queued, ${receiver.path} idle`);
  }
}

/** Those whose end a stop of `top` has to report: they ended while all between were stopping. */
function reportedBy(ledger: Ledger, top: ThreadLog): ThreadLog[] {
  return ledger.threads.filter((log) => {
    let up: ThreadLog | undefined = log;
    while (up !== undefined && up !== top) {
      if (up.endings === 0 || !up.parentWasStopping) return false;
      up = up.parent;
    }
    return up === top;
  });
}

export function checkReport(ledger: Ledger, top: ThreadLog, report: StopReport): void {
  const reported = reportedBy(ledger, top);
  const named = new Map(report.abandoned.map(({ path, hungOn }) => [path, hungOn.map(({ what }) => what)]));
  for (const { path, abandonedOn, justDone } of reported) {
    const hungOn = named.get(path) ?? [];
    named.delete(path);
    const missing = abandonedOn.filter((what) => !hungOn.includes(what));
    const invented = hungOn.filter((what) => !abandonedOn.includes(what) && !justDone.includes(what));
    if (missing.length + invented.length === 0) continue;
    ledger.blame(
      'the wrong names in a report',
      `of ${top.path}: ${path} hung on ${list(abandonedOn)}, not ${list(hungOn)}`,
    );
  }
  for (const path of named.keys()) ledger.blame('the wrong names in a report', `of ${top.path}: ${path}`);
  if ((report.verdict === 'abandoned') !== report.abandoned.length > 0) ledger.blame('the wrong verdict', top.path);
  if (report.threads !== reported.length) {
    ledger.blame('the wrong count in a report', `of ${top.path}: ${report.threads}, should be ${reported.length}`);
  }
}

function list(words: readonly string[]): string {
  return `[${words.toSorted().join('; ')}]`;
}

/** The root has ended, nothing hangs any more, and everything has come to rest. */
export function checkEnd(world: World, before: LiveCounts, after: LiveCounts): void {
  const { ledger } = world;
  for (const log of ledger.threads) {
    for (const run of log.runs) ledger.blame('a wait that never ends', `${run.what} of ${log.path}`);
    if (log.life.started) checkThread(ledger, log);
  }
  for (const edge of ledger.edges) {
    const times = edge.plan.restart === undefined ? 1 : edge.plan.redeliver + 1;
    checkFates(ledger, edge.down, edge, times);
    checkFates(ledger, edge.up, edge.parent?.edge, 1);
    if (edge.current !== undefined) checkEdge(ledger, edge, edge.current);
  }
  for (const resource of world.resources) {
    if (resource.closed !== 1) ledger.blame('not closed once', `something owned was closed ${resource.closed} times`);
  }
  checkNothingLeft(world, before, after);
}

/** Once the root has ended: no thread, task, timer or waiter, whatever hangs. */
export function checkNothingLeft(world: World, before: LiveCounts, after: LiveCounts): void {
  const hanging = world.hangTimers;
  for (const kind of Object.keys(before) as (keyof LiveCounts)[]) {
    const more = after[kind] - before[kind] - (kind === 'timers' ? hanging : 0);
    if (more !== 0) world.ledger.blame('left alive', `${more} ${kind}`);
  }
}

function checkThread(ledger: Ledger, log: ThreadLog): void {
  const { life, plan, path } = log;
  if (log.endings !== 1) ledger.blame('not ended once', `${path}: ${log.endings} times`);
  const exits = plan.exit !== undefined && log.timesBegun('enter') > 0 ? 1 : 0;
  if (log.timesBegun('exit') !== exits)
    ledger.blame('not one exit', `${path}: ${log.timesBegun('exit')}, should be ${exits}`);
  if (!life.ended) ledger.blame('an orphan', `${path} lives`);
  // Who listens inside hears nothing after the end of an incarnation that another was to follow.
  const leastEnds = plan.restart === undefined ? 1 : 0;
  const mostEnds = log === log.edge.current ? 1 : 0;
  if (plan.listens && (log.toldEnds < leastEnds || log.toldEnds > mostEnds))
    ledger.blame('listeners were not told', `${path}: ${log.toldEnds} ends`);
}

/** A child, when all its incarnations are over. */
function checkEdge(ledger: Ledger, log: EdgeLog, last: ThreadLog): void {
  const { plan, parent } = log;
  const { life, path } = last;
  if (!life.edge.ended) ledger.blame('an orphan', `${path} is to be started again`);
  if (log.handleListens && log.toldEndsByHandle !== 1)
    ledger.blame('listeners were not told', `${path}: ${log.toldEndsByHandle} ends by its handle`);
  const { down, up, asksWaiting } = life.edge.snapshot();
  if (down !== undefined) checkFinalBooks(ledger, log.down, down);
  if (up !== undefined) checkFinalBooks(ledger, log.up, up);
  if (asksWaiting > 0) ledger.blame('an ask that waits for ever', path);
  const { outcome } = life;
  const declared = plan.onFailure === 'escalate' && plan.restart === undefined;
  const escalates = parent !== undefined && last.entered && declared && outcome?.kind === 'failed';
  if (escalates && parent.life.outcome?.kind !== 'failed') ledger.blame('a failure that is not escalated', path);
  // One that is restarted may be stopped before it has taken what the incarnation before had left.
  if (plan.restart !== undefined) return;
  if (outcome?.verdict !== 'clean' || outcome.kind === 'failed' || last.timesBegun('enter') === 0) return;
  // A handler that could not go on because its thread is stopping (no child may be added any more) leaves its signal unhandled.
  const unread = log.down.deliveries.filter(({ begun, lost }) => begun === 0 && lost.some((reason) => !isDrop(reason)));
  if (unread.length > 0) ledger.blame('a clean end with dead letters', `${unread.length} to ${path}`);
  if (plan.childEnded === undefined) return;
  for (const { parent: above, lives, current } of ledger.edges) {
    if (above !== last || current === undefined || lives[0]?.entered !== true) continue;
    if (last.childrenEnded.get(current.path) !== 1)
      ledger.blame('childEnded was not called', `${path} about ${current.path}`);
  }
}

function checkFates(ledger: Ledger, lane: LaneLog, receiver: EdgeLog | undefined, mostDeliveries: number): void {
  for (const { signal, sender, begun, handled, lost, told, toldByHandle } of lane.deliveries) {
    const fates = handled + lost.length;
    const all = `signal ${signal.n} on ${lane.name}: sender ${sender}, begun ${begun}, handled ${handled}, lost [${lost.join('; ')}]`;
    const isHeard = receiver?.plan.listens === true;
    const mayMiss = receiver?.plan.restart !== undefined;
    if (isHeard && (mayMiss ? told > lost.length : told !== lost.length)) ledger.blame('listeners were not told', all);
    if (toldByHandle.done !== toldByHandle.due) ledger.blame('listeners were not told', `by the handle: ${all}`);
    if (sender === 'pending') ledger.blame('a send that never returns', all);
    if (sender === 'accepted' && fates === 0) ledger.blame('lost without a word', all);
    if (sender === 'rejected' && (fates > 0 || begun > 0)) ledger.blame('refused and yet there', all);
    if (fates > 1) ledger.blame('two fates', all);
    if (begun > mostDeliveries) ledger.blame('delivered too often', all);
  }
}

function checkFinalBooks(ledger: Ledger, log: LaneLog, lane: LaneSnapshot): void {
  const sum = (of: (delivery: LaneLog['deliveries'][number]) => boolean): number => {
    const counted = log.plan?.counted === true;
    return log.deliveries.filter(of).reduce((total, { signal }) => total + (counted ? signal.count : 1), 0);
  };
  const expect = (what: string, booked: number, seen: number): void => {
    if (booked !== seen)
      ledger.blame('the books tell another story', `${log.name}: ${what} ${booked}, should be ${seen}`);
  };
  expect('queued', lane.queued, 0);
  expect('inFlight', lane.inFlight, 0);
  expect('waiting', lane.waiting, 0);
  expect(
    'handled',
    lane.handled,
    sum((d) => d.handled > 0),
  );
  expect(
    'dropped',
    lane.dropped,
    sum((d) => d.lost.some(isDrop)),
  );
  expect(
    'deadLettered',
    lane.deadLettered,
    sum((d) => d.lost.some((reason) => !isDrop(reason))),
  );
  const turnedAway = lane.refused + lane.cancelled;
  const most = sum((d) => d.handled + d.lost.length === 0);
  if (turnedAway > most)
    ledger.blame('the books tell another story', `${log.name}: turned away ${turnedAway}, at most ${most}`);
  const wrong = imbalance(lane);
  if (wrong !== undefined) ledger.blame('the books do not add up', `${log.name}: ${wrong}`);
}

function isDrop(reason: string): boolean {
  return reason.startsWith('dropped');
}
