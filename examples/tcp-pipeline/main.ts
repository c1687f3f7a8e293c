/**
 * The program: command line in, exit code out. The tree is in `master-thread`.
 */
import { formatStopReport, type MainEnd, runMain } from 'taskthread';
import { type PartialAccount, ReadingGate } from 'taskthread/threads';
import { MasterThread } from './master-thread.ts';
import { type PipelineOptions, parseCommandLine, UsageError } from './options.ts';
import { primeAllocator } from './prime-allocator.ts';
import { counted, Reporter } from './reporter.ts';
import type { PipelineContext } from './signals.ts';
import { newTotals, unconfirmedOf } from './totals.ts';

const options = readCommandLine();
if (options !== undefined) {
  primeAllocator(options.maxFrameBytes);
  const context = makeContext(options);
  // What went wrong is in the last lines that `finish` prints.
  await runMain(() => new MasterThread(context), {
    name: 'Master',
    onEnd: (end) => finish(context, end),
    print: () => {},
  });
}

function readCommandLine(): PipelineOptions | undefined {
  try {
    const commandLine = parseCommandLine(process.argv.slice(2));
    if (commandLine.kind === 'run') return commandLine.options;
    process.stdout.write(commandLine.text);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error.exitCode;
  }
  return undefined;
}

function makeContext(options: PipelineOptions): PipelineContext {
  const stuck = new Map<PartialAccount, () => void>();
  const onStuck = (largest: PartialAccount) => stuck.get(largest)?.();
  return {
    options,
    totals: newTotals(options.forward),
    reporter: new Reporter(options.json),
    gate: new ReadingGate({ maxBytes: options.maxBufferedBytes, onStuck }),
    stuck,
  };
}

/** The last lines, and the exit code. */
function finish({ options, totals, reporter }: PipelineContext, { reason, outcome, report }: MainEnd): number {
  totals.unconfirmed = unconfirmedOf(totals);
  const unstored = options.database === null ? 0 : totals.accepted - totals.stored;
  const { error } = outcome;
  if (outcome.kind === 'failed') process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  reporter.text(formatStopReport('The pipeline', report));
  reporter.text(
    Object.entries(totals)
      .map(([name, n]) => `${name} ${typeof n === 'object' ? JSON.stringify(n) : n}`)
      .join(', '),
  );
  if (unstored > 0) reporter.text(`accepted and NOT stored: ${counted(unstored, 'frame')}`);
  if (totals.unconfirmed > 0) reporter.text(`unconfirmed: ${counted(totals.unconfirmed, 'frame')}`);
  reporter.data({ event: 'stopped', verdict: report.verdict, reason, report, totals });
  if (report.verdict === 'abandoned') return 3;
  const isLossy = unstored > 0 || totals.unconfirmed > 0;
  return outcome.kind === 'failed' || report.verdict !== 'clean' || isLossy ? 1 : 0;
}
