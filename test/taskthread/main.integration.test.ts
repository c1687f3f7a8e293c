/** `runMain` in real processes, with real OS signals. */
import { startProgram } from '../typescript-program.ts';

interface Ended {
  readonly code: number | null;
  /** By which it was killed. */
  readonly signal: string | null;
  readonly out: string[];
  readonly err: string;
  readonly tookMs: number;
}

/** As many as fit in, at short intervals, until it has ended. */
const impatient: NodeJS.Signals[] = Array<NodeJS.Signals>(2000).fill('SIGINT');

/** Runs a program, sends it OS signals one after the other once it has said so many lines, and waits for its end. */
function run(scenario: string, osSignals: NodeJS.Signals[] = [], lines = 1, gapMs = 60): Promise<Ended> {
  const child = startProgram('test/taskthread/main-program.ts', [scenario]);
  let out = '';
  let err = '';
  let began = 0;
  const send = (left: NodeJS.Signals[]): void => {
    const [first, ...rest] = left;
    if (first === undefined || child.exitCode !== null) return;
    child.kill(first);
    setTimeout(() => send(rest), gapMs);
  };
  child.stdout.on('data', (chunk) => {
    out += chunk;
    if (began > 0 || out.split('\n').length <= lines) return;
    began = Date.now();
    send(osSignals);
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  return new Promise((done) => {
    child.on('close', (code, signal) => {
      done({ code, signal, out: out.trim().split('\n'), err, tookMs: Date.now() - began });
    });
  });
}

describe('an OS signal', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s stops the root: it drains, and the code is 0',
    async (name) => {
      const { code, out, err } = await run('clean', [name]);
      expect([code, out, err]).toEqual([0, ['/Root-1 ready', '/Root-1 exits', `${name}: clean`], '']);
    },
  );

  test('that is left out is whatever the program makes of it', async () => {
    const { code, out } = await run('noHangup', ['SIGHUP', 'SIGTERM']);
    expect([code, out]).toEqual([0, ['/Root-1 ready', 'read again', '/Root-1 exits', 'SIGTERM: clean']]);
  });

  test('of a kind that cannot be handled is refused', async () => {
    const { code, out } = await run('wrongSignal');
    expect([code, out]).toEqual([0, [expect.stringContaining('InvalidOptionError: options.osSignals must be one of')]]);
  });

  test('during enter cancels enter', async () => {
    const { code, out, err, tookMs } = await run('enter', ['SIGINT']);
    expect([code, out]).toEqual([1, ['/HungInEnter-1 entering', 'SIGINT: cancelled']]);
    expect(err).toContain('cancelled  /HungInEnter-1');
    expect(tookMs).toBeLessThan(5000);
  });

  test('a second one skips to cancel', async () => {
    const { code, out, tookMs } = await run('slow', ['SIGTERM', 'SIGINT']);
    expect([code, out.at(-1)]).toEqual([1, 'SIGTERM: cancelled']);
    expect(tookMs).toBeLessThan(5000);
  });

  test('a third one abandons, and says what hung, since when', async () => {
    const { code, out, err, tookMs } = await run('hung', ['SIGINT', 'SIGINT', 'SIGINT']);
    expect([code, out.at(-1)]).toEqual([3, 'SIGINT: abandoned']);
    expect(err).toMatch(
      /^\/Root-1 cancelled, verdict abandoned: 1 thread ended in \d+ ms\n {2}abandoned {2}\/Root-1: hung on exit for \d+ ms\n/,
    );
    expect(tookMs).toBeLessThan(5000);
  });

  test('one is enough where the budget is over: the process exits by force, with its output flushed', async () => {
    const { code, err } = await run('budget', ['SIGINT']);
    expect(code).toBe(3);
    expect(err).toContain('hung on exit');
  });

  test('a task that hangs is named', async () => {
    const { code, err } = await run('busy', ['SIGINT', 'SIGINT', 'SIGINT']);
    expect(code).toBe(3);
    expect(err).toContain('hung on task keep');
  });

  test('stops both of two roots; the one that hangs does not cut off the other, and the code is the gravest', async () => {
    const { code, out } = await run('two', ['SIGTERM'], 2);
    expect(out).toEqual([
      '/A-1 ready',
      '/B-1 ready',
      '/A-1 exits',
      '/B-1 exits',
      'SIGTERM: abandoned',
      'SIGTERM: clean',
    ]);
    expect(code).toBe(3);
  });
});

