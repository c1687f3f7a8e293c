/**
 * Builds `dist/`: esm and cjs (what is published; the first is bundled), then examples, compiled against the built package by
 * its public names. Does nothing when no input has changed since the last build that went through (`--force` builds anyway).
 *
 * Each part is built beside its place and then renamed into it, so that a program that starts meanwhile finds the old
 * part or the new one; a second build that starts meanwhile waits for the first one.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';
import { finishCommonJs, finishPrograms } from './finish-build.mjs';

const LOCK_WAIT_MS = 60_000;
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
const stampFile = join(dist, '.stamp');
const lock = join(dist, '.lock');

const settings = ['base', 'esm', 'cjs', 'examples'].map((name) => `tsconfig.${name}.json`);
const tools = ['@typescript/native', 'rollup'].map((name) => `node_modules/${name}/package.json`);
const scripts = ['build', 'bundle', 'finish-build'].map((name) => `scripts/${name}.mjs`);
const fixedInputs = [...settings, 'package.json', ...tools, ...scripts];

function filesUnder(folder) {
  if (!existsSync(join(root, folder))) return [];
  const entries = readdirSync(join(root, folder), { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ts'));
  return files.map((entry) => join(entry.parentPath, entry.name)).sort();
}

/** What the output depends on, as one word. */
function fingerprint() {
  const hash = createHash('sha256');
  const inputs = [...fixedInputs.map((file) => join(root, file)), ...filesUnder('src'), ...filesUnder('examples')];
  for (const file of inputs) hash.update(`${file}\0`).update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

function isFresh(stamp) {
  const parts = ['esm', 'cjs', ...(filesUnder('examples').length > 0 ? ['examples'] : [])];
  if (!parts.every((part) => existsSync(join(dist, part)))) return false;
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp;
}

/** Compiles one part beside its place. Resolves with whether the compiler had nothing to say. */
function compile(part) {
  const next = join(dist, `.next-${part}`);
  rmSync(next, { recursive: true, force: true });
  const tsc = join(root, 'node_modules/.bin/tsc');
  const child = spawn(tsc, ['-p', `tsconfig.${part}.json`, '--outDir', next], { cwd: root, stdio: 'inherit' });
  return new Promise((done, failed) => {
    child.on('error', failed);
    child.on('exit', (code) => done(code === 0));
  });
}

/** The files of the esm part that the package names: what is imported, and its programs. */
function entrances() {
  const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const imported = Object.values(exports).flatMap((target) => target.import?.default ?? []);
  return [...imported, ...Object.values(bin)].map((path) => relative('dist/esm', path));
}

function putInPlace(part) {
  const place = join(dist, part);
  const old = join(dist, `.old-${part}`);
  rmSync(old, { recursive: true, force: true });
  if (existsSync(place)) renameSync(place, old);
  renameSync(join(dist, `.next-${part}`), place);
  rmSync(old, { recursive: true, force: true });
}

async function build() {
  const compiled = await Promise.all([compile('esm'), compile('cjs')]);
  if (compiled.includes(false)) return false;
  await bundle(join(dist, '.next-esm'), entrances());
  finishCommonJs(join(dist, '.next-cjs'));
  finishPrograms(join(dist, '.next-esm'));
  putInPlace('esm');
  putInPlace('cjs');
  if (filesUnder('examples').length === 0) return true;
  if (!(await compile('examples'))) return false;
  putInPlace('examples');
  return true;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** The lock holds the number of the process that builds; one whose process has died is taken over. */
async function withLock(action) {
  mkdirSync(dist, { recursive: true });
  const until = Date.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const holder = existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : 0;
      if (holder > 0 && !isAlive(holder)) rmSync(lock, { force: true });
      else if (Date.now() > until) throw new Error(`process ${holder} has been building for too long: see ${lock}`);
      else await sleep(50);
    }
  }
  try {
    return await action();
  } finally {
    rmSync(lock, { force: true });
  }
}

const force = process.argv.includes('--force');
const built = await withLock(async () => {
  // Taken before the build: a file that changes meanwhile makes the next build run.
  const stamp = fingerprint();
  if (!force && isFresh(stamp)) return true;
  rmSync(stampFile, { force: true });
  if (!(await build())) return false;
  writeFileSync(stampFile, stamp);
  return true;
});
process.exitCode = built ? 0 : 1;
