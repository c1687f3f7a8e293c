/**
 * Rebuilds frames from the packets of one device. IN: packets, UP: frames.
 */
import { randomUUID } from 'node:crypto';
import { TaskThread, type Turn } from 'taskthread';
import { type FrameDecoder, makeDecoder } from 'taskthread/net';
import { FRAME_OVERHEAD_BYTES, type HeldBytes, type PartialAccount } from 'taskthread/threads';
import { counted } from './reporter.ts';
import { type Frames, letGo, type Packet, type PipelineContext, type Unreadable } from './signals.ts';

export class DataProcessorThread extends TaskThread<Packet, Frames | Unreadable> {
  readonly #context: PipelineContext;
  readonly #device: string;
  readonly #decoder: FrameDecoder;
  /** The part of the common budget that the frame in the making has. */
  readonly #partial: PartialAccount;
  readonly #connection = randomUUID();
  #sequence = 1;
  #done = false;

  constructor(context: PipelineContext, device: string) {
    super({
      inbox: { maxBytes: 256 * 1024, sizeOf: (packet) => (packet.kind === 'packet' ? packet.bytes.length : 0) },
      outbox: { capacity: 16_384, maxBytes: 1024 * 1024, countOf: framesOf, sizeOf: retainedBytesOf },
    });
    this.#context = context;
    this.#device = device;
    const { framing, maxFrameBytes } = context.options;
    this.#decoder = makeDecoder(framing, { maxFrameBytes });
    this.#partial = context.gate.budget.partialAccount(device);
    context.stuck.set(this.#partial, () => this.#refusePartial());
  }

  protected override enter() {
    this.events.on('deadLetter', letGo);
  }

  protected override signalHandler(packet: Packet, turn: Turn<Frames | Unreadable>) {
    if (packet.kind === 'end') return this.#end(turn);
    if (this.#done) return packet.held.release();
    return this.#decode(packet.bytes, packet.held, turn);
  }

  /** The device has not ended its stream (a stop, a broken or idle connection): what has begun was cut, a last line too. */
  protected override exit() {
    if (!this.#done) this.#reportPartial(this.#decoder.partialBytes);
    this.#context.stuck.delete(this.#partial);
    this.#partial.close();
  }

  #decode(bytes: Buffer, held: HeldBytes, turn: Turn<Frames | Unreadable>) {
    const wasPartial = this.#decoder.partialBytes > 0;
    const frames = this.#decoder.push(bytes);
    // A frame over several packets has memory of its own; the others are views, and keep the packet alive.
    const own = wasPartial && frames.length > 0 ? frames[0]!.length : 0;
    const views = frames.length > (wasPartial ? 1 : 0) ? bytes.length : 0;
    const sent = frames.length > 0 ? this.#send(frames, own + views, turn) : undefined;
    held.release();
    this.#partial.set(this.#decoder.retainedBytes);
    if (this.#decoder.failure === undefined) return sent;
    return this.#giveUp(this.#decoder.failure.message, turn, sent);
  }

  /** The frames weigh what they keep alive, and what they are as objects: of small ones that is most of it. */
  #send(frames: readonly Buffer[], keptAlive: number, turn: Turn<Frames | Unreadable>) {
    const retainedBytes = keptAlive + frames.length * FRAME_OVERHEAD_BYTES;
    const firstSequence = this.#sequence;
    this.#sequence += frames.length;
    this.#context.totals.accepted += frames.length;
    const receivedAt = this.clock.epochNow();
    const connection = this.#connection;
    return turn.sendToParent({
      kind: 'frames',
      frames,
      retainedBytes,
      held: this.#context.gate.budget.hold(retainedBytes),
      connection,
      firstSequence,
      receivedAt,
    });
  }

  /** The device has ended its stream. A last line without a line end is a frame all the same. */
  async #end(turn: Turn<Frames | Unreadable>) {
    if (this.#done) return;
    this.#done = true;
    const { frame, unfinishedBytes } = this.#decoder.end();
    if (frame !== undefined) await this.#send([frame], frame.length, turn);
    this.#reportPartial(unfinishedBytes);
  }

  /** What came before is on its way already; what comes after cannot be read. */
  async #giveUp(why: string, turn: Turn<Frames | Unreadable>, sent: Promise<void> | undefined) {
    this.#done = true;
    const { totals, reporter } = this.#context;
    totals.oversized++;
    const device = this.#device;
    reporter.say({ event: 'oversized', device, why, text: `${device}: ${why}; its connection is closed` });
    await sent;
    await turn.sendToParent({ kind: 'unreadable' });
  }

  /** The common budget is spent, nothing is in motion, and this is the largest frame in the making. */
  #refusePartial() {
    if (this.#done) return;
    this.#done = true;
    const { totals, reporter, options } = this.#context;
    const device = this.#device;
    const bytes = this.#decoder.partialBytes;
    totals.oversized++;
    const why = `its unfinished frame of ${counted(bytes, 'byte')} is the largest while --max-buffered-bytes (${options.maxBufferedBytes}) is spent`;
    reporter.say({ event: 'oversized', device, bytes, why, text: `${device}: ${why}; its connection is closed` });
    this.#decoder.end();
    this.#partial.set(0);
    void this.sendToParent({ kind: 'unreadable' });
  }

  #reportPartial(bytes: number) {
    if (bytes === 0) return;
    this.#context.totals.partialFrames++;
    const device = this.#device;
    const text = `${device}: ${counted(bytes, 'byte')} of a half frame left at its end`;
    this.#context.reporter.say({ event: 'partial-frame', device, bytes, text });
  }
}

function framesOf(signal: Frames | Unreadable): number {
  return signal.kind === 'frames' ? signal.frames.length : 1;
}

function retainedBytesOf(signal: Frames | Unreadable): number {
  return signal.kind === 'frames' ? signal.retainedBytes : 0;
}
