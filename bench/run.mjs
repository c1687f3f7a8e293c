// npm run bench: this library, its peers, and what can be written by hand, side by side. How to add a workload: README.md.
//
// Only ratios within one run mean something on a machine that others use too; absolute figures stand beside them. A
// contender that did not deliver everything, in order, is reported as such and not timed.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contendersOf, loadPart, partNames } from './harness/catalogue.mjs';
import { checkPart } from './harness/check-workload.mjs';
import { endAll, endAllWhenInterrupted, running } from './harness/contender.mjs';
import { describeMachine, machineLine } from './harness/machine.mjs';
import { measureWorkload } from './harness/measure-workload.mjs';
import { expect, HELP, OptionError, readOptions } from './harness/options.mjs';
import { installPeers, peerVersions } from './harness/peers.mjs';
import { progress, progressOver } from './harness/progress.mjs';
import { overviewOf, tableOf } from './harness/tables.mjs';

endAllWhenInterrupted('interrupted: what was measured so far is not written');

async function main(options) {
  const parts = await Promise.all(options.parts.map(loadPart));
  for (const part of parts) if (!options.large) part.workloads = part.workloads.filter(({ large }) => large !== true);
  options.only = contendersMeant(parts, options);
  if (options.list) list(parts, options);
  else if (options.check) await check(parts, options);
  else await measure(parts, options);
}

/** A name that stands for nobody would give an empty table. */
function contendersMeant(parts, { only, ...options }) {
  const all = parts.flatMap(({ workloads }) =>
    workloads.flatMap((workload) => contendersOf(workload, { ...options, only: undefined })),
  );
  const names = [...new Set(all.flatMap(({ label, name }) => [label, name]))];
  const meant = only?.flatMap((value) =>
    names.includes(value) ? [value] : value.split(',').map((name) => name.trim()),
  );
  for (const name of meant ?? []) expect('--only', name, names.includes(name), `one of ${names.join(' | ')}`);
  return meant;
}

function list(parts, options) {
  for (const { name, workloads } of parts) {
    console.log(name);
    for (const workload of workloads) {
      const labels = contendersOf(workload, options).map(({ label }) => label);
      console.log(`  ${workload.name}: ${labels.join(' | ')}`);
    }
  }
}

async function check(parts, options) {
  let checked = 0;
  const wrong = [];
  for (const part of parts) {
    const contenders = (workload) => contendersOf(workload, options);
    const count = (name) => {
      checked++;
      progress(name);
    };
    wrong.push(...(await checkPart(part, contenders, count)));
    if (part.runByItself === undefined) continue;
    count(part.name);
    await part.runByItself({ check: true, progress: () => {}, running }).catch((error) => wrong.push(error.message));
  }
  progressOver();
  for (const line of wrong) console.error(line);
  console.log(`${checked - wrong.length} of ${checked} programs ran and counted right`);
  process.exitCode = wrong.length === 0 && checked > 0 ? 0 : 1;
}

async function measure(parts, options) {
  const folder = options.out ?? fileURLToPath(new URL('results', import.meta.url));
  makeFolder(folder);
  if (options.peers) installPeers(progress);
  const machine = describeMachine();
  console.log(`${machineLine(machine)}\n`);
  const results = [];
  for (const part of parts) {
    for (const workload of part.workloads) {
      const contenders = contendersOf(workload, options);
      if (contenders.length === 0) continue;
      const result = await measureWorkload(part, workload, contenders, { ...options, progress });
      progressOver();
      results.push({ part: part.name, ...result });
      console.log(tableOf(result));
    }
    if (part.runByItself === undefined) continue;
    const { result, markdown } = await part.runByItself({ ...options, progress, running });
    progressOver();
    results.push({ part: part.name, contenders: [], markdown, ...result });
    console.log(`${markdown}\n`);
  }
  const overview = overviewOf(results);
  if (overview !== '') console.log(overview);
  write(
    options,
    folder,
    { machine, peers: options.peers ? peerVersions() : {}, rounds: options.rounds, results },
    overview,
  );
  const failed = results.some(({ contenders }) => contenders.some((contender) => contender.failed !== undefined));
  process.exitCode = failed ? 1 : 0;
}

/** Before anything is measured: a long run must not be lost for it. */
function makeFolder(folder) {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new OptionError(`--out is "${folder}", expected a folder that can be written: ${error.message}`);
  }
}

function write(options, folder, report, overview) {
  const what = options.parts.length === partNames.length ? 'all' : options.parts.join('-');
  const name = join(folder, `${what}-node${process.versions.node.split('.')[0]}`);
  const peers = Object.entries(report.peers).map((peer) => peer.join(' '));
  const head = [machineLine(report.machine), `${report.rounds} rounds. Peers: ${peers.join(', ') || 'none'}.`];
  writeFileSync(`${name}.json`, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(
    `${name}.md`,
    `${[...head, ...report.results.map((result) => result.markdown ?? tableOf(result)), overview].join('\n\n')}\n`,
  );
  console.log(`written: ${name}.json, ${name}.md`);
}

try {
  const options = readOptions(process.argv.slice(2), partNames);
  if (options.help) console.log(HELP.replace('PARTS', partNames.join(', ')));
  else await main(options);
} catch (error) {
  endAll();
  progressOver();
  console.error(error instanceof OptionError ? error.message : error);
  process.exitCode = error instanceof OptionError ? 2 : 1;
}
