/** Law 7, at its hardest: a data queue is full and its handler waits for ever. */
import { checkThreads, forever, grow, say, settle, Toy, time, words } from './toys.ts';

checkThreads();

/** A child whose handler never ends, whose inbox is full, and for whose inbox somebody waits. */
async function hanging() {
  const top = new Toy();
  const root = await grow(top);
  const child = await top.add(
    new Toy({
      signal: (_signal, _me, turn) => {
        turn.abortSignal.addEventListener('abort', () => say('aborted'));
        return forever();
      },
    }),
  );
  void child.send(0);
  await settle();
  for (let i = 1; i < 102; i++) void child.send(i)?.catch(() => say('given back'));
  await settle();
  return { root, child };
}

test('a snapshot is there at once, while a data queue is full and its handler waits for ever', async () => {
  const { root, child } = await hanging();
  // It is an answer and no promise: nothing else can come before it.
  expect(root.snapshot().children[0]).toMatchObject({
    running: [{ what: 'signalHandler', sinceMs: 0 }],
    edge: { down: { inFlight: 1, queued: 100, waiting: 1 } },
  });
  expect(child.snapshot().edge.down).toMatchObject({ offered: 102, accepted: 101 });
});

test("the handler's abort signal fires in the very turn in which the stop reaches its cancel phase", async () => {
  const { child } = await hanging();
  const stopped = child.stop({ drainMs: 50, cancelMs: 40 });
  await time().advance(49);
  expect(words).toEqual(['given back']);
  // The timer of the drain, and nothing after it: no microtask has run when this is looked at.
  expect(time().clock.fireNext(Number.POSITIVE_INFINITY)).toBe(true);
  expect([words, time().now]).toEqual([['given back', 'aborted'], 1050]);
  expect(await time().run(stopped)).toMatchObject({ verdict: 'abandoned' });
});
