/** Rescheduling tasks: TaskThread's three verbs, on a registry that cannot lose a handle. */
import type { TaskTurn } from '../../src/index.ts';
import { checkThreads, codeOf, forever, Gate, grow, say, settle, Toy, time, words } from './toys.ts';

checkThreads();

async function running(toy = new Toy({}, { stop: { drainMs: 100, cancelMs: 40 } })): Promise<Toy> {
  await grow(toy);
  return toy;
}

describe('a turn', () => {
  test('is followed by the next one when it was rescheduled, also if the answer is not returned', async () => {
    const toy = await running();
    let left = 3;
    toy.tasks.reCreate('forgetful', async (turn) => {
      say(`turn ${left}`);
      if (--left > 0) turn.reSchedule();
      await turn.sleep(1);
    });
    await time().advance(10);
    expect([words, toy.tasks.names]).toEqual([['turn 3', 'turn 2', 'turn 1'], []]);
  });

  test('comes after its delay', async () => {
    const toy = await running();
    toy.tasks.reCreate(
      'clock',
      (turn) => {
        say(`at ${time().now - 1000}`);
        return turn.reSchedule({ afterMs: 10 });
      },
      { afterMs: 5 },
    );
    await time().advance(30);
    expect(words).toEqual(['at 5', 'at 15', 'at 25']);
  });

  test('never overlaps another of the same task', async () => {
    const toy = await running();
    let inside = 0;
    let turns = 0;
    const body = async (turn: TaskTurn<unknown>) => {
      inside++;
      expect(inside).toBe(1);
      turn.reSchedule();
      turn.reSchedule();
      await turn.sleep(1);
      turns++;
      inside--;
    };
    toy.tasks.reCreate('a', body);
    await time().advance(20);
    expect(turns).toBeGreaterThan(10);
  });

  test('a word of an old turn does not reschedule the next one', async () => {
    const toy = await running();
    const turns: TaskTurn<unknown>[] = [];
    toy.tasks.reCreate('once', async (turn) => {
      turns.push(turn);
      say('turn');
      turns[0]?.reSchedule();
      await turn.sleep(1);
    });
    await time().advance(10);
    expect(words).toEqual(['turn', 'turn']);
  });

  test.each([-1, Number.NaN, '5'])('refuses a delay of %p', async (afterMs) => {
    const toy = await running(new Toy());
    toy.tasks.reCreate('bad', (turn) => {
      expect(() => turn.reSchedule({ afterMs: afterMs as number })).toThrow('reSchedule.afterMs');
    });
    expect(() => toy.tasks.reCreate('x', () => {}, { afterMs: afterMs as number })).toThrow('afterMs');
    expect(() => toy.tasks.reCreate('', () => {})).toThrow('name');
    expect(() => toy.tasks.reCreate('x', 5 as never)).toThrow('body');
    expect(() => toy.tasks.reCreate('x', () => {}, { intak: true } as never)).toThrow('intak');
    await settle();
  });
});

describe('reCreate', () => {
  test('the new first turn begins when the last turn of the old one has ended', async () => {
    const toy = await running();
    toy.tasks.reCreate('work', async (turn) => {
      say('old begins');
      await turn.sleep(100).catch(() => {});
      await turn.shield(10, (shielded) => shielded.sleep(5));
      say('old ends');
    });
    await settle();
    toy.tasks.reCreate('work', () => say('new begins'));
    await time().advance(20);
    expect(words).toEqual(['old begins', 'old ends', 'new begins']);
  });

  test('three times over: turns of one name never overlap', async () => {
    const toy = await running();
    const task = (name: string) => async (turn: TaskTurn<unknown>) => {
      say(`${name} begins`);
      await turn.sleep(10).catch(() => {});
      await turn.shield(10, (shielded) => shielded.sleep(5));
      say(`${name} ends`);
    };
    toy.tasks.reCreate('work', task('first'));
    await settle();
    toy.tasks.reCreate('work', task('never'));
    toy.tasks.reCreate('work', task('last'));
    await time().advance(50);
    expect(words).toEqual(['first begins', 'first ends', 'last begins', 'last ends']);
  });

  test('of itself, from inside its turn', async () => {
    const toy = await running();
    let left = 3;
    const body = async (turn: TaskTurn<unknown>): Promise<void> => {
      say(`begins ${left}`);
      if (--left > 0) toy.tasks.reCreate('self', body);
      await Promise.resolve();
      say(`cancelled ${turn.cancelled}`);
    };
    toy.tasks.reCreate('self', body);
    await time().advance(5);
    expect(words).toEqual(['begins 3', 'cancelled true', 'begins 2', 'cancelled true', 'begins 1', 'cancelled false']);
  });

  test('of one that does not yield fails the thread with TaskStuckError', async () => {
    const toy = await running();
    toy.events.on('failed', (error, where) => say(`${where} ${String(codeOf(error))}`));
    toy.tasks.reCreate('work', forever);
    await settle();
    toy.tasks.reCreate('work', () => say('never'));
    await time().advance(39);
    expect(words).toEqual([]);
    await time().advance(10);
    expect(words).toEqual(['task work TT_TASK_STUCK']);
    await time().advance(500);
  });

  test('of an intake task while the thread drains: the old one is still waited for, the new one never begins', async () => {
    const toy = new Toy({ exit: () => say('exit') }, { stop: { drainMs: 100, cancelMs: 40 } });
    await grow(toy);
    const gate = new Gate();
    toy.tasks.reCreate(
      'read',
      async () => {
        await gate.passed;
        toy.tasks.reCreate('read', () => say('never'), { intake: true });
        await Promise.resolve();
        say('old ends');
      },
      { intake: true },
    );
    await settle();
    toy.stop();
    await settle();
    gate.open();
    await settle();
    expect(words).toEqual(['old ends', 'exit']);
  });

  test('in exit is refused', async () => {
    const toy = new Toy({
      exit: (me) => {
        expect(() => me.tasks.reCreate('late', () => say('late'))).toThrow(
          expect.objectContaining({ code: 'TT_THREAD_STOPPING' }),
        );
      },
    });
    const root = await grow(toy);
    expect((await time().run(root.stop())).outcome).toBe('stopped');
  });
});

