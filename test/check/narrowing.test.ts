/** Law 22: overrides that narrow what a hook is given are found, and those that do not are left alone. */
import ts from 'typescript';
import { narrowedHooks } from '../../src/check/narrowing.ts';
import { programOf, sourceOf } from '../house/compiler.ts';

const head = `
import { type AnyChild, type Child, type Outcome, TaskThread, type TaskTurn, type Turn } from 'taskthread';
import { DatabaseThread, type SqliteValue, TCPConnectionThread, WebSocketSubThread } from 'taskthread/threads';
type A = { readonly kind: 'a'; readonly a: number };
type B = { readonly kind: 'b' };
type Down = A | B;
class Kid extends TaskThread<A, B> {}
`;

/** Each class stands alone; `found` names the parameter that is too narrow, in the words of the report. */
const cases: [what: string, text: string, found: string[]][] = [
  [
    'a signalHandler that takes one of two',
    `class T extends TaskThread<Down> { protected override signalHandler(signal: A): void {} }`,
    ['T signalHandler signal: A < Down'],
  ],
  [
    'a childSignalHandler that takes one of two',
    `class T extends TaskThread<never, never, Down> { protected override childSignalHandler(one: B): void {} }`,
    ['T childSignalHandler one: B < Down'],
  ],
  [
    'a literal that takes a part of an object',
    `class T extends TaskThread<{ n: number }> { protected override signalHandler(s: { n: 1 }): void {} }`,
    ['T signalHandler s: { n: 1; } < { n: number; }'],
  ],
  [
    'a handler that wants more fields than come',
    `class T extends TaskThread<{ n: number }> { protected override signalHandler(s: { n: number; m: number }): void {} }`,
    ['T signalHandler s: { n: number; m: number; } < { n: number; }'],
  ],
  [
    'a handler that is a property',
    `class T extends TaskThread<Down> { protected override signalHandler = (signal: A): void => {}; }`,
    ['T signalHandler signal: A < Down'],
  ],
  [
    'a class without a name',
    `export const T = class extends TaskThread<Down> { protected override signalHandler(s: A): void {} };`,
    ['a class without a name signalHandler s: A < Down'],
  ],
  [
    'an abstract handler',
    `abstract class T extends TaskThread<Down> { protected abstract override signalHandler(s: B): void; }`,
    ['T signalHandler s: B < Down'],
  ],
  [
    'the implementation of overloads, not the overloads',
    `class T extends TaskThread<Down> {
       protected override signalHandler(s: A): void;
       protected override signalHandler(s: B): void;
       protected override signalHandler(s: Down): void {} }`,
    [],
  ],
  [
    'a class between, which widens; what is compared is the protocol',
    `class Mid extends TaskThread<Down> { protected override signalHandler(s: unknown): void {} }
     class Good extends Mid { protected override signalHandler(s: Down): void {} }
     class Bad extends Mid { protected override signalHandler(s: A): void {} }
     class Up extends TaskThread<never, never, Down> { protected override childSignalHandler(s: unknown): void {} }
     class BadUp extends Up { protected override childSignalHandler(s: A): void {} }`,
    ['Bad signalHandler s: A < Down', 'BadUp childSignalHandler s: A < Down'],
  ],
  [
    'a class between, which leaves the protocol open',
    `class Mid<T extends object> extends TaskThread<T | B> { protected override signalHandler(s: T | B): void {} }
     class Good extends Mid<A> { protected override signalHandler(s: Down): void {} }
     class Bad extends Mid<A> { protected override signalHandler(s: A): void {} }`,
    ['Bad signalHandler s: A < A | B'],
  ],
  [
    'a type parameter that is narrower than what comes',
    `class T<S extends A> extends TaskThread<Down> { protected override signalHandler(s: S): void {} }`,
    ['T signalHandler s: S < Down'],
  ],
  [
    'a mixin',
    `type Made = abstract new (...args: any[]) => TaskThread<Down>;
     const mix = <M extends Made>(Base: M) => { abstract class Mixed extends Base {} return Mixed; };
     abstract class Plain extends TaskThread<Down> {}
     class T extends mix(Plain) { protected override signalHandler(s: A): void {} }`,
    ['T signalHandler s: A < Down'],
  ],
  [
    'a turn that may send more than the thread',
    `class T extends TaskThread<Down, A> { protected override signalHandler(s: Down, turn: Turn<Down>): void {} }`,
    ['T signalHandler turn: Turn<Down> < Turn<A>'],
  ],
  [
    'a turn of a task, where a plain one comes',
    `class T extends TaskThread { protected override enter(turn: TaskTurn): void {} }`,
    ['T enter turn: TaskTurn<never> < Turn<never>'],
  ],
  [
    'a child of one class, where any may have sent',
    `class T extends TaskThread<never, never, B> {
       protected override childSignalHandler(s: B, child: Child<Kid>): void {}
       protected override childEnded(child: AnyChild, outcome: Outcome & { kind: 'failed' }): void {} }`,
    [
      'T childSignalHandler child: Child<Kid> < AnyChild',
      'T childEnded outcome: Outcome & { kind: "failed"; } < Outcome',
    ],
  ],
  [
    'hooks of the ready-made threads',
    `class D extends DatabaseThread<Down> { protected rowsOf(s: A, values: SqliteValue[], add: (n: number) => void): void {} }
     class C extends TCPConnectionThread { protected override received(bytes: Buffer & { mine: true }): void {} }
     class W extends WebSocketSubThread { protected override confirmed(batch: never): void {} }`,
    [
      'D rowsOf s: A < Down',
      'C received bytes: Buffer<ArrayBufferLike> & { mine: true; } < Buffer<ArrayBufferLike>',
      'W confirmed batch: never < FrameBatch',
    ],
  ],
  [
    'a rest of arguments',
    `class Good extends TaskThread<Down> { protected override signalHandler(...all: [Down, Turn]): void {} }
     class Bad extends TaskThread<Down> { protected override signalHandler(...all: [A, Turn]): void {} }`,
    ['Bad signalHandler all: A < Down'],
  ],
  [
    'nothing in what takes as much, or more, or looks at nothing',
    `class T extends TaskThread<Down, A, B> {
       protected override signalHandler(s: Down | 5, turn: Turn<A>): void {}
       protected override childSignalHandler(): void {}
       protected override enter(turn: unknown): void {}
       protected override exit(): void {} }
     class U extends TaskThread<Down> { protected override signalHandler(s: any): void {} }
     class V extends TaskThread { protected override signalHandler(s: never): void {} }
     class W extends TaskThread<Down> { protected override signalHandler({ kind }: Down): void {} }`,
    [],
  ],
  [
    'nothing in what is no hook, and in what is no thread',
    `class T extends TaskThread<Down> { own(s: A): void {} }
     class U extends T { override own(s: A & { a: 1 }): void {} }
     class Other { signalHandler(s: Down): void {} }
     class Sub extends Other { override signalHandler(s: A): void {} }`,
    [],
  ],
];

