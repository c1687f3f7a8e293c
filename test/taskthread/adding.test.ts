/** Law 2: adding a child attaches, starts and listens in one step, or leaves nothing; what it owns is closed on every path. */
import { AlreadyStartedError, type Turn } from '../../src/index.ts';
import { causeOf, checkThreads, codeOf, errorOf, forever, Gate, grow, say, settle, Toy, time, words } from './toys.ts';

checkThreads();

/** Something that says when it is closed. */
const closable = (name = 'owned') => ({ close: () => say(`${name} closed`) });

describe('addChild', () => {
  test('attaches, starts and listens, and resolves when enter is done', async () => {
    const gate = new Gate();
    const parent = new Toy({ childSignal: (signal) => say(`parent got ${String(signal)}`) });
    await grow(parent);
    const child = new Toy({
      enter: async (me) => {
        say('enter');
        await me.sendToParent('from enter');
        await gate.passed;
      },
    });
    const adding = parent.add(child, { name: 'Kid' }).then((handle) => say(`added ${handle.path}`));
    await settle();
    expect(words).toEqual(['enter', 'parent got from enter']);
    gate.open();
    await adding;
    expect(words.slice(2)).toEqual(['added /Toy-1/Kid-2']);
  });

  test.each(['sync', 'async'])(
    'rejects with the very error that enter throws (%s), and nothing is left',
    async (kind) => {
      const broken = new Error('no enter');
      const parent = new Toy({ childEnded: () => say('childEnded') });
      const root = await grow(parent);
      const child = new Toy({
        enter: () => {
          if (kind === 'async') return Promise.reject(broken);
          throw broken;
        },
        exit: () => say('exit'),
      });
      expect(await errorOf(parent.add(child, { owns: closable() }))).toBe(broken);
      expect(words).toEqual(['exit', 'owned closed']);
      expect([parent.children, root.state, root.snapshot().children]).toEqual([[], 'running', []]);
    },
  );

  test('hands on nothing of what a child sent that never entered', async () => {
    const parent = new Toy({
      childSignal: (signal) => say(`got ${String(signal)}`),
      childEnded: () => say('childEnded'),
    });
    const held = new Gate();
    const child = new Toy({
      enter: async (me) => {
        await me.sendToParent(1);
        await me.sendToParent(2);
        throw new Error('no enter');
      },
    });
    const other = new Toy();
    await grow(new Toy({ enter: (me) => me.add(parent) }));
    // The parent is busy with a signal of another child, so that what the broken one sent stays queued.
    const busy = await parent.add(other, { onSignal: () => held.passed });
    void other.sendToParent('hold');
    await settle();
    expect(codeOf(await errorOf(parent.add(child)))).toEqual(new Error('no enter'));
    held.open();
    await settle();
    expect(words).toEqual([]);
    expect(busy.state).toBe('running');
  });

  test('forgets a child that never entered while its signal is being handled', async () => {
    const held = new Gate();
    const parent = new Toy({ childSignal: () => held.passed, childEnded: () => say('childEnded') });
    const root = await grow(parent);
    const child = new Toy({
      enter: async (me) => {
        await me.sendToParent(1);
        throw new Error('no enter');
      },
    });
    expect(await errorOf(parent.add(child))).toEqual(new Error('no enter'));
    held.open();
    await settle();
    expect([words, parent.children]).toEqual([[], []]);
    const report = await time().run(root.stop());
    expect(report.verdict).toBe('clean');
  });

  test('works from enter, from a handler and from a task', async () => {
    const root = await grow(
      new Toy({
        enter: async (me) => {
          say((await me.add(new Toy({}, { name: 'A' }))).path);
          me.tasks.reCreate('adder', async () => say((await me.add(new Toy({}, { name: 'B' }))).path));
        },
        signal: async (_signal, me) => say((await me.add(new Toy({}, { name: 'C' }))).path),
      }),
    );
    await settle();
    void root.send('go');
    await settle();
    expect(words).toEqual(['/Toy-1/A-2', '/Toy-1/B-3', '/Toy-1/C-4']);
  });

  test('refuses an instance that was started before', async () => {
    const parent = new Toy();
    const root = await grow(parent);
    const child = new Toy();
    const handle = await parent.add(child);
    expect(await errorOf(parent.add(child, { owns: closable() }))).toBeInstanceOf(AlreadyStartedError);
    expect(await errorOf(parent.add(parent))).toBeInstanceOf(AlreadyStartedError);
    await time().run(handle.stop());
    expect(await errorOf(parent.add(child))).toBeInstanceOf(AlreadyStartedError);
    expect([words, root.state]).toEqual([['owned closed'], 'running']);
  });

  test('refuses with NotStartedError in a thread that has not begun', async () => {
    expect(codeOf(await errorOf(new Toy().add(new Toy(), { owns: closable() })))).toBe('TT_NOT_STARTED');
    expect(words).toEqual(['owned closed']);
  });

  test('stops the child when the wait for its enter is cancelled', async () => {
    const parent = new Toy();
    await grow(parent);
    parent.tasks.reCreate('adder', async (turn) => {
      await turn
        .timeoutAfter(50, (limited) =>
          parent.add(new Toy({ enter: (_me, inner) => inner.sleep(1000), exit: () => say('exit') }), {
            scope: limited,
            owns: closable(),
          }),
        )
        .catch((error: unknown) => say(String(codeOf(error))));
    });
    await time().advance(100);
    expect(words).toEqual(['exit', 'owned closed', 'TT_TIMEOUT']);
    expect(parent.children).toEqual([]);
  });

  test('a failure of a child whose enter nobody waits for any more goes to the parent', async () => {
    const parent = new Toy();
    const top = new Toy();
    await grow(top);
    const handle = await top.add(parent, { onFailure: 'ignore' });
    const broken = new Error('while cancelled');
    const enter = (_me: Toy, turn: Turn<unknown>) => turn.sleep(500).catch(() => Promise.reject(broken));
    parent.tasks.reCreate('adder', async (turn) => {
      await turn.timeoutAfter(50, (limited) => parent.add(new Toy({ enter }), { scope: limited })).catch(() => {});
      await turn.sleep(10_000);
    });
    await time().advance(600);
    expect([handle.outcome?.kind, causeOf(handle.outcome?.error)]).toEqual(['failed', broken]);
  });
});

