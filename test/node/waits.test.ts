import { EventEmitter as OtherEmitter } from 'eventemitter3';
import { runInScope } from '../../src/kernel/ambient.ts';
import type { CancelScope } from '../../src/kernel/cancel-scope.ts';
import { abandonable, callback, eventsOf, nextEvent } from '../../src/node/index.ts';
import {
  cancel,
  checkOutside,
  ENDINGS,
  EventEmitter,
  failureOf,
  listenersOf,
  loopTurn,
  newScope,
  records,
} from './outside.ts';

checkOutside();

describe('nextEvent', () => {
  test('gives what the emitter said, and leaves no listener', async () => {
    const emitter = new EventEmitter();
    const waiting = nextEvent(emitter, 'came', { scope: newScope() });
    emitter.emit('came', 1, 'two');
    emitter.emit('came', 3);
    expect([await waiting, listenersOf(emitter)]).toEqual([[1, 'two'], 0]);
  });

  test('understands another kind of emitter too', async () => {
    const emitter = new OtherEmitter<{ came: [what: string] }>();
    const waiting = nextEvent<[string]>(emitter, 'came', { scope: newScope() });
    emitter.emit('came', 'it');
    const [what] = await waiting;
    expect([what, emitter.eventNames()]).toEqual(['it', []]);
  });

  test('throws what is said with error, unless that is what is waited for', async () => {
    const emitter = new EventEmitter();
    const scope = newScope();
    const waiting = failureOf(nextEvent(emitter, 'came', { scope }));
    const broken = new Error('broken');
    emitter.emit('error', broken);
    expect(await waiting).toBe(broken);
    const wanted = nextEvent(emitter, 'error', { scope });
    emitter.emit('error', broken);
    expect([await wanted, listenersOf(emitter)]).toEqual([[broken], 0]);
  });

  for (const ending of ENDINGS) {
    test(`${ending.name}, leaves no listener, and the scope refuses from then on`, async () => {
      const emitter = new EventEmitter();
      const scope = newScope();
      const waiting = failureOf(nextEvent(emitter, 'came', { scope }));
      expect(listenersOf(emitter)).toBe(2);
      ending.end(scope);
      expect(listenersOf(emitter)).toBe(0);
      expect(await waiting).toMatchObject({ code: ending.code });
      expect(await failureOf(nextEvent(emitter, 'came', { scope }))).toMatchObject({ code: ending.code });
      expect(listenersOf(emitter)).toBe(0);
    });
  }
});

describe('callback', () => {
  test('gives the value, throws the error, and undoes once on each path', async () => {
    const scope = newScope();
    const undone: string[] = [];
    const later = (name: string, error: unknown, value?: number) =>
      callback<number | undefined>(
        (done) => {
          setImmediate(() => done(error, value));
          return () => undone.push(name);
        },
        { scope },
      );
    expect(await later('value', null, 7)).toBe(7);
    expect(await failureOf(later('error', new Error('no')))).toMatchObject({ message: 'no' });
    expect(await callback((done) => done(undefined), { scope })).toBeUndefined();
    const thrown = callback(
      () => {
        throw new Error('at once');
      },
      { scope },
    );
    expect(await failureOf(thrown)).toMatchObject({ message: 'at once' });
    expect(undone).toEqual(['value', 'error']);
  });

  test('whose work is a promise throws what that is rejected with; after the wait that is on record', async () => {
    const scope = newScope();
    const broken = new Error('broken');
    const failing = callback(() => Promise.reject(broken), { scope });
    expect(await failureOf(failing)).toBe(broken);
    const answered = callback<number>(
      (done) => {
        done(null, 1);
        return Promise.reject(broken);
      },
      { scope },
    );
    expect(await answered).toBe(1);
    // That it is fulfilled is no answer.
    const answers = async (done: (error: null, value: number) => void) => {
      await loopTurn();
      done(null, 2);
    };
    const later = callback<number>(answers, { scope });
    expect(await later).toBe(2);
    const cut = failureOf(callback(() => loopTurn().then(() => Promise.reject(broken)), { scope }));
    cancel(scope);
    expect(await cut).toMatchObject({ code: 'TT_CANCELLED' });
    await loopTurn();
    await loopTurn();
    expect(records).toEqual(new Array(2).fill({ kind: 'late', path: '', what: 'a callback', error: broken }));
  });

  test('that answers before it has returned what undoes it, is undone all the same', async () => {
    const undone: string[] = [];
    const value = await callback<number>(
      (done) => {
        done(null, 1);
        done(new Error('twice'));
        return () => undone.push('undone');
      },
      { scope: newScope() },
    );
    expect([value, undone]).toEqual([1, ['undone']]);
  });

  test('cancelled, is undone, and its late answer means nothing', async () => {
    const scope = newScope();
    const undone: string[] = [];
    let answer: ((error: unknown) => void) | undefined;
    const waiting = failureOf(
      callback(
        (done) => {
          answer = done;
          return () => undone.push('undone');
        },
        { scope },
      ),
    );
    cancel(scope);
    expect(undone).toEqual(['undone']);
    answer?.(new Error('late'));
    expect(await waiting).toMatchObject({ code: 'TT_CANCELLED' });
    let begun = false;
    expect(await failureOf(callback(() => (begun = true), { scope }))).toMatchObject({ code: 'TT_CANCELLED' });
    expect([begun, undone]).toEqual([false, ['undone']]);
  });

  test('whose undoing throws harms nobody else in its scope, and is on record', async () => {
    const scope = newScope();
    const bad = failureOf(
      callback(
        () => () => {
          throw new Error('cannot undo');
        },
        { scope },
      ),
    );
    const other = failureOf(callback(() => {}, { scope }));
    cancel(scope);
    expect([await bad, await other]).toMatchObject([{ code: 'TT_CANCELLED' }, { code: 'TT_CANCELLED' }]);
    expect(records).toMatchObject([{ kind: 'late', what: 'a callback', error: { message: 'cannot undo' } }]);
  });

  test('is no source: closing the intake lets it finish', async () => {
    const scope = newScope();
    const waiting = callback<string>((done) => void setImmediate(() => done(null, 'done')), { scope });
    ENDINGS.find(({ source }) => source)?.end(scope);
    expect(await waiting).toBe('done');
  });
});

