/**
 * A session is told once who the customer is, and then takes orders. Its link is cut, it is started again, and what is held for it is
 * delivered: but the new incarnation was never told who the customer is. (Right: each order says whose it is.)
 */
import assert from 'node:assert/strict';
import { type Child, TaskThread, type TaskTurn } from '../../../src/index.ts';
import type { SimulatedProgram } from '../../../src/testing/index.ts';

type Word = { readonly customer: string } | { readonly order: number; readonly customer?: string };

class SessionThread extends TaskThread<Word> {
  readonly #book: (customer: string | undefined) => void;
  #customer: string | undefined;

  constructor(book: (customer: string | undefined) => void) {
    super();
    this.#book = book;
  }

  protected override signalHandler(word: Word) {
    if ('order' in word) this.#book(word.customer ?? this.#customer);
    else this.#customer = word.customer;
  }
}

class ShopThread extends TaskThread {
  readonly booked: (string | undefined)[] = [];
  #session!: Child<SessionThread>;
  readonly #mended: boolean;

  constructor(mended: boolean) {
    super({ supervision: { intensity: 100 } });
    this.#mended = mended;
  }

  protected override async enter() {
    const make = (): SessionThread => new SessionThread((customer) => this.booked.push(customer));
    this.#session = await this.addChild(make, { restart: 'permanent' });
    this.tasks.reCreate('orders', async (turn: TaskTurn) => {
      await turn.send(this.#session, { customer: 'Ada' });
      for (let order = 1; order <= 5; order++) {
        // The fault is to say who orders in one signal, and what in another.
        await turn.send(this.#session, this.#mended ? { order, customer: 'Ada' } : { order });
        await turn.sleep(1);
      }
    });
  }
}

export function forgottenByACut(mended: boolean): SimulatedProgram {
  return async (sim) => {
    const shop = new ShopThread(mended);
    await sim.start(shop);
    await sim.sleep(100);
    assert.deepEqual([...new Set(shop.booked)], ['Ada']);
  };
}