describe('further OS signals, one each millisecond until the process has ended', () => {
  test('cost a root that ends at once neither its exit code nor its last lines', async () => {
    for (let round = 0; round < 5; round++) {
      const { code, signal, out } = await run('idle', impatient, 1, 1);
      expect([code, signal, out]).toEqual([0, null, ['/Ready-1 ready', 'SIGINT: clean']]);
    }
  });

  test('nor one that hangs, with more to say than a pipe holds', async () => {
    for (let round = 0; round < 5; round++) {
      const { code, signal, out, err } = await run('wordy', impatient, 1, 1);
      expect([code, signal]).toEqual([3, null]);
      expect(out.at(-1)).toBe(`abandoned ${'.'.repeat(200_000)}`);
      expect(err).toContain('hung on exit');
    }
  });

  test("are the system's again some time after the end, where the program goes on", async () => {
    const { code, signal, out } = await run('goesOn', ['SIGINT'], 4);
    expect([code, signal, out]).toEqual([
      null,
      'SIGINT',
      ['/Root-1 ready', '/Root-1 exits', 'finished: clean', 'goes on'],
    ]);
  });
});

describe('an addChild that nobody looks at', () => {
  test('is no unhandled rejection of the process: it fails the root', async () => {
    const { code, out, err } = await run('unseen');
    expect([code, out]).toEqual([1, ['failed: clean']]);
    expect(err).toContain('InvalidOptionError: spec.scop must be absent');
  });

  test('in a constructor has no thread to own it, and is as loud as any rejection', async () => {
    const { out } = await run('unstarted');
    expect(out).toEqual(['unhandled TT_NOT_STARTED', 'unhandled TT_INVALID_OPTION']);
  });
});

describe('without an OS signal', () => {
  test('a root that finishes: the process was alive until then, and the code is 0', async () => {
    const { code, out, err } = await run('finish');
    expect([code, out.at(-1), err]).toEqual([0, 'finished: clean', '']);
  });

  test('a root that fails: the code is 1, the error is printed once with its stack', async () => {
    const { code, out, err } = await run('fails');
    expect([code, out]).toEqual([1, ['failed: clean']]);
    expect(err).toMatch(/failed {5}\/Failing-1: RangeError: cannot begin\nRangeError: cannot begin\n\s+at /);
  });

  test.each(['permanent', 'transient', 'below'])(
    'a failure that the stop keeps from its restart (%s): the code is 1',
    async (scenario) => {
      const { code, out, err } = await run(scenario);
      expect([code, out.at(-1)]).toEqual([1, 'finished: clean']);
      expect(err).toMatch(
        /^\/Quitter-1 finished, .*\n {2}failed {5}\/Quitter-1\/.*Root-\d: Error: the journal is lost\n$/,
      );
    },
  );

  test.each(['ignored', 'ignoredAbove'])(
    'a failure that is declared to be ignored (%s): the code is 0',
    async (scenario) => {
      const { code, out, err } = await run(scenario);
      expect([code, out.at(-1), err]).toEqual([0, 'finished: clean', '']);
    },
  );

  test('a factory that throws is a failure like any other', async () => {
    const { code, out, err } = await run('factory');
    expect([code, out]).toEqual([1, ['failed: clean']]);
    expect(err).toContain('RangeError: no root');
  });

  test('onEnd decides the code; one that throws is told', async () => {
    const [good, bad] = [await run('code'), await run('badEnd')];
    expect(good.code).toBe(7);
    expect([bad.code, bad.err]).toEqual([1, 'the end of /Root-1 could not be told: bad onEnd\n']);
  });

  test('wrong options reject before anything has happened', async () => {
    const { code, out } = await run('wrong');
    expect([code, out]).toEqual([0, [expect.stringContaining('InvalidOptionError: stop.drainMs')]]);
  });
});