describe('abandonable', () => {
  test('gives what the promise gives, to everybody who waits, also when it was settled before', async () => {
    const scope = newScope();
    const promise = loopTurn().then(() => 'it');
    expect(await Promise.all([abandonable(promise, { scope }), abandonable(promise, { scope })])).toEqual(['it', 'it']);
    expect(await abandonable(promise, { scope })).toBe('it');
    const failed = Promise.reject(new Error('broken'));
    expect(await failureOf(abandonable(failed, { scope }))).toMatchObject({ message: 'broken' });
    expect(await failureOf(abandonable(failed, { scope }))).toMatchObject({ message: 'broken' });
    expect(records).toEqual([]);
  });

  test('cancelled, ends the wait at once; a late failure is on record and no unhandled rejection', async () => {
    const scope = newScope();
    let fail: ((error: Error) => void) | undefined;
    const promise = new Promise<void>((_resolve, reject) => {
      fail = reject;
    });
    const waiting = failureOf(abandonable(promise, { scope }));
    cancel(scope);
    expect(await waiting).toMatchObject({ code: 'TT_CANCELLED' });
    fail?.(new Error('too late'));
    await loopTurn();
    expect(records).toMatchObject([{ kind: 'late', what: 'an abandoned promise', error: { message: 'too late' } }]);
  });

  test('of a scope that refuses, looks after the failure all the same', async () => {
    const scope = newScope();
    cancel(scope);
    const failing = loopTurn().then(() => Promise.reject(new Error('later')));
    expect(await failureOf(abandonable(failing, { scope }))).toMatchObject({ code: 'TT_CANCELLED' });
    await loopTurn();
    await loopTurn();
    expect(records).toMatchObject([{ kind: 'late' }]);
  });

  test('given up a thousand times, leaves one reaction on a promise that lives long', async () => {
    let reactions = 0;
    const endless = {
      // oxlint-disable-next-line unicorn/no-thenable -- counts what is left on it
      // biome-ignore lint/suspicious/noThenProperty: the same
      then: () => {
        reactions++;
        return endless as never;
      },
    };
    for (let i = 0; i < 1000; i++) {
      const scope = newScope();
      const waiting = failureOf(abandonable(endless as PromiseLike<never>, { scope }));
      cancel(scope);
      await waiting;
    }
    expect(reactions).toBe(1);
  });
});

test('without a scope a word waits in the one around it, and says so where there is none', async () => {
  const words: ((scope?: CancelScope) => Promise<unknown>)[] = [
    () => nextEvent(new EventEmitter(), 'x'),
    () => callback(() => {}),
    () => abandonable(new Promise(() => {})),
  ];
  for (const word of words) {
    expect(await failureOf(word())).toMatchObject({ code: 'TT_NO_SCOPE' });
    const scope = newScope();
    const waiting = failureOf(runInScope(scope, () => word()));
    cancel(scope);
    expect(await waiting).toMatchObject({ code: 'TT_CANCELLED' });
  }
});

test('a wait that nobody awaits is no unhandled rejection when it is cancelled', async () => {
  const words: ((scope: CancelScope) => Promise<unknown>)[] = [
    (scope) => nextEvent(new EventEmitter(), 'came', { scope }),
    (scope) => eventsOf(new EventEmitter(), 'came', { scope }).next(),
    (scope) => callback(() => {}, { scope }),
    (scope) => abandonable(new Promise(() => {}), { scope }),
  ];
  for (const word of words) {
    const scope = newScope();
    void word(scope);
    cancel(scope);
    void word(scope);
    const spent = newScope();
    while (!spent.host.scheduler.spend());
    void word(spent);
    cancel(spent);
    await loopTurn();
  }
});
