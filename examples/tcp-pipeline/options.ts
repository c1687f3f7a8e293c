/**
 * The command line of the pipeline: words in, one plain object out, or a `UsageError` that names the option, the value and what
 * was expected. One table says everything about an option, so that the help cannot differ from the parser.
 *
 * Not here: anything that touches the world. Whether a port is free or a file can be opened is found out by those who use it.
 */
import { printableURL } from 'taskthread/threads';

export type Framing = 'length-prefixed' | 'lines' | 'syslog';

export interface PipelineOptions {
  readonly host: string;
  readonly port: number;
  readonly framing: Framing;
  readonly greeting: boolean;
  readonly maxClients: number;
  readonly maxFrameBytes: number;
  /** null: never. */
  readonly idleTimeoutMs: number | null;
  readonly maxBufferedBytes: number;
  /** As they were written: they are the keys of the totals. */
  readonly forward: readonly string[];
  /** null: no feed. */
  readonly feedPort: number | null;
  /** null: no database. */
  readonly database: string | null;
  readonly json: boolean;
  readonly drainTimeoutMs: number;
  readonly cancelTimeoutMs: number;
}

export type CommandLine =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'run'; readonly options: PipelineOptions };

/** The command line cannot be understood. Print the message on stderr and leave with `exitCode`. */
export class UsageError extends Error {
  readonly exitCode = 2;
  /** The option (or the stray argument) as it was written. */
  readonly option: string;
  readonly value: string | undefined;
  readonly expected: string;

  constructor(option: string, value: string | undefined, expected: string, message?: string) {
    super(message ?? `${option} must be ${expected}, but it is ${quoted(value)}`);
    this.name = 'UsageError';
    this.option = option;
    this.value = value;
    this.expected = expected;
  }
}

/** How the value of an option is written. */
interface Value {
  /** Its name in the help. */
  readonly value: string;
  /** Gives undefined for what is not acceptable. */
  readonly parse: (text: string) => unknown;
  readonly expected: string;
}

/** An option with a value, or without one: a switch. */
interface Option extends Partial<Value> {
  readonly name: string;
  readonly repeatable?: true;
  readonly help: string;
  /** As one would write it; for a switch and what is repeatable, in words. */
  readonly byDefault?: string;
}

/** The longest that a Node timer can wait; a longer one would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;
/** SQLite's own limit for one value. */
const LARGEST_FRAME = 1_000_000_000;
const SIZE = 'a number of bytes, plain or with KiB, MiB or GiB (65536, 64KiB, 16MiB)';
const TIME = 'a time in milliseconds, or with ms, s or min (500, 500ms, 30s)';

const address: Value = {
  value: 'ADDRESS',
  parse: (text) => (/^\S+$/.test(text) ? text : undefined),
  expected: 'an address to listen on',
};
const port: Value = { value: 'N', parse: (text) => whole(text, 0, 65_535), expected: 'a whole number from 0 to 65535' };
const count: Value = {
  value: 'N',
  parse: (text) => whole(text, 1, Number.MAX_SAFE_INTEGER),
  expected: 'a whole number of at least 1',
};
const framing: Value = {
  value: 'KIND',
  parse: (text) => (['length-prefixed', 'lines', 'syslog'].includes(text) ? text : undefined),
  expected: 'one of length-prefixed, lines, syslog',
};
const size = (max: number, range: string): Value => ({
  value: 'SIZE',
  parse: (text) => bytes(text, max),
  expected: `${SIZE}, ${range}`,
});
const time = (min: number): Value => ({
  value: 'TIME',
  parse: (text) => milliseconds(text, min),
  expected: `${TIME}, from ${min} ms to ${LONGEST_MS} ms`,
});
const websocket: Value = { value: 'URL', parse: websocketUrl, expected: 'a ws:// or wss:// URL without a fragment' };
const file: Value = {
  value: 'FILE',
  parse: (text) => (/^$|:\/\/|\0/.test(text) ? undefined : text),
  expected: 'the path of a file or :memory:',
};
/** The same, with a word for "not at all". */
const unless = (word: string, { value, parse, expected }: Value): Value => ({
  value,
  parse: (text) => (text === word ? null : parse(text)),
  expected: `${word}, or ${expected}`,
});

