/** The small tools: a parent that records its child, a recorder, matchers. */
import { type AnyChild, type Child, start, TaskThread, type TaskTurn, type Turn } from '../../src/index.ts';
import { emptyBooks } from '../../src/intercom/books.ts';
import {
  leakCheck,
  matchers,
  ProbeThread,
  Recorder,
  recordInWords,
  type TaskThreadMatchers,
  VirtualTime,
} from '../../src/testing/index.ts';

declare global {
  namespace jest {
    interface Matchers<R> extends TaskThreadMatchers<R> {}
  }
}

expect.extend(matchers as unknown as jest.ExpectExtendMap);

/** Answers each word; breaks at “break”. */
class EchoThread extends TaskThread<string, string> {
  protected override signalHandler(word: string, turn: Turn<string>) {
    if (word === 'break') throw new Error('broken');
    return turn.sendToParent(`${word}!`);
  }

  protected override exit() {}
}

let time: VirtualTime;
let checkLeaks: () => void;

beforeEach(() => {
  time = new VirtualTime();
  checkLeaks = leakCheck();
});

afterEach(() => checkLeaks());

describe('a probe thread', () => {
  test('records what its child sends, and how it ends', async () => {
    const probe = new ProbeThread(() => new EchoThread());
    expect(() => probe.child).toThrow('has not been started');
    const root = await time.run(start(probe, time.options));
    await probe.child.send('hello');
    await probe.child.send('there');
    await time.settle();
    const signals: readonly string[] = probe.signals;
    expect(signals).toEqual(['hello!', 'there!']);
    await time.run(probe.child.stop());
    await time.settle();
    expect(probe.words).toEqual(['signal "hello!"', 'signal "there!"', 'ended: stopped']);
    expect(probe.outcome).toMatchObject({ kind: 'stopped' });
    await time.run(root.stop());
  });

  test('is not failed by its child', async () => {
    const probe = new ProbeThread(() => new EchoThread(), { name: 'Echo' });
    const root = await time.run(start(probe, time.options));
    expect(probe.child.path).toBe('/Probe-1/Echo-2');
    await probe.child.send('break');
    await time.settle();
    expect([probe.words, root.state]).toEqual([['ended: failed with broken'], 'running']);
    await time.run(root.stop());
  });

  test('is failed by it where the spec says so', async () => {
    const probe = new ProbeThread(() => new EchoThread(), { onFailure: 'escalate' });
    const root = await time.run(start(probe, { ...time.options, onRecord: () => {} }));
    await probe.child.send('break');
    await time.settle();
    expect(root).toHaveEnded('failed');
  });
});

describe('a recorder', () => {
  test('turns a run into one list of words', async () => {
    const recorder = new Recorder();
    const probe = new ProbeThread(() => new EchoThread({ inbox: { capacity: 1, policy: 'drop-newest' } }));
    const root = await time.run(start(probe, { ...time.options, onRecord: recorder.onRecord }));
    recorder.say('two words');
    probe.child.trySend('a');
    probe.child.trySend('b');
    await time.run(root.stop());
    expect(recorder.words).toEqual([
      '/Probe-1/EchoThread-2 entered',
      '/Probe-1 entered',
      'two words',
      '/Probe-1/EchoThread-2 overflow down: drop-newest',
      '/Probe-1/EchoThread-2 dead letter down: "b" (dropped: the lane was full (drop-newest))',
      '/Probe-1 stopping: its handle was told to stop it',
      '/Probe-1/EchoThread-2 stopping: its parent is stopping',
      '/Probe-1/EchoThread-2 ended: stopped',
      '/Probe-1 ended: stopped',
    ]);
    expect(recorder.take().length).toBe(9);
    expect(recorder.words).toEqual([]);
  });

  test('has words for every record', () => {
    const path = '/A-1';
    expect([
      recordInWords({ kind: 'failed', path, where: 'enter', error: new Error('no') }),
      recordInWords({ kind: 'abandoned', path, hungOn: 'exit', forMs: 3 }),
      recordInWords({ kind: 'task-ended', path, task: 'read' }),
      recordInWords({ kind: 'late', path, what: 'exit' }),
      recordInWords({ kind: 'restarting', path, incarnation: 2, outcome: 'failed', afterMs: 0 }),
      recordInWords({ kind: 'deadlock', path, hook: 'signalHandler', chain: [] }),
      recordInWords({ kind: 'overdue', path, what: 'enter', ageMs: 5, waits: [] }),
      recordInWords({ kind: 'stall', path, on: 'an answer', by: undefined, ageMs: 5 }),
    ]).toEqual([
      '/A-1 failed in enter: no',
      '/A-1 abandoned: exit',
      '/A-1 task read ended',
      '/A-1 late: exit',
      '/A-1 restarting after it failed',
      '/A-1 deadlock of signalHandler: ',
      '/A-1 overdue: enter',
      '/A-1 stall on an answer',
    ]);
  });
});

