// npm run bench:builds -- OTHER tell: is this tree faster than another one? Both builds run in one process, round by round in turn, so
// that what disturbs the machine disturbs both; and in several processes, because V8 compiles no two of them alike.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { loadPart, partNames } from './harness/catalogue.mjs';
import { ContenderFailed, endAllWhenInterrupted, running } from './harness/contender.mjs';
import { expect, OptionError, parseCommand } from './harness/options.mjs';
import { progress, progressOver } from './harness/progress.mjs';
import { ratioSummary, summary } from './harness/statistics.mjs';
import { markdown } from './harness/tables.mjs';

const HELP = `usage: npm run bench:builds -- OTHER workload [workload ...] [options]
  OTHER                 another checkout of this repository that is installed and built
                        (git worktree add ../other REV; then npm ci and npm run build in it)
  workload              a workload of npm run bench -- --list that has a floor, or a part: all of those in it
  --await               await every send
  --20-classes          after twenty other classes have run
  --processes N         so many processes of each workload (6)
  --rounds N            so many rounds in each, after the warm-up (15)
  --quick               a tenth of the size`;

const OPTIONS = {
  await: { type: 'boolean', default: false },
  '20-classes': { type: 'boolean', default: false },
  processes: { type: 'string', default: '6' },
  rounds: { type: 'string', default: '15' },
  quick: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
};
const TIMEOUT_MS = 300_000;
const root = fileURLToPath(new URL('..', import.meta.url));
const program = fileURLToPath(new URL('harness/two-builds-process.mjs', import.meta.url));
const run = promisify(execFile);

endAllWhenInterrupted('interrupted');

async function readCommand() {
  const { values, positionals } = parseCommand(process.argv.slice(2), OPTIONS);
  if (values.help) return { help: true };
  const [other, ...wanted] = positionals;
  const isOther = other !== undefined && resolve(other) !== resolve(root);
  const isBuilt = isOther && ['dist/esm', 'bench/harness'].every((folder) => existsSync(join(other, folder)));
  expect('OTHER', other ?? '', isBuilt, 'another checkout of this repository, with its dist (npm run build)');
  for (const name of ['processes', 'rounds'])
    expect(`--${name}`, values[name], /^[1-9]\d*$/.test(values[name]), 'a whole number of at least 1');
  return { ...values, other: pathToFileURL(`${resolve(other)}/`).href, workloads: await workloadsOf(wanted) };
}

async function workloadsOf(wanted) {
  const parts = await Promise.all(partNames.map(loadPart));
  const comparable = ({ contenders, figuresOnly }) => contenders.floor && contenders.taskthread && figuresOnly !== true;
  const all = parts.flatMap(({ name: part, workloads }) =>
    workloads.filter(comparable).map((workload) => ({ part, workload })),
  );
  const names = [...new Set(all.flatMap(({ part, workload }) => [part, workload.name]))];
  expect('workload', '', wanted.length > 0, `one of ${names.join(' | ')}`);
  for (const name of wanted) expect('workload', name, names.includes(name), `one of ${names.join(' | ')}`);
  return all.filter(({ part, workload }) => wanted.includes(part) || wanted.includes(workload.name));
}

async function roundsOf(job) {
  const measuring = run(process.execPath, [program, JSON.stringify(job)], { timeout: TIMEOUT_MS });
  running(measuring.child);
  try {
    return JSON.parse((await measuring).stdout);
  } catch ({ stderr, message }) {
    throw new ContenderFailed(stderr?.trim() || message);
  }
}

async function compare({ part, workload }, { other, quick, ...options }) {
  const processes = Number(options.processes);
  const job = {
    other,
    part,
    name: workload.name,
    style: options.await ? 'await' : 'sync',
    manyClasses: options['20-classes'],
    rounds: Number(options.rounds),
    size: quick ? Math.round(workload.size / 10) : workload.size,
  };
  const medians = [];
  for (let i = 0; i < processes; i++) {
    progress(`${workload.name}: process ${i + 1} of ${processes}`);
    const took = await roundsOf(job);
    medians.push({
      ns: summary(took.this).median,
      speed: ratioSummary(took.other, took.this).median,
      toFloor: ratioSummary(took.floor, took.this).median,
      otherToFloor: ratioSummary(took.floor, took.other).median,
    });
  }
  const of = (figure) => summary(medians.map((process) => process[figure]));
  const speed = of('speed');
  return [
    workload.name,
    of('ns').median.toFixed(0),
    `${speed.median.toFixed(2)} (${speed.min.toFixed(2)} to ${speed.max.toFixed(2)})`,
    of('toFloor').median.toFixed(2),
    of('otherToFloor').median.toFixed(2),
  ];
}

try {
  const command = await readCommand();
  if (command.help) console.log(HELP);
  else {
    const rows = [];
    for (const each of command.workloads) rows.push(await compare(each, command));
    progressOver();
    const head = ['', 'ns each, processor time', 'times as fast as the other (range over processes)'];
    console.log(markdown([...head, 'ratio to the floor', 'the other to the floor'], rows));
  }
} catch (error) {
  progressOver();
  console.error(error instanceof OptionError || error instanceof ContenderFailed ? error.message : error);
  process.exitCode = error instanceof OptionError ? 2 : 1;
}
