/** Law 12: once a thread has ended nothing of it is left, none of its hooks is called, and every word of ours throws. */
import { type AnyChild, type Books, type Child, imbalance, type TaskTurn, type Turn } from '../../src/index.ts';
import { liveCounts } from '../../src/testing/index.ts';
import { checkThreads, codeOf, errorOf, Gate, grow, say, settle, Toy, takeWarnings, time, words } from './toys.ts';

checkThreads();

type Word = [string, (me: Toy, turn: Turn<unknown>, child: Child<Toy>) => unknown];

const wordsOfATurn: Word[] = [
  ['turn.send', (_me, turn, child) => turn.send(child, 'signal')],
  ['turn.sendToParent', (_me, turn) => turn.sendToParent('signal')],
  ['turn.sendToChildren', (_me, turn, child) => turn.sendToChildren([child], 'signal')],
  ['turn.ask', (_me, turn, child) => turn.ask(child, (reply) => reply)],
  ['turn.askParent', (_me, turn) => turn.askParent((reply) => reply)],
  ['turn.askParent with a limit', (_me, turn) => turn.askParent((reply) => reply, { timeoutMs: 5 })],
  ['turn.sleep', (_me, turn) => turn.sleep(1)],
  ['turn.sleep of 0', (_me, turn) => turn.sleep(0)],
  ['turn.shield', (_me, turn) => turn.shield(10, () => say('shielded'))],
  ['turn.timeoutAfter', (_me, turn) => turn.timeoutAfter(10, () => say('limited'))],
  ['turn.checkCancelled', (_me, turn) => turn.checkCancelled()],
  ['this.sendToParent', (me) => me.sendToParent('signal')],
  ['this.trySendToParent', (me) => me.trySendToParent('signal')],
  ['this.send', (me, _turn, child) => me.tell(child, 'signal')],
  ['this.sendToChildren', (me, _turn, child) => me.tellAll([child], 'signal')],
  ['this.addChild', (me) => me.add(new Toy())],
  ['this.tasks.reCreate', (me) => me.tasks.reCreate('late', () => say('late task'))],
  ['this.tasks.delete of what is there', (me) => me.tasks.delete('left')],
  ['this.tasks.delete of what is not there', (me) => me.tasks.delete('nothing')],
  ['this.stop', (me) => me.stop()],
  ['turn.stop', (_me, turn) => turn.stop()],
  ['a join of an ended child in its scope', (_me, turn, child) => child.join({ scope: turn })],
  ['a stop of an ended child in its scope', (_me, turn, child) => child.stop({ scope: turn })],
  ['a join in the scope of the thread', (me, _turn, child) => child.join({ scope: me })],
];

const carriesTheSignal = new Set(['turn.send', 'turn.sendToParent', 'turn.sendToChildren', 'this.sendToParent']);

test.each(wordsOfATurn)('%s of an abandoned handler throws ThreadEndedError', async (what, word) => {
  const gate = new Gate();
  let found: unknown = 'nothing was thrown';
  const abandoned = new Toy({
    signal: async (_signal, me, turn) => {
      const child = me.children[0] as Child<Toy>;
      await gate.passed;
      try {
        await word(me, turn, child);
      } catch (error) {
        found = error;
      }
    },
  });
  const parent = new Toy({ childSignal: () => say('parent got it') });
  await grow(parent);
  const handle = await parent.add(abandoned, { onFailure: 'ignore' });
  // The child of the child is kept alive by nothing but its parent.
  await abandoned.add(new Toy({ signal: () => say('child got it') }));
  abandoned.tasks.reCreate('left', (turn) => turn.reSchedule({ afterMs: 1000 }));
  void handle.send(1);
  await settle();
  expect((await time().run(handle.stop({ drainMs: 1, cancelMs: 4 }))).verdict).toBe('abandoned');
  const before = liveCounts();
  gate.open();
  await time().advance(50);
  expect(found).toMatchObject({ code: 'TT_THREAD_ENDED', path: '/Toy-1/Toy-2' });
  if (carriesTheSignal.has(what)) expect(found).toMatchObject({ signal: 'signal' });
  expect([words, liveCounts()]).toEqual([[], before]);
});

