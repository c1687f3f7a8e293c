// The pipeline against the reference program (plain-node-pipeline.mjs): the same loads, alternating in one run.
//
// Every measurement is a fresh process with a fresh database file, two clouds and one process of devices on this machine.
// Wall time counts from the first byte sent until both clouds have checked the last frame and its row is committed; CPU time
// is the pipeline's own (user and system), memory its peak (VmHWM). Order, content and number of all frames are verified at
// both clouds and in the file every time; a measurement that fails this ends the run with exit code 1.
//
// Ratios are pipeline/reference in one round, shown are their median and range: of speed (frames per second; 1 is equal, more
// is faster), of CPU time and of memory (less is better). Needs `npm run build`; speed ratios below --min-ratio (off) make the exit code 1.
import { existsSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ratioSummary, summary } from '../harness/statistics.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const examples = join(here, '../../dist/examples/tcp-pipeline');
const HELP = `usage: node bench/pipeline/compare.mjs [options]
  --rounds N            measurements of each program per load (5)
  --load small|large    only this load (both)
  --small-frames N      frames of 64 B over 4 connections (200000)
  --large-frames N      frames of 1 MiB over 4 connections (400)
  --destinations N      clouds (2)
  --pipeline CMD        the program under test, split at spaces (node dist/examples/tcp-pipeline/main.js)
  --reference CMD       what it is compared with (node bench/pipeline/plain-node-pipeline.mjs)
  --json                the last line is the result as one JSON object
  --markdown FILE       write the tables there
  --min-ratio R         exit 1 if the median of the rounds' speed ratios is below
  --max-memory-mb M     exit 1 if a peak of the pipeline is above
  --timeout-s S         of one measurement (120)`;

const COUNTS = ['rounds', 'small-frames', 'large-frames', 'destinations'];
/** With the largest of each: a timer of Node can wait for so many seconds. */
const NUMBERS = { 'min-ratio': Infinity, 'max-memory-mb': Infinity, 'timeout-s': 2_147_483 };

function readOptions() {
  const { values } = parseArgs({ options: OPTIONS });
  for (const name of COUNTS) {
    const value = String(values[name]);
    if (!/^[1-9]\d*$/.test(value))
      throw new TypeError(`--${name} is "${value}", expected a whole number of at least 1`);
  }
  for (const [name, largest] of Object.entries(NUMBERS)) {
    const value = String(values[name]);
    if (value.trim() === '' || !(Number(value) >= 0 && Number(value) <= largest))
      throw new TypeError(`--${name} is "${value}", expected a number from 0 to ${largest}`);
  }
  const load = String(values.load);
  if (!['small', 'large', 'both'].includes(load)) {
    throw new TypeError(`--load is "${load}", expected small, large or both`);
  }
  return values;
}

const OPTIONS = {
  rounds: { type: 'string', default: '5' },
  load: { type: 'string', default: 'both' },
  'small-frames': { type: 'string', default: '200000' },
  'large-frames': { type: 'string', default: '400' },
  destinations: { type: 'string', default: '2' },
  pipeline: { type: 'string', default: `${process.execPath} ${join(examples, 'main.js')}` },
  reference: { type: 'string', default: `${process.execPath} ${join(here, 'plain-node-pipeline.mjs')}` },
  json: { type: 'boolean', default: false },
  markdown: { type: 'string' },
  'min-ratio': { type: 'string', default: '0' },
  'max-memory-mb': { type: 'string', default: 'Infinity' },
  'timeout-s': { type: 'string', default: '120' },
  help: { type: 'boolean', default: false },
};
let values;
try {
  values = readOptions();
} catch (error) {
  console.error(error.message);
  process.exit(2);
}
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
if (!existsSync(join(examples, 'demo/rig.js'))) {
  console.error('dist/examples is missing: npm run build');
  process.exit(2);
}
const { PipelineRig } = await import('../../dist/examples/tcp-pipeline/demo/rig.js');
const { readStored } = await import('../../dist/examples/tcp-pipeline/demo/stored.js');

const timeoutMs = Number(values['timeout-s']) * 1000;
const loads = [
  { name: 'small', size: 64, frames: Number(values['small-frames']) },
  { name: 'large', size: 1 << 20, frames: Number(values['large-frames']) },
].filter(({ name }) => values.load === 'both' || values.load === name);
const programs = [
  { name: 'reference', command: values.reference.split(' ') },
  { name: 'pipeline', command: values.pipeline.split(' ') },
];

// On a machine that is busy with something else, look at the CPU time and at the fastest runs.
const [busyBefore] = loadavg();

let rig;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    void Promise.resolve(rig?.close()).then(() => process.exit(130));
  });
}

