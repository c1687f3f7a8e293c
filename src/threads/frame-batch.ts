/**
 * What travels between the ready-made threads: frames in batches, because a packet may hold a thousand of them, and a signal
 * costs the same for one frame as for all. A batch counts its members, in the lanes and in the books (law 5).
 */
import type { LaneOptions } from '../intercom/lane-options.ts';
import type { HeldBytes } from './byte-budget.ts';

/**
 * What a frame weighs besides its bytes, in the lanes and in a common budget: a `Buffer` that is a view of a chunk is an object of
 * about 100 bytes in Node 22 and 24, and its place in lists comes on top. Without it a flood of frames of one byte would cost
 * twenty times what is counted.
 */
export const FRAME_OVERHEAD_BYTES = 128;

/** Frames that came together. */
export interface FrameBatch {
  /** Never empty. May be views of one received chunk. */
  readonly frames: readonly Buffer[];
  /** Memory that the frames keep alive: of a view, the whole chunk; and for each frame `FRAME_OVERHEAD_BYTES`. */
  readonly retainedBytes: number;
  /** The share of a common budget that this memory has, if there is one: each destination retains it, and releases it when done. */
  readonly held?: HeldBytes | undefined;
}

/**
 * Frames queued on one edge: 16,384, and 256 KiB of the memory that they retain. Where a destination is slower than the devices all
 * lanes are full, so more room would only let each frame wait longer, in memory that the collector then moves about.
 */
export const frameLane: LaneOptions<FrameBatch> = {
  capacity: 16_384,
  maxBytes: 256 * 1024,
  countOf: (batch) => batch.frames.length,
  sizeOf: (batch) => batch.retainedBytes,
};
