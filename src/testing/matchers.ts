/**
 * Matchers for jest and for runners that have its `expect.extend`: a plain object, so that no runner is needed.
 *
 *     expect.extend(matchers);
 *     expect(child).toHaveEnded('stopped');
 */
import { type Books, imbalance } from '../intercom/books.ts';
import { describeValue } from '../kernel/describe.ts';
import type { AnyChild } from '../taskthread/child.ts';
import type { OutcomeKind } from '../taskthread/lifecycle.ts';
import type { ThreadSnapshot } from '../taskthread/snapshot.ts';

/** What a matcher answers. */
export interface Match {
  readonly pass: boolean;
  readonly message: () => string;
}

/** The matchers as `expect` has them once it is extended: for the types of a test. */
export interface TaskThreadMatchers<R> {
  /** The thread has ended, in this way if one is given. */
  toHaveEnded(kind?: OutcomeKind): R;
  /** The books of every lane of this thread and of all below it add up. */
  toHaveExactBooks(): R;
  /** The thread, or one below it, waits for this: a part of the words that its snapshot has. */
  toWaitFor(what: string): R;
  /** A list of words, or what has `words`, has these in this order, with others in between. */
  toHaveSaid(words: readonly string[]): R;
}

function match(pass: boolean, what: string, seen: string): Match {
  return { pass, message: () => (pass ? `not expected: ${what}` : `expected ${what}, but ${seen}`) };
}

export const matchers = {
  toHaveEnded({ path, outcome, state }: AnyChild, kind?: OutcomeKind): Match {
    const pass = outcome !== undefined && (kind === undefined || outcome.kind === kind);
    return match(
      pass,
      `${path} to have ended${kind === undefined ? '' : ` as ${kind}`}`,
      `it is ${outcome?.kind ?? state}`,
    );
  },

  toHaveExactBooks(child: AnyChild): Match {
    const wrong = wrongBooks(child.snapshot());
    return match(wrong === undefined, `the books of ${child.path} to be exact`, wrong ?? 'they are');
  },

  toWaitFor(child: AnyChild, what: string): Match {
    const waits = waitsOf(child.snapshot());
    const pass = waits.some((wait) => wait.includes(what));
    return match(pass, `${child.path} to wait for ${what}`, `it waits for ${waits.join('; ') || 'nothing'}`);
  },

  toHaveSaid(said: readonly string[] | { readonly words: readonly string[] }, words: readonly string[]): Match {
    const all = 'words' in said ? said.words : said;
    let found = 0;
    for (const word of all) if (word === words[found]) found++;
    const missing = found === words.length ? 'they were' : `${describeValue(words[found])} was not said in its place`;
    return match(found === words.length, `the words ${describeValue(words)} to be said in order`, missing);
  },
};

function wrongBooks({ path, edge, children }: ThreadSnapshot): string | undefined {
  const wrong = wrongLane(`the inbox of ${path}`, edge.down) ?? wrongLane(`the outbox of ${path}`, edge.up);
  if (wrong !== undefined) return wrong;
  for (const child of children) {
    const below = wrongBooks(child);
    if (below !== undefined) return below;
  }
  return undefined;
}

function wrongLane(name: string, books: Books | undefined): string | undefined {
  const wrong = books && imbalance(books);
  return wrong === undefined ? undefined : `in ${name} ${wrong}`;
}

function waitsOf({ waits, children }: ThreadSnapshot): string[] {
  return [...waits.map(({ on }) => on), ...children.flatMap(waitsOf)];
}
