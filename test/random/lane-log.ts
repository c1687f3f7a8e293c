/** One lane of a random program: how it is made by its plan, and what happened to each signal in it. */
import type { Reply } from '../../src/intercom/ask.ts';
import type { LaneOptions } from '../../src/intercom/lane-options.ts';
import type { ThreadLog } from './ledger.ts';
import type { Answer, LanePlan } from './program.ts';

export interface Signal {
  readonly n: number;
  readonly count: number;
  readonly bytes: number;
  readonly key: number;
  readonly ask: { readonly answer: Answer; readonly reply: Reply<number> } | undefined;
}

/** One signal on its way over one lane. */
export interface Delivery {
  readonly signal: Signal;
  readonly order: number;
  /** What the sender was told. `unknown`: it did not look, or what it was told leaves it open. */
  sender: 'pending' | 'accepted' | 'rejected' | 'unknown';
  begun: number;
  handled: number;
  /** The reasons it was reported lost for. */
  readonly lost: string[];
  /** How often a listener inside its receiver was told that it is lost. */
  told: number;
  /** How often a listener by the handle of its receiver should have been told that, and was. */
  toldByHandle: { due: number; done: number };
  /** Who handled it. */
  handledBy: ThreadLog | undefined;
  /** What became of its asker's wait, if it is a request. `unanswered`: it was told that nobody will answer. */
  ask: 'waiting' | 'over' | 'unanswered' | undefined;
}

/** One direction of one edge. */
export class LaneLog {
  readonly name: string;
  readonly plan: LanePlan | undefined;
  readonly deliveries: Delivery[] = [];
  readonly #bySignal = new Map<Signal, Delivery>();
  /** Orders of the signals begun last: over all, and per key. */
  #lastBegun = -1;
  readonly #lastOfKey = new Map<number, number>();

  constructor(name: string, plan: LanePlan | undefined) {
    this.name = name;
    this.plan = plan;
  }

  offer(signal: Signal): Delivery {
    const order = this.deliveries.length;
    const delivery: Delivery = {
      signal,
      order,
      sender: 'pending',
      begun: 0,
      handled: 0,
      lost: [],
      told: 0,
      toldByHandle: { due: 0, done: 0 },
      handledBy: undefined,
      ask: signal.ask && 'waiting',
    };
    this.deliveries.push(delivery);
    this.#bySignal.set(signal, delivery);
    return delivery;
  }

  find(signal: unknown): Delivery | undefined {
    return this.#bySignal.get(signal as Signal);
  }

  /**
   * True when it comes in order; what is delivered again comes before all others. `latest` replaces in place, so there only
   * signals of one key keep their order.
   */
  begin(delivery: Delivery): boolean {
    const { order, signal } = delivery;
    const latest = this.plan?.policy === 'latest';
    const last = latest ? (this.#lastOfKey.get(signal.key) ?? -1) : this.#lastBegun;
    this.#lastBegun = order;
    this.#lastOfKey.set(signal.key, order);
    return delivery.begun > 1 ? order >= last : order > last;
  }
}

export function laneOf(plan: LanePlan | undefined): LaneOptions<Signal> {
  if (plan === undefined) return {};
  const { capacity, policy, counted, maxBytes } = plan;
  return {
    capacity,
    policy,
    ...(counted && { countOf: (signal: Signal) => signal.count }),
    ...(maxBytes !== undefined && { maxBytes, sizeOf: (signal: Signal) => signal.bytes }),
    ...(policy === 'latest' && { keyOf: (signal: Signal) => signal.key }),
  };
}
