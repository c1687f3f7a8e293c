/**
 * Walks the imports of the real tree, and of planted trees that break one rule each: a walker that sees nothing would
 * pass the first test and fail all the others.
 */
import { floorViolations, type House, type Rule } from './floor-rules.ts';
import { entrances, optionalPeers, readFiles } from './repository.ts';

const optionalModules = [...optionalPeers, 'node:sqlite'];
const publicNames = [...entrances.keys()];

/** A small tree in which every rule holds; each case of the canary lays one file over it. */
const sound: Readonly<Record<string, string>> = {
  'src/index.ts': `export * from './taskthread/thread.ts';\nexport { Queue } from './sync/queue.ts';\n`,
  'src/net/index.ts': `export { read } from './socket.ts';\n`,
  'src/kernel/clock.ts': `export const later = (f: () => void) => setTimeout(f, Date.now() - performance.now());\n`,
  'src/kernel/scheduler.ts': `export const next = setImmediate;\n`,
  'src/kernel/ring.ts': `export class Ring {}\n`,
  'src/intercom/lane.ts': `import { Ring } from '../kernel/ring.ts';\nexport class Lane extends Ring {}\n`,
  'src/sync/queue.ts': `export class Queue {}\n`,
  'src/taskthread/thread.ts': `import { EventEmitter } from 'eventemitter3';\nimport type { Lane } from '../intercom/lane.ts';\nexport type T = [EventEmitter, Lane];\n`,
  'src/testing/virtual-clock.ts': `export class VirtualClock {}\n`,
  'src/net/socket.ts': `import { connect } from 'node:net';\nexport const read = connect;\n`,
  'src/threads/websocket.ts': `export const load = () => import('ws');\n`,
  'src/threads/libsql.ts': `import type { Database } from 'libsql';\nexport type D = Database;\n`,
  'src/check/compiler.ts': `export const load = (f: string) => [createRequire(f)('typescript'), createRequire(f)('@typescript/typescript6')];\n`,
  'src/threads/sqlite.ts': `export const load = () => import('node:sqlite' as string);\n`,
  'examples/pipeline/frames.ts': `export const size = 1;\n`,
  'examples/pipeline/main.ts': `import { T } from 'taskthread';\nimport { size } from './frames.ts';\nexport const x: [T, number] = [0, size];\n`,
  'test/kernel/ring.test.ts': `import { Ring } from '../../src/kernel/ring.ts';\nexport const ring = new Ring();\n`,
};

function house(planted: Readonly<Record<string, string>>): House {
  return { files: new Map(Object.entries({ ...sound, ...planted })), publicNames, optionalModules };
}

function report(planted: Readonly<Record<string, string>>): string[] {
  return floorViolations(house(planted)).map(({ rule, file, line }) => `${rule} ${file}:${line}`);
}

test('every file of the repository keeps to its floor', () => {
  const files = readFiles('.ts', '.mts', '.mjs', '.js', '.cjs');
  expect([...files.keys()].filter((file) => file.startsWith('src/')).length).toBeGreaterThan(0);
  const violations = floorViolations({ files, publicNames, optionalModules });
  expect(violations.map(({ rule, file, line, message }) => `${file}:${line} ${rule}: ${message}`)).toEqual([]);
});

test('a sound tree has no violation', () => {
  expect(report({})).toEqual([]);
});

const file = 'src/kernel/planted.ts';
const high = 'src/threads/planted.ts';

