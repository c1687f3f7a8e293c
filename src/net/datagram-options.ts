/**
 * What a datagram socket is told: where to stand, with whom to speak, and how much it may keep.
 */
import type { QueueLimits } from '../kernel/bounded-queue.ts';
import { oneOf, wholeNumber } from '../kernel/check.ts';

const DEFAULT_MAX_QUEUED = 1024;
const DEFAULT_MAX_QUEUED_BYTES = 1024 * 1024;

/** What came, and from where. */
export interface Datagram {
  readonly bytes: Buffer;
  readonly address: string;
  readonly port: number;
}

/** Where a datagram goes. */
export interface DatagramAddress {
  readonly host: string;
  readonly port: number;
}

export interface DatagramLimits {
  /** How many datagrams wait for `recvFrom` before one is dropped (1024). */
  readonly maxQueued?: number | undefined;
  /** How many bytes they may have in all (1 MiB); an empty queue admits any one datagram. */
  readonly maxQueuedBytes?: number | undefined;
  /** Which one is dropped when the queue is full: the newest (as the system does) or the oldest. */
  readonly policy?: 'drop-newest' | 'drop-oldest' | undefined;
}

/** The port to take: 0 takes a free one, the host is 127.0.0.1 if not set. */
export interface DatagramBinding extends DatagramLimits {
  readonly host?: string | undefined;
  readonly port: number;
  /** Allows sending to a whole network. */
  readonly broadcast?: boolean | undefined;
}

/** The one peer to speak with. */
export type DatagramPeer = DatagramAddress & DatagramLimits;

export const LIMIT_FIELDS: readonly string[] = ['maxQueued', 'maxQueuedBytes', 'policy'];

export function resolveDatagramLimits<T extends { readonly bytes: Buffer }>(limits: DatagramLimits): QueueLimits<T> {
  return {
    maxItems: wholeNumber('address.maxQueued', limits.maxQueued ?? DEFAULT_MAX_QUEUED, 1),
    maxSize: wholeNumber('address.maxQueuedBytes', limits.maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES, 1),
    sizeOf: ({ bytes }) => bytes.length,
    policy: oneOf('address.policy', limits.policy ?? 'drop-newest', ['drop-newest', 'drop-oldest']),
  };
}
