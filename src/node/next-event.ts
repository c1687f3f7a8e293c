import { type Emitter, type EventName, listen } from './emitter.ts';
import { type OutsideOptions, waitOutside } from './outside-wait.ts';

/**
 * Waits for the next time that an emitter says something, and gives what it said: the list of arguments. It listens from
 * the call on, so nothing is missed between the call and the `await`.
 *
 * @throws what the emitter says with `error`, unless that is waited for; `TT_NO_SCOPE`.
 * *Cancel-safe:* no listener is left. A wait on a source: closing the intake ends it. Source: Node's `events.once`.
 */
export function nextEvent<Args extends unknown[] = unknown[]>(
  emitter: Emitter,
  name: EventName,
  options: OutsideOptions = {},
): Promise<Args> {
  return waitOutside<Args>(options, {
    word: 'nextEvent',
    on: `event ${String(name)}`,
    source: true,
    begin: ({ done, failed }) => {
      const listeners = new Map<EventName, (...args: never[]) => void>([['error', failed as (error: never) => void]]);
      listeners.set(name, (...args) => done(args as unknown as Args));
      return listen(emitter, listeners);
    },
  });
}
