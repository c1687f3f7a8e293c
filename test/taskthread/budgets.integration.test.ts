/** Law 10, in real time: a stop of a tree that hangs everywhere returns, and names what hangs. */
import { type Child, start } from '../../src/index.ts';
import { leakCheck } from '../../src/testing/index.ts';
import { forever, Toy } from './toys.ts';

/** The time that this process has worked: that of a busy machine's other processes is not in it. */
function workedMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const hung = () => new Toy({ signal: forever, exit: forever });

test.each([999, 10])(
  'a tree of 1,000 threads in which every handler and every exit hangs, each with %d children, is given up within a second of work',
  async (width) => {
    const check = leakCheck();
    const top = hung();
    const root = (await start(top as never)) as unknown as Child<Toy>;
    void root.send(0);
    const paths = [root.path];
    for (let line = [top]; paths.length < 1000; ) {
      const next: Toy[] = [];
      for (const parent of line) {
        for (let i = 0; i < width && paths.length < 1000; i++) {
          const toy = hung();
          const child = await parent.add(toy);
          void child.send(i);
          paths.push(child.path);
          next.push(toy);
        }
      }
      line = next;
    }
    const before = workedMs();
    const report = await root.stop({ drainMs: 200, cancelMs: 100 });
    expect(workedMs() - before).toBeLessThan(1000);
    const named = report.abandoned.map(({ path, hungOn }) => [path, hungOn.map(({ what }) => what).join()].join());
    expect(named.toSorted()).toEqual(paths.map((path) => `${path},signalHandler,exit`).toSorted());
    check();
  },
);
