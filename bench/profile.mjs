// npm run profile -- tell: where the time of one workload goes, and what it allocates. Writes a CPU profile that Chrome's
// developer tools and editors open, and prints the functions that used most. The programs are those of npm run bench.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { SourceMap } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadPart, partNames } from './harness/catalogue.mjs';
import { expect, OptionError, parseCommand } from './harness/options.mjs';
import { installPeers } from './harness/peers.mjs';
import { progress, progressOver } from './harness/progress.mjs';
import { markdown } from './harness/tables.mjs';
import { runTwentySubclasses } from './harness/twenty-subclasses.mjs';
import { runOnce } from './harness/watch-arrivals.mjs';
import { Work } from './harness/work.mjs';

const HELP = `usage: npm run profile -- workload [options]
  workload              a workload of npm run bench -- --list, or a part: its first workload
  --contender NAME      whose program (taskthread, or the workload's first); for a peer's the peers are installed
  --await               await every send
  --20-classes          after twenty other classes have run
  --rounds N            so many runs under the profiler (10)
  --top N               so many functions (25)
  --out DIR             where to write the profile (bench/results)`;

const OPTIONS = {
  contender: { type: 'string' },
  await: { type: 'boolean', default: false },
  '20-classes': { type: 'boolean', default: false },
  rounds: { type: 'string', default: '10' },
  top: { type: 'string', default: '25' },
  out: { type: 'string', default: fileURLToPath(new URL('results', import.meta.url)) },
  help: { type: 'boolean', default: false },
};
const WARM_UP_ROUNDS = 5;
const SAMPLING_US = 200;

async function readCommand() {
  const { values, positionals } = parseCommand(process.argv.slice(2), OPTIONS);
  if (values.help) return { help: true };
  const wanted = positionals.join(' ');
  const parts = await Promise.all(partNames.map(loadPart));
  const all = parts.flatMap(({ workloads }) => workloads);
  const workload = all.find(({ name }) => name === wanted) ?? parts.find(({ name }) => name === wanted)?.workloads[0];
  expect('workload', wanted, workload !== undefined, `one of ${all.map(({ name }) => name).join(' | ')}`);
  for (const name of ['rounds', 'top'])
    expect(`--${name}`, values[name], /^[1-9]\d*$/.test(values[name]), 'a whole number');
  const contenders = [...Object.keys(workload.contenders), ...(workload.peers ?? [])];
  const { contender = contenders[0] } = values;
  expect('--contender', contender, contenders.includes(contender), `one of ${contenders.join(', ')}`);
  return { ...values, workload, contender };
}

async function programOf({ workload, contender }) {
  if (workload.contenders[contender] !== undefined) return workload.contenders[contender];
  installPeers(progress);
  progressOver();
  return (await import(`./peers/${contender}.mjs`)).programs[workload.name];
}

async function main(command) {
  const { workload } = command;
  const program = await programOf(command);
  const run = async (rounds) => {
    let ms = 0;
    for (let i = 0; i < rounds; i++) {
      const work = new Work({ size: workload.size, style: command.await ? 'await' : 'sync' });
      await runOnce(program, work, workload.expected?.(workload.size) ?? workload.size);
      ms += work.ms;
    }
    return ms;
  };
  if (command['20-classes']) await runTwentySubclasses();
  await run(WARM_UP_ROUNDS);
  const rounds = Number(command.rounds);
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_US });
  await session.post('Profiler.start');
  const ms = await run(rounds);
  const { profile } = await session.post('Profiler.stop');
  const each = (ms * 1e6) / rounds / workload.size;
  console.log(
    `${workload.title}: ${each.toFixed(0)} ns each under the profiler, ${rounds} x ${workload.size} ${workload.unit}\n`,
  );
  const top = Number(command.top);
  console.log(cpuTable(profile, each, top));
  await session.post('HeapProfiler.enable');
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: 16_384,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  await run(1);
  const allocations = await session.post('HeapProfiler.stopSampling');
  console.log(allocationTable(allocations.profile, workload.size, top));
  session.disconnect();
  mkdirSync(command.out, { recursive: true });
  const how = ['await', '20-classes'].filter((option) => command[option]);
  const name = [workload.name, command.contender, ...how].join('-').replaceAll(/[^a-z0-9]+/gi, '-');
  const file = join(command.out, `${name}.cpuprofile`);
  writeFileSync(file, JSON.stringify(profile));
  console.log(`written: ${file}`);
}

function cpuTable({ nodes, samples, timeDeltas }, nsEach, top) {
  const self = new Map();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  let total = 0;
  for (const [i, id] of samples.entries()) {
    const us = Math.max(0, timeDeltas[i]);
    const name = nameOf(byId.get(id).callFrame);
    self.set(name, (self.get(name) ?? 0) + us);
    total += us;
  }
  const rows = largest(self, top).map(([name, us]) => {
    return [name, `${((us * 100) / total).toFixed(1)} %`, ((us / total) * nsEach).toFixed(1)];
  });
  return `${markdown(['function', 'self time', 'ns each'], rows)}\n`;
}

function allocationTable({ head }, size, top) {
  const self = new Map();
  const walk = (node) => {
    const name = nameOf(node.callFrame);
    self.set(name, (self.get(name) ?? 0) + node.selfSize);
    for (const child of node.children) walk(child);
  };
  walk(head);
  const total = [...self.values()].reduce((a, b) => a + b, 0);
  const rows = largest(self, top).map(([name, bytes]) => [name, (bytes / size).toFixed(1)]);
  return `${markdown(['allocates', 'bytes each'], [['all', (total / size).toFixed(1)], ...rows])}\n`;
}

function largest(map, top) {
  return [...map]
    .filter(([, value]) => value > 0)
    .sort(([, a], [, b]) => b - a)
    .slice(0, top);
}

function nameOf({ functionName, url, lineNumber, columnNumber }) {
  const place = url === '' ? '' : ` ${placeOf(url, lineNumber, columnNumber)}`;
  return `${functionName || '(anonymous)'}${place}`;
}

/** In the sources, where the file has a map to them. */
function placeOf(url, line, column) {
  const { originalSource = url, originalLine = line } = mapOf(url)?.findEntry(line, column) ?? {};
  return `${originalSource.split('/').slice(-2).join('/')}:${originalLine + 1}`;
}

const maps = new Map();

function mapOf(url) {
  if (!maps.has(url)) {
    const file = url.startsWith('file:') ? `${fileURLToPath(url)}.map` : '';
    maps.set(url, existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, 'utf8'))) : undefined);
  }
  return maps.get(url);
}

try {
  const command = await readCommand();
  if (command.help) console.log(HELP);
  else await main(command);
} catch (error) {
  console.error(error instanceof OptionError ? error.message : error);
  process.exitCode = error instanceof OptionError ? 2 : 1;
}
