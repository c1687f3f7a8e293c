// `npm run demo`: the pipeline on a temporary database, between simulated devices and a stand-in cloud, each a process.
//
// Sends a fixed number of frames, waits until the cloud has them all, stops the pipeline as an operator would (SIGTERM) and
// compares four accounts: what the devices sent, what the pipeline says it accepted, the rows of the file read back, what
// the cloud checked. Exit code 0 only if they agree, the stored bytes hash to the sent ones and the pipeline ended with 0;
// 2 for wrong options, 130 and the like when interrupted. No process and no file is left behind on any path.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Report } from './child-process.ts';
import { type DemoResult, judge, renderTable } from './demo-result.ts';
import { MIN_FRAME_BYTES } from './frames.ts';
import { PipelineRig } from './rig.ts';
import { RowCounter, readStored } from './stored.ts';

const HELP = `usage: npm run demo [-- options]
  --frames N            frames over all connections (400000)
  --size B              their size (64)
  --large-frames N      larger frames among them (100)
  --large-size B        their size (1048576)
  --connections C       simulated devices (4)
  --destinations D      clouds (1)
  --pipeline CMD        another program with the same command line, split at spaces
  --timeout-s S         give up after (60)
  --json                the last line is the result as one JSON object
  --help`;

const NUMBERS = ['frames', 'size', 'large-frames', 'large-size', 'connections', 'destinations', 'timeout-s'] as const;
const LEAST = { size: MIN_FRAME_BYTES, 'large-size': MIN_FRAME_BYTES, connections: 1, destinations: 1, 'timeout-s': 1 };
const demoFolder = fileURLToPath(new URL('.', import.meta.url));

class UsageError extends Error {}

type Settings = Record<(typeof NUMBERS)[number], number> & {
  json: boolean;
  help: boolean;
  pipeline: readonly string[];
};

