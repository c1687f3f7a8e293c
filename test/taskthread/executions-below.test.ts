/** The executions below a thread: who is asked, in which order, and how many of thousands. */
import { ThreadGroup, sleep } from '../../src/index.ts';
import { Party } from '../../src/kernel/party.ts';
import { executionsIn, holdingUpEndOf, type LookedAt } from '../../src/taskthread/executions-below.ts';
import { program } from './functions/running.ts';
import { checkThreads } from './toys.ts';

checkThreads();

interface Shape {
  readonly name: string;
  readonly state?: string;
  /** Its function or hook waits (true), goes on (false), or is over. */
  readonly waits?: boolean | undefined;
  readonly isFunction?: boolean;
  readonly daemon?: boolean;
  readonly tasks?: number;
  readonly children?: Iterable<Shape>;
}

/** As much of a thread as is looked at. */
function thread(shape: Shape): LookedAt {
  const { name, state = 'running', waits, isFunction = true, daemon = false, tasks = 0, children = [] } = shape;
  const party = waits === true ? { name } : undefined;
  const running = waits === undefined ? undefined : { waitingParty: party };
  return {
    state,
    tasksRunning: tasks,
    loopParty: isFunction ? undefined : party,
    hookParties: party === undefined ? [] : [party],
    isDaemon: daemon,
    body: isFunction ? { running, daemon } : undefined,
    children: edges(children),
    eachChild(further: LookedAt[]) {
      for (const child of children) further.push(thread(child));
    },
  } as unknown as LookedAt;
}

function edges(children: Iterable<Shape>): Iterable<unknown> {
  return {
    *[Symbol.iterator]() {
      for (const child of children) yield { child: thread(child) };
    },
  };
}

const namesOf = (parties: readonly unknown[]) => parties.map((party) => (party as { name: string }).name).join(' ');

/** The names of those that wait; `-` for one that goes on. */
function executions(top: Shape): string[] {
  return [...executionsIn(thread(top))].map((unit) => namesOf(unit) || '-');
}

describe('who could do something', () => {
  test.each<[string, Shape, string[]]>([
    ['a function that waits', { name: 'f', waits: true }, ['f']],
    ['one that goes on', { name: 'f', waits: false }, ['-']],
    ['one that has not begun', { name: 'f', state: 'entering' }, ['-']],
    ['one that is stopping: that comes to an end by time', { name: 'f', waits: true, state: 'stopping' }, ['-']],
    ['one that is over, by those below it', { name: 'f', children: [{ name: 'g', waits: true }] }, ['g']],
    ['a thread whose hook waits', { name: 't', isFunction: false, waits: true }, ['t']],
    ['one that has a task, too', { name: 't', isFunction: false, waits: true, tasks: 1 }, ['-']],
    ['one that is idle: it may be given something', { name: 't', isFunction: false }, ['-']],
    ['nobody', { name: 'f', state: 'stopped' }, ['-']],
  ])('%s', (_who, top, expected) => {
    expect(executions(top)).toEqual(expected);
  });

  test('depth first, so that what goes on below the first is met before the second', () => {
    const leaf = (name: string): Shape => ({ name, waits: true });
    const top = { name: 'top', waits: true, children: [{ ...leaf('a'), children: [leaf('a1')] }, leaf('b')] };
    expect(executions(top)).toEqual(['top', 'a', 'a1', 'b']);
  });

  test('of thousands none before its turn', () => {
    let made = 0;
    const children = {
      *[Symbol.iterator]() {
        for (;;) yield { name: `m${made++}`, waits: false };
      },
    };
    for (const unit of executionsIn(thread({ name: 'top', waits: true, children }))) if (unit.length === 0) break;
    expect(made).toBe(1);
  });
});

test('who holds up an end: all that run and wait, but for daemons below', () => {
  const waits = true;
  const children = [
    { name: 'a', waits },
    { name: 'd', waits, daemon: true, children: [{ name: 'e', waits }] },
  ];
  expect(namesOf(holdingUpEndOf(thread({ name: 'top', waits, daemon: true, children }) as never))).toBe('top a');
});

test('a join of all is not looked at with each member that ends', async () => {
  const looks = jest.spyOn(Party.prototype, 'lookAgain');
  await program(() =>
    ThreadGroup.run((group) => {
      for (let ms = 1; ms < 50; ms++) group.spawn(sleep, ms);
    }),
  );
  expect(looks).not.toHaveBeenCalled();
});
