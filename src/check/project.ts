/**
 * Reads a project as `tsc -p` does (a tsconfig.json with what it extends and what it refers to) and looks at its threads.
 */
import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { CannotCheck, loadTypeScript, type TypeScript, type ts } from './compiler.ts';
import { type Narrowing, narrowedHooks } from './narrowing.ts';

/** What was found in a project and those that it refers to. */
export interface Checked {
  readonly narrowings: readonly Narrowing[];
  readonly threads: number;
  readonly files: number;
  /** Settings with which TypeScript itself lets narrower parameters through; each in words. */
  readonly loose: readonly string[];
}

/** Checks the project at `path`: a tsconfig.json, or a folder that has one. Throws `CannotCheck`. */
export function checkProject(path: string): Checked {
  const config = configAt(path);
  const compiler = loadTypeScript(dirname(config));
  const narrowings: Narrowing[] = [];
  const loose: string[] = [];
  let threads = 0;
  let files = 0;
  const waiting = [config];
  const seen = new Set<string>();
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const parsed = parse(compiler, next);
    for (const reference of parsed.projectReferences ?? []) waiting.push(configAt(reference.path));
    if (parsed.fileNames.length === 0) continue;
    const { options } = parsed;
    if ((options.strictFunctionTypes ?? options.strict ?? isStrictByDefault(compiler)) !== true) {
      loose.push(
        `${next}: "strictFunctionTypes" is off, so that TypeScript does not look at onSignal either; set "strict"`,
      );
    }
    const program = compiler.createProgram({
      rootNames: parsed.fileNames,
      options,
      ...(parsed.projectReferences && { projectReferences: parsed.projectReferences }),
    });
    const found = narrowedHooks(compiler, program);
    narrowings.push(...found.narrowings.filter((one) => !narrowings.some((other) => isSame(one, other))));
    threads += found.threads;
    files += parsed.fileNames.length;
  }
  return { narrowings, threads, files, loose };
}

function configAt(path: string): string {
  const full = resolve(path);
  if (!existsSync(full)) throw new CannotCheck(`${path} does not exist`);
  if (!statSync(full).isDirectory()) return full;
  const config = join(full, 'tsconfig.json');
  if (!existsSync(config)) throw new CannotCheck(`there is no tsconfig.json in ${path}`);
  return config;
}

function parse(compiler: TypeScript, config: string): ts.ParsedCommandLine {
  const { config: read, error } = compiler.readConfigFile(config, (path) => compiler.sys.readFile(path));
  if (error !== undefined) throw new CannotCheck(inWords(compiler, config, error));
  const parsed = compiler.parseJsonConfigFileContent(read, compiler.sys, dirname(config), undefined, config);
  // No files of its own is no mistake in a project that only refers to others.
  const mistake = parsed.errors.find(({ code }) => parsed.projectReferences === undefined || !NO_INPUT.has(code));
  if (mistake !== undefined) throw new CannotCheck(inWords(compiler, config, mistake));
  return parsed;
}

/** "No inputs were found", "The 'files' list is empty". */
const NO_INPUT: ReadonlySet<number> = new Set([18_002, 18_003]);

/** From version 6 on. */
function isStrictByDefault(compiler: TypeScript): boolean {
  return Number.parseInt(compiler.version, 10) >= 6;
}

function inWords(compiler: TypeScript, config: string, { messageText }: ts.Diagnostic): string {
  return `${config}: ${compiler.flattenDiagnosticMessageText(messageText, ' ')}`;
}

function isSame(a: Narrowing, b: Narrowing): boolean {
  return a.file === b.file && a.line === b.line && a.column === b.column;
}
