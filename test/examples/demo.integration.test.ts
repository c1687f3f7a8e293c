// The demo as a stranger runs it: green when all is well, red for every way in which a pipeline can lie, nothing left behind.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ReportingProcess } from '../../examples/tcp-pipeline/demo/child-process.ts';
import {
  demoFolder,
  endProcessesAfterEach,
  pipelineCommand,
  reference,
  root,
  startProcess,
  until,
} from './pipeline-process.ts';

endProcessesAfterEach();
const TIMEOUT_MS = 30_000;
const SMALL = ['--frames', '5000', '--large-frames', '5'];

/** Every demo gets a folder for temporary files of its own; its processes are known by that. */
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'taskthread-demo-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function startDemo(...args: readonly string[]): ReportingProcess {
  const command = [process.execPath, join(demoFolder, 'run-demo.js')];
  const pipeline = args.includes('--pipeline') ? [] : ['--pipeline', pipelineCommand.join(' ')];
  return startProcess([...args, ...pipeline], command, { ...process.env, TMPDIR: folder });
}

/** Processes that still run in this demo's folder. */
function leftovers(): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`TMPDIR=${folder}\0`);
    } catch {
      return false; // it has just ended, or it is not ours
    }
  });
}

async function expectNothingLeft(): Promise<void> {
  await until('its processes have ended', () => leftovers().length === 0, 5_000);
  expect(readdirSync(folder)).toEqual([]);
}

test('ends with a green table and the same as one JSON object', async () => {
  const demo = startDemo('--json', ...SMALL, '--destinations', '2');
  expect((await demo.waitExit(TIMEOUT_MS)).code).toBe(0);
  const result = demo.latest('demo');
  expect(demo.reports.at(-1)).toBe(result);
  expect(result).toMatchObject({
    agree: true,
    sent: 5005,
    received: 5005,
    stored: 5005,
    forwarded: 5005,
    bytes: 5000 * 64 + 5 * (1 << 20),
    verdict: 'clean',
    exitCode: 0,
    problems: [],
  });
  const { sent, stored, forwarded } = result!.digests as { sent: string; stored: string; forwarded: string[] };
  expect(sent).toMatch(/^[0-9a-f]{64}$/);
  expect([stored, ...forwarded]).toEqual([sent, sent, sent]);
  for (const word of ['sent', 'received', 'stored', 'forwarded', 'per second', 'shutdown', 'all agree']) {
    expect(demo.lines.join('\n')).toContain(word);
  }
  await expectNothingLeft();
});

// The reference program tells the truth unless it is made to lie, so these hold whatever the pipeline is.
const lying = (fault: string): string => {
  const faults = `${pathToFileURL(join(root, 'test/examples/pipeline-faults.mjs')).href}?fault=${fault}`;
  return `${process.execPath} --import ${faults} ${reference}`;
};

test.each([
  { fault: 'none', code: 0, problem: /all agree/ },
  { fault: 'repeat-messages', code: 1, problem: /cloud 0 got what cannot be right.*"repeats":1,.*"outOfOrder":1\b/ },
  { fault: 'corrupt-messages', code: 1, problem: /cloud 0 got what cannot be right.*"corrupt":1\b/ },
  { fault: 'swap-messages', code: 1, problem: /cloud 0 got what cannot be right.*"outOfOrder":[12]\b/ },
  { fault: 'lose-messages', code: 1, problem: /cloud 0 got what cannot be right.*"missing":1\b/ },
  { fault: 'corrupt-rows', code: 1, problem: /corrupt in the database is 5,/ },
  { fault: 'misnumber-rows', code: 1, problem: /rows with a wrong sequence is 5,/ },
  { fault: 'lose-rows', code: 1, problem: /gave up.* stored +5,000/ },
  { fault: 'miscount', code: 1, problem: /frames received is 5004, expected 5005/ },
  { fault: 'fail-at-exit', code: 1, problem: /exit code is 1, expected 0/ },
  { fault: 'crash-soon', code: 1, problem: /the pipeline ended \(7\)|closed by the other side|ECONNRESET|EPIPE/ },
])('ends with $code for a pipeline with this fault: $fault', async ({ fault, code, problem }) => {
  const load = fault === 'crash-soon' ? ['--frames', '1000000'] : SMALL;
  // What is lost is waited for until the time is over; everything else is there sooner, also on a busy machine.
  const timeout = fault.startsWith('lose-') ? '4' : '20';
  const demo = startDemo(...load, '--timeout-s', timeout, '--pipeline', lying(fault));
  expect((await demo.waitExit(TIMEOUT_MS)).code).toBe(code);
  expect(demo.lines.join('\n')).toMatch(problem);
  await expectNothingLeft();
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  'leaves nothing behind when it is ended by %s in the middle',
  async (signal) => {
    const demo = startDemo('--frames', '20000000');
    await until('the flood is on its way', () => demo.lines.some((line) => /sent +[1-9]/.test(line)), 15_000);
    expect(leftovers().length).toBeGreaterThan(3);
    demo.signal(signal);
    expect((await demo.waitExit(10_000)).code).toBe(signal === 'SIGINT' ? 130 : 143);
    await expectNothingLeft();
  },
  40_000,
);

test('gives up on a pipeline that never gets ready, and on one that is not there', async () => {
  const hanging = startDemo('--timeout-s', '1', '--pipeline', `${process.execPath} --eval setInterval(()=>0,1e3) --`);
  expect((await hanging.waitExit(10_000)).code).toBe(1);
  expect(hanging.lines.join('\n')).toMatch(/gave up after 1 s.*not ready/);
  const absent = startDemo('--pipeline', `${process.execPath} ${join(folder, 'no-such-file.js')}`);
  expect((await absent.waitExit(10_000)).code).toBe(1);
  expect(absent.lines.join('\n')).toContain('no-such-file.js');
  await expectNothingLeft();
});

test.each([
  { args: ['--help'], code: 0, text: '--large-frames' },
  { args: ['--frames', 'many'], code: 2, text: '--frames is "many", expected a whole number' },
  { args: ['--size', '4'], code: 2, text: '--size is "4", expected a whole number of at least 8' },
  { args: ['--fames', '3'], code: 2, text: '--fames' },
])('ends with $code for $args', async ({ args, code, text }) => {
  const demo = startDemo(...args);
  expect((await demo.waitExit(10_000)).code).toBe(code);
  expect(demo.lines.join('\n')).toContain(text);
});
