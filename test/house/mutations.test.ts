/**
 * That the lists of mutations are of the library as it is: each breaks something that is there, in one place, and what comes of it is
 * a program. What finds them is run by hand: the `mutations.mjs` beside each list.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Script } from 'node:vm';
import { transformSync } from '@swc/core';

interface Mutation {
  readonly name: string;
  readonly file: string;
  readonly text: string;
  readonly other: string;
}

const repository = resolve(__dirname, '../..');
const read = (file: string): string => readFileSync(join(repository, file), 'utf8');

describe.each(['test/random/mutations.json', 'test/sync/exploration/mutations.json'])('%s', (list) => {
  test.each(JSON.parse(read(list)) as Mutation[])('“$name” can be made', ({ file, text, other }) => {
    const source = read(file);
    expect(source.split(text)).toHaveLength(2);
    const { code } = transformSync(
      source.replace(text, () => other),
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    );
    expect(() => new Script(code)).not.toThrow();
  });
});
