import * as core from '../../src/kernel/errors.ts';
import * as functions from '../../src/kernel/function-errors.ts';
import * as io from '../../src/kernel/io-errors.ts';
import * as simulation from '../../src/kernel/simulation-errors.ts';
import * as sync from '../../src/kernel/sync-errors.ts';
import * as waits from '../../src/kernel/wait-errors.ts';

const catalogue = { ...core, ...functions, ...io, ...simulation, ...sync, ...waits };

const cause = new Error('root of it');
const bytes = Buffer.from('abc');
const signal = { kind: 'frames' };
const progress = { bytesRead: 3 };
const e = catalogue;
const lane = {
  path: '/A-1/B-2',
  direction: 'down',
  queued: 2,
  capacity: 2,
  bytes: 9,
  maxBytes: 10,
  waiting: 1,
} as const;
const chain: readonly waits.DeadlockLink[] = [
  { path: '/A-1', hook: 'signalHandler', waitsFor: 'a place', lane, wayOut: 'a task' },
  { path: '/A-1/B-2', hook: 'enter', waitsFor: 'the end of /A-1', lane: undefined, wayOut: 'childEnded' },
];

/** Each class: one of it made, its code, its fields, a part of its message. */
const errors: [keyof typeof catalogue, core.TaskThreadError, string, object, string][] = [
  [
    'InvalidOptionError',
    new e.InvalidOptionError('capacity', -1, 'a whole number'),
    'TT_INVALID_OPTION',
    { field: 'capacity', value: -1, expected: 'a whole number' },
    'capacity must be a whole number, but it is -1',
  ],
  ['CancelledError', new e.CancelledError('why', { cause, progress }), 'TT_CANCELLED', { cause, progress }, 'why'],
  [
    'TimeoutError',
    new e.TimeoutError('it', 50, { cause, progress }),
    'TT_TIMEOUT',
    { timeoutMs: 50, cause, progress },
    '50 ms',
  ],
  [
    'UncaughtTimeoutError',
    new e.UncaughtTimeoutError(new e.TimeoutError('it', 50)),
    'TT_UNCAUGHT_TIMEOUT',
    { cause: new e.TimeoutError('it', 50) },
    'it took longer than 50 ms',
  ],
  ['IntakeClosedError', new e.IntakeClosedError('/A-1', { progress }), 'TT_INTAKE_CLOSED', { progress }, '/A-1'],
  [
    'ThreadEndedError',
    new e.ThreadEndedError('/A-1', signal),
    'TT_THREAD_ENDED',
    { path: '/A-1', signal },
    '/A-1 has ended',
  ],
  [
    'EdgeClosedError',
    new e.EdgeClosedError('/A-1', signal),
    'TT_EDGE_CLOSED',
    { path: '/A-1', signal },
    '/A-1 takes no more',
  ],
  ['LaneFullError', new e.LaneFullError('/A-1', signal), 'TT_LANE_FULL', { path: '/A-1', signal }, '/A-1 is full'],
  [
    'DeadlockError',
    new e.DeadlockError(chain, signal),
    'TT_DEADLOCK',
    { chain, signal },
    'signalHandler of /A-1 waits for a place (holds 2 of 2 signals, 9 of 10 bytes)\n    way out: a task\n  enter of /A-1/B-2',
  ],
  [
    'OverdueError',
    new e.OverdueError('/A-1', 'signalHandler', 1500.4, ['a place', 'the end of /A-1/B-2']),
    'TT_OVERDUE',
    { path: '/A-1', what: 'signalHandler', ageMs: 1500.4, waits: ['a place', 'the end of /A-1/B-2'] },
    'signalHandler of /A-1 has been under way for 1500 ms, waiting for a place and the end of /A-1/B-2',
  ],
  ['ChildFailedError', new e.ChildFailedError('/A-1', cause), 'TT_CHILD_FAILED', { path: '/A-1', cause }, 'root of it'],
  ['ThreadError', new e.ThreadError('/A-1', cause), 'TT_THREAD_ERROR', { path: '/A-1', cause }, 'no value: root of it'],
  [
    'ThreadGroupError',
    new e.ThreadGroupError(['a', 'b'], [cause, 'broken']),
    'TT_THREAD_GROUP',
    { failed: ['a', 'b'], errors: [cause, 'broken'], cause },
    '2 of the group failed: root of it; "broken"',
  ],
  ['GroupClosedError', new e.GroupClosedError(), 'TT_GROUP_CLOSED', {}, 'joined, cancelled or left'],
  ['GroupEmptyError', new e.GroupEmptyError(), 'TT_GROUP_EMPTY', {}, 'no member left'],
  [
    'RestartLimitError',
    new e.RestartLimitError('/A-1', 3, 500, cause),
    'TT_RESTART_LIMIT',
    { path: '/A-1', intensity: 3, periodMs: 500, cause },
    'more than 3 times in 500 ms; last: root of it',
  ],
  [
    'MissingHandlerError',
    new e.MissingHandlerError('/A-1', 'signalHandler'),
    'TT_MISSING_HANDLER',
    { path: '/A-1', handler: 'signalHandler' },
    'signalHandler',
  ],
  ['AlreadyStartedError', new e.AlreadyStartedError('/A-1'), 'TT_ALREADY_STARTED', { path: '/A-1' }, '/A-1'],
  ['NotStartedError', new e.NotStartedError('Database'), 'TT_NOT_STARTED', {}, 'Database'],
  ['InjectedFaultError', new e.InjectedFaultError('/A-1'), 'TT_INJECTED_FAULT', { path: '/A-1' }, '/A-1 crash'],
  ['LinkCutError', new e.LinkCutError('/A-1'), 'TT_LINK_CUT', { path: '/A-1' }, 'the link to /A-1 was cut'],
  [
    'SimulationFailedError',
    new e.SimulationFailedError('books', { seed: 3, schedule: '4:1', report: 'the books', cause }),
    'TT_SIMULATION_FAILED',
    { kind: 'books', seed: 3, schedule: '4:1', cause },
    'the books',
  ],
  ['SimulationOverError', new e.SimulationOverError(), 'TT_SIMULATION_OVER', {}, 'the simulation is over'],
  ['SimulationRunningError', new e.SimulationRunningError(), 'TT_SIMULATION_RUNNING', {}, 'one at a time'],
  ['NoScopeError', new e.NoScopeError('sleep'), 'TT_NO_SCOPE', {}, 'sleep does not know'],
  [
    'ThreadStoppingError',
    new e.ThreadStoppingError('/A-1', 'x'),
    'TT_THREAD_STOPPING',
    { path: '/A-1' },
    'x is not possible',
  ],
  [
    'NotAChildError',
    new e.NotAChildError('/A-1', '/B-2', signal),
    'TT_NOT_A_CHILD',
    { path: '/A-1', signal },
    'of /B-2',
  ],
  ['NoParentError', new e.NoParentError('/A-1', signal), 'TT_NO_PARENT', { path: '/A-1', signal }, '/A-1 is a root'],
  [
    'AskUnansweredError',
    new e.AskUnansweredError('/A-1', 'it ended'),
    'TT_ASK_UNANSWERED',
    { path: '/A-1' },
    'it ended',
  ],
  [
    'TaskStuckError',
    new e.TaskStuckError('/A-1', 'read', 20),
    'TT_TASK_STUCK',
    { path: '/A-1', task: 'read' },
    '20 ms',
  ],
  ['NotOwnerError', new e.NotOwnerError('rlock.release', '/A-1'), 'TT_NOT_OWNER', {}, 'and /A-1 holds it'],
  [
    'OverReleasedError',
    new e.OverReleasedError('lock.release', 'nobody holds the lock'),
    'TT_OVER_RELEASED',
    {},
    'too often: nobody',
  ],
  ['QueueClosedError', new e.QueueClosedError(signal), 'TT_QUEUE_CLOSED', { item: signal }, 'closed'],
  ['BusyError', new e.BusyError('socket', 'recv'), 'TT_BUSY', {}, 'another recv'],
  [
    'SocketClosedError',
    new e.SocketClosedError('socket', { cause, progress }),
    'TT_SOCKET_CLOSED',
    { cause, progress },
    'socket',
  ],
  [
    'SocketFailedError',
    new e.SocketFailedError('socket', cause, progress),
    'TT_SOCKET_FAILED',
    { cause, progress },
    'root of it',
  ],
  [
    'AddressError',
    new e.AddressError('listen on', '::1:80', cause),
    'TT_ADDRESS',
    { address: '::1:80', cause },
    'listen on ::1:80',
  ],
  [
    'TlsHandshakeError',
    new e.TlsHandshakeError('h:1', new Error('self-signed')),
    'TT_TLS_HANDSHAKE',
    { address: 'h:1' },
    'cannot secure the connection to h:1: self-signed',
  ],
  [
    'ProcessNotStartedError',
    new e.ProcessNotStartedError('nope', 'ENOENT'),
    'TT_PROCESS_NOT_STARTED',
    { file: 'nope' },
    'cannot start nope: ENOENT',
  ],
  [
    'IncompleteReadError',
    new e.IncompleteReadError(bytes, '9 bytes'),
    'TT_INCOMPLETE_READ',
    { bytes },
    'after 3 bytes',
  ],
  [
    'FrameTooLargeError',
    new e.FrameTooLargeError(100, 10),
    'TT_FRAME_TOO_LARGE',
    { frameBytes: 100, maxFrameBytes: 10 },
    '100 bytes',
  ],
  ['MalformedFrameError', new e.MalformedFrameError('syslog', 'no priority'), 'TT_MALFORMED_FRAME', {}, 'no priority'],
  [
    'MissingPackageError',
    new e.MissingPackageError('ws', 'it', cause),
    'TT_MISSING_PACKAGE',
    { cause },
    'npm install ws',
  ],
  [
    'DatabaseFailedError',
    new e.DatabaseFailedError('open', 'a.db', cause),
    'TT_DATABASE_FAILED',
    { file: 'a.db', cause },
    'a.db',
  ],
  [
    'RowsUnwrittenError',
    new e.RowsUnwrittenError('a.db', 3, ['signal'], cause),
    'TT_ROWS_UNWRITTEN',
    { file: 'a.db', rows: 3, signals: ['signal'], cause },
    '3 rows',
  ],
];

describe.each(errors)('%s', (name, error, code, fields, words) => {
  test('carries its name, its code and its fields', () => {
    expect([error.name, error.code]).toEqual([name, code]);
    expect(error).toMatchObject(fields);
    expect(error.message).toContain(words);
  });

  test('is an error, one of the catalogue, and says where it was made', () => {
    expect([error instanceof Error, error instanceof catalogue.TaskThreadError]).toEqual([true, true]);
    expect(error.stack).toContain('errors.test.ts');
  });
});

test('each class of the catalogue stands in this table', () => {
  const classes = Object.keys(catalogue).filter((name) => name !== 'TaskThreadError');
  expect(classes.sort()).toEqual(errors.map(([name]) => name).sort());
});

test('no two classes share a code', () => {
  expect(new Set(errors.map(([, { code }]) => code)).size).toBe(errors.length);
});

test('an error that has done nothing says nothing of it', () => {
  expect(new catalogue.CancelledError('why').progress).toBeUndefined();
  expect(new catalogue.CancelledError('why')).not.toHaveProperty('cause');
});
