/**
 * Faults of the core, each against one law: what the random programs, and the exploring tests of the core, must find.
 * `npm run mutations random` and `npm run mutations core` plant them, one at a time.
 */
import type { Fault } from '../mutations/fault.ts';

const LANE = 'src/intercom/lane.ts';
const CONTENTS = 'src/intercom/lane-contents.ts';
const LANE_QUEUE = 'src/intercom/lane-queue.ts';
const LINE = 'src/intercom/sender-line.ts';
const EDGE = 'src/intercom/local-edge.ts';
const QUEUE = 'src/kernel/wait-queue.ts';
const SCOPE = 'src/kernel/cancel-scope.ts';
const RUNTIME = 'src/taskthread/runtime.ts';
const LIFE = 'src/taskthread/thread-life.ts';
const ENDING = 'src/taskthread/thread-ending.ts';
const CORE = 'src/taskthread/thread-core.ts';
const EXIT = 'src/taskthread/thread-exit.ts';
const VIEW = 'src/taskthread/thread-view.ts';
const SUPERVISING = 'src/taskthread/thread-supervising.ts';
const CHILD = 'src/taskthread/child-handle.ts';
const SUPERVISION = 'src/taskthread/supervision.ts';
const SUPERVISOR = 'src/taskthread/supervisor.ts';
const STOP = 'src/taskthread/stop.ts';
const TASK = 'src/taskthread/task.ts';
const REGISTRY = 'src/taskthread/task-registry.ts';

