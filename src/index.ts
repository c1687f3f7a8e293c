/** The core: threads, their tasks and signals, and what they share. Sockets are in `taskthread/net`, ready-made threads in `taskthread/threads`. */
export { Reply } from './intercom/ask.ts';
export type { Books } from './intercom/books.ts';
export { imbalance } from './intercom/books.ts';
export type { EdgeSnapshot } from './intercom/edge.ts';
export type { LaneSnapshot } from './intercom/lane.ts';
export type { LaneOptions, Overflow } from './intercom/lane-options.ts';
export type { OverflowPolicy } from './intercom/overflow.ts';
export { MessageSignal } from './intercom/signal.ts';
export type { CancelScope, Scoped } from './kernel/cancel-scope.ts';
export type { Clock, Timer } from './kernel/clock.ts';
export * from './kernel/errors.ts';
export * from './kernel/function-errors.ts';
export * from './kernel/io-errors.ts';
export type { LifecycleRecord } from './kernel/probe.ts';
export type { Scheduler } from './kernel/scheduler.ts';
export * from './kernel/sync-errors.ts';
export * from './kernel/wait-errors.ts';
export { Condition, type ConditionSnapshot } from './sync/condition.ts';
export { Event, type EventSnapshot } from './sync/event.ts';
export type { Guard } from './sync/guard.ts';
export { Lock, RLock } from './sync/lock.ts';
export type { LockSnapshot } from './sync/ownership.ts';
export { Queue, type QueueSnapshot } from './sync/queue.ts';
export { BoundedSemaphore, Semaphore, type SemaphoreSnapshot } from './sync/semaphore.ts';
export { type OsSignal, SignalEvent } from './sync/signal-event.ts';
export type { AnyChild, AskOptions, Child, DownOf, UpOf, WaitOptions } from './taskthread/child.ts';
export type { ThreadEventEmitter, ThreadEvents } from './taskthread/events.ts';
export type { BackoffOptions, Jitter } from './taskthread/backoff.ts';
export { FunctionThread, type FunctionThreadOptions } from './taskthread/function-thread.ts';
export { currentThread, type FunctionTurn } from './taskthread/function-turn.ts';
export type { ChildState, Outcome, OutcomeKind, ThreadState, Verdict } from './taskthread/lifecycle.ts';
export type { Overdue, OverduePolicy } from './taskthread/liveness.ts';
export { type MainEnd, type MainOptions, runMain } from './taskthread/main.ts';
export type { MainSignal } from './taskthread/os-signals.ts';
export { run } from './taskthread/run.ts';
export {
  formatStopReport,
  type HungOn,
  type HungWait,
  type StopOptions,
  type StopReport,
  type ThreadReport,
} from './taskthread/shutdown.ts';
export type { RunningSnapshot, TaskSnapshot, ThreadSnapshot, WaitSnapshot } from './taskthread/snapshot.ts';
export { type SpawnFailure, type SpawnOptions, spawn } from './taskthread/spawn.ts';
export type { CancelOptions, Spawned } from './taskthread/spawned.ts';
export type { ChildSpec, Closable, RestartSpec, ThreadOptions } from './taskthread/spec.ts';
export { type StartOptions, start } from './taskthread/start.ts';
export type {
  AutoShutdown,
  FailurePolicy,
  RestartPolicy,
  RestartStrategy,
  SupervisionOptions,
} from './taskthread/supervision.ts';
export type { TaskOptions } from './taskthread/task.ts';
export type { ReScheduleOptions, TaskAnswer, TaskBody, TaskTurn } from './taskthread/task-turn.ts';
export type { TaskRegistry } from './taskthread/task-registry.ts';
export {
  type AnyThread,
  type ChildSource,
  type SignalListener,
  TaskThread,
  type ThreadClass,
} from './taskthread/taskthread.ts';
export {
  type GroupOptions,
  type GroupWait,
  type MemberOptions,
  type NextOptions,
  ThreadGroup,
} from './taskthread/thread-group.ts';
export {
  checkCancelled,
  type Ignored,
  ignoreAfter,
  ignoreAt,
  shield,
  sleep,
  timeoutAfter,
  timeoutAt,
  type Until,
  type Within,
} from './taskthread/time-words.ts';
export type { Turn } from './taskthread/turn.ts';
