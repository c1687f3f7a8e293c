/**
 * The check that users run over their threads (`taskthread-check`), over ours: src, examples, tests, and the programs that the
 * documents show. The planted classes prove that it sees them in each of these places.
 */
import ts from 'typescript';
import { narrowedHooks } from '../../src/check/narrowing.ts';
import { programOf, sourceOf } from './compiler.ts';
import { readFiles } from './repository.ts';
import { snippetsOf } from './snippets.ts';

const canary = `
import { TaskThread } from 'taskthread';
export class Canary extends TaskThread<'a' | 'b'> { protected override signalHandler(_signal: 'a'): void {} }
`;
const ours = readFiles('.ts');
const snippets = new Map(
  [...readFiles('.md')].flatMap(([document, text]) => {
    return snippetsOf(document, text).map(({ line, code }): [string, string] => {
      return [`.snippets/${document.replaceAll('/', '__')}-${line}.ts`, `${code}\nexport {};\n`];
    });
  }),
);
const planted = new Map(['src', 'examples', 'test', '.snippets'].map((folder) => [`${folder}/canary.ts`, canary]));
const program = programOf([...ours.keys(), ...snippets.keys(), ...planted.keys()], new Map([...snippets, ...planted]));

function found(files: Iterable<string>): { places: string[]; threads: number } {
  const { narrowings, threads } = narrowedHooks(
    ts,
    program,
    [...files].map((file) => sourceOf(program, file)),
  );
  return { places: narrowings.map(({ file, line, thread, hook }) => `${file}:${line} ${hook} of ${thread}`), threads };
}

test.each([
  ['src, examples, bench and tests', ours],
  ['the documents', snippets],
])('no thread in %s narrows what its hooks take', (_where, files) => {
  const { places, threads } = found(files.keys());
  // The tests of the check itself are texts to the compiler, and not among these.
  expect(places).toEqual([]);
  expect(threads).toBeGreaterThan(3);
});

test.each([...planted.keys()])('the check sees a narrow hook in %s', (file) => {
  expect(found([file]).places).toEqual([expect.stringMatching(`${file}:3 signalHandler of Canary$`)]);
});
