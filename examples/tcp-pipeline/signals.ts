/**
 * What travels in the pipeline. All of it goes up from a device to the master, and down again to the destinations.
 *
 *     packet (bytes as they came) ──► data processor ──► frames ──► connection ──► server ──► master ──► database, websockets
 */
import type { FrameBatch, HeldBytes, PartialAccount, ReadingGate } from 'taskthread/threads';
import type { PipelineOptions } from './options.ts';
import type { Reporter } from './reporter.ts';
import type { Totals } from './totals.ts';

/** Bytes of one device, or the news that the device has ended its stream. A stream that broke off has no such end. */
export type Packet =
  | { readonly kind: 'packet'; readonly bytes: Buffer; readonly held: HeldBytes }
  | { readonly kind: 'end' };

/** Whole frames of one device, in order. */
export interface Frames extends FrameBatch {
  readonly kind: 'frames';
  /** Unique, over restarts of the pipeline too. */
  readonly connection: string;
  /** Of the first frame; the others follow. Counts from 1 in each connection. */
  readonly firstSequence: number;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
}

/** The device has sent what cannot be read: there is no way on but to close its connection. */
export interface Unreadable {
  readonly kind: 'unreadable';
}

/** A signal is lost with the thread that would have handled it: its share of the memory must not be lost too. */
export function letGo(signal: unknown): void {
  if (typeof signal === 'object' && signal !== null && 'held' in signal)
    (signal.held as HeldBytes | undefined)?.release();
}

/** What all threads of one pipeline share. */
export interface PipelineContext {
  readonly options: PipelineOptions;
  readonly totals: Totals;
  readonly reporter: Reporter;
  readonly gate: ReadingGate;
  /** What to do about a frame in the making when it has to go. */
  readonly stuck: Map<PartialAccount, () => void>;
}
