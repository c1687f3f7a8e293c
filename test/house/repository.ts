/**
 * The repository as the house tests see it: its root, its files as git would commit them, its package.json.
 * Reads only. What the files must look like is said in the tests beside this one.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const repositoryRoot: string = resolve(__dirname, '../..');

/** The text of a file, by its path from the root. */
export function readText(path: string): string {
  return readFileSync(join(repositoryRoot, path), 'utf8');
}

/** Tracked files and new ones that are not ignored, as posix paths from the root; a deleted one is left out. */
export function listFiles(): string[] {
  const listing = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: repositoryRoot,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const paths = new Set(listing.split('\0').filter((path) => path !== ''));
  return [...paths].filter((path) => existsSync(join(repositoryRoot, path))).sort();
}

/** The paths with one of these endings, each with its text. */
export function readFiles(...endings: string[]): Map<string, string> {
  const chosen = listFiles().filter((path) => endings.some((ending) => path.endsWith(ending)));
  return new Map(chosen.map((path) => [path, readText(path)]));
}

interface Manifest {
  readonly exports: Record<string, string | { readonly 'taskthread-source'?: string }>;
  readonly peerDependencies: Record<string, string>;
}

const manifest = JSON.parse(readText('package.json')) as Manifest;

/** The public names of the package, each with its source file: `taskthread/net` → `src/net/index.ts`. */
export const entrances: ReadonlyMap<string, string> = new Map(
  Object.entries(manifest.exports).flatMap(([subpath, target]) => {
    if (typeof target === 'string' || target['taskthread-source'] === undefined) return [];
    return [[`taskthread${subpath.slice(1)}`, target['taskthread-source'].slice(2)] as const];
  }),
);

/** The packages that a user may leave out. */
export const optionalPeers: readonly string[] = Object.keys(manifest.peerDependencies);

/** Brings `dist/` up to date; costs a tenth of a second when it already is. Throws with the compiler's words. */
export function ensureBuilt(): void {
  try {
    execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: repositoryRoot, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`the build failed:\n${stdout ?? ''}${stderr ?? ''}`, { cause: error });
  }
}
