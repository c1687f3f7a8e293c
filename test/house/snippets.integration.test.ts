/**
 * What is shown is run: one test for each program in README.md and docs/, named after its line. All of them are
 * compiled at once and run two at a time, before the first test; `snippets.ts` has the rules.
 */
import { ensureBuilt, readFiles } from './repository.ts';
import { checkSnippets, snippetsOf } from './snippets.ts';

const COMPILE_TIME_MS = 120_000;
/** So long that only a program that hangs needs it, however busy the machine. */
const options = { timeLimitMs: 60_000, atOnce: 2 };
const documents = [...readFiles('.md')].filter(([file]) => file === 'README.md' || file.startsWith('docs/'));
const snippets = documents.flatMap(([file, text]) => snippetsOf(file, text));
const longestMs = COMPILE_TIME_MS + (snippets.length * options.timeLimitMs) / options.atOnce;

describe('the documents', () => {
  let problems: Map<string, string>;
  beforeAll(async () => {
    ensureBuilt();
    problems = await checkSnippets(snippets, options);
  }, longestMs);

  test('README.md shows at least one program that runs', () => {
    expect(snippets.filter(({ document, isRun }) => document === 'README.md' && isRun)).not.toEqual([]);
  });

  test('the compiler has nothing to say beside the programs', () => {
    expect(problems.get('package')).toBe('');
  });

  for (const { name } of snippets) {
    test(name, () => {
      const problem = problems.get(name);
      if (problem !== '') throw new Error(problem ?? `${name} was not looked at`);
    });
  }
});

describe('the check of programs', () => {
  const fence = '```';
  const planted = [
    `${fence}ts\nimport { sep } from 'node:path';\nconsole.log(sep, await Promise.resolve(1));\n${fence}`,
    `${fence}ts\nconst n: number = 'text';\n${fence}`,
    `${fence}ts\n\nthrow new Error('planted');\n${fence}`,
    `${fence}ts no-run\nthrow new Error('never');\n${fence}`,
    `${fence}ts no-run\nimport 'taskthread/nothing';\n${fence}`,
    `${fence}ts no-run\nimport '../../src/kernel/errors.ts';\n${fence}`,
    `${fence}sh\nnot typescript\n${fence}`,
    `${fence}ts\nprocess.exit(3);\n${fence}`,
  ];
  const text = planted.join('\n');
  const endless = `${fence}ts\nsetInterval(() => {}, 1000);\n${fence}`;
  let problems: Map<string, string>;
  beforeAll(async () => {
    problems = await checkSnippets(snippetsOf('docs/planted.md', text), options);
  }, COMPILE_TIME_MS);

  test.each([
    ['a program that is well', 'docs/planted.md:1', /^$/],
    ['an error of types, at its line', 'docs/planted.md:5', /^docs\/planted\.md\(6,7\): error TS2322/],
    ['a throw, at its line', 'docs/planted.md:8', /exit code 1\n[\s\S]*docs\/planted\.md:10\n[\s\S]*Error: planted/],
    ['a program that is only compiled', 'docs/planted.md:12', /^$/],
    ['an import that is not public', 'docs/planted.md:15', /^docs\/planted\.md\(16,8\): error TS2882/],
    ['an import from the sources', 'docs/planted.md:18', /which a reader does not have/],
    ['an exit code', 'docs/planted.md:24', /exit code 3/],
  ])('sees %s', (_what, name, expected) => {
    expect(problems.get(name)).toMatch(expected);
  });

  test(
    'sees a program that does not end',
    async () => {
      const seen = await checkSnippets(snippetsOf('docs/endless.md', endless), { timeLimitMs: 500, atOnce: 1 });
      expect(seen.get('docs/endless.md:1')).toMatch(/^docs\/endless\.md:1 was still running after 500 ms/);
    },
    COMPILE_TIME_MS,
  );

  test('leaves other languages alone and refuses words that it does not know', () => {
    expect([...problems.keys()]).not.toContain('docs/planted.md:21');
    expect(() => snippetsOf('a.md', `${fence}ts norun\n${fence}`)).toThrow('a.md:1: "norun" means nothing behind ts');
  });
});