// biome-ignore format: a table is read by its columns
const OPTIONS: readonly Option[] = [
  { name: '--host', ...address, byDefault: '127.0.0.1', help: 'where devices connect' },
  { name: '--port', ...port, byDefault: '5002', help: 'where devices connect; 0 takes a free one' },
  { name: '--framing', ...framing, byDefault: 'length-prefixed',
    help: 'length-prefixed (4 bytes, big-endian), lines (LF or CRLF), syslog (RFC 6587)' },
  { name: '--greeting', byDefault: 'with length-prefixed',
    help: 'on connect send one length-prefixed JSON {"message":"hello!"}' },
  { name: '--no-greeting', byDefault: 'with lines and syslog', help: 'send nothing on connect' },
  { name: '--max-clients', ...count, byDefault: '1000', help: 'devices at once; more are refused' },
  { name: '--max-frame-bytes', ...size(LARGEST_FRAME, `from 1 to ${LARGEST_FRAME}`), byDefault: '16MiB',
    help: 'a device that sends a longer frame is refused' },
  { name: '--idle-timeout', ...unless('off', time(1)), byDefault: 'off',
    help: 'a device that is silent for so long is disconnected' },
  { name: '--max-buffered-bytes', ...size(Number.MAX_SAFE_INTEGER, `from 1 to ${Number.MAX_SAFE_INTEGER}`), byDefault: '64MiB',
    help: 'budget for all undelivered and partial frames together; let it be larger than a frame' },
  { name: '--forward', ...websocket, repeatable: true, byDefault: 'none',
    help: 'a websocket destination; may be given several times' },
  { name: '--feed-port', ...unless('off', port), byDefault: 'off',
    help: 'a websocket server; every subscriber gets the live frames' },
  { name: '--database', ...unless('none', file), byDefault: './pipeline.sqlite',
    help: 'SQLite file (appended to), :memory: or none' },
  { name: '--json', byDefault: 'text', help: 'one JSON object per line on stdout' },
  { name: '--drain-timeout', ...time(0), byDefault: '5s',
    help: 'at the end: how long accepted frames may take to be delivered' },
  { name: '--cancel-timeout', ...time(0), byDefault: '2s',
    help: 'after that: how long cancelled threads may take to clean up' },
  { name: '--help', help: 'print this and leave (also -h)' },
];

/** Understands `process.argv.slice(2)`. Options as `--name value` or `--name=value`, each once unless repeatable. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  // Help wins over whatever else is wrong: who asks for it may not know how to write the rest.
  if (args.includes('--help') || args.includes('-h')) return { kind: 'help', text: helpText() };
  const given = new Map<string, unknown>();
  for (let at = 0; at < args.length; at++) {
    const word = args[at] as string;
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    const name = equals < 0 ? word : word.slice(0, equals);
    const option = OPTIONS.find((candidate) => candidate.name === name);
    if (option === undefined) throw unknownArgument(name, word);
    if (option.parse === undefined) {
      if (equals >= 0) throw withoutValue(name, word.slice(equals + 1));
      enter(given, option, true, undefined);
      continue;
    }
    const value = equals < 0 ? args[++at] : word.slice(equals + 1);
    const expected = option.expected as string;
    if (value === undefined || (equals < 0 && value.startsWith('--'))) {
      throw new UsageError(name, undefined, expected, `${name} needs a value: ${expected}`);
    }
    const parsed = option.parse(value);
    if (parsed === undefined) throw new UsageError(name, value, expected);
    enter(given, option, parsed, value);
  }
  return { kind: 'run', options: withDefaults(given) };
}

/**
 * What is worth a warning, in words. No wrong usage: frames that are small enough pass, and how large they will be only those
 * know who send them.
 */
export function doubtOf({ maxFrameBytes, maxBufferedBytes }: PipelineOptions): string | undefined {
  if (maxFrameBytes < maxBufferedBytes) return undefined;
  const sizes = `--max-frame-bytes (${maxFrameBytes}) is not below --max-buffered-bytes (${maxBufferedBytes})`;
  return `${sizes}: a frame as large as that spends the budget before it is complete, and is refused unless it comes in one read`;
}

/** All options, aligned, with their defaults, and how to use them. */
export function helpText(): string {
  const usage = (option: Option) => (option.value === undefined ? option.name : `${option.name} ${option.value}`);
  const width = Math.max(...OPTIONS.map((option) => usage(option).length));
  const lines = OPTIONS.map((option) => {
    const byDefault = option.byDefault === undefined ? '' : ` (default: ${option.byDefault})`;
    return `  ${usage(option).padEnd(width)}  ${option.help}${byDefault}`;
  });
  return `Usage: npm run pipeline -- [options]

Takes frames from TCP devices, stores them in a SQLite file and passes them on to websockets.

Options:
${lines.join('\n')}

SIZE is in bytes, or with KiB, MiB or GiB. TIME is in milliseconds, or with ms, s or min.

Examples:
  npm run pipeline -- --port 5002 --forward ws://127.0.0.1:9001/ --database frames.sqlite
  npm run pipeline -- --framing syslog --port 6514 --feed-port 8080 --idle-timeout 10min
  npm run pipeline -- --port 0 --database none --max-frame-bytes 64KiB --json

Exit codes: 0 clean; 1 failed, or something accepted was not delivered; 2 wrong usage; 3 a thread had to be abandoned.
`;
}