function readSettings(args: readonly string[]): Settings {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const parse = () =>
    parseArgs({
      args: [...args],
      options: {
        frames: text('400000'),
        size: text('64'),
        'large-frames': text('100'),
        'large-size': text(String(1 << 20)),
        connections: text('4'),
        destinations: text('1'),
        'timeout-s': text('60'),
        pipeline: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  let values: ReturnType<typeof parse>;
  try {
    values = parse();
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const number = (name: (typeof NUMBERS)[number]): [string, number] => {
    const least = name in LEAST ? LEAST[name as keyof typeof LEAST] : 0;
    const value = Number(values[name]);
    if (Number.isSafeInteger(value) && value >= least && values[name].trim() !== '') return [name, value];
    throw new UsageError(`--${name} is ${JSON.stringify(values[name])}, expected a whole number of at least ${least}`);
  };
  const numbers = Object.fromEntries(NUMBERS.map(number)) as Record<(typeof NUMBERS)[number], number>;
  const main = fileURLToPath(new URL('../main.js', import.meta.url));
  const pipeline = values.pipeline?.split(' ') ?? [process.execPath, main];
  return { ...numbers, json: values.json, help: values.help, pipeline };
}

/** Shows how far it is: in place on a terminal, else a line a second. */
class Progress {
  readonly #interactive = process.stderr.isTTY === true;
  readonly #expected: number;
  readonly #rig: PipelineRig;
  readonly #rows: RowCounter;
  readonly #timer: NodeJS.Timeout;
  readonly #devices: () => Report | undefined;
  latest = 'nothing was sent yet';

  constructor(rig: PipelineRig, expected: number, devices: () => Report | undefined) {
    this.#rig = rig;
    this.#expected = expected;
    this.#devices = devices;
    this.#rows = new RowCounter(rig.databaseFile);
    this.#timer = setInterval(() => void this.#show(), this.#interactive ? 250 : 1000);
  }

  async #show(): Promise<void> {
    for (const cloud of this.#rig.clouds) cloud.tell('stats');
    const stored = await this.#rows.count().catch(() => 0);
    const forwarded = this.#rig.clouds.map((cloud) => Number(cloud.latest('stats')?.unique ?? 0));
    const sent = Number(this.#devices()?.frames ?? 0);
    const count = (value: number): string => value.toLocaleString('en').padStart(9);
    this.latest = `sent ${count(sent)}  stored ${count(stored)}  forwarded ${count(Math.min(...forwarded))}  of ${count(this.#expected)}`;
    process.stderr.write(this.#interactive ? `\r\x1b[2K${this.latest}` : `${this.latest}\n`);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#rows.close();
    if (this.#interactive) process.stderr.write('\r\x1b[2K');
  }
}

async function runLoad(
  rig: PipelineRig,
  settings: Settings,
  tellProgress: (latest: () => string) => void,
): Promise<DemoResult> {
  const timeoutMs = settings['timeout-s'] * 1000;
  const expected = settings.frames + settings['large-frames'];
  const options = (['connections', 'frames', 'size', 'large-frames', 'large-size'] as const).flatMap((name) => [
    `--${name}`,
    `${settings[name]}`,
  ]);
  const devices = rig.startDevices(...options);
  const progress = new Progress(rig, expected, () => devices.latest('finished') ?? devices.latest('progress'));
  tellProgress(() => progress.latest);
  try {
    const started = await devices.waitReport('started', timeoutMs);
    const failed = devices.waitExit(timeoutMs).then(({ code, signal }) => {
      if (code === 0) return new Promise<never>(() => undefined);
      const errors = (devices.latest('finished')?.connections as { error: string | null }[] | undefined) ?? [];
      const first = errors.find(({ error }) => error !== null)?.error ?? 'no reason given';
      throw new Error(`the devices could not send everything (exit ${code ?? signal}): ${first}`);
    });
    const deliveredAt = await Promise.race([rig.waitDelivered(timeoutMs), failed]);
    const sent = await devices.waitReport('finished', timeoutMs);
    progress.end();
    const stopped = await rig.stop(timeoutMs);
    const clouds: Report[] = [];
    for (let i = 0; i < settings.destinations; i++) clouds.push(await rig.stopCloud(i));
    return judge({
      sent,
      stopped,
      clouds,
      stored: await readStored(rig.databaseFile),
      wallMs: deliveredAt - Number(started.at),
      peakMemory: rig.peakMemory,
    });
  } finally {
    progress.end();
  }
}

async function main(): Promise<number> {
  const settings = readSettings(process.argv.slice(2));
  if (settings.help) {
    console.log(HELP);
    return 0;
  }
  let interrupt: (code: number) => void = () => undefined;
  const interrupted = new Promise<number>((resolve) => {
    interrupt = resolve;
  });
  process.on('SIGINT', () => interrupt(130));
  process.on('SIGTERM', () => interrupt(143));
  process.on('SIGHUP', () => interrupt(129));
  let howFar = (): string => 'the pipeline was not ready';
  const tooLong = setTimeout(() => {
    console.error(`gave up after ${settings['timeout-s']} s (--timeout-s): ${howFar()}`);
    interrupt(1);
  }, settings['timeout-s'] * 1000);

  let rig: PipelineRig | undefined;
  const run = async (): Promise<number> => {
    rig = new PipelineRig({
      pipeline: settings.pipeline,
      demoFolder,
      destinations: settings.destinations,
      expect: settings.frames + settings['large-frames'],
      digest: true,
    });
    await rig.start();
    const result = await runLoad(rig, settings, (latest) => {
      howFar = latest;
    });
    console.log(renderTable(result));
    if (settings.json) console.log(JSON.stringify(result));
    return result.agree ? 0 : 1;
  };
  const running = run();
  try {
    return await Promise.race([running, interrupted]);
  } finally {
    clearTimeout(tooLong);
    running.catch(() => undefined); // after an interrupt its processes are gone, which is no news
    await rig?.close();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
process.exit();
