import { imbalance } from '../../src/intercom/books.ts';
import { Lane, type LaneOwner, type LaneReceiver, type Wait } from '../../src/intercom/lane.ts';
import { type LaneOptions, resolveLaneOptions } from '../../src/intercom/lane-options.ts';
import { CancelScope } from '../../src/kernel/cancel-scope.ts';
import { makeHost } from '../../src/kernel/host.ts';
import { VirtualTime } from '../../src/testing/index.ts';

/** A signal of the tests: its name, what it counts and weighs, and its key. */
export interface Item {
  readonly name: string;
  readonly count?: number;
  readonly bytes?: number;
  readonly key?: unknown;
}

export const weighed: LaneOptions<Item> = { countOf: ({ count }) => count ?? 1, sizeOf: ({ bytes }) => bytes ?? 0 };
export const keyed: LaneOptions<Item> = { policy: 'latest', keyOf: ({ key }) => key };

/** A lane with an owner and a receiver that write down what they are told, and check the books each time. */
export class LaneWorld implements LaneOwner, LaneReceiver {
  readonly time = new VirtualTime();
  readonly scheduler = this.time.scheduler;
  readonly host = makeHost(this.time.options);
  readonly path = '/Master-1/Database-2';
  readonly lane: Lane;
  readonly lostSignals: string[] = [];
  /** How often each of them had been given to a handler. */
  readonly lostDeliveries: number[] = [];
  readonly books: string[] = [];
  overflows = 0;
  readies = 0;
  /** What the user's hooks do when they are called; nothing, unless a test says so. */
  whenLost: (signal: Item) => void = () => {};
  whenOverflowing: () => void = () => {};

  constructor(options: LaneOptions<Item> = {}) {
    this.lane = new Lane(this, 'down', this, resolveLaneOptions('inbox', options as LaneOptions<never>));
  }

  laneReady(lane: Lane): void {
    this.readies++;
    lane.ready = true;
  }

  signalLost(lane: Lane, signal: unknown, reason: string, deliveries: number): void {
    this.#check(lane);
    this.lostDeliveries.push(deliveries);
    this.lostSignals.push(`${(signal as Item).name}: ${reason}`);
    this.whenLost(signal as Item);
  }

  laneOverflowed(lane: Lane): void {
    this.#check(lane);
    this.overflows++;
    this.whenOverflowing();
  }

  /** A scope of its own for each wait, so that one can be cancelled alone. */
  scope(): CancelScope {
    return new CancelScope(this.host);
  }

  send(item: Item, scope: CancelScope = this.scope()): Promise<void> | undefined {
    return this.lane.send(item, waitOf(scope));
  }

  /** Sends many that need not be awaited. */
  fill(...names: string[]): void {
    for (const name of names) void this.send({ name });
  }

  /** Takes one and has handled it; its name. */
  handle(): string {
    const item = this.lane.take() as Item;
    this.lane.done();
    if (this.lane.empty) this.lane.ready = false;
    return item.name;
  }

  /** Takes and handles all there is; the names. */
  handleAll(): string[] {
    const names: string[] = [];
    while (!this.lane.empty) names.push(this.handle());
    return names;
  }

  check(): void {
    this.#check(this.lane);
    expect(this.books).toEqual([]);
  }

  #check(lane: Lane): void {
    const wrong = imbalance(lane.snapshot());
    if (wrong !== undefined) this.books.push(wrong);
  }
}

export function waitOf(scope: CancelScope): Wait {
  return {
    cancelScope: scope,
    get refusal() {
      return scope.refusal;
    },
  };
}
