/**
 * Takes devices, and makes a thread of each. UP: frames.
 */
import type { Turn } from 'taskthread';
import type { Socket } from 'taskthread/net';
import { frameLane, TCPServerThread as Server } from 'taskthread/threads';
import { counted } from './reporter.ts';
import { type Frames, letGo, type PipelineContext } from './signals.ts';
import { TCPConnectionThread } from './tcp-connection-thread.ts';

export class TCPServerThread extends Server<Frames> {
  readonly #context: PipelineContext;

  constructor(context: PipelineContext) {
    const { host, port, maxClients } = context.options;
    super({ host, port, maxClients }, { outbox: frameLane });
    this.#context = context;
  }

  protected override enter(turn: Turn<Frames>) {
    this.events.on('deadLetter', letGo);
    return super.enter(turn);
  }

  protected override connection(socket: Socket) {
    this.#context.totals.connections++;
    return new TCPConnectionThread(this.#context, socket, deviceOf(socket));
  }

  protected override refused(socket: Socket) {
    const { totals, reporter, options } = this.#context;
    totals.refused++;
    const device = deviceOf(socket);
    const text = `${device}: refused, ${counted(options.maxClients, 'device')} connected already (--max-clients)`;
    reporter.say({ event: 'refused', device, maxClients: options.maxClients, text });
  }

  protected override connectionFailed(socket: Socket, error: unknown) {
    const device = deviceOf(socket);
    const why = error instanceof Error ? error.message : String(error);
    this.#context.totals.resets++;
    this.#context.reporter.say({
      event: 'reset',
      device,
      why,
      bytes: 0,
      text: `${device}: ${why}, before anything was read`,
    });
  }
}

function deviceOf(socket: Socket): string {
  // Of one that was gone before it was taken the system does not say the address any more.
  return socket.remoteAddress === undefined ? 'a device that had gone' : `${socket.remoteAddress}:${socket.remotePort}`;
}
