/** Law 8, and a reply that was handed on: as long as somebody else may answer, a request in its handler is no link of a circle. */
import type { Child, Reply, Turn } from '../../src/index.ts';
import { checkThreads, codeOf, grow, say, Toy, time, words } from './toys.ts';

checkThreads();

interface Question {
  readonly reply: Reply<string>;
}

/** Waits, and says how that went. */
async function tried(name: string, wait: Promise<unknown> | undefined): Promise<void> {
  try {
    const answer = await wait;
    say(`${name} ${typeof answer === 'string' ? answer : 'done'}`);
  } catch (error) {
    say(`${name} ${String(codeOf(error))}`);
  }
}

/** Hands the reply on, then says more than its parent, which waits for the answer, has room for. */
async function office(handOn: (question: Question, me: Toy, turn: Turn<unknown>) => unknown): Promise<Child<Toy>> {
  const top = new Toy({ childSignal: () => {}, signal: (_s, _me, turn) => tried('ask', ask(turn)) });
  const root = await grow(top);
  const desk: Child<Toy> = await top.add(
    new Toy(
      {
        signal: async (question, me, turn) => {
          await handOn(question as Question, me, turn);
          await turn.sendToParent('first');
          await tried('report', turn.sendToParent('second'));
        },
      },
      { name: 'desk', outbox: { capacity: 1 } },
    ),
  );
  const ask = (turn: Turn<unknown>): Promise<string> => turn.ask<Toy, string>(desk, (reply) => ({ reply }));
  return root;
}

/** Takes its time, and then answers what `find` finds. */
function clerk(find: (signal: never) => Reply<string>): Toy {
  return new Toy({
    signal: async (signal, _me, turn) => {
      await turn.sleep(20);
      find(signal as never).with('from below');
    },
  });
}

/** Puts what it is given on a pile, which a task works off. */
function pile(answers: boolean): Toy {
  const jobs: Question[] = [];
  return new Toy({
    signal: (question, me) => {
      jobs.push(question as Question);
      me.tasks.reCreate('work', async (turn) => {
        await turn.sleep(20);
        if (answers) jobs.shift()?.reply.with('from below');
      });
    },
  });
}

const send = async (me: Toy, turn: Turn<unknown>, below: Toy, signal: unknown): Promise<void> => {
  await turn.send(await me.add(below), signal);
};

test.each<[string, (question: Question, me: Toy, turn: Turn<unknown>) => unknown]>([
  [
    'deep in a signal',
    ({ reply }, me, turn) =>
      send(
        me,
        turn,
        clerk(({ job: [one] }: { job: [Question] }) => one.reply),
        { job: [{ reply }] },
      ),
  ],
  [
    'in a function',
    ({ reply }, me, turn) =>
      send(
        me,
        turn,
        clerk((take: () => Reply<string>) => take()),
        () => reply,
      ),
  ],
  ['to a pile that a task below works off', (question, me, turn) => send(me, turn, pile(true), question)],
  [
    'to one two levels below',
    (question, me, turn) =>
      send(me, turn, new Toy({ signal: (s, mid, inner) => send(mid, inner, pile(true), s) }), question),
  ],
  [
    'by the factory of a child whose enter answers',
    ({ reply }, me) =>
      void me.add(() => new Toy({ enter: (_me, turn) => turn.sleep(20).then(() => reply.with('from below')) })),
  ],
])('is no alarm where it went %s', async (_way, handOn) => {
  const root = await office(handOn);
  void root.send('go');
  await time().advance(19);
  expect(words).toEqual([]);
  await time().advance(1);
  expect(words).toEqual(['ask from below', 'report done']);
});

test.each<[string, (question: Question, me: Toy, turn: Turn<unknown>) => unknown]>([
  ['the last task below has ended', (question, me, turn) => send(me, turn, pile(false), question)],
  ['its own last task has ended', (_question, me) => me.tasks.reCreate('other', (turn) => turn.sleep(20))],
  ['the last enter below is done', (_question, me) => void me.add(new Toy({ enter: (_me, turn) => turn.sleep(20) }))],
])('is found when %s without an answer', async (_when, handOn) => {
  const root = await office(handOn);
  void root.send('go');
  await time().advance(19);
  expect(words).toEqual([]);
  await time().advance(1);
  expect(words).toEqual(['report TT_DEADLOCK']);
});
