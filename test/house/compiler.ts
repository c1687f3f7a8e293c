/**
 * TypeScript's compiler as a library (version 6; the `tsc` of the build is 7), with the options of tsconfig.json: a
 * program over given files, some of which may have another text than on disk.
 */
import { join } from 'node:path';
import ts from 'typescript';
import { repositoryRoot } from './repository.ts';

/** `files` are paths from the root; `texts` replaces or adds files, by path from the root. */
export function programOf(files: readonly string[], texts: ReadonlyMap<string, string> = new Map()): ts.Program {
  const settings = ts.readConfigFile(join(repositoryRoot, 'tsconfig.json'), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent({ ...settings.config, include: [] }, ts.sys, repositoryRoot);
  const disk = ts.createCompilerHost(options);
  const replaced = new Map([...texts].map(([path, text]) => [join(repositoryRoot, path), text]));
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (path) => replaced.has(path) || disk.fileExists(path),
    readFile: (path) => replaced.get(path) ?? disk.readFile(path),
    getSourceFile: (path, languageVersion, ...rest) => {
      const text = replaced.get(path);
      if (text === undefined) return disk.getSourceFile(path, languageVersion, ...rest);
      return ts.createSourceFile(path, text, languageVersion, true);
    },
  };
  return ts.createProgram(
    files.map((file) => join(repositoryRoot, file)),
    options,
    host,
  );
}

/** The source file of a program by its path from the root. */
export function sourceOf(program: ts.Program, file: string): ts.SourceFile {
  const source = program.getSourceFile(join(repositoryRoot, file));
  if (source === undefined) throw new Error(`${file} is not part of the program`);
  return source;
}
