/**
 * Signals for quick work. Any value can be a signal; a program of some size declares its own types and needs nothing of this.
 */

/** A generic signal: who sent it, and what. (The Python ancestor's MessageSignal.) */
export class MessageSignal<out Message> {
  readonly origin: string;
  readonly message: Message;

  constructor(origin: string, message: Message) {
    this.origin = origin;
    this.message = message;
  }
}