test.each<[rule: Rule, what: string, file: string, text: string]>([
  ['floor', 'a static import from above', file, `import { Lane } from '../intercom/lane.ts';`],
  ['floor', 'an import for its effects', file, `import '../intercom/lane.ts';`],
  ['floor', 'a type-only import from above', file, `import type { Lane } from '../intercom/lane.ts';`],
  ['floor', 'an inline type-only name from above', file, `import { type Lane } from '../intercom/lane.ts';`],
  ['floor', 'a dynamic import from above', file, `export const f = () => import('../intercom/lane.ts');`],
  ['floor', 'an import type from above', file, `export type L = import('../intercom/lane.ts').Lane;`],
  ['floor', 'a typeof import from above', file, `export type L = typeof import('../intercom/lane.ts');`],
  ['floor', 'an export from above', file, `export { Lane } from '../intercom/lane.ts';`],
  ['floor', 'a star export from above', file, `export * from '../intercom/lane.ts';`],
  ['floor', 'a require from above', file, `export const l = require('../intercom/lane.ts');`],
  ['floor', 'an import equals from above', file, `import l = require('../intercom/lane.ts');`],
  ['floor', 'a declaration merged into a file above', file, `declare module '../intercom/lane.ts' {}`],
  ['floor', 'a reference to a file above', file, `/// <reference path="../intercom/lane.ts" />`],
  ['floor', 'a test of src inside src', file, `import '../../test/kernel/ring.test.ts';`],
  ['sideways', 'the other folder of floor 1', 'src/sync/planted.ts', `import '../intercom/lane.ts';`],
  [
    'sideways',
    'the other folder of floor 3',
    'src/net/planted.ts',
    `import type {} from '../testing/virtual-clock.ts';`,
  ],
  ['entrance', 'an index.ts', high, `import '../net/index.ts';`],
  ['entrance', 'its own package by name', high, `import 'taskthread/net';`],
  ['unresolved', 'a file that is not there', file, `import './nothing.ts';`],
  ['unresolved', 'an import without its ending', file, `import './ring';`],
  ['computed', 'a name that is put together', high, `export const f = (n: string) => import('./' + n);`],
  ['package', 'a package in the core', 'src/taskthread/planted.ts', `import 'left-pad';`],
  ['package', 'a package that is no peer above the core', high, `import 'left-pad';`],
  ['package', 'a builtin without node:', file, `import 'fs';`],
  ['peer', 'ws in a second file', high, `import type { WebSocket } from 'ws';`],
  ['peer', 'libsql in a second file', high, `const load = createRequire('/x'); export const l = load('libsql');`],
  ['floor', 'a thread that imports the check', high, `import '../check/compiler.ts';`],
  ['peer', 'typescript in a second file', 'src/check/planted.ts', `import type ts from 'typescript';`],
  ['peer', 'libsql through createRequire at once', high, `export const l = createRequire('/x')('libsql');`],
  ['peer', 'node:sqlite through a constant', high, `const n = 'node:sqlite'; export const l = () => import(n);`],
  ['peer', 'node:sqlite as a builtin', high, `export const l = process.getBuiltinModule('node:sqlite');`],
  ['time', 'setTimeout', file, `export const f = () => setTimeout(() => {}, 1);`],
  ['time', 'setInterval, handed on', file, `export const f = { setInterval };`],
  ['time', 'setImmediate of globalThis', file, `export const f = globalThis.setImmediate;`],
  ['time', 'setTimeout by its quoted name', file, `export const f = globalThis['setTimeout'];`],
  ['time', 'queueMicrotask', file, `queueMicrotask(() => {});`],
  ['time', 'Date.now', file, `export const f = () => Date.now();`],
  ['time', 'Date.now, handed on', file, `export const { now } = Date;`],
  ['time', 'new Date()', file, `export const f = () => new Date();`],
  ['time', 'new Date without brackets', file, `export const f = () => new Date;`],
  ['time', 'performance.now', file, `export const f = () => performance.now();`],
  ['time', 'process.hrtime', file, `export const f = () => process.hrtime.bigint();`],
  ['time', 'process.nextTick', file, `process.nextTick(() => {});`],
  ['time', 'AbortSignal.timeout', file, `export const f = () => AbortSignal.timeout(5);`],
  ['time', 'node:timers', file, `import 'node:timers';`],
  ['time', 'node:timers/promises', high, `import 'node:timers/promises';`],
  ['console', 'console', high, `console.log('x');`],
  ['console', 'node:console', high, `import 'node:console';`],
  ['length', '351 lines', file, '\n'.repeat(351)],
  ['room', 'a folder without a floor', 'src/utils/planted.ts', 'export {};'],
  ['room', 'a file beside the entrance', 'src/planted.ts', 'export {};'],
  ['public-name', 'an example that reaches into src', 'examples/x.ts', `import '../src/kernel/ring.ts';`],
  ['public-name', 'an example that reaches into dist', 'examples/x.ts', `import '../dist/esm/index.js';`],
  ['public-name', 'a benchmark that reaches into src', 'bench/x.mjs', `await import('../src/kernel/ring.ts');`],
  ['public-name', 'a test with a name that is not exported', 'test/x.test.ts', `import 'taskthread/kernel/ring';`],
])('the walker sees %s: %s', (rule, _what, planted, text) => {
  const line = rule === 'length' ? 351 : 1;
  expect(report({ [planted]: text })).toEqual([`${rule} ${rule === 'peer' ? peerReportedAt(text) : planted}:${line}`]);
});

/** A second importer is reported at the first one, which the sound tree has. */
function peerReportedAt(text: string): string {
  if (text.includes("'ws'")) return 'src/threads/websocket.ts';
  if (text.includes("'typescript'")) return 'src/check/compiler.ts';
  return text.includes("'libsql'") ? 'src/threads/libsql.ts' : 'src/threads/sqlite.ts';
}

test('the walker sees an optional peer that nobody imports', () => {
  expect(report({ 'src/threads/websocket.ts': 'export {};' })).toEqual(['peer package.json:1']);
});

test.each([
  ['static', `import './b.ts';`, `import './a.ts';`],
  ['type-only', `import type { B } from './b.ts';`, `import type { A } from './a.ts';`],
  ['dynamic', `export const f = () => import('./b.ts');`, `export type A = import('./a.ts').A;`],
  ['export', `export * from './b.ts';`, `export { A } from './a.ts';`],
])('the walker sees a cycle of two: %s', (_form, a, b) => {
  expect(report({ 'src/net/a.ts': a, 'src/net/b.ts': b })).toEqual(['cycle src/net/a.ts:1']);
});

test('the walker sees a cycle of three, a file that imports itself, and each knot once', () => {
  const planted = {
    'src/net/a.ts': `import './b.ts';`,
    'src/net/b.ts': `import './c.ts';\nimport './socket.ts';`,
    'src/net/c.ts': `import './a.ts';\nimport './b.ts';`,
    'src/kernel/self.ts': `import type {} from './self.ts';`,
  };
  expect(report(planted).sort()).toEqual(['cycle src/kernel/self.ts:1', 'cycle src/net/a.ts:1']);
});

test.each([
  ['a method of that name', `export const f = (clock: { setTimeout(ms: number): void }) => clock.setTimeout(5);`],
  ['a type of a timer', `export type Timer = ReturnType<typeof setTimeout>;`],
  ['a date made from a given time', `export const f = (at: number) => new Date(at).toISOString();`],
  ['a question about a date', `export const f = (x: unknown) => x instanceof Date;`],
  ['a member of that name', `export class Page { console = 1; performance(): void {} }`],
  ['words in a comment or a text', `// setTimeout, console.log\nexport const s = 'Date.now() import("ws")';`],
  ['350 lines', '\n'.repeat(350)],
])('the walker lets %s pass', (_what, text) => {
  expect(report({ [file]: text })).toEqual([]);
});
