// One workload: every contender in a process of its own, warmed up, then round by round in turn, so that what disturbs the
// machine disturbs all alike.
import { Contender, ContenderFailed } from './contender.mjs';
import { ratioSummary, summary } from './statistics.mjs';

/** A contender that needs longer for a round does less in one; its rate tells the same. */
const LONGEST_ROUND_MS = 1_500;
/** So many rounds at least, and so long: where rounds are short, V8 is not done with its compiling after a few. */
const WARM_UP_ROUNDS = 3;
const WARM_UP_MS = 1_000;

/** The base of ratios, where a workload has none of its own. */
const FLOOR = 'floor';

export async function measureWorkload(part, workload, contenders, { rounds, quick, progress }) {
  const size = quick ? Math.max(1, Math.round(workload.size / 10)) : workload.size;
  const runs = contenders.map((contender) => ({
    ...contender,
    size,
    ms: [],
    cpuMs: [],
    figures: [],
    memory: [],
    delaysMs: [],
    failed: undefined,
  }));
  try {
    for (const [i, run] of runs.entries()) {
      progress(`${workload.name}: warming up ${run.label} (${i + 1} of ${runs.length})`);
      await trying(run, () => warmUp(part, workload, run));
    }
    for (let round = 0; round < rounds; round++) {
      progress(`${workload.name}: round ${round + 1} of ${rounds}`);
      // Turned around every round, so that nobody always follows the same neighbour.
      for (const run of round % 2 === 0 ? runs : runs.toReversed()) {
        if (run.failed !== undefined) continue;
        await trying(run, async () => {
          const { ms, cpuMs, figures } = await once(workload, run, run.size);
          run.ms.push(ms);
          run.cpuMs.push(cpuMs);
          run.figures.push(figures);
        });
      }
    }
    progress(`${workload.name}: event-loop delay and memory`);
    for (const run of runs) if (run.failed === undefined) await trying(run, () => watch(workload, run));
  } finally {
    for (const { process } of runs) process?.end();
  }
  return resultOf(workload, size, runs);
}

/** What would disturb the timing is measured in rounds of its own. */
async function watch(workload, run) {
  if (workload.memory === true) {
    for (let i = 0; i < 3; i++) run.memory.push((await once(workload, run, run.size, 'memory')).figures);
  }
  if (workload.watchDelay === false) return;
  for (let i = 0; i < 3; i++) run.delaysMs.push((await once(workload, run, run.size, 'delay')).delayMs);
}

async function trying(run, action) {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof ContenderFailed)) throw error;
    run.failed = error.message;
  }
}

async function warmUp(part, workload, run) {
  const { heapMb, timeoutMs } = workload;
  run.process = new Contender(part.file, run.label, { heapMb, timeoutMs });
  await run.process.ready();
  const { largest = Infinity } = await run.process.measure({ workload: workload.name, contender: run.name });
  run.size = Math.min(run.size, largest);
  const mayDoLess = workload.contenders[run.name] === undefined && workload.scalable !== false;
  const step = typeof workload.scalable === 'number' ? workload.scalable : 1;
  // From small to large, because some grow with the square of the number: each run says how long the next may be. The first
  // ones are cold, so what they say is taken with a grain of salt.
  for (const share of mayDoLess ? [100, 10, 1] : []) {
    const part = Math.max(step, Math.round(run.size / share / step) * step);
    const { ms } = await once(workload, run, part);
    const fits = Math.floor((part * LONGEST_ROUND_MS * Math.sqrt(share)) / ms / step) * step;
    run.size = Math.max(step, Math.min(run.size, fits));
  }
  const beganAt = performance.now();
  for (let i = 0; i < WARM_UP_ROUNDS || performance.now() - beganAt < WARM_UP_MS; i++) {
    await once(workload, run, run.size);
  }
}

/** Throws unless everything was delivered, once and in order. */
export async function once(workload, run, size, watch) {
  const { name, style, manyClasses } = run;
  const job = { workload: workload.name, contender: name, style, manyClasses, size, watch };
  const result = await run.process.measure(job);
  if (result.problem !== undefined) throw new ContenderFailed(result.problem);
  return result;
}

function resultOf(workload, size, runs) {
  const base = runs.find(({ name, failed }) => name === (workload.base ?? FLOOR) && failed === undefined);
  const perSecond = (run) => run.ms.map((ms) => (run.size * 1000) / ms);
  const perCpuSecond = (run) => run.cpuMs.map((ms) => (run.size * 1000) / ms);
  return {
    workload: workload.name,
    title: workload.title,
    unit: workload.unit,
    size,
    base: base?.label,
    figuresOnly: workload.figuresOnly === true,
    ...(workload.ancestor !== undefined && { ancestor: workload.ancestor }),
    contenders: runs.map((run) => {
      const { label, failed } = run;
      if (failed !== undefined) return { label, failed };
      const result = { label, size: run.size, perSecond: summary(perSecond(run)), figures: figuresOf(run) };
      if (workload.ancestor !== undefined) result.perCpuSecond = summary(perCpuSecond(run));
      if (base !== undefined) {
        result.ratio = ratioSummary(perSecond(run), perSecond(base));
        result.cpuRatio = ratioSummary(perCpuSecond(run), perCpuSecond(base));
      }
      if (run.delaysMs.length > 0) result.delayP99Ms = summary(run.delaysMs).median;
      const mustReach = workload.mustReach?.[label];
      if (mustReach !== undefined) result.mustReach = mustReach;
      return result;
    }),
  };
}

function figuresOf({ figures, memory }) {
  const of = (rounds) =>
    Object.keys(rounds[0] ?? {}).map((name) => [name, summary(rounds.map((round) => round[name]))]);
  return Object.fromEntries([...of(figures), ...of(memory)]);
}