test('reSchedule and stop of an abandoned task throw ThreadEndedError', async () => {
  const gate = new Gate();
  const found: unknown[] = [];
  const toy = new Toy();
  const root = await grow(toy);
  toy.tasks.reCreate('t', async (turn) => {
    await gate.passed;
    for (const word of [() => turn.reSchedule(), () => turn.reSchedule({ afterMs: 5 }), () => turn.stop()]) {
      try {
        word();
      } catch (error) {
        found.push(codeOf(error));
      }
    }
  });
  await settle();
  await time().run(root.stop({ drainMs: 1, cancelMs: 4 }));
  gate.open();
  await settle();
  expect(found).toEqual(['TT_THREAD_ENDED', 'TT_THREAD_ENDED', 'TT_THREAD_ENDED']);
});

test('a stop that an ended thread asks for stops nothing', async () => {
  const gate = new Gate();
  const codes: unknown[] = [];
  const parent = new Toy();
  await grow(parent);
  const sibling = await parent.add(new Toy());
  const toy = new Toy({
    signal: async (_signal, _me, turn) => {
      await gate.passed;
      codes.push(codeOf(await sibling.stop({ scope: turn }).catch((error: unknown) => error)));
    },
  });
  const handle = await parent.add(toy);
  void handle.send(1);
  await settle();
  await time().run(handle.stop({ drainMs: 1, cancelMs: 4 }));
  gate.open();
  await settle();
  expect([codes, sibling.state]).toEqual([['TT_THREAD_ENDED'], 'running']);
});

test('stopping is no end: stop may be said again while a thread stops', async () => {
  const toy = new Toy({ exit: (me, turn) => [me.stop(), turn.stop(), say('exit')] });
  const root = await grow(toy);
  toy.stop();
  toy.stop();
  expect((await time().run(root.join())).kind).toBe('finished');
  expect(words).toEqual(['exit']);
});

test('what waits inside an abandoned hook or task, shielded or not, is over with the thread', async () => {
  const sayCode = (what: string) => (error: unknown) => say(`${what} ${String(codeOf(error))}`);
  const toy = new Toy({
    signal: (_s, _me, turn) => turn.shield(90_000, (t) => t.sleep(90_000)).catch(sayCode('handler')),
  });
  const root = await grow(toy);
  toy.tasks.reCreate('t', (turn) => turn.shield(90_000, (t) => t.sleep(90_000)).catch(sayCode('task')));
  void root.send(1);
  await settle();
  await time().run(root.stop({ drainMs: 1, cancelMs: 4 }));
  await settle();
  expect(words.toSorted()).toEqual(['handler TT_THREAD_ENDED', 'task TT_THREAD_ENDED']);
  expect(time().clock.pendingTimers).toBe(0);
});

test('a handler that comes back after it was abandoned changes nothing in the books', async () => {
  const gates = [new Gate(), new Gate()];
  const parent = new Toy({ childSignal: () => gates[1]?.passed });
  const top = new Toy();
  await grow(top);
  const handle = await top.add(parent);
  const child = new Toy({ signal: () => gates[0]?.passed });
  const below = await parent.add(child);
  void below.send(1);
  void child.sendToParent(2);
  await settle();
  await time().run(handle.stop({ drainMs: 1, cancelMs: 4 }));
  for (const gate of gates) gate.open();
  await settle();
  const { down, up } = below.snapshot().edge;
  for (const lane of [down, up]) {
    expect(lane).toMatchObject({ accepted: 1, handled: 0, deadLettered: 1, inFlight: 0 });
    expect(imbalance(lane as Books)).toBeUndefined();
  }
});

test('what an abandoned hook throws later is recorded, and no unhandled rejection', async () => {
  const gate = new Gate();
  const hooks: Record<string, Toy> = {
    signal: new Toy({ signal: () => gate.passed }),
    exit: new Toy({ exit: () => gate.passed }),
    task: new Toy({ enter: (me) => me.tasks.reCreate('t', () => gate.passed) }),
  };
  const late: string[] = [];
  const parent = new Toy();
  await grow(parent, {
    onRecord: (record) => record.kind === 'late' && late.push(`${record.what}: ${String(record.error)}`),
  });
  for (const [name, toy] of Object.entries(hooks)) {
    const handle = await parent.add(toy);
    if (name === 'signal') handle.trySend(1);
    await settle();
    await time().run(handle.stop({ drainMs: 1, cancelMs: 4 }));
  }
  gate.fail(new Error('too late'));
  await settle();
  expect(late.toSorted()).toEqual(['a handler', 'exit', 'task t'].map((what) => `${what}: Error: too late`));
});

