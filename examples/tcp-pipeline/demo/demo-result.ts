// The demo's verdict: four accounts of the same frames, compared. Pure: plain values in, plain values out.
import type { Report } from './child-process.ts';
import type { Stopped } from './rig.ts';
import type { Stored } from './stored.ts';

/** What the processes said, as it was reported. */
export interface Accounts {
  /** "finished" of the devices. */
  readonly sent: Report;
  readonly stopped: Stopped;
  /** "stopped" of each cloud. */
  readonly clouds: readonly Report[];
  readonly stored: Stored;
  readonly wallMs: number;
  readonly peakMemory: number | undefined;
}

/** The table of the demo. `forwarded` is the count of the cloud that got least. */
export interface DemoResult {
  readonly event: 'demo';
  readonly agree: boolean;
  readonly sent: number;
  readonly received: number;
  readonly stored: number;
  readonly forwarded: number;
  readonly bytes: number;
  readonly wallMs: number;
  readonly perSecond: number;
  readonly mbPerSecond: number;
  readonly verdict: string;
  readonly exitCode: number | string;
  readonly stopMs: number;
  readonly peakMemoryMb: number | null;
  readonly digests: { readonly sent: string; readonly stored: string; readonly forwarded: readonly string[] };
  /** Why they do not agree, one sentence each. */
  readonly problems: readonly string[];
}

const FAULTS = ['repeats', 'missing', 'outOfOrder', 'corrupt'] as const;

/** Compares the accounts; `agree` only if every count, every order and every hash is the same. */
export function judge({ sent, stopped, clouds, stored, wallMs, peakMemory }: Accounts): DemoResult {
  const problems: string[] = [];
  const frames = Number(sent.frames);
  const bytes = Number(sent.bytes);
  const totals = (stopped.report?.totals ?? {}) as Record<string, unknown>;
  const received = Number(totals.accepted ?? Number.NaN);
  const forwardedCounts = clouds.map((cloud) => Number(cloud.messages));
  const exitCode = stopped.exit.code ?? String(stopped.exit.signal);
  const same = (what: string, value: number | string, expected: number | string): void => {
    if (value !== expected) problems.push(`${what} is ${value}, expected ${expected}`);
  };

  same('the number of frames received', received, frames);
  same('the number of frames stored', stored.counts.messages, frames);
  same('the number of frames that the pipeline says it stored', Number(totals.stored), frames);
  same('the bytes stored', stored.counts.bytes, bytes);
  same('the hash of what is stored', stored.digest, String(sent.digest));
  same('the number of rows with a wrong sequence', stored.misnumbered, 0);
  for (const fault of FAULTS) same(`${fault} in the database`, stored.counts[fault], 0);
  for (const [index, cloud] of clouds.entries()) {
    same(`the number of frames forwarded to cloud ${index}`, Number(cloud.messages), frames);
    same(`the hash of what cloud ${index} got`, String(cloud.digest), String(sent.digest));
    for (const fault of FAULTS) same(`${fault} at cloud ${index}`, Number(cloud[fault]), 0);
  }
  same("the pipeline's exit code", exitCode, 0);
  return {
    event: 'demo',
    agree: problems.length === 0,
    sent: frames,
    received,
    stored: stored.counts.messages,
    forwarded: Math.min(...forwardedCounts),
    bytes,
    wallMs: Math.round(wallMs),
    perSecond: Math.round((frames * 1000) / wallMs),
    mbPerSecond: Math.round(bytes / wallMs / 100) / 10,
    verdict: (stopped.report?.verdict as string | undefined) ?? 'none given',
    exitCode,
    stopMs: stopped.elapsedMs,
    peakMemoryMb: peakMemory === undefined ? null : Math.round(peakMemory / 2 ** 20),
    digests: {
      sent: String(sent.digest),
      stored: stored.digest,
      forwarded: clouds.map(({ digest }) => String(digest)),
    },
    problems,
  };
}

/** The table for people. */
export function renderTable(result: DemoResult): string {
  const count = (value: number): string => value.toLocaleString('en').padStart(12);
  const hash = result.digests.stored === result.digests.sent ? 'the same as sent' : 'NOT what was sent';
  return [
    `sent         ${count(result.sent)} frames, ${(result.bytes / 1e6).toFixed(1)} MB`,
    `received     ${count(result.received)}`,
    `stored       ${count(result.stored)}   hash ${hash}`,
    `forwarded    ${count(result.forwarded)}`,
    `per second   ${count(result.perSecond)} frames, ${result.mbPerSecond} MB`,
    `peak memory  ${count(result.peakMemoryMb ?? Number.NaN)} MB`,
    `shutdown     ${result.verdict.padStart(12)}   exit code ${result.exitCode}, ${result.stopMs} ms`,
    `result       ${(result.agree ? 'all agree' : 'DIFFERENT').padStart(12)}`,
    ...result.problems.map((problem) => `  - ${problem}`),
  ].join('\n');
}
