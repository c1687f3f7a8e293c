/**
 * A job is sent down, and its acknowledgement awaited, over a link that may lose either: then it is awaited for ever. (Right: wait
 * for a while, then send the job again, under the same number.)
 */
import {
  type AnyChild,
  type Child,
  Event,
  TaskThread,
  type TaskTurn,
  TimeoutError,
  type Turn,
} from '../../../src/index.ts';
import type { SimulatedProgram } from '../../../src/testing/index.ts';

class WorkerThread extends TaskThread<number, number> {
  readonly #done = new Set<number>();

  protected override signalHandler(job: number, turn: Turn<number>) {
    this.#done.add(job);
    return turn.sendToParent(job);
  }
}

class MasterThread extends TaskThread<never, never, number> {
  readonly finished = new Event();
  #worker!: Child<WorkerThread>;
  #acknowledged = new Event();
  readonly #mended: boolean;

  constructor(mended: boolean) {
    super();
    this.#mended = mended;
  }

  protected override async enter() {
    this.#worker = await this.addChild(() => new WorkerThread());
    this.tasks.reCreate('jobs', async (turn: TaskTurn) => {
      for (let job = 1; job <= 5; job++) {
        this.#acknowledged = new Event();
        await turn.send(this.#worker, job);
        if (this.#mended) await this.#sendUntilAcknowledged(job, turn);
        else await this.#acknowledged.wait({ scope: turn }); // the fault
      }
      this.finished.set();
    });
  }

  async #sendUntilAcknowledged(job: number, turn: TaskTurn) {
    while (!this.#acknowledged.isSet) {
      try {
        await turn.timeoutAfter(20, (inner) => this.#acknowledged.wait({ scope: inner }));
      } catch (error) {
        if (!(error instanceof TimeoutError)) throw error;
        await turn.send(this.#worker, job);
      }
    }
  }

  protected override childSignalHandler(_job: number, _child: AnyChild) {
    this.#acknowledged.set();
  }
}

export function unansweredForEver(mended: boolean): SimulatedProgram {
  return async (sim) => {
    const master = new MasterThread(mended);
    await sim.start(master);
    for (let ms = 0; ms < 500 && !master.finished.isSet; ms += 10) await sim.sleep(10);
    if (!master.finished.isSet) throw new Error('the jobs are not done');
  };
}
