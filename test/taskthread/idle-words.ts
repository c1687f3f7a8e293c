/** Words that need not wait or are refused, each as somebody might say it in a loop. */
import type { Child, Turn } from '../../src/index.ts';
import { type AskOptions, TaskThread, type WaitOptions } from '../../src/index.ts';
import { Toy } from './toys.ts';

/** Who says it, and to whom. */
export interface Idle {
  /** The thread whose task speaks, a child of `parent`, which is a root. */
  readonly me: Toy;
  readonly turn: Turn<unknown>;
  readonly parent: Toy;
  /** Of `me`, as its parent holds it. */
  readonly handle: Child<Toy>;
  /** Of a child of `parent` that has ended. */
  readonly gone: Child<Toy>;
}

/** A class of which nobody has a child. */
class Nobody extends TaskThread {}

class Open extends Toy {
  addAnything(make: unknown, spec?: unknown): Promise<unknown> {
    return this.addChild(make as never, spec as never);
  }
}

const open = (toy: Toy): Open => Object.setPrototypeOf(toy, Open.prototype) as Open;
const wrong = (value: unknown): never => value as never;

/** Those that give a promise, or undefined when all is done at once. */
export const awaited: [string, (idle: Idle) => unknown][] = [
  ['a broadcast to an empty list', ({ turn }) => turn.sendToChildren([], wrong(1))],
  ['a broadcast to a class without children', ({ turn }) => turn.sendToChildren(Nobody, wrong(1))],
  ['a broadcast to what is no list', ({ turn }) => turn.sendToChildren(wrong(5), wrong(1))],
  ['a broadcast to what is no child', ({ turn }) => turn.sendToChildren([wrong({})], wrong(1))],
  ['this.sendToChildren of an empty list', ({ me }) => me.tellAll([], 1)],
  ['a send to what is no child', ({ turn }) => turn.send(wrong({}), wrong(1))],
  ['a send to a child of another', ({ turn, gone }) => turn.send(gone, 1)],
  ['a send to a child that has ended', ({ gone }) => gone.send(1)],
  ['a send up of a root', ({ parent }) => parent.sendToParent(1)],
  ['an ask that answers itself', ({ handle }) => handle.ask((reply) => reply.with(1))],
  ['an ask that fails itself', ({ handle }) => handle.ask((reply) => reply.fail(new Error('no')))],
  [
    'an ask that cannot be made',
    ({ handle }) =>
      handle.ask(() => {
        throw new Error('no');
      }),
  ],
  ['an ask of a child that has ended', ({ gone }) => gone.ask((reply) => reply)],
  ['an ask with a wrong limit', ({ handle }) => handle.ask((reply) => reply, { timeoutMs: -1 } as AskOptions)],
  ["a turn's ask with a wrong limit", ({ turn, gone }) => turn.ask(gone, (reply) => reply, { timeoutMs: -1 })],
  ['an ask of a child of another', ({ turn, gone }) => turn.ask(gone, (reply) => reply)],
  ['a join of a child that has ended', ({ gone }) => gone.join()],
  ['a join of a child that has ended, with the turn', ({ gone, turn }) => gone.join({ scope: turn } as WaitOptions)],
  ['a stop of a child that has ended', ({ gone }) => gone.stop()],
  ['a stop with wrong options', ({ gone }) => gone.stop({ drain: 1 } as never)],
  ['a stop with options that are none', ({ gone }) => gone.stop(wrong(null))],
  ['tasks.delete of what is not there', ({ me }) => me.tasks.delete('nothing')],
  ['tasks.delete with wrong options', ({ me }) => me.tasks.delete('nothing', { scoop: 1 } as never)],
  ['tasks.delete with options that are none', ({ me }) => me.tasks.delete('nothing', wrong(null))],
  ['addChild with a wrong spec', ({ me }) => open(me).addAnything(new Toy(), { nam: 'x' })],
  ['addChild of what is no thread', ({ me }) => open(me).addAnything({})],
  ['addChild of one that was started', ({ me, parent }) => me.add(parent)],
  [
    'addChild of a factory that throws',
    ({ me }) =>
      me.add(() => {
        throw new Error('no');
      }),
  ],
  ['sleep of 0', ({ turn }) => turn.sleep(0)],
  ['sleep of a wrong time', ({ turn }) => turn.sleep(-1)],
  ['timeoutAfter of a wrong time', ({ turn }) => turn.timeoutAfter(-1, () => {})],
  ['timeoutAfter of work that never waits', ({ turn }) => turn.timeoutAfter(5, () => {})],
  ['shield of a wrong time', ({ turn }) => turn.shield(Number.NaN, () => {})],
  ['shield of work that never waits', ({ turn }) => turn.shield(5, () => {})],
];
