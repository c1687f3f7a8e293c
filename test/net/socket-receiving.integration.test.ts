import { CancelledError, IntakeClosedError } from '../../src/kernel/errors.ts';
import {
  checkLeaks,
  drain,
  ENDINGS,
  failureOf,
  HandScheduler,
  loopTurn,
  moveElsewhere,
  newScope,
  pair,
  pattern,
  rawPair,
} from './connection.ts';

const READ_AHEAD_LIMIT = 256 * 1024;

checkLeaks();

describe('recv', () => {
  test('gives what has come, at most so much, and no bytes for ever when the peer has ended', async () => {
    const { near, far } = await pair();
    await far.sendAll(Buffer.from('hello'));
    expect(String(await near.recv(2))).toBe('he');
    expect(String(await near.recv(100))).toBe('llo');
    const waiting = near.recv();
    far.end();
    expect([(await waiting).length, (await near.recv()).length, (await near.recv()).length]).toEqual([0, 0, 0]);
  });

  test('hands out views of the chunk that came, without a copy', async () => {
    const { near, far } = await pair();
    await far.sendAll(pattern(10_000));
    const first = await near.recv(10);
    const second = await near.recv();
    expect(second.buffer).toBe(first.buffer);
    expect(second.byteOffset).toBe(first.byteOffset + 10);
  });

  test('recvInto copies into the memory given, and gives 0 at the end', async () => {
    const { near, far } = await pair();
    const memory = Buffer.alloc(3);
    const waiting = near.recvInto(memory);
    await far.sendAll(Buffer.from('hello'));
    expect([await waiting, String(memory)]).toEqual([3, 'hel']);
    expect([await near.recvInto(memory), String(memory)]).toEqual([2, 'lol']);
    far.end();
    expect(await near.recvInto(memory)).toBe(0);
  });

  test('a second reader is refused while the first one waits, and the first one goes on', async () => {
    const { near, far } = await pair();
    const first = near.recv();
    expect(await failureOf(near.recv())).toMatchObject({ code: 'TT_BUSY' });
    expect(await failureOf(near.recvInto(Buffer.alloc(1)))).toMatchObject({ code: 'TT_BUSY' });
    await far.sendAll(Buffer.from('x'));
    expect(String(await first)).toBe('x');
  });

  test('wrong arguments are named', async () => {
    const { near } = await pair();
    expect(await failureOf(near.recv(0))).toMatchObject({ code: 'TT_INVALID_OPTION', field: 'maxBytes' });
    expect(await failureOf(near.recvInto(Buffer.alloc(0)))).toMatchObject({ field: 'memory' });
  });
});

describe('a receive that is cut short', () => {
  for (const ending of ENDINGS) {
    test(`${ending.name}, took nothing, and the scope refuses from then on`, async () => {
      const { near, far } = await pair();
      const { scope, end } = ending.begin();
      const memory = Buffer.from('untouched');
      const waiting = failureOf(near.recvInto(memory, { scope }));
      end();
      expect(await waiting).toMatchObject({ code: ending.code });
      await far.sendAll(Buffer.from('later'));
      expect(await failureOf(near.recv(10, { scope }))).toMatchObject({ code: ending.code });
      expect(String(await near.recv())).toBe('later');
      expect(String(memory)).toBe('untouched');
    });
  }

  test('a hand-over that won against the cancel stands, and the next wait throws', async () => {
    const { near, nearNode, far } = await rawPair();
    const scope = newScope();
    const waiting = near.recv(100, { scope });
    nearNode.on('data', () => scope.cancel(new CancelledError('in the tick of the hand-over')));
    far.write('won');
    expect(String(await waiting)).toBe('won');
    expect(await failureOf(near.recv(100, { scope }))).toMatchObject({ code: 'TT_CANCELLED' });
  });

  test("waiting for the next slice, it holds the reader's place and takes nothing when cancelled", async () => {
    const { near, far } = await pair();
    await far.sendAll(Buffer.from('abc'));
    expect(String(await near.recv(1))).toBe('a');
    const scheduler = new HandScheduler();
    const scope = newScope({ scheduler });
    const waiting = failureOf(near.recv(1, { scope }));
    expect(await failureOf(near.recv())).toMatchObject({ code: 'TT_BUSY' });
    scope.closeIntake(new IntakeClosedError('/Root-1'));
    scheduler.openSlice();
    expect(await waiting).toMatchObject({ code: 'TT_INTAKE_CLOSED' });
    expect(String(await near.recv())).toBe('bc');
  });

  test('spends the budget of the slice although bytes are there', async () => {
    const { near, far } = await pair();
    await far.sendAll(Buffer.from('abc'));
    await near.recv(1);
    const scheduler = new HandScheduler();
    const order: string[] = [];
    const waiting = near.recv(1, { scope: newScope({ scheduler }) }).then(() => order.push('received'));
    await loopTurn();
    order.push('slice');
    scheduler.openSlice();
    await waiting;
    expect([order, scheduler.spends]).toEqual([['slice', 'received'], 1]);
  });
});

