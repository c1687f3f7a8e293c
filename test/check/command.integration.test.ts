/** The program `taskthread-check` as users run it: the built package, in projects of their own on disk. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureBuilt, readText, repositoryRoot } from '../house/repository.ts';

const { bin } = JSON.parse(readText('package.json')) as { bin: Record<string, string> };
const program = join(repositoryRoot, bin['taskthread-check'] ?? '');
let folder: string;

beforeAll(ensureBuilt, 60_000);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'taskthread-check-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

function install(name: string, from: string): void {
  mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true });
  symlinkSync(join(repositoryRoot, from), join(folder, 'node_modules', name));
}

interface Ended {
  readonly code: number | null;
  readonly out: string[];
  readonly err: string;
}

function check(...args: string[]): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { cwd: folder, encoding: 'utf8' });
  return { code: status, out: stdout.split('\n').filter((line) => line !== ''), err: stderr };
}

const tsconfig = (more: object = {}): string =>
  JSON.stringify({
    compilerOptions: {
      target: 'es2022',
      module: 'nodenext',
      strict: true,
      skipLibCheck: true,
      noEmit: true,
      lib: ['es2022', 'esnext.disposable'],
      types: [],
      ...more,
    },
    include: ['*.ts'],
  });

const thread = (parameter: string): string => `
import { TaskThread } from 'taskthread';
export class Main extends TaskThread<'a' | 'b'> {
  protected override signalHandler(signal: ${parameter}): void {}
}
`;

/** A project with the package and TypeScript 6, whose thread takes this. */
function project(parameter: string, more?: object): void {
  write({ 'package.json': '{"type":"module"}', 'tsconfig.json': tsconfig(more), 'main.ts': thread(parameter) });
  install('taskthread', '.');
  install('typescript', 'node_modules/typescript');
}

test('a project in which nothing is too narrow: exit code 0, and it says how much was looked at', () => {
  project(`'a' | 'b'`);
  expect(check()).toEqual({ code: 0, out: ['taskthread-check: 1 thread in 1 file, nothing found'], err: '' });
});

test('a handler that is too narrow: exit code 1, and file, line and column', () => {
  project(`'a'`);
  for (const args of [['.'], [join(folder, 'tsconfig.json')]]) {
    expect(check(...args)).toEqual({
      code: 1,
      out: [
        'main.ts:4:36 signalHandler of Main: signal takes "a", but what comes is "a" | "b"',
        'taskthread-check: 1 thread in 1 file, 1 found',
      ],
      err: '',
    });
  }
});

test('it can be run by its name', () => {
  project(`'a' | 'b'`);
  expect(execFileSync(program, { cwd: folder, encoding: 'utf8' })).toContain('nothing found');
});

test('a project with loose function types is told so', () => {
  project(`'a' | 'b'`, { strictFunctionTypes: false });
  const { code, out } = check();
  expect([code, out[0]]).toEqual([1, expect.stringContaining('"strictFunctionTypes" is off')]);
});

test('a project that refers to others is looked at with them, and each finding is told once', () => {
  project(`'a'`, { composite: true, noEmit: false, outDir: 'out' });
  write({
    'all/tsconfig.json': '{"files":[],"references":[{"path":".."},{"path":"../tsconfig.json"}]}',
  });
  const { code, out } = check('all');
  expect([code, out.length, out[0]]).toEqual([1, 2, expect.stringMatching(/^main\.ts:4:36 /)]);
});

test('several projects: the gravest code', () => {
  project(`'a'`);
  const { code, out, err } = check('.', 'nowhere');
  expect([code, out.length, err]).toEqual([2, 2, 'taskthread-check: nowhere does not exist\n']);
});

test('help goes to the output; an option that is not known is named', () => {
  const help = check('--help');
  expect([help.code, help.out[0], help.err]).toEqual([0, 'taskthread-check [tsconfig.json | folder] ...', '']);
  expect(check('--fix')).toEqual({
    code: 2,
    out: [],
    err: 'taskthread-check: unknown option --fix; known is --help\n',
  });
});

describe('exit code 2, and why, when nothing could be checked', () => {
  test('no tsconfig.json, a broken one, and one without files', () => {
    expect(check()).toMatchObject({ code: 2, err: 'taskthread-check: there is no tsconfig.json in .\n' });
    project(`'a'`);
    write({ 'tsconfig.json': '{' });
    expect(check()).toMatchObject({ code: 2, err: expect.stringContaining('tsconfig.json: ') });
    write({ 'tsconfig.json': '{"include":["none/*.ts"]}' });
    expect(check()).toMatchObject({ code: 2, err: expect.stringContaining('No inputs were found') });
  });

  test('no thread at all: it would have seen nothing', () => {
    project(`'a'`);
    write({ 'main.ts': 'export const nothing = 1;\n' });
    expect(check()).toMatchObject({
      code: 2,
      err: expect.stringContaining('no class in . (1 file) extends TaskThread'),
    });
  });

  test('no TypeScript', () => {
    write({ 'tsconfig.json': tsconfig() });
    expect(check()).toMatchObject({ code: 2, err: expect.stringContaining('npm install --save-dev typescript@6') });
  });

  test('TypeScript 7, which has no compiler API; with typescript6 beside it all is well', () => {
    project(`'a'`);
    rmSync(join(folder, 'node_modules/typescript'));
    install('typescript', 'node_modules/@typescript/native');
    const { code, err } = check();
    expect([code, err]).toEqual([
      2,
      'taskthread-check: typescript 7.0.2 has no compiler API (from version 7 on it has none); ' +
        'install one that has, beside it: npm install --save-dev @typescript/typescript6\n',
    ]);
    install('@typescript/typescript6', 'node_modules/typescript');
    expect(check().code).toBe(1);
  });

  test('a TypeScript that is too old, or broken', () => {
    project(`'a'`);
    rmSync(join(folder, 'node_modules/typescript'));
    write({
      'node_modules/typescript/package.json': '{"main":"index.js"}',
      'node_modules/typescript/index.js': "exports.version = '5.3.3'; exports.createProgram = () => {};",
    });
    expect(check()).toMatchObject({ code: 2, err: expect.stringContaining('typescript 5.3.3 is too old: 5.4') });
    write({ 'node_modules/typescript/index.js': "throw new Error('half installed');" });
    expect(check()).toMatchObject({ code: 2, err: expect.stringContaining('cannot be loaded (half installed)') });
  });
});
