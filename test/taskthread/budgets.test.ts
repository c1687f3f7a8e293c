/** Laws 10 and 11: a stop always returns, within its budget, with a verdict that names what hung; `exit` runs once. */
import { type Child, formatStopReport, type StopReport, type Turn } from '../../src/index.ts';
import { launch } from '../../src/taskthread/start.ts';
import { abandonTree } from '../../src/taskthread/stop.ts';
import { checkThreads, codeOf, forever, grow, say, settle, Toy, takeWarnings, time, words } from './toys.ts';

checkThreads();

const short = { drainMs: 200, cancelMs: 100 };

/** What a report says of each thread that did not end clean, in words. */
function inWords({ cancelled, abandoned }: StopReport): string[] {
  const names = abandoned.map(({ path, hungOn }) => `${path}: ${hungOn.map(({ what }) => what).join(', ')}`);
  return [...cancelled.map(({ path }) => `${path} cancelled`), ...names];
}

async function stopped(toy: Toy, prepare?: (toy: Toy) => unknown): Promise<{ report: StopReport; took: number }> {
  const root = await grow(toy);
  await prepare?.(toy);
  await settle();
  const before = time().now;
  const report = await time().run(root.stop(short));
  return { report, took: time().now - before };
}

describe('a hung', () => {
  test('handler is cancelled, then forced, then given up with its name, signal and age', async () => {
    const toy = new Toy({ signal: forever, exit: () => say(`exit at ${time().now}`) });
    const root = await grow(toy);
    void root.send('poison');
    await time().advance(50);
    const before = time().now;
    const report = await time().run(root.stop(short));
    // 200 to drain, three quarters of 100 to cancel, then exit; nothing else is left to wait for.
    expect([report.verdict, report.outcome, time().now - before, words]).toEqual([
      'abandoned',
      'cancelled',
      275,
      [`exit at ${before + 275}`],
    ]);
    expect(report.abandoned).toEqual([
      {
        path: '/Toy-1',
        verdict: 'abandoned',
        outcome: 'cancelled',
        hungOn: [{ what: 'signalHandler', forMs: 325, signal: 'poison' }],
      },
    ]);
    expect(formatStopReport('/Toy-1', report)).toContain('abandoned  /Toy-1: hung on signalHandler for 325 ms');
    expect(root.snapshot().edge.down).toMatchObject({ handled: 0, deadLettered: 1, inFlight: 0 });
  });

  test('exit is cancelled at the end of the budget and given up', async () => {
    const { report, took } = await stopped(new Toy({ exit: forever }));
    expect([inWords(report), took]).toEqual([['/Toy-1: exit'], 300]);
  });

  test('exit that yields to its cancel is no hung one', async () => {
    const exit = (_me: Toy, turn: { sleep(ms: number): Promise<void> }) => turn.sleep(10_000);
    const { report, took } = await stopped(new Toy({ exit }));
    expect([inWords(report), took, report.outcome]).toEqual([['/Toy-1 cancelled'], 300, 'cancelled']);
  });

  test('task is named; exit begins nevertheless', async () => {
    const toy = new Toy({ exit: () => say('exit') });
    const { report, took } = await stopped(toy, () => toy.tasks.reCreate('reader', forever));
    expect([inWords(report), took, words]).toEqual([['/Toy-1: task reader'], 275, ['exit']]);
  });

  test('enter does not keep the stop from returning', async () => {
    const parent = new Toy();
    const root = await grow(parent);
    const adding = parent.add(new Toy({ enter: forever, exit: () => say('exit') }, { name: 'Kid' }));
    adding.catch((error: unknown) => say(String(codeOf(error))));
    await settle();
    const report = await time().run(root.stop(short));
    expect(inWords(report)).toEqual(['/Toy-1/Kid-2: enter']);
    expect(words).toEqual(['exit', 'TT_CANCELLED']);
  });

  test('exit that overlaps a hung handler: both are named', async () => {
    const toy = new Toy({ signal: forever, exit: forever });
    const root = await grow(toy);
    void root.send(1);
    await settle();
    const report = await time().run(root.stop(short));
    expect(inWords(report)).toEqual(['/Toy-1: signalHandler, exit']);
  });

  test('leaf, four levels down, is named, and the others end clean or cancelled', async () => {
    const tree = new Toy();
    const root = await grow(tree);
    let above = new Toy({}, { name: 'A' });
    await tree.add(above);
    for (const name of ['B', 'C']) {
      const next = new Toy({}, { name });
      await above.add(next);
      above = next;
    }
    await above.add(new Toy({ exit: forever }, { name: 'Leaf' }));
    const before = time().now;
    const report = await time().run(root.stop({ drainMs: 1600, cancelMs: 1600 }));
    expect(report.abandoned.map(({ path }) => path)).toEqual(['/Toy-1/A-2/B-3/C-4/Leaf-5']);
    expect([report.threads, time().now - before <= 3200]).toEqual([5, true]);
  });
});