const file = (index: number): string => `test/check/planted-${index}.ts`;
const program = programOf(
  cases.map((_case, index) => file(index)),
  new Map(cases.map(([, text], index) => [file(index), `${head}${text}\nexport {};\n`])),
);

test.each(cases.map(([what, , found], index) => [what, index, found] as const))('%s', (_what, index, found) => {
  const source = sourceOf(program, file(index));
  const { narrowings } = narrowedHooks(ts, program, [source]);
  const inWords = narrowings.map(({ thread, hook, parameter, takes, comes }) => {
    return `${thread} ${hook} ${parameter}: ${takes} < ${comes}`;
  });
  expect(inWords).toEqual(found);
  // What the compiler refuses by itself would prove nothing here.
  expect(program.getSemanticDiagnostics(source).map(({ messageText }) => messageText)).toEqual([]);
});

test('a finding says where the parameter stands, and how many threads were looked at', () => {
  const found = narrowedHooks(ts, program, [sourceOf(program, file(0))]);
  expect(found.threads).toBe(2);
  expect(found.narrowings).toMatchObject([{ line: 8, column: 69 }]);
  expect(found.narrowings[0]?.file).toMatch(/test\/check\/planted-0\.ts$/);
});

test('a narrower onSignal needs no check: the compiler refuses it', () => {
  const planted = 'test/check/planted-listener.ts';
  const text = `${head}class T extends TaskThread {
    protected override async enter(): Promise<void> {
      await this.addChild(() => new Kid(), { onSignal(signal: B & { more: 1 }): void {} });
    } }`;
  const refused = programOf([planted], new Map([[planted, text]]));
  expect(refused.getSemanticDiagnostics(sourceOf(refused, planted)).map(({ code }) => code)).toEqual([2769]);
});