describe('the matchers', () => {
  /** Sends more than its child takes. */
  class FloodThread extends TaskThread<never, never, string> {
    child!: Child<EchoThread>;

    protected override async enter() {
      this.child = await this.addChild(() => new EchoThread({ inbox: { capacity: 1 }, outbox: { capacity: 1 } }));
      this.tasks.reCreate('flood', async (turn: TaskTurn) => {
        for (let i = 0; i < 10; i++) await turn.send(this.child, `${i}`);
      });
    }

    protected override childSignalHandler(_word: string, _child: AnyChild) {
      return new Promise(() => {});
    }
  }

  test('tell who has ended, and how', async () => {
    const root = await time.run(start(() => new EchoThread() as never, time.options));
    expect(root).not.toHaveEnded();
    expect(() => expect(root).toHaveEnded()).toThrow('expected /EchoThread-1 to have ended, but it is running');
    await time.run(root.stop());
    expect(root).toHaveEnded();
    expect(root).toHaveEnded('stopped');
    expect(() => expect(root).toHaveEnded('failed')).toThrow('to have ended as failed, but it is stopped');
    expect(() => expect(root).not.toHaveEnded()).toThrow('not expected: /EchoThread-1 to have ended');
  });

  test('tell who waits for what, and whether the books are exact', async () => {
    const root = await time.run(start(() => new FloodThread(), time.options));
    await time.settle();
    expect(root).toWaitFor('a place in the inbox of');
    expect(root).not.toWaitFor('godot');
    expect(() => expect(root).toWaitFor('godot')).toThrow(
      'expected /FloodThread-1 to wait for godot, but it waits for a',
    );
    expect(root).toHaveExactBooks();
    const snapshot = root.snapshot();
    const broken = { ...emptyBooks, offered: 1 } as never;
    const liar = { path: root.path, snapshot: () => ({ ...snapshot, edge: { ...snapshot.edge, down: broken } }) };
    expect(() => expect(liar).toHaveExactBooks()).toThrow(
      'in the inbox of /FloodThread-1 offered is 1, but its parts make 0',
    );
    const above = { path: '/A-1', snapshot: () => ({ ...snapshot, children: [liar.snapshot()] }) };
    expect(above).not.toHaveExactBooks();
    await time.run(root.stop({ drainMs: 0, cancelMs: 10 }));
  });

  test('tell what was said, in order and with others in between', () => {
    const recorder = new Recorder();
    for (const word of ['a', 'b', 'c']) recorder.say(word);
    expect(recorder).toHaveSaid(['a', 'c']);
    expect(['a', 'b']).toHaveSaid(['b']);
    expect(recorder).not.toHaveSaid(['c', 'a']);
    expect(() => expect(recorder).toHaveSaid(['a', 'd'])).toThrow('"d" was not said in its place');
  });
});