describe('a tree of 1,000 threads in which every handler and every exit hangs', () => {
  const hung = () => new Toy({ signal: forever, exit: forever });

  /** Each with so many children, until there are a thousand. */
  async function plant(width: number): Promise<{ root: Child<Toy>; paths: string[] }> {
    const top = hung();
    const root = await grow(top);
    void root.send(0);
    const paths = [root.path];
    for (let line = [top]; paths.length < 1000; ) {
      const next: Toy[] = [];
      for (const parent of line) {
        for (let i = 0; i < width && paths.length < 1000; i++) {
          const toy = hung();
          const child = await time().run(parent.add(toy));
          void child.send(i);
          paths.push(child.path);
          next.push(toy);
        }
      }
      line = next;
    }
    await settle();
    return { root, paths };
  }

  test.each([999, 31, 10, 3])('each with %d children: stop returns in time, and names exactly those', async (width) => {
    const { root, paths } = await plant(width);
    const before = time().now;
    const report = await time().run(root.stop({ drainMs: 200, cancelMs: 100 }));
    expect(time().now - before).toBeLessThanOrEqual(400);
    expect(inWords(report).toSorted()).toEqual(paths.map((path) => `${path}: signalHandler, exit`).toSorted());
    expect([report.threads, report.verdict]).toEqual([1000, 'abandoned']);
  });
});

describe('where it hangs', () => {
  /** Has waited for an answer, or for a time, and goes on to something that no cancel reaches. */
  const stubborn = async (_me: Toy, turn: Turn<unknown>): Promise<void> => {
    await turn.sleep(60_000).catch(() => {});
    await forever();
  };

  test('is told by the waits that it was in when it was cancelled, for each hook and task', async () => {
    const toy = new Toy({ signal: (_s, me, turn) => stubborn(me, turn), exit: stubborn });
    const root = await grow(toy);
    toy.tasks.reCreate('reader', (turn) => stubborn(toy, turn));
    toy.tasks.reCreate('other', forever);
    await time().advance(10);
    void root.send(1);
    await settle();
    const report = await time().run(root.stop(short));
    const slept = (forMs: number) => [{ on: 'sleep of 60000 ms', forMs, cancelled: true }];
    expect(report.abandoned[0]?.hungOn).toEqual([
      { what: 'signalHandler', forMs: 300, signal: 1, waits: slept(300) },
      // It had three quarters of the cancel's time to itself.
      { what: 'exit', forMs: 25, waits: slept(25) },
      { what: 'task reader', forMs: 310, waits: slept(310) },
      { what: 'task other', forMs: 310 },
    ]);
    expect(formatStopReport('/Toy-1', report)).toContain(
      'task reader went on after a wait for sleep of 60000 ms, begun 310 ms before',
    );
  });

  /** Leaves a wait behind, and one that begins later; at `hang` it hangs. */
  const leaving = (word: unknown, turn: Turn<unknown>) => {
    if (word === 'hang') return forever();
    turn.sleep(60_000).catch(() => {});
    const later = turn.sleep(20).then(() => turn.sleep(50_000));
    later.catch(() => {});
    return undefined;
  };

  test.each([10, 0])('is not told by what an execution has left to wait %d ms earlier', async (earlierMs) => {
    const root = await grow(new Toy({ signal: (word, _me, turn) => leaving(word, turn) }));
    void root.send('leave');
    await time().advance(earlierMs);
    void root.send('hang');
    await settle();
    const report = await time().run(root.stop(short));
    expect(report.abandoned[0]?.hungOn).toEqual([{ what: 'signalHandler', forMs: 275, signal: 'hang' }]);
  });

  test('is not told by what waits in nobody’s name', async () => {
    const toy = new Toy({ signal: forever });
    const root = await grow(toy);
    toy.add(new Toy({ enter: forever })).catch(() => {});
    void root.send(1);
    await settle();
    const report = await time().run(root.stop(short));
    const [hung] = report.abandoned.find(({ path }) => path === '/Toy-1')?.hungOn ?? [];
    expect(hung).toEqual({ what: 'signalHandler', forMs: expect.any(Number), signal: 1 });
  });

  test('is not told by what an earlier turn of the task has left to wait', async () => {
    let turns = 0;
    const toy = new Toy();
    const { report } = await stopped(toy, () =>
      toy.tasks.reCreate('reader', (turn) => {
        const left = leaving(turns++ === 0 ? 'leave' : 'hang', turn);
        return left ?? turn.reSchedule();
      }),
    );
    expect(report.abandoned[0]?.hungOn).toEqual([{ what: 'task reader', forMs: 275 }]);
  });

  test('is told by the wait that a shield keeps from the cancel', async () => {
    const toy = new Toy({ signal: (_s, _me, turn) => turn.shield(60_000, (inner) => inner.sleep(50_000)) });
    const root = await grow(toy);
    void root.send(1);
    await settle();
    const report = await time().run(root.stop(short));
    const waits = [{ on: 'sleep of 50000 ms', forMs: 275, cancelled: false }];
    expect(report.abandoned[0]?.hungOn).toEqual([{ what: 'signalHandler', forMs: 275, signal: 1, waits }]);
  });

  test('names the place in the program, where the tree traces its waits', async () => {
    const toy = new Toy({ signal: (_s, me, turn) => stubborn(me, turn) });
    const root = await grow(toy, { traceWaits: true });
    void root.send(1);
    await settle();
    const [wait] = root.snapshot().waits;
    expect(wait?.at?.split('\n')[0]).toMatch(/^at .*budgets\.test\.ts:\d+:\d+/);
    const report = await time().run(root.stop(short));
    expect(report.abandoned[0]?.hungOn[0]?.waits?.[0]?.at).toBe(wait?.at);
    expect(formatStopReport('/Toy-1', report)).toMatch(/begun 275 ms before at .*budgets\.test\.ts/);
    await expect(grow(new Toy(), { traceWaits: 1 as never })).rejects.toMatchObject({ code: 'TT_INVALID_OPTION' });
  });
});

