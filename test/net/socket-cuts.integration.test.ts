/**
 * Random cuts: sends and reads on real connections, plain and secured, cancelled at any moment. Each test goes on until so
 * many words have really been cut short: TASKTHREAD_CUTS (a thousand over all tests if not set). The seed is in the message
 * of a failure and can be given as TASKTHREAD_SEED.
 */

import type { Progress } from '../../src/kernel/errors.ts';
import { CancelledError } from '../../src/kernel/errors.ts';
import type { Socket } from '../../src/net/socket.ts';
import { checkLeaks, drain, loopTurn, newScope, pair, pattern, tlsPair } from './connection.ts';

const CUTS = Number(process.env.TASKTHREAD_CUTS ?? 170);
const SEED = Number(process.env.TASKTHREAD_SEED ?? Date.now() % 1_000_000);
/** More than the system buffers between two sockets, so that a send has to wait. */
const SOURCE = pattern(12 * 1024 * 1024);

checkLeaks();
jest.setTimeout(30_000 + 1000 * CUTS);

/** Numbers that follow from the seed alone. */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Random = (below: number) => number;

/** What became of a cut: undefined when it was whole before the cancel came. */
async function cutOf(work: Promise<unknown>): Promise<Progress | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    return error.progress ?? {};
  }
}

/** Lets some turns of the loop pass, and microtasks after them. */
async function aMoment(random: Random): Promise<void> {
  for (let turns = random(12); turns > 0; turns--) await loopTurn();
  for (let ticks = random(6); ticks > 0; ticks--) await Promise.resolve();
}

type Cut = (random: Random, near: Socket, far: Socket) => Promise<number>;

/** Runs until there were enough cuts, each run with a connection of its own. */
async function runCuts(connect: () => ReturnType<typeof pair>, cut: Cut): Promise<void> {
  let cuts = 0;
  for (let run = 0; cuts < CUTS; run++) {
    if (run > 20 * CUTS) throw new Error(`only ${cuts} words were cut short in ${run} runs`);
    const { near, far } = await connect();
    try {
      cuts += await cut(randomOf(SEED + run), near, far);
    } catch (error) {
      throw new Error(`with TASKTHREAD_SEED=${SEED}, run ${run}`, { cause: error });
    }
    near.close();
    far.close();
    await near.waitClosed();
    await far.waitClosed();
  }
}

describe.each([
  ['plain', pair],
  ['secured', tlsPair],
])('on a %s connection', (_name, connect) => {
  test('a send cut anywhere says exactly what the peer then receives', async () => {
    await runCuts(connect, async (random, near, far) => {
      const scope = newScope();
      const bytes = SOURCE.subarray(0, random(SOURCE.length));
      const middle = random(bytes.length + 1);
      const parts = [bytes.subarray(0, middle), bytes.subarray(middle)];
      const stream = near.asStream();
      const words = [
        () => near.sendAll(bytes, { scope }),
        () => near.sendAll(parts, { scope }),
        () => stream.write(bytes, { scope }),
        () => stream.writeLines(parts, { scope }),
      ];
      const sending = cutOf(words[random(4)]!());
      const receiving = random(3) === 0 ? undefined : drain(far, 1 + random(100_000));
      await aMoment(random);
      scope.cancel(new CancelledError('a random cut'));
      const progress = await sending;
      near.end();
      const received = await (receiving ?? drain(far));
      const written = progress === undefined ? bytes.length : progress.bytesWritten;
      expect([received.length, near.bytesWritten]).toEqual([written, written]);
      expect(received.equals(bytes.subarray(0, written))).toBe(true);
      return progress === undefined ? 0 : 1;
    });
  });

  test('a receive cut anywhere loses and doubles nothing', async () => {
    await runCuts(connect, async (random, near, far) => {
      let cuts = 0;
      const bytes = SOURCE.subarray(0, random(400_000));
      const sending = (async () => {
        for (let at = 0; at < bytes.length; ) {
          const end = Math.min(bytes.length, at + 1 + random(60_000));
          await far.sendAll(bytes.subarray(at, end));
          if (random(2) === 0) await loopTurn();
          at = end;
        }
        far.end();
      })();
      const received: Buffer[] = [];
      for (let ended = false; !ended; ) {
        const scope = newScope();
        const receiving = cutOf(
          near.recv(1 + random(70_000), { scope }).then((chunk) => {
            received.push(chunk);
            ended = chunk.length === 0;
          }),
        );
        for (let ticks = random(4); ticks > 0; ticks--) await (random(2) === 0 ? null : loopTurn());
        scope.cancel(new CancelledError('a random cut'));
        if ((await receiving) !== undefined) cuts++;
      }
      await sending;
      expect(Buffer.concat(received).equals(bytes)).toBe(true);
      return cuts;
    });
  });

  test('a read by length, by line or to the end cut anywhere says what had come, and all of it is still there', async () => {
    await runCuts(connect, async (random, near, far) => {
      const bytes = Buffer.from(SOURCE.subarray(0, 1 + random(300_000)));
      const stream = near.asStream();
      const scope = newScope();
      const sending = (async () => {
        for (let at = 0; at < bytes.length; ) {
          const end = Math.min(bytes.length, at + 1 + random(50_000));
          await far.sendAll(bytes.subarray(at, end));
          await loopTurn();
          at = end;
        }
        far.end();
      })();
      const taken: Buffer[] = [];
      const take = (got: Buffer[]) => taken.push(...got);
      const memory = Buffer.alloc(bytes.length);
      const words = [
        () => stream.readExactly(bytes.length, { scope }).then((got) => take([got])),
        () => stream.readAll({ scope }).then((got) => take([got])),
        () => stream.readLines(1 + random(2000), { scope }).then(take),
        () => stream.readInto(memory, { scope }).then((got) => take([memory.subarray(0, got)])),
        () => near.recvInto(memory, { scope }).then((got) => take([memory.subarray(0, got)])),
      ];
      const progress = await (async () => {
        const reading = cutOf(words[random(5)]!());
        await aMoment(random);
        scope.cancel(new CancelledError('a random cut'));
        return reading;
      })();
      if (progress !== undefined) {
        const { bytesRead = 0, linesRead } = progress;
        expect(bytesRead).toBe(stream.snapshot().bufferedBytes);
        const there = bytes.subarray(0, bytesRead);
        if (linesRead !== undefined) expect(linesRead).toBe(there.filter((byte) => byte === 0x0a).length);
      }
      const rest = await stream.readAll();
      await sending;
      expect(Buffer.concat([...taken, rest]).equals(bytes)).toBe(true);
      return progress === undefined ? 0 : 1;
    });
  });
});
