import type { Readable } from 'node:stream';
import { scopeOf } from '../kernel/ambient.ts';
import { SocketClosedError } from '../kernel/io-errors.ts';
import { type EventName, listen } from './emitter.ts';
import { type OutsideOptions, refusalOf, waitOutside } from './outside-wait.ts';

export interface ChunksOptions extends OutsideOptions {
  /** Leaves the stream as it is when the loop is left before its end. Default false: it is destroyed, as by Node's own. */
  readonly keep?: boolean | undefined;
}

/**
 * The chunks of one of Node's readable streams, in a loop that a cancel ends.
 *
 * @throws what the stream fails with; `TT_SOCKET_CLOSED` when it was destroyed before its end; `TT_NO_SCOPE`.
 * *Cancel-safe:* a cancelled step took no chunk, and no listener is left; with `keep` a later loop goes on where this one
 * was. A wait on a source: closing the intake ends it. Source: Node's `readable[Symbol.asyncIterator]`.
 */
export async function* chunksOf<T = Buffer>(
  readable: Readable,
  options: ChunksOptions = {},
): AsyncGenerator<T, void, undefined> {
  const scope = scopeOf(options, 'chunksOf');
  const { scheduler } = scope.cancelScope.host;
  // Also while the loop is at work on a chunk: the next step asks the stream, and an error that nobody hears ends the process.
  readable.once('error', heard);
  try {
    for (;;) {
      if (scheduler.spend()) await scheduler.nextSlice();
      const refusal = refusalOf(scope, true);
      if (refusal !== undefined) throw refusal;
      const chunk: unknown = readable.read();
      if (chunk !== null) yield chunk as T;
      else if (readable.errored) throw readable.errored;
      else if (readable.readableEnded) return;
      else if (readable.destroyed) throw new SocketClosedError('the stream');
      else await more(readable, scope);
    }
  } finally {
    // What has failed may not have said so yet.
    if (!readable.errored) readable.off('error', heard);
    if (options.keep !== true) readable.destroy();
  }
}

function heard(): void {}

/** Waits until the stream has something to say: bytes, its end, or its failure, all of which are then asked of it. */
function more(readable: Readable, scope: OutsideOptions['scope']): Promise<void> {
  return waitOutside<void>(
    { scope },
    {
      word: 'chunksOf',
      on: 'a chunk of a stream',
      source: true,
      begin: ({ done }) => {
        const listener = () => done();
        return listen(readable, new Map<EventName, () => void>(EVENTS.map((name) => [name, listener])));
      },
    },
  );
}

const EVENTS = ['readable', 'end', 'error', 'close'] as const;
