/** Law 22: protocols are typed both ways. Compiled, never run (test/house/type-tests.test.ts). */
import {
  type AnyChild,
  type Child,
  type ChildSpec,
  type Reply,
  type RestartSpec,
  type RestartStrategy,
  start,
  TaskThread,
  type TaskTurn,
  type Turn,
} from 'taskthread';

type Packet = { readonly kind: 'packet'; readonly bytes: Buffer };
type Frames = { readonly kind: 'frames'; readonly frames: readonly Buffer[] };
type Question = { readonly kind: 'question'; readonly reply: Reply<number> };

class Processor extends TaskThread<Packet | Question, Frames> {
  protected override signalHandler(signal: Packet | Question, turn: Turn<Frames>): unknown {
    if (signal.kind === 'question') {
      signal.reply.with(1);
      // @ts-expect-error TS2345: the answer is a number
      signal.reply.with('1');
    }
    // @ts-expect-error TS2345: frames go up, packets do not
    void turn.sendToParent(signal);
    // @ts-expect-error TS2345: the same with the thread's own word
    void this.sendToParent('frames');
    return turn.sendToParent({ kind: 'frames', frames: [] });
  }
}

class Silent extends TaskThread {}
class Chatter extends TaskThread<never, string> {}

class Connection extends TaskThread<never, Frames, Frames> {
  #processor!: Child<Processor>;

  protected override async enter(turn: Turn<Frames>): Promise<void> {
    this.#processor = await this.addChild(() => new Processor());
    await this.addChild(new Silent());
    // @ts-expect-error TS2345: a connection takes no strings from its children
    await this.addChild(() => new Chatter());
    const chatter = await this.addChild(() => new Chatter(), {
      onSignal: (signal, child, inner) => {
        const text: string = signal;
        const known: Child<Chatter> = child;
        // @ts-expect-error TS2345: what goes up is frames, here too
        void inner.sendToParent(text);
        return known.id;
      },
    });
    // @ts-expect-error TS2769: the listener takes what this child sends
    await this.addChild(() => new Chatter(), { onSignal: (signal: number) => signal });
    // @ts-expect-error TS2345: a silent child takes nothing
    void turn.send(chatter, 'hello');
    void turn.send(this.#processor, { kind: 'packet', bytes: Buffer.alloc(0) });
    // @ts-expect-error TS2322: a processor takes no frames
    void turn.send(this.#processor, { kind: 'frames', frames: [] });
    // @ts-expect-error TS2345: the same by the handle
    void this.#processor.send('packet');
    // @ts-expect-error TS2345: and without waiting
    this.#processor.trySend(5);
    const answer: number = await turn.ask(this.#processor, (reply: Reply<number>) => ({ kind: 'question', reply }));
    // @ts-expect-error TS2322: the answer is of the type of the reply
    const wrong: string = await turn.ask(this.#processor, (reply: Reply<number>) => ({ kind: 'question', reply }));
    void [answer, wrong];
    this.tasks.reCreate('read', this.#read, { intake: true });
    // @ts-expect-error TS2561: a misspelt option
    this.tasks.reCreate('read', this.#read, { intak: true });
  }

  readonly #read = async (turn: TaskTurn<Frames>) => {
    await turn.sendToParent({ kind: 'frames', frames: [] });
    // @ts-expect-error TS2345: a task sends up what its thread does
    await turn.sendToParent(7);
    return turn.reSchedule({ afterMs: 5 });
  };

  protected override childSignalHandler(frames: Frames, _child: AnyChild, turn: Turn<Frames>): unknown {
    return turn.sendToParent(frames);
  }
}

class Supervisor extends TaskThread<never, Frames, Frames> {
  protected override async enter(): Promise<void> {
    const processor = await this.addChild(() => new Processor(), { restart: 'permanent', redeliver: 2, peers: 'all' });
    void processor.send({ kind: 'packet', bytes: Buffer.alloc(0) });
    // @ts-expect-error TS2345: what may be sent is as strict over a restart
    void processor.send('packet');
    // Where what it sends is listened to, it may be anything.
    await this.addChild(() => new Chatter(), {
      restart: 'transient',
      significant: true,
      onSignal: (text: string, child: Child<Chatter>, turn: Turn<Frames>) => {
        void [text.length, child.incarnation];
        return turn.sendToParent({ kind: 'frames', frames: [] });
      },
    });
    // @ts-expect-error TS2769: the listener takes what this child sends, over a restart too
    await this.addChild(() => new Chatter(), { restart: 'transient', onSignal: (signal: number) => signal });
    // @ts-expect-error TS2769: an instance has one life
    await this.addChild(new Processor(), { restart: 'permanent' });
    // @ts-expect-error TS2769: there is no such policy; OTP's temporary is `onFailure: 'ignore'`
    await this.addChild(() => new Processor(), { restart: 'temporary' });
    // @ts-expect-error TS2769: nothing is delivered again where nothing is started again
    await this.addChild(() => new Processor(), { redeliver: 1 });
    // @ts-expect-error TS2769: this thread takes no strings from its children
    await this.addChild(() => new Chatter(), { restart: 'permanent' });
    // A spec in a variable: with `restart` it wants a factory, without one either will do.
    const lasting: RestartSpec = { restart: 'permanent' };
    const plain: ChildSpec = { onFailure: 'ignore' };
    await this.addChild(() => new Processor(), lasting);
    await this.addChild(new Processor(), plain);
    // @ts-expect-error TS2769: the same instance again
    await this.addChild(new Processor(), lasting);
    void [new Supervised('one-for-all')];
    // @ts-expect-error TS2345: there is no such strategy
    void new Supervised('all-for-one');
  }
}

class Supervised extends TaskThread {
  constructor(strategy: RestartStrategy) {
    super({ supervision: { strategy, intensity: 3, periodMs: 1000, backoff: { minMs: 5 }, autoShutdown: 'any' } });
  }
}

void Supervisor;

class Finder extends TaskThread<never, never, Frames> {
  protected override enter(): void {
    const byId: AnyChild | undefined = this.findChild(5);
    const byClass: Child<Processor> | undefined = this.findChild(Processor);
    const both: Child<Processor> | undefined = this.findChild(5, Processor);
    const all: Child<Processor>[] = this.childrenOf(Processor);
    // @ts-expect-error TS2322: a child that was found by its id only is of no known type
    const known: Child<Processor> | undefined = this.findChild(5);
    // @ts-expect-error TS2345: broadcasting is typed too
    void this.sendToChildren(Processor, 'x');
    void this.sendToChildren(all, { kind: 'packet', bytes: Buffer.alloc(0) });
    void [byId, byClass, both, known];
  }
}

// @ts-expect-error TS2345: a root sends nothing up
void start(() => new Connection());
// @ts-expect-error TS2345: the listener takes what this child sends, and a root has no one to send to
void start(() => new Chatter());
void start(() => new Finder());

export async function handles(root: Child<Finder>, child: Child<Connection>): Promise<void> {
  // @ts-expect-error TS2345: a connection takes nothing from above
  await child.send({});
  await root.stop({ drainMs: 5 });
  // @ts-expect-error TS2561: a misspelt option
  await root.stop({ drain: 5 });
}
