import type { ChildEnd, ParentEnd } from '../../src/intercom/edge.ts';
import type { Lane } from '../../src/intercom/lane.ts';
import { type LaneOptions, type ResolvedLaneOptions, resolveLaneOptions } from '../../src/intercom/lane-options.ts';
import { LocalEdge } from '../../src/intercom/local-edge.ts';
import { CancelScope } from '../../src/kernel/cancel-scope.ts';
import { type Host, makeHost } from '../../src/kernel/host.ts';
import { VirtualTime } from '../../src/testing/index.ts';

/** Either end of an edge, that writes down what it is told and handles nothing by itself. */
class End implements ParentEnd, ChildEnd {
  readonly host: Host;
  readonly path: string;
  readonly outside: boolean;
  readonly inboxOptions: ResolvedLaneOptions;
  readonly outboxOptions: ResolvedLaneOptions;
  readonly told: string[];
  readonly refusal = undefined;
  readonly cancelScope = undefined;
  readonly isFunction = false;
  readonly isDaemon = false;
  readonly hookParties = [];

  constructor(host: Host, path: string, told: string[], options: LaneOptions<never> | undefined, outside: boolean) {
    this.host = host;
    this.path = path;
    this.told = told;
    this.outside = outside;
    this.inboxOptions = resolveLaneOptions('inbox', options);
    this.outboxOptions = this.inboxOptions;
  }

  laneReady(lane: Lane): void {
    lane.ready = true;
    this.told.push(`${this.path}: ${lane.direction} lane is ready`);
  }

  deadLetter(_lane: Lane, signal: unknown, reason: string): void {
    this.told.push(`${this.path}: ${nameOf(signal)} lost, ${reason}`);
  }

  overflowed(lane: Lane): void {
    this.told.push(`${this.path}: ${lane.direction} lane is full`);
  }

  requestStop(): void {}
  closeIntake(): void {}
  cancel(): void {}
  eachChild(): void {}
  abandon(): void {}
  childEntered(): void {}
  forgetLane(): void {}
  childEnded(): void {}
  giveUpRestart(): void {}

  restarts(): boolean {
    return false;
  }
}

/** An edge with both ends. */
export function edgeWorld({ options, isRoot = false }: { options?: LaneOptions<never>; isRoot?: boolean } = {}) {
  const time = new VirtualTime();
  const host = makeHost(time.options);
  const told: string[] = [];
  const parent = new End(host, '/Master-1', told, options, isRoot);
  const child = new End(host, '/Master-1/Database-2', told, options, false);
  return { time, host, told, edge: new LocalEdge(parent, child, { name: 'spec' }), scope: () => new CancelScope(host) };
}

/** Handles the oldest signal of a lane. */
export function handle(lane: Lane | undefined): unknown {
  const signal = lane?.take();
  lane?.done();
  return signal;
}

function nameOf(signal: unknown): string {
  return typeof signal === 'object' && signal !== null && 'name' in signal ? String(signal.name) : String(signal);
}
