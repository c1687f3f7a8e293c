/**
 * Finds overrides of hooks whose parameter is narrower than what the thread is sent (law 22). TypeScript compares the parameters
 * of methods both ways, so `signalHandler(signal: OnlyA)` compiles in a thread that is sent `A | B`, and meets a `B` one day.
 *
 * Judged by the type checker of a program that exists: what a thread is sent stands in its phantom member `~protocol`, already
 * with the type arguments of the class that is looked at; the other hooks, and those of the ready-made threads, are compared
 * with their declarations in this package.
 *
 * Not here: reading a project (`project`), words for people (`main`). An `onSignal` needs no check: it is a property, and
 * `strictFunctionTypes` compares those one way.
 */
import { dirname, sep } from 'node:path';
import type { TypeScript, ts } from './compiler.ts';

/** A parameter that takes less than what comes. */
export interface Narrowing {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly thread: string;
  readonly hook: string;
  readonly parameter: string;
  /** What the parameter takes, and what comes, as types. */
  readonly takes: string;
  readonly comes: string;
}

export interface Found {
  readonly narrowings: readonly Narrowing[];
  /** How many classes that extend `TaskThread` were looked at: nobody should trust a check that has seen none. */
  readonly threads: number;
}

type Hook = ts.MethodDeclaration | ts.PropertyDeclaration;

/** Looks at the classes of the given files; by default at all that are no declarations and come from no package. */
export function narrowedHooks(compiler: TypeScript, program: ts.Program, files?: readonly ts.SourceFile[]): Found {
  const look = new Look(compiler, program.getTypeChecker());
  const own = program.getSourceFiles().filter((file) => {
    return !file.isDeclarationFile && !program.isSourceFileFromExternalLibrary(file);
  });
  for (const file of files ?? own) look.visit(file);
  return look;
}

class Look implements Found {
  readonly narrowings: Narrowing[] = [];
  threads = 0;
  readonly #ts: TypeScript;
  readonly #checker: ts.TypeChecker;

  constructor(compiler: TypeScript, checker: ts.TypeChecker) {
    this.#ts = compiler;
    this.#checker = checker;
  }

