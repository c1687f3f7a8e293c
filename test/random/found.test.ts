/** What random programs have found, each as the smallest program that shows it. */
import { imbalance } from '../../src/intercom/books.ts';
import type { AnyChild, Child } from '../../src/taskthread/child.ts';
import type { StopOptions, StopReport } from '../../src/taskthread/shutdown.ts';
import type { ThreadOptions } from '../../src/taskthread/spec.ts';
import { start } from '../../src/taskthread/start.ts';
import { TaskThread } from '../../src/taskthread/taskthread.ts';
import type { Turn } from '../../src/taskthread/turn.ts';
import { leakCheck } from '../../src/testing/leak-check.ts';
import { VirtualTime } from '../../src/testing/virtual-time.ts';

let time: VirtualTime;
let checkLeaks: () => void;

beforeEach(() => {
  time = new VirtualTime();
  checkLeaks = leakCheck();
});

afterEach(() => checkLeaks());

/** A promise that its maker opens. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Handles words one after the other, each when its gate is opened. */
class Reader extends TaskThread<string> {
  readonly handled: string[] = [];
  next = gate();

  protected override async signalHandler(word: string): Promise<void> {
    this.handled.push(word);
    await this.next.opened;
  }

  /** Lets the word that is being handled go, and those after it up to the next one wait again. */
  async turnPage(): Promise<void> {
    const { open } = this.next;
    this.next = gate();
    open();
    await time.settle();
  }
}

/** A root with one reader below it. */
class Desk extends TaskThread {
  readonly reader: Reader;
  child!: Child<Reader>;

  constructor(options: ThreadOptions<string, never>) {
    super();
    this.reader = new Reader(options);
  }

  protected override async enter(): Promise<void> {
    this.child = await this.addChild(this.reader);
  }

  /** Sends in the name of this thread, and does not look what becomes of it. */
  tell(word: string): void {
    void this.send(this.child, word);
  }

  tellAll(word: string): void {
    void this.sendToChildren([this.child], word);
  }
}

/** Stops a tree and lets the time pass that it takes. */
function stopIn(root: AnyChild, budget: StopOptions): Promise<StopReport> {
  return time.run(root.stop(budget));
}

test('the signal in flight stays in the books when what is queued behind it is discarded', async () => {
  const desk = new Desk({});
  const root = await time.run(start(desk, time.options));
  desk.tell('first');
  desk.tell('second');
  await time.settle();

  const stopped = root.stop({ drainMs: 0, cancelMs: 100 });
  await time.settle();
  const { down } = desk.child.snapshot().edge;
  expect(down).toMatchObject({ accepted: 2, inFlight: 1, deadLettered: 1 });
  expect(imbalance(down!)).toBeUndefined();

  await desk.reader.turnPage();
  await time.run(stopped);
  expect(desk.child.snapshot().edge.down).toMatchObject({ accepted: 2, handled: 1, deadLettered: 1 });
});

test('of one key the latest is handled last, also when an earlier one waits for a place', async () => {
  const keyOf = (word: string): string => word.charAt(0);
  const desk = new Desk({ inbox: { capacity: 2, policy: 'latest', keyOf } });
  const root = await time.run(start(desk, time.options));
  for (const word of ['h1', 'b1', 'c1', 'a1', 'd1', 'a2']) {
    desk.tell(word);
    await time.settle();
  }
  // Takes b1, so that a1 gets a place; d1 and a2 still wait.
  await desk.reader.turnPage();
  desk.tell('a3');
  for (let i = 0; i < 8; i++) await desk.reader.turnPage();

  const ofA = desk.reader.handled.filter((word) => word.startsWith('a'));
  expect(ofA.toSorted()).toEqual(ofA);
  expect(ofA.at(-1)).toBe('a3');
  await stopIn(root, {});
});

