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

const LARGE_BYTES = 8 * 1024 * 1024;
const LARGE = pattern(LARGE_BYTES);
const PIECE_BYTES = 65_536;

checkLeaks();

describe('sendAll', () => {
  test('sends everything, in pieces, lists as one stream', async () => {
    const { near, far } = await pair();
    const received = drain(far);
    await near.sendAll(LARGE);
    await near.sendAll([Buffer.from('a'), Buffer.alloc(0), Buffer.from('b'), LARGE.subarray(0, 200_000)]);
    await near.sendAll([]);
    await near.sendAll(Buffer.alloc(0));
    near.end();
    const expected = Buffer.concat([LARGE, Buffer.from('ab'), LARGE.subarray(0, 200_000)]);
    expect((await received).equals(expected)).toBe(true);
    expect(near.bytesWritten).toBe(expected.length);
  });

  test('waits while the peer does not read, with a bounded amount in memory, and goes on when it does', async () => {
    const { near, far } = await pair();
    let done = false;
    const sending = near.sendAll(LARGE).then(() => {
      done = true;
    });
    await moveElsewhere(4 * LARGE_BYTES);
    expect(done).toBe(false);
    expect(near.bytesWritten).toBeLessThan(LARGE_BYTES);
    expect(near.snapshot().unsentBytes).toBeLessThanOrEqual(PIECE_BYTES);
    expect(near.snapshot().waits).toMatchObject([{ on: expect.stringContaining('room to send') }]);
    const received = drain(far);
    await sending;
    near.end();
    expect((await received).equals(LARGE)).toBe(true);
  });

  test('resolves when what is left is below the mark, although it is not yet sent', async () => {
    const { near, far } = await pair();
    while (near.snapshot().unsentBytes === 0) await near.sendAll(Buffer.alloc(1000));
    expect(near.snapshot().unsentBytes).toBeLessThan(PIECE_BYTES);
    const flushed = near.flush();
    const received = drain(far);
    await flushed;
    expect(near.snapshot().unsentBytes).toBe(0);
    near.end();
    expect((await received).length).toBe(near.bytesWritten);
  });

  test('waits after the last piece too, until there is room for the next', async () => {
    const { near, far } = await pair();
    let sending: Promise<void> | undefined;
    for (let resolved = true; resolved; ) {
      resolved = false;
      sending = near.sendAll(LARGE.subarray(0, PIECE_BYTES)).then(() => {
        expect(near.snapshot().unsentBytes).toBeLessThan(PIECE_BYTES);
        resolved = true;
      });
      await loopTurn();
    }
    const received = drain(far);
    await sending;
    near.end();
    expect((await received).length).toBe(near.bytesWritten);
  });

  test('a second writer is refused while the first one waits', async () => {
    const { near, far } = await pair();
    const first = near.sendAll(LARGE);
    expect(await failureOf(near.sendAll(Buffer.from('x')))).toMatchObject({ code: 'TT_BUSY' });
    expect(await failureOf(near.send(Buffer.from('x')))).toMatchObject({ code: 'TT_BUSY' });
    const received = drain(far);
    await first;
    near.end();
    expect((await received).length).toBe(LARGE_BYTES);
  });

  test('spends the budget of the slice for every piece', async () => {
    const { near, far } = await pair();
    const scheduler = new HandScheduler();
    const received = drain(far);
    const sending = near.sendAll(LARGE.subarray(0, 3 * PIECE_BYTES), { scope: newScope({ scheduler }) });
    const written: number[] = [];
    for (let i = 0; i < 3; i++) {
      written.push(near.bytesWritten);
      scheduler.openSlice();
      // A piece may have to wait for room before the next asks for its slice.
      while (near.bytesWritten === written.at(-1)) await loopTurn();
      await near.flush();
    }
    await sending;
    near.end();
    await received;
    expect([written, scheduler.spends]).toEqual([[0, PIECE_BYTES, 2 * PIECE_BYTES], 3]);
  });
});