test.each(['stopping', 'ended'])('a thread that is %s calls no factory', async (how) => {
  const parent = new Toy();
  await grow(parent);
  if (how === 'stopping') parent.tasks.reCreate('keep', (turn) => turn.sleep(10));
  parent.stop();
  const make = (): Toy => {
    say('made');
    return new Toy();
  };
  const code = how === 'stopping' ? 'TT_THREAD_STOPPING' : 'TT_THREAD_ENDED';
  expect(codeOf(await errorOf(parent.add(make)))).toBe(code);
  expect(words).toEqual([]);
  await time().advance(10);
});

describe('what a child owns is closed', () => {
  const refusals: [string, (parent: Toy) => unknown][] = [
    [
      'when the factory throws',
      (parent) =>
        parent.add(
          () => {
            throw new Error('no child');
          },
          { owns: closable() },
        ),
    ],
    ['when the factory makes no thread', (parent) => parent.add((() => 5) as never, { owns: closable() })],
    ['when the spec is invalid', (parent) => parent.add(new Toy(), { owns: closable(), peers: 7 } as never)],
    ['when the spec has an unknown field', (parent) => parent.add(new Toy(), { owns: closable(), typo: 1 } as never)],
    [
      'when it is stopped before it begins',
      (parent) => {
        const adding = parent.add(new Toy(), { owns: closable() });
        void parent.children[0]?.stop();
        return adding;
      },
    ],
    [
      'when enter throws',
      (parent) => parent.add(new Toy({ enter: () => Promise.reject(new Error('x')) }), { owns: closable() }),
    ],
    [
      'when enter hangs and the parent is stopped',
      (parent) => {
        const adding = parent.add(new Toy({ enter: forever }, { stop: { drainMs: 1, cancelMs: 1 } }), {
          owns: closable(),
        });
        setImmediate(() => parent.stop());
        return adding;
      },
    ],
    [
      'when the parent is stopping',
      (parent) => {
        parent.tasks.reCreate('keep', (turn) => turn.sleep(10));
        parent.stop();
        return parent.add(new Toy(), { owns: closable() });
      },
    ],
    [
      'when the parent has ended',
      async (parent) => {
        parent.stop();
        await settle();
        return parent.add(new Toy(), { owns: closable() });
      },
    ],
  ];

  test.each(refusals)('%s', async (_what, add) => {
    const parent = new Toy();
    await grow(parent);
    const error = await time().run(
      Promise.resolve(add(parent) as Promise<unknown>).then(
        () => 'added',
        (e: unknown) => e,
      ),
    );
    await time().advance(8000);
    expect(error).toBeInstanceOf(Error);
    expect(words).toEqual(['owned closed']);
  });

  test('when it ends by itself, and with whichever word it has', async () => {
    const parent = new Toy();
    await grow(parent);
    const owned = [
      { close: () => say('close') },
      { destroy: () => say('destroy') },
      { [Symbol.dispose]: () => say('dispose') },
      { [Symbol.asyncDispose]: () => Promise.resolve(say('asyncDispose')) },
    ];
    for (const owns of owned) {
      const child = new Toy();
      await parent.add(child, { owns });
      child.stop();
    }
    expect(words).toEqual(['close', 'destroy', 'dispose', 'asyncDispose']);
  });

  test.each(['throws', 'rejects'])('and a close that %s harms nobody but is told', async (how) => {
    const parent = new Toy();
    const records: string[] = [];
    const root = await grow(parent, { onRecord: (record) => records.push(record.kind) });
    const close = (): unknown => {
      if (how === 'rejects') return Promise.reject(new Error('cannot close'));
      throw new Error('cannot close');
    };
    const handle = await parent.add(new Toy(), { owns: { close } });
    await time().run(handle.stop());
    await settle();
    expect([records.includes('late'), root.state, handle.outcome?.kind]).toEqual([true, 'running', 'stopped']);
  });
});