test('a broadcast that nobody looks at is no unhandled rejection when its sender is cancelled', async () => {
  const desk = new Desk({ inbox: { capacity: 1 } });
  const root = await time.run(start(desk, time.options));
  for (const word of ['handled', 'queued', 'waiting']) {
    desk.tellAll(word);
    await time.settle();
  }
  const stopped = root.stop({ drainMs: 0, cancelMs: 100 });
  await time.settle();
  await desk.reader.turnPage();
  await time.run(stopped);
});

test('a send that nobody looks at is no unhandled rejection when its receiver stops', async () => {
  const desk = new Desk({ inbox: { capacity: 1 } });
  const root = await time.run(start(desk, time.options));
  for (const word of ['handled', 'queued', 'waiting']) {
    desk.tell(word);
    await time.settle();
  }
  const stopped = desk.child.stop();
  await time.settle();
  await desk.reader.turnPage();
  await desk.reader.turnPage();
  await time.run(stopped);
  await stopIn(root, {});
});

/** Tidies up for a moment at its end. */
class Tidy extends TaskThread<never, string> {
  tidied = false;
  readonly #tidyMs: number;

  constructor(tidyMs: number) {
    super();
    this.#tidyMs = tidyMs;
  }

  protected override async enter(turn: Turn<string>): Promise<void> {
    await turn.sendToParent('hello');
  }

  protected override async exit(turn: Turn<string>): Promise<void> {
    await turn.sleep(this.#tidyMs);
    this.tidied = true;
  }
}

/** Hangs for ever in its handler. */
class Hung extends TaskThread<never, never, string> {
  readonly tidy = new Tidy(1);

  protected override async enter(): Promise<void> {
    await this.addChild(this.tidy);
  }

  protected override childSignalHandler(): Promise<void> {
    return new Promise(() => {});
  }
}

test('who hangs is abandoned, its child that yields gets the time for its exit', async () => {
  const hung = new Hung();
  const root = await time.run(start(hung, time.options));
  const report = await stopIn(root, { drainMs: 0, cancelMs: 100 });
  expect(report.abandoned.map(({ path }) => path)).toEqual(['/Hung-1']);
  expect(hung.tidy.tidied).toBe(true);
});

/** Passes the stop on to the one below it. */
class Middle extends TaskThread<never, never, string> {
  protected override async enter(): Promise<void> {
    await this.addChild(new Tidy(60_000));
  }

  protected override childSignalHandler(): void {}
}

class Top extends TaskThread {
  protected override async enter(): Promise<void> {
    await this.addChild(new Middle());
  }
}

test('a shorter budget reaches the exit that is under way far below: it is cancelled, not abandoned', async () => {
  const root = await time.run(start(new Top(), time.options));
  const first = root.stop({ drainMs: 0, cancelMs: 100_000 });
  await time.settle();
  const report = await stopIn(root, { drainMs: 0, cancelMs: 100 });
  expect(report.abandoned).toEqual([]);
  expect(report.tookMs).toBeLessThanOrEqual(101);
  await time.run(first);
});

/** Adds children whenever it is told to. */
class Nursery extends TaskThread {
  made = 0;

  add(): Promise<unknown> {
    return this.addChild(() => {
      this.made++;
      return new Middle();
    });
  }
}

test('after the end no factory of a child is called any more', async () => {
  const nursery = new Nursery();
  const root = await time.run(start(nursery, time.options));
  await stopIn(root, {});
  await expect(nursery.add()).rejects.toMatchObject({ code: 'TT_THREAD_ENDED' });
  expect(nursery.made).toBe(0);
});

/** When its exit is cancelled it tries another word before it gives in. */
class Stubborn extends TaskThread {
  protected override async exit(turn: Turn): Promise<void> {
    await turn.sleep(60_000).catch(() => {});
    await turn.sleep(1).catch(() => {});
  }
}

test('an exit that yields to its cancel is not abandoned because the slice is spent', async () => {
  const root = await time.run(start(new Stubborn(), time.options));
  jest.spyOn(time.scheduler, 'spend').mockReturnValue(true);
  const report = await stopIn(root, { drainMs: 0, cancelMs: 100 });
  expect(report.abandoned).toEqual([]);
});