describe('send', () => {
  test('hands over what goes at once, at most a piece, and says how much', async () => {
    const { near, far } = await pair();
    expect(await near.send(Buffer.from('hello'))).toBe(5);
    expect(await near.send(LARGE)).toBe(PIECE_BYTES);
    expect(await near.send(Buffer.alloc(0))).toBe(0);
    near.end();
    expect((await drain(far)).length).toBe(5 + PIECE_BYTES);
  });

  test('waits for room, and cancelled sent nothing', async () => {
    const { near, far } = await pair();
    const scope = newScope();
    while (near.snapshot().unsentBytes < PIECE_BYTES) await near.send(LARGE);
    const before = near.bytesWritten;
    const waiting = failureOf(near.send(Buffer.from('x'), { scope }));
    await loopTurn();
    scope.cancel(new CancelledError('by the test'));
    expect(await waiting).toMatchObject({ code: 'TT_CANCELLED' });
    expect(near.bytesWritten).toBe(before);
    near.end();
    expect((await drain(far)).length).toBe(before);
  });
});

describe('a send that is cut short', () => {
  for (const ending of ENDINGS.filter(({ source }) => !source)) {
    test(`${ending.name}, says exactly what was handed over, and that is what the peer sees`, async () => {
      const { near, far } = await pair();
      const { scope, end } = ending.begin();
      const sending = failureOf(near.sendAll(LARGE, { scope }));
      await moveElsewhere(LARGE_BYTES);
      end();
      const { progress } = await sending;
      expect(progress).toEqual({ bytesWritten: near.bytesWritten });
      expect(await failureOf(near.sendAll(Buffer.from('x'), { scope }))).toMatchObject({
        code: ending.code,
        progress: { bytesWritten: 0 },
      });
      near.end();
      const received = await drain(far);
      expect(received.equals(LARGE.subarray(0, near.bytesWritten))).toBe(true);
    });
  }

  test('cancelled while it waits for the next slice hands over nothing more', async () => {
    const { near } = await pair();
    const scheduler = new HandScheduler();
    const scope = newScope({ scheduler });
    const sending = failureOf(near.sendAll(LARGE, { scope }));
    scope.cancel(new CancelledError('by the test'));
    scheduler.openSlice();
    expect(await sending).toMatchObject({ code: 'TT_CANCELLED', progress: { bytesWritten: 0 } });
    expect(near.bytesWritten).toBe(0);
  });

  test('is cut between two pieces that both go at once', async () => {
    const { near, far } = await pair();
    const scope = newScope();
    let asked = 0;
    // Asked once at the beginning and once for each piece.
    const scoped = {
      cancelScope: scope,
      holder: scope,
      get refusal() {
        return ++asked > 3 ? new CancelledError('the turn is over') : undefined;
      },
    };
    const sending = failureOf(near.sendAll(LARGE, { scope: scoped }));
    expect(await sending).toMatchObject({ code: 'TT_CANCELLED', progress: { bytesWritten: 2 * PIECE_BYTES } });
    near.end();
    expect((await drain(far)).length).toBe(2 * PIECE_BYTES);
  });

  test('is no source: closing the intake lets it finish', async () => {
    const { near, far } = await pair();
    const scope = newScope();
    const sending = near.sendAll(LARGE, { scope });
    await loopTurn();
    scope.closeIntake(new IntakeClosedError('/Root-1'));
    const received = drain(far);
    await sending;
    await near.sendAll(Buffer.from('and more'), { scope });
    near.end();
    expect((await received).length).toBe(LARGE_BYTES + 8);
  });

  test('a flush after the end waits for the end too', async () => {
    const { near, nearNode, far } = await rawPair();
    await near.sendAll(Buffer.from('the last words'));
    near.end();
    await near.flush();
    expect(nearNode.writableFinished).toBe(true);
    far.resume().end();
    near.close();
  });

  test('a flush that is cancelled changes nothing', async () => {
    const { near, far } = await pair();
    const scope = newScope();
    while (near.snapshot().unsentBytes === 0) await near.send(LARGE);
    const flushing = failureOf(near.flush({ scope }));
    scope.cancel(new CancelledError('by the test'));
    expect(await flushing).toMatchObject({ code: 'TT_CANCELLED' });
    expect(await failureOf(near.flush({ scope }))).toMatchObject({ code: 'TT_CANCELLED' });
    near.end();
    expect((await drain(far)).length).toBe(near.bytesWritten);
  });
});

