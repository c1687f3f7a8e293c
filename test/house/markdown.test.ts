/** The reader of markdown that the other house tests stand on. */
import { anchors, fencedBlocks, links, tableRows } from './markdown.ts';

test('finds fenced blocks with their words, their line and without their indentation', () => {
  const text = ['# A', '```ts no-run', 'a;', '  b;', '```', '- item', '  ~~~~sh', '  c', '', '  ```', '  ~~~~'].join(
    '\n',
  );
  expect(fencedBlocks(text)).toEqual([
    { line: 2, info: ['ts', 'no-run'], code: 'a;\n  b;\n' },
    { line: 7, info: ['sh'], code: 'c\n\n```\n' },
  ]);
});

test('refuses a block that is not closed, since it would swallow the rest', () => {
  expect(() => fencedBlocks('a\n```ts\nb\n')).toThrow('line 2');
});

test('finds every form of link outside of code', () => {
  const text = [
    'see [a](x.md), ![b](<p q.png>) and [c](y.md#z "title") but not `[d](no.md)`',
    '[ref]: z.md',
    '<a href="h.md">h</a> <img alt="" src="i.png">',
    '```',
    '[e](no.md)',
    '```',
    '[![badge](b.svg)](w.md)',
  ].join('\n');
  expect(links(text).map(({ target, line }) => `${line} ${target}`)).toEqual([
    '1 x.md',
    '1 y.md#z',
    '2 z.md',
    '3 h.md',
    '3 i.png',
    '7 b.svg',
    '7 w.md',
  ]);
});

test('names anchors as GitHub does', () => {
  const text =
    '# The `send` & *wait*: law 8!\n## Wait\n## Wait\n### [A link](x.md) ×\n<a id="own"></a>\n```sh\n# no\n```\n';
  expect([...anchors(text)]).toEqual(['the-send--wait-law-8', 'wait', 'wait-1', 'a-link-', 'own']);
});

test('reads table rows, with a bar that is escaped', () => {
  expect(tableRows('| Law | x |\n|---|:-:|\n| 1 | a \\| b |\nno row\n| 2 |  |\n')).toEqual([
    { cells: ['Law', 'x'], line: 1 },
    { cells: ['1', 'a | b'], line: 3 },
    { cells: ['2', ''], line: 5 },
  ]);
});
