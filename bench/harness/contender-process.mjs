// One contender in a process of its own: does what the harness asks over the channel, one measurement at a time.
//
//     { workload, contender, style, manyClasses, size, watch } ──► { problem, ms, cpuMs, figures, delayMs } | { error }
//
// No collection is forced between measurements: V8 lets the shapes of objects die of which none is alive, and throws the code
// away that was compiled for them, which no program sees that has a tree (or a queue) all the time.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { runTwentySubclasses } from './twenty-subclasses.mjs';
import { watchArrivals } from './watch-arrivals.mjs';
import { Work } from './work.mjs';

const [file, peer] = process.argv.slice(2);
const { workloads } = await import(pathToFileURL(file).href);

const peers = new Map();
let dirtied = false;

async function peerOf(workload, contender) {
  if (workload.contenders[contender] !== undefined) return undefined;
  if (!peers.has(contender)) peers.set(contender, await import(new URL(`../peers/${contender}.mjs`, import.meta.url)));
  return peers.get(contender);
}

async function programOf(workload, contender) {
  const peer = await peerOf(workload, contender);
  return peer === undefined ? workload.contenders[contender] : peer.programs[workload.name];
}

async function measure(job) {
  const workload = workloads.find(({ name }) => name === job.workload);
  if (job.size === undefined) return { largest: (await peerOf(workload, job.contender))?.largest?.[workload.name] };
  const program = await programOf(workload, job.contender);
  if (job.manyClasses && !dirtied) {
    dirtied = true;
    await runTwentySubclasses();
  }
  const work = new Work(job);
  const delay = job.watch === 'delay' ? monitorEventLoopDelay({ resolution: 1 }) : undefined;
  if (delay !== undefined) {
    delay.enable();
    await later(20);
    delay.reset();
    // The monitor does not count the first time after a reset.
    await later(5);
  }
  const watch = watchArrivals(work, (error) => process.send({ error }));
  const counted = await program(work);
  // What was sent once too often may still be under way.
  await later(1);
  clearInterval(watch);
  // The monitor's own timer must run once more to see what the last turn of the event loop took.
  if (delay !== undefined) {
    await later(5);
    delay.disable();
  }
  const expected = workload.expected?.(job.size) ?? job.size;
  return {
    problem: work.problem(counted, expected),
    ms: work.ms,
    cpuMs: work.cpuMs,
    figures: work.figures,
    delayMs: delay && delay.percentile(99) / 1e6,
  };
}

function later(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

process.on('message', (job) => {
  measure(job).then(
    (result) => process.send(result),
    (error) => process.send({ error: String(error?.stack ?? error) }),
  );
});
process.on('disconnect', () => process.exit());
process.title = `bench ${peer ?? ''}`;
process.send({ ready: true });
