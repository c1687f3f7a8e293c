/**
 * An event that the operating system sets: SIGUSR1, SIGHUP, Ctrl-C. The flag itself is in `event`.
 */
import { constants } from 'node:os';
import { InvalidOptionError } from '../kernel/errors.ts';
import type { WaitOptions } from './doorway.ts';
import { Event } from './event.ts';

/** The name of an OS signal that a process can listen to. */
export type OsSignal = NodeJS.Signals;

/** No process can listen to these. */
const DEAF: readonly string[] = ['SIGKILL', 'SIGSTOP'];

/**
 * Set when one of the OS signals comes, and then stays set, so that none is missed between two waits; `clear` makes it wait for
 * the next one. While it is there, those OS signals do not end the process. It listens until it is released: by `release` or at
 * the end of a block, `using quit = new SignalEvent('SIGINT', 'SIGTERM')`. It does not keep the process alive.
 *
 * Errors: `InvalidOptionError` for what is no OS signal, or none that can be listened to. Source: thredo's `SignalEvent`.
 */
export class SignalEvent implements Disposable {
  readonly #event = new Event();
  readonly #names: readonly OsSignal[];
  #last: OsSignal | undefined;
  #released = false;

  constructor(...osSignals: OsSignal[]) {
    if (osSignals.length === 0)
      throw new InvalidOptionError('osSignals', osSignals, 'the name of an OS signal or more');
    for (const name of osSignals) {
      if (!(name in constants.signals) || DEAF.includes(name)) {
        throw new InvalidOptionError('osSignals', name, 'an OS signal that a process can listen to');
      }
    }
    this.#names = [...new Set(osSignals)];
    for (const name of this.#names) process.on(name, this.#onSignal);
  }

  get isSet(): boolean {
    return this.#event.isSet;
  }

  /** The OS signal that has come last. */
  get last(): OsSignal | undefined {
    return this.#last;
  }

  /**
   * Waits until it is set; at once when it is. Errors and guarantees are those of `Event.wait`. *Cancel-safe:* nothing is taken.
   */
  wait(options?: WaitOptions): Promise<void> {
    return this.#event.wait(options);
  }

  /** As if one of its OS signals had come. */
  set(): void {
    this.#event.set();
  }

  /** Waits from now on wait for the next one. */
  clear(): void {
    this.#event.clear();
  }

  /** Listens no more. Who waits goes on waiting, until `set` or a cancel. A second time is harmless. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    for (const name of this.#names) process.off(name, this.#onSignal);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  readonly #onSignal = (name: OsSignal): void => {
    this.#last = name;
    this.#event.set();
  };
}
