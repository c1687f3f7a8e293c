/**
 * The faults of the Python ancestor that ours must not have: each row of "Repairs" that concerns threads, by its name. Those that
 * concern connections and frames are in test/threads/repairs.integration.test.ts.
 */
import type { Child, Turn } from '../../src/index.ts';
import { start } from '../../src/index.ts';
import { launch } from '../../src/taskthread/start.ts';
import {
  checkThreads,
  codeOf,
  errorOf,
  forever,
  Gate,
  grow,
  messageOf,
  say,
  settle,
  Toy,
  time,
  words,
} from './toys.ts';

checkThreads();

const bad = (): never => {
  throw new Error('broken');
};

async function failing(toy: Toy, provoke: (child: Child<Toy>) => unknown): Promise<void> {
  const parent = new Toy({ childEnded: (_child, outcome) => say(`told ${outcome.kind}`) });
  await grow(parent);
  const child = await parent.add(toy, { onFailure: 'ignore' });
  await provoke(child);
  await time().advance(1);
  say(`${child.state} ${String(messageOf(child.outcome?.error))}`);
}

test('a task throws → reported at once, the thread fails, the parent decides', async () => {
  const toy = new Toy();
  await failing(toy, () => toy.tasks.reCreate('work', bad));
  expect(words).toEqual(['told failed', 'stopped broken']);
});

test('a handler throws → that thread fails, not the process', async () => {
  await failing(new Toy({ signal: bad }), (child) => child.send(1));
  expect(words).toEqual(['told failed', 'stopped broken']);
});

test('a handler returns nothing → it goes on', async () => {
  const root = await grow(new Toy({ signal: (signal) => say(String(signal)) }));
  for (const signal of [1, 2, 3]) void root.send(signal);
  await settle();
  expect([words, root.state]).toEqual([['1', '2', '3'], 'running']);
});

test('childSignalHandler throws → the parent fails by policy, no deaf parent', async () => {
  const toy = new Toy({ childSignal: bad });
  await failing(toy, async () => {
    const child = new Toy({}, { outbox: { capacity: 1 } });
    await toy.add(child);
    for (const signal of [1, 2, 3])
      void child.sendToParent(signal)?.catch((error: unknown) => say(String(codeOf(error))));
  });
  expect(words).toContain('told failed');
  expect(words).toContain('stopped broken');
});

test('slow childSignalHandler → that edge’s sender waits; nothing queued is lost at stop (drain)', async () => {
  const got: unknown[] = [];
  const parent = new Toy({
    childSignal: (signal, _child, _me, turn) => turn.sleep(10).then(() => got.push(signal)),
  });
  const root = await grow(parent);
  const slow = new Toy({}, { outbox: { capacity: 2 } });
  const handle = await parent.add(slow);
  let sent = 0;
  slow.tasks.reCreate(
    'source',
    async (turn) => {
      await turn.sendToParent(sent);
      sent++;
      return turn.reSchedule();
    },
    { intake: true },
  );
  await time().advance(25);
  expect(sent).toBeLessThan(10);
  expect((await time().run(root.stop())).verdict).toBe('clean');
  expect(got).toEqual(Array.from({ length: sent }, (_, i) => i));
  expect(handle.snapshot().edge.up).toMatchObject({ accepted: sent, handled: sent });
});

test('stop() called from inside a handler or a task → a clean stop, join returns', async () => {
  const stopper = (_signal: unknown, _me: Toy, turn: Turn<unknown>) => turn.stop();
  const byHandler = await grow(new Toy({ signal: stopper }));
  void byHandler.send(1);
  const toy = new Toy();
  const byTask = await grow(toy);
  toy.tasks.reCreate('work', (turn) => turn.stop());
  const ends = await time().run(Promise.all([byHandler.join(), byTask.join()]));
  expect(ends).toEqual(Array(2).fill({ kind: 'finished', verdict: 'clean' }));
});

test('a task that ignores cancellation → named in the verdict, stop returns', async () => {
  const toy = new Toy();
  const root = await grow(toy);
  toy.tasks.reCreate('stubborn', async (turn) => {
    for (;;) {
      await turn.sleep(10).catch(() => {});
      await new Promise<void>((resolve) => time().clock.setTimer(10, resolve));
      if (root.state === 'stopped') return;
    }
  });
  const report = await time().run(root.stop({ drainMs: 50, cancelMs: 40 }));
  expect(report.abandoned.map(({ path, hungOn }) => `${path} ${hungOn[0]?.what}`)).toEqual(['/Toy-1 task stubborn']);
  await time().advance(20);
});

