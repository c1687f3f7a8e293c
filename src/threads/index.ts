/** Ready-made threads: TCP server and connection, websocket destinations and feed, database. */
export { Backoff, type BackoffOptions, type Jitter } from '../taskthread/backoff.ts';
export {
  ByteBudget,
  type ByteBudgetOptions,
  type ByteBudgetSnapshot,
  type HeldBytes,
  type PartialAccount,
} from './byte-budget.ts';
export { type DatabaseOptions, DatabaseThread } from './database-thread.ts';
export { DeliveryWindow, type DeliveryWindowOptions, type DeliveryWindowSnapshot } from './delivery-window.ts';
export { FRAME_OVERHEAD_BYTES, type FrameBatch, frameLane } from './frame-batch.ts';
export { ReadingGate, type ReadingGateOptions } from './reading-gate.ts';
export { RowBatch, type RowBatchOptions } from './row-batch.ts';
export { type ConnectionFactory, type ConnectionHandler, type ServeTCPOptions, serveTCP } from './serve-tcp.ts';
export {
  openSqlite,
  type SqliteDatabase,
  type SqliteDriver,
  type SqliteFailure,
  type SqliteInsert,
  type SqliteOptions,
  type SqliteRow,
  type SqliteValue,
  sqliteFailureOf,
} from './sqlite.ts';
export { type StreamEnd, type TCPConnectionOptions, TCPConnectionThread } from './tcp-connection-thread.ts';
export { type TCPServerOptions, TCPServerThread } from './tcp-server-thread.ts';
export { type WebSocketFeedOptions, WebSocketFeedThread } from './websocket-feed-thread.ts';
export { type WebSocketMasterOptions, WebSocketMasterThread } from './websocket-master-thread.ts';
export { type WebSocketSubOptions, WebSocketSubThread } from './websocket-sub-thread.ts';
export { printableURL, type WebSocketTLSOptions } from './websocket.ts';
