/**
 * docs/semantics.md has a table `| Law | Guarantee | Tests | Mutation that turned it red |`. Each test that it names
 * (`test/path/to/file.test.ts › name`, several separated by `<br>`) exists and is not skipped; each law from 1 to 22
 * has a row; a law without a test says `later` and why.
 */
import { type TableRow, tableRows } from './markdown.ts';
import { listFiles, readText } from './repository.ts';
import { type NamedTest, testsOf } from './test-names.ts';

const DOCUMENT = 'docs/semantics.md';
const HEADINGS = ['Law', 'Guarantee', 'Tests', 'Mutation that turned it red'];
const LAWS = Array.from({ length: 22 }, (_, index) => index + 1);
const LATER = /^later\b\W*(\w+\W+){2,}/i;

/** What is wrong with the table in `text`. `testsIn` gives the tests of a file; undefined where there is no such file. */
function problemsOf(text: string, testsIn: (file: string) => readonly NamedTest[] | undefined): string[] {
  const rows = tableRows(text);
  const heading = rows.findIndex(({ cells }) => cells.join('|') === HEADINGS.join('|'));
  if (heading < 0) return [`there is no table with the headings | ${HEADINGS.join(' | ')} |`];
  const laws = rows.slice(heading + 1).filter(({ cells }) => lawOf(cells) !== undefined);
  const present = new Set(laws.map(({ cells }) => lawOf(cells)));
  return [
    ...LAWS.filter((law) => !present.has(law)).map((law) => `law ${law} has no row`),
    ...laws.flatMap((row) => problemsOfRow(row, testsIn)),
  ];
}

/** `5`, `**5**`, `5. Bounded edges` → 5. */
function lawOf(cells: readonly string[]): number | undefined {
  const digits = /^\W*(\d+)\b/.exec(cells[0] ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function problemsOfRow(
  { cells, line }: TableRow,
  testsIn: (file: string) => readonly NamedTest[] | undefined,
): string[] {
  const [, guarantee = '', tests = '', mutation = ''] = cells;
  const where = `line ${line} (law ${lawOf(cells)})`;
  if (cells.length !== HEADINGS.length) return [`${where} has ${cells.length} cells`];
  const found = guarantee === '' ? [`${where} has no guarantee`] : [];
  if (/^later\b/i.test(tests)) return LATER.test(tests) ? found : [...found, `${where} says later, but not why`];
  if (mutation === '') found.push(`${where} names no mutation`);
  for (const entry of tests.split(/<br\s*\/?>/i)) {
    const words = entry.trim().replace(/^`(.*)`$/, '$1');
    const [file = '', ...path] = words.split(' › ');
    const name = path.join(' › ');
    const known = name === '' ? undefined : testsIn(file.replaceAll('`', ''));
    const match = known?.find((candidate) => candidate.name === name || candidate.path === name);
    if (name === '') found.push(`${where}: "${words}" is not of the form file › name`);
    else if (known === undefined) found.push(`${where}: there is no test file ${file}`);
    else if (match === undefined) found.push(`${where}: ${file} has no test named "${name}"`);
    else if (match.skipped) found.push(`${where}: "${name}" of ${file} is skipped`);
  }
  return found;
}

test('each law has a row and each test named there exists', () => {
  const files = new Set(listFiles());
  if (!files.has(DOCUMENT)) throw new Error(`${DOCUMENT} is missing: it maps each law to the tests that prove it`);
  const known = new Map<string, readonly NamedTest[] | undefined>();
  const problems = problemsOf(readText(DOCUMENT), (file) => {
    if (!known.has(file)) {
      known.set(file, files.has(file) && file.endsWith('.test.ts') ? testsOf(file, readText(file)) : undefined);
    }
    return known.get(file);
  });
  expect(problems).toEqual([]);
});

describe('the reader of the table sees', () => {
  const testsIn = (file: string) =>
    file === 'test/a.test.ts'
      ? testsOf(
          file,
          `test('stops in order', f); it(\`takes \${n}\`, f); describe('a lane', () => { test.each(t)('takes %s', f); });
           test.skip('is off', f); describe.skip('g', () => { it('is off too', f) }); test.each\`a\`('tagged $a', f);`,
        )
      : undefined;
  const rest = LAWS.slice(1).map((law) => `| ${law} | g | later: nobody has come to it yet | |`);
  const problems = (...rows: string[]) => {
    return problemsOf([`| ${HEADINGS.join(' | ')} |`, '|---|---|---|---|', ...rows, ...rest].join('\n'), testsIn);
  };

  test.each([
    ['a plain test', 'test/a.test.ts › stops in order'],
    ['a test in code marks', '`test/a.test.ts › stops in order`'],
    ['two tests', 'test/a.test.ts › stops in order<br>test/a.test.ts › takes %s'],
    ['a test by its whole path', 'test/a.test.ts › a lane › takes %s'],
    ['a name with a value in it', `test/a.test.ts › takes \${n}`],
    ['a tagged table', 'test/a.test.ts › tagged $a'],
  ])('%s', (_what, tests) => {
    expect(problems(`| **1.** Tree | g | ${tests} | m |`)).toEqual([]);
  });

  test.each([
    ['a file that is not there', '| 1 | g | test/b.test.ts › x | m |', 'there is no test file test/b.test.ts'],
    ['a name that is not there', '| 1 | g | test/a.test.ts › stops | m |', 'has no test named "stops"'],
    ['a second name that is not there', '| 1 | g | test/a.test.ts › stops in order<br>test/a.test.ts › x | m |', '"x"'],
    ['a skipped test', '| 1 | g | test/a.test.ts › is off | m |', 'is skipped'],
    ['a test in a skipped group', '| 1 | g | test/a.test.ts › is off too | m |', 'is skipped'],
    ['no name', '| 1 | g | test/a.test.ts | m |', 'not of the form'],
    ['an empty cell', '| 1 | g |  | m |', 'not of the form'],
    ['no mutation', '| 1 | g | test/a.test.ts › stops in order |  |', 'names no mutation'],
    ['later without words', '| 1 | g | later |  |', 'says later, but not why'],
    ['a missing cell', '| 1 | g | test/a.test.ts › stops in order |', 'has 3 cells'],
    ['a missing law', '| 2 | g | later: for a good reason | |', 'law 1 has no row'],
  ])('%s', (_what, row, message) => {
    expect(problems(row)).toEqual([expect.stringContaining(message)]);
  });

  test('a missing table', () => {
    expect(problemsOf('# Semantics\n', testsIn)).toEqual([expect.stringContaining('there is no table')]);
  });
});
