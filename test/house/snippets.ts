/**
 * Compiles and runs the programs that the documents show: fenced blocks marked `ts`; one marked `ts no-run` is only
 * compiled. They are users like all others: they import the built package by its public names.
 *
 * A block becomes a file in a folder of its own under `.snippets/`, with empty lines before it, so that an error of the
 * compiler and a stack trace point at the line of the document.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { walkFile } from './import-walker.ts';
import { fencedBlocks } from './markdown.ts';
import { repositoryRoot } from './repository.ts';

export interface Snippet {
  /** `README.md:12`: the document and the line of the opening fence. */
  readonly name: string;
  readonly document: string;
  readonly line: number;
  readonly code: string;
  readonly isRun: boolean;
}

export interface SnippetOptions {
  readonly timeLimitMs: number;
  /** How many programs run at a time. */
  readonly atOnce: number;
}

const MARKS = new Set(['ts', 'typescript']);
const KNOWN_WORDS = new Set(['no-run']);

/** The programs of one document. A word behind `ts` that is not known is refused, or a slip would switch a block off. */
export function snippetsOf(document: string, text: string): Snippet[] {
  return fencedBlocks(text).flatMap(({ line, info, code }) => {
    const [language = '', ...words] = info;
    const name = `${document}:${line}`;
    if (!MARKS.has(language)) return [];
    const unknown = words.find((word) => !KNOWN_WORDS.has(word));
    if (unknown !== undefined) throw new Error(`${name}: "${unknown}" means nothing behind ${language}`);
    return [{ name, document, line, code, isRun: !words.includes('no-run') }];
  });
}

/** What is wrong with each snippet, by its name; an empty text when nothing is. `package` has what belongs to none. */
export async function checkSnippets(
  snippets: readonly Snippet[],
  options: SnippetOptions,
): Promise<Map<string, string>> {
  mkdirSync(join(repositoryRoot, '.snippets'), { recursive: true });
  const folder = mkdtempSync(join(repositoryRoot, '.snippets', 'run-'));
  try {
    const problems = await compile(folder, snippets);
    const waiting = snippets.filter(({ name, isRun }) => isRun && problems.get(name) === '');
    const runner = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        problems.set(next.name, await run(folder, next, options.timeLimitMs));
      }
    };
    await Promise.all(Array.from({ length: options.atOnce }, runner));
    return problems;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function fileName({ document, line }: Snippet): string {
  return `${document.replaceAll('/', '__')}-${line}`;
}

/** Type checks all blocks in one pass, and writes JavaScript for those that run. */
async function compile(folder: string, snippets: readonly Snippet[]): Promise<Map<string, string>> {
  const problems = new Map<string, string>([['package', '']]);
  const nameByFile = new Map<string, string>();
  for (const snippet of snippets) {
    const file = `${fileName(snippet)}.ts`;
    nameByFile.set(file, snippet.name);
    const reaching = reachesBehind(snippet);
    problems.set(snippet.name, reaching);
    // Compiled along, a source file would leave its JavaScript in the repository.
    if (reaching === '') writeFileSync(join(folder, file), '\n'.repeat(snippet.line) + snippet.code);
  }
  // With no file at all the compiler would complain about its settings.
  if (snippets.every(({ name }) => problems.get(name) !== '')) return problems;
  const compilerOptions = {
    customConditions: [],
    moduleDetection: 'force',
    noEmitOnError: false,
    outDir: 'out',
    rootDir: '.',
    sourceMap: true,
  };
  const settings = { extends: '../../tsconfig.base.json', compilerOptions, include: ['*.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  const tsc = join(repositoryRoot, 'node_modules/.bin/tsc');
  const { output, failure } = await runProgram(tsc, ['-p', '.', '--pretty', 'false'], folder, 60_000);
  let owner = 'package';
  for (const line of output.split('\n').filter((text) => text.trim() !== '')) {
    const [, path = '', rest = ''] = /^(\S[^(]*)(\(\d+,\d+\): .*)$/.exec(line) ?? [];
    // A line that is indented belongs to the error above it.
    if (!/^\s/.test(line)) owner = nameByFile.get(path) ?? 'package';
    const text = owner === 'package' ? line : `${owner.split(':')[0]}${rest || line}`;
    problems.set(owner, `${problems.get(owner) ?? ''}${text}\n`);
  }
  if (failure !== '' && output.trim() === '') problems.set('package', `tsc ${failure}`);
  return problems;
}

function reachesBehind({ name, code }: Snippet): string {
  const relatives = walkFile(`${name}.ts`, code).imports.filter(({ specifier = '.' }) => /^[./]/.test(specifier));
  return relatives.map(({ specifier }) => `${name} imports ${specifier}, which a reader does not have\n`).join('');
}

/** Runs one program in an empty folder: it ends by itself, with exit code 0, within the time limit. */
async function run(folder: string, snippet: Snippet, timeLimitMs: number): Promise<string> {
  const directory = join(folder, `cwd-${fileName(snippet)}`);
  mkdirSync(directory);
  const program = join(folder, 'out', `${fileName(snippet)}.js`);
  const options = ['--no-warnings', '--enable-source-maps', program];
  const { output, failure } = await runProgram(process.execPath, options, directory, timeLimitMs);
  const place = relative(repositoryRoot, join(folder, `${fileName(snippet)}.ts`));
  return failure === '' ? '' : `${snippet.name} ${failure}\n${output.replaceAll(place, snippet.document)}`;
}

/** `failure` is empty, or says in words how the program ended. */
function runProgram(
  program: string,
  options: readonly string[],
  directory: string,
  timeLimitMs: number,
): Promise<{ output: string; failure: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, options, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, timeLimitMs);
    const end = (failure: string): void => {
      clearTimeout(timer);
      resolve({ output: Buffer.concat(chunks).toString(), failure });
    };
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (error) => end(`did not start: ${error.message}`));
    child.on('close', (code, osSignal) => {
      if (isLate) end(`was still running after ${timeLimitMs} ms`);
      else if (code === 0) end('');
      else end(`ended with ${code === null ? osSignal : `exit code ${code}`}`);
    });
  });
}