describe('the budget', () => {
  test('of a child is its share of the rest, and what it does not use goes back', async () => {
    const hung = (name: string): Toy => new Toy({ signal: (_s, _me, turn) => turn.sleep(100_000) }, { name });
    const parent = new Toy();
    const root = await grow(parent);
    const ends: string[] = [];
    const before = () => Math.round(time().now - 1000);
    for (const name of ['slow', 'quick', 'last']) {
      const child = await parent.add(name === 'quick' ? new Toy({}, { name }) : hung(name));
      if (name !== 'quick') void child.send(1);
      child.events.on('ended', () => ends.push(`${name} at ${before()}`));
    }
    await settle();
    await time().run(root.stop({ drainMs: 400, cancelMs: 80 }));
    // last: 400/4; quick ends at once; slow: (400 - 100)/2 more.
    expect(ends).toEqual(['last at 100', 'quick at 100', 'slow at 250']);
  });

  test('asked again, the shorter one holds', async () => {
    const root = await grow(new Toy({ signal: forever }));
    void root.send(1);
    await settle();
    const before = time().now;
    const first = root.stop({ drainMs: 5000, cancelMs: 2000 });
    await time().advance(10);
    const second = root.stop({ drainMs: 20, cancelMs: 40 });
    const third = root.stop({ drainMs: 90_000, cancelMs: 90_000 });
    const reports = await time().run(Promise.all([first, second, third]));
    expect(time().now - before).toBe(10 + 20 + 30);
    expect(new Set(reports.map(({ verdict }) => verdict))).toEqual(new Set(['abandoned']));
  });

  test('of no time to drain cancels at once: nothing queued is handled', async () => {
    const toy = new Toy({ signal: (signal) => say(String(signal)) });
    const root = await grow(toy);
    void root.send('a');
    const report = await time().run(root.stop({ drainMs: 0 }));
    expect([words, report.verdict]).toEqual([[], 'cancelled']);
    expect(root.snapshot().edge.down).toMatchObject({ accepted: 1, deadLettered: 1 });
  });

  test.each([100, 0])('of no time to drain, and %d ms to cancel, fails no intake task that waits', async (cancelMs) => {
    const toy = new Toy();
    const root = await grow(toy);
    toy.tasks.reCreate('accept', (turn) => turn.sleep(60_000), { intake: true });
    await settle();
    const report = await time().run(root.stop({ drainMs: 0, cancelMs }));
    await settle();
    expect([report.outcome, report.failed, takeWarnings()]).toEqual(['cancelled', [], []]);
  });

  test('shortened while cancelling holds too', async () => {
    const root = await grow(new Toy({ signal: forever, exit: forever }));
    void root.send(1);
    await settle();
    const first = root.stop({ drainMs: 0, cancelMs: 10_000 });
    await time().advance(100);
    const before = time().now;
    void root.stop({ cancelMs: 100 });
    await time().run(first);
    expect(time().now - before).toBe(100);
  });

  test('is checked', async () => {
    const root = await grow(new Toy());
    await expect(root.stop({ drainMs: -1 })).rejects.toMatchObject({ code: 'TT_INVALID_OPTION' });
    await expect(root.stop({ drain: 1 } as never)).rejects.toMatchObject({ code: 'TT_INVALID_OPTION' });
    expect(root.state).toBe('running');
  });
});

