/**
 * Runs the type tests: files `test/types/*.type-test.ts`, which are compiled and never run. What must not compile stands
 * under a line `// @ts-expect-error TS2345: why`; everything else must compile.
 *
 * The code may be left out, but then the error may not be a name that does not exist (see `SLIPS`): a type test that is
 * red because of a slip of the pen proves nothing. The marks are taken out before compiling, so that the error below
 * each of them can be looked at.
 */
import ts from 'typescript';
import { programOf, sourceOf } from './compiler.ts';
import { readFiles } from './repository.ts';

const MARK = '@ts-expect-error';
/** As long as the mark, so that every position stays what it was. */
const NO_MARK = '@ts_expect_error';
/** Cannot find name, no exported member, cannot find module, cannot find name (did you mean). */
const SLIPS: ReadonlySet<number> = new Set([2304, 2305, 2307, 2552]);

interface Finding {
  readonly line: number;
  readonly code: number;
  readonly message: string;
}

/** One sentence for each line of each file that does not compile as it should. */
function unexpected(texts: ReadonlyMap<string, string>): Map<string, string[]> {
  const withoutMarks = new Map([...texts].map(([file, text]) => [file, text.replaceAll(MARK, NO_MARK)]));
  const program = programOf([...texts.keys()], withoutMarks);
  return new Map([...texts].map(([file, text]) => [file, compare(text, findingsIn(program, file))]));
}

function findingsIn(program: ts.Program, file: string): Finding[] {
  const source = sourceOf(program, file);
  return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map((diagnostic) => ({
    line: source.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line + 1,
    code: diagnostic.code,
    message: ts.flattenDiagnosticMessageText(diagnostic.messageText, ' '),
  }));
}

function compare(text: string, findings: readonly Finding[]): string[] {
  const lines = text.split('\n');
  const problems: string[] = [];
  const expectedAt = new Set<number>();
  for (const [index, line] of lines.entries()) {
    if (!line.includes(MARK)) continue;
    const marked = index + 2 + lines.slice(index + 1).findIndex((next) => !/^\s*(\/\/.*)?$/.test(next));
    const code = new RegExp(`${MARK}\\s+TS(\\d+)`).exec(line)?.[1];
    expectedAt.add(marked);
    problems.push(...compareLine(marked, code === undefined ? undefined : Number(code), findings));
  }
  const others = findings.filter(({ line }) => !expectedAt.has(line));
  return [...problems, ...others.map((finding) => `line ${finding.line}: ${describe(finding)}, which nobody expects`)];
}

function compareLine(line: number, code: number | undefined, findings: readonly Finding[]): string[] {
  const found = findings.filter((finding) => finding.line === line);
  const wanted = code === undefined ? 'an error' : `TS${code}`;
  if (found.length === 0) return [`line ${line}: compiles, but ${wanted} is expected`];
  const wrong = found.filter((finding) => (code === undefined ? SLIPS.has(finding.code) : finding.code !== code));
  return wrong.map((finding) => `line ${line}: ${describe(finding)}, but ${wanted} is expected`);
}

function describe(finding: Finding): string {
  return `TS${finding.code} (${finding.message})`;
}

const files = readFiles('.type-test.ts');
const results = unexpected(files);

test('there are type tests in test/types', () => {
  expect(files.size).toBeGreaterThan(0);
});

// `test.each` refuses an empty table; the test above is the one to fail then.
for (const [file, problems] of results) {
  test(`${file} compiles where it must and does not where it must not`, () => {
    expect(problems).toEqual([]);
  });
}

test('every kind of surprise is seen', () => {
  const planted = [
    'const takesText = (text: string): string => text;',
    '// @ts-expect-error TS2345: a number is no text',
    'takesText(1);',
    '// @ts-expect-error: no code, but a true error',
    'takesText(1);',
    '// @ts-expect-error TS2345: this compiles',
    "takesText('1');",
    '// @ts-expect-error TS2554: the wrong reason',
    'takesText(1);',
    '// @ts-expect-error: a slip of the pen',
    'takesTxet(1);',
    '// @ts-expect-error TS2345: with a line',
    '// of words between',
    'takesText(2);',
    'takesText(3);',
    '',
  ].join('\n');
  const file = 'test/types/planted.type-test.ts';
  expect(unexpected(new Map([[file, planted]])).get(file)).toEqual([
    expect.stringMatching(/^line 7: compiles, but TS2345 is expected/),
    expect.stringMatching(/^line 9: TS2345 .*, but TS2554 is expected/),
    expect.stringMatching(/^line 11: TS2552 .*, but an error is expected/),
    expect.stringMatching(/^line 15: TS2345 .*, which nobody expects/),
  ]);
});
