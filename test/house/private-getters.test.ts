/**
 * No private getter or setter on the floors that every signal passes: each use is a call into V8's runtime, some 4 ns where a
 * private method is inlined (Node 20 and 26). Two of them were a tenth of what it takes to pass a signal.
 */
import { readFiles } from './repository.ts';

const floors = /^src\/(kernel|intercom|sync|taskthread)\//u;

function privateAccessorsIn(text: string): string[] {
  return text.match(/^\s*(?:static )?(?:get|set) #\w+/gmu) ?? [];
}

test('no file on the way of a signal has a private getter or setter', () => {
  const files = [...readFiles('.ts')].filter(([file]) => floors.test(file));
  expect(files.length).toBeGreaterThan(0);
  const found = files.flatMap(([file, text]) => privateAccessorsIn(text).map((line) => `${file}: ${line.trim()}`));
  expect(found).toEqual([]);
});

test.each(['  get #full(): boolean {', '  set #full(value) {', '  static get #all() {'])('the test sees %s', (line) => {
  expect(privateAccessorsIn(`class Lane {\n${line}\n`)).toHaveLength(1);
});
