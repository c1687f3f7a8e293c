/** The program that signal-event.integration.test.ts runs: works until Ctrl-C, counts SIGUSR2, cleans up. */
import { run, SignalEvent, sleep, spawn } from 'taskthread';

await run(async () => {
  using quit = new SignalEvent('SIGINT', 'SIGTERM');
  using count = new SignalEvent('SIGUSR2');
  const counter = spawn(async () => {
    for (let n = 1; ; n++) {
      await count.wait();
      count.clear();
      console.log(`counted ${n}`);
    }
  });
  const worker = spawn(async () => {
    try {
      for (;;) await sleep(10); // Keeps the process alive, as a server would.
    } finally {
      console.log('worker cleans up');
    }
  });
  console.log('ready');
  await quit.wait();
  console.log(`${quit.last}: ends`);
  await Promise.all([counter.cancel(), worker.cancel()]);
});
console.log('over');
