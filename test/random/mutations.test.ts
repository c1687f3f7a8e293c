/** That the list of mutations is of the library as it is: each breaks something that is there, and what comes of it is a program. */
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
const mutations = JSON.parse(readFileSync(join(__dirname, 'mutations.json'), 'utf8')) as Mutation[];

test.each(mutations)('“$name” can be made', ({ file, text, other }) => {
  const source = readFileSync(join(repository, file), 'utf8');
  expect(source.split(text)).toHaveLength(2);
  const { code } = transformSync(
    source.replace(text, () => other),
    { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
  );
  expect(() => new Script(code)).not.toThrow();
});
