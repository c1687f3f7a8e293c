/**
 * How many steps a second a simulation does, with all its checks: five tasks of fifty checkpoints each, run again and again.
 *
 *     node scripts/build.mjs && node bench/simulation/steps.mjs [seconds]
 */
import { explore, TaskThread } from '../taskthread.mjs';

class FiveTasksThread extends TaskThread {
  enter() {
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      this.tasks.reCreate(name, async (turn) => {
        for (let i = 0; i < 50; i++) await turn.sleep(0);
      });
    }
  }
}

const seconds = Number(process.argv[2] ?? 3);
for (const strategy of ['random', 'priority', 'delay']) {
  const began = process.cpuUsage();
  const { runs, steps } = await explore({ seconds, strategy }, async (sim) => {
    const root = await sim.start(() => new FiveTasksThread());
    await sim.sleep(1);
    await root.stop();
  });
  const { user, system } = process.cpuUsage(began);
  const perSecond = Math.round((steps * 1e6) / (user + system));
  console.log(
    `${strategy}: ${runs} runs, ${steps} steps, ${perSecond.toLocaleString('en')} steps a second of one core's time`,
  );
}
