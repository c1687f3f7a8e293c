/** Runs one random program from its first step to the end of its tree, and gives what was wrong. */
import { type LiveCounts, live } from '../../src/kernel/probe.ts';
import type { Child } from '../../src/taskthread/child.ts';
import { launch } from '../../src/taskthread/start.ts';
import { checkAtRest, checkEnd, checkNothingLeft } from './checks.ts';
import { Dice } from '../../src/testing/dice.ts';
import { codeOf, type Violation } from './ledger.ts';
import { makeProgram, type OutsideStep, type Program } from './program.ts';
import { RandomThread } from './random-thread.ts';
import { World } from './world.ts';

/** The process itself: the one that jest gives to tests is a copy, which hears of no rejection. */
const realProcess = (setImmediate.constructor as FunctionConstructor)('return process')() as NodeJS.Process;

export interface RunResult {
  readonly violations: readonly Violation[];
  readonly trace: readonly string[];
  readonly signals: number;
  readonly threads: number;
}

interface Root {
  readonly thread: RandomThread;
  readonly handle: Child<RandomThread>;
}

/** Runs a program. `traced` keeps the list of words, which costs time. */
export async function runProgram(program: Program, traced = false): Promise<RunResult> {
  const world = new World(program, traced);
  const { ledger } = world;
  const before = { ...live };
  const onUnhandled = (error: unknown): void => {
    ledger.blame('an unhandled rejection', `${codeOf(error)}: ${String(error)}`);
  };
  realProcess.on('unhandledRejection', onUnhandled);
  try {
    await runTree(world, before);
    checkEnd(world, before, live);
  } catch (error) {
    ledger.blame('the run itself threw', error instanceof Error ? (error.stack ?? '') : String(error));
  } finally {
    world.releaseAll();
    realProcess.off('unhandledRejection', onUnhandled);
  }
  const { violations, trace = [], signals, threads } = ledger;
  return { violations, trace, signals, threads: threads.length };
}

async function runTree(world: World, before: LiveCounts): Promise<void> {
  const { program, time, ledger } = world;
  const thread = new RandomThread(world, ledger.addEdge(program.root, undefined));
  const look = (): void => checkAtRest(world);
  const chance = new Dice(program.seed ^ 0x2545f491);
  const { handle, entered } = launch(() => thread as never, {
    clock: time.clock,
    scheduler: time.scheduler,
    random: () => chance.next(),
    onRecord: ledger.onRecord,
  });
  world.handles.push(handle);
  entered.catch(() => {});
  const root: Root = { thread, handle: handle as unknown as Child<RandomThread> };
  const start = time.now;
  const early = program.outside.filter((step) => step.atMs <= program.runMs);
  for (const step of early) {
    await time.passUntil(start + step.atMs, look);
    actOutside(world, root, step);
  }
  await time.passUntil(start + program.runMs, look);

  let stopped = false;
  const done = (): boolean => stopped;
  world.stop(thread.log, handle, program.lastStop).then(
    () => {
      stopped = true;
    },
    (error: unknown) => ledger.blame('a stop that rejects', String(error)),
  );
  for (const step of program.outside.slice(early.length)) {
    await time.passUntil(start + step.atMs, look, done);
    actOutside(world, root, step);
  }
  await time.passUntil(time.now + program.lastStop.drainMs + program.lastStop.cancelMs + 2, look, done);
  if (!stopped) ledger.blame('a stop that does not return', handle.path);

  await time.settle();
  checkNothingLeft(world, before, live);
  // What hangs may go on now: into a world in which its thread has ended.
  useWordsKept(world);
  await time.settle();
  world.releaseAll();
  await time.settle();
  useWordsKept(world);
  await time.passUntil(time.now + 100, look);
}

function actOutside(world: World, { thread, handle }: Root, step: OutsideStep): void {
  const { ledger } = world;
  const { down } = thread.log;
  ledger.say(() => `outside: ${step.op}`);
  const ignore = (): void => {};
  switch (step.op) {
    case 'send':
      world.send(down, (signal) => handle.send(signal), false)?.catch(ignore);
      break;
    case 'try':
      world.trySend(down, (signal) => handle.trySend(signal));
      break;
    case 'ask':
      world.ask(down, step.answer, (make) => handle.ask(make), false)?.catch(ignore);
      break;
    case 'snapshot':
      JSON.stringify(handle.snapshot());
      break;
    case 'join':
      void handle.join();
      break;
    case 'answer-late':
      world.replies.shift()?.();
      break;
    case 'words-kept':
      useWordsKept(world);
      break;
    case 'stop':
      world.stop(thread.log, handle, step.budget).catch((error) => ledger.blame('a stop that rejects', String(error)));
      break;
    case 'stop-any': {
      const any = world.handles[step.which % world.handles.length]!;
      // The wait is in the parent's scope, so a cancel of the parent ends it.
      world.stop(ledger.byPath(any.path)!, any, step.budget).catch((error: unknown) => {
        const code = codeOf(error);
        if (code !== 'TT_CANCELLED' && code !== 'TT_THREAD_ENDED') ledger.blame('a stop that rejects', String(error));
      });
      break;
    }
  }
}

/** Words of turns that are over: of a thread that has ended they all throw, else they are words like others. */
function useWordsKept(world: World): void {
  const { ledger } = world;
  for (const { turn, log } of world.turns.splice(0, 4)) {
    const ended = log.life.ended;
    const mustThrow = (what: string, work: Promise<unknown> | undefined): void => {
      if (work === undefined && ended) ledger.blame('a word after the end', `${what} of ${log.path}`);
      work?.then(
        () => ended && ledger.blame('a word after the end', `${what} of ${log.path}`),
        (error: unknown) => {
          if (ended && codeOf(error) !== 'TT_THREAD_ENDED') {
            ledger.blame('not ThreadEndedError after the end', `${what} of ${log.path}: ${String(error)}`);
          }
        },
      );
    };
    mustThrow('sleep', turn.sleep(1));
    mustThrow('sleep 0', turn.sleep(0));
    if (log.parent !== undefined)
      mustThrow(
        'sendToParent',
        world.send(log.up, (signal) => turn.sendToParent(signal), false),
      );
    mustThrow(
      'shield',
      turn.shield(5, (inner) => inner.sleep(1)),
    );
    mustThrow(
      'timeoutAfter',
      turn.timeoutAfter(5, (inner) => inner.sleep(1)),
    );
    if (log.parent !== undefined)
      mustThrow(
        'askParent',
        world.ask(log.up, 'with', (make) => turn.askParent(make, { timeoutMs: 3 }), false),
      );
    if (ended && !turn.cancelled) ledger.blame('a word after the end', `cancelled of ${log.path}`);
    try {
      turn.stop();
      if (ended) ledger.blame('a word after the end', `stop of ${log.path}`);
    } catch (error) {
      if (!ended || codeOf(error) !== 'TT_THREAD_ENDED') throw error;
    }
  }
}

/** Runs the program of a seed. */
export function runSeed(seed: number, traced = false): Promise<RunResult> {
  return runProgram(makeProgram(seed), traced);
}