test('a child that ends by itself → off the books at once', async () => {
  const parent = new Toy();
  await grow(parent);
  const child = new Toy();
  await parent.add(child);
  child.stop();
  expect(parent.children).toEqual([]);
});

test('a parent that stops while a child stops → all end', async () => {
  const parent = new Toy();
  const root = await grow(parent);
  const child = await parent.add(new Toy({ exit: (_me, turn) => turn.sleep(10) }));
  const [a, b] = [child.stop(), root.stop()];
  expect((await time().run(Promise.all([a, b]))).map(({ verdict }) => verdict)).toEqual(['clean', 'clean']);
});

test('exit throws → the rest still ends, the error is in the outcome', async () => {
  const parent = new Toy({ exit: () => say('parent exits') });
  const root = await grow(parent);
  await parent.add(new Toy({ exit: () => say('sibling exits') }));
  const child = await parent.add(new Toy({ exit: bad }), { onFailure: 'ignore' });
  await time().run(root.stop());
  expect(words).toEqual(['sibling exits', 'parent exits']);
  expect(messageOf(child.outcome?.error)).toBe('broken');
});

test('exit hangs → budget, then abandoned with its name', async () => {
  const root = await grow(new Toy({ exit: forever }));
  const report = await time().run(root.stop({ drainMs: 10, cancelMs: 10 }));
  expect(report.abandoned).toMatchObject([{ path: '/Toy-1', hungOn: [{ what: 'exit', forMs: 20 }] }]);
});

test('ten peers with a slow exit → together, not one after the other', async () => {
  const parent = new Toy();
  const root = await grow(parent);
  for (let i = 0; i < 10; i++) await parent.add(new Toy({ exit: (_me, turn) => turn.sleep(100) }), { peers: 'p' });
  const before = time().now;
  await time().run(root.stop());
  expect(time().now - before).toBe(100);
});

test('SIGINT during enter → enter is cancelled', async () => {
  const { life, handle, entered } = launch(
    new Toy({ enter: (_me, turn) => turn.sleep(60_000) }) as never,
    time().options,
  );
  await settle();
  // What `runMain` does at an OS signal; with a real signal in main.integration.test.ts.
  life.requestStop(life.stopDefaults, 'SIGINT');
  expect(codeOf(await errorOf(entered))).toBe('TT_CANCELLED');
  expect([handle.state, time().now]).toEqual(['stopped', 1000]);
});

test('two roots → both stop', async () => {
  const roots = [await grow(new Toy({ exit: () => say('a') })), await grow(new Toy({ exit: () => say('b') }))];
  await time().run(Promise.all(roots.map((root) => root.stop())));
  expect(words.toSorted()).toEqual(['a', 'b']);
});

test('stop before run, during enter, twice, a hundred times → honoured once, idempotent', async () => {
  const toy = new Toy({ enter: (_me, turn) => turn.sleep(50), exit: () => say('exit') });
  const before = launch(new Toy({ enter: () => say('never') }) as never, time().options);
  await before.handle.stop();
  expect(codeOf(await errorOf(before.entered))).toBe('TT_CANCELLED');
  const during = launch(toy as never, time().options);
  during.entered.catch(() => {});
  await settle();
  await time().run(Promise.all(Array.from({ length: 100 }, () => during.handle.stop())));
  expect(words).toEqual(['exit']);
});

test('send to a stopped thread → an error that gives the signal back', async () => {
  const root = await time().run(start(() => new Toy() as never, time().options) as Promise<unknown>);
  const handle = root as Child<Toy>;
  await handle.stop();
  expect(await errorOf(handle.send('precious'))).toMatchObject({ code: 'TT_EDGE_CLOSED', signal: 'precious' });
});

test('broadcast with one full child → the others get theirs', async () => {
  const gate = new Gate();
  const parent = new Toy();
  await grow(parent);
  const full = await parent.add(new Toy({ signal: () => gate.passed }, { inbox: { capacity: 1 } }));
  const other = await parent.add(new Toy({ signal: (signal) => say(String(signal)) }));
  for (const signal of [1, 2]) {
    void full.send(signal);
    await settle();
  }
  const broadcast = parent.tellAll([full, other], 'news');
  await settle();
  expect(words).toEqual(['news']);
  gate.open();
  await broadcast;
  await settle();
});
