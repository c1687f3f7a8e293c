/**
 * Explores the core for as long as one likes: `npm run explore -- --minutes 10`. Every round gives each program some seeds that no
 * round before had. Ends with the first failure, and its report.
 */
import { SimulationFailedError } from '../../src/testing/index.ts';
import { helpText, parseArguments } from './arguments.ts';
import { everyProgram } from './every-program.ts';
import { exploreRounds, type Progress } from './rounds.ts';

const FAILED = 1;
const WRONG_USE = 2;
const INTERRUPTED = 130;

/** Where there is no terminal, a line so often. */
const LINE_EVERY_SECONDS = 10;
let lineDue = LINE_EVERY_SECONDS;

function show({ program, runs, steps, seconds, from }: Progress): void {
  const line = `${seconds.toFixed(0)} s: ${runs} runs, ${steps} steps, ${Math.round(steps / seconds)} a second; seeds from ${from}: ${program}`;
  if (process.stdout.isTTY) process.stdout.write(`\r\u001B[K${line}`);
  else if (seconds >= lineDue) {
    lineDue = seconds + LINE_EVERY_SECONDS;
    process.stdout.write(`${line}\n`);
  }
}

async function main(): Promise<number> {
  const parsed = parseArguments(process.argv.slice(2), everyProgram);
  if ('help' in parsed) {
    process.stdout.write(helpText(everyProgram));
    return 0;
  }
  if ('wrong' in parsed) {
    process.stderr.write(`${parsed.wrong}\n\n${helpText(everyProgram)}`);
    return WRONG_USE;
  }
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  const end = process.stdout.isTTY ? '\n' : '';
  try {
    const { runs, steps, seconds } = await exploreRounds(parsed, interrupt.signal, show);
    const how = interrupt.signal.aborted ? 'interrupted, and nothing found so far' : 'nothing found';
    process.stdout.write(`${end}${how}: ${runs} runs and ${steps} steps in ${seconds.toFixed(0)} s\n`);
    return interrupt.signal.aborted ? INTERRUPTED : 0;
  } catch (error) {
    if (!(error instanceof SimulationFailedError)) throw error;
    process.stdout.write(`${end}${error.message}\n`);
    return FAILED;
  }
}

process.exitCode = await main();
