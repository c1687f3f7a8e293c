// Two builds of the library in one process, and the floor: the same workload round by round in turn. Prints what a thing took of each
// round in nanoseconds of processor time, as JSON.

import { loadPart as loadOfThis } from './catalogue.mjs';
import { runTwentySubclasses as dirtyThis } from './twenty-subclasses.mjs';
import { runOnce } from './watch-arrivals.mjs';
import { Work } from './work.mjs';

const WARM_UP_ROUNDS = 6;
const { other, part, name, style, manyClasses, rounds, size } = JSON.parse(process.argv[2]);

/** By its own files, so that each build has code of its own, compiled for itself. */
async function loadOfOther() {
  const harness = new URL('bench/harness/', other);
  const { loadPart } = await import(new URL('catalogue.mjs', harness).href);
  if (manyClasses) await (await import(new URL('twenty-subclasses.mjs', harness).href)).runTwentySubclasses();
  return loadPart(part);
}

const workloadOf = ({ workloads }) => workloads.find((workload) => workload.name === name);

async function once(program) {
  const work = new Work({ size, style });
  await runOnce(program, work, ours.expected?.(size) ?? size);
  return (work.cpuMs * 1e6) / size;
}

if (manyClasses) await dirtyThis();
const ours = workloadOf(await loadOfThis(part));
const theirs = workloadOf(await loadOfOther());
if (theirs === undefined) throw new Error(`the other build has no workload ${name}`);
const programs = {
  this: ours.contenders.taskthread,
  other: theirs.contenders.taskthread,
  floor: ours.contenders.floor,
};
const took = { this: [], other: [], floor: [] };
const order = Object.keys(programs);
try {
  for (let round = 0; round < WARM_UP_ROUNDS + rounds; round++) {
    for (const who of order) {
      const ns = await once(programs[who]);
      if (round >= WARM_UP_ROUNDS) took[who].push(ns);
    }
    // So that nobody always follows the same neighbour.
    order.push(order.shift());
    if (round % 2 === 1) order.reverse();
  }
  console.log(JSON.stringify(took));
} catch (error) {
  console.error(`${name}: ${error.message}`);
  process.exit(1);
}
