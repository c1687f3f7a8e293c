/**
 * The root: takes the frames of all devices and passes them to the database and the websockets.
 *
 * Sinks are started first and sources last, because children stop in reverse order: so what the devices had sent can still be
 * worked off when no more is taken in.
 */
import { type Child, TaskThread, type Turn } from 'taskthread';
import { DatabaseThread } from './database-thread.ts';
import type { Frames, PipelineContext } from './signals.ts';
import { TCPServerThread } from './tcp-server-thread.ts';
import { WebsocketMasterThread } from './websocket-threads.ts';

export class MasterThread extends TaskThread<never, never, Frames> {
  readonly #context: PipelineContext;
  #database: Child<DatabaseThread> | undefined;
  #websockets: Child<WebsocketMasterThread> | undefined;

  constructor(context: PipelineContext) {
    const { drainTimeoutMs, cancelTimeoutMs } = context.options;
    super({ stop: { drainMs: drainTimeoutMs, cancelMs: cancelTimeoutMs } });
    this.#context = context;
  }

  protected override async enter() {
    const { options, reporter } = this.#context;
    const { database, forward, feedPort } = options;
    if (database !== null) this.#database = await this.addChild(() => new DatabaseThread(this.#context, database));
    const websockets = new WebsocketMasterThread(this.#context);
    if (forward.length > 0 || feedPort !== null) this.#websockets = await this.addChild(websockets);
    const server = new TCPServerThread(this.#context);
    await this.addChild(server);
    reporter.data({ event: 'ready', port: server.port, feedPort: websockets.feedPort ?? null, pid: process.pid });
    this.#greet(server.port, websockets.feedPort);
  }

  protected override childSignalHandler(frames: Frames, _child: unknown, turn: Turn) {
    const database = this.#database;
    const websockets = this.#websockets;
    // Each destination has a share of its own in the memory, and lets go of it when it is done.
    if (database !== undefined && websockets !== undefined) frames.held?.retain();
    const stored = database && turn.send(database, frames);
    const forwarded = websockets && turn.send(websockets, frames);
    if (database === undefined && websockets === undefined) frames.held?.release();
    return stored && forwarded ? Promise.all([stored, forwarded]) : (stored ?? forwarded);
  }

  #greet(port: number, feedPort: number | undefined) {
    const { reporter, options } = this.#context;
    const { host, framing, database, forward } = options;
    const to = [database ?? 'no database', ...forward, ...(feedPort === undefined ? [] : [`feed on port ${feedPort}`])];
    reporter.text(`Taking ${framing} frames on ${host}:${port} -> ${to.join(', ')}. Ctrl-C stops.`);
    reporter.text('Send it something from another terminal:');
    reporter.text(`  ${exampleSender(framing, port)}`);
  }
}

/** A line for another terminal, with nothing but Node. */
function exampleSender(framing: string, port: number): string {
  const bytes = framing === 'length-prefixed' ? '\\0\\0\\0\\x05hello' : framing === 'lines' ? 'hello\\n' : '5 hello';
  return `node -e "require('node:net').connect(${port}).end('${bytes}')"`;
}
