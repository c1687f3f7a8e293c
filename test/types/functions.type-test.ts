/** The words of functions as threads, as types. */
import {
  currentThread,
  ignoreAfter,
  run,
  type Spawned,
  sleep,
  spawn,
  TaskThread,
  ThreadGroup,
  timeoutAfter,
} from '../../src/index.ts';

const add = (a: number, b: number): number => a + b;
const later = (text: string): Promise<string> => Promise.resolve(text);

class NumbersThread extends TaskThread<string, number> {}

export async function mustCompile(): Promise<void> {
  const sum: number = await run(add, 1, 2);
  const named: string = await run({ name: 'x' }, later, 'a');
  const thread: Spawned<string> = spawn(later, 'a');
  const daemon: Spawned<number> = spawn({ daemon: true }, add, 1, 2);
  const value: string = await thread.join();
  const result: number | undefined = daemon.result;
  const wider: Spawned<string | number> = thread;
  const limited: string = await timeoutAfter(5, later, 'a');
  await timeoutAfter(null, sleep, 5);
  const ignored = await ignoreAfter(5, add, 1, 2);
  if (!ignored.expired) ignored.result.toFixed();
  const child = await currentThread().addChild(() => new NumbersThread(), { onSignal: (n) => n.toFixed() });
  await child.send('text');
  await ThreadGroup.run(async (group: ThreadGroup<string>) => {
    group.spawn(later, 'a').result?.trim();
    (await group.nextResult()).trim();
    for await (const member of group) member.result?.trim();
  });
  void [sum, named, value, result, wider, limited];
}

export async function mustNotCompile(): Promise<void> {
  // @ts-expect-error -- an argument is missing
  await run(add, 1);
  // @ts-expect-error -- a string is no number
  spawn(add, 1, 'b');
  // @ts-expect-error -- one argument too many
  spawn({ daemon: true }, later, 'a', 'b');
  // @ts-expect-error -- there is no such option
  spawn({ deamon: true }, later, 'a');
  // @ts-expect-error -- a string is no number
  await timeoutAfter(5, add, 'a', 2);
  const ignored = await ignoreAfter(5, add, 1, 2);
  // @ts-expect-error -- it may have expired
  ignored.result.toFixed();
  // @ts-expect-error -- a function has no handler: what a child sends up needs onSignal
  await currentThread().addChild(() => new NumbersThread());
  await ThreadGroup.run((group: ThreadGroup<string>) => {
    // @ts-expect-error -- this member gives a number
    group.spawn(add, 1, 2);
  });
}
