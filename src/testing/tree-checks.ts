/**
 * What must hold of every tree of a simulation: after each step (books, bounds, no orphan), whenever nothing can run (nothing left
 * lying, nobody waiting for a place that is there), and at the end (all that was accepted was handled, or told as lost). Each
 * check gives what is wrong in words, or nothing.
 */
import { imbalance } from '../intercom/books.ts';
import type { Lane } from '../intercom/lane.ts';
import type { LifecycleRecord } from '../kernel/probe.ts';
import { ThreadLife } from '../taskthread/thread-life.ts';
import { isInjected } from './faults.ts';

/** So many threads are looked at after one step; of larger trees all are when nothing can run. */
const AT_ONCE = 32;

export interface Wrong {
  /** In a few words that stay the same for the same fault. */
  readonly kind: string;
  readonly text: string;
}

/** The threads of a simulation, as they were first seen. */
export class TreeChecks {
  readonly #lives: ThreadLife[] = [];
  readonly #roots: ThreadLife[] = [];
  /** How many signals each lane has told as lost; undefined as long as nothing was told to us. */
  #told: Map<string, number> | undefined;
  readonly #all: ThreadLife[] = [];
  /** Roots whose failure, if they fail, the program looks at. */
  readonly #left = new Set<ThreadLife>();
  #next = 0;

  /** To be told of all that the trees report. */
  readonly onRecord = (record: LifecycleRecord): void => {
    this.#told ??= new Map();
    if (record.kind !== 'dead-letter') return;
    const lane = nameOf(record.path, record.direction);
    this.#told.set(lane, (this.#told.get(lane) ?? 0) + 1);
  };

  saw(life: ThreadLife): void {
    this.#lives.push(life);
    this.#all.push(life);
    if (life.edge.parent.outside) this.#roots.push(life);
  }

  get roots(): readonly ThreadLife[] {
    return this.#roots;
  }

  leaveFailureOf(root: ThreadLife): void {
    this.#left.add(root);
  }

  afterStep(): Wrong | undefined {
    for (let left = Math.min(AT_ONCE, this.#lives.length); left > 0; left--) {
      if (this.#next >= this.#lives.length) this.#next = 0;
      const life = this.#lives[this.#next]!;
      const wrong = wrongOf(life);
      if (wrong !== undefined) return wrong;
      if (life.ended) this.#forget(this.#next);
      else this.#next++;
    }
    return undefined;
  }

  /** Nothing can run: whatever is queued waits for a receiver that is busy, and who waits for a place finds none. */
  atRest(): Wrong | undefined {
    for (const life of this.#lives) {
      const wrong = wrongOf(life) ?? leftLying(life);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }

  /** The program is over. */
  atEnd(): Wrong | undefined {
    for (const life of this.#lives) {
      if (!life.ended) return { kind: 'an orphan', text: `${life.path} lives on after the program` };
    }
    for (const { edge } of this.#all) {
      const wrong = (edge.down && this.#unfinished(edge.down)) ?? (edge.up && this.#unfinished(edge.up));
      if (wrong !== undefined) return wrong;
    }
    for (const root of this.#roots) {
      const { outcome, path, hasEntered } = root;
      if (this.#left.has(root)) continue;
      // What fails in `enter` is given to who has started it; nobody there is an unhandled rejection.
      if (outcome?.kind !== 'failed' || !hasEntered || isInjected(outcome.error)) continue;
      return { kind: 'a root has failed', text: `${path}: ${String(outcome.error)}` };
    }
    return undefined;
  }

  #unfinished(lane: Lane): Wrong | undefined {
    const { queued, inFlight, waiting, dropped, deadLettered } = lane.snapshot();
    const name = nameOf(lane.owner.path, lane.direction);
    if (queued + inFlight + waiting > 0) {
      return {
        kind: 'lost without a word',
        text: `${name}: ${queued} queued, ${inFlight} in flight, ${waiting} waiting`,
      };
    }
    // A batch counts as many as it has, and is told once.
    if (this.#told === undefined || lane.options.countOf !== undefined) return undefined;
    const told = this.#told.get(name) ?? 0;
    if (told === dropped + deadLettered) return undefined;
    return { kind: 'lost without a word', text: `${name}: ${dropped + deadLettered} are lost, ${told} were told` };
  }

  #forget(place: number): void {
    const last = this.#lives.pop()!;
    if (place < this.#lives.length) this.#lives[place] = last;
  }
}

function wrongOf(life: ThreadLife): Wrong | undefined {
  const { edge } = life;
  const again = (edge.supervised?.redeliver ?? 0) > 0 ? 1 : 0;
  const wrong = (edge.down && booksOf(edge.down, again)) ?? (edge.up && booksOf(edge.up, 0));
  if (wrong !== undefined) return { kind: 'the books do not add up', text: `${life.path}, ${wrong}` };
  if (!life.ended && edge.parent instanceof ThreadLife && edge.parent.ended) {
    return { kind: 'an orphan', text: `${life.path} lives, its parent has ended` };
  }
  return undefined;
}

/** `again`: so many may be put back, into a lane that has filled while they were handled. */
function booksOf(lane: Lane, again: number): string | undefined {
  const books = lane.snapshot();
  const { capacity, countOf } = lane.options;
  const most = capacity + Math.max(0, again - books.inFlight);
  const over = countOf === undefined && books.queued > most ? `${books.queued} of ${capacity} are queued` : undefined;
  const wrong = imbalance(books) ?? over;
  return wrong === undefined ? undefined : `${lane.direction} lane: ${wrong}`;
}

function nameOf(path: string, direction: 'down' | 'up'): string {
  return `${direction} lane of ${path}`;
}

function leftLying(life: ThreadLife): Wrong | undefined {
  const { down, up, parent, held } = life.edge;
  return (
    (down && leftInLane(down, life, held)) ??
    (up && parent instanceof ThreadLife ? leftInLane(up, parent, false) : undefined)
  );
}

/** `held`: what is queued is for another incarnation, or goes with the edge where none follows. */
function leftInLane(lane: Lane, receiver: ThreadLife, held: boolean): Wrong | undefined {
  const { capacity, sizeOf, countOf } = lane.options;
  const { queued, waiting } = lane.snapshot();
  const name = nameOf(lane.owner.path, lane.direction);
  const weighed = countOf !== undefined || sizeOf !== undefined;
  if (waiting > 0 && queued <= (weighed ? 0 : capacity >> 1)) {
    return { kind: 'a sender waits although there is room', text: `${name}: ${queued} of ${capacity} are queued` };
  }
  const listens = (receiver.state === 'running' || receiver.state === 'stopping') && !receiver.busy && !receiver.deaf;
  if (queued === 0 || held || !listens) return undefined;
  return { kind: 'left lying', text: `${name}: ${queued} queued, and ${receiver.path} has nothing to do` };
}