/** One fresh process of the program under this load; throws unless everything arrived whole and in order. */
async function measure(command, { frames, size }) {
  const destinations = Number(values.destinations);
  rig = new PipelineRig({ pipeline: command, demoFolder: join(examples, 'demo'), destinations, expect: frames });
  try {
    await rig.start();
    const idleCpuMs = rig.pipeline.cpuMs();
    const devices = rig.startDevices('--connections', '4', '--frames', `${frames}`, '--size', `${size}`, '--no-digest');
    const started = await devices.waitReport('started', timeoutMs);
    const deliveredAt = await rig.waitDelivered(timeoutMs);
    const cpuMs = rig.pipeline.cpuMs() - idleCpuMs;
    await devices.waitExit(timeoutMs);
    const { exit, elapsedMs: stopMs } = await rig.stop(timeoutMs);
    if (exit.code !== 0)
      throw new Error(`exit ${exit.code ?? exit.signal}: ${rig.pipeline.lines.slice(-5).join('; ')}`);
    for (let i = 0; i < destinations; i++) verify(`cloud ${i}`, await rig.stopCloud(i), frames);
    verify('database', (await readStored(rig.databaseFile, { digests: false })).counts, frames);
    const wallMs = deliveredAt - Number(started.at);
    const peakMb = rig.peakMemory / 2 ** 20;
    return {
      wallMs,
      cpuMs,
      peakMb,
      stopMs,
      perSecond: (frames * 1000) / wallMs,
      mbPerSecond: (frames * size) / wallMs / 1000,
    };
  } finally {
    await rig.close();
  }
}

function verify(where, counts, frames) {
  const { messages, repeats, missing, outOfOrder, corrupt } = counts;
  if (messages === frames && repeats + missing + outOfOrder + corrupt === 0) return;
  throw new Error(`${where}: expected ${frames} frames, got ${JSON.stringify(counts)}`);
}

async function compareUnder(load) {
  const runs = { reference: [], pipeline: [] };
  for (let round = 0; round < Number(values.rounds); round++) {
    // Turned around every round, so that neither program always comes second.
    for (const program of round % 2 === 0 ? programs : programs.toReversed()) {
      const run = await measure(program.command, load);
      runs[program.name].push(run);
      console.log(
        `${load.name} ${round + 1} ${program.name.padEnd(9)} ${run.wallMs.toFixed(0)} ms  ${run.perSecond.toFixed(0)} frames/s  ` +
          `${run.mbPerSecond.toFixed(1)} MB/s  cpu ${run.cpuMs} ms  peak ${run.peakMb.toFixed(0)} MB`,
      );
    }
  }
  const of = (name, key) => runs[name].map((run) => run[key]);
  const result = { load, runs };
  for (const [name, [first]] of Object.entries(runs)) {
    result[name] = Object.fromEntries(Object.keys(first).map((key) => [key, summary(of(name, key))]));
  }
  const ratio = (key) => ratioSummary(of('pipeline', key), of('reference', key));
  result.ratio = {
    speed: ratio('perSecond'),
    // What else runs on the machine only ever slows a run down, so the fastest ones are disturbed least.
    speedOfFastest: result.pipeline.perSecond.max / result.reference.perSecond.max,
    cpu: ratio('cpuMs'),
    memory: ratio('peakMb'),
  };
  return result;
}

function table({ load, reference, pipeline, ratio }) {
  const cell = ({ median, min, max }, digits) =>
    `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;
  const row = (label, key, digits, factor) =>
    `| ${label} | ${cell(reference[key], digits)} | ${cell(pipeline[key], digits)} | ${factor ? cell(factor, 2) : ''} |`;
  return [
    `### ${load.frames} frames of ${load.size} B, 4 connections, ${values.destinations} destinations`,
    '',
    '| median (range) | reference | pipeline | ratio |',
    '| --- | --- | --- | --- |',
    row('frames/s', 'perSecond', 0, ratio.speed),
    row('MB/s', 'mbPerSecond', 1, ratio.speed),
    `| frames/s of the fastest | ${reference.perSecond.max.toFixed(0)} | ${pipeline.perSecond.max.toFixed(0)} | ${ratio.speedOfFastest.toFixed(2)} |`,
    row('CPU time, ms', 'cpuMs', 0, ratio.cpu),
    row('peak memory, MB', 'peakMb', 0, ratio.memory),
    row('stop, ms', 'stopMs', 0),
    '',
  ].join('\n');
}

try {
  const results = [];
  for (const load of loads) results.push(await compareUnder(load));
  const cpu = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}`;
  const machine = `Node ${process.version}, ${cpu}, load average ${busyBefore.toFixed(1)} before, ${Number(values.rounds)} rounds each`;
  const text = `${machine}\n\n${results.map(table).join('\n')}`;
  console.log(`\n${text}`);
  if (values.markdown !== undefined) writeFileSync(values.markdown, text);
  const slow = results.filter(({ ratio }) => ratio.speed.median < Number(values['min-ratio']));
  const big = results.filter(({ pipeline }) => pipeline.peakMb.max > Number(values['max-memory-mb']));
  for (const { load, ratio } of slow)
    console.error(`${load.name}: speed ratio ${ratio.speed.median.toFixed(2)} is too low`);
  for (const { load, pipeline } of big) console.error(`${load.name}: peak of ${pipeline.peakMb.max.toFixed(0)} MB`);
  if (values.json) console.log(JSON.stringify({ event: 'compared', machine, results }));
  process.exitCode = slow.length + big.length > 0 ? 1 : 0;
} catch (error) {
  console.error(error instanceof Error ? error.stack : error);
  process.exitCode = 1;
}
