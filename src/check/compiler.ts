/**
 * The only file that touches TypeScript's compiler: the project's own, so that the types are judged by the rules that they are
 * compiled by.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type ts from 'typescript';
import { messageOf } from '../kernel/describe.ts';

export type { ts };

/** The compiler as a library. */
export type TypeScript = typeof ts;

/** Why nothing could be checked; its message is for the user. */
export class CannotCheck extends Error {
  override readonly name = 'CannotCheck';
}

const OLDEST = '5.4';

/** The compiler that a project in `folder` uses: `typescript`, or where that has no API, `@typescript/typescript6`. */
export function loadTypeScript(folder: string): TypeScript {
  const from = join(folder, 'package.json');
  const found = [
    attempt(() => createRequire(from)('typescript') as Partial<TypeScript>),
    attempt(() => createRequire(from)('@typescript/typescript6') as Partial<TypeScript>),
  ];
  for (const compiler of found) {
    if (compiler.value !== undefined && hasApi(compiler.value)) return compiler.value;
  }
  const [{ value, error }] = found as [Attempt, Attempt];
  if (value !== undefined && typeof value.createProgram === 'function') {
    throw new CannotCheck(`typescript ${value.version} is too old: ${OLDEST} or later is needed`);
  }
  if (value !== undefined) {
    throw new CannotCheck(
      `typescript ${value.version ?? '(of unknown version)'} has no compiler API (from version 7 on it has none); ` +
        'install one that has, beside it: npm install --save-dev @typescript/typescript6',
    );
  }
  const isMissing = error === undefined || /^Cannot find module/.test(error);
  const why = isMissing ? `none is installed for ${folder}` : `the one for ${folder} cannot be loaded (${error})`;
  throw new CannotCheck(`TypeScript is needed, and ${why}: npm install --save-dev typescript@6`);
}

function hasApi(compiler: Partial<TypeScript>): compiler is TypeScript {
  // The word that is needed and came last.
  return typeof compiler.createProgram === 'function' && isAtLeast(compiler.version ?? '0', OLDEST);
}

function isAtLeast(version: string, oldest: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const [leastMajor = 0, leastMinor = 0] = oldest.split('.').map(Number);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}

interface Attempt {
  readonly value?: Partial<TypeScript>;
  readonly error?: string;
}

function attempt(load: () => Partial<TypeScript>): Attempt {
  try {
    return { value: load() };
  } catch (error) {
    return { error: messageOf(error) };
  }
}
