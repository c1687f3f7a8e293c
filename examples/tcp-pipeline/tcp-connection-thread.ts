/**
 * One device: greets it, reads its packets, has its data processor rebuild the frames, and sends them up. UP: frames.
 */
import type { AnyChild, Child, Turn } from 'taskthread';
import { encodeLengthPrefixed, type Socket } from 'taskthread/net';
import { TCPConnectionThread as Connection, frameLane, type StreamEnd } from 'taskthread/threads';
import { DataProcessorThread } from './data-processor-thread.ts';
import { counted } from './reporter.ts';
import { type Frames, letGo, type PipelineContext, type Unreadable } from './signals.ts';

const GREETING = encodeLengthPrefixed(Buffer.from(JSON.stringify({ message: 'hello!' })));

export class TCPConnectionThread extends Connection<never, Frames, Frames | Unreadable> {
  readonly #context: PipelineContext;
  readonly #device: string;
  #processor!: Child<DataProcessorThread>;

  constructor(context: PipelineContext, socket: Socket, device: string) {
    const { idleTimeoutMs } = context.options;
    super(socket, { gate: context.gate, idleTimeoutMs: idleTimeoutMs ?? undefined }, { outbox: frameLane });
    this.#context = context;
    this.#device = device;
  }

  protected override async enter(turn: Turn<Frames>) {
    this.events.on('deadLetter', letGo);
    this.#processor = await this.addChild(() => new DataProcessorThread(this.#context, this.#device));
    if (this.#context.options.greeting) await this.socket.sendAll(GREETING, { scope: turn });
    await super.enter(turn);
  }

  protected override received(bytes: Buffer, turn: Turn<Frames>) {
    const held = this.#context.gate.budget.hold(bytes.length);
    return turn.send(this.#processor, { kind: 'packet', bytes, held });
  }

  protected override streamEnded(end: StreamEnd, turn: Turn<Frames>) {
    const { totals, reporter } = this.#context;
    const device = this.#device;
    if (end.kind === 'broken') {
      totals.resets++;
      const why = end.error.message;
      reporter.say({
        event: 'reset',
        device,
        why,
        bytes: this.socket.bytesRead,
        text: `${device}: ${why}, after ${counted(this.socket.bytesRead, 'byte')}`,
      });
    } else if (end.kind === 'idle') {
      const idleMs = end.error.timeoutMs;
      reporter.say({
        event: 'idle',
        device,
        idleMs,
        text: `${device}: silent for ${idleMs} ms; its connection is closed`,
      });
    }
    // After anything but an end of the device's own, what is left is half a frame, whatever the framing.
    return end.kind === 'ended' ? turn.send(this.#processor, { kind: 'end' }) : undefined;
  }

  protected override childSignalHandler(signal: Frames | Unreadable, _child: AnyChild, turn: Turn<Frames>) {
    if (signal.kind === 'frames') return turn.sendToParent(signal);
    turn.stop();
    return undefined;
  }
}
