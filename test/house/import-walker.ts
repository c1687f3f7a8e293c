/**
 * Reads one source file with the TypeScript parser and says what it imports, in every form that there is, and which
 * of the watched globals (timers, clocks, console) it uses as values. It judges nothing: the rules are in
 * `floor-rules.ts`.
 */
import ts from 'typescript';

/** One import of one file. */
export interface Import {
  /** The form in which it stands in the source. */
  readonly form: 'static' | 'type' | 'export-from' | 'dynamic' | 'require' | 'reference';
  /** As written; undefined where the source computes it. */
  readonly specifier: string | undefined;
  readonly line: number;
}

/** A watched global in value position: `setTimeout`, `Date.now`, `console`. */
export interface GlobalUse {
  readonly name: string;
  readonly line: number;
}

export interface WalkedFile {
  readonly imports: readonly Import[];
  readonly globals: readonly GlobalUse[];
}

const WATCHED = new Set([
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
  'queueMicrotask',
  'performance',
  'console',
]);
const WATCHED_MEMBERS = new Set(['process.hrtime', 'process.nextTick', 'process.uptime', 'AbortSignal.timeout']);
const GLOBAL_OBJECTS = new Set(['globalThis', 'global', 'self', 'window']);

export function walkFile(path: string, text: string): WalkedFile {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
  return { imports: importsOf(source), globals: globalsOf(source) };
}

function lineOf(source: ts.SourceFile, node: ts.Node): number {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}

function importsOf(source: ts.SourceFile): Import[] {
  const found: Import[] = [];
  const constants = stringConstants(source);
  const loaders = requireFunctions(source);
  const add = (form: Import['form'], argument: ts.Node | undefined, at: ts.Node): void => {
    found.push({ form, specifier: literalText(argument, constants), line: lineOf(source, at) });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      const isType = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
      add(isType ? 'type' : 'static', node.moduleSpecifier, node);
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      add('export-from', node.moduleSpecifier, node);
    } else if (ts.isExternalModuleReference(node)) {
      add('require', node.expression, node);
    } else if (ts.isImportTypeNode(node)) {
      add('type', ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, node);
    } else if (ts.isModuleDeclaration(node) && ts.isStringLiteral(node.name)) {
      add('type', node.name, node);
    } else if (ts.isCallExpression(node)) {
      if (node.expression.kind === ts.SyntaxKind.ImportKeyword) add('dynamic', node.arguments[0], node);
      else if (isRequireCall(node, loaders)) add('require', node.arguments[0], node);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  for (const reference of [...source.referencedFiles, ...source.typeReferenceDirectives]) {
    const line = source.getLineAndCharacterOfPosition(reference.pos).line + 1;
    found.push({ form: 'reference', specifier: reference.fileName, line });
  }
  return found;
}

/** `const name = 'text'` at the top of the file: an import may be written with such a name. */
function stringConstants(source: ts.SourceFile): Map<string, string> {
  const constants = new Map<string, string>();
  for (const declaration of topLevelConstants(source)) {
    const value = declaration.initializer === undefined ? undefined : withoutTypes(declaration.initializer);
    if (value !== undefined && ts.isStringLiteralLike(value))
      constants.set(declaration.name.getText(source), value.text);
  }
  return constants;
}

/** The names by which this file calls `require`: the word itself and what `createRequire` returned. */
function requireFunctions(source: ts.SourceFile): Set<string> {
  const names = new Set(['require']);
  for (const { name, initializer } of topLevelConstants(source)) {
    if (initializer !== undefined && isCallOf(initializer, 'createRequire')) names.add(name.getText(source));
  }
  return names;
}

function topLevelConstants(source: ts.SourceFile): ts.VariableDeclaration[] {
  return source.statements.filter(ts.isVariableStatement).flatMap((statement) => {
    return statement.declarationList.flags & ts.NodeFlags.Const ? [...statement.declarationList.declarations] : [];
  });
}

function isCallOf(node: ts.Node, name: string): boolean {
  return ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === name;
}

function isRequireCall(call: ts.CallExpression, loaders: ReadonlySet<string>): boolean {
  const callee = call.expression;
  if (ts.isIdentifier(callee)) return loaders.has(callee.text);
  if (isCallOf(callee, 'createRequire')) return true;
  if (!ts.isPropertyAccessExpression(callee)) return false;
  if (callee.name.text === 'getBuiltinModule' || callee.name.text === 'require') return true;
  return callee.name.text === 'resolve' && ts.isIdentifier(callee.expression) && loaders.has(callee.expression.text);
}

function literalText(node: ts.Node | undefined, constants: ReadonlyMap<string, string>): string | undefined {
  if (node === undefined) return undefined;
  const value = withoutTypes(node);
  if (ts.isStringLiteralLike(value)) return value.text;
  return ts.isIdentifier(value) ? constants.get(value.text) : undefined;
}

/** `'node:sqlite' as string` → `'node:sqlite'`: the usual way round a module without types. */
function withoutTypes(node: ts.Node): ts.Node {
  if (ts.isAsExpression(node) || ts.isSatisfiesExpression(node) || ts.isParenthesizedExpression(node)) {
    return withoutTypes(node.expression);
  }
  return node;
}

function globalsOf(source: ts.SourceFile): GlobalUse[] {
  const found: GlobalUse[] = [];
  const visit = (node: ts.Node): void => {
    // A type names no timer; an import of one is seen as an import.
    if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return;
    if (ts.isImportDeclaration(node)) return;
    const name = watchedName(node);
    if (name !== undefined) found.push({ name, line: lineOf(source, node) });
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function watchedName(node: ts.Node): string | undefined {
  if (ts.isStringLiteralLike(node) && ts.isElementAccessExpression(node.parent)) {
    return isGlobalObject(node.parent.expression) && isWatched(node.text) ? node.text : undefined;
  }
  if (!ts.isIdentifier(node)) return undefined;
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) {
    const member = `${parent.expression.getText()}.${node.text}`;
    if (WATCHED_MEMBERS.has(member)) return member;
    return isGlobalObject(parent.expression) && isWatched(node.text) ? node.text : undefined;
  }
  if (isNameOfMember(node)) return undefined;
  if (node.text === 'Date') return clockUseOfDate(node);
  return WATCHED.has(node.text) ? node.text : undefined;
}

function isWatched(name: string): boolean {
  return WATCHED.has(name) || name === 'Date';
}

function isGlobalObject(node: ts.Node): boolean {
  return ts.isIdentifier(node) && GLOBAL_OBJECTS.has(node.text);
}

/** `{ setTimeout: … }`, `interface Clock { setTimeout(): … }`: a word of ours that only sounds the same. */
function isNameOfMember(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isBindingElement(parent)) return parent.name === node && parent.propertyName !== undefined;
  return (
    (ts.isClassElement(parent) || ts.isTypeElement(parent) || ts.isPropertyAssignment(parent)) && parent.name === node
  );
}

/** `Date` reads the clock unless it is given a time or is only asked about a value. */
function clockUseOfDate(node: ts.Identifier): string | undefined {
  const { parent } = node;
  if (ts.isNewExpression(parent)) return (parent.arguments?.length ?? 0) > 0 ? undefined : 'new Date()';
  if (ts.isPropertyAccessExpression(parent)) return parent.name.text === 'now' ? 'Date.now' : undefined;
  if (ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword) return undefined;
  return 'Date';
}