describe('closing', () => {
  test('wakes the reader, and refuses the next one, also when bytes are there', async () => {
    const { near } = await pair();
    const waiting = failureOf(near.recv());
    near.close();
    expect(await waiting).toMatchObject({ code: 'TT_SOCKET_CLOSED' });
    expect(await failureOf(near.recv())).toMatchObject({ code: 'TT_SOCKET_CLOSED' });
    expect(await failureOf(near.recvInto(Buffer.alloc(1)))).toMatchObject({ code: 'TT_SOCKET_CLOSED' });

    const second = await pair();
    await second.far.sendAll(Buffer.from('abc'));
    await second.near.recv(1);
    second.near.close();
    expect(second.near.snapshot().unreadBytes).toBe(0);
    expect(await failureOf(second.near.recv())).toMatchObject({ code: 'TT_SOCKET_CLOSED' });
  });

  test('wakes the reader that waits for the next slice', async () => {
    const { near } = await pair();
    const scheduler = new HandScheduler();
    const waiting = failureOf(near.recv(1, { scope: newScope({ scheduler }) }));
    near.close();
    scheduler.openSlice();
    expect(await waiting).toMatchObject({ code: 'TT_SOCKET_CLOSED' });
  });
});

describe('a connection that breaks', () => {
  test('fails the waiting reader and every later one, with the code of the system', async () => {
    const { near, far } = await pair();
    const waiting = failureOf(near.recv());
    far.reset();
    expect(await waiting).toMatchObject({ code: 'TT_SOCKET_FAILED', cause: { code: 'ECONNRESET' } });
    expect(await failureOf(near.recv())).toMatchObject({ code: 'TT_SOCKET_FAILED', cause: { code: 'ECONNRESET' } });
    expect(near.snapshot().failure).toContain('ECONNRESET');
  });

  test('delivers what had come before', async () => {
    const { near, far } = await pair();
    await far.sendAll(Buffer.from('abc'));
    expect(String(await near.recv(1))).toBe('a');
    far.reset();
    await near.waitClosed();
    expect(String(await near.recv())).toBe('bc');
    expect(await failureOf(near.recv())).toMatchObject({ code: 'TT_SOCKET_FAILED' });
  });

  test('delivers also what Node had buffered while nobody took it', async () => {
    const { near, far } = await rawPair();
    const sent = pattern(4 * 1024 * 1024);
    far.write(sent);
    const first = await near.recv(1);
    // Paused by now; so it is a write that finds the connection broken.
    await moveElsewhere(4 * 1024 * 1024);
    far.resetAndDestroy();
    while (near.snapshot().failure === undefined) {
      await near.sendAll(Buffer.from('x')).catch(() => {});
      await loopTurn();
    }
    const received = [first];
    const failure = await failureOf(
      (async () => {
        for (;;) received.push(await near.recv());
      })(),
    );
    expect(failure).toMatchObject({ code: 'TT_SOCKET_FAILED' });
    const got = Buffer.concat(received);
    expect(got.length).toBe(near.bytesRead);
    expect(got.length).toBeGreaterThan(65_536);
    expect(got.equals(sent.subarray(0, got.length))).toBe(true);
  });
});

describe('backpressure', () => {
  const SENT_BYTES = 8 * 1024 * 1024;

  test('nothing at all is read before the first recv', async () => {
    const { near, far } = await pair();
    await far.sendAll(pattern(1000));
    await moveElsewhere(SENT_BYTES);
    expect([near.bytesRead, near.snapshot().unreadBytes]).toEqual([0, 0]);
  });

  test('a sender is stopped by TCP while nobody takes, and nothing is lost', async () => {
    const { near, far } = await rawPair();
    const sent = pattern(SENT_BYTES);
    far.end(sent);
    const first = await near.recv(1);
    await moveElsewhere(2 * SENT_BYTES);
    expect(near.bytesRead).toBeLessThanOrEqual(READ_AHEAD_LIMIT);
    expect(near.snapshot().unreadBytes).toBeLessThan(2 * 65_536);
    expect(far.writableLength).toBeGreaterThan(0);
    const rest = await drain(near);
    expect(Buffer.concat([first, rest]).equals(sent)).toBe(true);
  });

  test('holds for single bytes too', async () => {
    const { near, far } = await rawPair();
    far.write('x');
    await near.recv(1);
    let left = 400_000;
    const trickle = () => {
      for (let i = 0; i < 4000 && left > 0; i++, left--) far.write('y');
      if (left > 0) setImmediate(trickle);
      else far.end();
    };
    trickle();
    await moveElsewhere(2 * SENT_BYTES);
    expect(near.bytesRead).toBeLessThanOrEqual(READ_AHEAD_LIMIT);
    expect((await drain(near)).length).toBe(400_000);
  });
});