function enter(given: Map<string, unknown>, option: Option, parsed: unknown, text: string | undefined): void {
  const { name, repeatable } = option;
  if (repeatable) {
    const others = (given.get(name) ?? []) as string[];
    // The same place in two spellings would get every frame twice, and the totals could not tell them apart.
    if (others.some((other) => new URL(other).href === new URL(parsed as string).href)) {
      const message = `${name} ${printableURL(text as string)} is given twice: each destination must be given once only`;
      throw new UsageError(name, text, 'given once per destination', message);
    }
    given.set(name, [...others, parsed]);
    return;
  }
  if (given.has(name)) {
    const second = text === undefined ? '' : `, the second time with ${quoted(text)}`;
    throw new UsageError(name, text, 'given once', `${name} is given twice${second}: it must be given once only`);
  }
  given.set(name, parsed);
}

function withDefaults(given: ReadonlyMap<string, unknown>): PipelineOptions {
  if (given.has('--greeting') && given.has('--no-greeting')) {
    const message = '--greeting and --no-greeting exclude each other: give one of them';
    throw new UsageError('--no-greeting', undefined, 'given without --greeting', message);
  }
  const values = new Map<string, unknown>(given);
  for (const { name, parse, repeatable, byDefault } of OPTIONS) {
    if (parse !== undefined && !given.has(name)) values.set(name, repeatable ? [] : parse(byDefault as string));
  }
  const of = <T>(name: string): T => values.get(name) as T;
  const options: PipelineOptions = {
    host: of('--host'),
    port: of('--port'),
    framing: of('--framing'),
    greeting: given.has('--greeting') || (of('--framing') === 'length-prefixed' && !given.has('--no-greeting')),
    maxClients: of('--max-clients'),
    maxFrameBytes: of('--max-frame-bytes'),
    idleTimeoutMs: of('--idle-timeout'),
    maxBufferedBytes: of('--max-buffered-bytes'),
    forward: of('--forward'),
    feedPort: of('--feed-port'),
    database: of('--database'),
    json: given.has('--json'),
    drainTimeoutMs: of('--drain-timeout'),
    cancelTimeoutMs: of('--cancel-timeout'),
  };
  if (options.feedPort === options.port && options.port !== 0) {
    throw new UsageError('--feed-port', String(options.feedPort), 'another port than --port');
  }
  return options;
}

function unknownArgument(name: string, word: string): UsageError {
  if (!name.startsWith('-') || name === '--') {
    return new UsageError(
      word,
      word,
      'an option',
      `unexpected argument ${quoted(word)}: only options are taken, see --help`,
    );
  }
  const [given = ''] = printableURL(name).split(/[=\s]/);
  const near = nearestOption(given);
  const hint = near === undefined ? 'see --help' : `did you mean ${near}?`;
  return new UsageError(given, undefined, near ?? 'a known option', `unknown option ${given}: ${hint}`);
}

function withoutValue(name: string, value: string): UsageError {
  return new UsageError(
    name,
    value,
    'given without a value',
    `${name} takes no value, but it is given ${quoted(value)}`,
  );
}

/** A password may be in it, and what is printed may be kept. */
function quoted(value: string | undefined): string {
  return JSON.stringify(value === undefined ? value : printableURL(value));
}

function nearestOption(name: string): string | undefined {
  let nearest: string | undefined;
  // Beyond a third of the letters a guess is noise.
  let least = Math.floor(name.length / 3) + 1;
  for (const option of OPTIONS) {
    const distance = editDistance(name, option.name);
    if (distance < least) {
      least = distance;
      nearest = option.name;
    }
  }
  // A word cut short is no typing error, but just as clear.
  return nearest ?? OPTIONS.find((option) => name.length > 3 && option.name.startsWith(name))?.name;
}

/** How many letters must be put in, left out or changed (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

function whole(text: string, min: number, max: number): number | undefined {
  return /^\d+$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : undefined;
}

function bytes(text: string, max: number): number | undefined {
  const [, digits, suffix] = /^(\d+)(KiB|MiB|GiB|B)?$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const unit = { b: 1, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 }[(suffix ?? 'b').toLowerCase()] as number;
  const amount = Number(digits) * unit;
  return amount >= 1 && amount <= max ? amount : undefined;
}

function milliseconds(text: string, min: number): number | undefined {
  const [, digits, suffix] = /^(\d+)(ms|s|min)?$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const amount = Number(digits) * ({ ms: 1, s: 1000, min: 60_000 }[suffix ?? 'ms'] as number);
  return amount >= min && amount <= LONGEST_MS ? amount : undefined;
}

function websocketUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  // A fragment never reaches a server.
  return /^wss?:\/\/[^/\\]/.test(text) && !text.includes('#') ? text : undefined;
}
