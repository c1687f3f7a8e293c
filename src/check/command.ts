/**
 * The command line of `taskthread-check`: arguments in, lines and an exit code out. The program itself is `main`.
 */
import { relative } from 'node:path';
import { CannotCheck } from './compiler.ts';
import type { Narrowing } from './narrowing.ts';
import { checkProject } from './project.ts';

const HELP = `taskthread-check [tsconfig.json | folder] ...

Finds what the compiler lets through: hooks of threads whose parameter is narrower
than what the thread is sent. TypeScript compares parameters of methods both ways,
so that signalHandler(signal: A) compiles in a TaskThread<A | B>.

  tsconfig.json, folder   what to check; default: the folder it is started in
  --help, -h              this text

It uses the project's own typescript (5.4 or later; version 7 has no compiler API,
install @typescript/typescript6 beside it).
Exit code: 0 nothing found, 1 something found, 2 nothing could be checked.`;

const EXIT = { clean: 0, found: 1, cannot: 2 } as const;

/** Runs the command. `out` and `err` are given a line at a time. */
export function runCheck(args: readonly string[], out: (line: string) => void, err: (line: string) => void): number {
  if (args.includes('--help') || args.includes('-h')) {
    out(HELP);
    return EXIT.clean;
  }
  const unknown = args.find((argument) => argument.startsWith('-'));
  if (unknown !== undefined) {
    err(`taskthread-check: unknown option ${unknown}; known is --help`);
    return EXIT.cannot;
  }
  let worst: number = EXIT.clean;
  for (const project of args.length > 0 ? args : ['.']) worst = Math.max(worst, checkOne(project, out, err));
  return worst;
}

function checkOne(project: string, out: (line: string) => void, err: (line: string) => void): number {
  try {
    const { narrowings, threads, files, loose } = checkProject(project);
    for (const narrowing of narrowings) out(inWords(narrowing));
    for (const line of loose) out(line);
    if (threads === 0) {
      throw new CannotCheck(
        `no class in ${project} (${counted(files, 'file')}) extends TaskThread: is it the right project, and does it compile?`,
      );
    }
    const found = narrowings.length + loose.length;
    out(
      `taskthread-check: ${counted(threads, 'thread')} in ${counted(files, 'file')}, ${found === 0 ? 'nothing' : found} found`,
    );
    return found === 0 ? EXIT.clean : EXIT.found;
  } catch (error) {
    if (!(error instanceof CannotCheck)) throw error;
    err(`taskthread-check: ${error.message}`);
    return EXIT.cannot;
  }
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function inWords({ file, line, column, thread, hook, parameter, takes, comes }: Narrowing): string {
  return `${relative('', file)}:${line}:${column} ${hook} of ${thread}: ${parameter} takes ${takes}, but what comes is ${comes}`;
}
