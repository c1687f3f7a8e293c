// Twenty classes of threads that differ in code, fields and style of handler, run once each: after that every call site of the
// library has seen many shapes, as in a program of some size. Each is a module of its own, so that they share no compiled code.
import { start, TaskThread } from '../taskthread.mjs';

const SIGNALS = 2_000;

function sourceOf(i) {
  const fields = Array.from({ length: 1 + (i % 7) }, (_, k) => `f${i}_${k} = ${k};`).join(' ');
  const asynchronous = i % 3 === 0 ? 'async ' : '';
  return `export const make = (TaskThread) => class Kind${i} extends TaskThread {
    ${fields}
    handled = 0;
    ${i % 4 === 0 ? `enter() { this.f${i}_0 = 1; }` : ''}
    ${asynchronous}signalHandler(signal, turn) {
      this.handled += signal === ${i} ? 2 : 1;
      ${i % 3 === 0 ? 'await turn.sendToParent(signal);' : 'return turn.sendToParent(signal);'}
    }
    ${i % 5 === 0 ? `exit() { this.f${i}_0 = 2; }` : ''}
  }`;
}

export async function runTwentySubclasses() {
  for (let i = 0; i < 20; i++) {
    const { make } = await import(`data:text/javascript,${encodeURIComponent(sourceOf(i))}`);
    const Kind = make(TaskThread);
    let left = SIGNALS;
    let done;
    const heard = new Promise((resolve) => {
      done = resolve;
    });
    const Parent = class extends TaskThread {
      async enter() {
        const child = await this.addChild(() => new Kind());
        this.tasks.reCreate('send', async (turn) => {
          for (let n = 0; n < SIGNALS; n++) await turn.send(child, n % 2 === 0 ? n : `signal ${n}`);
        });
      }

      childSignalHandler() {
        if (--left === 0) done();
      }
    };
    const root = await start(() => new Parent());
    await heard;
    await root.stop();
  }
}
