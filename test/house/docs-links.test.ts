/**
 * Every relative link in every markdown file leads to a file or folder that is there, and every anchor to a heading.
 * Links to other sites are not followed.
 */
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { anchors, links } from './markdown.ts';
import { readFiles, repositoryRoot } from './repository.ts';

/** What is wrong with the links of one document; `documents` are all markdown files by path. */
function brokenLinks(
  file: string,
  documents: ReadonlyMap<string, string>,
  exists: (path: string) => boolean,
): string[] {
  return links(documents.get(file) ?? '').flatMap(({ target, line }) => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return [];
    const where = `${file}:${line} ${target}`;
    const [path = '', anchor] = target.split('#');
    if (path.startsWith('/')) return [`${where}: not relative`];
    const wanted = path === '' ? file : posix.normalize(posix.join(posix.dirname(file), decodeURI(path)));
    if (wanted.startsWith('..')) return [`${where}: leads out of the repository`];
    if (!documents.has(wanted) && !exists(wanted)) return [`${where}: no such file`];
    if (anchor === undefined) return [];
    const document = documents.get(wanted);
    if (document === undefined) return /^L\d+(-L\d+)?$/.test(anchor) ? [] : [`${where}: no anchors in such a file`];
    return anchors(document).has(anchor) ? [] : [`${where}: no such heading`];
  });
}

const documents = readFiles('.md');
const onDisk = (path: string) => existsSync(join(repositoryRoot, path));

test('there is a README.md and a docs/ folder to look at', () => {
  expect([...documents.keys()]).toEqual(expect.arrayContaining(['README.md', expect.stringMatching(/^docs\//)]));
});

test('every relative link and anchor resolves', () => {
  expect([...documents.keys()].flatMap((file) => brokenLinks(file, documents, onDisk))).toEqual([]);
});

test('a broken link of each kind is seen', () => {
  const planted = new Map([
    ['docs/a.md', '# Top\n[1](b.md#two) [2](../README.md) [3](#top) [4](../src/x.ts#L3) [5](https://x.y/z#q) [6](.)'],
    ['docs/b.md', '## Two\n[1](c.md) [2](a.md#bottom) [3](/docs/a.md) [4](../../x.md) [5](../src/x.ts#top)'],
    ['README.md', '[1](docs/nothing/) ![2](docs/p.png)'],
  ]);
  const exists = (path: string) => ['src/x.ts', 'docs'].includes(posix.join(path));
  expect([...planted.keys()].flatMap((file) => brokenLinks(file, planted, exists))).toEqual([
    'docs/b.md:2 c.md: no such file',
    'docs/b.md:2 a.md#bottom: no such heading',
    'docs/b.md:2 /docs/a.md: not relative',
    'docs/b.md:2 ../../x.md: leads out of the repository',
    'docs/b.md:2 ../src/x.ts#top: no anchors in such a file',
    'README.md:1 docs/nothing/: no such file',
    'README.md:1 docs/p.png: no such file',
  ]);
});
