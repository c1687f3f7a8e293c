/**
 * A parent for a thread under test: starts it, and writes down what it does as seen from above: its signals, and how it ended.
 *
 *     const probe = new ProbeThread(() => new Thermometer());
 *     const root = await time.run(start(probe, time.options));
 *     await probe.child.send('measure');
 *     await time.settle();
 *     expect(probe.signals).toEqual([{ celsius: 20 }]);
 */
import { describeValue, messageOf } from '../kernel/describe.ts';
import { NotStartedError } from '../kernel/errors.ts';
import type { AnyChild, Child, UpOf } from '../taskthread/child.ts';
import type { Outcome } from '../taskthread/lifecycle.ts';
import type { ChildSpec } from '../taskthread/spec.ts';
import { TaskThread } from '../taskthread/taskthread.ts';

export class ProbeThread<C extends TaskThread<never, unknown, never>> extends TaskThread {
  /** What the child has sent, in order. */
  readonly signals: UpOf<C>[] = [];
  /** Signals and the end, in one list of words: `signal "hello"`, `ended: stopped`. */
  readonly words: string[] = [];
  /** How the child ended; undefined while it lives. */
  outcome: Outcome | undefined;
  readonly #make: () => C;
  readonly #spec: ChildSpec;
  #child: Child<C> | undefined;

  /** `spec` is the child's, as for `addChild`; a failure is recorded, and fails nobody, unless it says otherwise. */
  constructor(make: () => C, spec: ChildSpec = {}) {
    super({ name: 'Probe' });
    this.#make = make;
    this.#spec = spec;
  }

  /** The handle of the child. Errors: `TT_NOT_STARTED` before its `enter` is done. */
  get child(): Child<C> {
    if (this.#child === undefined) throw new NotStartedError('the child of a ProbeThread');
    return this.#child;
  }

  protected override async enter(): Promise<void> {
    const onSignal = (signal: UpOf<C>): void => {
      this.signals.push(signal);
      this.words.push(`signal ${describeValue(signal)}`);
    };
    const spec = { onFailure: 'ignore', ...this.#spec, onSignal } as const;
    this.#child = await (this.addChild as (make: () => C, spec: object) => Promise<Child<C>>)(this.#make, spec);
  }

  protected override childEnded(_child: AnyChild, outcome: Outcome): void {
    this.outcome = outcome;
    const why = outcome.kind === 'failed' ? ` with ${messageOf(outcome.error)}` : '';
    this.words.push(`ended: ${outcome.kind}${why}`);
  }
}