export const coreFaults: readonly Fault[] = [
  ['a dead letter is not counted', CONTENTS, 'this.deadLettered += this.inFlight;', ''],
  ['a discarded signal is not counted', CONTENTS, 'this.deadLettered += this.queue.removedCount;', ''],
  ['a dropped signal is not counted', CONTENTS, 'this.dropped += this.queue.removedCount;', ''],
  ['a handled signal is not counted', CONTENTS, 'this.handled += this.inFlight;', ''],
  [
    'a cancelled send is not counted',
    LANE,
    "if (how === 'cancelled') this.#cancelled += count;",
    "if (how === 'cancelled') {}",
  ],
  ['a lost signal is not reported', LANE, 'this.owner.signalLost(this, signal, reason, deliveries);', ''],
  [
    'a signal overtakes senders that wait, by the short way',
    LANE,
    '!this.overflowing && !this.#closed',
    '!this.#closed',
  ],
  ['a signal overtakes senders that wait', LANE, 'senderWaits: this.#senderWaits(),', 'senderWaits: false,'],
  ['a signal replaces another past one that waits', LANE, 'this.#senders?.hasKey(parcel.key) !== true', 'true'],
  [
    'the wake-up at the half-empty lane is lost',
    CONTENTS,
    'if (this.overflowing) this.recover();\n    return signal;',
    'return signal;',
  ],
  [
    'senders that wait are not sent back',
    LINE,
    'waiter.refuse(new EdgeClosedError(this.#owner.owner.path, parcel.signal));',
    'waiter.wake();',
  ],
  [
    'a lane takes one more than its capacity',
    LANE,
    'this.signals.length < this.options',
    'this.signals.length <= this.options',
  ],
  ['what is queued is forgotten', RUNTIME, "lane.discard('its receiver has failed or was cancelled');", ''],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a text of a source file
  ['an ended edge leaves its asks open', EDGE, 'this.#asks?.end(`${this.path} has ended`);', ''],
  [
    'a receiver is not woken',
    RUNTIME,
    'if ((this.running === undefined || this.deaf) && !this.ended) lane.scheduler.enqueue(this);',
    '',
  ],
  [
    'handlers overlap',
    RUNTIME,
    'for (; this.running === undefined && !this.deaf; done++) {',
    'for (; !this.deaf; done++) {',
  ],
  ['childEnded is not called', RUNTIME, 'this.#endedChildren.push({ child, outcome });', ''],
  ['a child is not unlinked', LIFE, 'this.children?.remove(edge) !== true', 'false'],
  ['childEnded comes before the last signals', LIFE, '(!edge.up.empty || this.running?.lane === edge.up)', 'false'],
  ['a failure is not escalated', SUPERVISING, "=== 'fail-parent'", "=== 'never'"],
  [
    'exit runs twice',
    EXIT,
    'if (this.exitRun !== undefined) return',
    'if (this.exitRun?.running !== undefined) return',
  ],
  ['exit is not shielded', EXIT, '{ shielded: true }', '{ shielded: false }'],
  ['what is owned is not closed', ENDING, 'this.closeOwned(this.edge.spec as ResolvedChildSpec);', ''],
  ['the end is announced twice', ENDING, 'this.#recordEnd(this.outcome);', 'this.#recordEnd(this.outcome);'.repeat(2)],
  ['an ended thread handles on', ENDING, "this.state = 'stopped';", "setImmediate(() => (this.state = 'stopped'));"],
  ['waits are not ended with the thread', CORE, 'this.#scope?.end(() => new ThreadEndedError(this.path));', ''],
  [
    'what exit hangs on is not named',
    VIEW,
    'return [this.running, this.body?.running, this.exitRun?.running]',
    'return [this.running, this.body?.running]',
  ],
  ['the last child is not waited for', STOP, 'thread.children.size > 0', 'thread.children.size > 1'],
  ['children stop in the order of their start', STOP, 'children.nextToStop()', '[...children].slice(0, 1)'],
  ['a stop sets no timer', STOP, '#arm(): void {', '#arm(): void { return;'],
  ['exit does not wait for tasks', STOP, 'if (thread.tasksRunning > 0 && !this.#forced) return;', ''],
  ['the queue is not worked off', STOP, 'thread.intakeRunning > 0 || thread.hasWork', 'thread.intakeRunning > 0'],
  [
    'abandoned children are not in the report',
    STOP,
    'for (const report of other.abandoned) this.abandoned.push(report);',
    '',
  ],
  [
    'children wait for a handler that hangs',
    STOP,
    'if (thread.busy && !this.cancelling) return;',
    'if (thread.busy && !this.#forced) return;',
  ],
  ['a shorter budget is not passed on', STOP, 'if (this.#shortened) this.#askAgain();', ''],
  [
    'a broadcast that is cancelled is an unhandled rejection',
    CHILD,
    'calm(allTaken(waits, toKind))',
    'allTaken(waits, toKind)',
  ],
  ['a stop takes longer than it may', STOP, 'this.beganAt + budget.drainMs', 'this.beganAt + budget.drainMs * 2 + 5'],
  [
    'a task runs on after its end',
    TASK,
    'if (this.#ended || this.running) return turns + 1;\n      if (this.#over()) {',
    'if (this.running) return turns + 1;\n      if (this.#turns < 0) {',
  ],
  [
    'a task keeps its timer',
    TASK,
    'if (this.#timer !== undefined) this.#owner.host.clock.clearTimer(this.#timer);',
    '',
  ],
  ['turns of a task overlap', REGISTRY, 'const yielded = old.ended ||', 'const yielded = true ||'],
  [
    'a wake-up of several is forgotten',
    QUEUE,
    'while (this.#first !== undefined) this.#first.wake(value);',
    'this.#first?.wake(value);',
  ],
  ['a cancelled sleep keeps its timer', QUEUE, 'this.#scope.host.clock.clearTimer(this.#timer);', ''],
  [
    'a cancelled scope lets waits begin',
    SCOPE,
    'return this.#error ?? (this.#makeError === undefined ? this.#closedInto?.refusal : this.#reason());',
    'return this.#closedInto?.refusal;',
  ],
  ['a shield does not hold', SCOPE, 'else if (this.#shielded) return;', ''],
  ['a restart is not counted', SUPERVISION, 'times.push(now);', ''],
  ['a restart is not announced', SUPERVISOR, 'this.#thread.announceRestart(edge, plan?.delayMs ?? 0);', ''],
  [
    'a plan starts its children all at once',
    SUPERVISOR,
    '.supervised?.down === false) return false;',
    '.ended) return false;',
  ],
  [
    'a plan stops its children left to right',
    SUPERVISOR,
    'const last = plan.edges[plan.toStop - 1];',
    'const last = plan.edges.find(lives);',
  ],
  ['a plan starts again who crashes in it', SUPERVISOR, 'plan.toStart = place + 1;', ''],
  ['a plan asks the next before the last has ended', SUPERVISOR, 'if (plan.ending.size > 0) return false;', ''],
  [
    'a restart does not give way',
    SUPERVISOR,
    'if (edge.supervised?.down === true) this.#thread.giveUpRestart(edge);',
    'if (edge.incarnation > 99) this.#thread.giveUpRestart(edge);',
  ],
  ['one that is made begins although its parent stops', SUPERVISOR, 'giveWayUnlessBegun(edge);', ';'],
  ['the delay of a restart outlives its child', SUPERVISOR, 'this.#thread.host.clock.clearTimer(child.timer);', ';'],
  ['who is told of a restart cannot stop it', SUPERVISOR, 'if (stateOf(edge).down !== true) return;', ''],
  ['who was asked to stop is started again', SUPERVISION, "if (asked) return 'gone';", ''],
  [
    'one that stops restarts',
    SUPERVISING,
    'supervised === undefined || this.stopping !== undefined || this.ended',
    'supervised === undefined || this.ended',
  ],
  ['what is kept is taken by the one that has ended', EDGE, 'this.#down?.handTo(this);', ''],
  [
    'what was kept is not handed on',
    EDGE,
    'this.incarnation++;\n    this.#held = false;\n    this.#down?.handTo(child);',
    'this.incarnation++;\n    this.#held = false;',
  ],
  [
    'requests that an incarnation took stay open',
    EDGE,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a text of a source file
    'this.endTakenRequests(`${this.path} is restarted`);',
    '',
  ],
  [
    'requests that are queued are sent away at a restart',
    EDGE,
    'this.#down?.holds((signal) => signal === request) === true',
    'false',
  ],
  ['a poison signal is delivered for ever', CONTENTS, 'this.#failures = failures;', ''],
  [
    'what is put back is in flight for ever',
    CONTENTS,
    'this.#landed();\n    this.#failures = failures;',
    'this.#failures = failures;',
  ],
  ['what is put back comes last', LANE_QUEUE, 'this.signals.unshift(signal);', 'this.signals.push(signal);'],
  [
    'what is put back weighs nothing',
    LANE_QUEUE,
    'this.#count += count;\n      this.#bytes += bytes;\n    }\n    if (this.#places === undefined) return;',
    '}\n    if (this.#places === undefined) return;',
  ],
  [
    'a failed incarnation throws away what is queued',
    ENDING,
    'if (edge.supervised?.final === false && mayRestart(restart, cause)) this.holdInbox();',
    'if (false) this.holdInbox();',
  ],
  ['what is kept is handled after exit', ENDING, 'if (!this.exitBegun) edge.unhold();', 'edge.unhold();'],
  ['a cancel does not reach what waits', SCOPE, "this.#tellMembers('cancelled', error);", ''],
];
