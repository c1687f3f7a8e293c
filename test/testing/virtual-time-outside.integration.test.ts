/** Virtual time and real sockets: what of the outside world keeps the time from jumping, and what is said where nothing does. */
import { type AnyChild, start, TaskThread, type TaskTurn, TimeoutError, type Turn } from '../../src/index.ts';
import { Listener, Socket } from '../../src/net/index.ts';
import { leakCheck, liveCounts, VirtualTime } from '../../src/testing/index.ts';
import { loopTurn } from '../net/connection.ts';

const warnings: string[] = [];
let checkLeaks: () => void;

beforeEach(() => {
  warnings.length = 0;
  jest.spyOn(process, 'emitWarning').mockImplementation((warning) => {
    warnings.push(String(warning));
  });
  checkLeaks = leakCheck();
});

afterEach(async () => {
  jest.restoreAllMocks();
  // Sockets close at their turn of the loop, and that comes when it comes.
  for (let turns = 0; turns < 1000 && liveCounts().sockets + liveCounts().servers > 0; turns++) await loopTurn();
  checkLeaks();
});

/** Answers each connection, many turns of the event loop after it has heard something. */
class SlowServer extends TaskThread {
  port = 0;

  protected override async enter() {
    const listener = await Listener.listen({ host: '127.0.0.1', port: 0 }, { scope: this });
    this.port = listener.port!;
    this.tasks.reCreate(
      'answer',
      async (turn: TaskTurn) => {
        using _listener = listener;
        using socket = await listener.accept({ scope: turn });
        await socket.recv(10, { scope: turn });
        for (let turns = 0; turns < 50 && !turn.cancelled; turns++) await loopTurn();
        await socket.sendAll(Buffer.from('answer'), { scope: turn });
      },
      { intake: true },
    );
  }
}

/** Asks a server, for at most a second. */
class Client extends TaskThread {
  answer = '';
  readonly #port: () => number;

  constructor(port: () => number) {
    super();
    this.#port = port;
  }

  protected override enter() {
    this.tasks.reCreate('ask', async (turn: TaskTurn) => {
      try {
        this.answer = await turn.timeoutAfter(1000, (limited) => this.#ask(limited));
      } catch (error) {
        if (!(error instanceof TimeoutError)) throw error;
        this.answer = 'none in time';
      }
      turn.stop();
    });
  }

  async #ask(scope: Turn) {
    const socket = await Socket.connect({ host: '127.0.0.1', port: this.#port() }, { scope });
    try {
      await socket.sendAll(Buffer.from('question'), { scope });
      return (await socket.recv(10, { scope })).toString();
    } finally {
      socket.close();
    }
  }
}

class Both extends TaskThread {
  readonly server = new SlowServer();
  readonly client = new Client(() => this.server.port);

  protected override async enter() {
    await this.addChild(this.server, { onFailure: 'ignore' });
    await this.addChild(this.client);
  }

  protected override childEnded(child: AnyChild) {
    if (child.path.includes('Client')) this.stop();
  }
}

async function answerWith(time: VirtualTime): Promise<string> {
  const both = new Both();
  const root = await time.run(start(both, time.options));
  await time.run(root.join());
  return both.client.answer;
}

test('a wait for a socket that is registered keeps the time from jumping', async () => {
  expect(await answerWith(new VirtualTime({ holds: true }))).toBe('answer');
  expect(warnings).toEqual([]);
});

test('so does one that is registered by its words, and so it is where time jumps by itself', async () => {
  const words: string[] = [];
  const holds = (wait: string): boolean => {
    words.push(wait);
    return wait.includes('task ask: ');
  };
  const time = new VirtualTime({ autojump: true, holds });
  const both = new Both();
  const root = await start(both, time.options);
  await root.join();
  expect(both.client.answer).toBe('answer');
  expect(words).toContainEqual(expect.stringMatching(/^\/Both-1\/Client-3 task ask: .*bytes from .*127\.0\.0\.1:\d+$/));
  expect(warnings).toEqual([]);
});

test('one that is not registered does not, and is reported by name', async () => {
  expect(await answerWith(new VirtualTime())).toBe('none in time');
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/virtual time jumps while the outside world is awaited: .*\/Both-1\/Client-3 task ask: /);
});

test('is not reported where it was said that it does not count', async () => {
  expect(await answerWith(new VirtualTime({ holds: false }))).toBe('none in time');
  expect(warnings).toEqual([]);
});
