/**
 * Shows that tests see: breaks a copy of the library on purpose, one fault at a time, and says who has found it, at which seed.
 * `npm run mutations -- --help` says how.
 */
import { BreakableCopy, type Verdict } from './copy.ts';
import type { Fault } from './fault.ts';
import { type Hunt, hunts } from './hunts.ts';

const FAILED = 1;
const WRONG_USE = 2;
const INTERRUPTED = 130;

const HELP = `Breaks a copy of the library on purpose, one fault at a time, and says whether the tests find it.

  npm run mutations WHO [WORD …]

  WHO     whose faults, and which tests look for them:
${hunts.map(({ name, faults, tests }) => `            ${name.padEnd(8)}${faults.length} faults, by ${tests}`).join('\n')}
  WORD    only faults with one of these words in their name

Each line says: seen (and by what), MISSED, or STALE (the text to be replaced does not stand there exactly once).
Exit codes: 0 all were seen, 1 one was not, 2 wrong use, 130 interrupted by Ctrl-C.
`;

function line([name, file]: Fault, verdict: Verdict): string {
  if (verdict.kind === 'found') return `seen     ${name}: ${verdict.how}`;
  return verdict.kind === 'stale' ? `STALE    ${name} (${file})` : `MISSED   ${name}`;
}

async function runHunt(hunt: Hunt, faults: readonly Fault[], interrupted: AbortSignal): Promise<number> {
  using copy = new BreakableCopy(hunt);
  const asItIs = await copy.verdict(undefined, interrupted);
  let missed = 0;
  if (asItIs.kind === 'found') {
    missed++;
    console.log(`the library as it is fails already, so the rest says little: ${asItIs.how}`);
  }
  for (const fault of faults) {
    if (interrupted.aborted) break;
    const verdict = await copy.verdict(fault, interrupted);
    if (verdict.kind === 'interrupted') break;
    if (verdict.kind !== 'found') missed++;
    console.log(line(fault, verdict));
  }
  if (interrupted.aborted) return INTERRUPTED;
  return missed === 0 ? 0 : FAILED;
}

async function main([who, ...words]: readonly string[]): Promise<number> {
  if (who === '--help' || who === '-h') {
    process.stdout.write(HELP);
    return 0;
  }
  const hunt = hunts.find(({ name }) => name === who);
  const faults = hunt?.faults.filter(([name]) => words.length === 0 || words.some((word) => name.includes(word))) ?? [];
  if (hunt === undefined || faults.length === 0) {
    const wrong =
      hunt === undefined
        ? `${who ?? 'WHO'} is none of those known`
        : `no fault has “${words.join('” or “')}” in its name`;
    process.stderr.write(`${wrong}\n\n${HELP}`);
    return WRONG_USE;
  }
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => interrupt.abort());
  return await runHunt(hunt, faults, interrupt.signal);
}

process.exitCode = await main(process.argv.slice(2));
