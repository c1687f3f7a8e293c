import fc from 'fast-check';
import {
  doubtOf,
  helpText,
  type PipelineOptions,
  parseCommandLine,
  UsageError,
} from '../../examples/tcp-pipeline/options.ts';

function run(...args: string[]): PipelineOptions {
  const line = parseCommandLine(args);
  if (line.kind !== 'run') throw new Error('help was not asked for');
  return line.options;
}

function refusal(...args: string[]): UsageError {
  try {
    parseCommandLine(args);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error(`accepted: ${args.join(' ')}`);
}

describe('the command line of the pipeline', () => {
  test('has the defaults of the table', () => {
    expect(run()).toEqual({
      host: '127.0.0.1',
      port: 5002,
      framing: 'length-prefixed',
      greeting: true,
      maxClients: 1000,
      maxFrameBytes: 16_777_216,
      idleTimeoutMs: null,
      maxBufferedBytes: 67_108_864,
      forward: [],
      feedPort: null,
      database: './pipeline.sqlite',
      json: false,
      drainTimeoutMs: 5000,
      cancelTimeoutMs: 2000,
    });
  });

  test('takes every option, with a space or with =', () => {
    const spaced = run(
      ...'--host ::1 --port 0 --framing lines --greeting --max-clients 3 --max-frame-bytes 64KiB --idle-timeout 30s'.split(
        ' ',
      ),
      ...'--max-buffered-bytes 1GiB --forward ws://a:1/x --forward wss://b/?q=1 --feed-port 8080'.split(' '),
      ...'--database x.db --json --drain-timeout 500ms --cancel-timeout 0'.split(' '),
    );
    expect(spaced).toEqual({
      host: '::1',
      port: 0,
      framing: 'lines',
      greeting: true,
      maxClients: 3,
      maxFrameBytes: 65_536,
      idleTimeoutMs: 30_000,
      maxBufferedBytes: 2 ** 30,
      forward: ['ws://a:1/x', 'wss://b/?q=1'],
      feedPort: 8080,
      database: 'x.db',
      json: true,
      drainTimeoutMs: 500,
      cancelTimeoutMs: 0,
    });
    expect(run('--port=7', '--forward=wss://b/?q=1', '--database=--odd', '--framing=syslog')).toMatchObject({
      port: 7,
      forward: ['wss://b/?q=1'],
      database: '--odd',
      framing: 'syslog',
    });
  });

  test.each([
    ['length-prefixed', [], true],
    ['lines', [], false],
    ['syslog', [], false],
    ['length-prefixed', ['--no-greeting'], false],
    ['lines', ['--no-greeting'], false],
    ['syslog', ['--greeting'], true],
  ])('greets by default only with length-prefixed framing: %s %j', (framing, extra, greeting) => {
    expect(run('--framing', framing, ...extra).greeting).toBe(greeting);
    expect(run(...extra, '--framing', framing).greeting).toBe(greeting);
  });

  test.each([
    ['1', 1],
    ['65536', 65_536],
    ['7B', 7],
    ['64KiB', 65_536],
    ['16MiB', 16_777_216],
    ['2gib', 2_147_483_648],
  ])('reads the size %s', (text, bytes) => expect(run('--max-buffered-bytes', text).maxBufferedBytes).toBe(bytes));

  test.each([
    ['500', 500],
    ['500ms', 500],
    ['30s', 30_000],
    ['10min', 600_000],
    ['2147483647', 2_147_483_647],
    ['off', null],
  ])('reads the time %s', (text, ms) => expect(run('--idle-timeout', text).idleTimeoutMs).toBe(ms));

  test.each([
    ['none', null],
    [':memory:', ':memory:'],
    ['off', 'off'],
    ['/tmp/a b.sqlite', '/tmp/a b.sqlite'],
  ])('takes the database %s', (text, database) => expect(run('--database', text).database).toBe(database));

  test('takes off for the feed port, and one free port for each of two zeros', () => {
    expect(run('--feed-port', 'off').feedPort).toBeNull();
    expect(run('--port', '0', '--feed-port', '0')).toMatchObject({ port: 0, feedPort: 0 });
  });

  test.each([
    ['--host', '', 'an address'],
    ['--host', 'a b', 'an address'],
    ['--port', '65536', 'from 0 to 65535'],
    ['--port', '-1', 'from 0 to 65535'],
    ['--port', '1.5', 'from 0 to 65535'],
    ['--port', '0x10', 'from 0 to 65535'],
    ['--port', '', 'from 0 to 65535'],
    ['--framing', 'json', 'one of length-prefixed, lines, syslog'],
    ['--max-clients', '0', 'at least 1'],
    ['--max-clients', '9007199254740993', 'at least 1'],
    ['--max-frame-bytes', '16MB', 'KiB'],
    ['--max-frame-bytes', '0', 'from 1'],
    ['--max-frame-bytes', '1GiB', 'to 1000000000'],
    ['--max-frame-bytes', '-5', 'bytes'],
    ['--max-buffered-bytes', 'much', 'bytes'],
    ['--max-buffered-bytes', '1.5MiB', 'bytes'],
    ['--idle-timeout', '0', 'from 1 ms to 2147483647 ms'],
    ['--idle-timeout', '600000min', 'from 1 ms to 2147483647 ms'],
    ['--max-buffered-bytes', '99999999GiB', 'from 1 to 9007199254740991'],
    ['--idle-timeout', '30x', 'off, or a time'],
    ['--idle-timeout', '2147483648', 'off, or a time'],
    ['--forward', 'http://a/', 'ws:// or wss://'],
    ['--forward', 'a:1', 'ws:// or wss://'],
    ['--forward', 'ws://', 'ws:// or wss://'],
    ['--forward', 'ws://a/#part', 'without a fragment'],
    ['--feed-port', '70000', 'off, or a whole number'],
    ['--database', '', 'none, or the path'],
    ['--database', 'libsql://somewhere/db', 'none, or the path'],
    ['--drain-timeout', 'off', 'a time'],
    ['--cancel-timeout', '1h', 'a time'],
  ])('refuses %s %j and says what it wants', (option, value, expected) => {
    const error = refusal(option, value);
    expect(error).toMatchObject({ name: 'UsageError', option, value, exitCode: 2 });
    expect(error.expected).toContain(expected);
    expect(error.message).toBe(`${option} must be ${error.expected}, but it is ${JSON.stringify(value)}`);
  });

  test.each(
    '--host --port --framing --max-clients --max-frame-bytes --idle-timeout --max-buffered-bytes --forward --feed-port --database --drain-timeout --cancel-timeout'.split(
      ' ',
    ),
  )('says that %s needs a value', (option) => {
    expect(refusal(option).message).toContain(`${option} needs a value: `);
    expect(refusal(option, '--json')).toMatchObject({ option, value: undefined, exitCode: 2 });
  });

  test.each(['--json', '--greeting', '--no-greeting'])('takes no value for %s', (option) => {
    expect(refusal(`${option}=true`)).toMatchObject({ option, value: 'true', exitCode: 2 });
  });

  test('refuses what is given twice or excludes each other', () => {
    expect(refusal('--port', '99', '--port', '98').message).toBe(
      '--port is given twice, the second time with "98": it must be given once only',
    );
    expect(refusal('--idle-timeout', 'off', '--idle-timeout', 'off').value).toBe('off');
    expect(refusal('--json', '--json').option).toBe('--json');
    expect(refusal('--forward', 'ws://a', '--forward', 'ws://A:80/').message).toContain('ws://A:80/ is given twice');
    expect(refusal('--greeting', '--no-greeting').message).toContain('exclude each other');
    expect(refusal('--feed-port', '5002').message).toContain('--feed-port must be another port than --port');
  });

  test.each([
    [['--forward', 'ws://user:secret@a/', '--forward', 'wss://b/', '--forward', 'ws://user:secret@A:80/']],
    [['--forward', 'http://user:secret@a/']],
    [['--forward', 'ws://user:secret@a/#part']],
    [['--database', 'libsql://user:secret@a/db']],
    [['--json=ws://user:secret@a/']],
    [['ws://user:secret@a/']],
  ])('repeats no password: %j', (args) => {
    const { message } = refusal(...args);
    expect(message).toContain('://***@');
    expect(message).not.toContain('secret');
  });

  test.each([
    'ws:///user:secret@a/',
    'ws:/user:secret@a/',
    'ws:\\\\user:secret@a/',
    'ws:user:secret@a/',
    ' ws://user:secret@a/',
    'ws://user:se#secret@a/',
    'ws://user:se/secret@a/#part',
    'user:secret@a',
    '//user:secret@a/',
  ])('no password is printed of what is no URL: %p', (url) => {
    for (const words of [
      ['--forward', url],
      [`-forward=${url}`],
      [`--forward ${url}`],
      ['--host', 'a', '--host', url],
    ]) {
      const { message } = refusal(...words);
      expect(message).not.toContain('secret');
    }
  });

  test('doubts a budget that the largest frame does not fit in', () => {
    const doubtAbout = (budget: string) => doubtOf(run('--max-frame-bytes', '1MiB', '--max-buffered-bytes', budget));
    expect([doubtOf(run()), doubtAbout('1048577')]).toEqual([undefined, undefined]);
    expect(doubtAbout('1MiB')).toContain('--max-frame-bytes (1048576) is not below --max-buffered-bytes (1048576)');
  });

  test.each([
    ['--prot', '--port'],
    ['--Port', '--port'],
    ['-port', '--port'],
    ['--maxclients=3', '--max-clients'],
    ['--databse', '--database'],
    ['--nogreeting', '--no-greeting'],
    ['--max-frame', '--max-frame-bytes'],
    ['--idle_timeout', '--idle-timeout'],
  ])('names for %s the nearest option', (word, nearest) => {
    const error = refusal(word, '1');
    expect(error).toMatchObject({ option: word.split('=')[0], exitCode: 2 });
    expect(error.message).toContain(`did you mean ${nearest}?`);
  });

  test.each(['--frobnicate', '-p', '--x'])('guesses nothing for %s', (word) => {
    expect(refusal(word).message).toBe(`unknown option ${word}: see --help`);
  });

  test.each([['foo'], ['5002'], ['--'], ['-'], ['']])('refuses the positional argument %j', (word) => {
    expect(refusal('--json', word).option).toBe(word);
  });

  test('gives help whatever else is written', () => {
    for (const args of [['--help'], ['-h'], ['--port', 'x', '--help'], ['--nonsense', '-h']]) {
      expect(parseCommandLine(args)).toEqual({ kind: 'help', text: helpText() });
    }
  });

  test('never throws anything but a UsageError', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '--port',
        '--json',
        '--forward',
        'ws://a/',
        '--database',
        'off',
        '30s',
        '--idle-timeout',
        '--framing=',
        '1',
      ),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (args) => {
        try {
          return parseCommandLine(args).kind.length > 0;
        } catch (error) {
          return error instanceof UsageError && error.exitCode === 2 && error.message.length > 0;
        }
      }),
    );
  });
});

describe('the help of the pipeline', () => {
  const rows = helpText()
    .split('\n')
    .filter((line) => line.startsWith('  --'));

  test('names every option once, with its default', () => {
    expect(rows.map((row) => /--[a-z-]+/.exec(row)?.[0]).join(' ')).toBe(
      '--host --port --framing --greeting --no-greeting --max-clients --max-frame-bytes --idle-timeout --max-buffered-bytes ' +
        '--forward --feed-port --database --json --drain-timeout --cancel-timeout --help',
    );
    for (const row of rows.slice(0, -1)) expect(row).toMatch(/\(default: .+\)$/);
  });

  test('is aligned', () => {
    const columns = new Set(rows.map((row) => /^ {2}\S+( [A-Z]+)? +/.exec(row)?.[0].length));
    expect(columns.size).toBe(1);
  });

  test('shows only examples that are accepted', () => {
    const examples = [...helpText().matchAll(/npm run pipeline -- (--.*)/g)].map((match) => match[1] as string);
    expect(examples.length).toBeGreaterThanOrEqual(3);
    for (const example of examples) expect(() => run(...example.split(' '))).not.toThrow();
  });
});
