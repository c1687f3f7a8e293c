// The words of Node itself, each the real one, given a turn's abortSignal; and real processes and files for our own words.
import { type ChildProcess, exec, spawn } from 'node:child_process';
import { EventEmitter, getMaxListeners, on, once } from 'node:events';
import { createReadStream, mkdtempSync, rmSync, stat } from 'node:fs';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addAbortSignal, PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep, setInterval as ticks } from 'node:timers/promises';
import { promisify } from 'node:util';
import { start, TaskThread, type Turn } from '../../src/index.ts';
import { abandonable, callback, chunksOf, isCancellation, nextEvent, waitExit } from '../../src/node/index.ts';
import { cancel, checkOutside, failureOf, loopTurn, newScope } from './outside.ts';

checkOutside();

/** Runs work in a task, and keeps what it threw. */
class Worker extends TaskThread {
  readonly #work: (turn: Turn) => Promise<unknown>;
  thrown: unknown;

  constructor(work: (turn: Turn) => Promise<unknown>) {
    super();
    this.#work = work;
  }

  protected override enter() {
    this.tasks.reCreate('work', async (turn) => {
      try {
        await this.#work(turn);
      } catch (error) {
        this.thrown = error;
        throw error;
      }
    });
  }
}

const nodeProgram = (code: string) => spawn(process.execPath, ['-e', code]);
const HANGS = 'setInterval(() => {}, 1000)';
const ended = (child: ChildProcess) => new Promise((resolve) => child.once('close', resolve));

const server = createServer(() => {}); // never answers
let url = '';
const folder = mkdtempSync(join(tmpdir(), 'taskthread-real-'));
const large = join(folder, 'large');

beforeAll(async () => {
  // With a hole of a gibibyte in it, which takes no room.
  await writeFile(large, '');
  await truncate(large, 2 ** 30);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  server.closeAllConnections();
  server.close();
});

/** Node's words that take an AbortSignal; each would wait for ever, or for long. */
const NODES_WORDS: { name: string; wait: (turn: Turn) => Promise<unknown> }[] = [
  { name: 'fetch', wait: (turn) => fetch(url, { signal: turn.abortSignal }) },
  { name: 'timers/promises setTimeout', wait: (turn) => sleep(3_600_000, null, { signal: turn.abortSignal }) },
  {
    name: 'timers/promises setInterval',
    wait: async (turn) => {
      for await (const _tick of ticks(3_600_000, null, { signal: turn.abortSignal }));
    },
  },
  { name: 'events.once', wait: (turn) => once(new EventEmitter(), 'never', { signal: turn.abortSignal }) },
  {
    name: 'events.on',
    wait: async (turn) => {
      for await (const _event of on(new EventEmitter(), 'never', { signal: turn.abortSignal }));
    },
  },
  {
    name: 'stream.pipeline',
    wait: (turn) => pipeline(new PassThrough(), new PassThrough(), { signal: turn.abortSignal }),
  },
  {
    name: 'stream.addAbortSignal',
    wait: async (turn) => {
      for await (const _chunk of addAbortSignal(turn.abortSignal, new PassThrough()));
    },
  },
  // A cancel ends the shell; `exec` makes the shell the program itself, so that nothing of it is left.
  { name: 'child_process.exec', wait: (turn) => promisify(exec)('exec sleep 3600', { signal: turn.abortSignal }) },
  {
    name: 'child_process.spawn',
    wait: async (turn) => {
      const child = spawn('sleep', ['3600'], { signal: turn.abortSignal });
      await new Promise((_resolve, reject) => child.once('error', reject));
    },
  },
  // Of a file without an end Node 26 reads on for ever, whatever it is told.
  { name: 'fs.readFile', wait: (turn) => readFile(large, { signal: turn.abortSignal }) },
];

describe('a cancel of the thread', () => {
  for (const { name, wait } of NODES_WORDS) {
    test(`ends ${name}, and what it throws is known for a cancel`, async () => {
      const worker = new Worker(wait);
      const handle = await start(worker);
      await loopTurn();
      const report = await handle.stop({ drainMs: 0, cancelMs: 10_000 });
      expect(report.verdict).toBe('cancelled');
      expect(isCancellation(worker.thrown)).toBe(true);
      expect((await handle.join()).kind).toBe('cancelled');
    });
  }

  test('any number of waits on one abortSignal are no leak', async () => {
    const scope = newScope();
    const { abortSignal: signal } = scope;
    const waits = Array.from({ length: 100 }, () => failureOf(sleep(3_600_000, null, { signal })));
    // Node warns of more listeners than this.
    expect(getMaxListeners(signal)).toBe(Infinity);
    cancel(scope);
    for (const wait of waits) expect(isCancellation(await wait)).toBe(true);
  });
});

describe('waitExit', () => {
  test('tells the code or the signal, also of a process that had ended before', async () => {
    const scope = newScope();
    const coded = nodeProgram('process.exitCode = 3');
    expect(await waitExit(coded, { scope })).toEqual({ code: 3, osSignal: null });
    expect(await waitExit(coded, { scope })).toEqual({ code: 3, osSignal: null });
    const killed = nodeProgram(HANGS);
    const waiting = waitExit(killed, { scope });
    killed.kill('SIGKILL');
    expect(await waiting).toEqual({ code: null, osSignal: 'SIGKILL' });
    expect([killed.listenerCount('exit'), killed.listenerCount('error')]).toEqual([0, 0]);
  });

  test('of what cannot be started says so, soon and later', async () => {
    const scope = newScope();
    const child = spawn('/nowhere/program');
    child.on('error', () => {});
    const failures = [await failureOf(waitExit(child, { scope }))];
    await loopTurn();
    failures.push(await failureOf(waitExit(child, { scope })));
    for (const failure of failures)
      expect(failure).toMatchObject({ code: 'TT_PROCESS_NOT_STARTED', file: '/nowhere/program' });
    expect(failures[1]?.message).toBe('cannot start /nowhere/program: ENOENT');
  });

  test('cancelled, leaves the process alone unless told otherwise, and no listener', async () => {
    const scope = newScope();
    const [spared, told] = [nodeProgram(HANGS), nodeProgram(HANGS)];
    const failures = [
      failureOf(waitExit(spared, { scope })),
      failureOf(waitExit(told, { scope, killWith: 'SIGTERM' })),
    ];
    cancel(scope);
    for (const failure of failures) expect(await failure).toMatchObject({ code: 'TT_CANCELLED' });
    for (const child of [spared, told]) expect(child.listenerCount('exit') + child.listenerCount('error')).toBe(0);
    await ended(told);
    expect([told.signalCode, spared.exitCode, spared.signalCode]).toEqual(['SIGTERM', null, null]);
    spared.kill('SIGKILL');
    await ended(spared);
  });
});

test('a real function with a callback, a real stream, a real emitter and a promise of Node’s', async () => {
  const scope = newScope();
  const size = await callback<{ size: number }>((done) => stat(__filename, done), { scope });
  let bytes = 0;
  for await (const chunk of chunksOf(createReadStream(__filename, { highWaterMark: 1000 }), { scope }))
    bytes += chunk.length;
  expect(bytes).toBe(size.size);
  const child = nodeProgram('console.log("ready")');
  const [[line], exit] = await Promise.all([
    nextEvent<[Buffer]>(child.stdout, 'data', { scope }),
    waitExit(child, { scope }),
  ]);
  expect([String(line), exit.code]).toEqual(['ready\n', 0]);
  expect(await abandonable(promisify(stat)(__filename), { scope })).toMatchObject({ size: bytes });
});
