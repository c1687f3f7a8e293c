/**
 * The documents name what is there: every file of src has its place in docs/design.md, every page of docs its line in the README,
 * every decision its row, every example and every script of package.json its mention; and none is named that is gone.
 */
import { posix } from 'node:path';
import { links, tableRows } from './markdown.ts';
import { listFiles, optionalPeers, readFiles, readText } from './repository.ts';

const files = listFiles();
const { bin, scripts } = JSON.parse(readText('package.json')) as Record<'bin' | 'scripts', Record<string, string>>;

/** What the folder table must not be asked about: packages and programs are in code marks too. */
const NO_FILES: ReadonlySet<string> = new Set([...optionalPeers, ...Object.keys(bin)]);

/** What differs between the rows of a folder table and the files: `not named: …`, `gone: …`. */
function tableProblems(text: string, sources: readonly string[]): string[] {
  const named = tableRows(text).flatMap(({ cells: [folder = '', content = ''] }) => {
    const path = /^\[(src\/[a-z]+)\]/.exec(folder)?.[1];
    if (path === undefined) return [];
    return [...content.matchAll(/`([a-z-]+)`/g)]
      .map(([, name]) => name!)
      .filter((name) => !NO_FILES.has(name))
      .map((name) => `${path}/${name}.ts`);
  });
  return [
    ...sources.filter((file) => !named.includes(file)).map((file) => `not named: ${file}`),
    ...named.filter((file) => !sources.includes(file)).map((file) => `gone: ${file}`),
    ...named.filter((file, index) => named.indexOf(file) !== index).map((file) => `twice: ${file}`),
  ];
}

test('the folder table of docs/design.md has every file of src once, and none that is gone', () => {
  const sources = files.filter(
    (file) => /^src\/[a-z]+\/[a-z-]+\.ts$/.test(file) && posix.basename(file) !== 'index.ts',
  );
  expect(tableProblems(readText('docs/design.md'), sources)).toEqual([]);
});

test('the reader of the folder table sees a file that is not named, one that is gone, and one that is named twice', () => {
  const table =
    '| Folder | What lives there |\n| --- | --- |\n| [src/kernel](x) | `clock`, `ws` · `gone` · `clock` |\n';
  expect(tableProblems(table, ['src/kernel/clock.ts', 'src/kernel/probe.ts'])).toEqual([
    'not named: src/kernel/probe.ts',
    'gone: src/kernel/gone.ts',
    'twice: src/kernel/clock.ts',
  ]);
});

/** The targets of the links in a document, as paths from the root. */
function targetsOf(document: string, text = readText(document)): string[] {
  const folder = posix.dirname(document);
  return links(text).map(({ target }) => posix.join(folder, target.replace(/#.*/, '')));
}

test('the README says once of each page where it is', () => {
  const readme = readText('README.md');
  const listed = targetsOf('README.md', readme.slice(readme.indexOf('## Where to go next')));
  const pages = files.filter((file) =>
    /^docs\/[^/]+\.md$|^docs\/decisions\/README\.md$|^examples\/.*README\.md$/.test(file),
  );
  expect(listed.filter((file) => file.endsWith('.md')).sort()).toEqual(pages);
});

test('decisions are numbered without gaps, and listed in their order', () => {
  const decisions = files.filter((file) => /^docs\/decisions\/\d/.test(file));
  const numbers = decisions.map((file) => Number(posix.basename(file).slice(0, 4)));
  expect(numbers).toEqual(decisions.map((_file, index) => index + 1));
  expect(
    decisions.filter((file, index) => !readText(file).startsWith(`# ${String(index + 1).padStart(4, '0')}: `)),
  ).toEqual([]);
  expect(targetsOf('docs/decisions/README.md').filter((file) => decisions.includes(file))).toEqual(decisions);
});

test('examples/README.md has every example, with the command that runs it', () => {
  const text = readText('examples/README.md');
  const examples = files.filter((file) => /^examples\/(functions\/)?[^/]+\.ts$/.test(file));
  expect(examples.length).toBeGreaterThan(0);
  expect(examples.filter((file) => !text.includes(`\`npm run example ${file}\``))).toEqual([]);
});

test('every script of package.json is explained in a document, and each that a document names is there', () => {
  const said = [...readFiles('.md').values()].flatMap((text) => [
    ...[...text.matchAll(/npm run (?:-s |--silent )?([a-z0-9:]+)/g)].map(([, script]) => script!),
    ...[...text.matchAll(/npm (start|test)\b/g)].map(([, script]) => script!),
    ...[...text.matchAll(/npm pack\b/g)].map(() => 'prepack'),
  ]);
  const known = Object.keys(scripts);
  expect(known.filter((script) => !said.includes(script))).toEqual([]);
  expect(said.filter((script) => !known.includes(script))).toEqual([]);
  expect(known).toEqual([...known].sort());
});
