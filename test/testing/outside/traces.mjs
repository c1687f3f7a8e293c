/** Prints one digest over the traces of many simulated runs: it is the same on every version of Node. */
import { createHash } from 'node:crypto';
import { TaskThread } from 'taskthread';
import { simulate } from 'taskthread/testing';

class WorkerThread extends TaskThread {
  signalHandler(word, turn) {
    return word.reply === undefined ? turn.sendToParent(`did ${word.job}`) : word.reply.with(word.job);
  }
}

class MasterThread extends TaskThread {
  constructor(say) {
    super();
    this.say = say;
  }

  async enter() {
    const workers = [];
    for (let i = 0; i < 2; i++) {
      workers.push(await this.addChild(() => new WorkerThread({ inbox: { capacity: 2 } }), { onFailure: 'ignore' }));
    }
    for (const name of ['a', 'b', 'c', 'd', 'e']) this.tasks.reCreate(name, (turn) => this.work(name, workers, turn));
  }

  async work(name, workers, turn) {
    for (let i = 0; i < 10; i++) {
      const worker = workers[i % workers.length];
      this.say(`${name}${i}`);
      if (i % 4 === 3) await turn.ask(worker, (reply) => ({ job: i, reply }), { timeoutMs: 5 }).catch(() => {});
      else await turn.send(worker, { job: i })?.catch(() => {});
      await turn.sleep(i % 3);
    }
  }

  childSignalHandler(word) {
    this.say(word);
  }
}

const faultsOfThreads = { crash: 0.01, late: 0.05, hang: 0.002, delay: 0.05 };
const faultsOfLinks = { drop: 0.05, duplicate: 0.05, cut: 0.01 };

const digest = createHash('sha256');
for (const strategy of ['in-order', 'random', 'priority', 'delay']) {
  for (let seed = 0; seed < 25; seed++) {
    const faults = [{}, { faults: faultsOfThreads }, { faults: faultsOfLinks }][seed % 3];
    const { trace } = await simulate({ seed, strategy, ...faults }, async (sim) => {
      const root = await sim.start(() => new MasterThread((word) => sim.say(word)));
      await sim.sleep(30);
      await root.stop({ drainMs: 20, cancelMs: 20 });
    });
    digest.update(trace.join('\n'));
  }
}
process.stdout.write(`${digest.digest('hex')}\n`);