describe('exit', () => {
  test('is shielded from the cancel, within the budget', async () => {
    const toy = new Toy({
      signal: (_s, _me, turn) => turn.sleep(10_000),
      exit: async (_me, turn) => {
        await turn.sleep(20);
        say('cleaned up');
      },
    });
    const { report, took } = await stopped(toy);
    expect([words, took, report.verdict]).toEqual([['cleaned up'], 20, 'clean']);
    words.length = 0;
    const hung = new Toy({
      signal: (_s, _me, turn) => turn.sleep(10_000),
      exit: async (_me, turn) => {
        await turn.sleep(20);
        say('cleaned up');
      },
    });
    const root = await grow(hung);
    void root.send(1);
    await settle();
    expect(await time().run(root.stop(short))).toMatchObject({ verdict: 'cancelled' });
    expect(words).toEqual(['cleaned up']);
  });

  test('of a child has its time, also when its parent hangs', async () => {
    const parent = new Toy({ childSignal: forever, exit: () => say(`parent at ${time().now}`) });
    const root = await grow(parent);
    const child = new Toy({ exit: (_me, turn) => turn.sleep(10).then(() => say(`child at ${time().now}`)) });
    await parent.add(child);
    void child.sendToParent('hang');
    await settle();
    const report = await time().run(root.stop(short));
    expect(words).toEqual(['child at 1210', 'parent at 1275']);
    expect(inWords(report)).toEqual(['/Toy-1/Toy-2 cancelled', '/Toy-1: childSignalHandler']);
  });

  test('far below hears of a shorter budget: it is cancelled, and not abandoned', async () => {
    const parent = new Toy();
    const root = await grow(parent);
    const middle = new Toy();
    await parent.add(middle);
    await middle.add(new Toy({ exit: (_me, turn) => turn.sleep(60_000) }));
    const first = root.stop();
    await time().advance(10);
    const report = await time().run(root.stop({ drainMs: 20, cancelMs: 80 }));
    await first;
    expect(inWords(report)).toEqual(['/Toy-1/Toy-2/Toy-3 cancelled', '/Toy-1/Toy-2 cancelled']);
    expect(time().now).toBeLessThanOrEqual(1110);
  });

  test('begins also in threads that are given up before their turn to stop has come', async () => {
    const parent = new Toy({ signal: forever, exit: () => say('parent') });
    const { life, handle } = launch(parent as never, time().options);
    await settle();
    const middle = new Toy({ exit: () => say('middle') });
    await parent.add(middle);
    await middle.add(new Toy({ exit: () => say('leaf') }));
    life.requestStop(life.stopDefaults, 'SIGINT');
    // What a third OS signal does.
    abandonTree(life);
    expect([words, handle.state]).toEqual([['leaf', 'middle', 'parent'], 'stopped']);
  });

  test('runs once, also for threads that fail in enter, are cancelled or abandoned', async () => {
    const parent = new Toy({ exit: () => say('parent') });
    const root = await grow(parent);
    const failing = parent.add(new Toy({ enter: () => Promise.reject(new Error('x')), exit: () => say('failed') }));
    failing.catch(() => {});
    await settle();
    const hung = await parent.add(new Toy({ signal: forever, exit: () => say('hung') }));
    void hung.send(1);
    await parent.add(new Toy({ exit: () => say('idle') }));
    const pending = parent.add(new Toy({ enter: forever, exit: () => say('entering') }));
    pending.catch(() => {});
    const never = parent.add(new Toy({ enter: () => say('never begun'), exit: () => say('never begun') }));
    never.catch(() => {});
    void parent.children.at(-1)?.stop();
    await settle();
    await time().run(root.stop(short));
    expect(words.toSorted()).toEqual(['entering', 'failed', 'hung', 'idle', 'parent']);
  });
});