describe('delete', () => {
  const body = async (turn: TaskTurn<unknown>) => {
    await turn.sleep(1000).catch((error: unknown) => say(String(codeOf(error))));
    say('ended');
  };

  test('cancels, and resolves when the turn has ended', async () => {
    const toy = await running();
    toy.tasks.reCreate('work', body);
    await settle();
    await toy.tasks.delete('work');
    expect([words, toy.tasks.has('work')]).toEqual([['TT_CANCELLED', 'ended'], false]);
  });

  test.each(['that never was', 'that never started', 'that is done', 'that is delayed'])('of one %s', async (what) => {
    const toy = await running();
    if (what === 'that is delayed') toy.tasks.reCreate('work', body, { afterMs: 50 });
    else if (what !== 'that never was') toy.tasks.reCreate('work', what === 'that is done' ? () => {} : body);
    if (what !== 'that never started') await settle();
    await toy.tasks.delete('work');
    await toy.tasks.delete('work');
    await time().advance(100);
    expect([words, toy.tasks.names]).toEqual([[], []]);
  });

  test('of itself, in the synchronous part of its turn', async () => {
    const toy = await running();
    toy.tasks.reCreate('self', async (turn) => {
      const deleting = toy.tasks.delete('self').then(() => say('deleted'));
      turn.reSchedule();
      await deleting;
      say('turn ends');
    });
    await settle();
    expect([words, toy.tasks.names]).toEqual([['deleted', 'turn ends'], []]);
  });

  test.each(['its turn', 'a limited turn'])('of itself after an await, with %s as scope', async (which) => {
    const toy = await running();
    toy.tasks.reCreate('self', async (turn) => {
      await turn.sleep(1);
      if (which === 'its turn') await toy.tasks.delete('self', { scope: turn });
      else await turn.timeoutAfter(1000, (limited) => toy.tasks.delete('self', { scope: limited }));
      say('turn ends');
      return turn.reSchedule();
    });
    await time().advance(5);
    expect([words, toy.tasks.names]).toEqual([['turn ends'], []]);
  });

  test('of a stuck one rejects, and gives it up', async () => {
    const toy = await running();
    toy.tasks.reCreate('stuck', forever);
    await settle();
    const deleting = toy.tasks.delete('stuck');
    await time().advance(39);
    expect(toy.tasks.names).toEqual(['stuck']);
    const error = deleting.catch((e: unknown) => e);
    await time().advance(2);
    expect(await error).toMatchObject({ code: 'TT_TASK_STUCK', task: 'stuck' });
    expect(toy.tasks.names).toEqual([]);
  });

  test('waits for the old turn too when the task was just created again', async () => {
    const toy = await running();
    toy.tasks.reCreate('work', async (turn) => {
      await turn.sleep(10).catch(() => {});
      await turn.shield(10, (shielded) => shielded.sleep(5));
      say('old ends');
    });
    await settle();
    toy.tasks.reCreate('work', () => say('never'));
    const deleting = toy.tasks.delete('work').then(() => say('deleted'));
    await time().advance(20);
    await deleting;
    expect(words).toEqual(['old ends', 'deleted']);
  });
});

test('what is left at the end is deleted for the user', async () => {
  const toy = new Toy({ exit: (me) => say(`left ${me.tasks.names.length}`) });
  const root = await grow(toy);
  toy.tasks.reCreate('sleeper', (turn) => turn.sleep(100_000));
  toy.tasks.reCreate('delayed', () => say('never'), { afterMs: 100 });
  toy.tasks.reCreate('due', (turn) => turn.reSchedule({ afterMs: 7 }));
  await settle();
  expect((await time().run(root.stop())).verdict).toBe('clean');
  expect([words, time().clock.pendingTimers]).toEqual([['left 0'], 0]);
});