  visit(node: ts.Node): void {
    if (this.#ts.isClassLike(node)) this.#class(node);
    this.#ts.forEachChild(node, (child) => this.visit(child));
  }

  #class(node: ts.ClassLikeDeclaration): void {
    const extended = node.heritageClauses?.find(({ token }) => token === this.#ts.SyntaxKind.ExtendsKeyword);
    const [baseNode] = extended?.types ?? [];
    if (baseNode === undefined) return;
    const base = this.#checker.getTypeAtLocation(baseNode);
    const protocol = this.#protocolOf(base, baseNode);
    if (protocol === undefined) return;
    this.threads++;
    for (const member of node.members) {
      const isHook = this.#ts.isMethodDeclaration(member) || this.#ts.isPropertyDeclaration(member);
      if (!isHook || isOverload(this.#ts, node, member)) continue;
      this.#hook(node.name?.text ?? 'a class without a name', member, base, protocol);
    }
  }

  #hook(thread: string, member: Hook, base: ts.Type, protocol: ProtocolTypes): void {
    const hook = member.name.getText();
    const inherited = base.getProperty(hook);
    if (inherited === undefined) return;
    const isOurs = (inherited.declarations ?? []).some((declaration) => isIn(protocol.folder, declaration));
    const promised = isOurs ? this.#parametersOf(inherited, member) : [];
    // Whatever a class between says, it is the protocol that is sent.
    if (hook === 'signalHandler') promised[0] = protocol.down;
    if (hook === 'childSignalHandler') promised[0] = protocol.childUp;
    for (const signature of this.#signaturesOf(member)) {
      for (const [place, comes] of promised.entries()) {
        const parameter = signature.parameters[Math.min(place, signature.parameters.length - 1)];
        const declaration = parameter?.valueDeclaration;
        if (comes === undefined || declaration === undefined || !this.#ts.isParameter(declaration)) continue;
        if (place >= signature.parameters.length && declaration.dotDotDotToken === undefined) continue;
        const takes = this.#typeAt(declaration, place - signature.parameters.length + 1);
        if (takes === undefined || this.#checker.isTypeAssignableTo(comes, takes)) continue;
        this.#report(declaration, { thread, hook, parameter: declaration.name.getText() }, takes, comes);
      }
    }
  }

  /** What a parameter takes; of one with dots, what its `rest`th element takes. */
  #typeAt(declaration: ts.ParameterDeclaration, rest: number): ts.Type | undefined {
    const type = this.#checker.getTypeAtLocation(declaration);
    if (declaration.dotDotDotToken === undefined) return type;
    const elements = this.#checker.getTypeArguments(type as ts.TypeReference);
    return this.#checker.isTupleType(type) ? elements[Math.max(0, rest)] : elements[0];
  }

  #signaturesOf(member: Hook): readonly ts.Signature[] {
    if (this.#ts.isPropertyDeclaration(member)) return this.#checker.getTypeAtLocation(member).getCallSignatures();
    const signature = this.#checker.getSignatureFromDeclaration(member);
    return signature === undefined ? [] : [signature];
  }

  #parametersOf(symbol: ts.Symbol, at: ts.Node): (ts.Type | undefined)[] {
    const [signature] = this.#checker.getTypeOfSymbolAtLocation(symbol, at).getCallSignatures();
    return (signature?.parameters ?? []).map((parameter) => this.#checker.getTypeOfSymbolAtLocation(parameter, at));
  }

  /** What a thread is sent; undefined of what is none. */
  #protocolOf(base: ts.Type, at: ts.Node): ProtocolTypes | undefined {
    const member = base.getProperty('~protocol');
    const declaration = member?.declarations?.[0];
    const isThread = declaration !== undefined && this.#ts.isClassLike(declaration.parent);
    if (!isThread || declaration.parent.name?.text !== 'TaskThread' || member === undefined) return undefined;
    const protocol = this.#checker.getNonNullableType(this.#checker.getTypeOfSymbolAtLocation(member, at));
    const exchange = protocol.getProperty('exchange');
    const [down, childUp] = exchange === undefined ? [] : this.#parametersOf(exchange, at);
    if (down === undefined || childUp === undefined) return undefined;
    return { down, childUp, folder: dirname(dirname(declaration.getSourceFile().fileName)) };
  }

  #report(
    at: ts.ParameterDeclaration,
    names: { thread: string; hook: string; parameter: string },
    takes: ts.Type,
    comes: ts.Type,
  ): void {
    const source = at.getSourceFile();
    const { line, character } = source.getLineAndCharacterOfPosition(at.getStart());
    const inWords = (type: ts.Type): string => this.#checker.typeToString(type, at);
    this.narrowings.push({
      file: source.fileName,
      line: line + 1,
      column: character + 1,
      ...names,
      takes: inWords(takes),
      comes: inWords(comes),
    });
  }
}

interface ProtocolTypes {
  readonly down: ts.Type;
  readonly childUp: ts.Type;
  /** Where this package's declarations lie. */
  readonly folder: string;
}

/** A signature whose implementation stands beside it: that one is what is called. */
function isOverload(compiler: TypeScript, node: ts.ClassLikeDeclaration, member: Hook): boolean {
  if (!compiler.isMethodDeclaration(member) || member.body !== undefined) return false;
  const name = member.name.getText();
  return node.members.some((other) => {
    return compiler.isMethodDeclaration(other) && other.body !== undefined && other.name.getText() === name;
  });
}

function isIn(folder: string, declaration: ts.Declaration): boolean {
  const { fileName } = declaration.getSourceFile();
  return fileName.startsWith(`${folder}/`) || fileName.startsWith(`${folder}${sep}`);
}
