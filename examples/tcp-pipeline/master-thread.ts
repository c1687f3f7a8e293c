/**
 * The root: takes the frames of all devices and passes them to the database and the websockets.
 *
 * Sinks are started first and sources last, because children stop in reverse order: so what the devices had sent can still be
 * worked off when no more is taken in.
 */
import { type AnyChild, type Child, type Outcome, TaskThread, type Turn } from 'taskthread';
import { printableURL } from 'taskthread/threads';
import { DatabaseThread } from './database-thread.ts';
import { doubtOf } from './options.ts';
import { type Frames, letGo, type PipelineContext } from './signals.ts';
import { TCPServerThread } from './tcp-server-thread.ts';
import { unconfirmedOf } from './totals.ts';
import { WebsocketMasterThread } from './websocket-threads.ts';

const CONFIRMED_POLL_MS = 5;

export class MasterThread extends TaskThread<never, never, Frames> {
  readonly #context: PipelineContext;
  #database: Child<DatabaseThread> | undefined;
  #websockets: Child<WebsocketMasterThread> | undefined;
  #server: Child<TCPServerThread> | undefined;
  #stopping = false;
  #onStopping: (() => void) | undefined;
  /** The last send to the websockets. */
  #forwarding: Promise<void> | undefined;

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
    this.#server = await this.addChild(server);
    this.events.on('deadLetter', letGo);
    this.events.on('stopping', () => {
      this.#stopping = true;
      this.#onStopping?.();
    });
    reporter.data({ event: 'ready', port: server.port, feedPort: websockets.feedPort ?? null, pid: process.pid });
    this.#greet(server.port, websockets.feedPort);
    const { maxFrameBytes, maxBufferedBytes } = options;
    const doubt = doubtOf(options);
    if (doubt !== undefined) reporter.say({ event: 'doubtful', maxFrameBytes, maxBufferedBytes, text: doubt });
  }

  protected override childSignalHandler(frames: Frames, _child: AnyChild, turn: Turn) {
    const database = this.#database;
    const websockets = this.#websockets;
    // Each destination has a share of its own in the memory, and lets go of it when it is done.
    if (database !== undefined && websockets !== undefined) frames.held?.retain();
    const stored = database && turn.send(database, frames);
    const forwarded = websockets && turn.send(websockets, frames);
    if (database === undefined && websockets === undefined) frames.held?.release();
    const taken = forwarded && this.#untilStopping(forwarded);
    return stored && taken ? Promise.all([stored, taken]) : (stored ?? taken);
  }

  /** All that devices had sent is with the database now; before the websockets are asked to stop, they get it too. */
  protected override async childEnded(child: AnyChild, _outcome: Outcome, turn: Turn) {
    if (child.id !== this.#server?.id) return;
    await this.#forwarding;
    // The whole drain time is for the destinations; once they are asked to stop, a share of it would be.
    while (unconfirmedOf(this.#context.totals) > 0) await turn.sleep(CONFIRMED_POLL_MS);
  }

  /**
   * A destination that does not go on holds back the devices, but once the intake is closed it must not hold back what the
   * database can still store: then frames line up for it (they are in memory anyway, within `--max-buffered-bytes`).
   */
  #untilStopping(forwarded: Promise<void>): Promise<void> | undefined {
    this.#forwarding = forwarded.catch(() => {});
    if (this.#stopping) return undefined;
    return new Promise((resolve, reject) => {
      this.#onStopping = resolve;
      forwarded.then(resolve, reject);
    });
  }

  #greet(port: number, feedPort: number | undefined) {
    const { reporter, options } = this.#context;
    const { host, framing, database, forward } = options;
    const to = [
      database ?? 'no database',
      ...forward.map(printableURL),
      ...(feedPort === undefined ? [] : [`feed on port ${feedPort}`]),
    ];
    reporter.text(
      `Taking ${framing} frames on ${host.includes(':') ? `[${host}]` : host}:${port} -> ${to.join(', ')}. Ctrl-C stops.`,
    );
    reporter.text('Send it something from another terminal:');
    reporter.text(`  ${exampleSender(framing, host, port)}`);
  }
}

/** A line for another terminal, with nothing but Node. */
function exampleSender(framing: string, host: string, port: number): string {
  const bytes = framing === 'length-prefixed' ? '\\0\\0\\0\\x05hello' : framing === 'lines' ? 'hello\\n' : '5 hello';
  // Of all addresses, the one that Node takes by itself will do.
  const where = ['127.0.0.1', '0.0.0.0', '::'].includes(host) ? port : `${port}, '${host}'`;
  return `node -e "require('node:net').connect(${where}).end('${bytes}')"`;
}