test('and is a warning where nobody listens', async () => {
  const gate = new Gate();
  const root = await grow(new Toy({ signal: () => gate.passed }));
  void root.send(1);
  await settle();
  await time().run(root.stop({ drainMs: 1, cancelMs: 4 }));
  gate.fail(new Error('too late'));
  await settle();
  expect(takeWarnings()).toEqual(['a handler of /Toy-1 failed late: too late']);
});

test('no hook, task or timer of an ended thread is called any more', async () => {
  const toy = new Toy({
    signal: () => say('signal'),
    childSignal: () => say('childSignal'),
    childEnded: () => say('childEnded'),
  });
  const root = await grow(toy);
  const child = new Toy();
  await toy.add(child);
  toy.tasks.reCreate('delayed', () => say('delayed'), { afterMs: 5 });
  toy.tasks.reCreate('due', (turn: TaskTurn<unknown>) => turn.reSchedule({ afterMs: 1 }));
  for (let i = 0; i < 5; i++) void root.send(i);
  void child.sendToParent(1);
  await time().run(root.stop({ drainMs: 0, cancelMs: 0 }));
  const before = words.length;
  await time().advance(100);
  expect(words.slice(before)).toEqual([]);
  expect(time().clock.pendingTimers).toBe(0);
});

test('a send to an ended child gives the signal back, from whoever sends', async () => {
  const parent = new Toy();
  const root = await grow(parent);
  const child = await parent.add(new Toy());
  await time().run(child.stop());
  expect(await errorOf(child.send('a'))).toMatchObject({ code: 'TT_EDGE_CLOSED', signal: 'a' });
  expect(await errorOf(parent.tell(child, 'b'))).toMatchObject({ code: 'TT_EDGE_CLOSED', signal: 'b' });
  expect(child.trySend('c')).toBe(false);
  expect(codeOf(await errorOf(child.ask((reply) => reply)))).toBe('TT_EDGE_CLOSED');
  await time().run(root.stop());
  expect(await errorOf(child.send('d'))).toMatchObject({ code: 'TT_THREAD_ENDED', signal: 'd' });
  expect(await errorOf(root.send('e'))).toMatchObject({ code: 'TT_EDGE_CLOSED', signal: 'e' });
});

test('a handle still answers after the end', async () => {
  const parent = new Toy();
  await grow(parent);
  const child = await parent.add(new Toy({}, { name: 'Kid' }));
  await time().run(child.stop());
  const handle: AnyChild = child;
  expect([handle.id, handle.path, String(handle), handle.state, handle.incarnation, handle.outcome]).toEqual([
    2,
    '/Toy-1/Kid-2',
    '/Toy-1/Kid-2',
    'stopped',
    1,
    { kind: 'stopped', verdict: 'clean' },
  ]);
  for (let i = 0; i < 100; i++) {
    expect([(await handle.join()).kind, (await handle.stop()).verdict, handle.snapshot().state]).toEqual([
      'stopped',
      'clean',
      'stopped',
    ]);
  }
});

test('a join of an ended child with a cancelled turn is cancelled, and so is tasks.delete of what is not there', async () => {
  const codes: unknown[] = [];
  const parent = new Toy();
  await grow(parent);
  const gone = await parent.add(new Toy());
  await time().run(gone.stop());
  parent.tasks.reCreate('t', async (turn) => {
    await turn.sleep(1000).catch(() => {});
    const scope = { scope: turn };
    for (const wait of [gone.join(scope), gone.stop(scope), parent.tasks.delete('nothing', scope)]) {
      codes.push(codeOf(await wait.catch((error: unknown) => error)));
    }
  });
  await settle();
  await time().run(parent.tasks.delete('t'));
  await settle();
  expect(codes).toEqual(['TT_CANCELLED', 'TT_CANCELLED', 'TT_CANCELLED']);
});
