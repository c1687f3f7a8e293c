/**
 * What is public is listed: exports.json has, for each entrance in package.json, the names that exist at run time
 * (`values`) and those that are types only (`types`). A name that comes or goes is seen here and is to be meant.
 * After a change that is meant: `npm run exports:update`, and read the difference.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { programOf, sourceOf } from './compiler.ts';
import { entrances, readText, repositoryRoot } from './repository.ts';

interface Exports {
  readonly values: readonly string[];
  readonly types: readonly string[];
}

const LIST = 'test/house/exports.json';
const isUpdate = process.env.UPDATE_EXPORTS === '1';
const present = [...entrances].filter(([, file]) => existsSync(join(repositoryRoot, file)));
const program = programOf(present.map(([, file]) => file));

/** What the type checker finds exported from a file, and whether it takes the name for a value. */
function checkedExports(of: ts.Program, file: string): Map<string, boolean> {
  const checker = of.getTypeChecker();
  const module = checker.getSymbolAtLocation(sourceOf(of, file));
  if (module === undefined) return new Map();
  return new Map(
    checker.getExportsOfModule(module).map((symbol) => {
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      const isTypeOnly = symbol.declarations?.some(ts.isTypeOnlyImportOrExportDeclaration) ?? false;
      return [symbol.name, !isTypeOnly && (target.flags & ts.SymbolFlags.Value) !== 0];
    }),
  );
}

async function exportsOf(file: string): Promise<Exports> {
  const values = Object.keys((await import(join(repositoryRoot, file))) as object).filter(
    (name) => name !== '__esModule',
  );
  const types = [...checkedExports(program, file).keys()].filter((name) => !values.includes(name));
  return { values: values.sort(), types: types.sort() };
}

test('every entrance in package.json has its source file', () => {
  const missing = [...entrances].filter(([, file]) => !existsSync(join(repositoryRoot, file)));
  expect(missing).toEqual([]);
});

test('what each entrance exports is what exports.json lists', async () => {
  const actual: Record<string, Exports> = {};
  for (const [name, file] of present) actual[name] = await exportsOf(file);
  if (isUpdate) writeFileSync(join(repositoryRoot, LIST), `${JSON.stringify(actual, null, 2)}\n`);
  expect(actual).toEqual(JSON.parse(readText(LIST)));
});

test.each(present)('%s exports at run time what its types promise', async (_name, file) => {
  const promised = [...checkedExports(program, file)].filter(([, isValue]) => isValue).map(([name]) => name);
  expect((await exportsOf(file)).values).toEqual(promised.sort());
});

test('the reader of exports tells values from types', () => {
  const texts = new Map([
    ['test/planted.ts', `export class A {}\nexport interface B {}\nexport type C = A;\nexport const d = 1;`],
    ['test/entrance.ts', `export { A, type B } from './planted.ts';\nexport type { A as E } from './planted.ts';`],
    ['test/star.ts', `export * from './planted.ts';\nexport type * as all from './entrance.ts';`],
  ]);
  const planted = programOf([...texts.keys()], texts);
  expect(Object.fromEntries(checkedExports(planted, 'test/entrance.ts'))).toEqual({ A: true, B: false, E: false });
  const star = { A: true, B: false, C: false, d: true, all: false };
  expect(Object.fromEntries(checkedExports(planted, 'test/star.ts'))).toEqual(star);
});
