/** Finds the names of the tests in a test file, by its syntax and without running it. */
import ts from 'typescript';

export interface NamedTest {
  /** The test's own name as it stands in the source; the placeholders of `test.each` are left as they are. */
  readonly name: string;
  /** The names of the `describe`s around it and its own, joined by ` › `. */
  readonly path: string;
  /** Whether jest leaves it out: `test.skip`, `xit`, `test.todo`, or a `describe` around it that is left out. */
  readonly skipped: boolean;
}

const GROUPS = new Set(['describe', 'xdescribe', 'fdescribe']);
const TESTS = new Set(['test', 'it', 'xtest', 'xit', 'fit']);

export function testsOf(path: string, text: string): NamedTest[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
  const found: NamedTest[] = [];
  const visit = (node: ts.Node, outer: readonly string[], outerSkipped: boolean): void => {
    const call = ts.isCallExpression(node) ? namedCall(node) : undefined;
    if (call === undefined) {
      ts.forEachChild(node, (child) => visit(child, outer, outerSkipped));
      return;
    }
    const skipped = outerSkipped || call.skipped;
    const path = [...outer, call.name];
    if (!call.isGroup) found.push({ name: call.name, path: path.join(' › '), skipped });
    ts.forEachChild(node, (child) => visit(child, call.isGroup ? path : outer, skipped));
  };
  visit(source, [], false);
  return found;
}

/** `test('name', …)`, `describe.skip('name', …)`, `test.each(…)('name', …)`, `test.each`…`('name', …)`. */
function namedCall(call: ts.CallExpression): { name: string; isGroup: boolean; skipped: boolean } | undefined {
  const words: string[] = [];
  let callee: ts.Expression = call.expression;
  while (!ts.isIdentifier(callee)) {
    if (ts.isPropertyAccessExpression(callee)) {
      words.push(callee.name.text);
      callee = callee.expression;
    } else if (ts.isCallExpression(callee)) callee = callee.expression;
    else if (ts.isTaggedTemplateExpression(callee)) callee = callee.tag;
    else return undefined;
  }
  const word = callee.text;
  const isGroup = GROUPS.has(word);
  // In `test.each(table)` itself the first argument is the table and no name.
  const isEachTable =
    words[0] === 'each' && !ts.isCallExpression(call.expression) && ts.isPropertyAccessExpression(call.expression);
  if ((!isGroup && !TESTS.has(word)) || isEachTable) return undefined;
  const name = nameText(call.arguments[0]);
  if (name === undefined) return undefined;
  return { name, isGroup, skipped: word.startsWith('x') || words.includes('skip') || words.includes('todo') };
}

function nameText(node: ts.Expression | undefined): string | undefined {
  if (node === undefined) return undefined;
  if (ts.isStringLiteralLike(node)) return node.text;
  return ts.isTemplateExpression(node) ? node.getText().slice(1, -1) : undefined;
}
