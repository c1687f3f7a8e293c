/**
 * The rules of the house as one pure function: a set of files in, the list of what breaks a rule out. The real tree
 * and the planted ones of the canary go through the same function (`floors.test.ts`).
 *
 * A file imports from its own folder and from lower floors; type-only imports count like all others.
 */
import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import { type Import, type WalkedFile, walkFile } from './import-walker.ts';

export type Rule =
  | 'room' // stands in no folder that the layout knows
  | 'floor' // imports from a higher floor, or from outside src
  | 'sideways' // imports from another folder of its floor
  | 'cycle'
  | 'entrance' // imports an index.ts, or the package by its own name
  | 'unresolved' // a relative import that leads to no file
  | 'computed' // an import whose target cannot be read
  | 'package' // a package that this floor may not import
  | 'peer' // an optional peer that is not imported by exactly one file
  | 'time' // a timer or a clock outside the two files that hold them
  | 'console'
  | 'length'
  | 'public-name'; // a user of the package that reaches behind its public names

export interface Violation {
  readonly rule: Rule;
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

export interface House {
  /** Posix path from the root → text. */
  readonly files: ReadonlyMap<string, string>;
  /** `taskthread`, `taskthread/net`, … */
  readonly publicNames: readonly string[];
  /** Modules that are imported by exactly one file of src. */
  readonly optionalModules: readonly string[];
}

const FLOORS: ReadonlyMap<string, number> = new Map([
  ['kernel', 0],
  ['intercom', 1],
  ['sync', 1],
  ['taskthread', 2],
  ['testing', 3],
  ['observe', 3],
  ['net', 3],
  ['node', 3],
  ['threads', 4],
  ['placement', 4],
  // A program for users, above everything: nothing may import it.
  ['check', 5],
]);
const HIGHEST_CORE_FLOOR = 2;
const CORE_PACKAGES = new Set(['eventemitter3']);
const MAX_LINES = 350;
const TIME_KEEPERS = new Set(['src/kernel/clock.ts', 'src/kernel/scheduler.ts']);
const TIME_MODULES = new Set(['node:timers', 'node:timers/promises', 'node:perf_hooks']);
const USERS = new Set(['examples', 'bench']);

export function floorViolations(house: House): Violation[] {
  const found: Violation[] = [];
  const graph = new Map<string, string[]>();
  const importersOf = new Map<string, Set<string>>(house.optionalModules.map((name) => [name, new Set()]));
  for (const [file, text] of house.files) {
    const walked = walkFile(file, text);
    if (!file.startsWith('src/')) {
      found.push(...publicNameViolations(file, walked, house));
      continue;
    }
    found.push(...contentViolations(file, text, walked));
    const targets: string[] = [];
    for (const imported of walked.imports) {
      const violation = importViolation(file, imported, house);
      if (violation !== undefined) found.push(violation);
      if (imported.specifier === undefined) continue;
      importersOf.get(packageOf(imported.specifier))?.add(file);
      if (isRelative(imported.specifier)) targets.push(resolveFrom(file, imported.specifier));
    }
    graph.set(file, targets);
  }
  found.push(...cycles(graph), ...peerViolations(importersOf));
  return found;
}

function violation(rule: Rule, file: string, line: number, message: string): Violation {
  return { rule, file, line, message };
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith('.') || specifier.startsWith('/');
}

function resolveFrom(file: string, specifier: string): string {
  return posix.normalize(posix.join(posix.dirname(file), specifier));
}

/** Also a module that only newer versions of Node have, such as `node:sqlite`. */
function isNodeModule(specifier: string): boolean {
  return specifier.startsWith('node:') || isBuiltin(specifier);
}

/** `@scope/name/part` → `@scope/name`; a module of Node stays as it is. */
function packageOf(specifier: string): string {
  if (isNodeModule(specifier)) return specifier;
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

/** The folder under src; undefined for the main entrance, which stands above all floors. */
function folderOf(file: string): string | undefined {
  return file === 'src/index.ts' ? undefined : file.split('/')[1];
}

function floorOf(file: string): number | undefined {
  const folder = folderOf(file);
  return folder === undefined ? Number.POSITIVE_INFINITY : FLOORS.get(folder);
}

function contentViolations(file: string, text: string, walked: WalkedFile): Violation[] {
  const found: Violation[] = [];
  if (floorOf(file) === undefined) found.push(violation('room', file, 1, `${file} stands in no folder of the layout`));
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  if (lines > MAX_LINES) found.push(violation('length', file, lines, `${lines} lines, the ceiling is ${MAX_LINES}`));
  for (const { name, line } of walked.globals) {
    if (name === 'console') found.push(violation('console', file, line, 'the library prints nothing'));
    else if (!TIME_KEEPERS.has(file)) found.push(violation('time', file, line, `${name}: time comes from the clock`));
  }
  return found;
}

function importViolation(file: string, { specifier, line, form }: Import, house: House): Violation | undefined {
  const broken = (rule: Rule, message: string) => violation(rule, file, line, message);
  if (specifier === undefined) return broken('computed', `a ${form} import whose target is not written as a literal`);
  if (!isRelative(specifier)) return packageViolation(file, specifier, line, house);
  const target = resolveFrom(file, specifier);
  if (!house.files.has(target)) return broken('unresolved', `${specifier} leads to no file`);
  if (!target.startsWith('src/')) return broken('floor', `${target} stands outside src`);
  if (posix.basename(target) === 'index.ts') return broken('entrance', `${target} is an entrance for users`);
  if (folderOf(file) === folderOf(target)) return undefined;
  const [own, other] = [floorOf(file), floorOf(target)];
  if (own === undefined || other === undefined || other < own) return undefined;
  const where = `${target} (floor ${other}) from floor ${own}`;
  return other === own ? broken('sideways', where) : broken('floor', where);
}

function packageViolation(file: string, specifier: string, line: number, house: House): Violation | undefined {
  const broken = (rule: Rule, message: string) => violation(rule, file, line, message);
  const name = packageOf(specifier);
  if (name === 'taskthread') return broken('entrance', `${specifier} is the public name of this package itself`);
  if (isNodeModule(specifier)) {
    if (!specifier.startsWith('node:')) return broken('package', `${specifier} is written without node:`);
    if (specifier === 'node:console') return broken('console', 'the library prints nothing');
    if (TIME_MODULES.has(specifier) && !TIME_KEEPERS.has(file)) return broken('time', `${specifier} is imported`);
    return undefined;
  }
  if (CORE_PACKAGES.has(name)) return undefined;
  if ((floorOf(file) ?? 0) > HIGHEST_CORE_FLOOR && house.optionalModules.includes(name)) return undefined;
  return broken('package', `${name}: the core has eventemitter3 only, the floors above it the optional peers too`);
}

function publicNameViolations(file: string, walked: WalkedFile, house: House): Violation[] {
  const isUser = USERS.has(file.split('/')[0] ?? '');
  return walked.imports.flatMap(({ specifier, line }) => {
    if (specifier === undefined) return [];
    if (packageOf(specifier) === 'taskthread' && !house.publicNames.includes(specifier)) {
      return [violation('public-name', file, line, `${specifier} is no public name`)];
    }
    if (!isUser || !isRelative(specifier)) return [];
    const target = resolveFrom(file, specifier);
    if (USERS.has(target.split('/')[0] ?? '') || target.startsWith('dist/examples/')) return [];
    return [violation('public-name', file, line, `${specifier} reaches behind the public names`)];
  });
}

function peerViolations(importersOf: ReadonlyMap<string, ReadonlySet<string>>): Violation[] {
  return [...importersOf].flatMap(([name, importers]) => {
    if (importers.size === 1) return [];
    const [first = 'package.json'] = importers;
    const who = importers.size === 0 ? 'no file' : [...importers].join(', ');
    return [violation('peer', first, 1, `${name} is to be imported by exactly one file, and is by ${who}`)];
  });
}

/** One violation per knot of files that reach each other (Tarjan's strongly connected components). */
function cycles(graph: ReadonlyMap<string, readonly string[]>): Violation[] {
  const found: Violation[] = [];
  const order = new Map<string, number>();
  const stack: string[] = [];
  const visit = (file: string): number => {
    const own = order.size;
    order.set(file, own);
    let lowest = own;
    stack.push(file);
    for (const target of graph.get(file) ?? []) {
      if (!graph.has(target)) continue;
      if (!order.has(target)) lowest = Math.min(lowest, visit(target));
      else if (stack.includes(target)) lowest = Math.min(lowest, order.get(target) ?? own);
    }
    if (lowest === own) {
      const knot = stack.splice(stack.indexOf(file)).sort();
      if (knot.length > 1 || graph.get(file)?.includes(file) === true) {
        found.push(violation('cycle', knot[0] ?? file, 1, `these files import each other: ${knot.join(', ')}`));
      }
    }
    return lowest;
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return found;
}
