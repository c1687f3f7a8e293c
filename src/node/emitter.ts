/**
 * What is asked of an emitter, Node's or another: to say something when something happens, and to stop saying it.
 */
export type EventName = string | symbol;

/** Node's `EventEmitter`, `eventemitter3`, and what has the same two words. */
export interface Emitter {
  on(name: never, listener: (...args: unknown[]) => void): unknown;
  off(name: never, listener: (...args: unknown[]) => void): unknown;
}

/** What to do with which events. */
export type Listeners = ReadonlyMap<EventName, (...args: never[]) => void>;

/** Listens to several events, and gives what ends that. */
export function listen(emitter: Emitter, listeners: Listeners): () => void {
  type AnyListener = (...args: unknown[]) => void;
  for (const [name, listener] of listeners) emitter.on(name as never, listener as AnyListener);
  return () => {
    for (const [name, listener] of listeners) emitter.off(name as never, listener as AnyListener);
  };
}
