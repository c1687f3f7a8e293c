/** The small programs that main.integration.test.ts runs: `main-program.ts SCENARIO`. Each says a line when it is ready. */
import { type MainOptions, type RestartSpec, runMain, TaskThread, type ThreadOptions, type Turn } from 'taskthread';

const say = (line: string): void => console.log(line);
/** More than a pipe holds. */
const LONG = 200_000;
const forever = new Promise<never>(() => {});

class Root extends TaskThread {
  readonly #exit: (turn: Turn) => unknown;

  constructor(exit: (turn: Turn) => unknown, options?: ThreadOptions<never, never>) {
    super(options);
    this.#exit = exit;
  }

  protected override enter(): void {
    say(`${this.path} ready`);
  }

  protected override async exit(turn: Turn): Promise<void> {
    say(`${this.path} exits`);
    await this.#exit(turn);
  }

  finish(): void {
    this.stop();
  }
}

/** What an OS signal has to wait for: a task that only a cancel ends, with clean-up of its own. */
class Busy extends TaskThread {
  protected override enter(): void {
    this.tasks.reCreate('keep', async () => {
      say(`${this.path} ready`);
      await forever;
    });
  }
}

/** Ends as soon as it is asked. */
class Ready extends TaskThread {
  protected override enter(): void {
    say(`${this.path} ready`);
  }
}

class HungInEnter extends TaskThread {
  protected override async enter(turn: Turn): Promise<void> {
    say(`${this.path} entering`);
    await turn.sleep(60_000);
  }
}

class Parent extends TaskThread {
  readonly #spec: Partial<RestartSpec>;
  readonly #make: () => TaskThread;

  constructor(spec: Partial<RestartSpec>, make: () => TaskThread) {
    super();
    this.#spec = spec;
    this.#make = make;
  }

  protected override async enter(_turn: Turn): Promise<void> {
    await this.addChild(this.#make, this.#spec as RestartSpec);
  }
}

/** Stops with all below it as soon as it has entered. */
class Quitter extends Parent {
  protected override async enter(turn: Turn): Promise<void> {
    await super.enter(turn);
    turn.stop();
  }
}

const spoilt = (): Root =>
  new Root(() => {
    throw new Error('the journal is lost');
  });

const budget = { drainMs: 60_000, cancelMs: 60_000 };
const options: MainOptions = {
  onEnd: ({ reason, report }) => {
    say(`${reason}: ${report.verdict}`);
    return undefined;
  },
};

const scenarios: Record<string, () => unknown> = {
  clean: () => runMain(() => new Root((turn) => turn.sleep(20)), options),
  enter: () => runMain(() => new HungInEnter(), options),
  hung: () => runMain(() => new Root(() => forever), { ...options, stop: budget }),
  budget: () => runMain(() => new Root(() => forever), { ...options, stop: { drainMs: 50, cancelMs: 50 } }),
  slow: () =>
    runMain(() => new Root((turn) => turn.sleep(60_000)), { ...options, stop: { drainMs: 60_000, cancelMs: 100 } }),
  busy: () => runMain(() => new Busy(), { ...options, stop: budget }),
  idle: () => runMain(() => new Ready(), options),
  wordy: () =>
    runMain(() => new Root(() => forever), {
      ...options,
      stop: budget,
      onEnd: ({ report }) => say(`${report.verdict} ${'.'.repeat(LONG)}`) as undefined,
    }),
  goesOn: async () => {
    const root = new Root(() => {});
    setTimeout(() => root.finish(), 20);
    await runMain(root, options);
    setTimeout(() => say('goes on'), 2100);
    setTimeout(() => {}, 60_000);
  },
  two: () =>
    Promise.all([
      runMain(() => new Root((turn) => turn.sleep(300), { name: 'A' }), options),
      runMain(() => new Root(() => forever, { name: 'B', stop: { drainMs: 20, cancelMs: 20 } }), options),
    ]),
  finish: () => {
    const root = new Root(() => {});
    setTimeout(() => root.finish(), 20);
    return runMain(root, options);
  },
  fails: () =>
    runMain(
      () =>
        new (class Failing extends TaskThread {
          protected override enter(): void {
            throw new RangeError('cannot begin');
          }
        })(),
      options,
    ),
  permanent: () => runMain(() => new Quitter({ restart: 'permanent' }, spoilt), options),
  transient: () => runMain(() => new Quitter({ restart: 'transient' }, spoilt), options),
  below: () => runMain(() => new Quitter({}, () => new Parent({ restart: 'permanent' }, spoilt)), options),
  ignored: () => runMain(() => new Quitter({ onFailure: 'ignore' }, spoilt), options),
  ignoredAbove: () =>
    runMain(() => new Quitter({ onFailure: 'ignore' }, () => new Parent({ restart: 'permanent' }, spoilt)), options),
  factory: () =>
    runMain((): Root => {
      throw new RangeError('no root');
    }, options),
  code: () => {
    const root = new Root(() => {});
    setTimeout(() => root.finish(), 20);
    return runMain(root, { onEnd: () => 7 });
  },
  badEnd: () => {
    const root = new Root(() => {});
    setTimeout(() => root.finish(), 20);
    return runMain(root, {
      onEnd: () => {
        throw new Error('bad onEnd');
      },
    });
  },
  unstarted: () => {
    process.on('unhandledRejection', (error) => say(`unhandled ${(error as { code: string }).code}`));
    class Early extends TaskThread {
      constructor() {
        super();
        void this.addChild(() => new Root(() => {}));
        void this.addChild(() => new Root(() => {}), { nam: 'x' } as never);
      }
    }
    return new Early();
  },
  unseen: () => {
    process.on('unhandledRejection', (error) => say(`unhandled ${String(error)}`));
    class Careless extends TaskThread {
      protected override enter(): void {
        void this.addChild(() => new HungInEnter(), { scop: 1 } as never);
      }
    }
    return runMain(() => new Careless(), options);
  },
  noHangup: () => {
    process.on('SIGHUP', () => say('read again'));
    return runMain(() => new Root(() => {}), { ...options, osSignals: ['SIGTERM'] });
  },
  wrongSignal: () =>
    runMain(() => new Root(() => {}), { osSignals: ['SIGKILL'] as never }).catch((error: unknown) =>
      say(String(error)),
    ),
  wrong: () =>
    runMain(() => new Root(() => {}), { stop: { drainMs: -1 } }).catch((error: unknown) => say(String(error))),
};

await scenarios[process.argv[2] ?? '']?.();
