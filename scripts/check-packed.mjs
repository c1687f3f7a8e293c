/**
 * `node scripts/check-packed.mjs package.tgz`: looks at what is in a packed tarball, installs it into an empty folder
 * without the optional peers, and loads every entrance by import and by require (packed-probe.cjs). Each has the names
 * that test/house/exports.json lists, and a class is the same class whichever way it was loaded. Its programs start, and its
 * declarations ask for no package that may be absent.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ALLOWED = /^package\/((dist\/(esm|cjs)|src)\/.+|README\.md|LICENSE|package\.json)$/;
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const readJson = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));

/** What is in the tarball that users have no use for, and what they would miss. */
function contentProblems(tarball) {
  const paths = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n');
  const strangers = paths.filter((path) => !ALLOWED.test(path));
  const missing = ['README.md', 'LICENSE'].filter((name) => !paths.includes(`package/${name}`));
  return [
    ...strangers.map((path) => `${path} is in the tarball and does not belong there`),
    ...missing.map((name) => `${name} is not in the tarball`),
  ];
}

/** Starts the programs of the installed package, and loads it in programs of their own; their words go to the terminal. */
function loads(tarball, lists, commonJsFiles, programs) {
  const folder = mkdtempSync(join(tmpdir(), 'taskthread-packed-'));
  try {
    writeFileSync(join(folder, 'package.json'), '{"private":true}\n');
    writeFileSync(join(folder, 'packed-lists.json'), JSON.stringify({ lists, commonJsFiles }));
    copyFileSync(join(root, 'scripts/packed-probe.cjs'), join(folder, 'packed-probe.cjs'));
    const install = ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', tarball];
    execFileSync('npm', install, { cwd: folder, stdio: 'inherit' });
    const started = programs.flatMap((name) => {
      const program = join(folder, 'node_modules/.bin', name);
      const { error, status } = spawnSync(program, ['--help'], { cwd: folder, encoding: 'utf8' });
      return status === 0 ? [] : [`${name} --help ended with ${error?.message ?? `exit code ${status}`}`];
    });
    const declared = join(folder, 'node_modules/taskthread/dist/esm/threads');
    const foreign = readdirSync(declared).filter((file) => {
      return file.endsWith('.d.ts') && /from '(ws|libsql)'/.test(readFileSync(join(declared, file), 'utf8'));
    });
    const untyped = foreign.map((file) => `dist/esm/threads/${file} asks for the types of an optional package`);
    const loaded = ['import', 'require'].flatMap((first) => {
      try {
        execFileSync(process.execPath, ['--no-warnings', 'packed-probe.cjs', first], { cwd: folder, stdio: 'inherit' });
        return [];
      } catch {
        return [`the packed package does not load as it should when ${first} comes first`];
      }
    });
    return [...started, ...untyped, ...loaded];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const tarball = resolve(process.argv[2] ?? '');
const lists = readJson('test/house/exports.json');
const entrances = Object.entries(readJson('package.json').exports).filter(([, target]) => typeof target !== 'string');
const commonJsFiles = Object.fromEntries(
  entrances.map(([subpath, target]) => [`taskthread${subpath.slice(1)}`, target.require.default]),
);
const unlisted = Object.keys(commonJsFiles).filter((name) => !(name in lists));
const problems = [
  ...contentProblems(tarball),
  ...unlisted.map((name) => `${name} is not in test/house/exports.json: npm run exports:update`),
  ...loads(tarball, lists, commonJsFiles, Object.keys(readJson('package.json').bin)),
];
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
