/**
 * A thread's children, in the order of their start, linked through their edges. Peers stop together and count as one among
 * those still to stop.
 */
import type { LocalEdge } from '../intercom/local-edge.ts';
import { WaitQueue } from '../kernel/wait-queue.ts';
import type { ResolvedChildSpec } from './spec.ts';
import type { Turn } from './turn.ts';

export type ChildSignalHook = (this: object, signal: never, child: never, turn: never) => unknown;

export class Children {
  /** The hook that takes their signals, once looked up, and its turn, for the next execution. */
  signalHook: ChildSignalHook | undefined;
  turn: Turn | undefined;
  /** Ended ones that are still in the list, because something that they had sent is not handled yet. */
  leftovers = 0;
  /** Who waits for the `enter` of one. */
  readonly entering: WaitQueue = new WaitQueue();
  #first: LocalEdge | undefined;
  #last: LocalEdge | undefined;
  #size = 0;
  #unitsToStop = 0;
  #peers: Map<string, number> | undefined;

  get size(): number {
    return this.#size;
  }

  /** How many children, or groups of peers, there are to stop one after the other. */
  get unitsToStop(): number {
    return this.#unitsToStop;
  }

  append(edge: LocalEdge): void {
    edge.previousSibling = this.#last;
    if (this.#last === undefined) this.#first = edge;
    else this.#last.nextSibling = edge;
    this.#last = edge;
    this.#size++;
    this.#count(edge, 1);
  }

  /** False when it was not there (any more). */
  remove(edge: LocalEdge): boolean {
    if (edge.previousSibling === undefined && this.#first !== edge) return false;
    if (edge.previousSibling === undefined) this.#first = edge.nextSibling;
    else edge.previousSibling.nextSibling = edge.nextSibling;
    if (edge.nextSibling === undefined) this.#last = edge.previousSibling;
    else edge.nextSibling.previousSibling = edge.previousSibling;
    edge.previousSibling = undefined;
    edge.nextSibling = undefined;
    this.#size--;
    this.#count(edge, -1);
    return true;
  }

  /** Those to stop next: the child started last, with its peers. */
  nextToStop(): LocalEdge[] {
    const last = this.#last;
    if (last === undefined) return [];
    const { peers } = last.spec as ResolvedChildSpec;
    if (peers === undefined) return [last];
    const group: LocalEdge[] = [];
    for (let edge: LocalEdge | undefined = last; edge !== undefined; edge = edge.previousSibling) {
      if ((edge.spec as ResolvedChildSpec).peers === peers) group.push(edge);
    }
    return group;
  }

  *[Symbol.iterator](): Generator<LocalEdge> {
    let edge = this.#first;
    while (edge !== undefined) {
      // The consumer may remove what it was given.
      const next: LocalEdge | undefined = edge.nextSibling;
      yield edge;
      edge = next;
    }
  }

  #count(edge: LocalEdge, change: 1 | -1): void {
    const { peers } = edge.spec as ResolvedChildSpec;
    if (peers === undefined) {
      this.#unitsToStop += change;
      return;
    }
    this.#peers ??= new Map();
    const size = (this.#peers.get(peers) ?? 0) + change;
    if (size === 0) this.#peers.delete(peers);
    else this.#peers.set(peers, size);
    if (size === 0 || (size === 1 && change === 1)) this.#unitsToStop += change;
  }
}
