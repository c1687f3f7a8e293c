/**
 * Where readers wait while a common budget of bytes is spent: before they read, so that TCP holds the senders back.
 */
import { counted } from '../kernel/describe.ts';
import type { Scoped } from '../kernel/cancel-scope.ts';
import { type WaitOwner, WaitQueue } from '../kernel/wait-queue.ts';
import { ByteBudget, type PartialAccount } from './byte-budget.ts';

export interface ReadingGateOptions {
  /** Default 64 MiB. */
  readonly maxBytes?: number;
  /** Nothing is in motion that could make room: refuse this unfinished frame, the largest. */
  readonly onStuck?: (largest: PartialAccount) => void;
}

/** One budget of bytes for all readers of a program. */
export class ReadingGate implements WaitOwner {
  readonly budget: ByteBudget;
  readonly #readers = new WaitQueue();

  constructor(options: ReadingGateOptions = {}) {
    this.budget = new ByteBudget({ ...options, onRoom: () => this.#readers.wakeAll() });
  }

  /**
   * Waits until there is room; undefined when there is. A wait on a source: closing the intake ends it.
   * *Cancel-safe:* nothing is taken, before or after.
   */
  async room(options: { readonly scope: Scoped }): Promise<void> {
    const { cancelScope } = options.scope;
    // Those woken before may have spent it again.
    while (this.budget.isExhausted) {
      await this.#readers.park(this, { scope: cancelScope, source: true, by: options.scope });
    }
  }

  describeWait(): string {
    const { usedBytes, maxBytes } = this.budget.snapshot();
    return `room in the budget of ${counted(maxBytes, 'byte')} (in use: ${usedBytes})`;
  }

  waitCancelled(): void {}
}
