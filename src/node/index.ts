/** Node's own world inside the scope: waits for events, callbacks, streams, processes and promises that a cancel ends. */
export { isCancellation } from '../taskthread/cancellation.ts';
export { abandonable } from './abandonable.ts';
export { callback, type Done } from './callback.ts';
export { type ChunksOptions, chunksOf } from './chunks-of.ts';
export type { Emitter, EventName } from './emitter.ts';
export { type EventStream, type EventStreamSnapshot, type EventsOptions, eventsOf } from './event-stream.ts';
export { nextEvent } from './next-event.ts';
export type { OutsideOptions } from './outside-wait.ts';
export { type ProcessExit, type WaitExitOptions, waitExit } from './wait-exit.ts';
