/** The lists of faults do not go stale: each can be planted in the library as it is, and would change it. */
import { Script } from 'node:vm';
import { transformSync } from '@swc/core';
import { readText } from '../house/repository.ts';
import { type Fault, plant } from './fault.ts';
import { hunts } from './hunts.ts';

test.each(hunts)('the text that each fault of “$name” replaces stands exactly once in its file', ({ faults }) => {
  const stale = faults.filter((fault) => plant(readText(fault[1]), fault) === undefined);
  expect(stale).toEqual([]);
});

test.each(hunts)('each fault of “$name” has a name of its own, and changes something', ({ faults }) => {
  expect(new Set(faults.map(([name]) => name)).size).toBe(faults.length);
  expect(faults.filter(([, , text, planted]) => text === planted)).toEqual([]);
});

/** Else it would fail every test, and look as if it had been found. */
test.each(hunts)('what comes of each fault of “$name” is a program', ({ faults }) => {
  const compiles = (source: string): boolean => {
    const { code } = transformSync(source, {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'commonjs' },
    });
    try {
      return new Script(code) instanceof Script;
    } catch {
      return false;
    }
  };
  expect(faults.filter((fault) => !compiles(plant(readText(fault[1]), fault) ?? '!'))).toEqual([]);
});

test.each([
  ['once', 'a = 1; b = 2;', 'a = 3; b = 2;'],
  ['not at all', 'b = 2;', undefined],
  ['twice', 'a = 1; a = 1;', undefined],
])('a text that stands there %s', (_how, source, planted) => {
  const fault: Fault = ['a is wrong', 'src/a.ts', 'a = 1', 'a = 3'];
  expect(plant(source, fault)).toBe(planted);
});

test('what is planted is taken to the letter', () => {
  expect(plant('a', ['a is wrong', 'src/a.ts', 'a', "$& $' $1"])).toBe("$& $' $1");
});