describe('an end while somebody sends', () => {
  test('close wakes the writer and the flusher, with what had been handed over', async () => {
    const { near } = await pair();
    const sending = failureOf(near.sendAll(LARGE));
    await moveElsewhere(LARGE_BYTES);
    const flushing = failureOf(near.flush());
    near.close();
    expect(await sending).toMatchObject({
      code: 'TT_SOCKET_CLOSED',
      progress: { bytesWritten: near.bytesWritten },
    });
    expect(await flushing).toMatchObject({ code: 'TT_SOCKET_CLOSED' });
  });

  test('a peer that resets fails the writer and the flusher, with what had been handed over', async () => {
    const { near, far } = await pair();
    const sending = failureOf(near.sendAll(LARGE));
    await moveElsewhere(LARGE_BYTES);
    const flushing = failureOf(near.flush());
    far.reset();
    const failure = await sending;
    expect(failure).toMatchObject({ code: 'TT_SOCKET_FAILED', progress: { bytesWritten: near.bytesWritten } });
    expect(['ECONNRESET', 'EPIPE']).toContain((failure.cause as { code: string }).code);
    expect(await flushing).toMatchObject({ code: 'TT_SOCKET_FAILED' });
    expect(await failureOf(near.sendAll(Buffer.from('x')))).toMatchObject({ code: 'TT_SOCKET_FAILED' });
    expect(await failureOf(near.send(Buffer.from('x')))).toMatchObject({ code: 'TT_SOCKET_FAILED' });
    expect(await failureOf(near.flush())).toMatchObject({ code: 'TT_SOCKET_FAILED' });
  });

  test('a small send to a peer that has gone fails at once, and was not written', async () => {
    const { near, far } = await pair();
    await near.sendAll(Buffer.from('unread'));
    far.close();
    await far.waitClosed();
    expect(await failureOf(near.sendAll(Buffer.from('x')))).toMatchObject({
      code: 'TT_SOCKET_FAILED',
      progress: { bytesWritten: 0 },
    });
    expect(near.bytesWritten).toBe('unread'.length);
    await near.waitClosed();
  });

  test('a close between two slices is seen by the writer, also with a full buffer', async () => {
    const { near } = await pair();
    while (near.snapshot().unsentBytes < PIECE_BYTES) await near.send(LARGE);
    const scheduler = new HandScheduler();
    const sending = failureOf(near.sendAll(LARGE, { scope: newScope({ scheduler }) }));
    near.close();
    scheduler.openSlice();
    expect(await sending).toMatchObject({ code: 'TT_SOCKET_CLOSED', progress: { bytesWritten: 0 } });
  });

  test('ending our side stops a long send between two pieces, and what was handed over arrives', async () => {
    const { near, far } = await pair();
    const sending = failureOf(near.sendAll(LARGE));
    await moveElsewhere(LARGE_BYTES);
    near.end();
    near.end();
    const received = await drain(far);
    expect(await sending).toMatchObject({ code: 'TT_SOCKET_CLOSED', progress: { bytesWritten: received.length } });
    for (const word of [() => near.sendAll(LARGE), () => near.send(LARGE), () => near.sendAll([])]) {
      expect(await failureOf(word())).toMatchObject({ code: 'TT_SOCKET_CLOSED' });
    }
  });

  test('after close every word of sending is refused', async () => {
    const { near } = await pair();
    near.close();
    for (const word of [
      () => near.sendAll(LARGE),
      () => near.send(LARGE),
      () => near.flush(),
      () => near.sendAll([]),
    ]) {
      expect(await failureOf(word())).toMatchObject({ code: 'TT_SOCKET_CLOSED' });
    }
    near.end();
    near.setNoDelay();
  });
});

test('what is no bytes is refused by name, nothing of it is sent, and the socket goes on', async () => {
  const { near, far } = await pair();
  const memory = new ArrayBuffer(3);
  const good = Buffer.from('good');
  const holed = [good];
  holed.length = 2;
  const expected = 'a Uint8Array or an array of them';
  for (const value of [memory, 5, new DataView(memory), 'text', undefined, null, { length: 3 }, new Uint16Array(3)]) {
    const why = { code: 'TT_INVALID_OPTION', field: 'data', value, expected };
    expect(await failureOf(near.sendAll(value as never))).toMatchObject(why);
    const each = { field: 'data[1]', value, expected: 'a Uint8Array' };
    expect(await failureOf(near.sendAll([good, value] as never))).toMatchObject(each);
    const one = { field: 'bytes', value, expected: 'a Uint8Array' };
    expect(await failureOf(near.send(value as never))).toMatchObject(one);
  }
  expect(await failureOf(near.sendAll(holed))).toMatchObject({ field: 'data[1]', value: undefined });
  expect(near.bytesWritten).toBe(0);
  await near.sendAll([good, new Uint8Array(1)]);
  near.end();
  expect(String(await drain(far))).toBe('good\0');
});
