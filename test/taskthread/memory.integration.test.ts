/**
 * Memory stays flat: over millions of sends into a child that is slower than its parent, and over threads that are made and
 * stopped. `FULL=1` sends ten million signals with each policy, and makes a million threads of each kind.
 */
import { startProgram } from '../typescript-program.ts';

const { FULL } = process.env;

interface Round {
  readonly heapUsed: number;
  readonly handles: readonly string[];
  readonly live: Readonly<Record<string, number>>;
  readonly end?: boolean;
  readonly handled?: number;
  readonly refused?: number;
  readonly books?: Readonly<Record<string, number>>;
}

async function measured(...words: string[]): Promise<{ rounds: Round[]; end: Round }> {
  const child = startProgram('test/taskthread/memory-program.ts', words, ['--expose-gc']);
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const code = await new Promise((done) => {
    child.on('close', done);
  });
  expect([code, err]).toEqual([0, '']);
  const all = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Round);
  const rounds = all.filter(({ end }) => end !== true);
  expect([rounds.length, all.length]).toEqual([10, 11]);
  return { rounds, end: all.at(-1)! };
}

/** As much as compiled code and the like may come to: a hundredth of a byte for each of a full run's sends. */
const LEEWAY_BYTES = 256 * 1024;

/** The first rounds warm up; after that one round leaves what the last one left. */
function expectFlat(rounds: readonly Round[]): void {
  const heaps = rounds.slice(3).map(({ heapUsed }) => heapUsed);
  const grown = Math.min(...heaps.slice(-3)) - Math.min(...heaps.slice(0, 3));
  expect({ grown, flat: grown < LEEWAY_BYTES }).toMatchObject({ flat: true });
}

const sends = FULL === undefined ? 60_000 : 10_000_000;

test.each(['block', 'drop-oldest', 'drop-newest', 'latest', 'fail'])(
  `over ${sends} sends into a slow child with the policy %s`,
  async (policy) => {
    const { rounds, end } = await measured('sends', policy, String(sends));
    expectFlat(rounds);
    for (const { books } of rounds) {
      const { offered, accepted, refused, cancelled, waiting, handled, dropped, queued, inFlight, deadLettered } =
        books!;
      expect(offered).toBe(accepted! + refused! + cancelled! + waiting!);
      expect(accepted).toBe(handled! + dropped! + queued! + inFlight! + deadLettered!);
      expect([queued! <= 100, books!.bytes! <= 200 + 6]).toEqual([true, true]);
    }
    const { books } = end;
    expect(books).toMatchObject({
      offered: sends,
      refused: end.refused,
      handled: end.handled,
      queued: 0,
      deadLettered: 0,
    });
    // It was slow: what could be lost or refused was.
    expect(books!.dropped! + books!.refused! > sends / 10).toBe(policy !== 'block');
  },
  FULL === undefined ? 60_000 : 900_000,
);

const threads = FULL === undefined ? 10_000 : 1_000_000;

test.each(['idle', 'busy', 'failing', 'restarted'])(
  `over ${threads} threads, %s, that are made and stopped under one root`,
  async (kind) => {
    const { rounds, end } = await measured('threads', kind, String(threads));
    expectFlat(rounds);
    const alive = rounds.map(({ live, handles }) => JSON.stringify([live, handles]));
    expect(new Set(alive)).toEqual(new Set([alive[0]]));
    expect(rounds[0]!.live).toMatchObject({ threads: 1, tasks: 0, timers: 0, waiters: 0 });
    expect(end.live).toMatchObject({ threads: 0, tasks: 0, timers: 0, waiters: 0 });
  },
  FULL === undefined ? 60_000 : 900_000,
);
